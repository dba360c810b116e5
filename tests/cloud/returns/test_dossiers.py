"""What is put together about an accident or an overdue hazard: by itself once, again where more is known."""

import csv
import datetime as dt
import hashlib
import io
import json
import zipfile

import openpyxl
import psycopg
import pytest

from cloud.database import instant
from cloud.instants import local, rfc3339
from cloud.returns.due import put_together
from tests.cloud.incidents.test_incidents import HOUR_MS, acted, become, filed, given, reported
from tests.cloud.site import cleared, now_ms, raised


@pytest.fixture
def accident(web, site):
    """A crane alarmed, and an accident came of it."""
    site.born().deliver(raised())
    become(web, site, "project_manager")
    (hazard,) = web.get("/sites/demo/hazards").json()["items"]
    # A little after the alarm.
    body = given(occurred_at=rfc3339(instant(now_ms() + 60_000)), device="crane-1")
    return web.post(f"/hazards/{hazard['id']}/incidents", json=body).json()


def attend(site, days_ago: int, *, present: bool, person: str = "p-1") -> None:
    day = local(instant(now_ms()), "Asia/Shanghai").date() - dt.timedelta(days=days_ago)
    first_in = dt.datetime.combine(day, dt.time(8), dt.timezone(dt.timedelta(hours=8))) if present else None
    site.connection.execute(
        "INSERT INTO attendance (site, day, person, name, post, first_in, system, received_at)"
        " VALUES ('demo', %s, %s, '=李四', 'safety_officer', %s, 'gate', now())",
        [day, person, first_in],
    )


def dossiers(web, **of) -> list[dict]:
    return web.get("/dossiers", params=of).json()["items"]


def test_attendance_is_traced_by_itself_once_for_an_incident(web, site, accident):
    attend(site, 0, present=True)
    attend(site, 1, present=False)
    attend(site, 2, present=True)
    assert put_together(site.connection, now_ms()) == 1
    assert put_together(site.connection, now_ms()) == 0
    (made,) = dossiers(web, incident=accident["id"])
    assert (made["kind"], made["version"], made["by_machine"]) == ("attendance_trace", 1, True)
    shown = web.get(f"/dossiers/{made['id']}/trace").json()
    officer = next(post for post in shown["posts"] if post["post"] == "safety_officer")
    assert (officer["present"], officer["absent"], officer["on_the_day"]) == (1, 1, "present")
    manager = next(post for post in shown["posts"] if post["post"] == "project_manager")
    assert (manager["absent"], manager["on_the_day"]) == (0, "no_data")
    assert shown["systems"] == ["gate"]
    book = openpyxl.load_workbook(io.BytesIO(web.get(f"/dossiers/{made['id']}/file").content))
    assert [cell.value for cell in book["考勤倒查"][3]][1:4] == ["=李四", 1, 1]


def test_a_major_hazard_that_becomes_overdue_is_a_cause_too(web, site):
    site.born().deliver(raised())
    (hazard,) = web.get("/sites/demo/hazards").json()["items"]
    make = "UPDATE hazard SET overdue = true, level = 'major'"
    site.connection.execute(make)
    assert put_together(site.connection, now_ms()) == 0, "no event says so yet"
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        # A record of months, without its months: what is looked for stands in the events.
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE hazard_event SET overdue = true WHERE seq = 1")
    assert put_together(site.connection, now_ms()) == 1
    assert put_together(site.connection, now_ms()) == 0
    assert [one["kind"] for one in dossiers(web, hazard=hazard["id"])] == ["attendance_trace"]


