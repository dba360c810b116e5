"""A back-test over hand-made histories: what is added, removed, moved, and by how much."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from sitewarden.backtest.binding import memory_ms
from sitewarden.backtest.changes import put_upon, rules_of
from sitewarden.backtest.judging import Span
from sitewarden.backtest.text import lines
from sitewarden.backtest.trial import Report, TooManyAlarmsError, backtest, false_alarms
from sitewarden.history import DevicePast, Header, PastAlarm, Track
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.rules.model import Arming, Consecutive, High, LimitChange, Rule
from sitewarden.rules.packs import RulePack, load_pack
from sitewarden.text import Text
from tests.sitewarden.backtest.episode import SECOND, episode

RATIO, LOAD, H1 = "crane-1/load_ratio", "crane-1/load", "pit-1/h1.cumulative"
CRANE = load_pack("tower-crane", Path())
NAMES = {"crane-load-90", "crane-load-100", "crane-load-110"}
OVERLOAD = msgspec.structs.replace(CRANE, rules=[rule for rule in CRANE.rules if rule.rule in NAMES])
T0 = 1_790_000_000_000


class Told(NamedTuple):
    """A history in memory."""

    header: Header
    past: Mapping[str, Track]

    def tracks(self, points: Sequence[str], first_ms: int, end_ms: int) -> dict[str, Track]:
        found = {}
        for point in points:
            if point in self.past:
                track = self.past[point]
                kept = (track.times >= first_ms) & (track.times < end_ms)
                if kept.any():
                    found[point] = Track(track.times[kept], track.values[kept], track.quality[kept])
        return found


def history(values: Sequence[float | None], *, point: str = RATIO, **changes) -> Told:
    """A reading a second from T0; none is a timeout."""
    track = Track(
        T0 + np.arange(len(values), dtype=np.int64) * SECOND,
        np.array([np.nan if v is None else v for v in values]),
        np.array([Quality.TIMEOUT if v is None else Quality.GOOD for v in values], np.uint8),
    )
    header = Header(
        site="demo",
        time_zone="Asia/Shanghai",
        since_ms=T0,
        until_ms=T0 + 3600 * SECOND,
        devices=[crane()],
    )
    return Told(msgspec.structs.replace(header, **changes), {point: track})


def crane(**changes) -> DevicePast:
    points = [
        PointBirth(p=LOAD, kind="crane.load"),
        PointBirth(p=RATIO, kind="crane.load_ratio"),
    ]
    return DevicePast(device="crane-1", profile="reference-tower-crane", points=points, **changes)


def pit(**parameters: float) -> DevicePast:
    points = [PointBirth(p=H1, kind="pit.displacement.horizontal.cumulative")]
    profile = "reference-pit-displacement"
    return DevicePast(device="pit-1", profile=profile, points=points, parameters=parameters)


def changed(name: str, **fields) -> RulePack:
    """A pack of one overload rule with other numbers."""
    rule = next(rule for rule in OVERLOAD.rules if rule.rule == name)
    return RulePack(pack="site", source="a test", rules=[msgspec.structs.replace(rule, **fields)])


def run(
    told: Told, proposed: Sequence[RulePack], in_force: Sequence[RulePack] = (OVERLOAD,), **span
) -> Report:
    since = span.get("since", 0)
    asked = Span(
        T0 + span.get("warm", since) * SECOND,
        T0 + since * SECOND,
        T0 + span.get("until", 3600) * SECOND,
    )
    return backtest(told, list(in_force), list(proposed), asked)


def without(name: str) -> RulePack:
    return msgspec.structs.replace(OVERLOAD, rules=[r for r in OVERLOAD.rules if r.rule != name])


def seconds(instant: int | None) -> float | None:
    return None if instant is None else (instant - T0) / SECOND


# Rises to 95 for ten seconds, falls back; then to 105 for ten seconds, falls back.
TWO_LIFTS = [50.0] * 5 + [95.0] * 10 + [50.0] * 10 + [92.0] * 5 + [105.0] * 10 + [50.0] * 10


def test_the_same_rules_change_nothing():
    report = run(history(TWO_LIFTS), [OVERLOAD])
    assert report.rule_changes == []
    assert report.changes.is_equal
    assert report.in_force.by_level == {2: 2, 3: 1}
    assert report.readings == len(TWO_LIFTS)


def test_a_lower_limit_adds_exactly_the_alarms_that_it_gives():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-100", condition=High(94.0))]))
    (change,) = report.rule_changes
    assert [(f.field, f.before, f.after) for f in change.fields] == [("condition.limit", 100.0, 94.0)]
    (added,) = report.changes.added
    assert (added.rule, seconds(added.raised_at), seconds(added.cleared_at)) == ("crane-load-100", 7, 17)
    assert report.changes.removed == []
    # The second lift passed 94 % and 100 % with the same step: nothing moves.
    assert report.changes.moved == []
    assert len(report.changes.unchanged) == 3


def test_a_higher_limit_removes_what_never_reached_it():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-90", condition=High(96.0))]))
    (removed,) = report.changes.removed
    assert (removed.level, seconds(removed.raised_at)) == (2, 7)
    (moved,) = report.changes.moved
    # From 92 at 25 s, raised at 27; from 105 at 30 s, raised at 32.
    assert (seconds(moved.before.raised_at), moved.raised_later_ms) == (27, 5 * SECOND)


def test_a_longer_delay_moves_an_alarm_by_as_much():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-100", on_delay_s=5.0)]))
    (moved,) = report.changes.moved
    assert moved.raised_later_ms == 3 * SECOND
    assert not report.changes.added
    assert not report.changes.removed


def test_lead_times_are_those_of_the_curve_on_either_side():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-90", condition=High(96.0))]))
    before = next(lead for lead in report.in_force.leads if lead.rule == "crane-load-90")
    after = next(lead for lead in report.proposed.leads if lead.rule == "crane-load-90")
    # Warned at 27 s of the 100 % reached at 30 s; the first lift never reached it.
    assert (before.leads_ms, before.not_reached, before.unwarned) == ([3 * SECOND], 1, 0)
    # At 96 % the warning comes 2 s after the limit was passed.
    assert (after.leads_ms, after.not_reached) == ([-2 * SECOND], 0)


def test_an_alarm_that_stands_at_the_end_is_told_as_standing():
    report = run(history([50.0, 105.0, 105.0, 105.0, 105.0]), [OVERLOAD])
    assert [pair.after.cleared_at for pair in report.changes.unchanged] == [None, None]


def test_what_began_before_the_range_keeps_its_begin_and_what_ended_before_it_is_not_told():
    report = run(history(TWO_LIFTS), [OVERLOAD], since=29, warm=0)
    begins = [seconds(pair.before.raised_at) for pair in report.changes.unchanged]
    assert begins == [27, 32]


def test_a_rule_that_remembers_days_sees_as_many_before_the_range():
    thrice = Consecutive(limit=100.0, fraction=0.9, times=3, every_s=7200.0)
    rule = changed("crane-load-90", condition=thrice, on_delay_s=0.0)
    # A reading an hour: 92 % in three rounds of two hours, the last in the range.
    track = Track(T0 + np.arange(8, dtype=np.int64) * 3600 * SECOND, np.full(8, 92.0), np.zeros(8, np.uint8))
    told = Told(history([1.0]).header, {RATIO: track})
    report = run(told, [rule], since=3 * 3600, warm=0, until=8 * 3600)
    assert [seconds(pair.after.raised_at) for pair in report.changes.moved] == [4 * 3600]
    assert memory_ms(crane(), [rule]) == 6 * 3600 * SECOND
    assert memory_ms(crane(), [OVERLOAD]) == 3600 * SECOND


def test_a_bad_reading_neither_raises_nor_clears():
    report = run(history([50.0, 105.0, None, None, 105.0, None, None, None]), [OVERLOAD])
    (overload,) = [p.before for p in report.changes.unchanged if p.before.level == 3]
    assert (seconds(overload.raised_at), overload.cleared_at) == (4, None)


def test_a_rule_without_history_is_named_and_not_taken_for_quiet():
    report = run(history([1.0], point=LOAD), [OVERLOAD])
    assert {(n.rule, n.where, n.reason) for n in report.proposed.not_judged} == {
        (rule.rule, RATIO, "no_history") for rule in OVERLOAD.rules
    }
    assert report.in_force.alarms == 0


def test_a_rule_that_watches_what_nothing_measures_is_named():
    report = run(history([1.0]), [load_pack("pit-displacement", Path())])
    assert {n.reason for n in report.proposed.not_judged} == {"no_point"}


def test_a_missing_parameter_is_named_and_never_guessed():
    pack = load_pack("pit-displacement", Path())
    told = history([10.0, 15.0, 15.0], point=H1, devices=[pit()])
    report = run(told, [pack], in_force=[pack])
    missing = [n for n in report.proposed.not_judged if n.reason == "missing_parameter"]
    assert missing
    assert all("control_cumulative_mm" in n.what.zh for n in missing)
    assert report.proposed.alarms == 0


def test_the_designers_value_is_the_limit_that_is_judged_by():
    pack = load_pack("pit-displacement", Path())
    told = history(
        [10.0, 15.0, 15.0], point=H1, devices=[pit(control_cumulative_mm=20.0, control_rate_mm_per_day=2.0)]
    )
    report = run(told, [pack], in_force=[pack])
    assert [pair.before.limit for pair in report.changes.unchanged] == [14.0]


def test_a_limit_that_the_site_has_changed_is_in_force_until_the_rule_is_proposed_anew():
    change = LimitChange(
        rule="crane-load-90", limit=93.0, author="王工", reason="a test", on="2026-11-20", version=2
    )
    told = history(TWO_LIFTS, changes=[change])
    same = run(told, [OVERLOAD])
    assert same.changes.is_equal
    assert {limit.limit for limit in same.in_force.limits if limit.rule == "crane-load-90"} == {93.0}
    anew = run(told, put_upon([OVERLOAD], [changed("crane-load-90", condition=High(91.0))]))
    assert {limit.limit for limit in anew.proposed.limits if limit.rule == "crane-load-90"} == {91.0}


def test_a_rule_armed_by_a_point_without_history_is_not_judged():
    armed = changed("crane-load-90", arm=[Arming(kind="crane.load", at_least=1.0)])
    report = run(history(TWO_LIFTS), [armed], in_force=[OVERLOAD])
    assert [(n.where, n.reason) for n in report.proposed.not_judged] == [(LOAD, "no_history")]


def test_a_latching_alarm_ends_with_its_danger_and_the_report_says_so():
    latching = changed("crane-load-90", latching=True)
    report = run(history(TWO_LIFTS), [latching])
    assert all(e.cleared_at for e in (p.after for p in report.changes.unchanged))
    assert "crane-load-90" in report.notes[0].en


def past(raised_s: float, cleared_s: float, **changes) -> PastAlarm:
    made = episode(0, None)
    fields = {
        name: getattr(made, name) for name in ("point", "kind", "rule", "rule_version", "family", "level")
    }
    return PastAlarm(
        **{
            **fields,
            "episode": "e" * 32,
            "device": "crane-1",
            "label": Text("超载", "Overload"),
            "value": 105.0,
            "limit": 100.0,
            "peak": 105.0,
            "raised_at": T0 + round(raised_s * SECOND),
            "cleared_at": T0 + round(cleared_s * SECOND),
            **changes,
        }
    )


def test_alarms_that_happened_are_laid_beside_those_that_the_rules_give():
    told = history(TWO_LIFTS, alarms=[past(32, 42), past(100, 110)])
    report = run(told, [OVERLOAD])
    assert [seconds(p.after.raised_at) for p in report.recorded.unchanged] == [32]
    assert [seconds(e.raised_at) for e in report.recorded.removed] == [100]
    # The two warnings at 90 % were never recorded.
    assert {e.level for e in report.recorded.added} == {2}


def test_an_alarm_that_cleared_after_the_range_is_compared_as_it_stood_at_its_end():
    told = history(TWO_LIFTS, alarms=[past(32, 42)])
    report = run(told, [OVERLOAD], until=40)
    assert [pair.after.cleared_at for pair in report.recorded.unchanged] == [None]


def test_without_judged_hazards_there_is_no_false_alarm_rate():
    report = run(history(TWO_LIFTS), [OVERLOAD])
    assert report.in_force.false_alarms.rate is None
    assert any("no hazard has been judged yet" in line for line in lines(report))


def test_the_false_alarm_rate_is_of_the_judged_alone():
    alarms = [episode(10, 20), episode(30, 40), episode(50, 60), episode(70, 80)]
    recorded = [
        episode(10, 20, judged="false", level=2),
        episode(31, 39, judged="real"),
        episode(52, 53, judged="false"),
        episode(54, 58, judged="real"),
    ]
    found = false_alarms(alarms, recorded)
    assert (found.judged, found.false) == (3, 1)
    assert found.rate == pytest.approx(1 / 3)


def test_the_report_in_words_names_everything_that_changed():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-90", condition=High(96.0))]))
    text = "\n".join(lines(report))
    assert "condition.limit 90.0 → 96.0" in text
    assert "减少 removed: 1" in text
    assert "晚 later 5.0 s" in text
    assert "起重量达到额定的 90 % Load at 90 % of rated" in text


def test_a_whole_report_is_json():
    report = run(history(TWO_LIFTS), put_upon([OVERLOAD], [changed("crane-load-90", level=1)]))
    assert msgspec.json.decode(msgspec.json.encode(report))["proposed"]["by_level"] == {"1": 2, "3": 1}


def test_a_rule_put_upon_others_replaces_the_one_of_its_name():
    both = put_upon([OVERLOAD], [changed("crane-load-90", level=1)])
    rules: list[Rule] = [rule for pack in both for rule in pack.rules]
    assert sorted(rule.rule for rule in rules) == sorted(rule.rule for rule in OVERLOAD.rules)
    assert {rule.level for rule in rules if rule.rule == "crane-load-90"} == {1}
    more = put_upon([without("crane-load-90")], [OVERLOAD])
    assert {rule.rule for rule in rules_of(more)} == {rule.rule for rule in OVERLOAD.rules}
    assert put_upon([OVERLOAD], [], removed=["crane-load-90"]) == [without("crane-load-90")]


def test_rules_that_alarm_without_end_are_refused():
    restless = changed("crane-load-100", condition=High(94.0), on_delay_s=0, off_delay_s=0, dead_band=0)
    told = history([90.0, 95.0] * 20)
    span = Span(T0, T0, T0 + 3600 * SECOND)
    assert backtest(told, [restless], [restless], span, most_alarms=20).in_force.alarms == 20
    with pytest.raises(TooManyAlarmsError, match="more than 19 alarms"):
        backtest(told, [restless], [restless], span, most_alarms=19)


def test_who_waits_may_give_up_within_one_device():
    asked = []
    told = history(TWO_LIFTS)
    backtest(told, [OVERLOAD], [OVERLOAD], Span(T0, T0, T0 + 3600 * SECOND), go_on=lambda: asked.append(1))
    assert len(asked) > 2 * len(OVERLOAD.rules)
