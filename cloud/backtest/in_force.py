"""Which rules are in force on a site, told from what its gateways announced. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from cloud.backtest.store import StoredPoint
from sitewarden.messages import DeviceSetup
from sitewarden.parameters import point_key
from sitewarden.rules.binding import Beside, KindMissingError, ParameterMissingError, bind, latest_change
from sitewarden.rules.model import Band, LimitChange, Rule
from sitewarden.rules.packs import RulePack, built_in_packs, load_pack


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a site."""

    packs: list[RulePack]
    """Shipped packs, each whole."""
    changes: list[LimitChange] = []
    """Limits that the site has changed."""
    unknown: list[str] = []
    """Rules that gateways run without this program having their text: a site's own."""
    older: list[str] = []
    """Rules of which gateways run a version older than the shipped one, by which they are judged here."""
    differing: list[str] = []
    """Rules whose announced limit is not what the shipped text gives; judged by the announced one."""


_SITE = "site"
"""The author of a change whose gateway did not say who made it."""


def known_of(change: LimitChange) -> bool:
    """Whether it is known who made the change."""
    return change.author != _SITE


@cache
def shipped_packs() -> tuple[RulePack, ...]:
    """Every pack that this program ships; read once, for YAML takes longer than a back-test."""
    return tuple(load_pack(name, Path()) for name in built_in_packs())


def in_force(
    points: Iterable[StoredPoint],
    shipped: Sequence[RulePack],
    setups: Mapping[str, DeviceSetup] = MappingProxyType({}),
) -> InForce:
    """What gateways announced, with the text of the shipped rules of that name.

    A gateway runs a pack whole, and announces only those of its rules that have a number to draw: so with one
    rule of a pack all of it is in force. The announced number is the one that counts: under a version above
    the shipped one it is that of a limit which the site has changed, told with its author where the setup of
    the device (`setups`, by device) has that change; under another it is told as `differing` where it is not
    what the rule gives with the parameters of device and point.
    """
    known = [point for point in points if point.current]
    announced = {limit["rule"] for point in known for limit in point.limits}
    packs = [pack for pack in shipped if any(rule.rule in announced for rule in pack.rules)]
    texts = {rule.rule: (pack, rule) for pack in packs for rule in pack.rules}
    changes = _Changes()
    unknown, older, differing = set[str](), set[str](), set[str]()
    for told in _told(known):
        name = f"{told.rule} (version {told.version})"
        if told.rule not in texts:
            unknown.add(name)
            continue
        pack, rule = texts[told.rule]
        device = _Device.of(told.point, known, setups)
        if told.version < rule.version:
            older.add(name)
        if told.version > rule.version:
            changes.add(told, device.changed(rule, told) or told.change(rule))
        elif _gives(rule, pack, told, device):
            changes.add(told, None)
        else:
            changes.add(told, change := told.change(rule))
            differing.add(f"{told.rule} ({told.point.device}: {change.limit:g})")
    return InForce(
        packs=packs,
        changes=changes.all(),
        unknown=sorted(unknown),
        older=sorted(older),
        differing=sorted(differing),
    )


class _Changes:
    """Changes by device and rule: one for all points where they agree, else one a point."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, LimitChange | None]] = {}

    def add(self, told: "_Told", change: LimitChange | None) -> None:
        """What holds on that point; `None`: what the rule gives."""
        self._found.setdefault((told.point.device, told.rule), {})[told.point.name] = change

    def all(self) -> list[LimitChange]:
        """Each once."""
        found: list[LimitChange] = []
        for changes in self._found.values():
            agree = len({msgspec.json.encode(change) for change in changes.values()}) == 1
            for point, change in changes.items():
                if change is None:
                    continue
                is_one_of_many = not known_of(change) and not agree
                one = msgspec.structs.replace(change, point=point_key(point)) if is_one_of_many else change
                if one not in found:
                    found.append(one)
        return found


class _Told(NamedTuple):
    """What a point was announced with for one rule."""

    point: StoredPoint
    rule: str
    version: int
    ends: dict[str, float]
    """By direction; in the order in which they were told."""

    def change(self, rule: Rule) -> LimitChange:
        """The announced numbers as those of a change; a rule with two ends is known by the first of them."""
        is_band = isinstance(rule.condition, Band)
        return LimitChange(
            rule=self.rule,
            device=self.point.device,
            limit=self.ends["high"] if is_band and "high" in self.ends else next(iter(self.ends.values())),
            low=self.ends.get("low") if is_band else None,
            author=_SITE,
            reason="as the gateway announced it",
            on="",
            # A history file takes no change below 2, which is the first that a person can make.
            version=max(self.version, 2),
        )


def _told(points: Iterable[StoredPoint]) -> Iterator[_Told]:
    for point in points:
        found: dict[tuple[str, int], dict[str, float]] = {}
        for limit in point.limits:
            ends = found.setdefault((str(limit["rule"]), int(limit["rule_version"])), {})
            ends.setdefault(str(limit["direction"]), float(limit["limit"]))
        for (rule, version), ends in found.items():
            yield _Told(point, rule, version, ends)


class _Device(NamedTuple):
    """What a rule is bound with."""

    setup: DeviceSetup
    beside: Beside

    @classmethod
    def of(
        cls, point: StoredPoint, points: Iterable[StoredPoint], setups: Mapping[str, DeviceSetup]
    ) -> "_Device":
        by_kind: dict[str, list[str]] = {}
        for other in points:
            if other.device == point.device:
                by_kind.setdefault(other.kind, []).append(other.name)
        return cls(setups.get(point.device, DeviceSetup()), Beside(by_kind, [point.name]))

    def changed(self, rule: Rule, told: _Told) -> LimitChange | None:
        """The change by which the announced numbers came about, as the gateway told it."""
        change = latest_change(rule, told.point.name, self.setup.limit_changes)
        if change is None or change.version != told.version:
            return None
        announced = told.change(rule)
        same_low = change.low is None or announced.low is None or math.isclose(change.low, announced.low)
        if not same_low or not math.isclose(change.limit, announced.limit):
            return None
        # One for all devices is so for those of its gateway, not for another's.
        return msgspec.structs.replace(change, device=told.point.device)


def _gives(rule: Rule, pack: RulePack, told: _Told, device: _Device) -> bool:
    """Whether the rule gives the announced numbers by itself; true where it cannot be told."""
    setup, announced = device.setup, told.change(rule)
    try:
        bound = bind(
            rule,
            told.point.name,
            setup.parameters,
            by_point=setup.point_parameters,
            tables=pack.tables,
            beside=device.beside,
        )
    except (ParameterMissingError, KindMissingError):
        # The report says of it that it could not be judged, and why.
        return True
    is_low = (
        announced.low is None or bound.low is None or math.isclose(announced.low, bound.low, rel_tol=1e-9)
    )
    return is_low and math.isclose(announced.limit, bound.limit, rel_tol=1e-9)
