"""What polling costs: ten Modbus TCP devices of twenty points each, polled every second and every 100 ms.

Our agent runs as it does on site (`sitewarden edge run`, a durable outbox, every point judged by a rule at
every reading, a real Mosquitto, a listener that gives receipts for what it got). Counted is the processor
time of the agent's own process, in user and in kernel, over a window after a warm-up, for each thousand
readings whose instants lie in the window and which arrived with good quality.

The baseline is a bare asyncio loop (`bench.bare_gateway`) on the same devices and broker, measured
alternately with ours; figures are medians over the rounds. Memory is what is resident at the end of a window.
"Nothing due" is an agent that is connected, sends its heartbeat and has nothing to read for an hour.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from bench import counting, gateway, peers
from bench.candidates import BARE, OURS, Candidate
from bench.devices import BusPlan
from bench.listener import wait_until
from bench.report import Result
from bench.rig import PATIENCE_S, Rig, cpu_s, resident_mb

DEVICES = 10
INTERVALS_MS = {"1 s": 1000, "100 ms": 100}
NOTHING_DUE_MS = 3_600_000
ROUNDS, ROUNDS_QUICK = 3, 2
WINDOW_S, WINDOW_QUICK_S, SLOW_WINDOW_S = 20.0, 10.0, 20.0
"""The last where little is computed: the system counts in hundredths of a second."""
WARM_UP_S = 5.0
SETTLE_S = 2.0
"""What was read at the end of a window has arrived by then."""
MOST_CPU_S, MOST_RATIO, LEAST_DELIVERED, MOST_MB, MOST_IDLE = 0.025, 1.0, 99.5, 60.0, 0.5


class Sample(NamedTuple):
    """One candidate in one window."""

    cpu_s: float
    window_s: float
    delivered: int
    due: int
    resident_mb: float

    @property
    def cpu_s_per_1000(self) -> float:
        """Of the readings that arrived."""
        return 1000 * self.cpu_s / self.delivered if self.delivered else float("inf")

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return counting.percent(self.cpu_s, self.window_s)

    @property
    def delivered_percent(self) -> float:
        """Of what was due."""
        return counting.percent(self.delivered, self.due)


Samples = dict[str, list[Sample]]
"""By candidate's name."""


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    buses = [BusPlan(bus=f"bus-{n}", units={f"station-{n}": 1}) for n in range(DEVICES)]
    rounds, window_s = (ROUNDS_QUICK, WINDOW_QUICK_S) if quick else (ROUNDS, WINDOW_S)
    windows_s = {"1 s": SLOW_WINDOW_S, "100 ms": window_s}
    with Rig() as rig, rig.devices(buses):
        samples = {
            name: _alternately(rig, buses, interval_ms, rounds, windows_s[name])
            for name, interval_ms in INTERVALS_MS.items()
        }
        idle = _sample(rig, OURS, buses, NOTHING_DUE_MS, SLOW_WINDOW_S)
    return [*_costs(samples), *_others(samples["100 ms"], idle)]


def _alternately(
    rig: Rig, buses: Sequence[BusPlan], interval_ms: int, rounds: int, window_s: float
) -> Samples:
    """Ours, bare, ours, bare: what else the machine does falls on both. Peers run once."""
    samples: Samples = {}
    for _ in range(rounds):
        for candidate in (OURS, BARE):
            sample = _sample(rig, candidate, buses, interval_ms, window_s)
            samples.setdefault(candidate.name, []).append(sample)
    for candidate in peers.installed():
        samples[candidate.name] = [_sample(rig, candidate, buses, interval_ms, window_s)]
    return samples


def _sample(
    rig: Rig, candidate: Candidate, buses: Sequence[BusPlan], interval_ms: int, window_s: float
) -> Sample:
    listener = rig.listener
    listener.forget()
    points = gateway.points([device for bus in buses for device in bus.units])
    command = candidate.command(rig, buses, interval_ms, rig.broker_port)
    with rig.running(candidate.name, command) as program:
        heard = f"a reading of every point from {candidate.name}"
        wait_until(
            lambda: all(point in listener.columns for point in points), PATIENCE_S, heard, program.check
        )
        time.sleep(WARM_UP_S)
        since_ms, before_s = time.time_ns() // 1_000_000, cpu_s(program.pid)
        time.sleep(window_s)
        until_ms, after_s = time.time_ns() // 1_000_000, cpu_s(program.pid)
        resident = resident_mb(program.pid)
        time.sleep(SETTLE_S)
        program.check()
    columns = [listener.columns[point] for point in points]
    due = counting.due(since_ms, until_ms, interval_ms)
    came = sum(
        min(due, counting.delivered(column.instants, since_ms, until_ms, interval_ms)) for column in columns
    )
    return Sample(after_s - before_s, (until_ms - since_ms) / 1000, came, due * len(points), resident)


def _costs(samples: dict[str, Samples]) -> list[Result]:
    rows: list[Result] = []
    for interval, of_interval in samples.items():
        found = {
            name: counting.median([s.cpu_s_per_1000 for s in many]) for name, many in of_interval.items()
        }
        figure = f"cpu per 1000 values, {interval}"
        rows.append(
            Result(
                name=figure,
                value=found[OURS.name],
                unit="s",
                goal=MOST_CPU_S,
                baseline=found[BARE.name],
                peers=peers.figures(figure, found),
            )
        )
        rows.append(
            Result(
                name=f"cpu over that of the bare loop, {interval}",
                value=found[OURS.name] / found[BARE.name],
                unit="",
                goal=MOST_RATIO if interval == "100 ms" else None,
            )
        )
    return rows


def _others(fast: Samples, idle: Sample) -> list[Result]:
    came = {name: counting.median([s.delivered_percent for s in many]) for name, many in fast.items()}
    resident = {name: max(s.resident_mb for s in many) for name, many in fast.items()}
    return [
        Result(
            name="due readings delivered, 100 ms",
            value=came[OURS.name],
            unit="%",
            goal=LEAST_DELIVERED,
            at_least=True,
            baseline=came[BARE.name],
            peers=peers.figures("due readings delivered, 100 ms", came),
        ),
        Result(
            name="resident memory, 100 ms",
            value=resident[OURS.name],
            unit="MB",
            goal=MOST_MB,
            baseline=resident[BARE.name],
            peers=peers.figures("resident memory, 100 ms", resident),
        ),
        Result(
            name="cpu with nothing due",
            value=idle.cpu_percent,
            unit="%",
            goal=MOST_IDLE,
            peers=peers.figures("cpu with nothing due", {}),
        ),
    ]
