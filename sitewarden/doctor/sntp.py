"""One question to a host's time server, if it has one: how far this clock is from that one."""

import socket
import struct
import time
from typing import NamedTuple

PORT = 123
PATIENCE_S = 1.0
_SINCE_1900_S = 2_208_988_800
_PACKET = struct.Struct("!BBbb11I")
"""RFC 4330: leap, version and mode in one byte, stratum, poll, precision, then words; two make an instant."""
_VERSION_4_CLIENT = 0b00_100_011
_SERVER = 4
_UNSYNCED_LEAP = 3
_UNSYNCED_STRATUM = 16


class Offset(NamedTuple):
    """How far that clock is ahead of this one, and how far that may be wrong."""

    seconds: float
    within_s: float


def ask(host: str, port: int = PORT) -> Offset | None:
    """The offset to the clock of `host`; `None` where nobody answers, or nobody there knows the time."""
    question = _PACKET.pack(_VERSION_4_CLIENT, *([0] * 14))
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as line:
            line.settimeout(PATIENCE_S)
            line.connect(address)  # only that host may answer
            asked_s, asked_mono = time.time(), time.monotonic()
            line.send(question)
            answer = line.recv(512)
            took_s = time.monotonic() - asked_mono
    except OSError:
        return None
    return understood(answer, asked_s, took_s)


def understood(answer: bytes, asked_s: float, took_s: float) -> Offset | None:
    """What an answer to a question of that instant (Unix seconds) comes to."""
    if len(answer) < _PACKET.size:
        return None
    head, stratum, *_, received, received_part, sent, sent_part = _PACKET.unpack_from(answer)
    if head & 0b111 != _SERVER or head >> 6 == _UNSYNCED_LEAP or not 0 < stratum < _UNSYNCED_STRATUM:
        return None
    there_s = (_instant(received, received_part) + _instant(sent, sent_part)) / 2
    return Offset(there_s - (asked_s + took_s / 2), took_s / 2)


def _instant(seconds: int, part: int) -> float:
    """Unix seconds; from 2036 on the count begins anew."""
    era = 0 if seconds >= 1 << 31 else 1 << 32
    return seconds + era - _SINCE_1900_S + part / (1 << 32)
