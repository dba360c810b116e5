"""Units on a serial line: RTU frames at the speed of the line, over a pseudo-terminal or a TCP connection."""

import asyncio
import contextlib
import os
import struct
import tty
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from firmware_sim.modbus import Bank, Connection, ModbusServer, reply
from firmware_sim.wire import Reply

BITS_A_BYTE = 11
"""Start, eight of data, parity or a second stop, stop."""
GAP_BYTES = 3.5
"""A unit answers after so much silence, which ends the request."""

_LEAST_PAUSE_S = 0.001
"""Bytes that are due sooner than that leave together."""
_CHUNK = 4096
_SHORTEST = 4
_READS_AND_SINGLE_WRITES, _THEIR_BYTES = range(1, 7), 8
_MULTIPLE_WRITES, _BEFORE_DATA, _AROUND_DATA = (15, 16), 7, 9


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS, in the order in which it is sent."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def framed(unit: int, pdu: bytes) -> bytes:
    """A frame as it stands on the line."""
    body = bytes([unit]) + pdu
    return body + crc(body)


def on_line(said: Reply) -> bytes:
    """What goes out on a serial line."""
    frame = framed(said.unit, said.pdu)
    if said.has_wrong_check:
        frame = frame[:-1] + bytes([frame[-1] ^ 0xFF])
    return said.on_wire(frame)


class Line:
    """A half-duplex line: a unit hears nothing while one of them speaks."""

    def __init__(self, units: Mapping[int, Bank], baudrate: int, send: Callable[[bytes], None]) -> None:
        """Nobody speaks before he is asked."""
        self._units, self._send, self._byte_s = units, send, BITS_A_BYTE / baudrate
        self._heard = bytearray()
        self._speaking: asyncio.Task[None] | None = None
        self._held_back = b""
        self._ends = 0
        self._waiting: deque[tuple[bytes, float]] = deque()
        """What became due while another unit spoke."""

    def hear(self, data: bytes) -> None:
        """Take what came; the unit that a whole request is for begins to answer."""
        if self._speaking is not None:
            return
        self._heard += data
        while len(self._heard) >= _SHORTEST:
            size = _request_bytes(self._heard)
            if size > len(self._heard):
                return
            request = bytes(self._heard[:size])
            if not size or crc(request[:-2]) != request[-2:]:
                del self._heard[0]
                continue
            self._heard.clear()
            self._ask(request)

    def end(self) -> None:
        """Stop in the middle of a word; nothing that was to be said is said any more."""
        self._held_back = b""
        self._waiting.clear()
        self._ends += 1
        if self._speaking is not None:
            self._speaking.cancel()

    def _ask(self, request: bytes) -> None:
        bank = self._units.get(request[0])
        if bank is None:
            return
        said = reply(bank, request[0], request[1:-2], asyncio.get_running_loop().time())
        if said is not None:
            self._answer(said, pause_s=self._byte_s * (len(request) + GAP_BYTES))

    def _answer(self, said: Reply, pause_s: float) -> None:
        data = on_line(said)
        if said.is_after_next:
            self._held_back += data
            return
        data, self._held_back = data + self._held_back, b""
        if not said.delay_s:
            self._begin(data, pause_s)
            return
        asyncio.get_running_loop().call_later(said.delay_s, self._begin_late, self._ends, data, pause_s)

    def _begin_late(self, ends: int, data: bytes, pause_s: float) -> None:
        if ends == self._ends:
            self._begin(data, pause_s)

    def _begin(self, data: bytes, pause_s: float) -> None:
        """Speak, or wait for the unit that is speaking: two at once would only be noise."""
        if self._speaking is not None:
            self._waiting.append((data, pause_s))
        elif data:
            self._speaking = asyncio.create_task(self._speak(data, pause_s))

    async def _speak(self, frame: bytes, pause_s: float) -> None:
        loop, sent = asyncio.get_running_loop(), 0
        begin = loop.time() + pause_s
        try:
            while sent < len(frame):
                await asyncio.sleep(max(_LEAST_PAUSE_S, begin + (sent + 1) * self._byte_s - loop.time()))
                due = min(len(frame), int((loop.time() - begin) / self._byte_s))
                if due > sent:
                    self._send(frame[sent:due])
                    sent = due
        finally:
            self._speaking = None
        if self._waiting:
            self._begin(*self._waiting.popleft())


def _request_bytes(heard: bytearray) -> int:
    """How long the request that begins there is, or at least is; 0 where none begins."""
    function = heard[1]
    if function in _READS_AND_SINGLE_WRITES:
        return _THEIR_BYTES
    if function in _MULTIPLE_WRITES:
        return _AROUND_DATA + (heard[_BEFORE_DATA - 1] if len(heard) >= _BEFORE_DATA else 0)
    return 0


class SerialServer:
    """One bus behind a pseudo-terminal: `async with` makes it, and takes it away at the end."""

    def __init__(self, link: Path | None, units: Mapping[int, Bank], baudrate: int) -> None:
        """`link` is a name of the user's choice for the terminal; one that was there before is replaced."""
        self._link, self._line = link, Line(units, baudrate, self._send)
        self._master, self._slave = -1, -1

    @property
    def address(self) -> str:
        """What a gateway's `serial:` names."""
        return str(self._link or os.ttyname(self._slave))

    async def __aenter__(self) -> Self:
        self._plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut(is_cut=True)

    def cut(self, is_cut: bool) -> None:
        """Pull the terminal out, as a USB adapter is pulled, or put another one in under its name.

        Raises `OSError` where the system has none left.
        """
        if is_cut and self._master >= 0:
            self._pull()
        elif not is_cut and self._master < 0:
            self._plug()

    def _plug(self) -> None:
        self._master, self._slave = os.openpty()
        # Held open, so that the terminal outlives every gateway that opens and closes it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        try:
            self._make_link()
        except OSError:
            self._close()
            raise
        asyncio.get_running_loop().add_reader(self._master, self._on_readable)

    def _pull(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self._line.end()
        if self._link is not None and self._link.is_symlink():
            self._link.unlink()
        self._close()

    def _make_link(self) -> None:
        if self._link is None:
            return
        if self._link.is_symlink():
            self._link.unlink()
        self._link.symlink_to(os.ttyname(self._slave))

    def _close(self) -> None:
        os.close(self._master)
        os.close(self._slave)
        self._master, self._slave = -1, -1

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._line.hear(os.read(self._master, _CHUNK))

    def _send(self, data: bytes) -> None:
        # Where nobody listens the terminal is full in the end, and what is said is lost, as on a line.
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)


class RtuOverTcpServer(ModbusServer):
    """One bus behind a serial server: RTU frames in a TCP connection, each connection a line of its own."""

    def __init__(self, host: str, port: int, units: Mapping[int, Bank], baudrate: int) -> None:
        """Port 0 lets the system choose."""
        super().__init__(host, port, units)
        self._baudrate = baudrate

    def _made(self, forget: Callable[[Connection], None]) -> Connection:
        return _LineConnection(self._units, self._baudrate, forget)


class _LineConnection(Connection):
    """A connection that carries what a line carries."""

    def __init__(
        self, units: Mapping[int, Bank], baudrate: int, forget: Callable[[Connection], None]
    ) -> None:
        super().__init__(forget)
        self._line = Line(units, baudrate, self._send)

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._line.hear(data)

    def _send(self, data: bytes) -> None:
        assert self.transport is not None  # noqa: S101  # asyncio calls connection_made first
        self.transport.write(data)
