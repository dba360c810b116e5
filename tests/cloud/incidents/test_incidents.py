"""An incident: filed in haste, reported in time, closed only with its lessons."""

import datetime as dt

import psycopg
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.database import instant
from cloud.hazards.chain import Link, first_broken
from cloud.incidents.clocks import run_due
from cloud.instants import rfc3339
from tests.cloud.registry.records import problem
from tests.cloud.site import now_ms, raised
from tests.cloud.web.serving import PASSWORD, new_account, new_session

SIGNED = {"signature": {"password": PASSWORD}}
HOUR_MS = 3_600_000


def become(web, site, role: str, /, **scope) -> int:
    account = new_account(site.connection, role, role, **(scope or {"site": "demo"}))
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    return account


def given(**changes) -> dict:
    fresh = {
        "kind": "non_fatal",
        "what": "吊物坠落，一人受伤",
        "occurred_at": rfc3339(instant(now_ms())),
        "injured": 1,
    }
    return {**fresh, **changes}


def filed(web, **changes) -> dict:
    answer = web.post("/sites/demo/incidents", json=given(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def act(web, incident: dict, name: str, **fields):
    match = {"If-Match": f'"{incident["version"]}"'}
    return web.post(f"/incidents/{incident['id']}/acts", json={"act": name, **fields}, headers=match)


def acted(web, incident: dict, name: str, **fields) -> dict:
    answer = act(web, incident, name, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def silent(connection, told, at_ms) -> None:
    """Tells nobody."""


def reported() -> dict:
    return {"to": "某县住房和城乡建设局", "how": "电话", "at": rfc3339(instant(now_ms()))}


def test_whoever_informs_files_with_four_fields_and_no_password(web, site):
    become(web, site, "safety_informant")
    made = filed(web)
    assert made["number"].startswith("demo-I")
    assert (made["status"], made["filed_by"], made["overdue"]) == ("open", "safety_informant", False)
    assert [clock["kind"] for clock in made["clocks"]] == ["first_report", "details_warning", "details"]
    assert [item["id"] for item in web.get("/incidents").json()["items"]] == [made["id"]]
    later = rfc3339(instant(now_ms() + HOUR_MS))
    assert problem(web.post("/sites/demo/incidents", json=given(occurred_at=later)))[:2] == (422, "invalid")


def test_the_same_filing_sent_twice_is_one(web, site):
    become(web, site, "project_manager")
    body = given()
    answers = [
        web.post("/sites/demo/incidents", json=body, headers={"Idempotency-Key": "of-my-phone"}) for _ in "12"
    ]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert site.value("SELECT count(*) FROM incident") == 1


def test_a_hazard_that_becomes_an_incident_stays_open_and_is_linked(web, site):
    site.born().deliver(raised())
    become(web, site, "enforcement_officer")
    (hazard,) = web.get("/sites/demo/hazards").json()["items"]
    answer = web.post(f"/hazards/{hazard['id']}/incidents", json=given(kind="near_miss"))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["hazard"], made["device"]) == (hazard["id"], hazard["device"])
    detail = web.get(f"/hazards/{hazard['id']}").json()
    assert detail["status"] == hazard["status"]
    assert (detail["events"][-1]["kind"], detail["events"][-1]["body"]["incident"]) == (
        "incident",
        made["id"],
    )
    links = [
        Link(seq=seq, record=record, prev_hash=prev, hash=digest)
        for seq, record, prev, digest in site.rows(
            "SELECT seq, record, prev_hash, hash FROM hazard_event ORDER BY seq"
        )
    ]
    assert first_broken(links) is None
    found = web.get("/incidents", params={"hazard": hazard["id"]}).json()["items"]
    assert [one["id"] for one in found] == [made["id"]]


def test_details_are_due_48_hours_after_it_happened_with_a_warning_before(web, site):
    become(web, site, "project_manager")
    made = filed(web)
    begin = int(dt.datetime.fromisoformat(made["occurred_at"]).timestamp() * 1000)
    said = [
        [one.kind for one in run_due(site.connection, begin + round(hours * HOUR_MS), silent)]
        for hours in (0.9, 1, 39.9, 40, 47.9, 48, 1000)
    ]
    assert said == [[], ["first_report_late"], [], ["details_soon"], [], ["details_late"], []]
    seen = web.get(f"/incidents/{made['id']}").json()
    kinds = [event["kind"] for event in seen["events"]]
    assert kinds == ["filed", "first_report_overdue", "details_due_soon", "details_overdue"]
    assert seen["overdue"]
    assert web.get("/incidents/counts").json()["overdue"] == 1


def test_what_was_reported_and_handed_in_is_no_longer_due(web, site):
    become(web, site, "project_manager")
    made = acted(web, filed(web), "report", reported=reported())
    made = acted(web, made, "submit_details", course="钢丝绳断裂", measures="停用", receipt="Q-1", **SIGNED)
    assert made["details"]["in_time"]
    assert made["events"][-1]["is_signed"]
    assert run_due(site.connection, now_ms() + 100 * HOUR_MS, silent) == []


def test_a_near_miss_that_turns_out_an_accident_is_due_from_when_it_happened(web, site):
    become(web, site, "project_manager")
    made = filed(web, kind="near_miss", injured=0)
    assert [clock for clock in made["clocks"] if clock["settled_at"] is None] == []
    made = acted(web, made, "correct", kind="fatal", killed=1, reason="伤者死亡")
    assert (made["kind"], made["killed"]) == ("fatal", 1)
    assert len([clock for clock in made["clocks"] if clock["settled_at"] is None]) == 3
    assert web.get("/incidents/counts").json()["fatal"] == 1


def test_an_accident_that_was_called_a_near_miss_for_a_while_is_due_as_before(web, site):
    become(web, site, "project_manager")
    first = filed(web)
    made = acted(web, first, "correct", kind="near_miss", reason="误报")
    assert run_due(site.connection, now_ms() + 2 * HOUR_MS, silent) == []
    acted(web, made, "correct", kind="non_fatal", reason="确有一人受伤")
    begin = int(dt.datetime.fromisoformat(first["occurred_at"]).timestamp() * 1000)
    due = [one.kind for one in run_due(site.connection, begin + 48 * HOUR_MS, silent)]
    assert due == ["first_report_late", "details_soon", "details_late"]


def test_it_is_closed_by_another_and_only_with_all_four_lessons(web, site):
    become(web, site, "project_manager")
    made = acted(
        web, filed(web, reported=reported()), "submit_details", course="断裂", measures="停用", **SIGNED
    )
    assert problem(act(web, made, "close", note="完", **SIGNED))[:2] == (403, "forbidden")
    for lesson in ("cause", "responsible", "measures"):
        made = acted(web, made, "learn", lesson=lesson, text="见调查报告第三节")
    become(web, site, "county_authority")
    refused = act(web, made, "close", note="完", **SIGNED)
    assert refused.status_code == 409
    assert [error["code"] for error in refused.json()["errors"]] == ["lesson-education"]
    made = acted(web, made, "learn", lesson="education", text="全员警示教育")
    assert made["closing"] == []
    wrong = act(web, made, "close", note="完", signature={"password": "not his"})
    assert problem(wrong)[:2] == (403, "not-signed")
    made = acted(web, made, "close", note="完", **SIGNED)
    assert (made["status"], made["may"], made["events"][-1]["is_signed"]) == ("closed", [], True)
    assert problem(act(web, made, "report", reported=reported()))[:2] == (409, "incident-closed")


def test_whoever_filed_it_does_not_close_it(web, site):
    become(web, site, "county_authority")
    made = filed(web, kind="near_miss")
    for lesson in ("cause", "responsible", "measures", "education"):
        made = acted(web, made, "learn", lesson=lesson, text="无")
    assert [one["code"] for one in made["closing"]] == ["own-incident"]
    assert act(web, made, "close", note="完", **SIGNED).status_code == 409


def test_who_acts_on_what_was_seen_before_another_acted_is_told(web, site):
    become(web, site, "project_manager")
    made = filed(web)
    acted(web, made, "report", reported=reported())
    assert act(web, made, "report", reported=reported()).status_code == 412
    unseen = web.post(f"/incidents/{made['id']}/acts", json={"act": "report", "reported": reported()})
    assert unseen.status_code == 428


def test_an_exercise_is_kept_and_not_counted(web, site):
    become(web, site, "project_manager")
    assert filed(web, drill=True)["mode"] == "drill"
    assert web.get("/incidents/counts").json()["non_fatal"] == 0


@pytest.mark.parametrize("table", ["ledger_event", "ledger_signature"])
def test_nobody_changes_what_a_ledger_says(site, table):
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute(f"DELETE FROM {table}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        site.connection.execute(f"DELETE FROM {table}".encode())
