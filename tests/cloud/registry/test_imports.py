"""A table says first what it would do, and then does exactly that, all of it or nothing."""

from base64 import b64encode

import httpx
import pytest

from cloud.registry.columns import CHART, TABLES
from cloud.registry.sheets import SheetError, read_sheet, template
from tests.cloud.registry.records import CHART as OF_CRANE
from tests.cloud.registry.records import CRANE, OPERATOR, PIT, POINT, Registry, day, problem

DEVICES = """设备编号,类型,名称,型号,产权备案编号,租赁单位,起重臂长（m）
crane-1,塔机,1号塔机,TC5610,晋A-T00001,某租赁公司,56
crane-2,塔式起重机,2号塔机,TC6013,晋A-T00002,,
"""
OPERATORS = """姓名,工种,证书编号,有效期止,设备编号
张三,塔式起重机司机,T-0001,2030/5/1,crane-1
李四,信号工,T-0002,2030-05-01,
"""
POINTS = """测点,基坑,监测项目,名称,设计文件,水平位移累计设计控制值,f2_kn
pit-1/hd_1,pit-a,水平位移累计值,坑顶 1,JK-03,25,
pit-1/strut_1,pit-a,支撑轴力,一道撑,JK-03,,1800
"""
LOADS = """倍率,幅度（m）,额定起重量（t）
2,14,6
2,30,2.35
2,56,1.0
"""


class Importing(Registry):
    """The same, with tables."""

    def bring(self, what: str, text: str | bytes, **asked) -> httpx.Response:
        content = text.encode() if isinstance(text, str) else text
        body = {"content": b64encode(content).decode(), **asked}
        return self.web.post(f"{self.base}/imports/{what}", json=body)

    def tried(self, what: str, text: str | bytes, **asked) -> dict:
        answer = self.bring(what, text, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, what: str, text: str | bytes, **asked) -> dict:
        """Looked at and agreed to."""
        return self.tried(what, text, agreed=self.tried(what, text, **asked)["agreed"], **asked)


@pytest.fixture
def registry(web):
    return Importing(web)


def fields(row: dict) -> dict:
    return {change["field"]: (change["before"], change["after"]) for change in row["fields"]}


def errors(report: dict) -> list[tuple[int, str]]:
    return [(error["line"], error["field"]) for error in report["errors"]]


def test_a_trial_says_what_would_be_and_changes_nothing(registry):
    registry.make("devices", CRANE)
    report = registry.tried("devices", DEVICES)
    assert [row["key"] for row in report["added"]] == ["crane-2"]
    assert [(row["line"], fields(row)) for row in report["changed"]] == []
    assert (report["unchanged"], report["errors"], report["is_applied"]) == (1, [], False)
    assert [device["id"] for device in registry.items("devices")] == ["crane-1"]


def test_what_was_agreed_is_done_and_signed(registry):
    registry.make("devices", CRANE)
    text = DEVICES.replace("TC5610", "TC5613").replace(",56\n", ",60\n")
    report = registry.done("devices", text)
    (changed,) = report["changed"]
    assert fields(changed) == {"model": ("TC5610", "TC5613"), "geometry.jib_m": (56, 60)}
    assert report["is_applied"]
    found = {device["id"]: device for device in registry.items("devices")}
    assert (found["crane-1"]["model"], found["crane-1"]["maker"]) == ("TC5613", "某重工")
    assert [party["role"] for party in found["crane-1"]["parties"]] == ["lessor", "installer"]
    assert found["crane-2"]["name"] == {"zh": "2号塔机", "en": "2号塔机"}
    assert {change["author"] for change in registry.changes(record="device_file")} == {"安全员"}
    again = registry.tried("devices", text)
    assert (again["added"], again["changed"], again["unchanged"]) == ([], [], 2)


