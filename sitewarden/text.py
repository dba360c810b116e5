"""A text that people read, in both languages."""

import msgspec


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Chinese and English of the same words; both are always there."""

    zh: str
    en: str
