"""A hole in the readings is judged by the gateway as by a back-test of what it recorded."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.config import Device
from edge.judge import Judge
from sitewarden.backtest.judging import Span, judge
from sitewarden.history import DevicePast, Track
from sitewarden.holes import Group, Holes
from sitewarden.messages import Alarm
from sitewarden.readings import Reading
from sitewarden.rules.packs import load_pack

T0 = 1_795_000_000_000
STEP_MS = 500
PACKS = [load_pack(name, Path()) for name in ("tower-crane", "pit-displacement", "weather")]

Part = tuple[int, float | None, float]
"""So many steps, the load in t and the wind in m/s; no load is a hole."""


class Recorded:
    """A crane's gateway, which keeps what it records."""

    def __init__(self, device: Device) -> None:
        self.device, self.judge = device, Judge([device], lambda: "synced")
        self.readings: list[Reading] = []
        self.alarms: list[Alarm] = []

    def work(self, parts: Iterable[Part], spacing: int = 1) -> "Recorded":
        """`spacing`: every so manyth step alone is polled."""
        steps = [(load, wind) for count, load, wind in parts for _ in range(count)]
        for i, (load, wind) in enumerate(steps):
            if load is not None and i % spacing == 0:
                self.poll(T0 + i * STEP_MS, load, wind)
        return self

    def poll(self, at_ms: int, load: float, wind: float) -> None:
        slew = (at_ms // 100) % 360 - 180.0
        values = {
            "load": load, "radius": 25.0, "hook_height": 20.0, "slew": slew, "falls": 4.0, "wind_speed": wind,
            "limiter_cutoff": 0.0, "limiter_bypass": 0.0, "limiter_fault": 0.0,
        }  # fmt: skip
        polled = [Reading(f"crane-1/{key}", at_ms, value) for key, value in values.items()]
        judged = self.judge.take(self.device, polled)
        self.readings += judged.readings
        self.alarms += judged.alarms + self.judge.tick(at_ms)

    @property
    def past(self) -> tuple[DevicePast, dict[str, Track]]:
        device = self.device
        past = DevicePast(
            device=device.name,
            profile=device.profile.profile,
            version=device.profile.version,
            intervals_ms=dict(device.intervals_ms),
            points=list(device.points),
            chart=device.chart,
            parameters=dict(device.parameters),
        )
        points = {reading.point for reading in self.readings}
        return past, {point: _track(r for r in self.readings if r.point == point) for point in points}


def _track(readings: Iterable[Reading]) -> Track:
    said = list(readings)
    values = [np.nan if r.value is None else r.value for r in said]
    return Track(
        np.array([r.at_ms for r in said], np.int64),
        np.array(values, np.float64),
        np.array([r.quality for r in said], np.uint8),
    )


Told = list[tuple[str, int, int | None]]


def told(alarms: Sequence[Alarm]) -> Told:
    cleared = {alarm.episode: alarm.at - T0 for alarm in alarms if alarm.change == "cleared"}
    raised = [alarm for alarm in alarms if alarm.change == "raised"]
    return sorted((alarm.rule, alarm.at - T0, cleared.get(alarm.episode)) for alarm in raised)


def back_tested(gateway: Recorded) -> Told:
    past, tracks = gateway.past
    last_ms = max(int(track.times[-1]) for track in tracks.values())
    found = judge(past, PACKS, tracks, Span(T0, T0, last_ms + 1))
    return sorted(
        (e.rule, e.raised_at - T0, None if e.cleared_at is None else e.cleared_at - T0)
        for e in found.episodes
    )


HOLES = {
    "an off-delay in the middle": [(40, 3.3, 3.0), (2, 1.0, 3.0), (30, None, 3.0), (60, 1.0, 3.0)],
    "and it is not over": [(40, 3.3, 3.0), (2, 1.0, 3.0), (30, None, 3.0), (2, 1.0, 3.0), (40, 3.3, 3.0)],
    "an on-delay goes on": [(40, 1.0, 3.0), (2, 3.3, 3.0), (30, None, 3.0), (40, 3.3, 3.0), (60, 1.0, 3.0)],
    "wind that calms": [(400, 1.0, 25.0), (4, 1.0, 3.0), (1200, None, 3.0), (2600, 1.0, 3.0)],
    "many of them": [(40, 3.3, 3.0), *[(2, 1.0, 3.0), (9, None, 3.0)] * 5, (60, 1.0, 3.0)],
    "a late poll is none": [(40, 3.3, 3.0), *[(1, 1.0, 3.0), (2, None, 3.0)] * 9, (60, 1.0, 3.0)],
}


@pytest.mark.parametrize("parts", HOLES.values(), ids=HOLES)
def test_a_hole_is_to_the_gateway_what_it_is_to_a_back_test(crane: Device, parts: list[Part]) -> None:
    gateway = Recorded(_polled_every(crane, STEP_MS)).work(parts)
    found = [one for one in back_tested(gateway) if not one[0].endswith("-silent")]
    assert found
    assert [one for one in told(gateway.alarms) if not one[0].endswith("-silent")] == found


def test_an_off_delay_is_not_seen_through_in_a_hole(crane: Device) -> None:
    gateway = Recorded(_polled_every(crane, STEP_MS)).work(HOLES["an off-delay in the middle"])
    cleared = {rule: cleared for rule, _, cleared in told(gateway.alarms)}
    back_ms = (40 + 2 + 30) * STEP_MS
    assert min(at for at in cleared.values() if at is not None) >= back_ms + 2000


def test_a_bus_that_is_always_late_has_no_holes(crane: Device) -> None:
    parts: list[Part] = [(400, 3.3, 3.0), (800, 1.0, 3.0)]
    gateway = Recorded(_polled_every(crane, STEP_MS)).work(parts, spacing=5)
    assert all(cleared is not None for _, _, cleared in told(gateway.alarms))
    assert told(gateway.alarms) == back_tested(gateway)


def test_a_poll_that_comes_sooner_makes_no_holes_of_those_after_it(crane: Device) -> None:
    gateway = Recorded(_polled_every(crane, STEP_MS))
    for i in range(0, 1000, 5):
        gateway.poll(T0 + i * STEP_MS, 1.0, 25.0 if i < 400 else 3.0)
        if i == 405:
            gateway.poll(T0 + (i + 1) * STEP_MS, 1.0, 3.0)
    assert any(cleared is not None for _, _, cleared in told(gateway.alarms))
    assert told(gateway.alarms) == back_tested(gateway)


def test_the_parts_of_a_poll_are_no_polls_of_their_own() -> None:
    """A bus five times as slow as declared, whose blocks of registers are read some milliseconds apart."""
    read = Holes([Group(STEP_MS, ("a", "b", "c"))], [])
    for poll_ms in range(T0, T0 + 100 * STEP_MS, 5 * STEP_MS):
        assert not read.take(Reading(point, poll_ms + 7 * i, 1.0) for i, point in enumerate("abc"))
    assert read.take([Reading("a", T0 + 200 * STEP_MS, 1.0)])


def test_a_new_configuration_hides_no_hole(crane: Device) -> None:
    device = _polled_every(crane, STEP_MS)
    gateway = Recorded(device)
    for i, load in enumerate([3.3] * 40 + [1.0] * 2):
        gateway.poll(T0 + i * STEP_MS, load, 3.0)
    before = gateway.judge
    gateway.judge = Judge([device], lambda: "synced", before=before)
    gateway.alarms += gateway.judge.go_on_from(before, T0 + 42 * STEP_MS)
    for i in range(72, 130):
        gateway.poll(T0 + i * STEP_MS, 1.0, 3.0)
    found = [one for one in back_tested(gateway) if not one[0].endswith("-silent")]
    assert [one for one in told(gateway.alarms) if not one[0].endswith("-silent")] == found


def _polled_every(device: Device, interval_ms: int) -> Device:
    return msgspec.structs.replace(device, intervals_ms=dict.fromkeys(device.intervals_ms, interval_ms))
