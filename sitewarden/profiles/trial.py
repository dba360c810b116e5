"""What was seen of a device while it was tried: raw words, times, refusals. No judgement yet."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from sitewarden.quality import Quality

Stranger = Literal["refused", "answered", "silent"]
"""What a device does about a register that its profile does not know."""


class Look(msgspec.Struct, frozen=True):
    """One reading of one point."""

    registers: tuple[int, ...]
    """Its own one or two, or its bit; empty where there was no answer."""
    quality: Quality
    """Of the answer; what its numbers mean is judged later."""
    detail: str = ""
    exception: int = 0
    """The code by which the device refused, if it did."""


class GroupTime(msgspec.Struct, frozen=True):
    """What one reading of a poll group took."""

    requests: int
    took_s: float


class OtherWay(msgspec.Struct, frozen=True):
    """Points that gave nothing, asked for in another way: counted from 1 or 0, or from another table."""

    key: str
    """Of the profile: `base` or `function`."""
    value: int
    looks: dict[str, Look]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the line carried."""

    requests: int
    timeouts: int
    late: int
    """Answers that came to nobody: too late, or of somebody else."""
    broken: int
    """Frames with a wrong checksum or length, and noise."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; seconds throughout."""

    looks: Mapping[str, Sequence[Look]]
    """By point, one a round, the newest last."""
    times: Mapping[str, Sequence[GroupTime]]
    """By poll group, one a round."""
    counts: Counts
    """Of the rounds alone."""
    stranger: Stranger | None = None
    """`None`: it was not asked."""
    stranger_address: Annotated[int, msgspec.Meta(ge=0)] = 0
    is_well_after: bool = True
    """After that it answers as before."""
    back_after_s: float | None = None
    """From the end of the line to the first good answer over a new one; `None`: it did not come back."""
    was_reconnected: bool = True
    """Whether that was tried."""
    other_ways: Sequence[OtherWay] = ()
