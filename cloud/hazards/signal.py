"""The signal of a record: the danger stands, is over, or nobody can tell because nothing watches it. Pure.

What is unknown is never taken for over: whoever unplugs a sensor closes no record.
"""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple


class Signalled(NamedTuple):
    """How a danger is signalled, and since when."""

    signal: str
    since: dt.datetime | None


class Over(NamedTuple):
    """An alarm that is over."""

    at: dt.datetime | None
    """`None`: by a clock that nobody had set."""
    is_judged: bool
    """It was seen to be over; not so where its rule or its point was taken away."""


def by_alarms(
    before: Signalled, over: Sequence[Over], *, stands: bool, raised_at: dt.datetime, now: dt.datetime
) -> Signalled:
    """The signal by a record's alarms: whether one stands, and which are over since they were last heard.

    What nobody watches stays unknown when its alarm is cleared: readings bring it back (`look`).
    """
    if stands:
        return before if before.signal == "active" else Signalled("active", min(raised_at, now))
    if not over or before.signal == "unknown":
        return before
    if not all(one.is_judged for one in over):
        return Signalled("unknown", now)
    known = [one.at for one in over if one.at is not None]
    if before.signal == "cleared":
        return Signalled("cleared", max([*known, *([before.since] if before.since else [])], default=now))
    # By a clock that nobody had set it is over only since that was heard.
    return Signalled("cleared", max(known) if len(known) == len(over) else now)
