"""From registers' values to alarms: limits, delays, evidence, and what goes on after a restart."""

from collections.abc import Iterable

import msgspec
import pytest

from edge.bindings import bind_rules
from edge.config import Device
from edge.judge import EVIDENCE_READINGS, Episode, Judge, RulesMemory
from edge.tone import signal_of
from sitewarden.messages import Alarm, readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.model import Rule
from sitewarden.rules.packs import RulePack

T0 = 1_795_000_000_000
INTERVAL_MS = 200


class Site:
    """Plays polls into a judge."""

    def __init__(self, device: Device, episodes: Iterable[Episode] = ()) -> None:
        self.device = device
        self.judge = Judge([device], lambda: "synced")
        self.orphans = self.judge.resume(episodes, T0)
        self.now_ms = T0

    def crane(
        self, load: float | None, *, polls: int = 1, radius: float = 25.0, fault: float = 0.0
    ) -> list[Alarm]:
        """Poll a load `polls` times; `None` is a sensor that does not answer."""
        quality = Quality.GOOD if load is not None else Quality.TIMEOUT
        values = {"load": load, "radius": radius, "falls": 4.0, "wind_speed": 3.0}
        bits = {"limiter_cutoff": 0.0, "limiter_bypass": 0.0, "limiter_fault": fault}
        return self.play({**values, **bits, "hook_height": 10.0, "slew": 0.0}, polls, {"load": quality})

    def pit(self, h1: float, *, polls: int = 1) -> list[Alarm]:
        return self.play({"h1": h1}, polls, {})

    def play(self, values: dict[str, float | None], polls: int, qualities: dict[str, Quality]) -> list[Alarm]:
        alarms: list[Alarm] = []
        for _ in range(polls):
            readings = [
                Reading(f"{self.device.name}/{key}", self.now_ms, value, qualities.get(key, Quality.GOOD))
                for key, value in values.items()
            ]
            self.last = self.judge.take(self.device, readings)
            alarms += self.last.alarms
            self.now_ms += INTERVAL_MS
        return alarms

    def recorded(self, key: str) -> Reading:
        return next(r for r in self.last.readings if r.point == f"{self.device.name}/{key}")


def worst(site: Site) -> int:
    """Level of the worst standing alarm, 0 where there is none."""
    return max((standing.level for standing in site.judge.standing()), default=0)


def told(alarms: Iterable[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.change, alarm.rule) for alarm in alarms]


@pytest.mark.parametrize(
    ("radius", "load", "percent"), [(25.0, 2.80, 95.3), (25.0, 3.00, 102.1), (30.0, 2.6, 110.8)]
)
def test_the_published_vectors_give_their_load_ratio(
    crane: Device, radius: float, load: float, percent: float
) -> None:
    site = Site(crane)
    site.crane(load, radius=radius)
    for key in ("load_ratio", "moment_ratio"):
        value = site.recorded(key).value
        assert value is not None
        assert abs(value - percent) <= 0.3


# 2.94 t is rated at 25 m: 2.65 t is 90.1 %, 2.94 t is 100 %, 3.24 t is 110.2 %.
@pytest.mark.parametrize(
    ("load", "rules"),
    [
        (2.64, []),
        (2.65, ["crane-load-90", "crane-moment-90"]),
        (2.93, ["crane-load-90", "crane-moment-90"]),
        (2.94, ["crane-load-100", "crane-load-90", "crane-moment-100", "crane-moment-90"]),
        # The lesser steps are held back while the graver one stands.
        (
            3.24,
            [f"crane-{what}-110{more}" for what in ("load", "moment") for more in ("", "-no-cutoff")],
        ),
    ],
)
def test_each_limit_is_reached_exactly_at_its_number(crane: Device, load: float, rules: list[str]) -> None:
    assert sorted(alarm.rule for alarm in Site(crane).crane(load, polls=20)) == rules


