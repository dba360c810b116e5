"""What two sets of rules differ in, field by field, and one set put upon another."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from sitewarden.rules.model import Rule
from sitewarden.rules.packs import RulePack


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a rule, dotted, as its file has it; `None` where it is not there."""

    field: str
    before: Any
    after: Any


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    rule: str
    change: Literal["added", "removed", "changed"]
    fields: list[FieldChange] = []


def rules_of(packs: Iterable[RulePack]) -> list[Rule]:
    """The rules of all packs, in their order."""
    return [rule for pack in packs for rule in pack.rules]


def put_upon(
    in_force: Iterable[RulePack], changed: Sequence[RulePack], removed: Collection[str] = ()
) -> list[RulePack]:
    """The packs in force with rules replaced by those of the same name, others added, some removed.

    A changed rule stands in the pack of the one it replaces, so that it finds the same tables, unless its own
    pack brings tables.
    """
    in_place = {rule.rule: rule for pack in changed if not pack.tables for rule in pack.rules}
    brought = {rule.rule for pack in changed if pack.tables for rule in pack.rules}
    packs = [_replaced(pack, in_place, {*removed, *brought}) for pack in in_force]
    known = {rule.rule for rule in rules_of(packs)}
    added = [_replaced(pack, {}, {*removed, *known}) for pack in changed]
    return [pack for pack in (*packs, *added) if pack.rules]


def _replaced(pack: RulePack, by_name: Mapping[str, Rule], left_out: Collection[str]) -> RulePack:
    rules = [by_name.get(rule.rule, rule) for rule in pack.rules if rule.rule not in left_out]
    return msgspec.structs.replace(pack, rules=rules)


def changes(before: Iterable[RulePack], after: Iterable[RulePack]) -> list[RuleChange]:
    """The rules that differ, in the order of `before`, then those that are new."""
    befores, afters = ({rule.rule: rule for rule in rules_of(packs)} for packs in (before, after))
    return list(_changes(befores, afters))


def _changes(befores: Mapping[str, Rule], afters: Mapping[str, Rule]) -> Iterator[RuleChange]:
    for name, rule in befores.items():
        if name not in afters:
            yield RuleChange(rule=name, change="removed")
        elif fields := _fields(rule, afters[name]):
            yield RuleChange(rule=name, change="changed", fields=fields)
    for name in afters:
        if name not in befores:
            yield RuleChange(rule=name, change="added")


def _fields(before: Rule, after: Rule) -> list[FieldChange]:
    one, other = dict(_flat(msgspec.to_builtins(before))), dict(_flat(msgspec.to_builtins(after)))
    names = [*one, *(name for name in other if name not in one)]
    return [
        FieldChange(field=name, before=one.get(name), after=other.get(name))
        for name in names
        if one.get(name) != other.get(name)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
