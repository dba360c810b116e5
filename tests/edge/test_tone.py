"""What is heard and seen of standing alarms, by level, acknowledgement, time and where the value is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tone import SILENT, Signal, Standing, signal_of

MAX_ON_S = 900


def heard(*standing: Standing) -> Signal:
    return signal_of(standing, MAX_ON_S)


@pytest.mark.parametrize(
    ("level", "signal"),
    [
        (1, ("off", "amber")),
        (2, ("intermittent", "amber")),
        (3, ("continuous", "red")),
        (4, ("continuous", "red")),
    ],
)
def test_a_new_alarm_is_heard_and_seen_by_its_level(level: int, signal: tuple[str, str]) -> None:
    assert heard(Standing(level)) == signal


def test_without_an_alarm_there_is_silence() -> None:
    assert heard() == SILENT


@pytest.mark.parametrize(("level", "lamp"), [(1, "amber"), (2, "amber"), (3, "red")])
def test_acknowledged_up_to_level_3_it_is_silent_and_the_lamp_stays(level: int, lamp: str) -> None:
    assert heard(Standing(level, is_acknowledged=True)) == ("off", lamp)


def test_acknowledged_at_level_4_it_beats_until_the_value_is_back() -> None:
    assert heard(Standing(4, is_acknowledged=True)) == ("intermittent", "red")
    assert heard(Standing(4, is_acknowledged=True, is_beyond=False)) == ("off", "red")


def test_not_acknowledged_it_sounds_on_while_the_off_delay_runs() -> None:
    assert heard(Standing(4, is_beyond=False)) == ("continuous", "red")
    assert heard(Standing(3, is_beyond=False)) == ("continuous", "red")


@pytest.mark.parametrize(("level", "siren"), [(3, "off"), (4, "intermittent")])
def test_a_continuous_tone_ends_by_time_as_if_it_were_acknowledged(level: int, siren: str) -> None:
    assert heard(Standing(level, sounded_s=MAX_ON_S - 1)).siren == "continuous"
    assert heard(Standing(level, sounded_s=MAX_ON_S)) == (siren, "red")


def test_an_intermittent_tone_has_no_such_end() -> None:
    assert heard(Standing(2, sounded_s=10 * MAX_ON_S)) == ("intermittent", "amber")


def test_a_new_alarm_beside_one_that_was_silenced_sounds_anew() -> None:
    silenced = Standing(4, is_acknowledged=True, is_beyond=False)
    assert heard(silenced, Standing(2)) == ("intermittent", "red")
    assert heard(silenced, Standing(3)) == ("continuous", "red")


def test_of_several_alarms_the_loudest_tone_and_the_gravest_light_are_shown() -> None:
    assert heard(Standing(3, is_acknowledged=True), Standing(2)) == Signal("intermittent", "red")


ALARMS = st.builds(
    Standing,
    level=st.integers(1, 4),
    is_beyond=st.booleans(),
    is_acknowledged=st.booleans(),
    sounded_s=st.floats(0, 2 * MAX_ON_S),
)
LOUDNESS = ("off", "intermittent", "continuous")
BRIGHTNESS = ("off", "amber", "red")


@given(st.lists(ALARMS, max_size=6))
def test_a_lamp_shines_while_anything_stands_and_a_danger_to_life_is_never_silent(
    standing: list[Standing],
) -> None:
    shown = signal_of(standing, MAX_ON_S)
    assert (shown.lamp == "off") == (not standing)
    if any(alarm.level == 4 and alarm.is_beyond for alarm in standing):
        assert shown.siren != "off"
    if any(alarm.level >= 3 and not alarm.is_acknowledged and not alarm.sounded_s for alarm in standing):
        assert shown.siren == "continuous"


@given(st.lists(ALARMS, max_size=5), ALARMS)
def test_one_alarm_more_is_never_heard_or_seen_as_less(standing: list[Standing], more: Standing) -> None:
    before, after = signal_of(standing, MAX_ON_S), signal_of([*standing, more], MAX_ON_S)
    assert LOUDNESS.index(after.siren) >= LOUDNESS.index(before.siren)
    assert BRIGHTNESS.index(after.lamp) >= BRIGHTNESS.index(before.lamp)
