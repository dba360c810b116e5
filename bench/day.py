"""A day that a gateway kept to itself: `python -m bench.day FOLDER` fills an outbox by a virtual clock.

The agent's own recorder and lane write 24 h of a simulated crane, eight of its points every 200 ms, at
instants of a clock that is moved, not waited for. Printed are the first instant and the one behind the last,
UTC ms.
"""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random

from edge import clock
from edge.lane import Lane
from edge.recorder import Recorder
from firmware_sim import crane
from firmware_sim.model import Crane
from sitewarden.charts import load_chart
from sitewarden.points import point_kind, quantise
from sitewarden.readings import Reading

HOUR_MS = 3_600_000
STEP_MS = 200
DAY_MS = 24 * HOUR_MS
POINTS = {
    "load": "crane.load",
    "radius": "crane.radius",
    "hook_height": "crane.hook_height",
    "slew": "crane.slew",
    "falls": "crane.falls",
    "wind_speed": "crane.wind_speed",
    "limiter_cutoff": "crane.limiter.cutoff",
    "limiter_bypass": "crane.limiter.bypass",
}
"""Their kinds: eight every 200 ms are 40 a second."""
READINGS = DAY_MS // STEP_MS * len(POINTS)
FLUSH_EVERY = 1000 // STEP_MS
AHEAD = 20
"""Batches that may wait for the disk: a virtual day must not outrun what a real one could not."""


def point(key: str) -> str:
    """The crane's point of that key."""
    return f"crane-1/{key}"


def fill_in_a_process(folder: Path) -> range:
    """Fill the outbox in `folder` in a process of its own; the instants."""
    command = [sys.executable, "-m", "bench.day", str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    first, behind = map(int, said.split())
    return range(first, behind, STEP_MS)


def polls(since_ms: int, until_ms: int) -> Iterator[tuple[int, list[Reading]]]:
    """The crane's readings, an instant at a time, rounded as the agent rounds them."""
    machine = Crane(jib_m=56.0, mast_m=40.0)
    line = load_chart("tc5610-like", Path()).falls[machine.falls]
    work, noise, state = Random("day"), Random("day/noise"), crane.start(machine)
    steps = {key: point_kind(kind).resolution for key, kind in POINTS.items()}
    for at_ms in range(since_ms, until_ms, STEP_MS):
        t_s = (at_ms - since_ms) / 1000
        state = crane.step(machine, line, state, t_s=t_s, dt_s=STEP_MS / 1000, rng=work)
        said = crane.read(machine, state, noise)
        yield at_ms, [Reading(point(key), at_ms, quantise(said[key], step)) for key, step in steps.items()]


async def fill(folder: Path, since_ms: int, until_ms: int) -> None:
    """Write the day into the outbox of `folder`."""
    now_ms = since_ms
    clock.now_ms = lambda: now_ms
    lane = Lane("readings", folder, boot=uuid.uuid4().hex)
    recorder, writing = Recorder(lane, clock.Clock()), asyncio.create_task(lane.run())
    for n, (at_ms, readings) in enumerate(polls(since_ms, until_ms), start=1):
        now_ms = at_ms
        recorder.add(readings)
        if n % FLUSH_EVERY == 0:
            recorder.flush()
        if n % (AHEAD * FLUSH_EVERY) == 0:
            await lane.flushed()
    recorder.flush()
    await lane.flushed()
    writing.cancel()
    await asyncio.wait((writing,))
    lane.close()


if __name__ == "__main__":
    behind_ms = clock.now_ms() // STEP_MS * STEP_MS
    outbox = Path(sys.argv[1])
    outbox.mkdir(parents=True)
    asyncio.run(fill(outbox, behind_ms - DAY_MS, behind_ms))
    print(behind_ms - DAY_MS, behind_ms)