def test_an_overload_shorter_than_its_delay_raises_nothing(crane: Device) -> None:
    site = Site(crane)
    # 2.0 s and 1.0 s on-delay: nine polls span 1.6 s for 90 and 100 %, five span 0.8 s for 110 %.
    assert site.crane(3.0, polls=9) == []
    assert site.crane(1.0) == []
    assert site.crane(3.4, polls=5) == []


def test_110_percent_is_raised_at_the_first_reading_a_second_after_it_began(crane: Device) -> None:
    site = Site(crane)
    raised = [alarm for alarm in site.crane(3.4, polls=6) if alarm.rule == "crane-load-110"]
    assert [alarm.at for alarm in raised] == [T0 + 1000]


def test_bad_quality_never_clears_an_alarm(crane: Device) -> None:
    site = Site(crane)
    site.crane(3.0, polls=11)
    assert worst(site) == 3
    assert site.crane(None, polls=100) == []
    assert worst(site) == 3
    assert len(site.crane(1.0, polls=11)) == 4
    assert worst(site) == 0


def test_a_missing_input_makes_the_ratio_bad_not_zero(crane: Device) -> None:
    site = Site(crane)
    site.crane(None)
    ratio = site.recorded("load_ratio")
    assert (ratio.value, ratio.quality) == (None, Quality.BAD_INPUT)


def test_a_clear_carries_the_episode_the_raise_and_the_peak(crane: Device) -> None:
    site = Site(crane)
    (raised,) = (a for a in site.crane(3.0, polls=11) if a.rule == "crane-load-100")
    site.crane(3.1)
    (cleared,) = (a for a in site.crane(1.0, polls=11) if a.rule == "crane-load-100")
    assert cleared.episode == raised.episode
    assert (cleared.raised_at, cleared.cleared_at) == (raised.at, cleared.at)
    assert cleared.peak == 105.4
    assert (raised.value, raised.limit, raised.unit, raised.clock) == (102.0, 100.0, "%", "synced")


def test_two_episodes_of_one_rule_have_two_names(crane: Device) -> None:
    site = Site(crane)
    alarms = site.crane(3.0, polls=11) + site.crane(1.0, polls=11) + site.crane(3.0, polls=11)
    names = [a.episode for a in alarms if (a.change, a.rule) == ("raised", "crane-load-100")]
    assert len(set(names)) == 2


def test_evidence_shows_the_last_minute_of_ratio_load_and_radius(crane: Device) -> None:
    site = Site(crane)
    site.crane(1.0, polls=600)
    alarm = site.crane(3.0, polls=11)[0]
    assert [series.p for series in alarm.evidence] == [
        "crane-1/load_ratio",
        "crane-1/load",
        "crane-1/radius",
    ]
    for series in alarm.evidence:
        assert len(series.t) <= EVIDENCE_READINGS
        assert series.t[-1] == 0
        assert -60_000 <= series.t[0] <= -59_000
    assert readings_of(alarm.evidence, alarm.at)[-1] == Reading("crane-1/radius", alarm.at, 25.0)


def test_what_is_judged_is_what_is_recorded(crane: Device) -> None:
    site = Site(crane)
    # 2.6449 t is recorded as 2.64 t, of 2.94 t rated 89.8 %; 2.6451 t as 2.65 t, 90.1 %.
    assert site.crane(2.6449, polls=20) == []
    assert site.recorded("load_ratio").value == 89.8
    assert told(site.crane(2.6451, polls=20))[0] == ("raised", "crane-load-90")
    assert site.recorded("load_ratio").value == 90.1


def test_a_displacement_reaches_its_limit_exactly_at_its_number(pit: Device) -> None:
    assert told(Site(pit).pit(114.0)) == [("raised", "pit-horizontal-cumulative-70")]
    assert Site(pit).pit(113.99) == []


