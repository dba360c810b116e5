"""Which points a device has, raw and derived, and which rules hold for them."""

from collections.abc import Container, Iterable, Mapping, Sequence

from sitewarden.derived import Instruments, Subject, derivations_of
from sitewarden.loadchart import LoadChart
from sitewarden.messages import PointBirth
from sitewarden.parameters import NO_POINTS, ByPoint, Parameters
from sitewarden.profiles import Profile
from sitewarden.rules.binding import Beside, KindMissingError, applies, bind
from sitewarden.rules.model import Bad, BoundRule, LimitChange, Stale
from sitewarden.rules.packs import RulePack, rules_of


def subject_of(
    device: str,
    profile: Profile,
    intervals_ms: Mapping[str, int],
    *,
    chart: LoadChart | None,
    zero: Mapping[str, float],
    parameters: Parameters,
    point_parameters: ByPoint,
    instruments: Instruments,
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
        device=device,
        kind=profile.device_kind,
        points=raw,
        chart=chart,
        zero=zero,
        parameters=_numbers(parameters),
        point_parameters={key: _numbers(own) for key, own in point_parameters.items()},
        instruments=instruments,
    )


def _numbers(parameters: Parameters) -> dict[str, float]:
    return {name: value for name, value in parameters.items() if not isinstance(value, str)}


def points_of(subject: Subject) -> tuple[PointBirth, ...]:
    """Raw points, then derived ones that the device does not give itself.

    Raises `InputMissingError` where a crane cannot be judged.
    """
    return (*subject.points, *(point.birth() for point in derivations_of(subject).points))


def stale_after_ms(profile: Profile, key: str, intervals_ms: Mapping[str, int]) -> int:
    """The profile's, but never under three of the intervals that are really polled."""
    return max(profile.stale_after_ms(key), 3 * intervals_ms[profile.points[key].group])


def parameters_lacking(
    points: Sequence[PointBirth],
    packs: Iterable[RulePack],
    *,
    parameters: Parameters,
    point_parameters: ByPoint,
) -> dict[str, list[str]]:
    """Parameters that are not given and on which rules wait, each with the points that those would judge."""
    found: dict[str, list[str]] = {}
    for _, rule in rules_of(packs):
        asked = rule.applies_if
        if asked is None or asked.equals is not None or isinstance(rule.condition, Stale | Bad):
            continue
        for point in points:
            if point.kind == rule.watch and not applies(rule, point.p, parameters, point_parameters):
                waiting = found.setdefault(asked.parameter, [])
                waiting += [point.p] if point.p not in waiting else []
    return found


def bind_rules(
    points: Sequence[PointBirth],
    raw: Container[str],
    packs: Iterable[RulePack],
    *,
    parameters: Parameters,
    point_parameters: ByPoint = NO_POINTS,
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
    for pack, rule in rules_of(packs):
        watched = beside.watched(rule)
        try:
            bound += [
                bind(
                    rule,
                    point,
                    parameters,
                    by_point=point_parameters,
                    tables=pack.tables,
                    beside=beside,
                    changes=changes,
                )
                for point in (watched[:1] if rule.is_of_device else watched)
                if applies(rule, point, parameters, point_parameters)
            ]
        except KindMissingError as exc:
            unbound.append(str(exc))
    return bound, unbound
