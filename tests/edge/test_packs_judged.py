"""A working crane through the gateway's judge: each trouble gives its own alarm, and none a false one."""

import math
from collections.abc import Callable, Iterable

import pytest

from edge.config import Device
from edge.judge import Judge
from sitewarden.messages import Alarm
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T0 = 1_795_000_000_000
STEP_MS = 500
Read = dict[str, float | Quality]


class Crane:
    """Lifts, slews and sets down, with a load cell that lives."""

    def __init__(self, device: Device) -> None:
        self.device, self.judge = device, Judge([device], lambda: "synced")
        self.now_ms = T0

    def work(self, seconds: float, trouble: Callable[[Read], Read] = dict) -> list[Alarm]:
        """Poll for so long; `trouble` changes what is read."""
        alarms: list[Alarm] = []
        for _ in range(round(1000 * seconds / STEP_MS)):
            alarms += self.take(trouble(self.values()))
            alarms += self.judge.tick(self.now_ms)
            self.now_ms += STEP_MS
        return alarms

    def values(self) -> Read:
        at_s = (self.now_ms - T0) / 1000
        swing = 0.02 * math.sin(at_s * 1.7)
        return {
            "load": 2.0 + swing,
            "radius": 25.0,
            "hook_height": 20.0,
            "slew": (3.0 * at_s) % 360 - 180,
            "falls": 4.0,
            "wind_speed": 3.0,
            "limiter_cutoff": 0.0,
            "limiter_bypass": 0.0,
            "limiter_fault": 0.0,
        }

    def take(self, read: Read) -> list[Alarm]:
        readings = [
            Reading(f"{self.device.name}/{key}", self.now_ms, None, value)
            if isinstance(value, Quality)
            else Reading(f"{self.device.name}/{key}", self.now_ms, value)
            for key, value in read.items()
        ]
        return self.judge.take(self.device, readings).alarms


@pytest.fixture
def working(crane: Device) -> Crane:
    """One that has worked for two minutes without an alarm."""
    made = Crane(crane)
    assert made.work(120) == []
    return made


def told(alarms: Iterable[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.change, alarm.rule) for alarm in alarms]


def silent(read: Read) -> Read:
    return dict.fromkeys(read, Quality.TIMEOUT)


def test_a_device_that_times_out_is_one_alarm_and_ends_with_its_answers(working: Crane) -> None:
    assert told(working.work(300, silent)) == [("raised", "crane-silent")]
    assert told(working.work(60)) == [("cleared", "crane-silent")]


def test_a_gap_without_any_reading_is_the_same_alarm(working: Crane) -> None:
    assert told(working.work(300, lambda _: {})) == [("raised", "crane-silent")]
    assert told(working.work(60)) == [("cleared", "crane-silent")]


def test_a_short_gap_is_none(working: Crane) -> None:
    assert working.work(20, silent) == []
    assert working.work(60) == []


@pytest.mark.parametrize("by_ms", [-3_600_000, -1500, 1500, 3_600_000])
def test_a_clock_that_is_set_is_no_danger(working: Crane, by_ms: int) -> None:
    since_ms = T0
    working.judge.shift(by_ms, since_ms)
    working.now_ms += by_ms
    assert working.work(300) == []


@pytest.mark.parametrize("by_ms", [-60_000, 20_000])
def test_nor_is_one_that_jumps_untold(working: Crane, by_ms: int) -> None:
    working.now_ms += by_ms
    assert working.work(300) == []


def test_a_load_cell_that_froze_is_found_within_two_minutes_of_motion(working: Crane) -> None:
    alarms = working.work(120, lambda read: {**read, "load": 2.3})
    assert told(alarms) == [("raised", "crane-load-frozen")]
    assert alarms[0].hazard is not None
    assert alarms[0].hazard.clause is not None
    assert alarms[0].hazard.clause.id == "8-4"
    assert told(working.work(60)) == [("cleared", "crane-load-frozen")]


def test_an_empty_hook_that_weighs_the_same_all_day_is_no_danger(working: Crane) -> None:
    assert working.work(1200, lambda read: {**read, "load": 0.02}) == []


def test_a_load_that_hangs_over_lunch_is_no_danger(working: Crane) -> None:
    assert working.work(1200, lambda read: {**read, "load": 2.3, "slew": 40.0}) == []


def test_a_bypass_is_its_own_alarm(working: Crane) -> None:
    assert told(working.work(10, lambda read: {**read, "limiter_bypass": 1.0})) == [
        ("raised", "crane-limiter-bypass")
    ]
    assert told(working.work(10)) == [("cleared", "crane-limiter-bypass")]


def test_a_load_cell_without_a_signal_is_told_of_at_once_while_the_crane_moves(working: Crane) -> None:
    alarms = working.work(20, lambda read: {**read, "load": Quality.SENTINEL})
    assert told(alarms) == [("raised", "crane-blind-moving")]
    assert alarms[0].level == 4


def test_an_overload_steps_up_and_down_again(working: Crane) -> None:
    # 2.94 t is rated at 25 m.
    up = [
        working.work(5, lambda read, load=load: {**read, "load": load}) for load in (2.7, 3.0, 3.3, 2.7, 1.0)
    ]
    assert [{rule for _, rule in told(alarms) if "load" in rule} for alarms in up] == [
        {"crane-load-90"},
        {"crane-load-100"},
        {"crane-load-110", "crane-load-110-no-cutoff"},
        {"crane-load-110", "crane-load-110-no-cutoff", "crane-load-100"},
        {"crane-load-90"},
    ]


@pytest.mark.parametrize(
    ("key", "rules"),
    [
        ("load", ["crane-blind-moving"]),
        ("radius", ["crane-blind-moving", "crane-radius-unreadable"]),
        ("falls", ["crane-blind-moving"]),
        ("hook_height", ["crane-hook-height-unreadable"]),
        ("slew", ["crane-slew-unreadable"]),
        ("wind_speed", ["crane-wind-speed-unreadable"]),
        ("limiter_cutoff", ["crane-limiter-cutoff-unreadable"]),
        ("limiter_bypass", ["crane-limiter-bypass-unreadable"]),
        ("limiter_fault", ["crane-limiter-fault-unreadable"]),
    ],
)
def test_each_sensor_that_dies_alone_is_told(working: Crane, key: str, rules: list[str]) -> None:
    alarms = working.work(120, lambda read: {**read, key: Quality.SENTINEL})
    assert sorted(told(alarms)) == [("raised", rule) for rule in rules]
    assert sorted(told(working.work(60))) == [("cleared", rule) for rule in rules]
