"""Texts that people read, and texts that people wrote."""

import msgspec


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Chinese and English of the same words; both are always there."""

    zh: str
    en: str


def printable(text: str) -> str:
    """What comes from outside goes into records and heartbeats, none of which may be refused for it."""
    return "".join(filter(str.isprintable, " ".join(text.split())))
