"""Rules that somebody proposes over HTTP: each a text of its own, checked as a file's would be. Pure."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.rules.model import Rule
from sitewarden.rules.packs import RulePack, mistakes


def proposed_rules(texts: Sequence[str], in_force: Sequence[RulePack]) -> RulePack:
    """The rules as a pack; raises `ConfigurationError` naming the rule by its place, its line, the mend."""
    read = [_read(text, Path(f"rule-{i}")) for i, text in enumerate(texts, start=1)]
    rules: dict[str, Rule] = {}
    for document in read:
        (rule,) = document.value.rules
        if rule.rule in rules:
            message = f"`{rule.rule}` is given twice"
            raise ConfigurationError(document.file, 1, "rule", message, "Give each rule its own name.")
        rules[rule.rule] = rule
    for document in read:
        _check(document, in_force, rules)
    return RulePack(pack="proposed", source="proposed for a back-test", rules=list(rules.values()))


def _read(text: str, file: Path) -> documents.Document[RulePack]:
    try:
        return documents.parse(_HEAD + textwrap.indent(text, "    "), RulePack, file)
    except ConfigurationError as exc:
        raise _of_text(exc) from exc


def _check(
    document: documents.Document[RulePack], in_force: Sequence[RulePack], proposed: Mapping[str, Rule]
) -> None:
    """The rule must be as sound as one of a file: among the tables and rules beside which it will stand."""
    (rule,) = document.value.rules
    whole = (pack for pack in in_force if rule.rule in {other.rule for other in pack.rules})
    around = next(whole, document.value)
    others = [proposed.get(other.rule, other) for other in around.rules if other.rule != rule.rule]
    document.value = msgspec.structs.replace(document.value, tables=around.tables, rules=[rule, *others])
    for error in mistakes(document):
        # What is wrong with the others is told of their own text.
        if not error.field.startswith("rules.") or f"{error.field}.".startswith("rules.0."):
            raise _of_text(error) from None


def _of_text(error: ConfigurationError) -> ConfigurationError:
    """The mistake where it stands in the rule's own text."""
    field = error.field.removeprefix("rules.0").removeprefix(".")
    return ConfigurationError(error.file, max(error.line - 4, 1), field, error.message, error.mend)


_HEAD = "pack: proposed\nsource: proposed\nrules:\n  -\n"
"""Four lines before the rule's own."""


def text_of(rule: Rule) -> str:
    """A rule as people write it, so that it can be changed and proposed."""
    plain = msgspec.to_builtins(rule)
    shown = {name: value for name, value in plain.items() if name in _ALWAYS or value not in _NOTHING}
    return str(yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=110))


_ALWAYS = {"dead_band", "on_delay_s", "off_delay_s"}
"""Shown even where they are 0: they are what is most often tried."""
_NOTHING: tuple[Any, ...] = (None, False, [])
"""What the fields that may be left out hold where they are."""
