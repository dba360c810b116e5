"""A connection to the broker: messages come unacknowledged, so it sends no more than can be stored."""

import logging
import secrets
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion

from cloud.ingest.buffered import BufferedClient, Heard
from cloud.ingest.model import Delivery
from cloud.settings import Settings

log = logging.getLogger(__name__)

SHARED = "$share/sitewarden/"
"""In front of a filter: each message goes to one of the workers."""
_QOS = 1
_PUBACK = struct.Struct("!BBH")
_REFUSED = 0x80
_KEEP_ALIVE_S = 30
_RECONNECT_S = (1, 5)
_RECEIPTS_IN_FLIGHT, _RECEIPTS_QUEUED = 200, 5_000


class Link:
    """One MQTT connection with a clean session; it reconnects by itself and subscribes anew each time."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        filters: list[str],
        deliver: Callable[[Delivery], bool],
        *,
        session: str | None = None,
    ) -> None:
        """`deliver` is called on the network thread, may block for a second; false where it has no room.

        `session`: a lasting one of that name, whose messages the broker keeps while nobody is there. Only to
        measure by: what a broker keeps is no guarantee, and nobody empties the session of a worker that is
        gone.
        """
        self._name, self._filters, self._deliver = name, filters, deliver
        self._number = 0
        self._subscribed = threading.Event()
        self._pending: dict[int, str] = {}
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=session or f"sitewarden-{name}-{secrets.token_hex(6)}",
            clean_session=session is None,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if settings.broker.username is not None:
            client.username_pw_set(settings.broker.username, settings.broker_password)
        client.max_inflight_messages_set(_RECEIPTS_IN_FLIGHT)
        client.max_queued_messages_set(_RECEIPTS_QUEUED)
        client.reconnect_delay_set(*_RECONNECT_S)
        # An error in a callback would end paho's thread without a word, and ingest would be deaf.
        client.suppress_exceptions = True
        client.enable_logger(log)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.hear = self._hear
        client.connect_async(settings.broker.host, settings.broker.port, keepalive=_KEEP_ALIVE_S)
        self._client = client

    def start(self) -> None:
        """Connect in the background, now or whenever the broker answers."""
        self._client.loop_start()

    def stop(self) -> None:
        """Send what is queued, leave the broker, end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """Whether messages are coming in within the time."""
        return self._subscribed.wait(timeout_s)

    @property
    def is_up(self) -> bool:
        """Whether messages are coming in, so that others can go out."""
        return self._subscribed.is_set()

    def publish(self, topic: str, body: bytes) -> None:
        """Queue a message; one that finds no room is dropped and logged: the gateway will ask again."""
        info = self._client.publish(topic, body, qos=_QOS)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            log.warning("publish dropped link=%s topic=%s cause=%s", self._name, topic, info.rc)

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Let the broker forget messages and send others; nothing once the connection is another one.

        In one packet of bytes: the client's own `ack` wakes the network thread and asks the system to write
        for each. What came with quality of service 0 has no number, and must not be acknowledged.
        """
        mids = [one.mid for one in deliveries if one.mid and one.link == self._number]
        if mids:
            acks = b"".join(_PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
            self._client._packet_queue(MessageType.PUBACK, acks, mids[-1], _QOS)  # noqa: SLF001  see above

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.error("broker refuses the connection link=%s reason=%s", self._name, reason)
            return
        self._number += 1
        log.info("connected to broker link=%s", self._name)
        for topic_filter in self._filters:
            self._subscribe(client, topic_filter)

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        log.warning("broker does not answer link=%s", self._name)

    def _subscribe(self, client: paho.Client, topic_filter: str) -> None:
        _, mid = client.subscribe(topic_filter, _QOS)
        if mid is not None:
            self._pending[mid] = topic_filter

    def _on_subscribe(
        self, client: paho.Client, _data: Any, mid: int, reasons: list[Any], _properties: Any
    ) -> None:
        topic_filter = self._pending.pop(mid, "")
        if all(reason.value < _REFUSED for reason in reasons):
            if not self._pending:
                self._subscribed.set()
        elif topic_filter.startswith(SHARED):
            log.warning("broker has no shared subscriptions, run one ingest only link=%s", self._name)
            self._subscribe(client, topic_filter.removeprefix(SHARED))
        else:
            log.error("broker refuses the subscription link=%s filter=%s", self._name, topic_filter)

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._subscribed.clear()
        log.warning("disconnected from broker link=%s reason=%s", self._name, reason)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        topic = bytes(message._topic)  # noqa: SLF001  its property would raise, see below
        mid = message.mid if message.qos else 0
        self._hear(Heard(topic, bytes(message.payload), mid, message.retain))

    def _hear(self, heard: Heard) -> None:
        delivery = Delivery(
            # Not every broker sees to it that a topic is UTF-8.
            topic=heard.topic.decode(errors="replace"),
            body=heard.body,
            retained=heard.is_retained,
            received_ms=time.time_ns() // 1_000_000,
            mid=heard.mid,
            link=self._number,
        )
        # Without room the broker may forget it: its gateway has it until the receipt, and sends it again.
        if not self._deliver(delivery) and heard.mid:
            self._client.ack(heard.mid, _QOS)
