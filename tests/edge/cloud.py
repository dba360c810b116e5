"""The other end of the wire for tests: hears a gateway over a real broker and gives receipts when told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sitewarden import bundle, topics
from sitewarden.messages import (
    Alarm,
    Command,
    Configuration,
    ConfigurationReport,
    Lane,
    MediaAnswers,
    MediaOffer,
    Readings,
    Receipt,
    Status,
    decode,
    encode,
)
from sitewarden.trials import TrialAsked, TrialTold
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_S

Record = Alarm | Readings


class Cloud:
    """Everything heard from one gateway, in order; `receipts` decides which records are receipted at once."""

    def __init__(self, broker: Broker, site: str, gateway: str, mode: topics.Mode = "live") -> None:
        self.heard: list[Record | Status] = []
        self.retained: list[Status] = []
        self.trials: list[TrialTold] = []
        self.reports: list[ConfigurationReport] = []
        self.offers: list[MediaOffer] = []
        self.receipts: Callable[[Record], bool] = lambda _: True
        self._mode, self._address = mode, (site, gateway)
        self._subscribed = threading.Event()
        self._paho = paho.Client(CallbackAPIVersion.VERSION2)
        self._paho.username_pw_set(broker.cloud.username, broker.cloud.password)
        self._paho.on_message = self._on_message
        self._paho.on_subscribe = lambda *_: self._subscribed.set()
        self._paho.on_connect = lambda client, *_: client.subscribe(f"sw/1/+/{site}/{gateway}/up/#", qos=1)
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    @property
    def alarms(self) -> list[Alarm]:
        return [message for message in self.heard if isinstance(message, Alarm)]

    @property
    def readings(self) -> list[Readings]:
        return [message for message in self.heard if isinstance(message, Readings)]

    def states(self, state: str) -> list[Status]:
        return [m for m in self.heard if isinstance(m, Status) and m.state == state]

    def receipt(self, record: Record) -> None:
        lane: Lane = "alarms" if isinstance(record, Alarm) else "readings"
        self.publish("receipts", Receipt(boot=record.boot, lane=lane, seqs=[(record.seq, record.seq)]))

    def ask_for_birth(self) -> None:
        self.publish("command", Command(command="rebirth"))

    def acknowledge(self, episode: str | None, by: str, request: str | None = None) -> None:
        self.publish("command", Command(command="acknowledge", episode=episode, by=by, request=request))

    def shelve(self, of: Alarm, until: int, *, reason: str = "校准", request: str | None = None) -> None:
        self.publish(
            "command",
            Command(
                command="shelve",
                episode=of.episode,
                point=of.point,
                rule=of.rule,
                until=until,
                reason=reason,
                by="zhang",
                request=request,
            ),
        )

    def configure(self, version: int, files: dict[str, str], check: str | None = None) -> None:
        """Send a configuration, once."""
        message = Configuration(version=version, hash=bundle.digest(files), files=files, check=check)
        self.publish("config", message)

    def became(self, state: str, version: int = 0) -> list[ConfigurationReport]:
        """What was said of a version."""
        return [report for report in self.reports if (report.state, report.version) == (state, version)]

    def publish(
        self,
        channel: topics.DownChannel,
        message: Receipt | Command | Configuration | TrialAsked | MediaAnswers,
    ) -> None:
        self._paho.publish(topics.down(self._mode, *self._address, channel), encode(message), qos=1)

    def publish_raw(self, channel: topics.DownChannel, body: bytes) -> None:
        self._paho.publish(topics.down(self._mode, *self._address, channel), body, qos=1)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        body, channel = bytes(message.payload), topics.parse(message.topic).channel
        if channel == "status":
            status = decode(body, Status)
            self.heard.append(status)
            if message.retain:
                self.retained.append(status)
            return
        if channel == "trial":
            self.trials.append(decode(body, TrialTold))
            return
        if channel == "config":
            self.reports.append(decode(body, ConfigurationReport))
            return
        if channel == "media":
            self.offers.append(decode(body, MediaOffer))
            return
        record = decode(body, Alarm) if channel == "alarms" else decode(body, Readings)
        self.heard.append(record)
        if self.receipts(record):
            self.receipt(record)


@contextmanager
def listening(broker: Broker, site: str, gateway: str, mode: topics.Mode = "live") -> Iterator[Cloud]:
    cloud = Cloud(broker, site, gateway, mode)
    try:
        yield cloud
    finally:
        cloud.close()
