"""Ears for tests: real configuration, real sockets, and what came through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge.clock import now_ms
from edge.config import Device, Ear, load_gateway
from edge.drivers.hj212 import framed
from edge.drivers.rims import open_rim
from edge.listening import EarTask
from sitewarden.messages import ClockState
from sitewarden.readings import Reading
from tests.support.waiting import ended, until

TOKEN = "0123456789abcdef"
CHINA = timedelta(hours=8)
STATION: dict[str, Any] = {"device": "dust-1", "profile": "hj212-dust-noise", "identity": "M1"}
CRANE: dict[str, Any] = {
    "device": "crane-9",
    "profile": "goyo-tower-crane",
    "identity": "GY0017",
    "load_chart": "tc5610-like",
}
GATE: dict[str, Any] = {"device": "gate-1", "profile": "generic-access-gate", "identity": "east"}
TAGS: dict[str, Any] = {"device": "people-1", "profile": "generic-positioning", "identity": "tags"}


def local(ago_s: float = 0.0) -> datetime:
    """What a right clock in China shows, or showed so long ago."""
    return datetime.now(UTC).replace(tzinfo=None) + CHINA - timedelta(seconds=ago_s)


def packet(
    noise: float, at: datetime | None = None, *, mn: str = "M1", pm10: float = 100, flag: int = 5
) -> bytes:
    """A packet of a dust station."""
    shown = at or local()
    factors = f"a34002-Rtd={pm10:g},a34002-Flag=N;LA-Rtd={noise:g},LA-Flag=N"
    head = f"QN={shown:%Y%m%d%H%M%S}000;ST=39;CN=2011;PW=1;MN={mn};Flag={flag}"
    return framed(f"{head};CP=&&DataTime={shown:%Y%m%d%H%M%S};{factors}&&")


class Came:
    """What an ear handed over."""

    def __init__(self) -> None:
        self.live: list[Reading] = []
        self.past: list[Reading] = []

    def take(self, _: Device, readings: Sequence[Reading]) -> None:
        self.live += readings

    def take_past(self, _: Device, readings: Sequence[Reading]) -> None:
        self.past += readings

    def of(self, point: str) -> list[tuple[float | None, str]]:
        return [(r.value, r.quality.word) for r in self.live if r.point == point]

    def values(self, point: str) -> list[float | None]:
        return [r.value for r in self.live if r.point == point]


class Heard:
    """An ear that listens, and where."""

    def __init__(self, task: EarTask, came: Came, port: Callable[[], int]) -> None:
        self.task, self.came, self._port = task, came, port

    @property
    def port(self) -> int:
        return self._port()

    @property
    def traffic(self) -> Any:
        return self.task.traffic

    @contextlib.asynccontextmanager
    async def connected(
        self, address: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection from that address."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def ear_of(folder: Path, gateway: dict[str, Any], bus: dict[str, Any]) -> Ear:
    """The ear that a configuration with this one bus has."""
    import yaml  # noqa: PLC0415  only here

    file = folder / "ear.yaml"
    file.write_text(yaml.safe_dump({**gateway, "buses": [{"bus": "ear", **bus}]}, allow_unicode=True))
    (ear,) = load_gateway(file).ears
    return ear


@contextlib.asynccontextmanager
async def listening(
    ear: Ear, *, clock: ClockState = "synced", stamp: Callable[[float], int] | None = None
) -> AsyncIterator[Heard]:
    """Let it listen."""
    came = Came()
    task = EarTask(
        ear, came.take, stamp or (lambda _: now_ms()), past=came.take_past, clock_state=lambda: clock
    )
    rim: Any = open_rim(ear, task)
    running = [asyncio.create_task(rim.run()), asyncio.create_task(task.run())]
    try:
        if hasattr(rim, "port"):
            await until(lambda: rim.port or running[0].done())
        yield Heard(task, came, lambda: int(rim.port))
    finally:
        await ended(*running)
