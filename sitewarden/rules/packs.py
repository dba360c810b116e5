"""Rule packs: limits as data, shipped with their sources or written by a site."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.points import UnknownKindError, point_kind, vocabulary
from sitewarden.rules import clauses
from sitewarden.rules.binding import asked_of, limits_of
from sitewarden.rules.describe import word
from sitewarden.rules.model import LONGEST_HANDLING_S, Band, HazardProposal, Parameter, Rule, Table
from sitewarden.text import Text

_BUILT_IN = resources.files("sitewarden.rules") / "packs"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that a pack asks a site for."""

    label: Text
    unit: str = ""
    choices: list[float | str] = []
    """What it may be, where not any number."""
    note: str = ""
    """What helps whoever fills it in, such as a number known from memory only."""


class RulePack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that belong together, under one name."""

    pack: str
    title: Text = Text("", "")
    source: str
    """Where its numbers come from, for people."""
    parameters: dict[str, Asked] = {}
    """What its rules may ask a site for."""
    tables: dict[str, Table] = {}
    rules: list[Rule]


def built_in_packs() -> list[str]:
    """The names of the packs that SiteWarden ships."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in _BUILT_IN.iterdir() if entry.name.endswith(".yaml")
    )


def load_pack(name_or_file: str, beside: Path) -> RulePack:
    """A shipped pack by its name, or a file ending `.yaml` relative to the folder `beside`.

    Raises `ConfigurationError` where there is none, or at the first thing in it that cannot be meant.
    """
    if name_or_file.endswith(".yaml"):
        return read_pack(beside / name_or_file)
    if name_or_file not in built_in_packs():
        mend = f"Shipped are {', '.join(built_in_packs())}; a file of your own ends in .yaml."
        raise ConfigurationError(beside, 0, "rules", f"`{name_or_file}` is not a shipped rule pack", mend)
    return _shipped(name_or_file)


@cache
def _shipped(name: str) -> RulePack:
    """What comes with the program does not change while it runs."""
    with resources.as_file(_BUILT_IN / f"{name}.yaml") as file:
        return read_pack(file)


def read_pack(file: Path) -> RulePack:
    """The pack in `file`, its clauses with their text; raises `ConfigurationError` at the first mistake."""
    document = documents.read(file, RulePack)
    for error in mistakes(document):
        raise error
    pack = document.value
    return msgspec.structs.replace(pack, rules=[_with_clauses(rule) for rule in pack.rules])


def rules_of(packs: Iterable[RulePack]) -> Iterator[tuple[RulePack, Rule]]:
    """Every rule with its pack; one that several packs have word for word, such as a silence, counts once."""
    known: dict[str, Rule] = {}
    for pack in packs:
        for rule in pack.rules:
            if rule.rule not in known or known[rule.rule] != rule:
                known.setdefault(rule.rule, rule)
                yield pack, rule


