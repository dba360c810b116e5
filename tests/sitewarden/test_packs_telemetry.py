"""No sensor that a shipped pack watches goes blind unsaid, and a device that falls silent is one alarm."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from edge.bindings import bind_rules
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.model import Bad, Stale
from sitewarden.rules.packs import RulePack, built_in_packs, load_pack
from sitewarden.rules.running import Moved, Rules

T = 1_763_650_000_000
PACKS = {name: load_pack(name, Path()) for name in built_in_packs() if name != "gateway"}
"""Less what a gateway says of itself: nobody reads that from a sensor, so it is never bad."""


def watched(pack: RulePack) -> list[str]:
    """The kinds that rules judge or are armed by."""
    judging = [rule for rule in pack.rules if not isinstance(rule.condition, Stale | Bad)]
    return sorted({rule.watch for rule in judging})


def parameters(packs: Iterable[RulePack]) -> dict[str, float | str]:
    """Some value for all that they ask."""
    asked = {name: one for pack in packs for name, one in pack.parameters.items()}
    return {name: one.choices[0] if one.choices else 1.0 for name, one in asked.items()}


def point(kind: str) -> str:
    return f"d/{kind.replace('.', '_')}"


def told(
    packs: list[RulePack], kinds: Iterable[str], bad: set[str], quality: Quality, for_s: float | None = None
) -> list[Moved]:
    """What is said of readings themselves on a device whose points of these kinds turn bad."""
    kinds = list(kinds)
    points = [PointBirth(p=point(kind), kind=kind) for kind in kinds]
    bounds, _ = bind_rules(points, {one.p for one in points}, packs, parameters=parameters(packs))
    telling = [bound for bound in bounds if isinstance(bound.rule.condition, Stale | Bad)]
    rules, moved = Rules(telling, T), list[Moved]()
    longest_s = max(max(b.on_delay_ms / 1000, b.limit if b.is_timed else 0) for b in telling)
    every_s = max(1.0, longest_s // 100)
    for step in range(round((for_s or longest_s + 3 * every_s) / every_s)):
        at_ms = T + round(1000 * every_s * step)
        values = {kind: None if step and kind in bad else 0.0 for kind in kinds}
        moved += rules.take(
            Reading(point(kind), at_ms, value, Quality.GOOD if value is not None else quality)
            for kind, value in values.items()
        )
        moved += rules.tick(at_ms)
    return moved


EACH = [(name, kind) for name, pack in PACKS.items() for kind in watched(pack)]


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_a_point_that_is_bad_alone_is_told_once(name: str, kind: str) -> None:
    moved = told([PACKS[name]], watched(PACKS[name]), {kind}, Quality.SENTINEL)
    assert [(m.bound.point, m.transition.change) for m in moved] == [(point(kind), "raised")]
    assert moved[0].bound.rule.level >= (1 if name == "dust-noise" else 2)


@pytest.mark.parametrize("name", PACKS)
def test_good_readings_are_told_of_by_nobody(name: str) -> None:
    assert told([PACKS[name]], watched(PACKS[name]), set(), Quality.GOOD) == []


@pytest.mark.parametrize(
    "quality", [q for q in Quality if q not in (Quality.GOOD, Quality.STALE, Quality.CLOCK)]
)
def test_any_reason_not_to_believe_a_gas_head_is_told(quality: Quality) -> None:
    pack = PACKS["confined-space"]
    moved = told([pack], watched(pack), {"gas.h2s"}, quality)
    assert [m.bound.rule.rule for m in moved] == ["gas-h2s-unreadable"]


def test_a_point_that_says_nothing_is_no_bad_one() -> None:
    """Gust and mean before their windows are covered, a forecast that was never made."""
    for name, occasional in {
        "weather": "weather.wind_speed.mean",
        "pit-creep": "pit.creep.hours_to_failure.least",
        "tower-crane": "crane.verticality",
    }.items():
        pack = PACKS[name]
        kinds = [*watched(pack), *(["pit.displacement.horizontal"] if name == "pit-creep" else [])]
        rest = [kind for kind in kinds if kind != occasional]
        assert told([pack], rest, set(), Quality.GOOD) == []


def kinds_like(packs: Iterable[RulePack], beginning: str) -> list[str]:
    return sorted({k for pack in packs for k in watched(pack) if k.startswith(beginning)})


@pytest.mark.parametrize(
    ("names", "beginning", "rule"),
    [
        (["tower-crane", "weather", "crane-group"], "crane.", "crane-silent"),
        (["crane-recorder"], "crane.", "crane-silent"),
        (["weather"], "weather.", "weather-silent"),
        (["crane-group"], "crane.", "crane-silent"),
        (
            [
                "gb50497",
                "guangdong-pit",
                "metro-dual-control",
                "pit-creep",
                "pit-displacement",
                "single-control",
            ],
            "pit.",
            "pit-silent",
        ),
        (["gb50497"], "building.", "building-silent"),
        (["confined-space"], "gas.", "gas-silent"),
        (["construction-hoist"], "hoist.", "hoist-silent"),
        (["formwork-support"], "formwork.", "formwork-silent"),
        (["suspended-platform"], "gondola.", "gondola-silent"),
        (["loading-platform"], "platform.", "platform-silent"),
        (["climbing-frame"], "climbing.", "climbing-silent"),
        (["dust-noise"], "dust.", "dust-silent"),
        (["people"], "people.", "people-silent"),
        (["people"], "gate.", "gate-silent"),
        (["helmets"], "", "camera-silent"),
    ],
)
@pytest.mark.parametrize("quality", [Quality.TIMEOUT, Quality.DISCONNECTED])
def test_a_silent_device_is_one_alarm_however_many_packs_watch_it(
    names: list[str], beginning: str, rule: str, quality: Quality
) -> None:
    packs = [PACKS[name] for name in names]
    kinds = kinds_like(packs, beginning)
    moved = told(packs, kinds, set(kinds), quality)
    assert [(m.bound.rule.rule, m.transition.change) for m in moved] == [(rule, "raised")]


def test_what_several_packs_say_of_one_thing_is_one_rule() -> None:
    known = {rule.rule: rule for pack in PACKS.values() for rule in pack.rules}
    assert all(known[rule.rule] == rule for pack in PACKS.values() for rule in pack.rules)
