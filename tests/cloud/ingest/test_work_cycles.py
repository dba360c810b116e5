"""A lift is stored once, however often it is told, and only of a crane that its gateway has."""

import msgspec
import pytest

from sitewarden.messages import HookPlace, WorkCycle
from tests.cloud.site import birth, now_ms, readings

MINUTE_MS = 60_000


def lift(minutes_ago: float = 5, **changes) -> WorkCycle:
    started_at = now_ms() - round(minutes_ago * MINUTE_MS)
    cycle = WorkCycle(
        device="crane-1",
        started_at=started_at,
        ended_at=started_at + 90_000,
        peak_load=2.9,
        peak_load_ratio=97.3,
        peak_moment=72.5,
        peak_moment_ratio=97.3,
        picked=HookPlace(radius=25.0, slew=10.0, height=1.0),
        set_down=HookPlace(radius=40.5, slew=190.0, height=25.0),
    )
    return msgspec.structs.replace(cycle, **changes)


def test_a_lift_told_twice_is_stored_once_and_receipted_twice(site):
    message = readings(0.0, cycles=[lift()], clock="synced")
    site.born()
    for _ in range(2):
        assert site.seqs(site.deliver(message)) == [message.seq]
    assert site.rows(
        "SELECT device, mode, peak_load, peak_moment_ratio, picked_slew, set_down_height, broken_off, clock"
        " FROM work_cycle"
    ) == [("crane-1", "live", 2.9, 97.3, 10.0, 25.0, False, "synced")]


def test_a_lift_told_again_after_a_restart_stands_as_it_was_told_first(site):
    told = lift()
    again = msgspec.structs.replace(told, ended_at=told.ended_at + 20_000, set_down=HookPlace())
    site.born().deliver(readings(0.0, cycles=[told]))
    site.deliver(readings(0.0, cycles=[again]))
    assert site.rows("SELECT set_down_radius FROM work_cycle") == [(40.5,)]


def test_modes_keep_their_lifts_apart(site, web):
    told = lift()
    site.born().deliver(readings(0.0, cycles=[told]))
    site.deliver(birth(boot="t"), mode="test")
    site.deliver(readings(0.0, boot="t", cycles=[msgspec.structs.replace(told, peak_load=1.0)]), mode="test")
    for mode, peak in (("live", 2.9), ("test", 1.0)):
        items = web.get(f"/sites/demo/work-cycles?mode={mode}").json()["items"]
        assert [item["peak_load"] for item in items] == [peak]


@pytest.mark.parametrize("wrong", [{"device": "crane-9"}, {"started_at": 1, "ended_at": 2}, {"ended_at": 0}])
def test_a_lift_that_cannot_be_is_a_dead_letter_and_its_readings_are_stored(site, wrong):
    message = readings(1.0, cycles=[lift(**wrong), lift(20)])
    outcome = site.born().deliver(message)
    assert [letter.reason for letter in outcome.dead] == ["implausible"]
    assert site.seqs(outcome) == [message.seq]
    assert site.value("SELECT count(*) FROM reading") == 1
    assert site.value("SELECT count(*) FROM work_cycle") == 1


def test_lifts_are_listed_newest_first_in_parts_and_by_crane(site, web):
    site.born(points={"crane-1/load": "crane.load", "crane-2/load": "crane.load"})
    cycles = [lift(30 - i, device=f"crane-{1 + i % 2}") for i in range(5)]
    site.deliver(readings(0.0, cycles=cycles))
    first = web.get("/sites/demo/work-cycles?limit=3").json()
    second = web.get(f"/sites/demo/work-cycles?limit=3&after={first['next']}").json()
    listed = [*first["items"], *second["items"]]
    assert [item["device"] for item in listed] == ["crane-1", "crane-2", "crane-1", "crane-2", "crane-1"]
    assert second["next"] is None
    assert listed == sorted(listed, key=lambda item: item["started_at"], reverse=True)
    newest = listed[0]
    assert (newest["peak_load"], newest["picked"], newest["broken_off"]) == (
        2.9,
        {"radius": 25.0, "slew": 10.0, "height": 1.0},
        False,
    )
    of_one = web.get("/sites/demo/work-cycles?device=crane-2").json()["items"]
    assert [item["device"] for item in of_one] == ["crane-2", "crane-2"]
    assert web.get("/sites/demo/work-cycles?mode=test").json()["items"] == []


def test_a_cursor_of_another_list_is_refused(site, web):
    site.born()
    answer = web.get("/sites/demo/work-cycles?after=abc")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-cursor")


def test_sixteen_thousand_lifts_of_a_crane_are_kept(site, web):
    site.born()
    start = now_ms() - 390 * 86_400_000
    per_message = 2000
    for part in range(8):
        first = start + part * per_message * 5 * MINUTE_MS
        cycles = [
            lift(started_at=first + i * 5 * MINUTE_MS, ended_at=first + i * 5 * MINUTE_MS + 90_000)
            for i in range(per_message)
        ]
        site.deliver(readings(0.0, at=now_ms() - 1000 + part, cycles=cycles))
    assert site.value("SELECT count(*) FROM work_cycle") == 16_000
    assert len(web.get("/sites/demo/work-cycles?device=crane-1&limit=500").json()["items"]) == 500
