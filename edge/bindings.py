"""Which points a device has, raw and derived, and which rules hold for them."""

from collections.abc import Iterable, Iterator, Mapping

from sitewarden.derived import CRANE_DERIVED, CRANE_INPUTS, DISPLACEMENTS
from sitewarden.errors import SiteWardenError
from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile
from sitewarden.rules.model import BoundRule, Rule, bind


class InputMissingError(SiteWardenError):
    """A crane's profile lacks a point that its load ratio is made of."""


class ParameterMissingError(SiteWardenError):
    """A rule asks for a parameter that the device does not give."""

    def __init__(self, rule: str, parameter: str) -> None:
        """Both by name."""
        self.rule, self.parameter = rule, parameter
        super().__init__(f"the rule `{rule}` asks for `{parameter}`, which is missing")


def points_of(device: str, profile: Profile, intervals_ms: Mapping[str, int]) -> Iterator[PointBirth]:
    """Raw points, then derived ones that the device does not give itself.

    Raises `InputMissingError` where a crane cannot be judged.
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
        raise InputMissingError(f"the profile `{profile.profile}` has no point of kind {', '.join(missing)}")
    return max(stale_after_ms(profile, by_kind[kind], intervals_ms) for kind in CRANE_INPUTS)


def bind_rules(
    points: Iterable[PointBirth], rules: Iterable[Rule], parameters: Mapping[str, float]
) -> Iterator[BoundRule]:
    """Every rule on every point of the kind it watches; raises `ParameterMissingError`."""
    for point in points:
        for rule in rules:
            if rule.watch != point.kind:
                continue
            try:
                yield bind(rule, point.p, dict(parameters))
            except KeyError as exc:
                raise ParameterMissingError(rule.rule, exc.args[0]) from exc
