"""A profile's text looked at as an upload: what is wrong, what it lacks, what changed. Pure, not quick."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from sitewarden.errors import ConfigurationError
from sitewarden.profiles import AnyProfile, is_about_writing, understood
from sitewarden.profiles.findings import Check
from sitewarden.profiles.paper import on_paper

MOST_LETTERS = 65_536
"""The longest shipped profile has a fifth of it."""
MOST_COMPLAINTS = 50


class Looked(NamedTuple):
    """What a text came to."""

    profile: AnyProfile | None
    """`None` where it is not even a profile."""
    complaints: Sequence[ConfigurationError]
    checks: Sequence[Check]
    """What a sound profile lacks."""

    @property
    def wants_to_write(self) -> bool:
        """Whether it asks for what is never done to a device."""
        return any(is_about_writing(error) for error in self.complaints)


def looked_at(text: str) -> Looked:
    """Check a text as `sitewarden profiles check` would; takes up to a second for the longest one."""
    profile, complaints = understood(text, "profile.yaml")
    checks = list(on_paper(profile)) if profile is not None and not complaints else []
    return Looked(profile, complaints[:MOST_COMPLAINTS], checks)


def difference(before: str, after: str, names: tuple[str, str]) -> list[str]:
    """What became of a text, line by line, with three lines around each change."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return list(lines)
