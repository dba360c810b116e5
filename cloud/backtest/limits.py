"""The limits in force on a site, point by point: where each comes from, and who changed it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from cloud.backtest.in_force import InForce, known_of
from cloud.backtest.store import StoredPoint
from sitewarden.backtest.binding import NotJudged, bind_everywhere
from sitewarden.history import DevicePast
from sitewarden.rules import describe
from sitewarden.rules.binding import latest_change
from sitewarden.rules.model import Basis, BoundRule, LimitChange
from sitewarden.text import Text

Origin = Literal["rule", "table", "design", "change", "gateway"]
"""A number of the rule's own, a cell of its pack's table, a parameter of the site, somebody's change, or only
what the gateway announced."""


class LimitInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on a point."""

    point: str
    rule: str
    version: int
    """The rule's own, or that of the change."""
    level: int
    label: Text
    condition: str
    """In words, such as `>= 110 %`."""
    limit: float
    low: float | None = None
    """The lower end, of a band."""
    origin: Origin
    where: str
    """In words: cell and clause of a table, name of a parameter."""
    basis: Basis | None = None
    change: LimitChange | None = None
    lines: list[str]
    """All of it for people, the headline first."""


class DeviceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the site."""

    device: str
    gateway: str
    """Whose rules hold for it."""
    label: Text | None
    profile: str
    parameters: dict[str, float | str]
    point_parameters: dict[str, dict[str, float | str]]
    limits: list[LimitInForce]
    not_judged: list[NotJudged]


class SiteLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A site."""

    site: str
    devices: list[DeviceLimits]
    notes: list[Text]
    """What the cloud knows only in part."""


def in_words(found: SiteLimits) -> Iterator[str]:
    """Line by line, device by device."""
    for device in found.devices:
        label = Text(device.device, device.device) if device.label is None else device.label
        yield f"{device.device}: {describe.both(label)}, {device.profile}, gateway {device.gateway}"
        yield from (f"  {line}" for line in _device_in_words(device))
    yield from (f"{note.zh}\n{note.en}" for note in found.notes)


def limits_of(
    gateway: str, device: DevicePast, points: Mapping[str, StoredPoint], told: InForce
) -> DeviceLimits:
    """Of a device; `told` are the rules of its own gateway, `points` by name."""
    bound = bind_everywhere(device, told.packs, told.changes)
    limits = [_limit(one, told.changes) for one in bound.rules]
    names = {rule.rule for pack in told.packs for rule in pack.rules}
    stored = [points[birth.p] for birth in device.points if birth.p in points]
    limits += [one for point in stored for one in _only_announced(point, names)]
    order = {birth.p: place for place, birth in enumerate(device.points)}
    return DeviceLimits(
        device=device.device,
        gateway=gateway,
        label=device.label,
        profile=device.profile,
        parameters=device.parameters,
        point_parameters=device.point_parameters,
        limits=sorted(limits, key=lambda one: order[one.point]),
        not_judged=bound.not_judged,
    )


def _limit(bound: BoundRule, changes: Sequence[LimitChange]) -> LimitInForce:
    change = latest_change(bound.rule, bound.point, changes)
    return LimitInForce(
        point=bound.point,
        rule=bound.rule.rule,
        version=bound.version,
        level=bound.rule.level,
        label=bound.rule.label,
        condition=describe.in_force(bound),
        limit=bound.limit,
        low=bound.low,
        origin=_origin(bound, change),
        where=bound.origin,
        basis=bound.basis,
        change=change,
        lines=list(describe.lines(bound)),
    )


def _origin(bound: BoundRule, change: LimitChange | None) -> Origin:
    if change is not None:
        return "change" if known_of(change) else "gateway"
    if bound.basis.source == "design":
        return "design"
    return "rule" if bound.basis == bound.rule.basis else "table"


def _only_announced(point: StoredPoint, known: set[str]) -> Iterator[LimitInForce]:
    """Limits of rules whose text only the gateway has."""
    for limit in point.limits:
        if limit["rule"] in known:
            continue
        sign = ">=" if limit["direction"] == "high" else "<="
        label, where = Text(**limit["label"]), "announced by its gateway, which alone has the rule's text"
        condition = f"{sign} {limit['limit']:g}"
        level = f"level {limit['level']} {describe.LEVELS[limit['level']]}"
        yield LimitInForce(
            point=point.name,
            rule=limit["rule"],
            version=limit["rule_version"],
            level=limit["level"],
            label=label,
            condition=condition,
            limit=limit["limit"],
            origin="gateway",
            where=where,
            lines=[
                f"{limit['rule']}: {condition}, {level}, {describe.both(label)}",
                f"limit: {where}, version {limit['rule_version']}",
            ],
        )


def _device_in_words(device: DeviceLimits) -> Iterator[str]:
    yield from describe.all_given(device.parameters, device.point_parameters)
    point = ""
    for limit in device.limits:
        if limit.point != point:
            point = limit.point
            yield f"{point}:"
        headline, *rest = limit.lines
        yield from (f"  {headline}", *(f"    {line}" for line in rest))
    if not device.limits:
        yield "no rule watches this device"
    for one in device.not_judged:
        yield f"not judged: {one.rule} {one.where}: {describe.both(one.what)}"
