"""Rule packs: limits as data, shipped with their sources or written by a site."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.points import UnknownKindError, point_kind
from sitewarden.rules.binding import limit_of
from sitewarden.rules.model import Band, Parameter, Rule, Table
from sitewarden.text import Text

_BUILT_IN = resources.files("sitewarden.rules") / "packs"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that a pack asks a site for."""

    label: Text
    unit: str = ""
    choices: list[float | str] = []
    """What it may be, where not any number."""


class RulePack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that belong together, under one name."""

    pack: str
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

    Raises `ConfigurationError` where there is none, or where a rule watches an unknown kind.
    """
    if name_or_file.endswith(".yaml"):
        return _checked(beside / name_or_file)
    if name_or_file not in built_in_packs():
        mend = f"Shipped are {', '.join(built_in_packs())}; a file of your own ends in .yaml."
        raise ConfigurationError(beside, 0, "rules", f"`{name_or_file}` is not a shipped rule pack", mend)
    with resources.as_file(_BUILT_IN / f"{name_or_file}.yaml") as file:
        return _checked(file)


def _checked(file: Path) -> RulePack:
    document = documents.read(file, RulePack)
    for error in _meaningless(document):
        raise error
    return document.value


def _meaningless(document: documents.Document[RulePack]) -> Iterator[ConfigurationError]:
    seen: set[str] = set()
    for i, rule in enumerate(document.value.rules):
        yield from _unknown_kinds(document, i, rule)
        yield from _unknown_tables(document, i, rule)
        if rule.rule in seen:
            yield document.error(
                f"rules.{i}.rule", f"`{rule.rule}` is given twice", "Give each rule its own name."
            )
        seen.add(rule.rule)


def _unknown_kinds(
    document: documents.Document[RulePack], i: int, rule: Rule
) -> Iterator[ConfigurationError]:
    named = [] if rule.watch == "*" else [("watch", rule.watch)]
    named += [(f"arm.{j}.kind", arming.kind) for j, arming in enumerate(rule.arm)]
    for field, kind in named:
        try:
            point_kind(kind)
        except UnknownKindError as exc:
            yield document.error(f"rules.{i}.{field}", str(exc), "Name a kind of the vocabulary.")


def _unknown_tables(
    document: documents.Document[RulePack], i: int, rule: Rule
) -> Iterator[ConfigurationError]:
    tables = document.value.tables
    condition = rule.condition
    ends = [condition.low, condition.high] if isinstance(condition, Band) else [limit_of(condition)]
    for end in ends:
        for name in end.tables() if isinstance(end, Parameter) else ():
            if name not in tables:
                known = ", ".join(tables) or "none"
                message = f"there is no table `{name}` in this pack"
                yield document.error(f"rules.{i}.condition", message, f"Tables are: {known}.")
