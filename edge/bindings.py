"""Which points a device has, raw and derived, and which rules hold for them."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from sitewarden.derived import CRANE_DERIVED, CRANE_INPUTS, DISPLACEMENTS
from sitewarden.errors import SiteWardenError
from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile
from sitewarden.rules.binding import Beside, InputMissingError, Parameters, applies, bind
from sitewarden.rules.model import BoundRule, LimitChange
from sitewarden.rules.packs import RulePack


class NotACraneError(SiteWardenError):
    """A crane's profile lacks a point that its load ratio is made of."""


def points_of(device: str, profile: Profile, intervals_ms: Mapping[str, int]) -> Iterator[PointBirth]:
    """Raw points, then derived ones that the device does not give itself.

    Raises `NotACraneError` where a crane cannot be judged.
    """
    for key, point in profile.points.items():
        stale_ms = stale_after_ms(profile, key, intervals_ms)
        yield PointBirth(p=f"{device}/{key}", kind=point.kind, label=point.label, stale_after_ms=stale_ms)
        if point.kind in DISPLACEMENTS:
            for step in ("cumulative", "rate"):
                yield PointBirth(
                    p=f"{device}/{key}.{step}",
                    kind=f"{point.kind}.{step}",
                    label=point.label,
                    stale_after_ms=stale_ms,
                )
    if profile.device_kind == "crane":
        stale_ms = crane_max_age_ms(profile, intervals_ms)
        for kind in (k for k in CRANE_DERIVED if k.removeprefix("crane.") not in profile.points):
            yield PointBirth(p=f"{device}/{kind.removeprefix('crane.')}", kind=kind, stale_after_ms=stale_ms)


def stale_after_ms(profile: Profile, key: str, intervals_ms: Mapping[str, int]) -> int:
    """The profile's, but never under three of the intervals that are really polled."""
    return max(profile.stale_after_ms(key), 3 * intervals_ms[profile.points[key].group])


def crane_max_age_ms(profile: Profile, intervals_ms: Mapping[str, int]) -> int:
    """How far apart the inputs of a crane's derived points may lie."""
    by_kind = {point.kind: key for key, point in reversed(profile.points.items())}
    missing = [kind for kind in CRANE_INPUTS if kind not in by_kind]
    if missing:
        raise NotACraneError(f"the profile `{profile.profile}` has no point of kind {', '.join(missing)}")
    return max(stale_after_ms(profile, by_kind[kind], intervals_ms) for kind in CRANE_INPUTS)


def bind_rules(
    points: Sequence[PointBirth],
    raw: Container[str],
    packs: Iterable[RulePack],
    parameters: Parameters,
    changes: Sequence[LimitChange] = (),
) -> tuple[list[BoundRule], list[str]]:
    """Every rule of the packs on every point of the kind it watches, and why others cannot be judged.

    `raw` are the points that are read, not derived. Raises `ParameterMissingError`.
    """
    by_kind: dict[str, list[str]] = {}
    for point in points:
        by_kind.setdefault(point.kind, []).append(point.p)
    beside = Beside(by_kind, [point.p for point in points if point.p in raw])
    bound: list[BoundRule] = []
    unbound: list[str] = []
    for pack in packs:
        for rule in (rule for rule in pack.rules if applies(rule, parameters)):
            watched = beside.raw[:1] if rule.watch == "*" else by_kind.get(rule.watch, ())
            try:
                bound += [
                    bind(rule, point, parameters, tables=pack.tables, beside=beside, changes=changes)
                    for point in watched
                ]
            except InputMissingError as exc:
                unbound.append(str(exc))
    return bound, unbound
