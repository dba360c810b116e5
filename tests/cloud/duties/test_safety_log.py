"""The safety log: drawn up at night, signed once, then only amended; unsigned check-ins are counted."""

import datetime as dt
import io

import openpyxl
import psycopg
import pytest

from cloud.duties.log_facts import summed
from cloud.duties.log_keeping import draft, late_at_nine, late_by_check_in
from cloud.duties.watching import Calendar
from cloud.hazards.audit import verify
from cloud.notices.opening import Telling
from cloud.registry.known import SiteEntry
from sitewarden.text import Text
from tests.cloud.duties.conftest import ZONE, aged, declare, inspect, today
from tests.cloud.enforcement.test_enforcement import become
from tests.cloud.registry.records import problem
from tests.cloud.site import raised
from tests.cloud.web.serving import PASSWORD

SIGNED = {"signature": {"password": PASSWORD}}
SITES = {
    "demo": SiteEntry(site="demo", name=Text("示范", "Demo"), time_zone="Asia/Shanghai", gateways=["gw-1"])
}


def ms(day: dt.date, hour: int, minute: int = 0) -> int:
    return int(dt.datetime.combine(day, dt.time(hour, minute), ZONE).timestamp() * 1000)


@pytest.fixture
def yesterday(web, site, trees, company) -> dt.date:
    aged(site)
    day = today() - dt.timedelta(days=1)
    site.born().deliver(raised(at=ms(day, 23, 50)), now=ms(day, 23, 51))
    inspect(site, day, site="demo", kind="self_check", acting_level="project", note="巡查")
    return day


def drawn_up(site, day: dt.date) -> Calendar:
    """As ingest does at half past twelve of the night after."""
    made = Calendar()
    made.look(site.connection, telling(site, ms(day + dt.timedelta(days=1), 0, 30)))
    return made


def telling(site, now_ms: int) -> Telling:
    return Telling(settings=site.settings, sites=SITES, now_ms=now_ms)


def test_it_is_there_at_half_past_twelve_and_not_before_and_only_once(web, site, yesterday):
    night = yesterday + dt.timedelta(days=1)
    calendar = Calendar()
    calendar.look(site.connection, telling(site, ms(night, 0, 29)))
    assert site.value("SELECT max(day) FROM safety_log") == yesterday - dt.timedelta(days=1)
    calendar.look(site.connection, telling(site, ms(night, 0, 30)))
    Calendar().look(site.connection, telling(site, ms(night, 0, 31)))
    shown = web.get(f"/sites/demo/logs/{yesterday}").json()
    assert (shown["state"], shown["version"]) == ("draft", 1)
    facts = shown["facts"]
    assert facts["alarms"]["count"] == 1
    assert facts["alarms"]["by_level"] == {"3": 1}
    assert [one["note"] for one in facts["inspections"]] == ["巡查"]
    assert facts["hazards"]["open"] == 1


