"""Rules that somebody proposes over HTTP: each a text of its own, checked as a file's would be. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.points import UnknownKindError, point_kind
from sitewarden.rules.binding import limit_of
from sitewarden.rules.model import Band, Parameter, Rule
from sitewarden.rules.packs import RulePack


def proposed_rules(texts: Sequence[str], in_force: Iterable[RulePack]) -> RulePack:
    """The rules as a pack; raises `ConfigurationError` naming the rule by its place, its line, the mend."""
    tables = {rule.rule: set(pack.tables) for pack in in_force for rule in pack.rules}
    rules: list[Rule] = []
    for i, text in enumerate(texts, start=1):
        document = documents.parse(text, Rule, Path(f"rule-{i}"))
        rule = document.value
        for error in (*_unknown_kinds(document), *_unknown_tables(document, tables.get(rule.rule, set()))):
            raise error
        if rule.rule in {other.rule for other in rules}:
            raise document.error("rule", f"`{rule.rule}` is given twice", "Give each rule its own name.")
        rules.append(rule)
    return RulePack(pack="proposed", source="proposed for a back-test", rules=rules)


def text_of(rule: Rule) -> str:
    """A rule as people write it, so that it can be changed and proposed."""
    plain = msgspec.to_builtins(rule)
    shown = {name: value for name, value in plain.items() if name in _ALWAYS or value not in _NOTHING}
    return str(yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=110))


_ALWAYS = {"dead_band", "on_delay_s", "off_delay_s"}
"""Shown even where they are 0: they are what is most often tried."""
_NOTHING: tuple[Any, ...] = (None, False, [])
"""What the fields that may be left out hold where they are."""


def _unknown_kinds(document: documents.Document[Rule]) -> Iterator[ConfigurationError]:
    rule = document.value
    named = [] if rule.watch == "*" else [("watch", rule.watch)]
    named += [(f"arm.{j}.kind", arming.kind) for j, arming in enumerate(rule.arm)]
    for field, kind in named:
        try:
            point_kind(kind)
        except UnknownKindError as exc:
            yield document.error(field, str(exc), "Name a kind of the vocabulary.")


def _unknown_tables(document: documents.Document[Rule], tables: set[str]) -> Iterator[ConfigurationError]:
    condition = document.value.condition
    ends = [condition.low, condition.high] if isinstance(condition, Band) else [limit_of(condition)]
    for end in ends:
        for name in end.tables() if isinstance(end, Parameter) else ():
            if name not in tables:
                known = ", ".join(sorted(tables)) or "none"
                message = f"there is no table `{name}` where this rule stands"
                yield document.error("condition", message, f"Tables are: {known}.")
