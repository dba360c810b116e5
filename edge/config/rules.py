"""Rule packs, changes of their limits, and which rules hold for a device."""

from collections.abc import Iterable, Iterator

from edge import itself
from edge.bindings import bind_rules
from edge.config.source import Source, nearest
from edge.settings import DeviceEntry
from sitewarden.errors import ConfigurationError
from sitewarden.messages import PointBirth
from sitewarden.parameters import point_key
from sitewarden.rules.binding import ParameterMissingError, change_unmeant, limit_unmeant
from sitewarden.rules.model import Bad, Bit, BoundRule, LimitChange, Rule
from sitewarden.rules.packs import RulePack, load_pack


def packs_of(source: Source) -> list[RulePack]:
    """All that are named; one name stands for one rule, so that an episode says which it was.

    What several packs have word for word, such as the silence of a device, is one rule. The gateway's own
    pack is always among them.
    """
    own = load_pack(itself.PACK, source.folder)
    found: dict[str, tuple[str, Rule]] = {rule.rule: (own.pack, rule) for rule in own.rules}
    packs = [own]
    for i, name in enumerate(source.file.rules):
        if name == itself.PACK:
            continue
        try:
            pack = load_pack(name, source.folder)
        except ConfigurationError as exc:
            raise source.pointed(exc, f"rules.{i}") from exc
        for rule in pack.rules:
            if rule.rule not in found:
                found[rule.rule] = pack.pack, rule
                continue
            before, same = found[rule.rule]
            if before == pack.pack or same != rule:
                message = f"the rule `{rule.rule}` of `{pack.pack}` is already in `{before}`"
                raise source.error(f"rules.{i}", message, "Name each pack once, each rule its own way.")
        packs.append(pack)
    return packs


def changes_unmeant(source: Source, packs: list[RulePack]) -> Iterator[ConfigurationError]:
    """Changes of a limit that there is not, or on a device that there is not."""
    rules = {rule.rule: rule for pack in packs for rule in pack.rules}
    devices = {entry.device for bus in source.file.buses for entry in bus.devices} | {source.file.gateway}
    for i, change in enumerate(source.file.limit_changes):
        where = f"limit_changes.{i}"
        if change.rule not in rules:
            mend = nearest(change.rule, set(rules), "Rules are")
            yield source.error(f"{where}.rule", f"there is no rule `{change.rule}`", mend)
        elif isinstance(rules[change.rule].condition, Bit | Bad):
            yield source.error(f"{where}.rule", f"`{change.rule}` has no limit", "Change the rule itself.")
        elif (unmeant := change_unmeant(rules[change.rule], change)) is not None:
            field, message, mend = unmeant
            yield source.error(f"{where}.{field}", message, mend)
        elif change.version <= rules[change.rule].version:
            newest = rules[change.rule].version
            message = f"version {change.version} is not above the rule's own, {newest}"
            yield source.error(f"{where}.version", message, f"Write {newest + 1} or more.")
        if change.device is not None and change.device not in devices:
            mend = nearest(change.device, devices, "Devices are")
            yield source.error(f"{where}.device", f"there is no device `{change.device}`", mend)
        if change.point is not None and change.device is None:
            message = "is missing: points of several devices may have this name"
            yield source.error(f"{where}.device", message, "Name the device of the point.")


def changes_misplaced(
    source: Source, device: str, points: tuple[PointBirth, ...], packs: list[RulePack]
) -> Iterator[ConfigurationError]:
    """A change of a limit on a point that has no such limit would be believed and do nothing."""
    watched = {rule.rule: rule.watch for pack in packs for rule in pack.rules}
    for i, change in enumerate(source.file.limit_changes):
        if change.device != device or change.point is None:
            continue
        fitting = {point_key(p.p) for p in points if p.kind == watched[change.rule]}
        if change.point not in fitting:
            message = f"`{change.rule}` watches no point `{change.point}` of `{device}`"
            mend = nearest(change.point, fitting, "It watches")
            yield source.error(f"limit_changes.{i}.point", message, mend)


def changes_of(source: Source, device: str) -> list[LimitChange]:
    """Those that hold for a device."""
    return [change for change in source.file.limit_changes if change.device in (None, device)]


def bound_rules(
    source: Source,
    where: str,
    entry: DeviceEntry,
    points: tuple[PointBirth, ...],
    *,
    packs: list[RulePack],
    raw: Iterable[str],
) -> tuple[list[BoundRule], list[str]]:
    """The rules that hold, and why others do not; `raw` are the keys of the points that are read."""
    try:
        bound, unjudged = bind_rules(
            points,
            {f"{entry.device}/{key}" for key in raw},
            packs,
            parameters=entry.parameters,
            point_parameters=entry.point_parameters,
            changes=source.file.limit_changes,
        )
    except ParameterMissingError as exc:
        mend = f"Add `{exc.parameter}:` with the design engineer's value."
        if entry.point_parameters and exc.key:
            mend = f"{mend[:-1]}, here or for `{exc.key}` under `point_parameters:`."
        raise source.error(f"{where}.parameters", str(exc), mend) from exc
    for one in bound:
        if (message := limit_unmeant(one)) is not None:
            raise source.error(f"{where}.parameters", message, "Write the design engineer's value, above 0.")
    return bound, unjudged
