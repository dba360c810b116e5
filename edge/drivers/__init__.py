"""How the agent speaks to devices: a driver knows one protocol, the bus above it knows none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sitewarden.quality import Quality


class Request(NamedTuple):
    """One read: so many registers from an address, as the protocol counts them (from 0)."""

    function: int
    first: int
    length: int


class Answer(NamedTuple):
    """What a unit said, or why it did not."""

    registers: Sequence[int]
    """As many as asked for; empty where the quality is not good."""
    quality: Quality
    detail: str = ""
    """For the log."""
    is_refusal: bool = False
    """The unit answered that it has no such registers: asking for fewer may succeed."""
    is_silence: bool = False
    """The unit cost the bus its waiting time; asking again soon would cost it again."""
    asked_at: float = 0.0
    """When the request left, in seconds of the loop's clock."""
    answered_at: float = 0.0
    """When the answer was whole, or was given up."""
    is_replay: bool = False
    """What answers plays a history: nothing that it says is so now."""
    exception: int = 0
    """The code of the exception that it is, if it is one."""


@dataclass(slots=True)
class Traffic:
    """What a line has carried, counted since the start."""

    requests: int = 0
    timeouts: int = 0
    """Requests that got no answer in time."""
    late: int = 0
    """Sound answers that came to nobody: too late, of another unit, or to another question; dropped."""
    broken: int = 0
    """Frames with a wrong checksum or length, and noise; dropped."""
    exceptions: int = 0
    """Requests that a unit refused."""


class Link(Protocol):
    """One line to one or more units; used by one task, which never has two reads under way."""

    traffic: Traffic
    quiet_s: float
    """How long the line stays silent after an answer that did not come; `read` waits for that by itself."""

    async def run(self) -> None:
        """Keep the line open until cancelled."""

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        """Ask and wait for at most `timeout_s`; never raises for what a line or a unit can do wrong."""

    def quiet_left_s(self) -> float:
        """How much of a quiet time still runs; the next request waits for its end."""

    def wire_s(self, request: Request) -> float:
        """What request and answer take on the wire, in seconds; comes on top of a timeout."""

    def reopen(self) -> None:
        """Close the line so that it is opened anew: nothing that was on its way may arrive any more."""
