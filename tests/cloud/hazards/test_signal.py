"""A danger that nothing watches any more is not over, and one that returns sends its record back."""

import datetime as dt

import msgspec
import pytest

from cloud.database import instant
from cloud.hazards.clearing import clearance_of
from cloud.hazards.looking import look
from sitewarden.messages import Series
from sitewarden.quality import Quality
from tests.cloud.site import birth, cleared, now_ms, raised, readings

POINT = "crane-1/load_ratio"


def said(site) -> list[tuple[str, dict]]:
    rows = site.rows("SELECT record FROM hazard_event ORDER BY hazard_id, seq")
    told = [msgspec.json.decode(record) for (record,) in rows]
    return [(event["kind"], event["body"]) for event in told]


def is_now(site) -> str:
    return site.value("SELECT signal FROM hazard")


@pytest.fixture
def over(site) -> int:
    """A danger that is over; when it was."""
    at = now_ms() - 60_000
    alarm = raised(at=at, clock="synced")
    site.born().deliver(readings(95.0, 95.0, point=POINT))
    site.deliver(alarm, cleared(alarm, 5_000))
    assert is_now(site) == "cleared"
    assert site.value("SELECT signal_since FROM hazard") == instant(at + 5_000)
    return at + 5_000


def lose(site, now: int) -> None:
    assert len(look(site.connection, now)) == 1
    assert is_now(site) == "unknown"


def test_while_it_is_read_nothing_changes(site, over):
    before = said(site)
    assert look(site.connection, now_ms()) == []
    assert said(site) == before


def test_a_device_that_is_unplugged_makes_it_unknown_and_never_clears(site, over):
    lose(site, now_ms() + 60_000)
    kind, body = said(site)[-1]
    assert (kind, body["from"], body["to"]) == ("signal", "cleared", "unknown")
    assert look(site.connection, now_ms() + 90_000) == []
    found = clearance_of(site.connection, site.value("SELECT id FROM hazard"), now_ms() + 10**9)
    assert found is not None
    assert (found.met, found.cleared_since, found.why[0]) == (False, None, "signal")


def test_what_comes_without_a_good_value_is_no_reading(site, over):
    later = now_ms() + 60_000
    bad = Series(p=POINT, t=[0, 1000], x=[None, None], q=[Quality.DISCONNECTED] * 2)
    site.deliver(readings(series=[bad], at=later - 1000), now=later)
    lose(site, later)


def test_with_the_readings_it_is_over_again_but_only_since_then(site, over):
    lost = now_ms() + 60_000
    lose(site, lost)
    back = lost + 3_600_000
    site.deliver(readings(95.0, point=POINT, at=back), now=back)
    assert len(look(site.connection, back)) == 1
    assert is_now(site) == "cleared"
    assert site.value("SELECT signal_since FROM hazard") == instant(back)


def test_an_alarm_that_stands_when_it_is_lost_stands_when_it_is_back(site):
    site.born().deliver(readings(95.0, point=POINT))
    site.deliver(raised())
    lost = now_ms() + 60_000
    lose(site, lost)
    site.deliver(readings(105.0, point=POINT, at=lost), now=lost)
    look(site.connection, lost)
    assert is_now(site) == "active"


def test_a_clear_of_what_nobody_watches_leaves_it_unknown(site):
    alarm = raised()
    site.born().deliver(readings(95.0, point=POINT))
    site.deliver(alarm)
    lose(site, now_ms() + 60_000)
    site.deliver(cleared(alarm))
    assert is_now(site) == "unknown"


def test_a_device_on_trial_and_a_point_that_is_gone_judge_nothing(site, over):
    site.deliver(birth(points={"crane-1/load": "crane.load"}, boot="c" * 32))
    lose(site, now_ms())
    site.deliver(birth(boot="d" * 32))
    look(site.connection, now_ms())
    assert is_now(site) == "cleared"
    with_trial = birth(boot="e" * 32)
    devices = [msgspec.structs.replace(one, commissioning="trial") for one in with_trial.devices]
    site.deliver(msgspec.structs.replace(with_trial, devices=devices))
    lose(site, now_ms())


@pytest.mark.parametrize("status", ["rectified", "reviewed"])
def test_a_danger_that_returns_during_review_sends_the_record_back(site, over, status):
    site.connection.execute("UPDATE hazard SET status = %s, verified_at = now()", [status])
    site.deliver(raised(clock="synced"))
    assert site.rows("SELECT status, signal, verified_at FROM hazard") == [("rectifying", "active", None)]
    kind, body = said(site)[-1]
    assert (kind, body["from"]) == ("signal_returned", "cleared")
    assert site.value("SELECT count(*) FROM hazard_event WHERE status = 'rectifying'") >= 1


def test_one_that_came_and_went_unseen_sends_it_back_as_well(site, over):
    site.connection.execute("UPDATE hazard SET status = 'rectified'")
    unseen = raised(clock="synced", at=now_ms() - 20_000)
    site.deliver(cleared(unseen, 2_000))
    assert site.rows("SELECT status, signal FROM hazard") == [("rectifying", "cleared")]
    assert [kind for kind, _ in said(site)[-2:]] == ["signal_returned", "signal"]


def test_a_record_under_way_is_not_sent_back(site, over):
    site.connection.execute("UPDATE hazard SET status = 'rectifying'")
    site.deliver(raised(clock="synced"))
    assert "signal_returned" not in [kind for kind, _ in said(site)]


def test_by_a_clock_that_nobody_had_set_it_is_over_since_it_was_heard(site):
    alarm = raised(at=1_000_000, clock="unsynced")
    site.born()
    now = now_ms()
    site.deliver(alarm, cleared(alarm), now=now)
    assert site.value("SELECT signal_since FROM hazard") >= instant(now)


def test_holes_in_what_was_read_count_against_it(site, over):
    """Of two hours a quarter was not read."""
    start = over
    site.connection.execute("UPDATE device SET kind = 'other'")
    held = readings(*[95.0] * 5_400, point=POINT, at=start, step_ms=1000)
    site.deliver(held, now=start + 7_200_000)
    hazard = site.value("SELECT id FROM hazard")
    found = clearance_of(site.connection, hazard, start + 7_200_000)
    assert found is not None
    assert found.coverage == pytest.approx(0.75, abs=0.01)
    assert "coverage" in found.why


def test_of_a_crane_work_counts_as_its_lifts_tell(site, over):
    hazard = site.value("SELECT id FROM hazard")
    gateway = site.value("SELECT id FROM gateway LIMIT 1")
    for n in range(20):
        start = instant(over) + dt.timedelta(minutes=10 * n)
        site.connection.execute(
            "INSERT INTO work_cycle (site, mode, device, started_at, ended_at, gateway_id, peak_load,"
            " broken_off, clock, received_at)"
            " VALUES ('demo', 'live', 'crane-1', %s, %s, %s, 2, false, 'synced', now())",
            [start, start + dt.timedelta(minutes=4), gateway],
        )
    found = clearance_of(site.connection, hazard, over + 4 * 3_600_000)
    assert found is not None
    assert found.working_s == pytest.approx(194 * 60)
    assert found.why == ["coverage"]
