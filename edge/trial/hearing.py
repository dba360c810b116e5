"""A trial of a device that speaks by itself: what it has said lately, raw and decoded side by side."""

from collections.abc import Sequence
from typing import Any

import msgspec

from edge.drivers.decoding import decoder_of
from edge.drivers.hj212 import Packet
from edge.drivers.speaking import Decode, NotUnderstoodError
from sitewarden.profiles.model import SpeakingProfile
from sitewarden.trials import LONGEST_RAW, FrameSeen, ValueSeen

_SECRET = "PW"  # noqa: S105  the name of the field
_MASK = "***"


def frames_of(profile: SpeakingProfile, said: Sequence[tuple[int, Any]]) -> list[FrameSeen]:
    """Each message as it came and as the profile reads it; `said` are its instant and body."""
    decode = decoder_of(profile)
    return [_frame(profile, decode, body, at_ms) for at_ms, body in said]


def _frame(profile: SpeakingProfile, decode: Decode, body: Any, at_ms: int) -> FrameSeen:
    try:
        told = decode(body)
    except NotUnderstoodError as exc:
        return FrameSeen(at=at_ms, raw=raw_of(body), detail=str(exc)[:200])
    values = [
        ValueSeen(point=key, value=value, unit=profile.points[key].unit, quality=quality.word)
        for key, value, quality in told.values
    ]
    return FrameSeen(at=at_ms, raw=raw_of(body), values=values)


def raw_of(body: Any) -> str:
    """A message for people: as text where it is some, else its bytes; never a password."""
    if isinstance(body, Packet):
        head = {name: _MASK if name == _SECRET else said for name, said in body.head.items()}
        body = msgspec.json.encode({"head": head, "DataTime": body.at, "factors": body.factors})
    octets = body if isinstance(body, bytes) else str(body).encode()
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = ""
    is_text = "".join(text.split()).isprintable() and bool(text)
    return (text if is_text else octets.hex(" ").upper())[:LONGEST_RAW]
