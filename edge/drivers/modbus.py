"""Modbus over TCP, serial lines and both: one read at a time, every failure by its name, no value misplaced.

See docs/decisions/0005-own-modbus-client.md for why this is not a library's.
"""

import asyncio
import contextlib
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from edge.drivers import Answer, Link, Request, Traffic
from edge.drivers.framing import (
    RTU_ANSWER_BYTES,
    RTU_REQUEST_BYTES,
    Frame,
    OutOfStepError,
    RtuStream,
    TcpStream,
    answers,
    data_bytes,
    rtu_request,
    tcp_answer_head,
    tcp_registers,
    tcp_request,
)
from edge.drivers.ports import Opener, Port, connect, open_serial
from edge.settings import ModbusRtu, ModbusSettings, ModbusTcp
from sitewarden import clockblock
from sitewarden.quality import Quality

log = logging.getLogger(__name__)

RECONNECT_S, RECONNECT_MAX_S = 0.2, 5.0
NETWORK_GAP_S = 0.02
"""In a serial server's stream, a pause that is longer ends a frame."""
STRAY_S = 0.05
"""After so long a pause a frame that has begun holds up nothing that came after its beginning."""

_CHUNK = 4096
_TRANSACTIONS = 1 << 16
_BITS_A_BYTE = 11
"""On a serial line: start, eight of data, parity or a second stop, stop."""
_GAP_BYTES = 3.5
_FAST_BAUDRATE, _FAST_GAP_S = 19_200, 0.00175
"""From this speed on the specification has one gap for all."""
_REFUSALS = (2, 3)
"""Illegal data address, illegal data value: the unit lives, these registers do not."""
_NOBODY_BEHIND = (10, 11)
"""A converter says that the unit behind it does not answer; it waited for that."""
_NOTHING = (0, Request(0, 0, 0))
"""Before the first question: no frame answers it."""


