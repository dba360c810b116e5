"""Two hundred gateways' messages over one connection, and how long each waits for its receipt.

A process of its own; `bench.ingest_live` starts it. No outboxes here: what is measured is the cloud, and a
message without a receipt is counted as such, not sent again.
"""

import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.outboxes import alarm, name_of
from sitewarden import topics
from sitewarden.messages import DeviceBirth, PointBirth, Readings, Receipt, Series, Status, decode, encode
from sitewarden.text import Text

TICKS_A_SECOND = 50
POINTS, FILL_POINTS, FILL_INSTANTS = 25, 20, 20
"""Of a live message, each once; of one of back-fill, each so often: 400 readings, 50 times a second."""
_FILL_STEP_MS = 100
_ALARM_EVERY = 25
"""Ticks; raised and cleared in turn."""
_AFTER_S = 5.0
"""So long it waits for the last receipts, and after the births."""
_WARM_S = 2.0
"""So long before the measuring begins: whoever is heard for the first time is looked up."""
_STEPS = 500


def site_of(gateway: int, a_site: int) -> str:
    """Whose a gateway is, where so many are on a site."""
    return f"site-{gateway // a_site}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told, as JSON in its only argument."""

    port: int
    gateways: int
    a_site: int
    """So many of them are on one site."""
    is_born_anew: bool
    """Whether, twice a second, one of them begins anew: another boot, and a birth."""
    seconds: float
    fills: bool
    """Whether one gateway more sends what it has held back."""
    result: str


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """From a message's sending to its receipt, s, by kind."""

    live: list[float]
    alarms: list[float]
    fill: list[float]
    unreceipted: int
    late_s: float
    """How far the senders fell behind their own pace at most."""