def test_signed_it_never_changes_and_what_was_forgotten_is_added(web, site, yesterday):
    drawn_up(site, yesterday)
    path = f"/sites/demo/logs/{yesterday}"
    become(web, site, "safety_officer", site="demo")
    edited = web.put(path, json={"weather": "晴", "words": "吊装旁站"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["ETag"]) == (200, '"2"')
    wrong = web.post(f"{path}/signature", json={"signature": {"password": "no"}}, headers={"If-Match": '"2"'})
    assert problem(wrong)[:2] == (403, "not-signed")
    assert web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": '"1"'}).status_code == 412
    signed = web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": '"2"'})
    assert signed.json()["state"] == "signed"
    again = web.put(path, json={"words": "别的"}, headers={"If-Match": signed.headers["ETag"]})
    assert problem(again)[:2] == (409, "log-signed")
    added = web.post(f"{path}/amendments", json={"words": "补记夜间浇筑", **SIGNED}).json()
    assert [(one["kind"], one["words"]) for one in added["entries"]] == [
        ("signed", "吊装旁站"),
        ("amended", "补记夜间浇筑"),
    ]
    assert added["words"] == "吊装旁站"
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute("UPDATE safety_log SET words = 'x'")
    # The machine does not draw it up again either.
    draft(site.connection, "demo", yesterday, "Asia/Shanghai", dt.datetime.now(dt.UTC))
    assert web.get(path).json()["version"] == added["version"]


def test_today_is_shown_as_far_as_it_goes_and_not_signed_yet(web, site, yesterday):
    path = f"/sites/demo/logs/{today()}"
    shown = web.get(path).json()
    assert (shown["state"], shown["version"]) == ("coming", 0)
    become(web, site, "safety_officer", site="demo")
    begun = web.put(path, json={"weather": "晴"}, headers={"If-Match": '"1"'})
    assert begun.json()["weather"] == "晴"
    refused = web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": '"2"'})
    assert problem(refused)[:2] == (409, "day-not-over")
    # When the day is over its facts are drawn up again; what the officer wrote stays.
    drawn_up(site, today())
    assert web.get(path).json()["version"] == 3
    assert web.get(path).json()["weather"] == "晴"


def test_what_was_begun_during_the_day_is_signed_only_when_the_whole_day_is_in_it(web, site, yesterday):
    noon = dt.datetime.combine(yesterday, dt.time(12), ZONE)
    draft(site.connection, "demo", yesterday, "Asia/Shanghai", noon)
    become(web, site, "safety_officer", site="demo")
    path = f"/sites/demo/logs/{yesterday}"
    refused = web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": '"1"'})
    assert problem(refused)[:2] == (409, "log-not-drawn-up")
    again = web.post(f"{path}/facts")
    signed = web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": again.headers["ETag"]})
    assert (signed.status_code, signed.json()["facts"]["alarms"]["count"]) == (201, 1)


def test_more_hazards_than_are_listed_are_counted_all():
    now = dt.datetime(2026, 11, 27, tzinfo=ZONE)
    listed = dict.fromkeys(
        ("id", "number", "content", "level", "is_new", "is_verified", "is_closed", "due_at")
    )
    counts = {"all_new": 7, "all_verified": 1, "all_closed": 2, "all_open": 260}
    parts = (
        "alarms",
        "levels",
        "devices",
        "gateways",
        "wind",
        "maintenance",
        "inspections",
        "done",
        "present",
    )
    found = {**{name: [] for name in parts}, "hazards": [{**listed, **counts}]}
    shown = summed(found, now, now)["hazards"]
    assert {name: shown[name] for name in ("new", "verified", "closed", "open")} == {
        "new": 7,
        "verified": 1,
        "closed": 2,
        "open": 260,
    }


def test_whoever_may_not_see_the_site_or_sign_does_not(web, site, trees, yesterday):
    drawn_up(site, yesterday)
    path = f"/sites/demo/logs/{yesterday}"
    become(web, site, "project_manager", site="demo")
    assert web.get(path).json()["may_sign"] is False
    assert web.put(path, json={}, headers={"If-Match": '"1"'}).status_code == 403
    become(web, site, "safety_officer", site="north")
    assert web.get(path).status_code == 404


def came(site, day: dt.date, hour: int, name: str = "张三") -> None:
    at = dt.datetime.combine(day, dt.time(hour), ZONE)
    site.connection.execute(
        "INSERT INTO attendance (site, day, person, name, post, first_in, system, received_at) "
        "VALUES ('demo', %s, %s, %s, 'safety_officer', %s, 'gate', now())",
        [day, name, name, at],
    )


def test_a_check_in_while_yesterday_s_log_is_unsigned_is_recorded_and_counted_once(web, site, yesterday):
    drawn_up(site, yesterday)
    came(site, today(), 7)
    (late,) = late_by_check_in(site.connection, ms(today(), 7, 1))
    assert (late.site, late.day, late.name) == ("demo", yesterday, "张三")
    assert late_by_check_in(site.connection, ms(today(), 7, 2)) == []
    span = {"since": yesterday.isoformat(), "until": yesterday.isoformat()}
    found = web.get("/sites/demo/logs", params=span).json()
    assert (found["days"], found["signed"], found["late"]) == (1, 0, 1)


def test_a_log_waits_for_the_next_check_in_whenever_that_comes_and_for_no_later_one(site, yesterday):
    friday = yesterday - dt.timedelta(days=4)
    for back in range(5):
        drawn_up(site, friday + dt.timedelta(days=back))
    monday = friday + dt.timedelta(days=3)
    came(site, monday, 7)
    late = late_by_check_in(site.connection, ms(monday, 8))
    assert sorted(one.day for one in late) == [friday + dt.timedelta(days=back) for back in range(3)]
    came(site, today(), 7)
    late = late_by_check_in(site.connection, ms(today(), 8))
    assert sorted(one.day for one in late) == [monday, yesterday]


def test_the_audit_walks_signed_logs_and_finds_what_was_changed(web, site, yesterday):
    drawn_up(site, yesterday)
    become(web, site, "safety_officer", site="demo")
    path = f"/sites/demo/logs/{yesterday}"
    assert web.post(f"{path}/signature", json=SIGNED, headers={"If-Match": '"1"'}).status_code == 201
    assert web.post(f"{path}/amendments", json={"words": "补充", **SIGNED}).status_code == 201
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    verdict = verify(site.connection, later)
    # The fixture's inspection goes round its ledger.
    broken = [one for one in verdict.breaks if one.ledger != "ledger"]
    assert (broken, verdict.signatures >= 2) == ([], True)
    for statement, what in (
        (
            "UPDATE safety_log_entry SET signature = decode(repeat('00', 64), 'hex') WHERE seq = 2",
            "signature",
        ),
        ("UPDATE safety_log SET words = '没有这回事' WHERE signed_at IS NOT NULL", "words"),
        ("DELETE FROM safety_log_entry WHERE seq = 1", "stands where"),
        ("DELETE FROM safety_log_entry", "no events"),
    ):
        with psycopg.connect(site.dsn) as owner:
            owner.execute("SET session_replication_role = replica")
            owner.execute(statement)
        found = verify(site.connection, later, verdict.head).breaks
        assert any(one.ledger == "log" and what in one.what for one in found), (what, found)
    # All of it gone, what was written down elsewhere is missed too.
    assert any(one.ledger == "head" for one in found)


def test_to_draw_the_log_up_again_does_not_make_a_late_one_punctual(web, site, yesterday):
    drawn_up(site, yesterday)
    become(web, site, "safety_officer", site="demo")
    # What the gate saw arrives later than what the officer did.
    assert web.post(f"/sites/demo/logs/{yesterday}/facts").json()["version"] == 2
    came(site, today(), 1)
    assert [late.day for late in late_by_check_in(site.connection, ms(today(), 23))] == [yesterday]


def test_after_an_outage_what_was_missed_meanwhile_is_told_once(web, site, trees, yesterday):
    back = yesterday - dt.timedelta(days=3)
    declare(site, "inspections", trees["province"], yesterday - dt.timedelta(days=400))
    declare(site, "safety_logs", trees["province"], yesterday - dt.timedelta(days=400))
    drawn_up(site, back)
    Calendar().look(site.connection, telling(site, ms(back, 9)))
    Calendar().look(site.connection, telling(site, ms(yesterday, 9)))
    query = "SELECT period_end FROM duty_told WHERE kind = 'frontline_check' AND of = 'demo' ORDER BY 1 DESC"
    days = [day for (day,) in site.rows(query)]
    assert days[:4] == [yesterday - dt.timedelta(days=n) for n in range(1, 5)]
    assert len(days) == len(set(days))
    late = [day for (day,) in site.rows("SELECT day FROM safety_log_late WHERE site = 'demo'")]
    assert back in late


def test_where_nobody_counts_who_comes_it_is_due_at_nine_if_logs_are_kept(site, trees, yesterday):
    drawn_up(site, yesterday)
    assert late_at_nine(site.connection, "Asia/Shanghai", ms(today(), 9, 1)) == []
    declare(site, "safety_logs", trees["province"], yesterday)
    assert late_at_nine(site.connection, "Asia/Shanghai", ms(today(), 8, 59)) == []
    (late,) = late_at_nine(site.connection, "Asia/Shanghai", ms(today(), 9, 1))
    assert (late.day, late.name) == (yesterday, "")
    assert late_at_nine(site.connection, "Asia/Shanghai", ms(today(), 10)) == []


def test_it_is_taken_out_with_the_name_of_whoever_took_it(web, site, yesterday):
    drawn_up(site, yesterday)
    become(web, site, "safety_officer", site="demo")
    path = f"/sites/demo/logs/{yesterday}"
    web.put(path, json={"words": "=1+1"}, headers={"If-Match": '"1"'})
    span = {"since": yesterday.isoformat(), "until": yesterday.isoformat()}
    written = web.get("/sites/demo/logs.csv", params=span).content.decode("utf-8-sig")
    assert "'=1+1" in written
    assert "导出" in written.splitlines()[-1]
    book = openpyxl.load_workbook(io.BytesIO(web.get("/sites/demo/logs.xlsx", params=span).content))
    assert book.active.cell(2, 7).value == "=1+1"
    assert book.active.cell(2, 7).data_type == "s"


def test_a_missed_duty_is_told_at_nine_the_next_day_and_once(web, site, trees, yesterday):
    robot = "https://oapi.dingtalk.com/robot/send?access_token=" + "a" * 64
    channel = {"name": "值班群", "kind": "dingtalk", "site": "demo", "url": robot, "lowest": 1}
    assert web.post("/channels", json=channel).status_code == 201
    declare(site, "duties", trees["province"], yesterday - dt.timedelta(days=400))
    declare(site, "inspections", trees["province"], yesterday - dt.timedelta(days=400))
    before = yesterday - dt.timedelta(days=1)
    query = "SELECT kind, of, period_end FROM duty_told"
    calendar = Calendar()
    calendar.look(site.connection, telling(site, ms(yesterday, 8, 59)))
    assert site.rows(query) == []
    calendar.look(site.connection, telling(site, ms(yesterday, 9)))
    Calendar().look(site.connection, telling(site, ms(yesterday, 9, 5)))
    told = site.rows(query)
    assert ("frontline_check", "demo", before) in told
    assert len(told) == len(set(told))
    assert site.value("SELECT max(period_end) FROM duty_told") == before
    titles = [title for (title,) in site.rows("SELECT title FROM notice WHERE kind = 'duty_missed'")]
    assert any("项目日查" in title and before.isoformat() in title for title in titles)
