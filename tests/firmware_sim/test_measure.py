"""Latencies and accounts from hand-made lines."""

from pathlib import Path

import msgspec
import pytest

from firmware_sim.demo.measure import (
    Crossed,
    Decided,
    Held,
    Sounded,
    Watched,
    account,
    latency,
    onsets,
    took_ms,
    unexplained,
    watched_rules,
)
from sitewarden.rules.packs import load_pack

RULES = {
    ("crane-1", "crane-load-100"): Watched(limit=100.0, on_delay_ms=2000),
    ("pit-1", "pit-horizontal-cumulative-70"): Watched(limit=14.0, on_delay_ms=0),
}


def _crossed(at_ms: int, change: str = "beyond", **other: object) -> Crossed:
    line = {
        "at_ms": at_ms,
        "device": "crane-1",
        "point": "crane-1/load_ratio",
        "quantity": "load_ratio",
        "change": change,
        "limit": 100.0,
        "value": 101.0,
    }
    return msgspec.convert({**line, **other}, Crossed)


def _sounded(at_ms: int, reading_at_ms: int, change: str = "raised", **other: object) -> Sounded:
    line = {
        "at_ms": at_ms,
        "change": change,
        "episode": "e1",
        "device": "crane-1",
        "point": "crane-1/load_ratio",
        "rule": "crane-load-100",
        "level": 3,
        "reading_at_ms": reading_at_ms,
        "siren": "continuous",
        "lamp": "red",
    }
    return msgspec.convert({**line, **other}, Sounded)


def test_a_latency_counts_from_the_register_write_and_leaves_the_on_delay_out() -> None:
    found = onsets([_crossed(10_000)], [_sounded(12_250, 12_180)], RULES)
    assert [(one.due_ms, one.siren_ms) for one in found] == [(12_000, 12_250)]
    assert took_ms(found, {"e1": 12_250}) == took_ms(found, {"e1": 12_250, "other": 1})
    assert took_ms(found, {"e1": 12_250}) == [250]


def test_an_excursion_that_broke_off_is_not_the_beginning_of_the_next() -> None:
    crossed = [_crossed(10_000), _crossed(11_000, "within"), _crossed(15_000)]
    (found,) = onsets(crossed, [_sounded(17_200, 17_150)], RULES)
    assert found.due_ms == 17_000


def test_a_crossing_after_the_delay_began_to_run_is_not_its_beginning() -> None:
    crossed = [_crossed(10_000), _crossed(10_900, "within"), _crossed(11_000)]
    (found,) = onsets(crossed, [_sounded(12_300, 12_200)], RULES)
    assert found.due_ms == 12_000, "the reader never saw the dip"


def test_another_point_or_limit_is_not_mistaken_for_the_alarms_own() -> None:
    crossed = [_crossed(9_000), _crossed(10_500, limit=90.0), _crossed(10_600, point="crane-2/load_ratio")]
    (found,) = onsets(crossed, [_sounded(12_900, 12_800)], RULES)
    assert found.due_ms == 11_000


def test_a_rule_that_the_ledger_does_not_watch_has_no_latency() -> None:
    alarms = [_sounded(12_000, 11_900, rule="crane-limiter-fault")]
    assert onsets([_crossed(10_000)], alarms, RULES) == []
    assert unexplained(alarms, RULES, []) == []


def test_a_clear_has_no_latency() -> None:
    assert onsets([_crossed(10_000)], [_sounded(20_000, 19_900, "cleared")], RULES) == []


def test_an_alarm_without_a_crossing_is_named() -> None:
    alarms = [_sounded(12_000, 11_900)]
    found = onsets([], alarms, RULES)
    assert found == []
    assert unexplained(alarms, RULES, found) == alarms


def test_no_arrival_gives_no_number_rather_than_zero() -> None:
    nothing = latency(took_ms(onsets([_crossed(10_000)], [_sounded(12_100, 12_050)], RULES), {}))
    assert (nothing.count, nothing.p50, nothing.max) == (0, None, None)


def test_the_median_and_the_worst_are_told() -> None:
    crossed = [_crossed(at) for at in (10_000, 30_000, 50_000)]
    alarms = [
        _sounded(at + 2000 + late, at + 2000, episode=f"e{late}")
        for at, late in ((10_000, 100), (30_000, 300), (50_000, 200))
    ]
    told = latency(took_ms(onsets(crossed, alarms, RULES), {alarm.episode: alarm.at_ms for alarm in alarms}))
    assert (told.count, told.p50, told.max) == (3, 200, 300)


def test_limits_come_from_the_rule_packs_and_the_devices_parameters(tmp_path: Path) -> None:
    pit = load_pack("pit-displacement", tmp_path).rules
    found = watched_rules("pit-1", pit, {"control_cumulative_mm": 20.0, "control_rate_mm_per_day": 2.0})
    assert {rule: (w.limit, w.on_delay_ms) for (_, rule), w in found.items()} == {
        "pit-horizontal-cumulative-70": (pytest.approx(14.0), 0),
        "pit-horizontal-cumulative-100": (20.0, 3000),
    }
    assert found["pit-1", "pit-horizontal-cumulative-70"].suppressed_by == []
    cranes = watched_rules("crane-1", [*load_pack("tower-crane", tmp_path).rules, *pit], {})
    assert {rule for _, rule in cranes} == {"crane-load-90", "crane-load-100", "crane-load-110"}


def _decided(*sounded: Sounded, written: int = 100, waiting: int = 0) -> Decided:
    return Decided(sounded=sounded, readings_written=written, readings_waiting=waiting)


RAISED, CLEARED = _sounded(12_000, 11_900), _sounded(20_000, 19_900, "cleared")


def test_everything_that_arrived_once_is_neither_lost_nor_doubled() -> None:
    held = Held(episodes={"e1": True}, transitions=2, readings=100)
    told = account(_decided(RAISED, CLEARED), held)
    assert (told.lost, told.doubled) == (0, 0)


@pytest.mark.parametrize(
    ("held", "lost", "doubled"),
    [
        (Held(episodes={}, transitions=0, readings=100), 2, 0),
        (Held(episodes={"e1": False}, transitions=1, readings=100), 1, 0),
        (Held(episodes={"e1": True}, transitions=3, readings=100), 0, 1),
        (Held(episodes={"e1": True, "e9": False}, transitions=3, readings=100), 0, 1),
        (Held(episodes={"e1": True}, transitions=2, readings=93), 7, 0),
        (Held(episodes={"e1": True}, transitions=2, readings=104), 0, 4),
    ],
    ids=["no episode", "no clear", "a transition twice", "a foreign episode", "readings", "readings twice"],
)
def test_what_is_missing_or_too_much_is_counted(held: Held, lost: int, doubled: int) -> None:
    told = account(_decided(RAISED, CLEARED), held)
    assert (told.lost, told.doubled) == (lost, doubled)


def test_readings_that_still_wait_in_the_outbox_are_not_lost() -> None:
    held = Held(episodes={"e1": True}, transitions=2, readings=60)
    assert account(_decided(RAISED, CLEARED, waiting=40), held).lost == 0
    nothing = Held(episodes={}, transitions=0, readings=100)
    waits = msgspec.structs.replace(_decided(RAISED, CLEARED), transitions_waiting=2)
    assert account(waits, nothing).lost == 0
    # A receipt that came too late for the gateway to act on: it waits there and is committed here.
    held = Held(episodes={"e1": True}, transitions=2, readings=100)
    told = account(_decided(RAISED, CLEARED, waiting=40), held)
    assert (told.lost, told.doubled) == (0, 0)
