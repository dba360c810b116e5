"""One-time codes as people read them out and type them. Pure but for the dice."""

import secrets
from typing import NamedTuple

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 and O, 1, I and L, U: letters that are taken for others, also over a telephone."""
GROUP, GROUPS = 4, 3
_LENGTH = GROUP * GROUPS


class Code(NamedTuple):
    """A code taken apart: one part finds the gateway, the other must be known."""

    locator: str
    """Four letters, not secret."""
    secret: str
    """Eight letters, 39 bits."""

    def __str__(self) -> str:
        """As it is shown: three groups of four."""
        letters = self.locator + self.secret
        return "-".join(letters[i : i + GROUP] for i in range(0, _LENGTH, GROUP))


def new_code() -> Code:
    """A random code."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return Code(letters[:GROUP], letters[GROUP:])


def read_code(text: str) -> Code | None:
    """The code that somebody typed, with or without dashes, in small letters or large; `None`: it is none."""
    letters = "".join(letter for letter in text.upper() if letter not in " -–—\t")
    if len(letters) != _LENGTH or not set(letters) <= set(ALPHABET):
        return None
    return Code(letters[:GROUP], letters[GROUP:])
