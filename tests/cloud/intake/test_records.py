"""What another system keeps of inspections and enforcement comes in by a table and is counted upward."""

import datetime as dt

import pytest

from cloud.reports.model import Scope, definitions
from tests.cloud.enforcement.test_enforcement import become

CHECKS = (
    "来源编号,检查类型,实施部门所在地区,企业,开始时间,检查人员,unlicensed,org_staff,撤销\n"
    "c1,对企业自查自改的抽查检查,甲县,甲公司,2026-11-02 10:00,张三、李四,是,是,\n"
    "c2,enterprise_check,甲县,乙公司,2026-11-03 10:00,张三,否,否,\n"
)
MEASURES = (
    "来源编号,措施,实施部门所在地区,企业,罚款（元）,文书编号,决定日期\n"
    "m1,行政处罚,甲县,甲公司,20000,甲建罚〔2026〕3号,2026-11-04\n"
)


@pytest.fixture
def county(web, site, trees) -> int:
    become(web, site, "county_authority", node=trees["first"])
    return trees["first"]


def bring(web, kind: str, table: str, **asked):
    headers = {"content-type": "text/csv"}
    params = {"system": "执法平台", **asked}
    return web.post(f"/intake/{kind}", params=params, headers=headers, content=table.encode())


def appendix(web, site, county) -> dict:
    for source in ("inspections", "enforcement"):
        assert web.post("/sources", json={"source": source, "node": county, "since": "2026-01-01"}).is_success
    site.connection.execute(
        "INSERT INTO campaign (campaign, node, template, made_at, author)"
        " VALUES ('changji-2023', %s, 'changji-2023', now(), 'test') ON CONFLICT DO NOTHING",
        [county],
    )
    scope = Scope(
        node=county,
        campaign="changji-2023",
        since=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        cut_off=dt.datetime(2026, 12, 1, tzinfo=dt.UTC),
        known_at=dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    )
    values = definitions()["appendix_1"].compute(site.connection, scope).values
    return {cell: values[cell]["value"] for cell in ("b1", "b5", "b6", "c3")}


def test_what_came_by_a_table_is_counted_in_the_dispatch_table(web, site, county):
    assert bring(web, "inspections", CHECKS).json()["added"] == 2
    assert bring(web, "enforcement", MEASURES).json()["added"] == 1
    assert appendix(web, site, county) == {"b1": 2, "b5": 1, "b6": 1, "c3": 1}
    again = bring(web, "inspections", CHECKS).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    listed = web.get("/inspections").json()["items"]
    assert {(one["system"], one["seq"], one["signed"]) for one in listed} == {("执法平台", 1, False)}


def test_what_the_other_system_changes_is_a_correction_and_may_take_it_back(web, site, county):
    bring(web, "inspections", CHECKS)
    bring(web, "enforcement", MEASURES)
    mended = bring(
        web, "inspections", CHECKS.replace("是,是,\n", "否,是,\n").replace("否,否,\n", "否,否,是\n")
    )
    assert mended.json()["changed"] == 2
    assert bring(web, "enforcement", MEASURES.replace("20000", "30000.50")).json()["changed"] == 1
    assert appendix(web, site, county) == {"b1": 1, "b5": 0, "b6": 0, "c3": 1}
    [measure] = web.get("/enforcement").json()["items"]
    assert (measure["amount"], measure["seq"], measure["system"]) == ("30000.50", 2, "执法平台")
    before = web.get(f"/enforcement/{measure['id']}").json()["before"]
    assert [one["amount"] for one in before] == ["20000.00"]


def test_what_does_not_fit_is_said_by_line_and_column_and_nothing_is_kept(web, site, trees, county):
    wrong = (
        CHECKS + "c3,企业自查,,,2026-11-03 10:00,,,,\nc4,企业自查,甲县,某公司,2026-11-03 10:00,,,,\n"
        "c5,enterprise_check,甲县,,2026-11-03 10:00,,,,\nc6,enterprise_check,乙县,丙公司,明天,,,,\n"
        "c7,enterprise_check,乙县,丙公司,2026-11-03 10:00,,,,\n"
    )
    errors = bring(web, "inspections", wrong, dry_run=True).json()["errors"]
    assert [(one["line"], one["field"]) for one in errors] == [
        (4, "实施部门所在地区"),
        (5, "检查类型"),
        (6, "工地"),
        (7, "开始时间"),
        (8, "实施部门所在地区"),
    ]
    assert bring(web, "inspections", wrong).status_code == 422
    assert site.value("SELECT count(*) FROM inspection") == 0
    poor = bring(web, "enforcement", MEASURES.replace("20000", "").replace("甲建罚〔2026〕3号", ""))
    assert [one["values"]["zh"].split("：")[0] for one in poor.json()["errors"]] == [
        "第 2 行 罚款（元）",
        "第 2 行 文书编号",
    ]


def test_whose_role_records_none_brings_none(web, site, trees):
    become(web, site, "project_manager", site="demo")
    assert bring(web, "enforcement", MEASURES).status_code == 403
    assert bring(web, "inspections", CHECKS).status_code == 422
    own = "来源编号,检查类型,工地,开始时间,key_posts\ns1,企业自查,demo,2026-11-03 10:00,否\n"
    assert bring(web, "inspections", own).json()["added"] == 1
    [one] = web.get("/inspections").json()["items"]
    assert (one["acting_level"], one["site"], one["findings"]) == ("project", "demo", ["key_posts"])
