"""An alarm from its raise to its clear, as a back-test sees it: judged anew, or recorded when it happened."""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from sitewarden.text import Text

FOREVER_MS = 1 << 62
"""Later than every instant: the end of an episode that still stands."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm. Instants are UTC milliseconds, values in the unit of the point's kind."""

    point: str
    kind: str
    rule: str
    rule_version: int
    family: str
    level: int
    label: Text
    limit: float | None
    """`None` where the rule has no number to compare with, as for a point that went stale."""
    raised_at: int
    cleared_at: int | None = None
    """`None` while it stands."""
    peak: float | None = None
    """The worst value; `None` where there was none to be had."""
    judged: Literal["real", "false"] | None = None
    """What people said of its hazard; `None` where nobody has."""

    @property
    def device(self) -> str:
        """The device that the point belongs to."""
        return self.point.partition("/")[0]

    @property
    def ends_at(self) -> int:
        """The clear, or later than everything."""
        return FOREVER_MS if self.cleared_at is None else self.cleared_at


class Turn(Protocol):
    """What `episodes_of` needs of a transition."""

    @property
    def change(self) -> str:
        """`raised` or `cleared`."""

    @property
    def at_ms(self) -> int:
        """When."""

    @property
    def peak(self) -> float | None:
        """The worst value so far."""


def episodes_of(opening: Episode, turns: Iterable[Turn]) -> list[Episode]:
    """Transitions of one rule on one point, in order of time; `opening` lends what their episodes share."""
    found: list[Episode] = []
    for turn in turns:
        if turn.change == "raised":
            found.append(msgspec.structs.replace(opening, raised_at=turn.at_ms, peak=turn.peak))
        elif turn.change == "cleared" and found:
            found[-1] = msgspec.structs.replace(found[-1], cleared_at=turn.at_ms, peak=turn.peak)
    return found


def in_order(episodes: Iterable[Episode]) -> list[Episode]:
    """By the instant of the raise; at one instant by point and rule, so that an order is always the same."""
    return sorted(episodes, key=lambda e: (e.raised_at, e.point, e.rule, e.ends_at))
