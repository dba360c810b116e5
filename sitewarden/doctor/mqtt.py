"""As much of MQTT 5 as asking a broker takes: log in, publish, listen, and hear the reason of a refusal.

The programs speak MQTT 3.1.1, in which a broker refuses a publish without a word. This one asks, and sends
nothing that anybody acts on. One connection, one question at a time, every wait bounded.
"""

import secrets
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple, Self

from sitewarden.errors import SiteWardenError

PATIENCE_S = 5.0
"""So long an answer is waited for."""
MOST_BYTES = 1024 * 1024
"""Of one packet; what is longer is nothing that we asked for."""
NOT_AUTHORIZED = 0x87
REFUSED = 0x80
"""From this reason on something was refused."""

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
_PINGREQ, _PINGRESP, _DISCONNECT = 0xC0, 0xD0, 0xE0
_QOS_1 = 0x02
_CLEAN_START, _HAS_USER, _HAS_PASSWORD = 0x02, 0x80, 0x40
_KEEP_ALIVE_S = 60
_PROTOCOL_5 = 5
_OLD_PROTOCOL = (0x01, 0x84)
"""By which a broker that knows no MQTT 5 turns it down."""


class BrokerSilentError(SiteWardenError):
    """The broker does not answer, or ended the connection."""

    def __init__(self, detail: str, reason: int | None = None) -> None:
        """`reason` is the broker's, where it gave one at the end."""
        self.reason = reason
        super().__init__(detail)


class LoginRefusedError(SiteWardenError):
    """The broker does not let this name in."""

    def __init__(self, reason: int) -> None:
        """`reason` is the code of its answer."""
        self.reason = reason
        super().__init__(f"reason {reason}")

    @property
    def is_too_old(self) -> bool:
        """Whether it is only that the broker knows no MQTT 5."""
        return self.reason in _OLD_PROTOCOL


class Heard(NamedTuple):
    """A message from the broker."""

    topic: str
    payload: bytes


class _Packet(NamedTuple):
    head: int
    body: bytes

    @property
    def kind(self) -> int:
        return self.head & 0xF0


