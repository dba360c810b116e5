"""Which rules are in force on a site, told from what its gateways announced. Pure."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from cloud.backtest.store import StoredPoint
from sitewarden.rules.model import LimitChange
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


@cache
def shipped_packs() -> tuple[RulePack, ...]:
    """Every pack that this program ships; read once, for YAML takes longer than a back-test."""
    return tuple(load_pack(name, Path()) for name in built_in_packs())


def in_force(points: Iterable[StoredPoint], shipped: Sequence[RulePack]) -> InForce:
    """What gateways announced, with the text of the shipped rules of that name.

    A gateway runs a pack whole, and announces only those of its rules that have a number to draw: so with one
    rule of a pack all of it is in force. A version above the shipped one is that of a limit which the site
    has changed.
    """
    known = [point for point in points if point.current]
    announced = {limit["rule"] for point in known for limit in point.limits}
    packs = [pack for pack in shipped if any(rule.rule in announced for rule in pack.rules)]
    versions = {rule.rule: rule.version for pack in packs for rule in pack.rules}
    changes: dict[tuple[str, str], LimitChange] = {}
    unknown, older = set[str](), set[str]()
    for point in known:
        for limit in point.limits:
            rule, version = limit["rule"], limit["rule_version"]
            if rule not in versions:
                unknown.add(f"{rule} (version {version})")
            elif version > versions[rule]:
                # A rule with two ends announces first the one that it is known by.
                changes.setdefault((point.device, rule), _change(point, limit))
            elif version < versions[rule]:
                older.add(f"{rule} (version {version})")
    return InForce(packs=packs, changes=list(changes.values()), unknown=sorted(unknown), older=sorted(older))


def _change(point: StoredPoint, limit: dict[str, float | str | int]) -> LimitChange:
    return LimitChange(
        rule=str(limit["rule"]),
        device=point.device,
        limit=float(limit["limit"]),
        author="site",
        reason="as the gateway announced it",
        on="",
        version=int(limit["rule_version"]),
    )
