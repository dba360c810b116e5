"""Readings gathered into batches: columns of many polls are small, and the disk is asked twice a second."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from edge.clock import Clock
from edge.judge import UNWRITTEN
from edge.lane import Lane
from sitewarden.messages import Readings, WorkCycle, series_of
from sitewarden.readings import Reading

FLUSH_S = 0.5
"""Between two batches, at least."""
SOON_S = 0.05
"""After the first reading of a batch: what is read together goes together."""
FEW = 20
"""A batch of fewer waits once more, so at most for a second."""
MANY = 2000
"""A batch of so many goes at once: a message stays small enough for a slow line."""


class Recorder:
    """Puts readings into the lane in batches of at least 20 readings or a second."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        """Writes to `lane`; `clock` is the one that dated the readings."""
        self._lane, self._clock = lane, clock
        self._gathered: list[Reading] = []
        self._cycles: list[WorkCycle] = []
        self._dated_by = clock.offset_ms, clock.state
        self._begun = asyncio.Event()
        """Set with the first reading of a batch: while nothing is read, nothing wakes."""

    def add(self, readings: Sequence[Reading], cycles: Sequence[WorkCycle] = ()) -> None:
        """Take readings, and lifts that ended with them; waits for nothing."""
        if not self._gathered:
            # As of now: when the batch is written, somebody may have set the clock.
            self._dated_by = self._clock.offset_ms, self._clock.state
            self._begun.set()
        self._gathered += readings
        self._cycles += cycles
        if len(self._gathered) >= MANY:
            self.flush()

    async def run(self) -> None:
        """Flush in time until cancelled."""
        monotonic = asyncio.get_running_loop().time
        flushed_at = monotonic()
        while True:
            await self._begun.wait()
            self._begun.clear()
            await asyncio.sleep(max(SOON_S, flushed_at + FLUSH_S - monotonic()))
            if len(self._gathered) < FEW:
                await asyncio.sleep(FLUSH_S)
            self.flush()
            flushed_at = monotonic()

    def flush(self, memory: Mapping[str, bytes | None] | None = None) -> None:
        """Put into the lane whatever is gathered; with it, in one transaction, what is to be remembered.

        So a lift that has ended is either told and forgotten, or neither.
        """
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            cycles, self._cycles = self._cycles, []
            batch = batch_of(gathered, cycles)
            offset_ms, state = self._dated_by
            dated = msgspec.structs.replace(batch, mono=batch.at - offset_ms, clock=state)
            self._lane.put([dated], memory)
        elif memory:
            self._lane.put([], memory)


def batch_of(readings: list[Reading], cycles: Sequence[WorkCycle] = (), *, hist: bool = False) -> Readings:
    """Readings and lifts as a message; `boot` and `seq` are the outbox's to give."""
    at_ms = min(reading.at_ms for reading in readings)
    series = series_of(readings, at_ms)
    return Readings(boot=UNWRITTEN, seq=1, at=at_ms, series=series, cycles=list(cycles), hist=hist)