def opened(web, dossier: dict) -> dict[str, bytes]:
    answer = web.get(f"/dossiers/{dossier['id']}/file")
    assert answer.headers["content-type"] == "application/zip"
    assert hashlib.sha256(answer.content).hexdigest() == dossier["sha256"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_package_is_made_by_itself_when_the_details_are_due_soon(web, site, accident):
    put_together(site.connection, now_ms())
    assert put_together(site.connection, now_ms() + 39 * HOUR_MS) == 0
    assert put_together(site.connection, now_ms() + 41 * HOUR_MS) == 1
    assert put_together(site.connection, now_ms() + 42 * HOUR_MS) == 0
    package = dossiers(web, incident=accident["id"])[0]
    files = opened(web, package)
    said = json.loads(files["manifest.json"])
    assert {one["name"] for one in said["files"]} == set(files) - {"manifest.json"}
    for one in said["files"]:
        assert hashlib.sha256(files[one["name"]]).hexdigest() == one["sha256"]
    facts = json.loads(files["incident.json"])
    assert (facts["number"], facts["events"][0]["kind"]) == (accident["number"], "filed")
    tables = {
        name: list(csv.reader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"))))
        for name in ("timeline", "alarms", "hazards", "persons", "reports", "evidence")
    }
    assert [line[3] for line in tables["alarms"][1:-1]] == ["crane-1"]
    assert tables["hazards"][1][-1] == "1"
    # Nobody keeps attendance here: that is said, and not that nobody was there.
    assert tables["persons"][1] == ["无数据 no data"]
    whats = [line[1] for line in tables["timeline"][1:-1]]
    assert whats.index("报警 alarm") < whats.index("险情或事故 incident")


def test_a_package_has_what_stood_for_long_and_who_came_in_the_night_before(web, site):
    old = raised(at=now_ms() - 200 * HOUR_MS)
    over = raised(at=now_ms() - 210 * HOUR_MS, rule="crane-load-110")
    site.born().deliver(old, over, cleared(over))
    become(web, site, "project_manager")
    # Yesterday's: half an hour after it is surely over.
    yesterday = local(instant(now_ms()), "Asia/Shanghai").date() - dt.timedelta(days=1)
    midnight = dt.datetime.combine(yesterday, dt.time(), dt.timezone(dt.timedelta(hours=8)))
    attend(site, 1, present=True, person="by day")
    for person, came_h in (("by night", 20), ("gone home", 7)):
        site.connection.execute(
            "INSERT INTO attendance (site, day, person, name, post, first_in, last_out, system, received_at)"
            " VALUES ('demo', %s, %s, '王五', 'safety_officer', %s, %s, 'gate', now())",
            [
                midnight.date() - dt.timedelta(days=1),
                person,
                midnight + dt.timedelta(hours=came_h - 24),
                None if came_h > 12 else midnight - dt.timedelta(hours=6),
            ],
        )
    made = filed(web, occurred_at=rfc3339(midnight + dt.timedelta(minutes=30)))
    files = opened(web, web.post(f"/incidents/{made['id']}/packages").json())
    alarms = list(csv.reader(io.StringIO(files["alarms.csv"].decode("utf-8-sig"))))[1:-1]
    assert len(alarms) == 1, "the one that stood since a week, not the one that was over long before"
    persons = files["persons.csv"].decode("utf-8-sig")
    assert persons.count("王五") == 1


def test_asked_again_it_is_the_same_until_more_is_known(web, site, accident):
    first, again = (web.post(f"/incidents/{accident['id']}/packages") for _ in "12")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    acted(web, accident, "report", reported=reported())
    later = web.post(f"/incidents/{accident['id']}/packages")
    assert (later.status_code, later.json()["version"]) == (201, 2)
    assert len(dossiers(web, incident=accident["id"])) == 2
    lines = opened(web, later.json())["reports.csv"].decode()
    assert "某县住房和城乡建设局" in lines
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.connection.execute("DELETE FROM dossier")


def test_who_only_looks_sees_no_names_and_a_foreign_one_is_not_there(web, site, accident):
    made = web.post(f"/incidents/{accident['id']}/packages").json()
    become(web, site, "construction_owner")
    assert web.get("/dossiers", params={"incident": accident["id"]}).status_code == 403
    nobody = "00000000-0000-0000-0000-000000000000"
    become(web, site, "county_authority")
    assert web.get(f"/dossiers/{nobody}/file").status_code == 404
    assert web.post(f"/incidents/{nobody}/packages").status_code == 404
    assert web.get(f"/dossiers/{made['id']}/trace").status_code == 409


def test_a_drill_is_no_cause(web, site):
    become(web, site, "project_manager")
    filed(web, drill=True)
    assert put_together(site.connection, now_ms() + 41 * HOUR_MS) == 0
