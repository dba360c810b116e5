"""Rules put on the points of a recorded device, and why those that could not be are left out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

import msgspec

from sitewarden.cameras import PROFILE as CAMERA
from sitewarden.cameras import recorded
from sitewarden.history import DevicePast, Track
from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile, load_profiles
from sitewarden.rules.binding import Beside, KindMissingError, ParameterMissingError, applies, bind
from sitewarden.rules.model import BoundRule, Consecutive, LimitChange, Rule
from sitewarden.rules.packs import RulePack, rules_of
from sitewarden.text import Text

SHORTEST_MEMORY_MS, LONGEST_MEMORY_MS = 3_600_000, 7 * 86_400_000


class NotJudged(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could say nothing of a place, which is not the same as that nothing happened there."""

    rule: str
    where: str
    """The point, the device, or empty for the whole site."""
    reason: Literal["no_point", "no_history", "missing_parameter", "missing_input"]
    what: Text
    mend: Text


class Bound(NamedTuple):
    """The rules of a device."""

    rules: list[BoundRule]
    not_judged: list[NotJudged]


def bind_device(
    device: DevicePast,
    packs: Iterable[RulePack],
    tracks: Mapping[str, Track],
    changes: Sequence[LimitChange] = (),
) -> Bound:
    """Every rule on every point of the device that it watches and that has readings."""
    everywhere = bind_everywhere(device, packs, changes)
    found, left = list[BoundRule](), everywhere.not_judged
    for bound in everywhere.rules:
        silent = list(_unheard(bound, tracks))
        left += [_no_history(bound.rule, point) for point in silent]
        if not silent:
            found.append(msgspec.structs.replace(bound, rule=_unlatched(bound.rule)))
    return Bound(found, _each_once(left))


def bind_everywhere(
    device: DevicePast, packs: Iterable[RulePack], changes: Sequence[LimitChange] = ()
) -> Bound:
    """Every rule on every point of the device that it watches, whatever was read of it."""
    beside, found, left = _beside(device), list[BoundRule](), list[NotJudged]()
    for pack, rule in rules_of(packs):
        for point in _watched(rule, beside):
            if not applies(rule, point, device.parameters, device.point_parameters):
                continue
            bound = _bound(_Place(device, beside, point), pack, rule, changes)
            if isinstance(bound, NotJudged):
                left.append(bound)
            else:
                found.append(bound)
    return Bound(found, _each_once(left))


def _each_once(left: Iterable[NotJudged]) -> list[NotJudged]:
    """One word for a parameter, however many points of the device ask for it."""
    return list({(one.rule, one.where, one.what.en): one for one in left}.values())


class _Place(NamedTuple):
    device: DevicePast
    beside: Beside
    point: str


def _bound(
    place: _Place, pack: RulePack, rule: Rule, changes: Sequence[LimitChange]
) -> BoundRule | NotJudged:
    device, beside, point = place
    try:
        return bind(
            rule,
            point,
            device.parameters,
            by_point=device.point_parameters,
            tables=pack.tables,
            beside=beside,
            changes=changes,
        )
    except ParameterMissingError as exc:
        return _no_parameter(rule, device, exc)
    except KindMissingError as exc:
        return _no_input(rule, device, exc)


def points_needed(device: DevicePast, packs: Iterable[RulePack]) -> list[str]:
    """The points of the device whose readings the rules look at."""
    beside = _beside(device)
    needed: set[str] = set()
    for rule in (rule for pack in packs for rule in pack.rules):
        needed.update(beside.watched(rule))
        needed.update(point for arming in rule.arm for point in beside.by_kind.get(arming.kind, ()))
    return sorted(needed)


def memory_ms(device: DevicePast, packs: Iterable[RulePack]) -> int:
    """How far back readings can matter to what the rules say of the device now, a week at most.

    An hour at least: an alarm that stands has begun before.
    """
    beside = _beside(device)
    asked = [_memory_s(rule) for pack in packs for rule in pack.rules if beside.watched(rule)]
    return min(max([*map(_ms, asked), SHORTEST_MEMORY_MS]), LONGEST_MEMORY_MS)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _memory_s(rule: Rule) -> float:
    """The longest of what the rule times."""
    asked = rule.condition
    windows = [getattr(asked, name, 0.0) for name in ("window_s", "after_s", "within_s")]
    rounds = asked.every_s * asked.times if isinstance(asked, Consecutive) else 0.0
    return max(*windows, rounds, rule.on_delay_s, rule.off_delay_s)


