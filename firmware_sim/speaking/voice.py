"""How a simulated device says its values; apart from the gateway's decoders, to be their witness. Pure."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from sitewarden.profiles.model import Point

Said = Mapping[str, float | None]
"""By point: the value that a message means, which rounding makes differ from the true one."""


class Utterance(NamedTuple):
    """One message, as it goes on the wire, and what it means."""

    text: bytes
    said: Said


class Voice(Protocol):
    """How one device speaks; `at` is its own clock, without a zone."""

    def say(self, values: Said, at: datetime) -> Iterator[Utterance]:
        """Its live data; `None` is 'no value'."""

    def greet(self, at: datetime) -> bytes:
        """What it says now and then to be known; nothing where its protocol has no such thing."""

    def is_clock_set(self, answer: bytes) -> bool:
        """Whether an answer of the gateway sets its clock."""

    def spoil(self, text: bytes) -> bytes:
        """A message whose checksum, or what stands for one, is wrong."""


def number_of(point: Point, value: float) -> float:
    """The number by which a point says its value, before it is rounded to what the protocol can write."""
    return (value - point.offset) / point.scale


def meant(point: Point, number: float) -> float | None:
    """The value that a number means; `None` where it cannot be told from 'no value'."""
    value = round(number * point.scale + point.offset, 9)
    return None if number in point.sentinels or not math.isfinite(value) else value
