"""Rules that somebody proposes over HTTP: each a text of its own, checked as a file's would be. Pure."""

import textwrap
from collections.abc import Sequence
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
    rules: list[Rule] = []
    for i, text in enumerate(texts, start=1):
        file = Path(f"rule-{i}")
        rule = _checked(text, in_force, file)
        if rule.rule in {other.rule for other in rules}:
            message = f"`{rule.rule}` is given twice"
            raise ConfigurationError(file, 1, "rule", message, "Give each rule its own name.")
        rules.append(rule)
    return RulePack(pack="proposed", source="proposed for a back-test", rules=rules)


def _checked(text: str, in_force: Sequence[RulePack], file: Path) -> Rule:
    """The rule, as sound as one of a file: it may look into the tables of the pack in which it will stand."""
    try:
        document = documents.parse(_HEAD + textwrap.indent(text, "    "), RulePack, file)
        rule = document.value.rules[0]
        whole = (pack for pack in in_force if rule.rule in {other.rule for other in pack.rules})
        around = next(whole, document.value)
        others = [other for other in around.rules if other.rule != rule.rule]
        document.value = msgspec.structs.replace(document.value, tables=around.tables, rules=[rule, *others])
        for error in mistakes(document):
            raise error
    except ConfigurationError as exc:
        field = exc.field.removeprefix("rules.0").removeprefix(".")
        raise ConfigurationError(file, max(exc.line - 4, 1), field, exc.message, exc.mend) from exc
    return rule


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
