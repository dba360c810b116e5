"""Gateways with their real outboxes and uplinks, in a process of its own, and a ledger of all put into them.

`bench.ingest_kill` starts it. Told to end (SIGTERM), it puts in no more, waits until the outboxes are empty,
writes the ledger down, and ends.
"""

import asyncio
import contextlib
import signal
import sys
import time
import uuid
from collections.abc import Awaitable
from pathlib import Path

import msgspec

from edge.config import Broker, Gateway
from edge.judge import UNWRITTEN
from edge.lane import Lane
from edge.recorder import batch_of
from edge.uplink import Uplink
from sitewarden.messages import Alarm, DeviceBirth, PointBirth
from sitewarden.readings import Reading
from sitewarden.rules import Basis
from sitewarden.text import Text

PATIENCE_S = 120.0
_EVERY_S = 0.2
_ALARM_EVERY = 10
"""Batches; each is a transition, raised and cleared in turn."""
_STEPS = 500


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told, as JSON in its only argument."""

    folder: str
    port: int
    site: str
    gateways: int
    points: int
    ledger: str


class Ledger(msgspec.Struct, kw_only=True):
    """What was put into the outboxes."""

    readings: list[tuple[str, int, float]] = []
    """Point, instant, value."""
    alarms: list[tuple[str, int]] = []
    """Gateway, and how many transitions."""
    left: int = 0
    """Records that were still in an outbox when patience ended."""


def name_of(gateway: int) -> str:
    """Of a gateway."""
    return f"gw-{gateway}"


class _One:
    """A gateway: two lanes, an uplink, and what is put in."""

    def __init__(self, plan: Plan, number: int, ledger: Ledger) -> None:
        self._number, self._device, self._ledger = number, f"crane-{number}", ledger
        folder, boot = Path(plan.folder) / name_of(number), uuid.uuid4().hex
        folder.mkdir()
        self.lanes = Lane("alarms", folder, boot=boot), Lane("readings", folder, boot=boot)
        self._keys = [f"{self._device}/p{k}" for k in range(plan.points)]
        points = [PointBirth(p=key, kind="crane.load", stale_after_ms=2_000) for key in self._keys]
        label = Text("塔机", "Crane")
        born = DeviceBirth(device=self._device, kind="crane", label=label, profile="p", points=points)
        broker = Broker(host="127.0.0.1", port=plan.port, username=None, password=None, ca_file=None)
        gateway = Gateway(
            site=plan.site,
            name=name_of(number),
            mode="live",
            data_dir=folder,
            broker=broker,
            outputs=(),
            buses=(),
        )
        uplink = Uplink(gateway, self.lanes, [born], boot=boot, heartbeat_s=5.0)
        self.works: tuple[Awaitable[None], ...] = (self.lanes[0].run(), self.lanes[1].run(), uplink.run())
        self._episode, self._raised_ms, self.alarms = "", 0, 0

    def put(self, k: int) -> None:
        at_ms = time.time_ns() // 1_000_000
        found = [
            Reading(key, at_ms, round(3 + (k * 7 + i * 13) % _STEPS * 0.01, 2))
            for i, key in enumerate(self._keys)
        ]
        self.lanes[1].put([batch_of(found)])
        self._ledger.readings += [(one.point, one.at_ms, one.value or 0.0) for one in found]
        if k % _ALARM_EVERY == 0:
            self.lanes[0].put([self._alarm(at_ms)])
            self.alarms += 1

    def _alarm(self, at_ms: int) -> Alarm:
        is_raised = self.alarms % 2 == 0
        if is_raised:
            self._episode, self._raised_ms = uuid.uuid4().hex, at_ms
        return alarm(
            self._device, self._episode, at_ms, self._raised_ms, cleared_ms=None if is_raised else at_ms
        )

    def left(self) -> int:
        return sum(lane.state.depth + lane.unwritten for lane in self.lanes)


def alarm(
    device: str,
    episode: str,
    at_ms: int,
    raised_ms: int,
    *,
    cleared_ms: int | None,
    boot: str = UNWRITTEN,
    seq: int = 1,
) -> Alarm:
    """A transition of a crane's overload; `boot` and `seq` are the outbox's to give."""
    return Alarm(
        boot=boot,
        seq=seq,
        at=at_ms,
        change="raised" if cleared_ms is None else "cleared",
        episode=episode,
        device=device,
        point=f"{device}/p0",
        kind="crane.load",
        rule="bench-load",
        rule_version=1,
        family="crane-overload",
        level=3,
        label=Text("起重量超过额定值", "Load above rated"),
        unit="t",
        value=8.2,
        limit=8.0,
        peak=8.2,
        raised_at=raised_ms,
        cleared_at=cleared_ms,
        basis=Basis(clause="—", source="practice", confidence="synthetic"),
    )


async def run(plan: Plan) -> Ledger:
    """Put in until told to end, then wait until all is out."""
    ending, ledger = asyncio.Event(), Ledger()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    gateways = [_One(plan, number, ledger) for number in range(plan.gateways)]
    tasks = [asyncio.ensure_future(work) for gateway in gateways for work in gateway.works]
    k = 0
    while not ending.is_set():
        for gateway in gateways:
            gateway.put(k)
        k += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), _EVERY_S)
    deadline = time.monotonic() + PATIENCE_S
    while any(gateway.left() for gateway in gateways) and time.monotonic() < deadline:  # noqa: ASYNC110  a depth has no event
        await asyncio.sleep(0.05)
    ledger.left = sum(gateway.left() for gateway in gateways)
    ledger.alarms = [(name_of(n), gateway.alarms) for n, gateway in enumerate(gateways)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return ledger


if __name__ == "__main__":
    told = msgspec.json.decode(sys.argv[1], type=Plan)
    Path(told.ledger).write_bytes(msgspec.json.encode(asyncio.run(run(told))))
