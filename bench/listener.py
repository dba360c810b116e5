"""Who listens on the broker: notes all that comes and gives our gateway the receipts that the cloud would."""

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.counting import Column
from bench.gateway import GATEWAY_ID, SITE
from bench.thingsboard_stub import answer as thingsboard_answer
from sitewarden import topics
from sitewarden.messages import Alarm, Lane, Readings, Receipt, Status, decode, encode

TOPICS = (f"sw/1/live/{SITE}/{GATEWAY_ID}/up/#", "bare/#", "v1/#")
RECEIPT_EVERY_S = 0.02
"""So often the records of a lane are receipted together, as the cloud's ingest does with its transactions."""
RECEIPTS = topics.down("live", SITE, GATEWAY_ID, "receipts")
TEMPERATURE_STEPS = 10
"""A register counts in tenths of a degree; peers tell its number, we tell degrees."""


class HeardAlarm(NamedTuple):
    """An alarm's transition when it arrived for the first time."""

    alarm: Alarm
    at_s: float
    """Monotonic."""


class HeardBatch(NamedTuple):
    """Readings that arrived together."""

    at_s: float
    """Monotonic."""
    from_ms: int
    to_ms: int
    """Between which instants they lie."""
    readings: int


class HeardStatus(NamedTuple):
    """A birth or heartbeat when it arrived."""

    status: Status
    at_s: float


class Listener:
    """Of one broker; `with` connects and ends it."""

    def __init__(self, port: int) -> None:
        """Hears whatever comes to `TOPICS`."""
        self.columns: dict[str, Column] = defaultdict(Column)
        """Good readings by point."""
        self.bad: dict[str, set[int]] = defaultdict(set)
        """Instants of readings without a value, by point."""
        self.batches: list[HeardBatch] = []
        self.alarms: dict[tuple[str, int], HeardAlarm] = {}
        """By boot and seq."""
        self.statuses: list[HeardStatus] = []
        self._port = port
        self._owed: dict[tuple[str, Lane], set[int]] = defaultdict(set)
        self._lock, self._ended, self._subscribed = threading.Lock(), threading.Event(), threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-listener")
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in TOPICS])
        # What is small goes at once: a listener that waits for more would be measured in place of a gateway.
        self._client.on_socket_open = lambda _, __, opened: _undelayed(opened)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _, __, message: self.hear(message.topic, bytes(message.payload))
        self._receipts = threading.Thread(target=self._give_receipts, name="receipts", daemon=True)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._subscribed.wait(10.0):
            raise TimeoutError("the broker did not let the listener listen")
        self._receipts.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._receipts.join()
        self._client.disconnect()
        self._client.loop_stop()

    def forget(self) -> None:
        """Begin anew, for the next candidate."""
        for kept in (self.columns, self.bad, self.alarms):
            kept.clear()
        self.batches.clear()
        self.statuses.clear()

    def hear(self, topic: str, body: bytes) -> None:
        """Take a message that has just arrived."""
        now_s = time.monotonic()
        if topic.startswith("sw/"):
            self._hear_gateway(topic.rpartition("/")[2], body, now_s)
        elif topic.startswith("bare/"):
            self._take_row(topic.rpartition("/")[2], json.loads(body), now_s)
        elif topic == "v1/gateway/telemetry":
            for device, rows in json.loads(body).items():
                for row in rows:
                    self._take_row(device, row, now_s)
        elif (said := thingsboard_answer(topic, body)) is not None:
            self._client.publish(*said, qos=1)

    def _hear_gateway(self, channel: str, body: bytes, now_s: float) -> None:
        if channel == "readings":
            self._take_readings(decode(body, Readings), now_s)
        elif channel == "alarms":
            alarm = decode(body, Alarm)
            self.alarms.setdefault((alarm.boot, alarm.seq), HeardAlarm(alarm, now_s))
            self._owe(alarm.boot, "alarms", alarm.seq)
        else:
            self.statuses.append(HeardStatus(decode(body, Status), now_s))

    def _take_readings(self, message: Readings, now_s: float) -> None:
        self._owe(message.boot, "readings", message.seq)
        count, first, last = 0, message.at, message.at
        for series in message.series:
            count += len(series.t)
            first, last = min(first, message.at + min(series.t)), max(last, message.at + max(series.t))
            good = [(message.at + t, x) for t, x in zip(series.t, series.x, strict=True) if x is not None]
            if len(good) < len(series.t):
                bad = (message.at + t for t, x in zip(series.t, series.x, strict=True) if x is None)
                self.bad[series.p].update(bad)
            # In the register's own numbers, so that ours and the peers' are counted alike.
            self.columns[series.p].add([at for at, _ in good], [x * TEMPERATURE_STEPS for _, x in good])
        self.batches.append(HeardBatch(now_s, first, last, count))

    def _take_row(self, device: str, row: Mapping[str, object], now_s: float) -> None:
        """One poll as the bare loop, Node-RED and ThingsBoard's gateway tell it: `{ts, values}`."""
        at_ms, values = row["ts"], row["values"]
        assert isinstance(at_ms, int)  # noqa: S101  # else the candidate was set up wrongly
        assert isinstance(values, dict)  # noqa: S101
        for key, value in values.items():
            self.columns[f"{device}/{key}"].add((at_ms,), (float(value),))
        self.batches.append(HeardBatch(now_s, at_ms, at_ms, len(values)))

    def _owe(self, boot: str, lane: Lane, seq: int) -> None:
        with self._lock:
            self._owed[boot, lane].add(seq)

    def _give_receipts(self) -> None:
        while not self._ended.wait(RECEIPT_EVERY_S):
            with self._lock:
                owed, self._owed = self._owed, defaultdict(set)
            for (boot, lane), seqs in owed.items():
                receipt = Receipt(boot=boot, lane=lane, seqs=ranges(seqs))
                self._client.publish(RECEIPTS, encode(receipt), qos=1)


def _undelayed(opened: object) -> None:
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def ranges(seqs: Iterable[int]) -> list[tuple[int, int]]:
    """The same numbers as ranges with both ends."""
    found: list[tuple[int, int]] = []
    for seq in sorted(seqs):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found


def wait_until(is_so: Callable[[], object], within_s: float, what: str, check: Callable[[], None]) -> None:
    """Wait for a condition; raises `TimeoutError`, or what `check` raises where a program has died."""
    ends = time.monotonic() + within_s
    while not is_so():
        check()
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.05)