class _Senders:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._boots = [uuid.uuid4().hex for _ in range(plan.gateways + plan.fills)]
        self._sent: dict[tuple[str, str, int], tuple[str, float]] = {}
        self._waited: dict[str, list[float]] = defaultdict(list)
        self._seqs: dict[tuple[str, str], int] = defaultdict(int)
        self._episode, self._raised_ms = "", 0
        self._filled_ms = time.time_ns() // 1_000_000 - 18 * 3_600_000
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{self._boots[0]}")
        client.max_inflight_messages_set(2_000)
        client.on_message = self._hear
        client.connect("127.0.0.1", plan.port)
        client.loop_start()
        client.subscribe(topics.down("live", "+", "+", "receipts"), qos=1)
        self._client = client

    def run(self) -> Waited:
        for n in range(self._plan.gateways + self._plan.fills):
            self._say(n, "status", self._birth(n))
        time.sleep(_AFTER_S)
        self._send(_WARM_S)
        self._await_receipts()
        self._waited.clear()
        late_s = self._send(self._plan.seconds)
        self._await_receipts()
        self._client.disconnect()
        self._client.loop_stop()
        return Waited(
            live=self._waited["live"],
            alarms=self._waited["alarms"],
            fill=self._waited["fill"],
            unreceipted=len(self._sent),
            late_s=late_s,
        )

    def _await_receipts(self) -> None:
        ends = time.monotonic() + _AFTER_S
        while self._sent and time.monotonic() < ends:
            time.sleep(0.02)

    def _send(self, seconds: float) -> float:
        """Keep the pace; how far it fell behind at most, s."""
        late_s, began = 0.0, time.monotonic()
        for tick in range(int(seconds * TICKS_A_SECOND)):
            ahead_s = began + tick / TICKS_A_SECOND - time.monotonic()
            late_s = max(late_s, -ahead_s)
            if ahead_s > 0:
                time.sleep(ahead_s)
            self._tick(tick)
        return late_s

    def _tick(self, tick: int) -> None:
        at_ms = time.time_ns() // 1_000_000
        each = self._plan.gateways // TICKS_A_SECOND
        for n in range(tick % TICKS_A_SECOND * each, (tick % TICKS_A_SECOND + 1) * each):
            series = [
                Series(p=f"crane-{n}/p{i}", t=[0], x=[round(3 + (tick + i * 13) % _STEPS * 0.01, 2)])
                for i in range(POINTS)
            ]
            self._record(n, "live", Readings(boot=self._boots[n], seq=1, at=at_ms, series=series))
        if self._plan.fills:
            self._fill()
        if tick % _ALARM_EVERY == 0:
            self._alarm(tick // _ALARM_EVERY, at_ms)
            if self._plan.is_born_anew:
                # Not the one whose alarm has just been raised: an episode is of one boot.
                self._begin_anew((tick // _ALARM_EVERY + self._plan.gateways // 2) % self._plan.gateways)

    def _fill(self) -> None:
        instants = [k * _FILL_STEP_MS for k in range(FILL_INSTANTS)]
        n = self._plan.gateways
        series = [
            Series(p=f"crane-{n}/p{i}", t=instants, x=[3.0 + k * 0.01 for k in range(FILL_INSTANTS)])
            for i in range(FILL_POINTS)
        ]
        message = Readings(boot=self._boots[n], seq=1, at=self._filled_ms, series=series, hist=True)
        self._record(n, "fill", message)
        self._filled_ms += FILL_INSTANTS * _FILL_STEP_MS

    def _begin_anew(self, n: int) -> None:
        self._boots[n] = uuid.uuid4().hex
        self._say(n, "status", self._birth(n))

    def _alarm(self, turn: int, at_ms: int) -> None:
        is_raised, n = turn % 2 == 0, turn // 2 % self._plan.gateways
        if is_raised:
            self._episode, self._raised_ms = uuid.uuid4().hex, at_ms
        cleared_ms = None if is_raised else at_ms
        seq = self._next(n, "alarms")
        said = alarm(
            f"crane-{n}",
            self._episode,
            at_ms,
            self._raised_ms,
            cleared_ms=cleared_ms,
            boot=self._boots[n],
            seq=seq,
        )
        self._sent[name_of(n), "alarms", seq] = "alarms", time.monotonic()
        self._say(n, "alarms", said)

    def _record(self, n: int, kind: str, message: Readings) -> None:
        seq = self._next(n, "readings")
        self._sent[name_of(n), "readings", seq] = kind, time.monotonic()
        self._say(n, "readings", msgspec.structs.replace(message, seq=seq))

    def _next(self, n: int, lane: str) -> int:
        self._seqs[name_of(n), lane] += 1
        return self._seqs[name_of(n), lane]

    def _say(self, n: int, channel: topics.UpChannel, message: msgspec.Struct) -> None:
        topic = topics.up("live", site_of(n, self._plan.a_site), name_of(n), channel)
        self._client.publish(topic, encode(message), qos=1, retain=channel == "status")

    def _birth(self, n: int) -> Status:
        points = [PointBirth(p=f"crane-{n}/p{k}", kind="crane.load", stale_after_ms=2_000) for k in range(25)]
        label = Text("塔机", "Crane")
        crane = DeviceBirth(device=f"crane-{n}", kind="crane", label=label, profile="p", points=points)
        at_ms = time.time_ns() // 1_000_000
        return Status(state="online", boot=self._boots[n], at=at_ms, devices=[crane])

    def _hear(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        now_s = time.monotonic()
        gateway = topics.parse(message.topic).gateway
        receipt = decode(bytes(message.payload), Receipt)
        for first, last in receipt.seqs:
            for seq in range(first, last + 1):
                found = self._sent.pop((gateway, receipt.lane, seq), None)
                if found is not None:
                    self._waited[found[0]].append(now_s - found[1])


if __name__ == "__main__":
    told = msgspec.json.decode(sys.argv[1], type=Plan)
    Path(told.result).write_bytes(msgspec.json.encode(_Senders(told).run()))
