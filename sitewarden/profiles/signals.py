"""What a device of a kind must say to be of use; read from `sitewarden/signals.yaml`."""

from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

Choice = list[str]
"""Kinds of the vocabulary of which one is enough; a `*` at the end stands for any that begin so."""


class Signals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one kind of device."""

    must: list[Choice]
    """Without one of each, rules stay blind."""
    should: list[Choice]
    least_every_ms: int
    """Read more seldom, a danger passes between two readings."""
    source: str
    confidence: Literal["agreed", "one-source", "memory", "practice"]


@cache
def signals() -> Mapping[str, Signals]:
    """By the kind of device."""
    import yaml  # noqa: PLC0415  as for the vocabulary: only the table needs YAML

    text = resources.files("sitewarden").joinpath("signals.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Signals])


def missing(choices: list[Choice], kinds: Collection[str]) -> list[Choice]:
    """Those of which none is there."""
    return [
        choice for choice in choices if not any(_fits(wanted, kind) for wanted in choice for kind in kinds)
    ]


def _fits(wanted: str, kind: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted
