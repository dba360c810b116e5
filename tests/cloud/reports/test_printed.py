"""The workbooks are the printed tables: title, heads, items to the letter, two in a row, ten columns."""
# ruff: noqa: E501  lines of the printed table stand as they are printed

import datetime as dt
import io

import openpyxl
import pytest

from cloud.exports import Mark
from cloud.reports.model import definitions
from tests.cloud.reports.past import Past, golden, on
from tests.cloud.reports.test_numbers import declare

JULY = on("07-01", "00:00")
MARK = Mark("张三", dt.datetime(2023, 7, 1, 1, tzinfo=dt.UTC), "Asia/Shanghai")
TITLE = "昌吉州住房和城乡建设领域重大事故隐患专项排查整治2023年行动"
UNKNOWN = "—"
DISPATCH = [
    ("总体情况", 1, "企业自查发现的重大事故隐患（个）", "3", 2, "企业自查发现重大事故隐患中已完成整改的（个）", "1"),
    (None, 3, "部门检查发现的重大事故隐患（个）", "3（州 1／县 2）", 4, "部门检查发现重大事故隐患中已完成整改的（个）", "1（州 0／县 1）"),
    (None, 5, "政府挂牌督办的重大事故隐患（个）", "2（州 1／县 1）", 6, "挂牌督办重大事故隐患中已完成整改的（个）", "1（州 0／县 1）"),
    ("对企业自查自改进行抽查检查情况", 1, "部门抽查检查的企业总数（家）", "0（州 0／县 0）", 2, "企业主要负责人未按要求亲自研究排查整治工作（家）", "0（州 0／县 0）"),
    (None, 3, "企业主要负责人未带队检查（家）", "0（州 0／县 0）", 4, "企业未制定分管负责人职责清单（家）", "0（州 0／县 0）"),
    (None, 5, "企业未依法建立安全管理机构和配足安全管理人员（家）", "0（州 0／县 0）", 6, "电焊等特种作业岗位人员无证上岗作业（家）", "0（州 0／县 0）"),
    (None, 7, "外包外租安全管理混乱（家）", "0（州 0／县 0）", 8, "未按规定开展应急演练、员工不熟悉逃生出口（家）", "0（州 0／县 0）"),
    ("部门严格规范精准执法情况", 1, "帮扶指导重点市、县（个次）", UNKNOWN, 2, "帮扶指导重点企业（家次）", UNKNOWN),
    (None, 3, "行政处罚（次，万元）", UNKNOWN, 4, "企业和企业主要负责人“一案双罚”（次）", UNKNOWN),
    (None, 5, "移送司法机关（人）", UNKNOWN, 6, "责令停产整顿（家）", UNKNOWN),
    (None, 7, "曝光、约谈、联合惩戒企业（家）", UNKNOWN, 8, "公布典型执法案例（个），其中危险作业罪案例（个）", UNKNOWN),
    (None, 9, "责任倒查追责问责（人）", UNKNOWN, 10, "约谈通报有关地区及部门（次）", UNKNOWN),
]  # fmt: skip
STATISTICS = (
    *("序号", "地（州、市）", "县（市、区）", "行业领域", "隐患单位名称", "隐患内容", "重大隐患判定依据"),
    *("计划完成整改时间", "隐患来源（企业自查/抽查检查）", "整改措施"),
)


@pytest.fixture
def past(site) -> Past:
    past = Past(site.connection)
    golden(past)
    declare(past, "inspections", past.province, "2023-05-01")
    return past


def book(past, kind: str):
    definition = definitions()[kind]
    content = definition.render(definition.compute(past.connection, past.scope(JULY)), MARK)
    return openpyxl.load_workbook(io.BytesIO(content))


def test_the_dispatch_table_is_the_printed_one_cell_by_cell(past):
    printed = book(past, "appendix_1")
    assert printed.sheetnames == ["调度表", "市县分级"]
    sheet = printed["调度表"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][0] == f"{TITLE}工作进展情况调度表"
    assert [value for value in rows[1] if value] == ["报送单位（盖章）：", "时间：2023年6月30日"]
    found = [
        tuple(str(value) if place in (3, 6) else value for place, value in enumerate(row))
        for row in rows[2:14]
    ]
    assert found == DISPATCH
    assert sheet.max_column == 7
    assert [row[0][:2] for row in rows[14:17]] == ["1.", "2.", "3."]
    assert {str(span) for span in sheet.merged_cells.ranges} >= {"A1:G1", "A3:A5", "A6:A9", "A10:A14"}
    assert "由 张三 于" in sheet.oddFooter.left.text
    said = " ".join(str(row[0]) for row in rows[17:])
    for words in ("复查合格", "待核实的疑似重大事故隐患 1 个", "仅含房屋市政工程施工", "执法记录未接入"):
        assert words in said
    levels = {
        row[0].value: [cell.value for cell in row[2:5]] for row in printed["市县分级"].iter_rows(min_row=2)
    }
    assert (levels["a3"], levels["c3.amount"]) == ([3, 1, 2], [UNKNOWN] * 3)


def test_the_statistics_table_has_its_ten_columns_and_ten_rows(past):
    rows = [[cell.value for cell in row] for row in book(past, "appendix_2")["统计表"].iter_rows()]
    assert rows[0][0] == f"{TITLE}统计表"
    assert tuple(rows[2]) == STATISTICS
    basis = "《房屋市政工程生产安全重大事故隐患判定标准（2022版）》第八条（五）"
    place = ["昌吉州", "甲县", "房屋市政工程施工", "east 项目"]
    assert rows[3] == [1, *place, "3号楼：h8 力矩限制器失效", basis, "2023-06-12", "企业自查", "更换限制器"]
    assert [row[7] or None for row in rows[3:9]] == [
        "2023-06-12",
        "2023-06-13",
        "2023-06-20",
        "立即整改 2023-06-27",
        "2023-06-16",
        None,
    ]
    assert [row[8] for row in rows[3:9]] == ["企业自查"] * 2 + ["抽查检查"] * 2 + ["企业自查", "抽查检查"]
    assert all(value is None for row in rows[9:13] for value in row)
    assert [value for value in rows[13] if value] == ["联系人：", "联系方式："]


def test_the_ledger_says_what_the_official_table_has_no_column_for(past):
    rows = [[cell.value for cell in row] for row in book(past, "ledger")["台账"].iter_rows()]
    titles = [title.split(" ")[0] for title in rows[0]]
    four = dict(zip(titles, rows[3], strict=True))
    assert (four["隐患编号"], four["状态"], four["挂牌级别"]) == ("h4", "已销号", "县级")
    assert (four["复查时间"], four["销号时间"], four["责任人"]) == (
        "2023-06-25 09:00",
        "2023-06-28 09:00",
        "王五",
    )
    assert len(rows) == 7
