"""The `7E7E` frames by which GOYO's tower-crane recorders speak to a platform (version 0x11). Pure.

`7E 7E | 11 | type | length, 2 bytes, low first | data | check | 7D 7D`. All of it is
known from one decoder in public code that bears the maker's copyright; no document of the maker was at hand.
How the check byte is made is not known, and that decoder does not look at it: header, length and tail are
all that tells a frame from noise.
"""

from collections.abc import Iterator
from datetime import datetime

from edge.drivers.speaking import NEVER, Heard
from edge.drivers.streams import Stream

HEADER, TAIL = b"\x7e\x7e\x11", b"\x7d\x7d"
HEARTBEAT, LIVE, PERSON, PAST = 0x00, 0x01, 0x02, 0x03
"""The types that say something here; parameters, run time and answers to commands are passed over."""
MOST_BYTES = 1024
_LENGTH, _AROUND = 4, 9
"""Where the length of the data stands, and how many bytes there are beside the data."""
_DATA, _NUMBER, _CARD, _TIME = 6, 6, 18, 6
"""Where data begin, and the sizes of a device's number, a driver's card and an instant."""
_NUMBER_FIELD = 8
"""Of which only six bytes are used."""
_HEARTBEAT_BYTES, _PERSON_BYTES, _LIVE_BYTES = 23, 35, 86
SYNC_S = 2.0
"""A clock that is off by more is set right with the next heartbeat; that decoder lets a minute pass."""


class GoyoTalk:
    """One connection of a recorder."""

    def __init__(self) -> None:
        """Nobody has named themselves yet."""
        self._stream = Stream(HEADER, _size, lambda frame: frame.endswith(TAIL), MOST_BYTES)
        self._identity = ""
        """Frames about persons carry no number: they belong to whoever spoke before on this connection."""

    @property
    def broken(self) -> int:
        """How often something came that was no frame."""
        return self._stream.broken

    def hear(self, data: bytes) -> Iterator[Heard]:
        """The frames that are whole now."""
        for frame in self._stream.feed(data):
            if (heard := self._heard(frame)) is not None:
                yield heard

    def _heard(self, frame: bytes) -> Heard | None:
        kind, size = frame[3], len(frame)
        if kind == PERSON and size == _PERSON_BYTES and self._identity:
            return Heard(self._identity, answer=lambda _: _person_known(frame))
        if kind == HEARTBEAT and size == _HEARTBEAT_BYTES:
            self._identity = _number(frame)
            at = _instant(frame, _DATA + _NUMBER_FIELD)
            return Heard(self._identity, answer=lambda now: _heartbeat_answer(at, now))
        if kind in {LIVE, PAST} and size >= _LIVE_BYTES:
            self._identity = _number(frame)
            at = _instant(frame, _DATA + _NUMBER_FIELD + _CARD)
            if kind == PAST:
                return Heard(self._identity, frame, at, is_past=True, answer=lambda _: _PAST_TAKEN)
            return Heard(self._identity, frame, at)
        if kind == PAST and self._identity:
            # Of a form that nobody has published: unanswered it would be sent for ever.
            return Heard(self._identity, answer=lambda _: _PAST_TAKEN)
        return None


def _size(buffer: bytearray, start: int) -> int | None:
    if len(buffer) < start + _DATA:
        return None
    size = int.from_bytes(buffer[start + _LENGTH : start + _DATA], "little") + _AROUND
    return size if size <= MOST_BYTES else 0


def _number(frame: bytes) -> str:
    """The device's own; whatever is no letter or digit in it is shown as such."""
    return frame[_DATA : _DATA + _NUMBER].rstrip(b"\0 ").decode("ascii", "backslashreplace")


def _instant(frame: bytes, place: int) -> datetime:
    """BCD yyMMddHHmmss in the device's zone; `NEVER` where it is none."""
    try:
        return datetime.strptime(frame[place : place + _TIME].hex(), "%y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return NEVER


def _frame(kind: int, data: bytes) -> bytes:
    """As that decoder answers: the check byte is 0."""
    return HEADER + bytes([kind]) + len(data).to_bytes(2, "little") + data + b"\0" + TAIL


_PAST_TAKEN = _frame(PAST, b"")


def _heartbeat_answer(at: datetime, now: datetime | None) -> bytes:
    """A clock that is right is left alone, and so is any while nobody here knows what is right."""
    if now is None:
        return _frame(HEARTBEAT, b"\0")
    if at is not NEVER and abs((now - at).total_seconds()) <= SYNC_S:
        return _frame(HEARTBEAT, b"\0")
    return _frame(HEARTBEAT, b"\x01" + bytes.fromhex(now.strftime("%y%m%d%H%M%S")))


def _person_known(frame: bytes) -> bytes:
    """The card as it came, and 1: whether somebody may drive is not for us to say, nor to forbid."""
    return _frame(PERSON, frame[_DATA : _DATA + 1 + _CARD] + b"\x01")
