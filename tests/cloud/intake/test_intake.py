"""What other systems know is brought in once, wholly or not at all, and says when it came too late."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.intake.bringing import is_late
from cloud.intake.forgetting import KEPT, Forgetting
from cloud.intake.kinds import CraneRegistrationRow, holds_identity_number
from cloud.intake.records import EVERY
from cloud.registry.known import SiteEntry
from sitewarden.text import Text
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.site import now_ms

SITE = SiteEntry(site="demo", name=Text("工地", "Site"), time_zone="Asia/Shanghai", gateways=[])
ISSUED = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)


@pytest.fixture
def county(web, site, trees) -> int:
    become(web, site, "county_authority", node=trees["first"])
    return trees["first"]


def registration(**changes) -> dict:
    fresh = {
        "external_id": "r-1",
        "site": "demo",
        "registration_no": "登001",
        "issued_at": ISSUED.isoformat(),
    }
    return {**fresh, **changes}


def bring(web, kind: str, rows: list[dict], **asked):
    return web.post(f"/intake/{kind}", params={"system": "监管平台", **asked}, json=rows)


@pytest.mark.parametrize(("minutes", "late"), [(24 * 60, False), (24 * 60 + 1, True)])
def test_a_registration_is_late_a_minute_after_a_day(minutes, late):
    row = CraneRegistrationRow.model_validate(registration())
    assert is_late(row, SITE, ISSUED + dt.timedelta(minutes=minutes)) is late


def test_the_same_again_is_nothing_new_and_what_is_changed_a_version(web, site, county):
    first = bring(web, "crane_registrations", [registration()]).json()
    assert (first["added"], first["late"]) == (1, 1)
    again = bring(web, "crane_registrations", [registration()]).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 1)
    other = bring(web, "crane_registrations", [registration(issuer="审批局")]).json()
    assert (other["changed"], other["late"]) == (1, 1)
    assert site.rows("SELECT version, late FROM intake_now") == [(2, True)]
    seen = web.get("/sites/demo/outside").json()
    assert [one["external_id"] for one in seen["late_registrations"]] == ["r-1"]


def test_a_file_is_taken_wholly_or_not_and_says_where_it_is_wrong(web, site, county):
    table = (
        "工地,日期,人员编号,姓名,岗位,进场时间\n"
        "demo,2026-11-20,A1,张三,安全员,2026-11-20 07:30\n"
        "demo,2026-11-20,11010119900307001X,李四,安全员,2026-11-20 07:30\n"
        "nowhere,2026-11-20,A3,王五,保安,\n"
    ).encode()
    send = {"content": table, "headers": {"content-type": "text/csv"}}
    asked = {"system": "实名制", "dry_run": True}
    tried = web.post("/intake/attendance", params=asked, **send).json()
    assert [(one["line"], one["field"]) for one in tried["errors"]] == [(3, ""), (4, "岗位")]
    refused = web.post("/intake/attendance", params={"system": "实名制"}, **send)
    assert refused.status_code == 422
    assert [one["line"] for one in refused.json()["errors"]] == [3, 4]
    assert site.value("SELECT count(*) FROM attendance") == 0
    good = {**send, "content": b"\n".join(table.split(b"\n")[:2])}
    assert web.post("/intake/attendance", params=asked, **good).json()["added"] == 1
    assert site.value("SELECT count(*) FROM attendance") == 0
    assert web.post("/intake/attendance", params={"system": "实名制"}, **good).json()["is_applied"] is True
    assert site.value("SELECT first_in AT TIME ZONE 'UTC' FROM attendance").hour == 23


def test_nobody_brings_in_for_a_site_that_is_not_his(web, site, trees, county):
    north = bring(web, "crane_registrations", [registration(site="north")])
    assert north.status_code == 422
    become(web, site, "project_manager", site="demo")
    assert bring(web, "crane_registrations", [registration()]).status_code == 403
    become(web, site, "project_manager", site="north")
    assert web.get("/sites/demo/outside").status_code == 404


def test_weather_in_force_is_shown_at_the_sites_of_its_area_and_told(web, site, county):
    hour = dt.timedelta(hours=1)
    now = dt.datetime.fromtimestamp(now_ms() / 1000, dt.UTC)
    row = {"external_id": "w1", "area": "甲县", "type": "大风", "level": "orange"}
    in_force = {**row, "begins_at": (now - hour).isoformat(), "ends_at": (now + hour).isoformat()}
    over = {**in_force, "external_id": "w0", "ends_at": (now - hour / 2).isoformat()}
    assert bring(web, "weather_warnings", [in_force, over]).json()["added"] == 2
    shown = web.get("/sites/demo/outside").json()
    assert [one["external_id"] for one in shown["weather"]] == ["w1"]
    become(web, site, "admin")
    assert web.get("/sites/north/outside").json()["weather"] == []


def test_who_is_not_there_is_only_said_where_attendance_is_kept(web, site, trees, county):
    state = web.get("/sites/demo/outside").json()["attendance"]
    assert state == {"is_declared": False, "works": False, "missing": []}
    declared = {"source": "attendance", "node": county, "since": "2026-01-01"}
    assert web.post("/sources", json=declared).status_code == 200
    state = web.get("/sites/demo/outside").json()["attendance"]
    assert (state["is_declared"], state["missing"]) == (True, ["project_manager", "safety_officer"])
    foreign = web.post("/sources", json={**declared, "node": trees["second"]})
    assert foreign.status_code == 422
    assert [one["node"] for one in web.get("/sources").json()["items"]] == [county]


def test_attendance_is_forgotten_after_thirteen_months(site):
    query = (
        "INSERT INTO attendance (site, day, person, name, post, system, received_at) "
        "VALUES ('demo', %s, 'A1', '张三', 'safety_officer', 'x', now())"
    )
    today = dt.date(2026, 11, 27)
    for day in (today, today - KEPT, today - KEPT - dt.timedelta(days=1)):
        site.connection.execute(query, [day])
    at = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
    Forgetting()(site.connection, int(at.timestamp() * 1000))
    assert site.value("SELECT count(*) FROM attendance") == 2


@settings(max_examples=30)
@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.integers(0, 999), st.sampled_from("0123456789Xx")
)
def test_numbers_of_identity_cards_are_recognised(born, number, last):
    text = f"110101{born:%Y%m%d}{number:03d}{last}"
    assert holds_identity_number(text)
    assert holds_identity_number(f"身份证{text}。")
    assert not holds_identity_number(f"9{text}")


def test_every_kind_has_a_column_for_every_field_that_it_needs():
    for kind in EVERY.values():
        assert {column.field.partition(".")[0] for column in kind.columns} == set(kind.row.model_fields)