def test_binary_dust_does_not_hold_an_alarm_back(pit: Device) -> None:
    zeros = {**pit.zero, "h1": 100.1}
    # 114.1 - 100.1 is 13.999999999999986 in binary.
    site = Site(msgspec.structs.replace(pit, zero=zeros))
    assert told(site.pit(114.1)) == [("raised", "pit-horizontal-cumulative-70")]


def test_after_a_restart_an_episode_goes_on_as_the_same(crane: Device) -> None:
    before = Site(crane)
    (raised,) = (a for a in before.crane(3.0, polls=11) if a.rule == "crane-load-100")
    saved = [msgspec.json.decode(msgspec.json.encode(e), type=Episode) for e in before.judge.episodes()]
    after = Site(crane, saved)
    assert worst(after) == 3
    assert after.crane(3.0, polls=20) == []
    (cleared,) = (a for a in after.crane(1.0, polls=11) if a.rule == "crane-load-100")
    assert (cleared.episode, cleared.raised_at) == (raised.episode, raised.raised_at)


def test_after_a_restart_an_off_delay_begins_anew(crane: Device) -> None:
    before = Site(crane)
    before.crane(3.0, polls=11)
    before.crane(1.0, polls=5)
    after = Site(crane, before.judge.episodes())
    after.now_ms = T0 + 3_600_000
    assert after.crane(1.0) == []
    assert len(after.crane(1.0, polls=10)) == 4


def test_an_episode_whose_rule_is_gone_is_cleared_not_left_to_sound_for_ever(crane: Device) -> None:
    before = Site(crane)
    before.crane(3.0, polls=11)
    fewer = tuple(bound for bound in crane.rules if bound.rule.rule != "crane-load-100")
    after = Site(msgspec.structs.replace(crane, rules=fewer), before.judge.episodes())
    assert told(after.orphans) == [("cleared", "crane-load-100")]
    assert worst(after) == 3  # the moment's alarm still stands


def test_an_acknowledgement_is_told_once_and_the_clear_carries_it(crane: Device) -> None:
    site = Site(crane)
    raised = site.crane(2.8, polls=30)
    episode = raised[0].episode
    told_now = site.judge.acknowledge(episode, site.now_ms, "local")
    assert [(a.change, a.episode, a.acknowledged_at, a.acknowledged_by) for a in told_now] == [
        ("acknowledged", episode, site.now_ms, "local")
    ]
    assert told_now[0].value == told_now[0].peak == raised[0].value
    assert site.judge.acknowledge(episode, site.now_ms + 1, "cloud") == []
    assert site.judge.acknowledge("f" * 32, site.now_ms, "cloud") == []
    at_ms = site.now_ms
    cleared = site.crane(1.0, polls=100)[0]
    assert (cleared.change, cleared.acknowledged_at, cleared.acknowledged_by) == ("cleared", at_ms, "local")


def test_everything_is_acknowledged_at_once_and_a_later_alarm_is_not(crane: Device) -> None:
    site = Site(crane)
    first = site.crane(2.8, polls=30)
    assert len(site.judge.acknowledge(None, site.now_ms, "local")) == len(first)
    assert site.crane(2.8, fault=1.0, polls=100)
    assert [alarm.is_acknowledged for alarm in site.judge.standing()].count(True) == len(first)
    assert len(site.judge.standing()) > len(first)


def test_acknowledgement_and_sounded_seconds_last_over_a_restart(crane: Device) -> None:
    site = Site(crane)
    site.crane(3.3, polls=100)
    site.judge.sounded(12.0, 900.0)
    before = site.judge.standing()
    assert {alarm.sounded_s for alarm in before if alarm.level >= 3} == {12.0}
    assert {alarm.sounded_s for alarm in before if alarm.level < 3} <= {0.0}
    site.judge.acknowledge(None, site.now_ms, "local")
    site.judge.sounded(12.0, 900.0)
    kept = [
        msgspec.json.decode(msgspec.json.encode(episode), type=Episode) for episode in site.judge.episodes()
    ]
    after = Site(crane, kept).judge
    assert sorted(after.standing()) == sorted(site.judge.standing())
    assert {alarm.sounded_s for alarm in after.standing() if alarm.level >= 3} == {12.0}
    assert after.acknowledge(None, site.now_ms, "local") == []