def schema() -> dict[str, Any]:
    """The JSON Schema of a pack, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(RulePack)}


def _with_clauses(rule: Rule) -> Rule:
    """With the text of the clause, and the clauses of other editions that mean the same danger."""
    hazard = rule.hazard
    if hazard is None or hazard.clause is None:
        return rule
    also = hazard.also or clauses.elsewhere(hazard.clause)
    named = msgspec.structs.replace(
        hazard, clause=clauses.completed(hazard.clause), also=[clauses.completed(clause) for clause in also]
    )
    return msgspec.structs.replace(rule, hazard=named)


def mistakes(document: documents.Document[RulePack]) -> Iterator[ConfigurationError]:
    """All that a sound YAML of the right form still cannot mean."""
    pack = document.value
    names = [rule.rule for rule in pack.rules]
    for i, name in enumerate(names):
        if name in names[:i]:
            message = f"`{name}` is given twice"
            yield document.error(f"rules.{i}.rule", message, "Give each rule its own name.")
    for i, rule in enumerate(pack.rules):
        where = f"rules.{i}"
        yield from _unknown_kinds(document, where, rule)
        yield from _limits_unmeant(document, where, rule)
        yield from _suppressors_unmeant(document, where, rule)
        if rule.hazard is not None:
            yield from _hazard_unmeant(document, f"{where}.hazard", rule.hazard, rule.level)
    if not [rule for rule in pack.rules if _tables_of(rule) - pack.tables.keys()]:
        yield from _parameters_unmeant(document)
    yield from _cells_unmeant(document)


def _hidden_by(rules: Mapping[str, Rule], rule: Rule) -> set[str]:
    """Every rule that holds this one back, through others as well."""
    found, waiting = set[str](), [rule]
    while waiting:
        for name in waiting.pop().suppressed_by:
            if name not in found and name in rules:
                found.add(name)
                waiting.append(rules[name])
    return found


def _unknown_kinds(
    document: documents.Document[RulePack], where: str, rule: Rule
) -> Iterator[ConfigurationError]:
    if rule.is_of_device:
        beginning = rule.watch.removesuffix("*")
        if not any(kind.startswith(beginning) for kind in vocabulary()):
            message = f"no kind of the vocabulary begins with `{beginning}`"
            yield document.error(f"{where}.watch", message, "Write such as `crane.*`, or `*` for any device.")
    named = [] if rule.is_of_device else [("watch", rule.watch)]
    named += [(f"arm.{j}.kind", arming.kind) for j, arming in enumerate(rule.arm)]
    for field, kind in named:
        try:
            point_kind(kind)
        except UnknownKindError as exc:
            yield document.error(f"{where}.{field}", str(exc), "Name a kind of the vocabulary.")


def _limits_unmeant(
    document: documents.Document[RulePack], where: str, rule: Rule
) -> Iterator[ConfigurationError]:
    tables, condition = document.value.tables, rule.condition
    for name, column in _cells_of(rule):
        if name not in tables:
            known = ", ".join(tables) or "none"
            message = f"there is no table `{name}` in this pack"
            yield document.error(f"{where}.condition", message, f"Tables are: {known}.")
        elif not any(column in row.cells for row in tables[name].rows):
            known = ", ".join(dict.fromkeys(cell for row in tables[name].rows for cell in row.cells))
            message = f"no row of `{name}` has a column `{column}`"
            yield document.error(f"{where}.condition", message, f"Columns are: {known}.")
    if isinstance(condition, Band):
        low, high = condition.low, condition.high
        if not isinstance(low, Parameter) and not isinstance(high, Parameter) and low >= high:
            message = f"the band from {low:g} to {high:g} lets nothing through"
            yield document.error(f"{where}.condition.low", message, "Write the lower end first.")


def _cells_of(rule: Rule) -> list[tuple[str, str]]:
    """Table and column of every cell that the rule may look up."""
    ends = [end for end in limits_of(rule) if isinstance(end, Parameter)]
    return [cell for end in ends for cell in end.cells()]


def _tables_of(rule: Rule) -> set[str]:
    return {table for table, _ in _cells_of(rule)}


def _suppressors_unmeant(
    document: documents.Document[RulePack], where: str, rule: Rule
) -> Iterator[ConfigurationError]:
    """A lesser alarm must not hide a graver one, and of two that hide each other neither is heard."""
    rules = {one.rule: one for one in document.value.rules}
    for j, name in enumerate(rule.suppressed_by):
        field = f"{where}.suppressed_by.{j}"
        if name == rule.rule:
            yield document.error(field, "a rule cannot hold itself back", "Remove the line.")
        elif name not in rules:
            message = f"there is no rule `{name}` in this pack"
            yield document.error(field, message, "Name a rule of this pack.")
        elif rules[name].level < rule.level:
            message = f"`{name}` is of level {rules[name].level} and would hide one of level {rule.level}"
            yield document.error(field, message, "Name a rule of the same level or a graver one.")
        elif rule.rule in _hidden_by(rules, rules[name]):
            yield document.error(
                field, f"`{name}` is itself held back by this rule", "Remove one of the two."
            )


def _hazard_unmeant(
    document: documents.Document[RulePack], where: str, hazard: HazardProposal, level: int
) -> Iterator[ConfigurationError]:
    named = [] if hazard.clause is None else [("clause", hazard.clause)]
    named += [(f"also.{j}", clause) for j, clause in enumerate(hazard.also)]
    for field, clause in named:
        try:
            item = clauses.item_of(clause)
        except clauses.UnknownClauseError as exc:
            yield document.error(f"{where}.{field}", str(exc), "Name an item of an edition.")
            continue
        waits = hazard.level == "general" and hazard.handling_clock_s and level == 4  # noqa: PLR2004
        if item.two_part and not waits:
            message = f"{clause.id} of {clause.edition} is met only once handling is late"
            mend = "Write `level: general` and `handling_clock_s:` in it, and `level: 4` in the rule."
            yield document.error(f"{where}.{field}", message, mend)
    if hazard.handling_clock_s > LONGEST_HANDLING_S:
        message = f"{hazard.handling_clock_s} is more than {LONGEST_HANDLING_S} s, 30 days"
        yield document.error(f"{where}.handling_clock_s", message, "Write seconds, such as 7200.")
    if hazard.level == "major_proposed" and hazard.clause is None:
        message = "a major hazard is proposed by no clause"
        yield document.error(where, message, "Add `clause: {edition: , id: }`, or write `level: general`.")


def _parameters_unmeant(document: documents.Document[RulePack]) -> Iterator[ConfigurationError]:
    """Where a pack declares what it asks for, it declares all of it and nothing else."""
    pack = document.value
    asked = {name for rule in pack.rules for name in asked_of(rule, pack.tables)}
    if not pack.parameters:
        return
    for i, rule in enumerate(pack.rules):
        for name in sorted(set(asked_of(rule, pack.tables)) - pack.parameters.keys()):
            message = f"asks for `{name}`, which is not declared"
            yield document.error(f"rules.{i}", message, f"Add `{name}:` under `parameters:`.")
    for name in pack.parameters.keys() - asked:
        yield document.error(f"parameters.{name}", "no rule asks for it", "Remove it, or check its spelling.")


def _cells_unmeant(document: documents.Document[RulePack]) -> Iterator[ConfigurationError]:
    pack = document.value
    for name, table in pack.tables.items():
        for i, row in enumerate(table.rows):
            where = f"tables.{name}.rows.{i}"
            for column in row.cells.keys() - table.units.keys():
                message = f"the column `{column}` has no unit"
                yield document.error(
                    f"{where}.cells", message, f"Add `{column}:` under the table's `units:`."
                )
            for key, values in row.when.items():
                choices = pack.parameters[key].choices if key in pack.parameters else []
                for value in values if choices else ():
                    if value not in choices:
                        message = f"{word(value)} is no choice of `{key}`"
                        known = ", ".join(map(word, choices))
                        yield document.error(f"{where}.when.{key}", message, f"Choices are: {known}.")


__all__ = [
    "Asked",
    "RulePack",
    "Table",
    "built_in_packs",
    "load_pack",
    "mistakes",
    "read_pack",
    "rules_of",
    "schema",
]