class _PortLink(ABC):
    """A port that this class alone opens and reopens, and at most one request on its way."""

    quiet_s = 0.0

    def __init__(self, opener: Opener, address: str, settle_s: float) -> None:
        """Opens nothing yet; `run` does."""
        self._opener, self._address, self._settle_s = opener, address, settle_s
        self._port: Port | None = None
        self._settled_at = 0.0
        self._closed = asyncio.Event()
        self._asked_at = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self.traffic = Traffic()

    async def run(self) -> None:
        """Keep the port open until cancelled."""
        delay_s, was_open = RECONNECT_S, True
        try:
            while True:
                try:
                    await self._open()
                except (OSError, UnicodeError) as exc:
                    if was_open:
                        log.warning("no connection address=%s reason=%r, trying on", self._address, exc)
                    was_open = False
                except Exception:
                    log.exception("no connection by a mistake address=%s, trying on", self._address)
                else:
                    log.info("connected address=%s", self._address)
                    delay_s, was_open = RECONNECT_S, True
                    await self._closed.wait()
                await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(2 * delay_s, RECONNECT_MAX_S)
        finally:
            self._close("the end")
            if self._timer is not None:
                self._timer.cancel()

    def quiet_left_s(self) -> float:
        """Nothing: a late answer is known by its number."""
        return 0.0

    def wire_s(self, request: Request) -> float:  # noqa: ARG002  # a network does not count bytes
        """Nothing that is worth counting."""
        return 0.0

    def reopen(self) -> None:
        """Close; `run` opens anew."""
        self._close("closed to be opened anew")

    async def _open(self) -> None:
        port = await self._opener()
        loop = asyncio.get_running_loop()
        self._closed.clear()
        self._port, self._settled_at = port, loop.time() + self._settle_s
        loop.add_reader(port.fileno(), self._on_readable)

    def _close(self, reason: str) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        log.info("disconnected address=%s reason=%r", self._address, reason)
        asyncio.get_running_loop().remove_reader(port.fileno())
        port.close()
        self._closed.set()
        self._forget()
        self._finish((), Quality.DISCONNECTED, f"the connection broke while waiting: {reason}")

    def _absent(self, now: float) -> Answer | None:
        """The answer where there is nobody to ask."""
        if self._port is None:
            return Answer((), Quality.DISCONNECTED, "no connection", asked_at=now, answered_at=now)
        if now < self._settled_at:
            return Answer((), Quality.DISCONNECTED, "connected a moment ago", asked_at=now, answered_at=now)
        return None

    async def _exchange(self, frame: bytes, timeout_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        self.traffic.requests += 1
        self._asked_at = asked_at = loop.time()
        self._expect_by(asked_at + timeout_s)
        self._send(frame)
        try:
            answer: Answer = await waiting
            return answer
        finally:
            self._waiting = None

    def _expect_by(self, deadline: float) -> None:
        """Give up then. The timer of an answered read stays for the next, so that few need their own."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if not self._is_waiting:
            return
        if asyncio.get_running_loop().time() < self._deadline:
            self._expect_by(self._deadline)
        else:
            self._give_up()

    def _send(self, frame: bytes) -> None:
        assert self._port is not None  # noqa: S101  # `_absent` was asked
        try:
            sent = self._port.send(frame)
        except OSError as exc:
            self._close(str(exc))
            return
        if sent != len(frame):
            self._close("takes no request")

    def _on_readable(self) -> None:
        assert self._port is not None  # noqa: S101  # else nobody watches it
        try:
            data = self._port.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as exc:
            self._close(str(exc))
            return
        if data:
            self._take(data)
        else:
            self._close("the other end closed it")

    @property
    def _is_waiting(self) -> bool:
        return self._waiting is not None and not self._waiting.done()

    def _give_up(self) -> None:
        self.traffic.timeouts += 1
        waited_s = asyncio.get_running_loop().time() - self._asked_at
        self._finish((), Quality.TIMEOUT, f"no answer in {waited_s:.3f} s", is_silence=True)

    def _finish(
        self,
        registers: Sequence[int],
        quality: Quality,
        detail: str = "",
        *,
        is_refusal: bool = False,
        is_silence: bool = False,
        is_replay: bool = False,
        exception: int = 0,
    ) -> None:
        """Hand the answer to who waits for it, if anybody does."""
        if self._waiting is None or self._waiting.done():
            return
        now = asyncio.get_running_loop().time()
        self._waiting.set_result(
            Answer(
                registers,
                quality,
                detail,
                is_refusal=is_refusal,
                is_silence=is_silence,
                asked_at=self._asked_at,
                answered_at=now,
                is_replay=is_replay,
                exception=exception,
            )
        )

    def _found(self, frame: Frame, request: Request) -> None:
        """Finish with the frame that answers the question."""
        if not frame.exception:
            self._finish(frame.registers[: request.length], Quality.GOOD)
            return
        self.traffic.exceptions += 1
        self._finish(
            (),
            Quality.EXCEPTION,
            f"exception {frame.exception}",
            is_refusal=frame.exception in _REFUSALS,
            is_silence=frame.exception in _NOBODY_BEHIND,
            is_replay=frame.exception == clockblock.REPLAYING,
            exception=frame.exception,
        )

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Look for the answer in what has come."""

    @abstractmethod
    def _forget(self) -> None:
        """The stream ends here."""


class ModbusTcpLink(_PortLink):
    """Modbus TCP: an answer names the request that it answers, so a late one is known and dropped."""

    def __init__(self, host: str, port: int, *, settle_s: float = 0.0) -> None:
        """Opens nothing yet; `run` does."""
        super().__init__(partial(connect, host, port), f"{host}:{port}", settle_s)
        self._stream = TcpStream()
        self._transaction = 0
        self._unit, self._request = _NOTHING
        self._head, self._size = b"", 0
        """What a good answer begins with, and how long it is."""

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        """Ask once, and wait for the answer to this very request."""
        if self._stream.is_holding:
            self.traffic.broken += 1
            self._close("something that nobody asked for, and not whole")
        absent = self._absent(asyncio.get_running_loop().time())
        if absent is not None:
            return absent
        self._transaction = transaction = (self._transaction + 1) % _TRANSACTIONS
        self._unit, self._request = unit, request
        self._head = tcp_answer_head(transaction, unit, request)
        self._size = len(self._head) + data_bytes(request)
        return await self._exchange(tcp_request(transaction, unit, request), timeout_s)

    def _take(self, data: bytes) -> None:
        # Nearly every answer comes whole and alone; its head is compared with the only right one, at once.
        is_whole = len(data) == self._size and data.startswith(self._head) and not self._stream.is_holding
        if is_whole and self._is_waiting:
            self._finish(tcp_registers(data, self._request), Quality.GOOD)
            return
        try:
            frames = self._stream.feed(data)
        except OutOfStepError as exc:
            self.traffic.broken += 1
            reason = f"an unintelligible stream: {exc}"
            self._finish((), Quality.TIMEOUT, reason, is_silence=True)
            self._close(reason)
            return
        for frame in frames:
            self._take_frame(frame)

    def _take_frame(self, frame: Frame) -> None:
        is_next = self._is_waiting and frame.transaction == self._transaction
        if is_next and answers(frame, self._unit, self._request):
            self._found(frame, self._request)
        elif is_next and frame.unit == self._unit:
            self.traffic.broken += 1
            detail = f"{len(frame.registers)} registers came, {self._request.length} were asked for"
            self._finish((), Quality.EXCEPTION, frame.fault or detail)
        else:
            self.traffic.late += 1

    def _give_up(self) -> None:
        super()._give_up()
        if self._stream.is_holding:
            self.traffic.broken += 1
            self._close("half an answer")

    def _forget(self) -> None:
        self._stream = TcpStream()


class ModbusRtuLink(_PortLink):
    """Modbus RTU: an answer names its unit, function and length and no more.

    So two requests must never be on their way at once. After an answer that did not come the line is left
    alone for `quiet_s`, within which it comes or never comes, and what comes then is nobody's.
    """

    def __init__(
        self, opener: Opener, address: str, *, quiet_s: float, byte_s: float, gap_s: float, settle_s: float
    ) -> None:
        """Opens nothing yet; `run` does.

        `byte_s` is what a byte takes on the wire, 0 where that is unknown; `gap_s` the silence before a
        request.
        """
        super().__init__(opener, address, settle_s)
        self.quiet_s = quiet_s
        self._byte_s, self._gap_s = byte_s, gap_s
        self._frame_end_s = gap_s or NETWORK_GAP_S
        self._stream = RtuStream()
        self._unit, self._request = _NOTHING
        self._owes = False
        """Whether the last request is without its answer."""
        self._quiet_until = 0.0
        self._last_byte_at = 0.0
        self._has_paid = False
        """Whether the missing answer came after all, and nothing behind it."""
        self._paid = asyncio.Event()
        self._stray: asyncio.TimerHandle | None = None

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        """Wait until the line may be used, ask once, and wait for an answer of this unit and length.

        What request and answer take on the wire comes on top of the timeout.
        """
        loop = asyncio.get_running_loop()
        is_silent = await self._silence(timeout_s)
        now = loop.time()
        absent = self._absent(now)
        if absent is not None:
            return absent
        if not is_silent:
            detail = "the line is never silent"
            return Answer((), Quality.TIMEOUT, detail, is_silence=True, asked_at=now, answered_at=now)
        self._drop()
        self._unit, self._request, self._owes, self._has_paid = unit, request, True, False
        try:
            return await self._exchange(rtu_request(unit, request), timeout_s + self.wire_s(request))
        finally:
            if self._owes:
                self._quiet_until = loop.time() + self.quiet_s

    def quiet_left_s(self) -> float:
        """Until the line may be used again."""
        return max(0.0, self._silent_at() - asyncio.get_running_loop().time())

    def wire_s(self, request: Request) -> float:
        """All bytes of request and answer, at the speed of the line."""
        return self._byte_s * (RTU_REQUEST_BYTES + RTU_ANSWER_BYTES + data_bytes(request))

    async def _silence(self, patience_s: float) -> bool:
        """Wait for the end of the quiet time and the gap before a request; false on a line without one."""
        loop = asyncio.get_running_loop()
        ends = max(loop.time(), self._silent_at()) + patience_s
        while self._port is not None:
            # What the system holds already was sent before the question.
            self._on_readable()
            now, until = loop.time(), self._silent_at()
            if now >= until:
                break
            if now >= ends:
                return False
            await self._sleep(min(until, ends))
        return True

    def _silent_at(self) -> float:
        if self._has_paid:
            return self._last_byte_at + self._frame_end_s
        return max(self._quiet_until, self._last_byte_at + self._gap_s)

    async def _sleep(self, until: float) -> None:
        """Until then, or until a missing answer makes the quiet time shorter."""
        self._paid.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._paid.wait()

    def _take(self, data: bytes) -> None:
        self._last_byte_at = asyncio.get_running_loop().time()
        if self._stray is not None:
            self._stray.cancel()
            self._stray = None
        self._sort(self._stream.feed(data))
        if self._stream.is_holding and self._is_waiting:
            delay_s = max(STRAY_S, self._gap_s)
            self._stray = asyncio.get_running_loop().call_later(delay_s, self._sort_strays)

    def _sort_strays(self) -> None:
        self._stray = None
        self._sort(self._stream.silence())

    def _sort(self, frames: list[Frame]) -> None:
        self._has_paid = False
        for frame in frames:
            is_owed = self._owes and answers(frame, self._unit, self._request)
            if is_owed and self._is_waiting:
                self._owes = False
                self._found(frame, self._request)
            else:
                self.traffic.late += 1
                self._has_paid = is_owed and frame is frames[-1] and self._stream.is_clean
        self.traffic.broken = self._stream.broken
        if self._has_paid:
            self._paid.set()

    def _drop(self) -> None:
        self._stream.drop()
        self.traffic.broken = self._stream.broken

    def _forget(self) -> None:
        self._drop()
        self._has_paid = False
        self._paid.set()


def open_link(settings: ModbusSettings, *, settle_s: float = 0.0) -> Link:
    """The driver of a bus; `settle_s` is how long its devices want to be left alone after a connection."""
    if isinstance(settings, ModbusTcp):
        return ModbusTcpLink(settings.host, settings.port, settle_s=settle_s)
    quiet_s = settings.quiet_ms / 1000
    if isinstance(settings, ModbusRtu):
        opener, address = partial(open_serial, settings), settings.serial
        byte_s, gap_s = _BITS_A_BYTE / settings.baudrate, gap_of(settings.baudrate)
        return ModbusRtuLink(opener, address, quiet_s=quiet_s, byte_s=byte_s, gap_s=gap_s, settle_s=settle_s)
    return ModbusRtuLink(
        partial(connect, settings.host, settings.port),
        f"{settings.host}:{settings.port}",
        quiet_s=quiet_s,
        byte_s=0.0,
        gap_s=0.0,
        settle_s=settle_s,
    )


def gap_of(baudrate: int) -> float:
    """The silence in seconds that parts two frames on a serial line: 3.5 characters."""
    return _FAST_GAP_S if baudrate >= _FAST_BAUDRATE else _GAP_BYTES * _BITS_A_BYTE / baudrate
