"""The bare loop that alarm latency is compared with: read, compare, publish, and no more."""

import asyncio
import json
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

TOPIC = "sw/1/test/bench/gw-1/up/bare"
REGISTERS = 7
PATIENCE_S = 300.0


class BareLoop:
    """Polls every bus in a task of its own, and notes when the first register passes the limit."""

    def __init__(
        self,
        *,
        bus_ports: Sequence[int],
        broker_port: int,
        gateway: tuple[str, str],
        observer_password: str,
        limit_raw: int,
        interval_s: float,
    ) -> None:
        """`gateway` is user and password; `limit_raw` is compared with the register of the load."""
        self._bus_ports, self._limit_raw, self._interval_s = bus_ports, limit_raw, interval_s
        self._sirens: list[tuple[int, int]] = []
        """Crane and ms of each alarm, as noted here."""
        self._delivered: dict[int, int] = {}
        """When the subscriber had it, by its number."""
        self._publisher = _client(broker_port, *gateway)
        self._subscriber = _client(broker_port, "observer", observer_password)
        self._subscribed = threading.Event()
        self._subscriber.on_subscribe = lambda *_: self._subscribed.set()
        self._subscriber.on_message = self._note_delivery

    def measure(self, wanted: int, ledger: Path) -> dict[str, list[int]]:
        """Latencies in ms of `wanted` alarms: `siren` and `delivered`, against the simulator's ledger."""
        self._subscriber.subscribe(TOPIC, qos=1)
        self._subscribed.wait(10)
        try:
            asyncio.run(self._poll_until(wanted))
        finally:
            for client in (self._publisher, self._subscriber):
                client.disconnect()
                client.loop_stop()
        return self._latencies(ledger)

    async def _poll_until(self, wanted: int) -> None:
        tasks = [asyncio.create_task(self._poll(n, port)) for n, port in enumerate(self._bus_ports)]
        ends = time.monotonic() + PATIENCE_S
        while len(self._delivered) < wanted and time.monotonic() < ends:
            await asyncio.sleep(0.2)
            for task in tasks:
                if task.done():
                    await task
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, crane: int, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        loop, was_beyond, transaction = asyncio.get_running_loop(), True, 0
        due = loop.time() + self._interval_s * crane / len(self._bus_ports)
        while True:
            await asyncio.sleep(due - loop.time())
            due += self._interval_s
            transaction = (transaction + 1) % 65536
            writer.write(struct.pack(">HHHBBHH", transaction, 0, 6, 1, 3, 0, REGISTERS))
            answer = await reader.readexactly(9 + 2 * REGISTERS)
            beyond = struct.unpack_from(">H", answer, 9)[0] >= self._limit_raw
            if beyond and not was_beyond:
                self._alarm(crane)
            was_beyond = beyond

    def _note_delivery(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._delivered.setdefault(int(message.payload), time.time_ns() // 1_000_000)

    def _alarm(self, crane: int) -> None:
        self._sirens.append((crane, time.time_ns() // 1_000_000))
        self._publisher.publish(TOPIC, str(len(self._sirens) - 1), qos=1)

    def _latencies(self, ledger: Path) -> dict[str, list[int]]:
        begun: dict[str, list[int]] = {}
        for line in map(json.loads, ledger.read_text(encoding="utf-8").splitlines()):
            if line["change"] == "beyond":
                begun.setdefault(line["device"], []).append(line["at_ms"])
        found: dict[str, list[int]] = {"siren": [], "delivered": []}
        for number, (crane, siren_ms) in enumerate(self._sirens):
            began = max((at for at in begun[f"crane-{crane}"] if at <= siren_ms), default=siren_ms)
            found["siren"].append(siren_ms - began)
            if number in self._delivered:
                found["delivered"].append(self._delivered[number] - began)
        return found


def _client(port: int, user: str, password: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"bare-{user.replace('/', '-')}")
    client.username_pw_set(user, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client
