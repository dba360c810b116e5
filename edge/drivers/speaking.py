"""Devices that speak by themselves: what a protocol has to do, and what its numbers come to. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from edge.drivers import Traffic
from sitewarden.profiles.model import Point
from sitewarden.quality import Quality

_DUST_DECIMALS = 9
"""Binary dust (0.30000000000000004) must not decide whether a limit is reached."""
_LARGEST = 3.4028234663852886e38
"""Of a 32-bit register: what text may say beyond it no sensor measures, and sums of such numbers overflow."""
NEVER = datetime.min  # noqa: DTZ901  a device's own time has no zone
"""In place of an instant that cannot be read: it is believed by nobody."""

Value = tuple[str, float | None, Quality]
"""Key, value and quality of a point; the value is `None` wherever the quality is not good."""


class NotUnderstoodError(Exception):
    """A message that is whole and sound, and not what the profile describes; the text says why."""


class Told(NamedTuple):
    """What a message says of its device."""

    values: Sequence[Value]
    """Of the points that it has; of the others it says nothing."""
    at: datetime | None = None
    """The device's own instant: with a zone, or without one as its clock shows it."""
    number: str | None = None
    """By which the device numbers its messages, where it does: what comes twice is taken once."""


Decode = Callable[[Any], Told]
"""From the body of a message to what it says; raises `NotUnderstoodError`."""


class Heard(NamedTuple):
    """One message on a connection, whole and sound."""

    identity: str
    """By what the device names itself."""
    body: Any = None
    """For the profile's decoder; `None` where the message says nothing of any point."""
    at: datetime | None = None
    """The device's own instant, where the protocol and not the profile says where it stands."""
    is_past: bool = False
    """The device itself says that this is of the past: it is recorded and never judged."""
    refusal: str = ""
    """Why it is taken for nobody's, whoever it says that it is: a wrong password."""
    answer: Callable[[datetime | None], bytes] | None = None
    """What the device wants to hear, given the time now in its own zone, or `None` while the gateway's own
    clock is not set; only one that is known hears it."""


class Outcome(NamedTuple):
    """What became of a message."""

    is_known: bool
    """Whether it came from a device of this gateway."""
    is_understood: bool = True
    answer: bytes = b""
    """To be sent back; nothing where the device wants none."""


class Hearing(Protocol):
    """Who takes what comes in, in the agent's loop; waits for nothing and raises nothing."""

    traffic: Traffic

    def hear(self, heard: Heard) -> Outcome:
        """A message has come, now."""

    def refuse(self, who: str, why: str) -> None:
        """Somebody is not listened to: count it, and say so now and then."""

    def came(self, identity: str) -> None:
        """Somebody who names itself so is connected; once more for each connection."""

    def went(self, identity: str) -> None:
        """One of these connections is over."""


class Talk(Protocol):
    """What is said on one connection; knows no socket and no clock.

    Whatever comes in, it keeps no more than one message's length of it, raises nothing, and understands the
    next sound message.
    """

    @property
    def broken(self) -> int:
        """How often something came that was no message: a wrong checksum or length, noise."""

    def hear(self, data: bytes) -> Iterable[Heard]:
        """The messages that are whole now, in order."""


TalkMaker = Callable[[], Talk]
"""Makes one for each connection: what an entry point of `sitewarden.drivers` names."""


def scaled(point: Point, number: float) -> tuple[float | None, Quality]:
    """A number as the device says it, in the unit of the point's kind, or why it is none."""
    value = round(number * point.scale + point.offset, _DUST_DECIMALS) if math.isfinite(number) else number
    if not math.isfinite(value):
        return None, Quality.NOT_A_NUMBER
    low, high = point.range or (-_LARGEST, _LARGEST)
    if not max(low, -_LARGEST) <= value <= min(high, _LARGEST):
        return None, Quality.OUT_OF_RANGE
    return value, Quality.GOOD
