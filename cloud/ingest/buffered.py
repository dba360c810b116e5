"""An MQTT client that reads many messages at once, where paho asks the system three times for each.

What it takes for itself are whole PUBLISH packets of quality 0 and 1; everything else, and whatever has not
come in full, is paho's as ever. A worker's time for a message is a fifth less so (measured).
"""

import logging
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode

log = logging.getLogger(__name__)

_AT_ONCE = 65_536
_LONGEST_S = 0.1
"""So long messages are taken from what is there before anything is sent: acknowledgements, signs of life."""
_PUBLISH, _QOS_2, _MORE = 3, 2, 0x80


class Heard(NamedTuple):
    """A message as it came; `mid` is 0 of one of quality 0, which has none."""

    topic: bytes
    body: bytes
    mid: int
    is_retained: bool


class BufferedSocket:
    """As paho needs a socket; like one with TLS it says how much of what it has read nobody has taken."""

    def __init__(self, plain: socket.socket) -> None:
        """Around a socket, which is read here alone."""
        self._plain = plain
        self._held, self._taken = b"", 0

    def recv(self, size: int) -> bytes:
        """At most so many bytes; raises as the socket does where none are there."""
        if self._taken == len(self._held):
            self._held, self._taken = self._plain.recv(_AT_ONCE), 0
        found = self._held[self._taken : self._taken + size]
        self._taken += len(found)
        return found

    def pending(self) -> int:
        """How many bytes can be had without asking the system."""
        return len(self._held) - self._taken

    def message(self) -> Heard | None:
        """The next message, where it begins here and is here in full; else nothing is taken."""
        if self._taken == len(self._held):
            try:
                self._held, self._taken = self._plain.recv(_AT_ONCE), 0
            except OSError:
                return None  # nothing there just now; what else it may be, `recv` finds out again
        held, begin = self._held, self._taken
        if begin == len(held) or held[begin] >> 4 != _PUBLISH:
            return None
        found = _length(held, begin + 1)
        if found is None:
            return None
        at, end = found
        message = _message(held[begin], held[at:end]) if end <= len(held) else None
        if message is not None:
            self._taken = end
        return message

    def __getattr__(self, name: str) -> Any:
        """Everything else is the socket's."""
        return getattr(self._plain, name)


def _length(held: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet's rest begins and ends; nothing where its length is not here, or is none."""
    size = 0
    for place in range(min(4, len(held) - at)):
        byte = held[at + place]
        size |= (byte & ~_MORE) << 7 * place
        if not byte & _MORE:
            return at + place + 1, at + place + 1 + size
    return None


def _message(flags: int, rest: bytes) -> Heard | None:
    qos = flags >> 1 & 3
    at = 2 + int.from_bytes(rest[:2], "big")
    if qos >= _QOS_2 or at + 2 * qos > len(rest):
        return None
    mid = int.from_bytes(rest[at : at + 2], "big") if qos else 0
    return Heard(rest[2:at], rest[at + 2 * qos :], mid, bool(flags & 1))


class BufferedClient(paho.Client):
    """The same client over such a socket."""

    hear: Callable[[Heard], None]
    """Called on the network thread with each message, unless paho has taken it to `on_message`."""

    def _create_socket(self) -> Any:
        # Not the documented way of making one; there is none.
        return BufferedSocket(super()._create_socket())  # type: ignore[arg-type]  # no web socket here

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take what is there, however many messages that are; the network thread's own."""
        until_s = time.monotonic() + _LONGEST_S
        while True:
            code = MQTTErrorCode.MQTT_ERR_SUCCESS
            if not self._take(until_s):
                code = super().loop_read(max_packets)
            held = self._sock
            if code or not isinstance(held, BufferedSocket) or not held.pending():
                return code
            if time.monotonic() >= until_s:
                return code

    def _take(self, until_s: float) -> bool:
        """Whether there was any message to be taken."""
        held, n = self._sock, 0
        # Not in the midst of a packet that paho has begun.
        if isinstance(held, BufferedSocket) and not self._in_packet["command"]:
            while time.monotonic() < until_s and (heard := held.message()) is not None:
                n += 1
                try:
                    self.hear(heard)
                except Exception:
                    # As paho does it: an error here would end its thread without a word.
                    log.exception("a message could not be taken")
            if n:
                with self._msgtime_mutex:
                    self._last_bytes_received = paho.time_func()
        return bool(n)
