"""Records whose danger a device measures, lived over HTTP: unplugged, mended, faulty, and back again."""

import pytest

from cloud.database import instant
from cloud.hazards.looking import look
from cloud.instants import rfc3339
from tests.cloud.evidence.test_media import exif, photo
from tests.cloud.hazards.people import Somebody
from tests.cloud.hazards.test_acting import PLAN
from tests.cloud.site import cleared, now_ms, raised, readings

POINT = "crane-1/load_ratio"
HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def people(site, web):
    """Whom it takes, by a short name."""
    made = {
        "manager": Somebody(web, site.connection, "经理", "project_manager"),
        "engineer": Somebody(web, site.connection, "监理", "supervision_engineer"),
    }
    yield made
    for one in made.values():
        one.client.close()


def bring(one: Somebody, hazard, stage: str) -> str:
    content = photo(exif()) if stage == "before" else photo()
    answer = one.client.post(f"hazards/{hazard}/evidence?stage={stage}", content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def submit(one: Somebody, hazard, evidence: list[str]):
    return one.act(
        hazard,
        "submit",
        followup_measures="每日检查",
        cause="限制器松动",
        rectified_at="2026-11-20T10:00:00Z",
        evidence=evidence,
    )


def unmet(answer) -> set[str]:
    return {error["code"] for error in answer.json().get("errors", [])}


@pytest.fixture
def rectifying(site, people):
    """A danger of two days ago that is over, being rectified: its record and the photos of it."""
    site.born(at=now_ms() - 2 * DAY)
    site.connection.execute("UPDATE device SET kind = 'other'")
    site.connection.execute("UPDATE point SET stale_after_ms = 600000")
    at = now_ms() - 2 * DAY
    alarm = raised(at=at, clock="synced")
    site.deliver(alarm, cleared(alarm, 5000))
    hazard = site.value("SELECT id FROM hazard")
    for name, fields in (("confirm", {"level": "general", "reason": "属实"}), ("plan", PLAN)):
        answer = people["manager"].act(hazard, name, **fields)
        assert answer.status_code == 200, answer.text
    return hazard, [bring(people["manager"], hazard, stage) for stage in ("before", "after")]


def read_until(site, end: int, hours: float) -> None:
    step = 300_000
    count = int(hours * HOUR / step)
    values = readings(*[80.0] * count, point=POINT, at=end - (count - 1) * step, step_ms=step)
    site.deliver(values, now=end)


def test_what_was_read_long_enough_is_rectified_and_what_returns_is_not(site, people, rectifying):
    hazard, evidence = rectifying
    read_until(site, now_ms() - 12 * HOUR, 20)
    assert "not-cleared" in unmet(submit(people["manager"], hazard, evidence))
    shown = people["manager"].client.get(f"hazards/{hazard}/clearance").json()["clearance"]
    assert {check["code"]: check["met"] for check in shown["checks"]} == {
        "signal": True,
        "time": True,
        "coverage": False,
    }
    read_until(site, now_ms(), 25)
    answer = submit(people["manager"], hazard, evidence)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "rectified"
    # It is there again, before anybody has looked.
    site.deliver(raised(clock="synced"))
    seen = people["engineer"].see(hazard).json()
    assert (seen["status"], seen["signal"], seen["record"]["verified_at"]) == ("rectifying", "active", None)
    assert {event["kind"] for event in seen["events"]} >= {"signal_returned", "evidence"}


def test_whoever_unplugs_the_device_submits_nothing(site, people, rectifying):
    hazard, evidence = rectifying
    read_until(site, now_ms(), 30)
    assert look(site.connection, now_ms() + HOUR) == [hazard]
    answer = submit(people["manager"], hazard, evidence)
    assert unmet(answer) == {"signal-unknown"}, answer.text
    assert people["manager"].see(hazard).json()["signal"] == "unknown"


def test_a_faulty_sensor_is_rejected_while_it_is_mended_and_leaves_a_task(site, people):
    site.born().deliver(raised(clock="synced"))
    hazard = site.value("SELECT id FROM hazard")
    manager, engineer = people["manager"], people["engineer"]
    evidence = [bring(engineer, hazard, "judgement")]
    why = {"reason_code": "sensor_fault", "reason": "力矩传感器断线", "evidence": evidence}
    assert "signal-active" in unmet(engineer.act(hazard, "reject", **why))
    path = "sites/demo/devices/crane-1/upkeep"
    times = {"start": rfc3339(instant(now_ms() - 1000)), "end": rfc3339(instant(now_ms() + HOUR))}
    asked = {"work_order": "WX-1", "reason": "换传感器", **times}
    (one,) = manager.client.post(f"{path}/maintenance", json=asked).json()["maintenance"]
    assert engineer.client.post(f"{path}/maintenance/{one['id']}/approval").status_code == 200
    answer = engineer.act(hazard, "reject", **why)
    assert answer.status_code == 200, answer.text
    (task,) = manager.client.get(path).json()["tasks"]
    assert (task["kind"], task["hazard"], task["closed_at"]) == ("repair", str(hazard), None)
    closed = manager.client.post(f"{path}/tasks/{task['id']}/closing", json={"note": "已更换"})
    assert closed.json()["tasks"][0]["closed_by"] == "经理"