def test_an_episode_that_an_older_version_kept_is_understood(crane: Device) -> None:
    site = Site(crane)
    site.crane(2.8, polls=30)
    kept = msgspec.json.decode(msgspec.json.encode(site.judge.episodes()[0]))
    del kept["sounded_s"]
    assert Site(crane, [msgspec.convert(kept, Episode)]).judge.standing()[0].sounded_s == 0.0


def armed(device: Device, **changes: object) -> Device:
    """The device with a rule of its own in place of the packs'."""
    plain = {
        "rule": "own", "family": "own", "version": 1, "level": 3, "label": {"zh": "自", "en": "own"},
        "basis": {"clause": "c", "source": "standard", "confidence": "memory"},
    }  # fmt: skip
    pack = RulePack(pack="own", source="test", rules=[msgspec.convert({**plain, **changes}, Rule)])
    raw = [f"{device.name}/{key}" for key in device.profile.points]
    bound, unjudged = bind_rules(device.points, raw, [pack], parameters={})
    assert not unjudged
    return msgspec.structs.replace(device, rules=tuple(bound))


SILENT = {"watch": "*", "condition": {"when": "stale", "after_s": 30.0}}


def test_a_device_without_a_good_reading_is_told_of_once_as_of_the_instant_it_was_due(crane: Device) -> None:
    site = Site(armed(crane, **SILENT))
    site.judge.tick(T0)
    site.crane(1.0)
    last_ms = site.now_ms - INTERVAL_MS
    assert site.judge.tick(last_ms + 30_000) == []
    alarms = site.judge.tick(last_ms + 37_000)
    assert [(a.change, a.at, a.value, a.unit, a.level) for a in alarms] == [
        ("raised", last_ms + 30_000, 30, "s", 3)
    ]
    assert site.judge.tick(last_ms + 60_000) == []
    site.now_ms = last_ms + 61_000
    cleared = site.crane(1.0)
    assert [(a.change, a.at, a.peak) for a in cleared] == [("cleared", last_ms + 61_000, 61)]


def test_a_silence_between_two_polls_is_told_though_nobody_looked(crane: Device) -> None:
    site = Site(armed(crane, **SILENT))
    site.crane(1.0)
    site.now_ms += 100_000
    assert [a.change for a in site.crane(1.0)] == ["raised", "cleared"]


def test_bad_readings_are_a_silence_too(crane: Device) -> None:
    site = Site(armed(crane, **SILENT))
    site.crane(1.0)
    quality = dict.fromkeys(("load", "radius"), Quality.TIMEOUT)
    alarms = site.play({"load": None, "radius": None}, 200, quality)
    assert told(alarms) == [("raised", "own")]


def test_a_latched_alarm_stands_until_somebody_has_acknowledged_it(pit: Device) -> None:
    high = {"when": "high", "limit": 10.0}
    rule = {"watch": "pit.displacement.horizontal.cumulative", "condition": high, "latching": True}
    site = Site(armed(pit, **rule))
    (raised,) = site.pit(111.0)
    assert site.pit(100.0, polls=9) == []
    assert worst(site) == 3
    assert told(site.judge.acknowledge(raised.episode, site.now_ms, "local")) == [
        ("acknowledged", "own"),
        ("cleared", "own"),
    ]
    assert worst(site) == 0
    (again,) = site.pit(111.0)
    assert again.episode != raised.episode
    site.judge.acknowledge(None, site.now_ms, "local")
    assert told(site.pit(100.0)) == [("cleared", "own")], "acknowledged, it ends with its cause"


LIMIT_2_T = {"watch": "crane.load", "condition": {"when": "high", "limit": 2.0}, "dead_band": 0.2}


