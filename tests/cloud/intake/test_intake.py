"""What other systems know is brought in once, wholly or not at all, and says when it came too late."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.intake.bringing import is_late
from cloud.intake.forgetting import KEPT, Forgetting
from cloud.intake.kinds import CraneRegistrationRow, holds_identity_number
from cloud.intake.records import EVERY
from cloud.intake.store import MISSED_POSTS
from cloud.intake.watching import CredentialWatch
from cloud.notices.opening import Telling
from cloud.registry.known import SiteEntry
from sitewarden.text import Text
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.site import now_ms
from tests.cloud.web.serving import changing

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


def test_the_same_instant_by_other_clocks_is_nothing_new(web, site, county):
    here = ISSUED.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert bring(web, "crane_registrations", [registration()]).json()["added"] == 1
    again = bring(web, "crane_registrations", [registration(issued_at=here.isoformat())]).json()
    assert (again["changed"], again["unchanged"]) == (0, 1)


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
    assert [(one["line"], one["field"]) for one in tried["errors"]] == [(3, "人员编号"), (4, "岗位")]
    refused = web.post("/intake/attendance", params={"system": "实名制"}, **send)
    assert refused.status_code == 422
    assert [one["line"] for one in refused.json()["errors"]] == [3, 4]
    assert site.value("SELECT count(*) FROM attendance") == 0
    good = {**send, "content": b"\n".join(table.split(b"\n")[:2])}
    assert web.post("/intake/attendance", params=asked, **good).json()["added"] == 1
    assert site.value("SELECT count(*) FROM attendance") == 0
    assert web.post("/intake/attendance", params={"system": "实名制"}, **good).json()["is_applied"] is True
    assert site.value("SELECT first_in AT TIME ZONE 'UTC' FROM attendance").hour == 23


def test_a_row_that_nothing_can_be_made_of_is_named_with_its_field(web, site, county):
    rows = [
        registration(external_id="  "),
        registration(external_id="a\0b"),
        registration(issued_at="0001-01-01T00:00:00+08:00"),
        registration(colour="red"),
        registration(),
        registration(issuer="审批局"),
        registration(),
    ]
    tried = bring(web, "crane_registrations", rows, dry_run=True).json()
    assert [(one["line"], one["field"], one["message"]["zh"]) for one in tried["errors"]] == [
        (1, "external_id", "没有填写"),
        (2, "external_id", "含有控制字符"),
        (3, "issued_at", "年份须在 1970 与 2200 之间"),
        (4, "colour", "没有这一项"),
        (6, "external_id", "与第 5 行是同一条，内容却不同"),
    ]
    assert (tried["wrong"], tried["added"], tried["unchanged"]) == (5, 1, 1)
    broken = {"content": b'"', "headers": {"content-type": "text/csv"}}
    asked = {"system": "x", "dry_run": True}
    assert web.post("/intake/permits", params=asked, **broken).json()["wrong"] == 1


def test_a_table_may_be_as_large_as_is_said_and_the_same_from_two_at_once_is_one(web, site, county):
    rows = [registration(external_id=f"r{n}", issuer="某某市住房和城乡建设局" * 4) for n in range(300)]
    ways = [rows, rows[::-1]]
    assert len(json.dumps(rows, ensure_ascii=False).encode()) > 64 * 1024
    with ThreadPoolExecutor(2) as pool:
        brought = [one.json() for one in pool.map(lambda way: bring(web, "crane_registrations", way), ways)]
    assert sorted((one["added"], one["unchanged"]) for one in brought) == [(0, 300), (300, 0)]


def attended(**changes) -> dict:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    fresh = {"site": "demo", "day": today, "person": "A1", "name": "张三", "post": "safety_officer"}
    return {**fresh, **changes}


def test_the_same_number_in_another_system_is_another_person(web, site, county):
    assert bring(web, "attendance", [attended()]).json()["added"] == 1
    assert bring(web, "attendance", [attended(name="李四")], system="门禁").json()["added"] == 1
    assert {name for (name,) in site.rows("SELECT name FROM attendance")} == {"张三", "李四"}
    wrong = [
        attended(day="2020-01-01", person="old"),
        attended(day="2099-01-01", person="early"),
        attended(person="other", first_in="2025-11-20T07:30:00+08:00"),
    ]
    errors = bring(web, "attendance", wrong, dry_run=True).json()["errors"]
    assert [(one["line"], one["field"]) for one in errors] == [(1, "day"), (2, "day"), (3, "first_in")]


def test_a_name_that_several_bear_is_not_guessed(web, site, trees):
    for parent in (trees["first"], trees["second"]):
        town = {"kind": "town", "name": {"zh": "城关镇", "en": "Town"}, "parent": parent}
        assert web.post("/trees/territory", json={**town, "code": f"6501{parent}"}).status_code == 201
    become(web, site, "province_authority", node=trees["province"])
    check = {
        "external_id": "c1",
        "kind": "enterprise_check",
        "area": "城关镇",
        "enterprise": "甲公司",
        "started_at": ISSUED.isoformat(),
    }
    (error,) = bring(web, "inspections", [check], dry_run=True).json()["errors"]
    assert (error["field"], error["message"]["zh"]) == ("area", "有几个“城关镇”")
    assert bring(web, "inspections", [{**check, "area": f"6501{trees['first']}"}]).json()["added"] == 1
    assert site.value("SELECT acting_level FROM inspection_now") == "township"


def test_a_certificate_that_was_renewed_is_no_longer_one_that_has_ended(web, site, county):
    held = {"site": "demo", "name": "张三", "trade": "焊工", "certificate_no": "T1"}
    ended = {**held, "external_id": "1", "valid_until": "2020-01-01"}
    revoked = {
        **held,
        "external_id": "2",
        "valid_until": "2099-01-01",
        "status": "revoked",
        "certificate_no": "T2",
    }
    bring(web, "certificates", [ended, revoked])

    def seen() -> list[str]:
        return [one["external_id"] for one in web.get("/sites/demo/outside").json()["certificates"]]

    assert sorted(seen()) == ["1", "2"]
    bring(web, "certificates", [{**ended, "external_id": "3", "valid_until": "2099-01-01"}])
    assert seen() == ["2"]


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


def test_a_warning_of_another_platform_is_told_and_goes_up_once_it_is_not_dealt_with_in_time(
    web, site, county
):
    told = "SELECT kind FROM told ORDER BY created_at, kind"
    now = dt.datetime.now(dt.UTC)
    row = {"external_id": "w-7", "site": "demo", "text": "塔式起重机未按期检测", "issued_at": now.isoformat()}
    for _ in range(2):
        assert bring(web, "external_warnings", [row]).is_success
    assert site.rows(told) == [("external_warning",)], "the same again is told once"
    telling = Telling(settings=site.settings, sites={SITE.site: SITE}, now_ms=0)

    def look(hours: float) -> list[str]:
        then = msgspec.structs.replace(telling, now_ms=now_ms() + round(hours * 3_600_000))
        CredentialWatch().look(site.connection, then)
        return [kind for (kind,) in site.rows(told)]

    assert look(23) == ["external_warning"]
    # Nobody names a time: the jurisdiction's holds.
    for _ in range(2):
        assert look(25) == ["external_warning", "external_warning_late"]
    # It was put off by whoever has sent it, and is told anew only when that time is over.
    later = {**row, "due_at": (now + dt.timedelta(days=3)).isoformat()}
    assert bring(web, "external_warnings", [later]).json()["changed"] == 1
    assert look(70) == ["external_warning", "external_warning_late"]
    assert look(74) == ["external_warning", "external_warning_late", "external_warning_late"]
    assert bring(web, "external_warnings", [{**later, "status": "handled"}]).is_success
    assert len(look(500)) == 3
    assert web.get("/sites/demo/outside").json()["warnings"] == []
    # What was taken for dealt with and is not is news.
    assert bring(web, "external_warnings", [later]).is_success
    assert [kind for (kind,) in site.rows(told)].count("external_warning") == 2


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


def test_whoever_came_for_the_night_is_there_after_midnight(web, site, trees, county):
    zone = dt.timezone(dt.timedelta(hours=8))
    night = dt.datetime.combine(dt.datetime.now(zone).date() - dt.timedelta(days=2), dt.time(1), zone)
    came = {"site": "demo", "day": (night.date() - dt.timedelta(days=1)).isoformat()}
    rows = [
        {**came, "person": "1", "name": "经理", "post": "project_manager", "first_in": night.isoformat()},
        {**came, "person": "2", "name": "安全员", "post": "safety_officer", "first_in": night.isoformat()},
    ]
    rows[0]["first_in"] = (night - dt.timedelta(hours=5)).isoformat()
    # He came in the morning and nobody saw him go.
    rows[1]["first_in"] = (night - dt.timedelta(hours=17)).isoformat()
    assert bring(web, "attendance", rows).is_success
    asked = {"site": "demo", "mode": "live", "now": night, "zone": "Asia/Shanghai", "working": night}
    posts = ["project_manager", "safety_officer"]
    found = site.connection.execute(MISSED_POSTS, {**asked, "posts": posts}).fetchall()
    assert {post: is_missing for post, _, is_missing in found} == {
        "project_manager": False,
        "safety_officer": True,
    }


@pytest.mark.parametrize("kind", ["crane_registrations", "external_warnings"])
def test_what_was_issued_in_the_future_is_refused_for_it_would_never_be_late(web, site, county, kind):
    row = (
        registration() if kind == "crane_registrations" else {"external_id": "w", "site": "demo", "text": "x"}
    )
    tried = bring(web, kind, [{**row, "issued_at": "2126-11-20T08:00:00+08:00"}], dry_run=True).json()
    assert [(one["field"], one["message"]["zh"]) for one in tried["errors"]] == [("issued_at", "在将来")]


@pytest.mark.parametrize("number", ["2.02311E+16", "4E+17"])
def test_a_number_that_excel_has_shortened_is_refused(web, site, county, number):
    # The next table's record would have the same and take this one's place.
    table = f"来源编号,工地,使用登记编号,发证时间\n{number},demo,登001,2026-11-20 08:00\n".encode("gb18030")
    tried = web.post(
        "/intake/crane_registrations",
        params={"system": "监管平台", "dry_run": True},
        content=table,
        headers={"content-type": "text/csv"},
    ).json()
    assert [(one["line"], one["field"]) for one in tried["errors"]] == [(2, "来源编号")]
    assert "文本格式" in tried["errors"][0]["mend"]["zh"]


def worked(site, began: dt.datetime, ended: dt.datetime) -> None:
    site.connection.execute(
        """
        INSERT INTO work_cycle (site, mode, device, started_at, ended_at, gateway_id, peak_load, broken_off,
                                clock, received_at)
            SELECT 'demo', 'live', 'crane-1', %s, %s, min(id), 1, false, 'ok', %s FROM gateway
        """,
        [began, ended, ended],
    )


def driver(site, name: str, until: dt.date) -> None:
    with changing(site.connection):
        site.connection.execute(
            "INSERT INTO operator (operator, site, name, trade, certificate_no, valid_until, devices) "
            "VALUES (gen_random_uuid(), 'demo', %s, 'crane_operator', %s, %s, '{crane-1}')",
            [name, f"证-{name}-{until}", until],
        )


def test_a_crane_that_works_without_its_papers_or_its_people_is_told_once_a_day(web, site, trees, county):
    site.born()
    home = SITE.site
    telling = Telling(settings=site.settings, sites={home: SITE}, now_ms=0)
    # Attendance of days to come, or of years ago, is not taken in.
    zone = dt.timezone(dt.timedelta(hours=8))
    noon = dt.datetime.combine(dt.datetime.now(zone).date() - dt.timedelta(days=2), dt.time(12), zone)
    minute = dt.timedelta(minutes=1)

    def look(at: dt.datetime) -> list[tuple[str, int, str]]:
        before = site.value("SELECT count(*) FROM told")
        now = msgspec.structs.replace(telling, now_ms=int(at.timestamp() * 1000))
        CredentialWatch().look(site.connection, now)
        rows = site.rows("SELECT kind, level, words -> 'zh' ->> 'title' FROM told ORDER BY created_at, about")
        return rows[before:]

    driver(site, "李四", noon.date() - dt.timedelta(days=1))
    assert web.post(
        "/sources", json={"source": "attendance", "node": county, "since": "2026-01-01"}
    ).is_success
    assert look(noon) == []
    worked(site, noon - 10 * minute, noon - 5 * minute)
    ((kind, level, title),) = look(noon)
    assert (kind, level, "李四" in title) == ("certificate_ended", 3, True)
    later = noon + 25 * minute
    worked(site, noon + 10 * minute, noon + 20 * minute)
    assert sorted(look(later)) == [
        ("post_missing", 2, "工地：起重机正在作业，专职安全员不在岗"),
        ("post_missing", 2, "工地：起重机正在作业，项目负责人不在岗"),
    ]
    assert look(later + minute) == []
    # The next day with the certificate renewed and everybody there, there is nothing to say.
    driver(site, "李四", noon.date() + dt.timedelta(days=300))
    day = noon + dt.timedelta(days=1)
    worked(site, day - 50 * minute, day - 5 * minute)
    came = {"site": "demo", "day": day.date().isoformat(), "first_in": (day - 60 * minute).isoformat()}
    posts = ("project_manager", "safety_officer")
    assert bring(web, "attendance", [{**came, "person": p, "name": p, "post": p} for p in posts]).is_success
    assert look(day) == []


def test_a_certificate_that_the_authority_has_renewed_is_in_force(web, site, trees, county):
    site.born()
    now = dt.datetime.now(dt.UTC)
    today = now.date()
    driver(site, "李四", today + dt.timedelta(days=300))
    number = site.value("SELECT certificate_no FROM operator")
    worked(site, now - dt.timedelta(minutes=10), now - dt.timedelta(minutes=5))

    row = {"site": "demo", "name": "李四", "trade": "塔式起重机司机", "certificate_no": number}
    until = [today + dt.timedelta(days=days) for days in (-3, 300)]
    rows = [{**row, "external_id": f"c-{day}", "valid_until": day.isoformat()} for day in until]
    brought = bring(web, "certificates", rows)
    assert brought.is_success, brought.text
    telling = Telling(settings=site.settings, sites={SITE.site: SITE}, now_ms=int(now.timestamp() * 1000))
    CredentialWatch().look(site.connection, telling)
    assert site.value("SELECT count(*) FROM told WHERE kind = 'certificate_ended'") == 0


def test_that_nobody_may_operate_a_crane_any_more_is_told_on_the_same_day(web, site, trees, county):
    site.born()
    now = dt.datetime.now(dt.UTC)
    driver(site, "李四", now.date() - dt.timedelta(days=3))
    driver(site, "王五", now.date() + dt.timedelta(days=300))
    worked(site, now - dt.timedelta(minutes=10), now - dt.timedelta(minutes=5))
    telling = Telling(settings=site.settings, sites={SITE.site: SITE}, now_ms=int(now.timestamp() * 1000))
    levels = "SELECT level FROM told WHERE kind = 'certificate_ended' ORDER BY level"
    CredentialWatch().look(site.connection, telling)
    assert site.rows(levels) == [(2,)]
    number = site.value("SELECT certificate_no FROM operator WHERE name = '王五'")
    row = {"site": "demo", "external_id": "c-1", "name": "王五", "trade": "塔式起重机司机"}
    until = (now.date() + dt.timedelta(days=300)).isoformat()
    revoked = {**row, "certificate_no": number, "valid_until": until, "status": "revoked"}
    assert bring(web, "certificates", [revoked]).is_success
    for _ in range(2):
        CredentialWatch().look(site.connection, telling)
        assert site.rows(levels) == [(2,), (3,), (3,)]


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


def test_a_warning_that_was_taken_for_another_sites_is_told_where_it_is_of(web, site, trees):
    become(web, site, "province_authority", node=trees["province"])
    now = dt.datetime.now(dt.UTC).isoformat()
    row = {"external_id": "w-8", "text": "未按期检测", "issued_at": now}
    for where in ("demo", "north", "north"):
        assert bring(web, "external_warnings", [{**row, "site": where}]).is_success
    told = site.rows("SELECT site FROM told WHERE kind = 'external_warning' ORDER BY site")
    assert told == [("demo",), ("north",)]


def test_a_warning_that_is_put_off_by_hours_is_told_again_when_they_are_over(web, site, county):
    zone = dt.timezone(dt.timedelta(hours=8))
    noon = dt.datetime.combine(dt.datetime.now(zone).date() + dt.timedelta(days=1), dt.time(12), zone)
    now = dt.datetime.now(dt.UTC).isoformat()
    row = {"external_id": "w-9", "site": "demo", "text": "未按期检测", "issued_at": now}
    found = []
    for hours in (0, 6):
        due = noon + dt.timedelta(hours=hours)
        assert bring(web, "external_warnings", [{**row, "due_at": due.isoformat()}]).is_success
        for minutes in (-1, 1, 2):
            at_ms = round((due + dt.timedelta(minutes=minutes)).timestamp() * 1000)
            telling = Telling(settings=site.settings, sites={SITE.site: SITE}, now_ms=at_ms)
            CredentialWatch().look(site.connection, telling)
            found.append(site.value("SELECT count(*) FROM told WHERE kind = 'external_warning_late'"))
    assert found == [0, 1, 1, 1, 2, 2]
