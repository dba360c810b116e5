"""A line that is opened for a person who waits at a prompt: soon there, or an error that says why not."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from edge.config import address_of
from edge.drivers import Answer, Link, Request, Traffic
from edge.drivers.modbus import open_link
from edge.drivers.ports import connect, open_serial
from edge.settings import ModbusRtu, ModbusSettings
from sitewarden.errors import UnreachableError
from sitewarden.quality import Quality

OPEN_S = 5.0
"""So long a line may take to open; the agent would try on for ever."""
_LOOK_S = 0.02


class Asked(Protocol):
    """A line, as far as a trial needs it."""

    traffic: Traffic
    """What it carried for the trial."""

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        """As a link's."""


@contextlib.asynccontextmanager
async def opened(settings: ModbusSettings, *, settle_s: float = 0.0) -> AsyncIterator[Link]:
    """The link of the gateway's own driver, used by nobody else.

    Raises `UnreachableError` with the system's reason where the line does not open: the driver would try on.
    """
    await _check_opens(settings)
    link = open_link(settings, settle_s=settle_s)
    with _quiet(logging.getLogger("edge.drivers")):
        task = asyncio.create_task(link.run(), name="line")
        try:
            yield link
        finally:
            task.cancel()
            await asyncio.wait([task])


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """What the driver tells the log of an agent, these commands tell in their answer."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def asked(line: Asked, unit: int, request: Request, timeout_s: float, patience_s: float) -> Answer:
    """The answer to a read; where the line is not open (yet), after waiting for that."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        answer = await line.read(unit, request, timeout_s)
        if answer.quality is not Quality.DISCONNECTED or loop.time() >= until:
            return answer
        await asyncio.sleep(_LOOK_S)


async def _check_opens(settings: ModbusSettings) -> None:
    try:
        if isinstance(settings, ModbusRtu):
            port = await open_serial(settings)
        else:
            port = await connect(settings.host, settings.port)
    except (OSError, UnicodeError) as exc:
        # The libraries wrap the system's words in words of their own.
        code = exc.errno if isinstance(exc, OSError) else None
        reason = os.strerror(code) if code and code > 0 else str(exc) or "no answer"
        raise UnreachableError(f"{address_of(settings)} cannot be opened: {reason}") from exc
    port.close()


def closed_again(settings: ModbusSettings) -> UnreachableError:
    """What to say of a line that does not stay open."""
    return UnreachableError(
        f"{address_of(settings)} opens, and is closed again at once: is it in use by another program?"
    )