def heard(site: Site) -> str:
    return signal_of(site.judge.standing(), 600).siren


def restarted(site: Site) -> Site:
    kept = msgspec.json.decode(msgspec.json.encode(site.judge.episodes()), type=list[Episode])
    after = Site(site.device, kept)
    after.now_ms = site.now_ms
    return after


def test_an_acknowledged_alarm_sounds_anew_once_its_value_is_clearly_worse(crane: Device) -> None:
    site = Site(armed(crane, **LIMIT_2_T))
    (raised,) = site.crane(3.0)
    site.judge.acknowledge(raised.episode, site.now_ms, "local")
    for load in (3.19, 2.1, 3.19, 2.1):
        site.crane(load, polls=5)
        assert heard(site) == "off", "it trembles about what somebody knows of"
    for one in (restarted(site), site):
        assert one.crane(3.2) == []
        assert heard(one) == "continuous"
        # It is nobody's any more: somebody must say anew that they know of it, and by that it is silent.
        at_ms = one.now_ms
        (known,) = one.judge.acknowledge(None, at_ms, "cloud")
        assert (known.change, known.episode, known.acknowledged_by) == (
            "acknowledged",
            raised.episode,
            "cloud",
        )
        one.crane(3.3, polls=5)
        assert heard(one) == "off"
        assert heard(restarted(one)) == "off"
        cleared = one.crane(1.0, polls=100)[0]
        assert (cleared.change, cleared.acknowledged_at) == ("cleared", at_ms)


def test_a_tone_that_ended_by_time_sounds_anew_once_the_value_is_clearly_worse(crane: Device) -> None:
    site = Site(armed(crane, **LIMIT_2_T))
    site.crane(3.0)
    site.judge.sounded(600.0, 600.0)
    site.crane(3.1, polls=5)
    assert heard(site) == "off"
    for one in (restarted(site), site):
        one.crane(3.2)
        assert heard(one) == "continuous"
        one.judge.sounded(600.0, 600.0)
        assert heard(one) == "off", "it too ends by time"


def test_without_a_dead_band_a_tenth_of_the_limit_is_clearly_worse(crane: Device) -> None:
    site = Site(armed(crane, **{**LIMIT_2_T, "dead_band": 0.0}))
    site.crane(3.0)
    site.judge.acknowledge(None, site.now_ms, "local")
    site.crane(3.19)
    assert heard(site) == "off"
    site.crane(3.2)
    assert heard(site) == "continuous"


def test_a_latched_alarm_that_got_worse_after_it_was_acknowledged_waits_for_somebody_anew(
    pit: Device,
) -> None:
    high = {"when": "high", "limit": 10.0}
    rule = {"watch": "pit.displacement.horizontal.cumulative", "condition": high, "latching": True}
    site = Site(armed(pit, **rule, dead_band=0.5))
    site.pit(111.0)
    site.judge.acknowledge(None, site.now_ms, "local")
    site.pit(115.0)
    assert site.pit(100.0, polls=9) == []
    assert told(site.judge.acknowledge(None, site.now_ms, "local")) == [
        ("acknowledged", "own"),
        ("cleared", "own"),
    ]


def test_a_new_episode_knows_nothing_of_what_was_said_to_the_one_before(crane: Device) -> None:
    site = Site(armed(crane, **LIMIT_2_T))
    site.crane(3.0)
    site.judge.acknowledge(None, site.now_ms, "local")
    site.crane(1.0, polls=20)
    site.crane(2.0)
    assert heard(site) == "continuous"


def test_a_shelved_rule_raises_when_the_time_is_over_and_the_value_is_still_beyond(crane: Device) -> None:
    site = Site(armed(crane, watch="crane.load", condition={"when": "high", "limit": 2.0}))
    assert site.judge.shelve("crane-1/load", "own", T0 + 1000)
    assert not site.judge.shelve("crane-1/load", "no-such-rule", T0 + 1000)
    alarms = site.crane(3.0, polls=20)
    assert [(a.change, a.at) for a in alarms] == [("raised", T0 + 1000)]


