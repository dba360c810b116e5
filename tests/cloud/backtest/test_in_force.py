"""The numbers that gateways announced are those by which a back-test judges the rules in force."""

from typing import Any

import msgspec
import pytest

from cloud.backtest.in_force import InForce, in_force, shipped_packs
from cloud.backtest.store import StoredPoint
from sitewarden.messages import DeviceSetup
from sitewarden.rules.binding import bind
from sitewarden.rules.model import Band, LimitChange, Parameter, Rule

POINT, DEVICE = "d-1/x", "d-1"


def shipped_band() -> Rule:
    """The first shipped rule with two ends that are plain numbers."""
    for pack in shipped_packs():
        for rule in pack.rules:
            ends = rule.condition
            if isinstance(ends, Band) and not isinstance(ends.high, Parameter):
                return rule
    raise AssertionError("no band is shipped")


def stored(kind: str, *limits: dict[str, Any]) -> StoredPoint:
    return StoredPoint(
        name=POINT,
        device=DEVICE,
        kind=kind,
        label=None,
        stale_after_ms=1000,
        current=True,
        limits=list(limits),
        rows=[],
    )


def ends(rule: Rule, version: int, *, high: float, low: float) -> list[dict[str, Any]]:
    told = {"rule": rule.rule, "rule_version": version}
    return [{**told, "limit": high, "direction": "high"}, {**told, "limit": low, "direction": "low"}]


def design(control_mm: float) -> DeviceSetup:
    return DeviceSetup(parameters={"control_cumulative_mm": control_mm})


def judged_by(rule: Rule, told: InForce) -> tuple[float | None, float]:
    bound = bind(rule, POINT, {}, changes=told.changes)
    return bound.low, bound.limit


@pytest.mark.parametrize("newer", [0, 1])
def test_a_band_keeps_both_of_its_announced_ends(newer):
    rule = shipped_band()
    real = LimitChange(rule=rule.rule, limit=9.0, low=-7.0, author="a", reason="b", on="", version=99)
    assert bind(rule, POINT, {}, changes=[real]).low == -7.0
    told = in_force(
        [stored(rule.watch, *ends(rule, rule.version + newer, high=9.0, low=-7.0))], shipped_packs()
    )
    assert judged_by(rule, told) == (-7.0, 9.0)
    assert bool(told.differing) is not bool(newer)


def test_what_the_rule_gives_by_itself_is_no_change():
    rule = shipped_band()
    bound = bind(rule, POINT, {})
    told = in_force(
        [stored(rule.watch, *ends(rule, rule.version, high=bound.limit, low=bound.low))], shipped_packs()
    )
    assert (told.changes, told.differing) == ([], [])


def test_the_parameters_of_the_device_are_no_change_either():
    name, kind = "pit-horizontal-cumulative-70", "pit.displacement.horizontal.cumulative"
    rule = next(r for pack in shipped_packs() for r in pack.rules if r.rule == name)
    limit = {"rule": name, "rule_version": rule.version, "limit": 14.0, "direction": "high"}
    mirrored = {**limit, "limit": -14.0, "direction": "low"}
    point = stored(kind, limit, mirrored)
    assert in_force([point], shipped_packs(), {DEVICE: design(20.0)}).changes == []
    (change,) = in_force([point], shipped_packs(), {DEVICE: design(30.0)}).changes
    assert (change.limit, change.low, change.version) == (14.0, None, max(2, rule.version))


def horizontal(key: str, limit: float, version: int) -> StoredPoint:
    told = {"rule": HORIZONTAL, "rule_version": version, "limit": limit, "direction": "high"}
    point = stored(
        "pit.displacement.horizontal.cumulative", told, {**told, "limit": -limit, "direction": "low"}
    )
    return msgspec.structs.replace(point, name=f"{DEVICE}/{key}.cumulative")


HORIZONTAL = "gb50497-horizontal"


def test_the_own_design_value_of_a_point_is_no_change_either():
    setup = DeviceSetup(
        parameters={"control_cumulative_mm": 20.0}, point_parameters={"h2": {"control_cumulative_mm": 35.0}}
    )
    points = [horizontal("h1", 20.0, 1), horizontal("h2", 35.0, 1)]
    assert in_force(points, shipped_packs(), {DEVICE: setup}).changes == []
    (change,) = in_force(points, shipped_packs(), {DEVICE: design(20.0)}).changes
    assert (change.point, change.limit) == ("h2", 35.0)


def test_a_change_is_told_as_its_gateway_told_it():
    change = LimitChange(
        rule=HORIZONTAL,
        device=DEVICE,
        point="h2",
        limit=28.0,
        author="Li",
        reason="a pipe",
        on="2026-11-20",
        version=2,
    )
    setup = msgspec.structs.replace(design(20.0), limit_changes=[change])
    points = [horizontal("h1", 20.0, 1), horizontal("h2", 28.0, 2)]
    assert in_force(points, shipped_packs(), {DEVICE: setup}).changes == [change]
    of_all = msgspec.structs.replace(change, device=None, point=None)
    setup = msgspec.structs.replace(design(20.0), limit_changes=[of_all])
    changed = in_force([horizontal("h2", 28.0, 2)], shipped_packs(), {DEVICE: setup}).changes
    # Another gateway of the site has not changed it.
    assert changed == [msgspec.structs.replace(of_all, device=DEVICE)]
    (unknown,) = in_force(points, shipped_packs(), {DEVICE: design(20.0)}).changes
    assert (unknown.author, unknown.point, unknown.limit) == ("site", "h2", 28.0)
