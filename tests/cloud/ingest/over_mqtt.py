"""A gateway on a real broker, as far as ingest can tell: publishes records, collects what it is told."""

import threading
import time
from collections.abc import Callable

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sitewarden import topics
from sitewarden.messages import Command, MediaAnswers, Receipt, decode, encode
from tests.cloud.site import channel_of
from tests.support.broker import Broker

DEADLINE_S = 45.0


def wait_for(
    condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S, *, every_s: float = 0.005
) -> None:
    """Until the condition holds, or fail."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(every_s)


class Gateway:
    """Publishes in mode live; what it was told lies in `receipts` (boot, lane, seq) and `commands`."""

    def __init__(self, broker: Broker, site: str = "demo", name: str = "gw-1") -> None:
        self._site, self._name = site, name
        self.receipts: list[tuple[str, str, int]] = []
        self.commands: list[str] = []
        self.answers: list[MediaAnswers] = []
        self.on_receipt: Callable[[Receipt], None] = lambda _: None
        credentials = broker.add_user(f"{site}/{name}")
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(credentials.username, credentials.password)
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(100)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [
                (topics.down("live", site, name, "receipts"), 1),
                (topics.down("live", site, name, "command"), 1),
                (topics.down("live", site, name, "media"), 1),
            ]
        )
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(DEADLINE_S)

    def say(self, *messages: msgspec.Struct, retain: bool = False, qos: int = 1) -> None:
        for message in messages:
            topic = topics.up("live", self._site, self._name, channel_of(message))  # type: ignore[arg-type]
            self._client.publish(topic, encode(message), qos=qos, retain=retain)

    def receipted(self, lane: str = "readings") -> set[int]:
        return {seq for _, of, seq in list(self.receipts) if of == lane}

    def wait_for_receipt(self, *messages: msgspec.Struct) -> None:
        lane = channel_of(messages[0])
        seqs = {message.seq for message in messages}  # type: ignore[attr-defined]
        wait_for(lambda: seqs <= self.receipted(lane), f"receipts of {len(seqs)} {lane}")

    def say_until_receipted(self, message: msgspec.Struct, deadline_s: float = DEADLINE_S) -> None:
        """As a gateway does: again and again, for ingest may not hear yet."""

        def is_receipted() -> bool:
            self.say(message)
            return message.seq in self.receipted(channel_of(message))  # type: ignore[attr-defined]

        wait_for(is_receipted, "a receipt", deadline_s, every_s=0.2)

    def close(self) -> None:
        # A retained birth would greet the next test's ingest.
        self._client.publish(topics.up("live", self._site, self._name, "status"), b"", qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/command"):
            self.commands.append(decode(message.payload, Command).command)
            return
        if message.topic.endswith("/media"):
            self.answers.append(decode(message.payload, MediaAnswers))
            return
        receipt = decode(message.payload, Receipt)
        self.on_receipt(receipt)
        for first, last in receipt.seqs:
            self.receipts.extend((receipt.boot, receipt.lane, seq) for seq in range(first, last + 1))