def test_shelving_silences_a_standing_alarm_and_ends_none(crane: Device) -> None:
    site = Site(armed(crane, watch="crane.load", condition={"when": "high", "limit": 2.0}, level=4))
    assert told(site.crane(3.0)) == [("raised", "own")]
    assert signal_of(site.judge.standing(), 600).siren == "continuous"
    site.judge.shelve("crane-1/load", "own", T0 + 5000)
    site.judge.tick(T0 + 1000)
    assert signal_of(site.judge.standing(), 600) == ("off", "red"), "the lamp says that it stands"
    site.judge.tick(T0 + 5000)
    assert signal_of(site.judge.standing(), 600).siren == "continuous"


def test_what_transitions_do_not_tell_of_a_standing_alarm_is_told_by_its_state(pit: Device) -> None:
    high = {"when": "high", "limit": 10.0}
    rule = {"watch": "pit.displacement.horizontal.cumulative", "condition": high, "latching": True}
    site = Site(armed(pit, **rule))
    (raised,) = site.pit(111.0)
    assert site.judge.stands(raised.episode)
    assert site.judge.told_states() == {raised.episode: "unacknowledged"}
    site.pit(100.0, polls=9)
    assert site.judge.told_states() == {raised.episode: "latched-unacknowledged"}
    site.judge.acknowledge(raised.episode, site.now_ms, "local")
    assert site.judge.told_states() == {}
    assert not site.judge.stands(raised.episode)


def test_an_alarm_that_got_worse_is_told_to_be_unacknowledged_again(crane: Device) -> None:
    site = Site(armed(crane, **LIMIT_2_T))
    (raised,) = site.crane(3.0)
    site.judge.acknowledge(None, site.now_ms, "local")
    assert site.judge.told_states() == {}
    site.crane(4.0)
    assert site.judge.told_states() == {raised.episode: "unacknowledged"}


def test_a_point_out_of_service_is_recorded_and_raises_nothing(crane: Device) -> None:
    rule = {"watch": "crane.load", "condition": {"when": "high", "limit": 2.0}}
    out = msgspec.structs.replace(armed(crane, **rule), out_of_service=frozenset({"crane-1/load"}))
    site = Site(out)
    assert site.crane(3.0, polls=9) == []
    assert site.recorded("load").value == 3.0


def test_what_rules_remember_goes_on_after_a_restart(crane: Device) -> None:
    rule = {
        "watch": "crane.load",
        "condition": {"when": "consecutive", "limit": 2.0, "fraction": 0.7, "times": 3},
    }
    device = armed(crane, **rule)
    first = Site(device)
    assert first.crane(1.5, polls=2) == []
    saved = msgspec.json.decode(msgspec.json.encode(first.judge.memory()), type=RulesMemory)
    second = Site(device)
    second.judge.resume([], T0, saved)
    second.now_ms = first.now_ms
    assert told(second.crane(1.5)) == [("raised", "own")]


def test_a_band_names_the_end_that_was_passed(crane: Device) -> None:
    rule = {"watch": "crane.load", "condition": {"when": "band", "low": 1.0, "high": 3.0}}
    assert [a.limit for a in Site(armed(crane, **rule)).crane(0.5)] == [1.0]
    assert [a.limit for a in Site(armed(crane, **rule)).crane(3.5)] == [3.0]


def test_a_slope_is_told_in_its_own_unit(crane: Device) -> None:
    rate = {"when": "rate", "limit": 1.0, "per_s": 60.0, "window_s": 10.0}
    site = Site(armed(crane, watch="crane.hook_height", condition=rate))
    alarms = []
    for height in range(60):
        alarms += site.play({"hook_height": height * 0.1}, 1, {})
    (raised,) = alarms
    assert (raised.unit, raised.value, raised.limit) == ("m/min", 30.0, 1.0)
