"""What the machine says of its own clock, and time that goes on evenly until somebody sets it."""

import time

from edge.clock import Clock, now_ms
from sitewarden.kernelclock import clock_state
from sitewarden.messages import ClockState

BOOT_1970_S, KNOWN_S, TRUE_S = 30.0, 1_790_000_000.0, 1_790_003_600.0


class Machine:
    """A machine whose clocks the test moves."""

    def __init__(self, wall_s: float, state: ClockState = "unsynced") -> None:
        self.wall_s, self.monotonic_s, self.state = wall_s, 100.0, state

    def goes_on(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def clock(self, floor_s: float = 0.0) -> Clock:
        return Clock(
            floor_ms=round(floor_s * 1000),
            wall=lambda: self.wall_s,
            monotonic=lambda: self.monotonic_s,
            state=lambda: self.state,
        )


def test_now_is_milliseconds_utc() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000
    assert abs(Clock().now_ms() - time.time() * 1000) < 1000


def test_the_clock_is_synced_or_not_as_the_kernel_says() -> None:
    assert clock_state() in {"synced", "unsynced"}


def test_a_clock_that_was_set_is_noticed_once_and_a_slewed_one_is_followed() -> None:
    machine = Machine(TRUE_S)
    clock = machine.clock()
    machine.goes_on(10)
    machine.wall_s += 0.01
    assert clock.look() == 0
    assert clock.now_ms() == round((TRUE_S + 10.01) * 1000)
    machine.wall_s -= 3600
    assert clock.look() == -3_600_000
    assert (clock.look(), clock.steps) == (0, 1)
    assert clock.now_ms() == round((TRUE_S + 10.01 - 3600) * 1000)


def test_until_somebody_looks_instants_stay_on_one_scale() -> None:
    machine = Machine(TRUE_S)
    clock = machine.clock()
    before = clock.at_ms(100.0)
    machine.wall_s += 3600
    assert clock.at_ms(100.0) == before
    assert clock.mono_ms(before) == 100_000


def test_a_machine_that_wakes_in_1970_goes_on_from_what_it_knew_and_says_that_it_is_unsynced() -> None:
    machine = Machine(BOOT_1970_S)
    clock = machine.clock(floor_s=KNOWN_S)
    machine.goes_on(60)
    assert clock.look() == 0
    assert clock.now_ms() == round((KNOWN_S + 60) * 1000)
    assert (clock.is_behind, clock.state) == (True, "unsynced")
    machine.wall_s, machine.state = TRUE_S, "synced"
    machine.goes_on(1.0)
    assert clock.look() == round((TRUE_S - KNOWN_S - 60) * 1000)
    assert (clock.is_behind, clock.state) == (False, "synced")


def test_a_floor_from_a_clock_that_was_ahead_gives_way_to_one_that_is_disciplined() -> None:
    machine = Machine(TRUE_S, state="synced")
    clock = machine.clock(floor_s=TRUE_S + 86_400)
    assert clock.now_ms() == round(TRUE_S * 1000)
    assert clock.state == "synced"


def test_a_clock_that_is_put_back_by_hand_is_believed_whatever_was_written_before() -> None:
    machine = Machine(TRUE_S + 3600)
    clock = machine.clock(floor_s=TRUE_S + 3500)
    machine.goes_on(1800)
    machine.wall_s -= 3600
    assert clock.look() == -3_600_000
    assert clock.now_ms() == round((TRUE_S + 1800) * 1000)


def test_a_clock_that_was_disciplined_once_is_not_thrown_back_when_the_discipline_is_lost() -> None:
    machine = Machine(TRUE_S, state="synced")
    clock = machine.clock(floor_s=TRUE_S + 28_800)
    clock.look()
    machine.state = "unsynced"
    machine.goes_on(10)
    assert clock.look() == 0
    assert clock.now_ms() == round((TRUE_S + 10) * 1000)
