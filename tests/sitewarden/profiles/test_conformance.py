"""Whatever a device may say, a trial of it comes to a report that a program can read."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.profiles import load_profiles
from sitewarden.profiles.conformance import Report, report
from sitewarden.profiles.hints import usual_spans
from sitewarden.profiles.model import WIDTHS
from sitewarden.profiles.trial import Counts, GroupTime, Look, OtherWay, Trial
from sitewarden.quality import Quality

PROFILES = {name: profile for name, profile in load_profiles().items() if hasattr(profile, "modbus")}
USUAL = usual_spans(PROFILES)
WORDS = st.sampled_from([0, 1, 9999, 0x7FC0, 0x7FFF, 0x8000, 0xFFFF]) | st.integers(0, 0xFFFF)


@st.composite
def a_look(draw: st.DrawFn, width: int) -> Look:
    quality = draw(st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.TIMEOUT, Quality.EXCEPTION]))
    if quality is Quality.GOOD:
        return Look(tuple(draw(WORDS) for _ in range(width)), quality)
    return Look((), quality, "why", exception=draw(st.integers(0, 12)))


@given(name=st.sampled_from(sorted(PROFILES)), data=st.data())
def test_any_answers_come_to_a_report(name: str, data: st.DataObject) -> None:
    profile = PROFILES[name]
    rounds = data.draw(st.integers(0, 5))
    looks = {
        key: [data.draw(a_look(WIDTHS[point.type])) for _ in range(rounds)]
        for key, point in list(profile.points.items())[:6]
    }
    first = next(iter(profile.points))
    other = OtherWay("base", 1, {first: data.draw(a_look(WIDTHS[profile.points[first].type]))})
    trial = Trial(
        looks=looks,
        times={group: [GroupTime(1, 0.01)] for group in profile.groups},
        counts=Counts(requests=rounds, timeouts=0, late=0, broken=0),
        back_after_s=data.draw(st.none() | st.floats(0, 9)),
        other_ways=[other],
    )
    found = report(profile, trial, USUAL)
    assert [point.point for point in found.points] == list(profile.points)
    assert found.is_sound == all(check.level != "finding" for check in found.checks)
    for point in found.points:
        assert (point.value is None) == (point.quality != "good")
        assert all(math.isfinite(hint.value) for hint in point.hints)
    assert all(check.says.zh and check.says.en for check in found.checks)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found
