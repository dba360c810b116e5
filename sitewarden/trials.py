"""A trial of a device over the wire: what the cloud asks of a gateway, and what the gateway tells of it."""

from typing import Annotated, Literal

import msgspec

from sitewarden.messages import VERSION, Name, RequestId, Who
from sitewarden.profiles.conformance import Report
from sitewarden.text import Text

LONGEST_S = 120
"""Of a conformance run."""
LONGEST_PROFILE = 65_536
"""Characters of a profile."""
BEGINS_WITHIN_S = 60
"""So long after it was asked for a trial may begin; later nobody waits for it any more."""
TAKES_S = 180
"""So long after it began a trial has ended, whatever the bus had time for."""
LONGEST_RAW = 2000
"""Characters of a message as it came."""

TrialKind = Literal["read", "conformance"]
"""One round through all points, or rounds for some time and what the device does about what it lacks."""
TrialState = Literal["running", "done", "refused", "failed"]


class TrialAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device to be tried, which need not be in any configuration."""

    v: int = msgspec.field(default=VERSION)
    request: RequestId
    expires: int
    """UTC milliseconds, after which it must not begin."""
    kind: TrialKind = "read"
    bus: Name
    """One that the gateway reads already."""
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] | None = None
    """Of a bus that is polled."""
    identity: Who = ""
    """Of a bus on which devices speak by themselves: by what this one names itself there."""
    profile: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_PROFILE)]
    """The text of the file."""
    seconds: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_S)] = 0
    """Of a conformance run: so long it reads."""


class ValueSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of a point."""

    point: str
    value: float | None
    """In `unit`; `None` where the quality is not good."""
    unit: str
    quality: str


class FrameSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message of a device that speaks by itself, raw and decoded side by side."""

    at: int
    """When it came."""
    raw: str
    """As text where it is some, else its bytes; cut where it is long, and without a password."""
    values: list[ValueSeen] = []
    detail: str = ""
    """Why the profile does not understand it."""


class TrialTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a trial stands. Told anew where the same request comes again."""

    v: int = msgspec.field(default=VERSION)
    request: RequestId
    at: int
    state: TrialState
    why: Text | None = None
    """Of one that was refused or failed."""
    report: Report | None = None
    """Of one that is done, of a device that is asked."""
    heard: list[FrameSeen] = []
    """Of one that is done, of a device that speaks by itself: what it said lately, the newest last."""
