"""What judging costs on a gateway: a value through all its rules, and a whole poll through the judge.

A device of 200 load ratios stands under the shipped tower-crane pack, so that each value passes every rule
which a real one passes. The readings swing below the lowest limit with one in a thousand beyond it, as on a
site. "A value through its rules" is the pure engine; "a poll" is the gateway's own judge, with rounding,
evidence, derived points and all. The baseline is three comparisons a value in a plain loop of the same run.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.report import Result
from edge.config import Device, load_gateway
from edge.judge import Judge
from sitewarden.readings import Reading
from sitewarden.rules.running import Rules

POINTS = 200
POLLS, POLLS_QUICK = 600, 150
ROUNDS = 7
INTERVAL_MS = 200
RARE = 0.001
"""The share of readings beyond every limit."""
T0 = 1_795_000_000_000
GOAL_VALUE_US, GOAL_POLL_MS = 3.0, 0.6

_PROFILE = """\
profile: bench-ratios
version: 1
device_kind: other
products: [{brand: SiteWarden, model: two hundred load ratios}]
source: Made for measuring.
verified: simulator
driver: modbus
modbus: {transports: [tcp]}
groups:
  main: {interval_ms: 200}
points:
"""
_GATEWAY = """\
site: bench
gateway: gw-1
data_dir: data
broker: {host: 127.0.0.1, port: 1}
outputs: []
rules: [tower-crane]
profiles: [profiles]
buses:
  - bus: bus-1
    modbus: {transport: tcp, host: 127.0.0.1, port: 1}
    devices:
      - {device: ratios, profile: bench-ratios, unit: 1}
"""


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        device = _device(Path(name))
    polls = _polls(device, POLLS_QUICK if quick else POLLS)
    values = POINTS * len(polls)
    ours, judged, bare = [], [], []
    for _ in range(ROUNDS):
        rules, judge = Rules(device.rules, T0), Judge([device], lambda: "synced")
        ours.append(_took(polls, rules.take))
        judged.append(_took(polls, lambda poll, judge=judge: judge.take(device, poll)))  # type: ignore[misc]
        bare.append(_took(polls, _compared))
    baseline = 1e6 * statistics.median(bare) / values
    return [
        Result(name="rules a value", value=len(device.rules) / POINTS, unit=""),
        Result(
            name="a value through its rules",
            value=1e6 * statistics.median(ours) / values,
            unit="us",
            goal=GOAL_VALUE_US,
            baseline=baseline,
        ),
        Result(
            name=f"a poll of {POINTS} points through the judge",
            value=1e3 * statistics.median(judged) / len(polls),
            unit="ms",
            goal=GOAL_POLL_MS,
            baseline=baseline * POINTS / 1e3,
        ),
    ]


def _device(folder: Path) -> Device:
    (folder / "profiles").mkdir()
    point = "  r{0}: {{kind: crane.load_ratio, unit: '%', register: {0}, scale: 0.1}}\n"
    text = _PROFILE + "".join(point.format(n) for n in range(POINTS))
    (folder / "profiles" / "bench-ratios.yaml").write_text(text, encoding="utf-8")
    (folder / "gateway.yaml").write_text(_GATEWAY, encoding="utf-8")
    return next(load_gateway(folder / "gateway.yaml").devices)


def _polls(device: Device, count: int) -> list[list[Reading]]:
    chance = random.Random("bench")
    names = [birth.p for birth in device.points]
    return [
        [
            Reading(
                name, T0 + poll * INTERVAL_MS, 120.0 if chance.random() < 0.001 else chance.uniform(5, 85)
            )
            for name in names
        ]
        for poll in range(count)
    ]


def _compared(poll: Sequence[Reading]) -> int:
    """Three limits a value, and nothing else."""
    beyond = 0
    for _, _, value, _ in poll:
        if value is not None and (value >= 90.0 or value >= 100.0 or value >= 110.0):
            beyond += 1
    return beyond


def _took(polls: Sequence[Sequence[Reading]], take: Callable[[Sequence[Reading]], object]) -> float:
    began = time.perf_counter()
    for poll in polls:
        take(poll)
    return time.perf_counter() - began
