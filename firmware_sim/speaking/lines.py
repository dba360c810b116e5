"""Lines from speaking devices to whoever listens: a TCP connection, a broker, an HTTP server."""

import asyncio
import contextlib
import http.client
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self
from urllib.parse import quote

from firmware_sim.scenario import Bus

log = logging.getLogger(__name__)

RETRY_S = 0.5
CONNECT_S = 5.0
MOST_WAITING = 50
"""Messages that wait for a line; when there are more, the oldest are lost, as in a device's small memory."""
_CHUNK = 4096

Ears = Mapping[str, Callable[[bytes], None]]
"""By device: who hears an answer."""


class SpeakingLine:
    """All devices of one bus, each with a connection of its own; `async with` opens and closes them."""

    def __init__(self, bus: Bus, ears: Callable[[], Ears] = dict) -> None:
        """`ears` is asked once, when the line opens."""
        self._bus, self._ears = bus, ears
        self._waiting: dict[str, asyncio.Queue[bytes]] = {
            device.device: asyncio.Queue(MOST_WAITING) for device in bus.devices
        }
        self._connected = asyncio.Event()
        self._connected.set()
        self._cut = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> int:
        """The port that it speaks to."""
        return self._bus.port

    async def __aenter__(self) -> Self:
        ears = self._ears()
        for device in self._bus.devices:
            hear = ears.get(device.device, lambda _: None)
            task = asyncio.create_task(self._keep(device.device, hear), name=f"speaks {device.device}")
            self._tasks.append(task)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, device: str, text: bytes) -> None:
        """Send it when the line is there."""
        queue = self._waiting[device]
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(text)

    def cut(self, is_cut: bool) -> None:  # as the other lines have it
        """Take the line away, or give it back."""
        if is_cut == self._cut.is_set():
            return
        if is_cut:
            self._connected.clear()
            self._cut.set()
        else:
            self._cut.clear()
            self._connected.set()

    async def _keep(self, device: str, hear: Callable[[bytes], None]) -> None:
        """Speak for one device, on one connection after the other."""
        ways = {"mqtt-json": self._publish, "http-push": self._push}
        speak = ways.get(self._bus.transport, self._dial)
        is_news = True
        while True:
            await self._connected.wait()
            try:
                await self._until_cut(speak(device, hear))
                is_news = True
            except (OSError, TimeoutError, http.client.HTTPException) as exc:
                if is_news:
                    log.info("nobody listens bus=%s device=%s: %s", self._bus.bus, device, exc)
                is_news = False
            await asyncio.sleep(RETRY_S)

    async def _until_cut(self, speaking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(speaking)
        cut = asyncio.create_task(self._cut.wait())
        try:
            await asyncio.wait((task, cut), return_when=asyncio.FIRST_COMPLETED)
        finally:
            cut.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if task.done() and not task.cancelled():
            task.result()

    async def _dial(self, device: str, hear: Callable[[bytes], None]) -> None:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(self._bus.host, self._bus.port)
        hearing = asyncio.create_task(_listen(reader, hear))
        try:
            while not hearing.done():
                said = asyncio.create_task(self._waiting[device].get())
                try:
                    await asyncio.wait((said, hearing), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # One that went on waiting would take the first message of the next connection.
                    said.cancel()
                if said.done():
                    writer.write(said.result())
                    await writer.drain()
        finally:
            hearing.cancel()
            writer.transport.abort()

    async def _publish(self, device: str, _hear: Callable[[bytes], None]) -> None:
        from amqtt.client import MQTTClient  # noqa: PLC0415  who plays no MQTT device need not load it
        from amqtt.errors import AMQTTError  # noqa: PLC0415

        entry = next(one for one in self._bus.devices if one.device == device)
        name, password = (quote(word or "", safe="") for word in (self._bus.username, self._bus.password))
        account = f"{name}:{password}@" if name else ""
        client = MQTTClient(config={"auto_reconnect": False, "keep_alive": 20, "ping_delay": 1})
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(f"mqtt://{account}{self._bus.host}:{self._bus.port}")
            while True:
                text = await self._waiting[device].get()
                async with asyncio.timeout(CONNECT_S):
                    await client.publish(entry.identity or device, text, qos=1)
        except AMQTTError as exc:
            raise ConnectionError(str(exc)) from exc
        finally:
            with contextlib.suppress(AMQTTError, OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(1.0):
                    await client.disconnect()

    async def _push(self, device: str, _hear: Callable[[bytes], None]) -> None:
        entry = next(one for one in self._bus.devices if one.device == device)
        path = f"/push/{entry.identity or device}"
        headers = {"Authorization": f"Bearer {entry.token or ''}", "Content-Type": "application/json"}
        while True:
            text = await self._waiting[device].get()
            status = await asyncio.to_thread(self._post, path, text, headers)
            if status >= http.HTTPStatus.BAD_REQUEST:
                log.warning("push refused device=%s status=%d", device, status)

    def _post(self, path: str, text: bytes, headers: Mapping[str, str]) -> int:
        line = http.client.HTTPConnection(self._bus.host, self._bus.port, timeout=CONNECT_S)
        try:
            line.request("POST", path, text, dict(headers))
            return line.getresponse().status
        finally:
            line.close()


async def _listen(reader: asyncio.StreamReader, hear: Callable[[bytes], None]) -> None:
    """Until the other side hangs up."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            hear(data)
