"""The gateway's own folder: one agent holds it while it runs, and both lanes to the cloud lie in it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from edge import systemd
from edge.lane import Lane, open_lane
from edge.lock import locked
from sitewarden import messages


class Folder:
    """What the gateway keeps over a restart, and sends from."""

    def __init__(self, path: Path, *, boot: str) -> None:
        """Held from now on; raises `AlreadyRunningError`.

        A folder that cannot be used is no reason to leave the site unwatched: both lanes are in memory then.
        """
        self._lock = locked(path)
        self.path = path if self._lock else None
        """`None` where it cannot be used."""
        self.alarms = open_lane("alarms", self.path, boot=boot)
        self.readings = open_lane("readings", self.path, boot=boot)

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """Alarms, then readings."""
        return self.alarms, self.readings

    def begin(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Have the disk take what is put into the lanes; they end last of all."""
        return [group.create_task(lane.run(), name=f"lane {lane.name}") for lane in self.lanes]

    def work(self) -> Mapping[str, systemd.Work]:
        """What must make progress."""
        return {
            f"outbox {lane.name}": systemd.Work(lane.silent_s, systemd.DISK_STUCK_S) for lane in self.lanes
        }

    def used_bytes(self) -> dict[messages.Lane, int]:
        """By lane, as last measured."""
        return {lane.name: lane.used_bytes for lane in self.lanes}

    async def measure(self) -> None:
        """Look how large the files are."""
        for lane in self.lanes:
            await lane.measure()

    def shift(self, by_ms: int) -> None:
        """The wall clock was set: put right what was put in before and never sent; waits for nothing."""
        for lane in self.lanes:
            lane.shift(by_ms)

    async def flushed(self) -> None:
        """Wait until all that was put in is on disk."""
        for lane in self.lanes:
            await lane.flushed()

    def close(self) -> None:
        """Let go of the files, then of the folder."""
        for lane in self.lanes:
            lane.close()
        if self._lock:
            self._lock.close()
