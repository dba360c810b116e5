"""A station that sends HJ 212; its packets and their checksum are written out here once more."""

import math
from collections.abc import Iterator
from datetime import datetime
from functools import reduce

from firmware_sim.speaking.voice import Said, Utterance, meant, number_of
from sitewarden.profiles.model import Hj212Point, Hj212Profile

DECIMALS = 4
"""That a station writes."""
PASSWORD = "123456"  # noqa: S105  the one that stations leave the works with
_LINE_END = 2
_CHECK = 4


class Hj212Voice:
    """One station under its MN."""

    def __init__(self, profile: Hj212Profile, identity: str, password: str | None = None) -> None:
        """It says everything that its profile has."""
        self._profile, self._identity = profile, identity
        self._password = password or PASSWORD

    def say(self, values: Said, at: datetime) -> Iterator[Utterance]:
        """One packet with all factors; it wants to be answered."""
        factors: dict[str, list[str]] = {}
        said: dict[str, float | None] = {}
        for key, point in self._profile.points.items():
            written, flag, said[key] = _written(point, values[key])
            fields = factors.setdefault(point.factor, [])
            fields += [f"{point.factor}-{point.field}={written}", f"{point.factor}-Flag={flag}"]
        body = ";".join(",".join(fields) for fields in factors.values())
        hj212 = self._profile.hj212
        system, command = (hj212.systems or ("39",))[0], hj212.commands[0]
        stamp = f"{at:%Y%m%d%H%M%S}"
        head = f"QN={stamp}{at.microsecond // 1000:03d};ST={system};CN={command};PW={self._password}"
        data = f"{head};MN={self._identity};Flag=5;CP=&&DataTime={stamp};{body}&&"
        yield Utterance(packet(data), said)

    def greet(self, at: datetime) -> bytes:  # noqa: ARG002  # a station only sends data
        """Nothing."""
        return b""

    def is_clock_set(self, answer: bytes) -> bool:  # noqa: ARG002  # a gateway sets no station's clock
        """Never."""
        return False

    def spoil(self, text: bytes) -> bytes:
        """One digit of the checksum is another."""
        place = len(text) - _LINE_END - _CHECK
        return text[:place] + (b"1" if text[place : place + 1] == b"0" else b"0") + text[place + 1 :]


def packet(data: str) -> bytes:
    """Data in their frame."""
    text = data.encode("ascii")
    return f"##{len(text):04d}".encode() + text + f"{checksum(text):04X}\r\n".encode()


def checksum(text: bytes) -> int:
    """As the standard's annex has it, bit by bit."""

    def one(register: int, byte: int) -> int:
        register = (register >> 8) ^ byte
        for _ in range(8):
            is_odd, register = register & 1, register >> 1
            if is_odd:
                register ^= 0xA001
        return register

    return reduce(one, text, 0xFFFF)


def _written(point: Hj212Point, value: float | None) -> tuple[str, str, float | None]:
    """The number as a station writes it, its flag, and what both mean."""
    if value is None or not math.isfinite(value):
        return "0", "D", None
    number = round(number_of(point, value), DECIMALS)
    return f"{number:g}", "N", meant(point, float(f"{number:g}"))