class Session:
    """One connection under a name of its own, so that no program's is taken over."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Connects; raises `OSError`, of which `ssl.SSLError` is one."""
        self._link: socket.socket = socket.create_connection((host, port), timeout=PATIENCE_S)
        self._unread = b""
        self._heard: list[Heard] = []
        self._number = 0
        if tls is not None:
            try:
                self._link = tls.wrap_socket(self._link, server_hostname=host)
            except OSError:
                self._link.close()
                raise

    def __enter__(self) -> Self:
        """Closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._link.sendall(_packet(_DISCONNECT, b""))
        except OSError:
            pass  # it is gone already, which is what was wanted
        finally:
            self._link.close()

    def certificate_ends_s(self) -> float | None:
        """Until when the broker's certificate holds, Unix seconds; `None` without TLS."""
        if not isinstance(self._link, ssl.SSLSocket):
            return None
        certificate = self._link.getpeercert() or {}
        return float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))

    def log_in(self, username: str | None, password: str | None) -> None:
        """Raises `LoginRefusedError`, `BrokerSilentError`."""
        flags, payload = _CLEAN_START, _text(f"sitewarden-doctor-{secrets.token_hex(6)}")
        if username is not None:
            flags, payload = flags | _HAS_USER, payload + _text(username)
        if password is not None:
            flags, payload = flags | _HAS_PASSWORD, payload + _text(password)
        head = _text("MQTT") + struct.pack("!BBHB", _PROTOCOL_5, flags, _KEEP_ALIVE_S, 0)
        self._send(_CONNECT, head + payload)
        answer = self._await(_CONNACK)
        if len(answer.body) > 1 and answer.body[1]:
            raise LoginRefusedError(answer.body[1])

    def publish(self, topic: str, payload: bytes) -> int:
        """The broker's reason, below `REFUSED` where it took the message; nothing is retained."""
        number = self._next_number()
        # An empty list of properties stands between the number and the payload.
        self._send(_PUBLISH | _QOS_1, _text(topic) + struct.pack("!HB", number, 0) + payload)
        body = self._await(_PUBACK).body
        return body[2] if len(body) > struct.calcsize("!H") else 0

    def subscribe(self, topic_filter: str) -> int:
        """The broker's reason, below `REFUSED` where it says that it will send what matches."""
        number = self._next_number()
        self._send(_SUBSCRIBE, struct.pack("!HB", number, 0) + _text(topic_filter) + b"\0")
        return self._await(_SUBACK).body[-1]

    def listen(self, seconds: float) -> Iterator[Heard]:
        """What comes meanwhile, and what has come before; ends at once where the broker hangs up."""
        until = time.monotonic() + seconds
        while True:
            yield from self._heard
            self._heard.clear()
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            try:
                self._note(self._receive(left_s))
            except BrokerSilentError:
                return

    def fence(self) -> None:
        """Return when the broker has answered everything that was sent before."""
        self._send(_PINGREQ, b"")
        self._await(_PINGRESP)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _send(self, head: int, body: bytes) -> None:
        try:
            self._link.sendall(_packet(head, body))
        except OSError as exc:
            raise BrokerSilentError(exc.strerror or str(exc)) from exc

    def _await(self, kind: int) -> _Packet:
        """The next packet of that kind; messages on the way are kept."""
        until = time.monotonic() + PATIENCE_S
        while True:
            packet = self._receive(until - time.monotonic())
            if packet.kind == kind:
                return packet
            self._note(packet)

    def _note(self, packet: _Packet) -> None:
        if packet.kind == _DISCONNECT:
            reason = packet.body[0] if packet.body else 0
            raise BrokerSilentError(f"the broker hung up, reason {reason}", reason)
        if packet.kind == _PUBLISH:
            self._heard.append(_message(packet))

    def _receive(self, within_s: float) -> _Packet:
        until = time.monotonic() + within_s
        while (found := _first(self._unread)) is None:
            if len(self._unread) > MOST_BYTES:
                raise BrokerSilentError("the broker answers with something else than MQTT")
            self._link.settimeout(max(0.001, until - time.monotonic()))
            try:
                received = self._link.recv(65536)
            except OSError as exc:
                raise BrokerSilentError(exc.strerror or str(exc)) from exc
            if not received:
                raise BrokerSilentError("the broker closed the connection")
            self._unread += received
            if time.monotonic() > until and _first(self._unread) is None:
                raise BrokerSilentError("the broker took too long")
        packet, self._unread = found
        return packet


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _packet(head: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([head]) + bytes(digits) + body


def _first(received: bytes) -> tuple[_Packet, bytes] | None:
    """The first packet and the rest; `None` as long as it is not whole."""
    found = _number(received, 1)
    if found is None or len(received) < found[1] + found[0]:
        return None
    length, start = found
    return _Packet(received[0], received[start : start + length]), received[start + length :]


def _number(received: bytes, start: int) -> tuple[int, int] | None:
    """A number of variable length, and where it ends; raises `BrokerSilentError` where it never would."""
    value = 0
    for i in range(4):
        if start + i >= len(received):
            return None
        digit = received[start + i]
        value |= (digit & 0x7F) << (7 * i)
        if not digit & 0x80:
            return value, start + i + 1
    raise BrokerSilentError("the broker answers with something else than MQTT")


def _message(packet: _Packet) -> Heard:
    (length,) = struct.unpack_from("!H", packet.body)
    end = 2 + length
    topic = packet.body[2:end].decode(errors="replace")
    start = end + (2 if packet.head & 0x06 else 0)
    properties = _number(packet.body, start)
    skip, start = properties or (0, start)
    return Heard(topic, packet.body[start + skip :])
