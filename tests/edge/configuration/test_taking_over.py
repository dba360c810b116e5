"""A judge takes over from another in the middle of a danger: no delay, tone or word of anybody is lost."""

import msgspec
import pytest

from edge.config import Device, Gateway
from edge.judge import Judge
from sitewarden.messages import Alarm
from sitewarden.quality import Quality
from sitewarden.readings import Reading

START_MS = 1_800_000_000_000
STEP_MS = 200
OVERLOADED, FREE = (3.0, 25.0), (1.0, 25.0)


def poll(gateway: Gateway, at_ms: int, load: float, radius: float) -> list[Reading]:
    given = {"load": load, "radius": radius, "falls": 4.0}
    keys = crane_of(gateway).profile.points
    return [Reading(f"crane-1/{key}", at_ms, given.get(key, 0.0), Quality.GOOD) for key in keys]


def new_judge(gateway: Gateway, before: Judge | None = None) -> Judge:
    return Judge(gateway.judged, lambda: "synced", gateway.groups, before)


def crane_of(gateway: Gateway) -> Device:
    return next(device for device in gateway.devices if device.name == "crane-1")


def story(gateway: Gateway, change_at: int | None, to: Gateway | None = None) -> list[tuple]:
    """What is told of a load that comes, stays and goes, where another judge takes over before a poll."""
    judge, now, told = new_judge(gateway), gateway, []
    for i in range(120):
        at_ms = START_MS + i * STEP_MS
        if i == change_at:
            now = to or gateway
            following = new_judge(now, judge)
            told += following.go_on_from(judge, at_ms)
            judge = following
        readings = poll(now, at_ms, *(OVERLOADED if 20 <= i < 80 else FREE))
        told += judge.take(crane_of(now), readings).alarms
    return [_said(alarm) for alarm in told]


def _said(alarm: Alarm) -> tuple:
    evidence = [(series.p, series.t, series.x) for series in alarm.evidence]
    return alarm.rule, alarm.change, alarm.at, alarm.value, alarm.peak, evidence


@pytest.mark.parametrize("change_at", [1, 20, 21, 24, 40, 79, 80, 81, 90])
def test_whenever_it_takes_over_the_same_is_told_at_the_same_instants(gateway, change_at):
    undisturbed = story(gateway, None)
    assert {change for _, change, *_ in undisturbed} == {"raised", "cleared"}
    assert story(gateway, change_at) == undisturbed


def test_a_rule_that_is_gone_ends_its_alarm_and_the_others_go_on(gateway):
    crane = crane_of(gateway)
    dropped = story(gateway, None)[0][0]
    fewer = msgspec.structs.replace(crane, rules=tuple(r for r in crane.rules if r.rule.rule != dropped))
    bus = gateway.buses[0]
    others = tuple(fewer if device.name == crane.name else device for device in bus.devices)
    less = msgspec.structs.replace(gateway, buses=(msgspec.structs.replace(bus, devices=others),))
    told = story(gateway, 40, less)
    of_it = [(change, at) for rule, change, at, *_ in told if rule == dropped]
    assert of_it[-1] == ("cleared", START_MS + 40 * STEP_MS)
    rest = [one for one in told if one[0] != dropped]
    assert rest == [one for one in story(gateway, None) if one[0] != dropped]


def test_who_has_acknowledged_is_remembered(gateway):
    judge = new_judge(gateway)
    for i in range(40):
        judge.take(crane_of(gateway), poll(gateway, START_MS + i * STEP_MS, *OVERLOADED))
    first, *_ = judge.episodes()
    judge.acknowledge(first.alarm.episode, START_MS + 8000, "wang")
    following = new_judge(gateway, judge)
    assert following.go_on_from(judge, START_MS + 8100) == []
    known = {episode.alarm.episode: episode for episode in following.episodes()}
    assert known[first.alarm.episode].alarm.acknowledged_by == "wang"
    assert known.keys() == {episode.alarm.episode for episode in judge.episodes()}
    assert following.derivations["crane-1"] is judge.derivations["crane-1"], "nothing is derived anew"
