"""What must not go out to the public: persons, how to reach them, where exactly, which machine. Pure.

Patterns find what looks like it; names and numbers that the records know are looked for as they are. What
neither finds, only whoever prepares it and whoever approves it can see.
"""

import re
import unicodedata
from collections.abc import Iterable

_PATTERNS = (
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    # Degrees with four decimals or more tell a place within 11 m; or degrees and minutes.
    re.compile(r"(?<![\d.])-?\d{1,3}\.\d{4,}"),
    re.compile(r"\d{1,3}\s*[°º度]\s*\d{1,2}(?:\.\d+)?\s*['′分]"),
    # Identity cards, telephones, anything of that length, however it is spaced. Years and dates are shorter.
    re.compile(r"(?<![\d-])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"),
    re.compile(r"(?<!\d)[48]00[- ]\d{3}[- ]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)\d{7,18}[Xx]?(?!\d)"),
)
_SHORTEST = 2
"""Of a name or number that is looked for: one sign stands in every text."""


def betrayals(text: str, known: Iterable[str]) -> list[str]:
    """Everything in it that must not go out, in the order of the text; `known`: names, numbers of devices."""
    plain = folded(text)
    found = {(hit.start(), hit.group()) for pattern in _PATTERNS for hit in pattern.finditer(plain)}
    for one in {folded(one) for one in known}:
        if len(one) >= _SHORTEST and (at := plain.casefold().find(one.casefold())) >= 0:
            found.add((at, one))
    return list(dict.fromkeys(said for _, said in sorted(found)))


def folded(text: str) -> str:
    """Wide digits as plain ones, without what has no width: both would hide a number."""
    folded_text = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in folded_text if unicodedata.category(sign) != "Cf").strip()
