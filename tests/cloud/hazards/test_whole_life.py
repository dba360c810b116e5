"""A hazard record from its alarm to its end and back, by the people who do it, over HTTP."""

import datetime as dt

import pytest

from cloud.hazards.audit import verify
from cloud.hazards.chain import Event
from cloud.hazards.store import append_event
from cloud.instants import rfc3339
from tests.cloud.hazards.people import Somebody
from tests.cloud.hazards.test_acting import PLAN
from tests.cloud.site import cleared, raised

CLAUSE = {"edition": "2024", "id": "8-4"}
ROLES = ("enforcement_officer", "project_manager", "supervision_engineer", "county_authority")


@pytest.fixture
def people(site, web):
    made = {role: Somebody(web, site.connection, role, role) for role in ROLES}
    yield made
    for one in made.values():
        one.client.close()


@pytest.fixture
def hazard(site):
    alarm = raised()
    site.born().deliver(alarm)
    site.deliver(cleared(alarm))
    return site.value("SELECT id FROM hazard")


def unmeasured(site, hazard) -> None:
    """Whether a measured danger is over is other tests' matter."""
    now = rfc3339(dt.datetime.now(dt.UTC))
    with site.connection.transaction():
        event = Event(at=now, actor="sitewarden", kind="signal", body={"from": "cleared", "to": "none"})
        append_event(site.connection, hazard, event)


def bring(somebody, hazard, stage) -> str:
    answer = somebody.client.post(
        f"hazards/{hazard}/evidence", params={"stage": stage}, content=b"%PDF-1.7 " + stage.encode()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_a_major_hazard_is_judged_rectified_reviewed_closed_and_reopened(site, hazard, people):
    officer, manager, supervisor, county = people.values()
    unmeasured(site, hazard)

    def does(somebody, name, **fields):
        answer = somebody.act(hazard, name, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    does(officer, "confirm", level="major", clause=CLAUSE, reason="限制器失效")
    assert does(manager, "plan", **PLAN)["status"] == "confirmed"
    assert does(supervisor, "accept_plan")["status"] == "rectifying"
    evidence = [bring(manager, hazard, stage) for stage in ("before", "after")]
    done = {"cause": "接线松动", "followup_measures": "每周检查", "evidence": evidence}
    does(manager, "submit", rectified_at=rfc3339(dt.datetime.now(dt.UTC)), **done)
    early = officer.act(hazard, "pass_review", note="可", onsite=False)
    assert [one["code"] for one in early.json()["errors"]] == ["supervision-first"]
    does(supervisor, "pass_review", note="现场已查", onsite=True)
    assert does(officer, "pass_review", note="同意", onsite=False)["status"] == "reviewed"
    own = manager.act(hazard, "close", document="x")
    assert own.status_code == 403
    closed = does(county, "close", document="长建函〔2026〕1号")
    assert (closed["status"], closed["record"]["closings"][0]["document"]) == ("closed", "长建函〔2026〕1号")
    assert all(event["signed"] for event in closed["events"] if event["side"])

    site.deliver(raised())
    newer = site.value("SELECT id FROM hazard WHERE id <> %s", hazard)
    again = does(county, "reopen", reason="同一缺陷未真正整改")
    assert (again["status"], again["record"]["absorbed"], again["signal"]) == (
        "rectifying",
        [str(newer)],
        "active",
    )
    assert county.see(newer).json()["record"]["merged_into"] == str(hazard)
    assert site.value("SELECT count(*) FROM episode WHERE hazard_id = %s", hazard) == 2
    verdict = verify(site.connection, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10))
    assert (verdict.records, verdict.breaks) == (2, [])


def test_a_faulty_sensor_is_rejected_and_is_to_be_repaired(site, hazard, people):
    officer = people["enforcement_officer"]
    item = bring(officer, hazard, "judgement")
    answer = officer.act(hazard, "reject", reason_code="sensor_fault", reason="传感器断线", evidence=[item])
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "rejected"
    task = site.rows("SELECT device, kind, reason, opened_by FROM device_task WHERE hazard_id = %s", hazard)
    assert task == [("crane-1", "repair", "传感器断线", "enforcement_officer")]
