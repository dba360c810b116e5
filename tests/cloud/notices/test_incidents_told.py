"""An incident is told when it is filed, before its details are late, and when a report is."""

import datetime as dt
import functools

import psycopg

from cloud.incidents.clocks import run_due
from cloud.notices import incidents
from tests.cloud.incidents.test_incidents import HOUR_MS, acted, become, filed, given, reported
from tests.cloud.site import now_ms


def kinds(site) -> list[tuple]:
    return site.rows("SELECT kind, level FROM notice ORDER BY created_at, level, notice")


def tell(site):
    return lambda connection, told, at_ms: incidents.tell(connection, site.settings, told, at_ms)


def test_an_accident_is_told_with_the_filing_and_once(site, web, channel, notify, robot):
    channel(lowest=4)
    channel(name="English", kind="webhook", site=None, language="en")
    become(web, site, "safety_informant")
    made = filed(web, place="3号楼")
    file = functools.partial(web.post, "/sites/demo/incidents", headers={"Idempotency-Key": "of-my-phone"})
    again = given()
    assert file(json=again).json() == file(json=again).json()
    assert kinds(site) == [("incident", 4)] * 4, "two channels, two incidents"
    notify()
    texts = [said["text"]["content"] for said in robot.heard if isinstance(said["text"], dict)]
    (text,) = [one for one in texts if made["number"] in one]
    assert text.startswith("[非亡人事故] 示范工地 吊物坠落，一人受伤")
    assert "地点：3号楼" in text
    assert f"https://safety.example.com/incidents/{made['id']}" in text


def test_late_reports_and_the_warning_before_are_told_once_each_with_their_limit(
    site, web, channel, notify, robot
):
    channel()
    become(web, site, "project_manager")
    made = filed(web)
    begin = dt.datetime.fromisoformat(made["occurred_at"]).timestamp() * 1000
    for hours in (0.9, 1, 39.9, 40, 41, 48, 90):
        run_due(site.connection, round(begin + hours * HOUR_MS), tell(site))
    wanted = ["incident", "first_report_late", "details_soon", "details_late"]
    assert [kind for kind, _ in kinds(site)] == wanted
    due = {clock["kind"]: clock["due_at"] for clock in made["clocks"]}
    local = dt.datetime.fromisoformat(due["details"]).astimezone(dt.timezone(dt.timedelta(hours=8)))
    said = site.value("SELECT body FROM notice WHERE kind = 'details_soon'")
    assert f"期限：{local:%Y-%m-%d %H:%M:%S}" in said, "by when the details are due, not the warning"


def test_what_was_done_in_time_is_not_told_and_a_near_miss_has_no_clocks(site, web, channel):
    channel(lowest=1)
    become(web, site, "project_manager")
    filed(web, reported=reported(), occurred_at="2026-11-01T00:00:00Z")
    made = filed(web, kind="near_miss")
    run_due(site.connection, now_ms() + HOUR_MS * 47, tell(site))
    assert ("first_report_late", 4) not in kinds(site)
    assert kinds(site).count(("incident", 3)) == 1
    acted(web, made, "correct", kind="fatal", killed=1, reason="伤者死亡")
    assert kinds(site).count(("incident", 4)) == 2, "it is an accident now"


def test_an_exercise_is_told_to_nobody(site, web, channel):
    channel(lowest=1)
    become(web, site, "project_manager")
    filed(web, drill=True)
    run_due(site.connection, now_ms() + HOUR_MS * 100, tell(site))
    assert not kinds(site)


def test_words_that_cannot_be_told_cost_a_notice_and_never_the_incident_or_its_clock(site, web, channel):
    channel()
    become(web, site, "project_manager")
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE notice ADD CONSTRAINT short CHECK (title NOT LIKE '%unlucky%')")
        try:
            made = filed(web, what="unlucky")
            done = run_due(site.connection, now_ms() + HOUR_MS * 2, tell(site))
        finally:
            owner.execute("ALTER TABLE notice DROP CONSTRAINT short")
    assert [one.kind for one in done] == ["first_report_late"]
    assert web.get(f"/incidents/{made['id']}").json()["overdue"]
    assert not kinds(site)
