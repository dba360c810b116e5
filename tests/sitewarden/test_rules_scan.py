"""One definition, two evaluators: the array scan says what the scalar step says, however history is cut."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules import scan as scanning
from sitewarden.rules.binding import Beside, bind
from sitewarden.rules.engine import NORMAL, RuleState, Transition
from sitewarden.rules.model import BoundRule, Rule
from sitewarden.rules.running import Rules, key_of
from sitewarden.rules.scan import Track, scan, scan_all

T = 1_763_650_000_000
OWN, OTHER, THIRD = "d/own", "d/other", "d/own.third"
BESIDE = Beside(
    {"crane.load": [OWN, OTHER, THIRD], "crane.radius": [OTHER], "crane.falls": [THIRD]}, [OWN, OTHER, THIRD]
)
ARMED = [{"kind": "crane.radius", "at_least": 3.0, "max_age_s": 8.0}]
BY_ITSELF = [{"kind": "crane.falls", "at_least": 3.0, "max_age_s": 8.0}]
"""Armed by what is made of the same sensor's readings, and so counts at the very instant."""
ARMED_EITHER_WAY = [{**ARMED[0], "at_most": 7.0, "magnitude": True}]

CONDITIONS: dict[str, dict[str, Any]] = {
    "high": {"condition": {"when": "high", "limit": 5.0}, "dead_band": 1.0},
    "high, no dead-band": {"condition": {"when": "high", "limit": 5.0}},
    "magnitude": {"condition": {"when": "high", "limit": 4.0, "magnitude": True}, "dead_band": 0.5},
    "low": {"condition": {"when": "low", "limit": 1.0}, "dead_band": 1.0},
    "band": {"condition": {"when": "band", "low": 1.0, "high": 5.0}, "dead_band": 0.5},
    "rate": {"condition": {"when": "rate", "limit": 2.0, "per_s": 10.0, "window_s": 8.0}, "dead_band": 0.5},
    "rate, either way": {
        "condition": {"when": "rate", "limit": 2.0, "per_s": 10.0, "window_s": 200.0, "direction": "either"}
    },
    "rate, falling": {
        "condition": {"when": "rate", "limit": -2.0, "per_s": 10.0, "window_s": 8.0, "direction": "falling"}
    },
    "consecutive": {"condition": {"when": "consecutive", "limit": 6.0, "fraction": 0.7, "times": 3}},
    "consecutive rounds": {
        "condition": {"when": "consecutive", "limit": 6.0, "fraction": 0.7, "times": 2, "every_s": 3.0}
    },
    "stale": {"condition": {"when": "stale", "after_s": 4.0}, "on_delay_s": 0.0},
    "stale device": {"condition": {"when": "stale", "after_s": 4.0}, "watch": "*", "on_delay_s": 0.0},
    "quality": {"condition": {"when": "quality", "any_of": ["timeout", "jump"]}},
    "frozen": {"condition": {"when": "frozen", "after_s": 3.0}},
    "frozen about": {"condition": {"when": "frozen", "after_s": 3.0, "tolerance": 1.0}},
    "jump": {"condition": {"when": "jump", "step": 3.0, "within_s": 2.0}},
    "bit": {"condition": {"when": "bit", "bit": 1}},
    "count": {"condition": {"when": "count", "limit": 5.0, "times": 2, "window_s": 9.0}, "dead_band": 1.0},
    "vote": {"condition": {"when": "vote", "limit": 4.0, "at_least": 2}, "dead_band": 1.0},
}


def rule(changes: dict[str, Any], **more: Any) -> Rule:
    plain = {
        "rule": "r", "family": "f", "version": 1, "watch": "crane.load", "level": 3,
        "label": {"zh": "", "en": ""},
        "basis": {"clause": "c", "source": "standard", "confidence": "memory"},
    }  # fmt: skip
    return msgspec.convert({**plain, **changes, **more}, Rule)


VALUES = st.sampled_from([-6.0, 0.0, 0.9, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 9.0, None])
BAD = st.sampled_from([Quality.TIMEOUT, Quality.SENTINEL, Quality.JUMP])


@st.composite
def histories(draw: st.DrawFn) -> list[Reading]:
    """Readings of three points in the order of time; several may share an instant, in any order."""
    at_ms, made = T, []
    for _ in range(draw(st.integers(0, 40))):
        at_ms += draw(st.sampled_from([0, 10, 900, 1000, 1010, 2500, 6000]))
        point = draw(st.sampled_from([OWN, OWN, OWN, OTHER, THIRD]))
        if any(reading.point == point and reading.at_ms == at_ms for reading in made):
            continue  # a point has one reading an instant
        value = draw(VALUES)
        made.append(Reading(point, at_ms, value, Quality.GOOD if value is not None else draw(BAD)))
    return made


class Told(NamedTuple):
    transitions: list[Transition]
    state: RuleState


def tracks_of(readings: Sequence[Reading]) -> dict[str, Track]:
    return {
        point: Track.of(
            [r.at_ms for r in readings if r.point == point],
            [np.nan if r.value is None else r.value for r in readings if r.point == point],
            [r.quality for r in readings if r.point == point],
        )
        for point in (OWN, OTHER, THIRD)
    }


def stepped(bound: BoundRule, readings: Sequence[Reading], until_ms: int) -> Told:
    rules = Rules([bound], T)
    moved = [*rules.take(readings), *rules.tick(until_ms)]
    return Told([m.transition for m in moved], rules.saved().get(key_of(bound), NORMAL))


