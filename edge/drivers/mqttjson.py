"""Devices that publish JSON on a broker of the site; each has a topic of its own."""

import asyncio
import logging
import ssl
from collections.abc import Collection

import aiomqtt

from edge import cancelling
from edge.config import Ear
from edge.drivers.speaking import Heard, Hearing
from edge.settings import MqttJson

log = logging.getLogger(__name__)

RECONNECT_S, RECONNECT_MAX_S = 0.5, 10.0
KEEPALIVE_S = 20
MOST_WAITING = 1000
"""Messages that wait for us; when there are more, the newest are lost, and a device's next one comes."""
MESSAGES_PER_S = 500.0


class MqttJsonSubscription:
    """Listens on one broker for as long as `run` runs."""

    def __init__(self, ear: Ear, settings: MqttJson, hearing: Hearing, timed: Collection[str]) -> None:
        """`timed` are the topics of devices that say when they measured."""
        self._ear, self._settings, self._hearing = ear, settings, hearing
        self._topics = [device.identity for device in ear.devices]
        self._timed = frozenset(timed)

    async def run(self) -> None:
        """Listen until cancelled, on one connection after the other."""
        delay_s, is_news = RECONNECT_S, True
        where = f"broker={self._settings.host}:{self._settings.port} bus={self._ear.name}"
        while True:
            try:
                async with self._client() as client:
                    await client.subscribe([(topic, 1) for topic in self._topics])
                    log.info("listening %s", where)
                    delay_s, is_news = RECONNECT_S, True
                    await self._listen(client)
            except aiomqtt.MqttError as exc:
                if is_news:
                    log.warning("no broker of the site, trying on %s: %s", where, exc)
                is_news = False
            cancelling.heed()
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RECONNECT_MAX_S)

    def _client(self) -> aiomqtt.Client:
        settings, ca_file = self._settings, self._ear.ca_file
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=self._ear.secret,
            keepalive=KEEPALIVE_S,
            tls_context=None if ca_file is None else ssl.create_default_context(cafile=str(ca_file)),
            max_queued_incoming_messages=MOST_WAITING,
        )

    async def _listen(self, client: aiomqtt.Client) -> None:
        for topic in self._topics:
            self._hearing.came(topic)
        try:
            async for message in client.messages:
                self._hear(message)
                cancelling.heed()
                await asyncio.sleep(1 / MESSAGES_PER_S)
        finally:
            for topic in self._topics:
                self._hearing.went(topic)

    def _hear(self, message: aiomqtt.Message) -> None:
        topic, body = str(message.topic), message.payload
        if message.retain and topic not in self._timed:
            # It is of nobody knows when, and comes with every connection: dated now it would be a lie.
            self._hearing.traffic.late += 1
            return
        if len(body) > self._settings.max_body_bytes:
            self._hearing.refuse(topic, f"a body of {len(body)} bytes")
        else:
            self._hearing.hear(Heard(topic, body))
