"""What a case pack says."""

from typing import NamedTuple

import msgspec

from sitewarden.backtest.episodes import Episode
from sitewarden.history import History
from sitewarden.text import Text

VERSION = 1
"""Of the format; a reader refuses what it does not know."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pack about itself."""

    v: int = msgspec.field(default=VERSION)
    title: Text
    hazard: str = ""
    """The number of the hazard record that it was made from."""
    software: str
    """Version that made it."""
    files: dict[str, str] = {}
    """The SHA-256 of every other file in the pack, by its name, hexadecimal."""


class CasePack(NamedTuple):
    """A whole pack; the history's header has devices, parameters, rules and the alarms that happened."""

    manifest: Manifest
    history: History
    expected: list[Episode]
    """What the rules give over the history, no more and no less."""
