"""HJ 212-2017, by which environmental stations send data: packets, their checksum, their answers. Pure.

`##` | length of the data, 4 digits | data | CRC, 4 hex digits | CR LF. The CRC is not that of Modbus: each
byte meets the register's upper half shifted down.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from edge.drivers.speaking import Decode, Heard, NotUnderstoodError, Told, Value, scaled
from edge.drivers.streams import Stream
from sitewarden.profiles.model import FLAGS, Hj212Point, Hj212Profile
from sitewarden.quality import Quality

HEADER, END = b"##", b"\r\n"
MOST_DATA = 4096
"""Bytes of data; the standard allows 1024, and stations with many factors send more."""
MOST_FACTORS = 200
_LENGTH_DIGITS, _CRC_DIGITS = 4, 4
_DATA = len(HEADER) + _LENGTH_DIGITS
_AROUND = _DATA + _CRC_DIGITS + len(END)
_WANTS_ANSWER = 1
_SYSTEM, _TAKEN, _VERSION_2017 = "91", "9014", 4
_POLYNOMIAL = 0xA001
_FORM = re.compile(r"(?P<head>[^&]*)CP=&&(?P<body>[^&]*)&&", re.ASCII)


class Packet(NamedTuple):
    """A packet, taken apart."""

    head: Mapping[str, str]
    """QN, ST, CN, PW, MN, Flag and what else stands before the data."""
    at: str
    """DataTime, as it is written."""
    factors: Mapping[str, Mapping[str, str]]
    """By code of the factor: its fields, such as Rtd and Flag."""

    @property
    def wants_answer(self) -> bool:
        """Whether the station asks for one."""
        flag = self.head.get("Flag", "")
        return flag.isascii() and flag.isdigit() and bool(int(flag) & _WANTS_ANSWER)


class Hj212Talk:
    """One connection of a station, or of a logger that speaks for several."""

    def __init__(self, password: str | None = None) -> None:
        """Packets whose PW is not `password` are taken for nobody's; `None` takes any."""
        self._stream = Stream(HEADER, _size, is_sound, MOST_DATA + _AROUND)
        self._password = password
        self._unlike = 0

    @property
    def broken(self) -> int:
        """How often something came that was no packet."""
        return self._stream.broken + self._unlike

    def hear(self, data: bytes) -> Iterator[Heard]:
        """The packets that are whole now."""
        for frame in self._stream.feed(data):
            try:
                packet = parsed(frame[_DATA : -_CRC_DIGITS - len(END)])
            except NotUnderstoodError:
                self._unlike += 1
                continue
            yield self._heard(packet)

    def _heard(self, packet: Packet) -> Heard:
        if self._password is not None and packet.head.get("PW") != self._password:
            return Heard(packet.head.get("MN", ""), refusal="wrong PW")
        answer = taken(packet.head)
        return Heard(
            packet.head.get("MN", ""), packet, answer=(lambda _: answer) if packet.wants_answer else None
        )


def _shifted(register: int) -> int:
    for _ in range(8):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register


_SHIFTED = [_shifted(byte) for byte in range(256)]


def crc(data: bytes) -> int:
    """The checksum of the data."""
    register = 0xFFFF
    for byte in data:
        register = _SHIFTED[register >> 8 ^ byte]
    return register


def framed(data: str) -> bytes:
    """A packet of such data."""
    body = data.encode("ascii")
    return b"##%04d%s%04X\r\n" % (len(body), body, crc(body))


def taken(head: Mapping[str, str]) -> bytes:
    """The answer that data have come (9014); it names the request and whose it is."""
    named = ((key, head.get(key, "")) for key in ("PW", "MN"))
    who = "".join(f"{key}={value};" for key, value in named)
    text = f"QN={head.get('QN', '')};ST={_SYSTEM};CN={_TAKEN};{who}Flag={_VERSION_2017};CP=&&&&"
    return framed(text)


def is_sound(frame: bytes) -> bool:
    """Whether checksum and line end of a whole packet are right."""
    check = frame[-_CRC_DIGITS - len(END) : -len(END)]
    if not frame.endswith(END) or not re.fullmatch(rb"[0-9A-Fa-f]{4}", check):
        return False
    return crc(frame[_DATA : -_CRC_DIGITS - len(END)]) == int(check, 16)


def parsed(data: bytes) -> Packet:
    """The data of a packet; raises `NotUnderstoodError` where they are no HJ 212."""
    form = _FORM.fullmatch(data.decode("ascii", "replace"))
    if form is None or "\ufffd" in form[0]:
        raise NotUnderstoodError("no HJ 212 data")
    head = dict(_pairs(form["head"].split(";")))
    parts = form["body"].split(";")
    if len(parts) > MOST_FACTORS:
        raise NotUnderstoodError(f"more than {MOST_FACTORS} factors")
    at, factors = "", dict[str, dict[str, str]]()
    for name, value in _pairs(field for part in parts for field in part.split(",")):
        factor, _, field = name.partition("-")
        if name == "DataTime":
            at = value
        elif field:
            factors.setdefault(factor, {})[field] = value
    return Packet(head, at, factors)


def decoder(profile: Hj212Profile) -> Decode:
    """What reads a packet of such a device."""
    hj212, flags = profile.hj212, {**FLAGS, **profile.hj212.flags}
    qualities = {flag: Quality[word.upper()] for flag, word in flags.items()}

    def decode(packet: Packet) -> Told:
        system, command = packet.head.get("ST", ""), packet.head.get("CN", "")
        if hj212.systems and system not in hj212.systems:
            raise NotUnderstoodError(f"ST={system!r}, the profile has {', '.join(hj212.systems)}")
        if command not in hj212.commands:
            return Told([])  # other data of the same station, such as its hours beside its seconds
        found = (_read(key, point, packet.factors, qualities) for key, point in profile.points.items())
        return Told([value for value in found if value is not None], _instant(packet.at))

    return decode


def _size(buffer: bytearray, start: int) -> int | None:
    digits = buffer[start + len(HEADER) : start + _DATA]
    if not re.fullmatch(rb"[0-9]*", digits):
        return 0
    if len(digits) < _LENGTH_DIGITS:
        return None
    length = int(digits)
    return length + _AROUND if length <= MOST_DATA else 0


def _pairs(parts: list[str] | Iterator[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _read(
    key: str,
    point: Hj212Point,
    factors: Mapping[str, Mapping[str, str]],
    qualities: Mapping[str, Quality],
) -> Value | None:
    """The point's value; `None` where the packet says nothing of it."""
    fields = factors.get(point.factor, {})
    text = fields.get(point.field)
    if text is None:
        return None
    quality = qualities.get(fields.get("Flag", "N"), Quality.EXCEPTION)
    if quality is not Quality.GOOD:
        return key, None, quality
    try:
        number = float(text)
    except ValueError:
        return key, None, Quality.NOT_A_NUMBER
    if number in point.sentinels:
        return key, None, Quality.SENTINEL
    return key, *scaled(point, number)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007  the profile knows the zone
    except ValueError as exc:
        raise NotUnderstoodError(f"DataTime={text[:20]!r} is no instant") from exc
