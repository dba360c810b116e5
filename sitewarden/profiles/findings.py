"""What checks of a device or its profile come to, one by one."""

from typing import Literal

import msgspec

from sitewarden.text import Text

Level = Literal["ok", "note", "finding"]
"""A note is worth knowing; a finding stands between the device and a site."""
CheckName = Literal[
    "signals",
    "units",
    "answers",
    "values",
    "rate",
    "line",
    "fault",
    "reconnect",
    "movement",
    "verified",
]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: CheckName
    level: Level
    says: Text


def check(name: CheckName, level: Level, zh: str, en: str) -> Check:
    """A check by its parts, in both languages."""
    return Check(name=name, level=level, says=Text(zh, en))