def nowhere(rules: Iterable[Rule], devices: Sequence[DevicePast]) -> list[NotJudged]:
    """Rules that watch what nothing here measures."""
    places = [_beside(device) for device in devices]
    return [_no_point(rule) for rule in rules if not any(beside.watched(rule) for beside in places)]


def _unlatched(rule: Rule) -> Rule:
    """Nobody acknowledges in a back-test: an alarm ends when its danger does."""
    return msgspec.structs.replace(rule, latching=False) if rule.latching else rule


def _beside(device: DevicePast) -> Beside:
    by_kind: dict[str, list[str]] = {}
    for point in device.points:
        by_kind.setdefault(point.kind, []).append(point.p)
    return Beside(by_kind, list(_raw(device)))


def _raw(device: DevicePast) -> Iterator[str]:
    """The points that are read, not derived; of a profile that is not known here all of them."""
    profile = profile_of(device)
    for point in device.points:
        if profile is None or _key(point) in profile.points:
            yield point.p


def profile_of(device: DevicePast) -> Profile | None:
    """The shipped profile of that name, or of a camera its own; `None` where it is a site's own."""
    return recorded(device.points) if device.profile == CAMERA.profile else _profiles().get(device.profile)


@cache
def _profiles() -> Mapping[str, Profile]:
    """The shipped ones; read once, for YAML takes longer than a back-test."""
    return load_profiles()


def _key(point: PointBirth) -> str:
    return point.p.partition("/")[2]


def _watched(rule: Rule, beside: Beside) -> Sequence[str]:
    watched = beside.watched(rule)
    return watched[:1] if rule.is_of_device else watched


def _unheard(bound: BoundRule, tracks: Mapping[str, Track]) -> Iterator[str]:
    """Points without which the rule says nothing.

    Each that it looks at; of a rule on a device as a whole, which is silent only where all of it is, any.
    """
    if not bound.rule.is_of_device:
        yield from (point for point in (bound.point, *bound.inputs) if point not in tracks)
    elif not any(point in tracks for point in (bound.point, *bound.inputs)):
        yield bound.point


def _no_point(rule: Rule) -> NotJudged:
    return NotJudged(
        rule=rule.rule,
        where="",
        reason="no_point",
        what=Text(f"没有类型为 {rule.watch} 的测点", f"no point is of the kind {rule.watch}"),
        mend=Text(
            "派生测点由网关计算：请升级网关，或检查规则的 watch",
            "a derived point is made by the gateway: update it, or check the rule's `watch`",
        ),
    )


def _no_history(rule: Rule, point: str) -> NotJudged:
    return NotJudged(
        rule=rule.rule,
        where=point,
        reason="no_history",
        what=Text(f"{point} 在此期间没有读数", f"{point} has no reading in this range"),
        mend=Text(
            "请选择有记录的时段；派生测点自网关开始计算之日起才有记录",
            "choose a range with readings; a derived point has some only since its gateway derives it",
        ),
    )


def _no_parameter(rule: Rule, device: DevicePast, missing: ParameterMissingError) -> NotJudged:
    return NotJudged(
        rule=rule.rule,
        where=device.device,
        reason="missing_parameter",
        what=Text(f"{device.device} 缺少参数 {missing.parameter}", f"{device.device}: {missing}"),
        mend=Text(
            "用 --gateway gateway.yaml 给出，或升级网关，使其上报参数",
            "give it with --gateway gateway.yaml, or update the gateway, which then tells it",
        ),
    )


def _no_input(rule: Rule, device: DevicePast, missing: KindMissingError) -> NotJudged:
    return NotJudged(
        rule=rule.rule,
        where=device.device,
        reason="missing_input",
        what=Text(f"{device.device} 没有规则所需的 {missing.kind} 测点", f"{device.device}: {missing}"),
        mend=Text("该规则不适用于此设备", "the rule is not for this device"),
    )
