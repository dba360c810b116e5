"""Buses and ears at work: some take the place of others, and the rest go on without missing a poll."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from edge import systemd
from edge.bus import BusTask
from edge.config import Bus, Device, Ear, Gateway
from edge.drivers.modbus import open_link
from edge.drivers.rims import listen
from edge.health import Owner
from edge.listening import EarTask

MakeBus = Callable[[Bus], BusTask]
MakeEar = Callable[[Ear], EarTask]


class Readers(Protocol):
    """Whoever reads a gateway's site: its lines at work, or in a replay the recording of them."""

    @property
    def owners(self) -> Sequence[Owner]:
        """By whom each line is held."""

    @property
    def tasks(self) -> Iterator[asyncio.Task[None]]:
        """All that run."""

    @property
    def asked(self) -> Mapping[str, BusTask]:
        """By device whoever can ask it again."""

    async def begin(self, group: asyncio.TaskGroup, gateway: Gateway) -> None:
        """Read, by tasks that are made in `group`."""

    async def change(self, gateway: Gateway) -> None:
        """Read by another configuration; what is asked or heard as before goes on."""

    def work(self) -> Mapping[str, systemd.Work]:
        """What must make progress."""

    def since_s(self, name: str) -> float | None:
        """Since when a line is at work, in seconds of the boot's own clock."""


class _Line(NamedTuple):
    """One bus or ear at work."""

    asked: Any
    """By what two of one name are equal: what is asked or heard, not what comes of it."""
    owner: BusTask | EarTask
    tasks: Sequence[asyncio.Task[None]]
    since_s: float


class Lines:
    """All buses and ears of a gateway."""

    def __init__(self, make_bus: MakeBus, make_ear: MakeEar) -> None:
        """Nothing is read yet."""
        self._make_bus, self._make_ear = make_bus, make_ear
        self._lines: dict[str, _Line] = {}
        self.asked: Mapping[str, BusTask] = {}
        """By device whoever can ask it again."""

    @property
    def owners(self) -> Sequence[BusTask | EarTask]:
        """Whoever reads a bus, then whoever listens."""
        buses = [line.owner for line in self._lines.values() if isinstance(line.owner, BusTask)]
        return [*buses, *(line.owner for line in self._lines.values() if isinstance(line.owner, EarTask))]

    @property
    def tasks(self) -> Iterator[asyncio.Task[None]]:
        """All that run."""
        return (task for line in self._lines.values() for task in line.tasks)

    async def begin(self, group: asyncio.TaskGroup, gateway: Gateway) -> None:
        """Read, by tasks that are made in `group`."""
        self._group = group
        await self.change(gateway)

    def work(self) -> Mapping[str, systemd.Work]:
        """What must make progress."""
        return {f"bus {name}": systemd.Work(line.owner.overdue_s) for name, line in self._lines.items()}

    def since_s(self, name: str) -> float | None:
        """Since when a line is at work, in seconds of the boot's own clock."""
        line = self._lines.get(name)
        return None if line is None else line.since_s

    async def change(self, gateway: Gateway) -> None:
        """What is asked or heard as before goes on; the others end before new ones begin.

        Two masters on one line hear each other, and a port has one listener.
        """
        wanted = {line.name: line for line in gateway.lines}
        gone = {
            name
            for name, line in self._lines.items()
            if name not in wanted or asked(wanted[name]) != line.asked
        }
        ending = [task for name in gone for task in self._lines.pop(name).tasks]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        # In the order of the configuration, whatever has stayed.
        self._lines = {
            name: self._lines[name] if name in self._lines else self._begun(line)
            for name, line in wanted.items()
        }
        self.asked = {
            device.name: line.owner
            for line in self._lines.values()
            if isinstance(line.owner, BusTask)
            for device in line.owner.bus.devices
        }

    def _begun(self, line: Bus | Ear) -> _Line:
        owner: BusTask | EarTask
        if isinstance(line, Bus):
            owner = self._make_bus(line)
            work: dict[str, Coroutine[Any, Any, None]] = {
                f"link {line.name}": owner.link.run(),
                f"bus {line.name}": owner.run(),
            }
        else:
            owner = self._make_ear(line)
            work = {f"ear {line.name}": owner.run(), f"rim {line.name}": listen(line, owner)}
        tasks = [self._group.create_task(coroutine, name=name) for name, coroutine in work.items()]
        return _Line(asked(line), owner, tasks, time.monotonic())


def asked(line: Bus | Ear) -> Any:
    """What is asked on a bus or heard at an ear, and of whom; not what is made of the answers."""
    own = msgspec.structs.asdict(line)
    devices: tuple[Device, ...] = own.pop("devices")
    return own, [(type(device), *(getattr(device, name, None) for name in _ASKED)) for device in devices]


_ASKED = ("name", "unit", "identity", "token", "profile", "intervals_ms")


def bus_task(bus: Bus, sink: Callable[..., None], stamp: Callable[[float], int]) -> BusTask:
    """Somebody who reads a bus over a link of its own."""
    return BusTask(bus, open_link(bus.modbus, settle_s=bus.settle_s), sink, stamp)
