"""Characters that look like YAML's own and are none: an input method types them, a web page brings them."""

import re
from collections.abc import Iterator

_MEANT = {
    "：": ":",
    "，": ",",
    "｛": "{",
    "｝": "}",
    "［": "[",
    "］": "]",
    "【": "[",
    "】": "]",
    "＃": "#",
    "－": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "＂": '"',
    "＇": "'",
} | {chr(ord("０") + digit): str(digit) for digit in range(10)}
_SPACES = {"\t": "a tab", "\u00a0": "a no-break space", "\u3000": "a Chinese (full-width) space"}
_INDENT = re.compile(r"^[ \-]*(?P<odd>[\t\u00a0\u3000])")
_KEY = re.compile(r"^[\s\-]*[\"“‘']?[A-Za-z0-9_.\-]+[\"”’']?\s*(?P<odd>：)")
"""Keys are ASCII: behind a Chinese word such a colon is at home."""
_INSIDE = re.compile(f"[{re.escape(''.join(_MEANT))}]")
_LINES_BEFORE = 3
"""A line that is no key is read on to the next, and YAML complains there."""


def in_text(text: str, line: int) -> tuple[int, str] | None:
    """The slip behind a complaint about `line` (from 1): its own line and the mend, or None."""
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    if found := _INDENT.match(here) or _KEY.match(here) or _INSIDE.search(_bare(here)):
        return line, _mend(found["odd"] if "odd" in found.groupdict() else found[0])
    for number, before in _before(lines, line):
        if found := _INDENT.match(before) or _KEY.match(before):
            return number, _mend(found["odd"])
    return None


def at_begin(key: str) -> str:
    """The mend of a key whose indentation was taken for a part of it; empty where it was not."""
    return _mend(key[0]) if key and key[0] in _SPACES else ""


def in_word(word: str, *, is_ascii: bool = False) -> str:
    """The mend of a key or value that holds such a character; empty where it holds none.

    With `is_ascii` only where the rest of it is ASCII: among Chinese words such a character is at home.
    """
    found = _INSIDE.search(word)
    if found is None or (is_ascii and not _INSIDE.sub("", word).isascii()):
        return ""
    return _mend(found[0])


def _before(lines: list[str], line: int) -> Iterator[tuple[int, str]]:
    """The lines that say something before `line`, nearest first."""
    told = [number for number in range(1, min(line, len(lines) + 1)) if lines[number - 1].strip()]
    return ((number, lines[number - 1]) for number in reversed(told[-_LINES_BEFORE:]))


def _bare(line: str) -> str:
    """Without what stands in quotes or behind a `#`: there any character may be meant."""
    return re.sub(r"\"[^\"]*\"|'[^']*'|(?:^|\s)#.*", " ", line)


def _mend(odd: str) -> str:
    if odd in _SPACES:
        return f"Write spaces here: this is {_SPACES[odd]}."
    after = " and a space" if odd in "：，" else ""
    return f"Write `{_MEANT[odd]}`{after} in place of `{odd}`."
