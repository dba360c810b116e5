"""Rule packs: limits as data, shipped with their sources or written by a site."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.points import UnknownKindError, point_kind
from sitewarden.rules.model import Rule

_BUILT_IN = resources.files("sitewarden.rules") / "packs"


class RulePack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that belong together, under one name."""

    pack: str
    source: str
    """Where its numbers come from, for people."""
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
        try:
            point_kind(rule.watch)
        except UnknownKindError as exc:
            yield document.error(f"rules.{i}.watch", str(exc), "Watch a kind of the vocabulary.")
        if rule.rule in seen:
            yield document.error(
                f"rules.{i}.rule", f"`{rule.rule}` is given twice", "Give each rule its own name."
            )
        seen.add(rule.rule)