@pytest.mark.parametrize("name", CONDITIONS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_the_scan_says_what_the_steps_say(name: str, data: st.DataObject) -> None:
    readings = data.draw(histories())
    arm = data.draw(st.sampled_from([[], ARMED, ARMED_EITHER_WAY])) if "stale" not in name else []
    delays = data.draw(st.sampled_from([0.0, 1.0, 3.0])), data.draw(st.sampled_from([0.0, 1.0, 3.0]))
    changes = {"on_delay_s": delays[0], "off_delay_s": delays[1], "arm": arm, **CONDITIONS[name]}
    bound = bind(rule(changes, latching=data.draw(st.booleans())), OWN, {}, beside=BESIDE)
    until_ms = (readings[-1].at_ms if readings else T) + data.draw(st.sampled_from([0, 500, 9000]))
    steps = stepped(bound, readings, until_ms)
    told = Told(*scan(bound, tracks_of(readings), since_ms=T, until_ms=until_ms))
    assert told == steps
    for before, after in pairwise(steps.transitions):
        assert (before.change, after.change) in (("raised", "cleared"), ("cleared", "raised"))


@pytest.mark.parametrize("name", CONDITIONS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_cut_and_no_restart_changes_the_transitions(name: str, data: st.DataObject) -> None:
    readings = data.draw(histories())
    changes = {"on_delay_s": 1.0, "off_delay_s": 1.0, "arm": ARMED, **CONDITIONS[name]}
    if "stale" in name:
        changes |= {"arm": []}
    bound = bind(rule(changes), OWN, {}, beside=BESIDE)
    until_ms = readings[-1].at_ms if readings else T
    whole = stepped(bound, readings, until_ms)
    cut_ms = data.draw(st.integers(T, until_ms))
    tracks = tracks_of(readings)
    first, state = scan(bound, tracks, since_ms=T, until_ms=cut_ms)
    # A restart in between: the state as it is kept on disk.
    state = msgspec.json.decode(msgspec.json.encode(state), type=RuleState)
    second, end = scan(bound, tracks, since_ms=cut_ms + 1, until_ms=until_ms, state=state)
    assert ([*first, *second], end) == whole


@settings(deadline=None)
@given(histories(), st.randoms())
def test_the_order_of_arrival_within_an_instant_says_nothing(readings: list[Reading], random: Any) -> None:
    shuffled = sorted(readings, key=lambda reading: (reading.at_ms, random.random()))
    until_ms = readings[-1].at_ms if readings else T
    for changes in CONDITIONS.values():
        bound = bind(rule({"on_delay_s": 1.0, **changes}), OWN, {}, beside=BESIDE)
        assert stepped(bound, shuffled, until_ms) == stepped(bound, readings, until_ms)


def in_pieces(
    piece: int, bounds: list[BoundRule], tracks: dict[str, Track], until_ms: int
) -> dict[tuple[str, str], list[Transition]]:
    spent: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "PIECE", piece)
        patch.setattr(scanning, "BLOCK", piece)
        found = scan_all(bounds, tracks, since_ms=T, until_ms=until_ms, spend=spent.append)
    assert sum(spent) == sum(map(len, found.values()))
    return found


@settings(deadline=None)
@given(histories(), st.integers(1, 7))
def test_a_suppressed_rule_is_withheld_alike_in_both(readings: list[Reading], piece: int) -> None:
    strong = bind(rule(CONDITIONS["high"], rule="strong", off_delay_s=1.0), THIRD, {})
    weak = bind(
        rule({"condition": {"when": "high", "limit": 3.0}}, rule="weak", suppressed_by=["strong"]), OWN, {}
    )
    until_ms = readings[-1].at_ms if readings else T
    rules = Rules([weak, strong], T)
    moved = [*rules.take(readings), *rules.tick(until_ms)]
    stepped = {key_of(bound): [m.transition for m in moved if m.bound is bound] for bound in (weak, strong)}
    assert in_pieces(piece, [weak, strong], tracks_of(readings), until_ms) == stepped


@settings(deadline=None)
@given(histories(), st.integers(1, 7))
def test_pieces_are_as_good_as_the_whole(readings: list[Reading], piece: int) -> None:
    until_ms = (readings[-1].at_ms if readings else T) + 9000
    tracks = tracks_of(readings)
    bounds = [
        bind(rule(changes, rule=f"r-{i}"), OWN, {}, beside=BESIDE)
        for i, changes in enumerate(CONDITIONS.values())
    ]
    whole = {key_of(b): scan(b, tracks, since_ms=T, until_ms=until_ms)[0] for b in bounds}
    assert in_pieces(piece, bounds, tracks, until_ms) == whole


def test_rules_that_suppress_one_another_in_a_circle_are_refused() -> None:
    one = bind(rule(CONDITIONS["high"], rule="one", suppressed_by=["two"]), OWN, {})
    two = bind(rule(CONDITIONS["high"], rule="two", suppressed_by=["one"]), OWN, {})
    with pytest.raises(ValueError, match="circle: one, two"):
        scan_all([one, two], {}, since_ms=T, until_ms=T + 1)


def test_a_track_whose_times_step_back_is_refused() -> None:
    with pytest.raises(ValueError, match="step back"):
        Track.of([2, 1], [0.0, 0.0])


def test_a_nan_is_never_good() -> None:
    assert Track.of([1, 2], [np.nan, 1.0]).quality.tolist() == [Quality.NOT_A_NUMBER, Quality.GOOD]
