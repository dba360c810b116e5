"""Modbus TCP over pymodbus, narrowed to what a bus needs: one read at a time, every failure by its name."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from edge import cancelling
from edge.drivers import Answer, Link, Request, Traffic
from edge.settings import ModbusSettings, ModbusTcp
from sitewarden.quality import Quality

log = logging.getLogger(__name__)

RECONNECT_S, RECONNECT_MAX_S = 0.2, 5.0
CONNECT_TIMEOUT_S = 3.0
HOLDING, INPUT = 3, 4

_REFUSALS = (2, 3)
"""Illegal data address, illegal data value: the unit lives, these registers do not."""
_NOBODY_BEHIND = (10, 11)
"""A converter says that the unit behind it does not answer; it waited for that."""


class ModbusTcpLink:
    """A connection that this class alone opens and reopens.

    pymodbus' own reconnecting is off: it does not begin before a first success and waits up to five minutes.
    An answer counts only where transaction, unit, function and length are all those asked for.
    """

    def __init__(self, host: str, port: int) -> None:
        """Opens nothing yet; `run` does."""
        self._address = f"{host}:{port}"
        self._client = AsyncModbusTcpClient(
            host,
            port=port,
            timeout=CONNECT_TIMEOUT_S,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connection,
        )
        self._changed = asyncio.Event()
        self._deadline: asyncio.Timeout | None = None
        self.traffic = Traffic()
        self.quiet_s = 0.0

    async def run(self) -> None:
        """Keep the connection open until cancelled."""
        delay_s, was_open = RECONNECT_S, True
        try:
            while True:
                self._changed.clear()
                is_open = await self._client.connect()
                cancelling.heed()
                if is_open:
                    log.info("connected address=%s", self._address)
                    delay_s, was_open = RECONNECT_S, True
                    await self._lost()
                if was_open:
                    log.warning("no connection address=%s, trying on", self._address)
                was_open = False
                await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))
                delay_s = min(2 * delay_s, RECONNECT_MAX_S)
        finally:
            self._client.close()

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        """Ask once; the reasons for which there is no answer are timeout, exception and disconnection."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        answer = await self._read(unit, request, timeout_s)
        return answer._replace(asked_at=asked_at, answered_at=loop.time())

    async def _read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        if not self._is_open():
            return Answer((), Quality.DISCONNECTED, "no connection")
        try:
            async with asyncio.timeout(timeout_s) as self._deadline:
                response = await self._call(request)(request.first, count=request.length, device_id=unit)
        except TimeoutError:
            if not self._is_open():
                return Answer((), Quality.DISCONNECTED, "the connection broke while waiting")
            return Answer((), Quality.TIMEOUT, f"no answer in {timeout_s:.3f} s", is_silence=True)
        except ConnectionException as exc:
            return Answer((), Quality.DISCONNECTED, str(exc))
        except ModbusException as exc:
            self.reopen()
            return Answer((), Quality.TIMEOUT, str(exc), is_silence=True)
        finally:
            self._deadline = None
        return self._checked(unit, request, response)

    def reopen(self) -> None:
        """Close; `run` opens anew."""
        self._client.close()
        self._changed.set()

    def _is_open(self) -> bool:
        return self._client.connected

    def _call(self, request: Request) -> Callable[..., Awaitable[ModbusPDU]]:
        if request.function == INPUT:
            return self._client.read_input_registers
        return self._client.read_holding_registers

    def _checked(self, unit: int, request: Request, response: ModbusPDU) -> Answer:
        if response.transaction_id != self._client.ctx.request_transaction_id or response.dev_id != unit:
            self.reopen()
            return Answer((), Quality.TIMEOUT, "an answer to another request came", is_silence=True)
        if response.isError():
            code = getattr(response, "exception_code", 0)
            return Answer(
                (),
                Quality.EXCEPTION,
                f"exception {code}",
                is_refusal=code in _REFUSALS,
                is_silence=code in _NOBODY_BEHIND,
            )
        if response.function_code != request.function or len(response.registers) != request.length:
            self.reopen()
            detail = f"{len(response.registers)} registers came, {request.length} were asked for"
            return Answer((), Quality.EXCEPTION, detail)
        return Answer(response.registers, Quality.GOOD)

    async def _lost(self) -> None:
        """Wait until the connection is gone, whoever closed it."""
        while self._is_open():
            await self._changed.wait()
            self._changed.clear()

    def _on_connection(self, is_open: bool) -> None:
        self._changed.set()
        if not is_open and self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time())


def open_link(settings: ModbusSettings, *, settle_s: float = 0.0) -> Link:
    """The driver of a bus; `settle_s` is how long its devices want to be left alone after a connection."""
    if isinstance(settings, ModbusTcp) and not settle_s:
        return ModbusTcpLink(settings.host, settings.port)
    raise NotImplementedError(settings)
