"""Which points a device has, raw and derived, and which rules hold for them."""

from collections.abc import Iterable, Iterator, Mapping

from sitewarden.derived import Subject, derivations_of
from sitewarden.errors import SiteWardenError
from sitewarden.loadchart import LoadChart
from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile
from sitewarden.rules.model import BoundRule, Rule, bind


class ParameterMissingError(SiteWardenError):
    """A rule asks for a parameter that the device does not give."""

    def __init__(self, rule: str, parameter: str) -> None:
        """Both by name."""
        self.rule, self.parameter = rule, parameter
        super().__init__(f"the rule `{rule}` asks for `{parameter}`, which is missing")


def subject_of(
    device: str,
    profile: Profile,
    intervals_ms: Mapping[str, int],
    *,
    chart: LoadChart | None,
    zero: Mapping[str, float],
    parameters: Mapping[str, float],
) -> Subject:
    """The device as its derivations see it."""
    raw = tuple(
        PointBirth(
            p=f"{device}/{key}",
            kind=point.kind,
            label=point.label,
            stale_after_ms=stale_after_ms(profile, key, intervals_ms),
        )
        for key, point in profile.points.items()
    )
    return Subject(
        device=device, kind=profile.device_kind, points=raw, chart=chart, zero=zero, parameters=parameters
    )


def points_of(subject: Subject) -> tuple[PointBirth, ...]:
    """Raw points, then derived ones that the device does not give itself.

    Raises `InputMissingError` where a crane cannot be judged.
    """
    return (*subject.points, *(point.birth() for point in derivations_of(subject).points))


def stale_after_ms(profile: Profile, key: str, intervals_ms: Mapping[str, int]) -> int:
    """The profile's, but never under three of the intervals that are really polled."""
    return max(profile.stale_after_ms(key), 3 * intervals_ms[profile.points[key].group])


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
