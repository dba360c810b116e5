"""How fast and how much is told, as `bounds.yaml` says. Pure, but for reading that file once."""

import datetime as dt
from functools import cache
from importlib import resources

import msgspec

from sitewarden import documents


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file."""


class Pace(_Part, frozen=True, kw_only=True):
    """Notices a minute by one channel."""

    a_minute: int
    at_most: int | None = None
    """With those that are never folded; None: of these as many as there are."""

    def takes(self, sent: int, *, grave: bool) -> bool:
        """Whether another may go in a minute in which so many went."""
        bound = self.at_most if grave else self.a_minute
        return bound is None or sent < bound


class Folding(_Part, frozen=True, kw_only=True):
    """When alarms of one device are told together."""

    never_from_level: int
    group_s: dict[int, int]
    singly: int
    window_s: int


class Inhibition(_Part, frozen=True, kw_only=True):
    """What the silence of a gateway makes needless to tell."""

    rules: list[str]


class Silence(_Part, frozen=True, kw_only=True):
    """When a gateway is silent, and when it is back."""

    after_s: int
    said_s: int
    listening_s: int
    back_s: int
    forgotten_s: int
    level: int


class Undelivered(_Part, frozen=True, kw_only=True):
    """When a notice that reached nobody is shown on the pages."""

    level: int
    after_s: int
    window_s: int


class EnclosedFile(_Part, frozen=True, kw_only=True):
    """How large a file goes by mail, and how long that may take."""

    most_bytes: int
    patience_s: float


class Bounds(_Part, frozen=True, kw_only=True):
    """All of them."""

    source: str
    pace: dict[str, Pace]
    folding: Folding
    inhibition: Inhibition
    silence: Silence
    enclosed: EnclosedFile
    undelivered: Undelivered


def seconds(n: int) -> dt.timedelta:
    """So many."""
    return dt.timedelta(seconds=n)


@cache
def bounds() -> Bounds:
    """What `bounds.yaml` says."""
    with resources.as_file(resources.files("cloud.notices") / "bounds.yaml") as file:
        return documents.load(file, Bounds)
