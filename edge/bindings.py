"""Which points a device has, raw and derived, and which rules hold for them."""

from collections.abc import Container, Iterable, Mapping, Sequence

from sitewarden.derived import Instruments, Subject, derivations_of
from sitewarden.loadchart import LoadChart
from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile
from sitewarden.rules.binding import Beside, KindMissingError, Parameters, applies, bind
from sitewarden.rules.model import BoundRule, LimitChange
from sitewarden.rules.packs import RulePack, rules_of


def subject_of(
    device: str,
    profile: Profile,
    intervals_ms: Mapping[str, int],
    *,
    chart: LoadChart | None,
    zero: Mapping[str, float],
    parameters: Parameters,
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
    numbers = {name: value for name, value in parameters.items() if not isinstance(value, str)}
    return Subject(
        device=device,
        kind=profile.device_kind,
        points=raw,
        chart=chart,
        zero=zero,
        parameters=numbers,
        instruments=instruments,
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
    for pack, rule in rules_of(packs):
        if not applies(rule, parameters):
            continue
        watched = beside.watched(rule)
        try:
            bound += [
                bind(rule, point, parameters, tables=pack.tables, beside=beside, changes=changes)
                for point in (watched[:1] if rule.is_of_device else watched)
            ]
        except KindMissingError as exc:
            unbound.append(str(exc))
    return bound, unbound
