"""What a case pack says."""

from typing import NamedTuple

import msgspec

from sitewarden.backtest.episodes import Episode
from sitewarden.history import History
from sitewarden.text import Text

VERSION = 2
"""Of the format; a reader refuses what it does not know."""
OLDEST = 1
"""Still read: its history's header has the configuration itself."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pack about itself."""

    v: int = OLDEST
    """Of the format; the first version left it out."""
    title: Text
    hazard: str = ""
    """The number of the hazard record that it was made from."""
    software: str
    """Version that made it."""
    files: dict[str, str] = {}
    """The SHA-256 of every other file in the pack, by its name, hexadecimal."""


class CasePack(NamedTuple):
    """A whole pack; the history's header has devices as they were configured, rules and what happened."""

    manifest: Manifest
    history: History
    expected: list[Episode]
    """What the rules give over the history, no more and no less."""
