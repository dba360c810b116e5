"""A replay steps only when all is read, keeps its speed, and does what somebody asks of it."""

import math

import pytest

from firmware_sim.replay.cast import cast_of
from firmware_sim.replay.source import UNENDING, Source, speeds
from firmware_sim.replay.timeline import Timeline
from sitewarden import clockblock
from sitewarden.clockblock import State, told
from sitewarden.profiles import load_profiles
from sitewarden.quality import Quality
from tests.support.histories import STEADY, STEP_MS, T0, crane_past, crane_tracks, history_of


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Gateway:
    """Follows a source as a gateway does, but for the wire."""

    def __init__(self, source: Source) -> None:
        self.source, self.taken = source, 0

    def next(self, *, reads: bool = True) -> clockblock.ClockBlock:
        block = clockblock.decode(self.source.next((self.taken + 1) % 2))
        if block.state is State.READY:
            if reads:
                for due in block.due:
                    image = self.source.image(due.bus, due.unit)
                    assert image is not None
                    image.read(range(7))
            self.taken = block.serial
        return block

    def play(self, most: int = 1000) -> list[int]:
        """Instants until something is in the way."""
        found: list[int] = []
        while len(found) < most and (block := self.next()).state is State.READY:
            found.append(block.at_ms)
        return found


def a_source(loads=(1.0,) * 10, speed: float = UNENDING, **how) -> tuple[Source, Clock, Gateway]:
    history = history_of(crane_tracks("crane-1", loads), crane_past())
    cast = cast_of(history.header, load_profiles(), None)
    clock = Clock()
    source = Source(Timeline.of(history, cast), cast, speed=speed, now=clock, **how)
    return source, clock, Gateway(source)


def test_every_instant_comes_once_and_in_order():
    source, _, gateway = a_source()
    assert gateway.play() == [T0 + i * STEP_MS for i in range(10)]
    assert gateway.next().state is State.ENDED
    assert source.standing(is_followed=True).state == "ended"


def test_the_next_instant_waits_until_every_point_of_this_one_is_read():
    _source, _, gateway = a_source()
    block = gateway.next(reads=False)
    again = gateway.next()
    assert (again.at_ms, again.serial) == (block.at_ms, block.serial)
    assert gateway.next().at_ms == T0 + STEP_MS


def test_an_answer_that_was_lost_skips_nothing():
    source, _, gateway = a_source()
    gateway.next()
    lost = clockblock.decode(source.next(0))
    assert lost.at_ms == T0 + STEP_MS
    assert gateway.next().at_ms == lost.at_ms


def test_an_instant_at_which_nothing_can_be_read_is_not_skipped_by_a_lost_answer():
    silent = (None, Quality.TIMEOUT)
    history = history_of(
        crane_tracks("crane-1", [1.0, silent, 1.0], other={key: {1: silent} for key in STEADY}),
        crane_past(),
    )
    cast = cast_of(history.header, load_profiles(), None)
    source = Source(Timeline.of(history, cast), cast, speed=UNENDING, now=Clock())
    gateway = Gateway(source)
    gateway.next()
    block = clockblock.decode(source.next(0))
    assert block.due[0].codes[0] == told(Quality.TIMEOUT)
    assert gateway.next().at_ms == block.at_ms


@pytest.mark.parametrize("speed", [0.1, 1, 60, 600])
def test_an_instant_is_served_when_the_speed_says_so_and_not_before(speed):
    _source, clock, gateway = a_source(speed=speed)
    began_s = clock.now_s
    for i in range(10):
        due_s = began_s + i * STEP_MS / 1000 / speed
        clock.now_s = due_s - 1e-4
        assert i == 0 or gateway.next().state is State.WAITING
        clock.now_s = due_s + 1e-4
        assert gateway.next().at_ms == T0 + i * STEP_MS


def test_a_gateway_that_was_held_up_a_little_catches_up_and_after_long_goes_on_from_there():
    _source, clock, gateway = a_source(speed=1)
    gateway.next()
    clock.now_s += 1.0
    assert len(gateway.play()) == 2
    clock.now_s += 60
    assert len(gateway.play()) == 1
    clock.now_s += 0.5
    assert len(gateway.play()) == 1


def test_pause_holds_and_steps_go_one_by_one():
    source, _, gateway = a_source()
    gateway.play(3)
    source.pause()
    assert gateway.next().state is State.PAUSED
    source.go_steps(2)
    assert len(gateway.play()) == 2
    assert source.standing(is_followed=True).state == "paused"
    source.resume()
    assert len(gateway.play()) == 5


def test_a_jump_in_time_begins_another_pass_also_while_paused():
    source, _, gateway = a_source()
    gateway.play(8)
    source.pause()
    source.seek(T0 + 2 * STEP_MS - 1)
    block = gateway.next()
    assert (block.at_ms, block.passed) == (T0 + 2 * STEP_MS, 2)
    assert gateway.next().state is State.PAUSED


def test_a_loop_begins_anew_as_another_pass():
    source, _, gateway = a_source(is_looping=True)
    assert gateway.play(12)[-2:] == [T0, T0 + STEP_MS]
    assert clockblock.decode(source.look()).passed == 2


def test_a_hole_in_the_history_is_a_silence_and_nothing_is_made_up():
    _source, _, gateway = a_source([1.0, 1.0, *[None] * 20, 2.0])
    blocks = []
    while (block := gateway.next()).state is State.READY:
        blocks.append(block)
    assert [block.at_ms - T0 for block in blocks] == [0, 500, 1000, 11_000]
    assert set(blocks[2].due[0].codes) == {told(Quality.TIMEOUT)}


def test_the_standing_tells_recorded_time_between_two_instants():
    source, clock, gateway = a_source(speed=60)
    gateway.next()
    clock.now_s += 0.005
    assert source.standing(is_followed=True).at_ms == T0 + 300
    clock.now_s += 1
    assert source.standing(is_followed=True).at_ms == T0 + STEP_MS
    assert source.standing(is_followed=False).state == "waiting"


def test_speeds_are_read_as_people_write_them():
    assert [speeds(text) for text in ("0.1", "60", "600x", "60×", "max")] == [0.1, 60, 600, 60, math.inf]
    for text in ("0", "601", "fast", "nan"):
        with pytest.raises(ValueError):  # noqa: PT011  float() has words of its own
            speeds(text)