def test_what_changed_since_it_was_looked_at_is_not_done(registry):
    made = registry.make("devices", CRANE)
    agreed = registry.tried("devices", DEVICES)["agreed"]
    registry.change("devices", "crane-1", {**CRANE, "note": "改"}, made["version"])
    assert problem(registry.bring("devices", DEVICES, agreed=agreed)) == (409, "not-what-was-agreed", [])
    other = registry.bring("devices", DEVICES.replace("TC6013", "TC7013"), agreed=agreed)
    assert problem(other) == (409, "not-what-was-agreed", [])
    assert [device["id"] for device in registry.items("devices")] == ["crane-1"]


def test_one_wrong_line_and_nothing_is_done(registry):
    registry.make("devices", CRANE)
    wrong = (
        "crane-3,飞机,3号",
        "crane-1,塔机,又一台",
        "crane-4,塔机,",
        "crane-5,塔机,5号,,,,x",
        "Crane 6,塔机,6号",
    )
    text = DEVICES + "\n".join(wrong)
    report = registry.tried("devices", text)
    assert errors(report) == [
        (4, "类型"),
        (5, "设备编号"),
        (6, "名称"),
        (7, "起重臂长（m）"),
        (8, "设备编号"),
    ]
    assert all(error["mend"]["zh"] and error["mend"]["en"] for error in report["errors"])
    assert report["agreed"] is None
    assert problem(registry.bring("devices", text, agreed="0" * 64)) == (409, "not-what-was-agreed", [])
    assert [device["id"] for device in registry.items("devices")] == ["crane-1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["comma", "tab"])
def test_tables_come_as_excel_saves_them(registry, encoding, delimiter):
    registry.make("devices", CRANE)
    text = OPERATORS.replace(",", delimiter).replace("\n", "\r\n").encode(encoding)
    assert len(registry.done("operators", text)["added"]) == 2
    found = {item["certificate_no"]: item for item in registry.items("operators")}
    assert found["T-0001"]["name"] == "张三"
    assert (found["T-0001"]["valid_until"], found["T-0001"]["devices"]) == ("2030-05-01", ["crane-1"])
    assert found["T-0002"]["trade"] == "signaller"


def test_an_operator_is_known_by_the_certificate(registry):
    registry.make("devices", CRANE)
    made = registry.make("operators", OPERATOR, certificate_no="T-0001", note="老师傅")
    report = registry.done("operators", OPERATORS)
    assert [row["key"] for row in report["changed"]] == ["T-0001"]
    found = registry.read("operators", made["id"])
    assert (found["valid_until"], found["note"], found["version"]) == ("2030-05-01", "老师傅", 2)


def test_a_device_that_is_not_there_is_told_with_its_line(registry):
    report = registry.tried("operators", OPERATORS)
    assert errors(report) == [(2, "设备编号")]
    assert "crane-1" in report["errors"][0]["message"]["zh"]


def test_design_values_come_by_the_names_or_the_words_of_the_packs(registry):
    registry.make("pits", PIT)
    registry.make("points", POINT, parameters={"control_cumulative_mm": 30, "f1_kpa": 5})
    report = registry.done("points", POINTS)
    (changed,) = report["changed"]
    assert fields(changed)["parameters.control_cumulative_mm"] == (30, 25)
    assert changed["fields"][-1]["title"]
    found = {item["id"]: item["parameters"] for item in registry.items("points")}
    assert found == {
        "pit-1/hd_1": {"control_cumulative_mm": 25, "f1_kpa": 5},
        "pit-1/strut_1": {"f2_kn": 1800},
    }


class TestLoadChart:
    """It is brought whole, checked for order, and never says more than its maker."""

    ASKED = {"device": "crane-1", "source": "TC5610 manual"}  # noqa: RUF012  never changed

    @pytest.fixture
    def crane(self, registry):
        registry.make("devices", CRANE)
        return registry

    def test_it_becomes_the_crane_s(self, crane):
        assert len(crane.done("load-chart", LOADS, **self.ASKED)["added"]) == 3
        assert crane.read("charts", "crane-1")["falls"] == {"2": [[14, 6], [30, 2.35], [56, 1]]}
        assert crane.read("devices", "crane-1")["has_chart"]

    def test_the_trial_tells_point_by_point(self, crane):
        crane.make("charts", OF_CRANE)
        text = LOADS.replace("2,14,6\n", "").replace("2.35", "2.3") + "4,14,6\n"
        report = crane.tried("load-chart", text, **self.ASKED)
        assert [(row["line"], row["key"]) for row in report["added"]] == [(4, "4 × 14 m")]
        assert [(row["key"], fields(row)) for row in report["changed"]] == [
            ("2 × 30 m", {"load_t": (2.35, 2.3)})
        ]
        assert [(row["line"], row["key"]) for row in report["removed"]] == [(0, "2 × 14 m")]

    @pytest.mark.parametrize(
        ("old", "new", "where"),
        [
            ("2.35", "6.1", [(3, "额定起重量")]),
            ("2,56,", "2,20,", [(4, "幅度")]),
            ("2,14,", "0,14,", [(2, "倍率")]),
            ("2,14,6", "2,-1,6", [(2, "幅度")]),
            ("2.35", "much", [(3, "额定起重量（t）")]),
        ],
    )
    def test_a_chart_that_cannot_be_is_told_with_its_line(self, crane, old, new, where):
        report = crane.tried("load-chart", LOADS.replace(old, new), **self.ASKED)
        assert errors(report) == where

    def test_it_says_whose_it_is(self, crane):
        assert problem(crane.bring("load-chart", LOADS)) == (422, "invalid", ["device"])


@pytest.mark.parametrize("what", [*TABLES, "load-chart"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_a_table_that_is_understood(web, what, language):
    answer = web.get(f"/registry/templates/{what}.csv", params={"language": language})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    columns = CHART if what == "load-chart" else TABLES[what]().columns
    assert len(read_sheet(answer.content, columns).titles) == len(columns)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 0, "is empty"),
        (b"\xff\xfea\0", 0, "UTF-16"),
        (b"PK\3\4", 0, "workbook"),
        (b"\x81\xff\xff", 0, "neither UTF-8 nor GB18030"),
        ("倍率,幅度,颜色\n".encode(), 1, "`颜色` is no known column"),
        ("倍率,幅度\n".encode(), 1, "额定起重量 is missing"),
        ("倍率,倍率\n".encode(), 1, "is given twice"),
        (b"falls," + b" " * 100_000 + b"x\n", 1, "is no known column"),
        (b'falls,radius_m,load_t\n2,"14,6\n', 2, "cannot be read"),
        (b"falls,radius_m,load_t\n" + b"2,14,6\n" * 2001, 2002, "more than 2000 rows"),
    ],
)
def test_what_is_no_table_is_refused_with_a_mend(content, line, message):
    with pytest.raises(SheetError, match=message) as refused:
        read_sheet(content, CHART)
    assert refused.value.complaint.line == line
    assert refused.value.complaint.mend.zh


@pytest.mark.parametrize("row", ["2,14,1,200", "2,14,6,,x", "2,1_4,6"])
def test_a_row_that_would_be_misread_is_told(row):
    """An unquoted comma for thousands moves all that follows by one: 200 t where 1,200 was meant."""
    sheet = read_sheet(f"falls,radius_m,load_t\n{row}\n".encode(), CHART)
    assert [complaint.line for line in sheet.lines for complaint in line.complaints] == [2]


def test_titles_alone_are_a_template():
    assert template(CHART, in_english=True) == b"\xef\xbb\xbffalls,radius_m,load_t\r\n"


def test_a_day_is_read_as_people_write_it(registry):
    for n, text in enumerate(("2030-05-01", "2030/5/1", "2030.5.1", "2030年5月1日")):
        registry.done("operators", f"姓名,工种,证书编号,有效期止\n张三,司索工,T-{n},{text}\n")
    assert {item["valid_until"] for item in registry.items("operators")} == {"2030-05-01"}
    wrong = registry.tried("operators", f"姓名,工种,证书编号,有效期止\n张三,司索工,T-9,{day(0)[2:]}\n")
    assert errors(wrong) == [(2, "有效期止")]
