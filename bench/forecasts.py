"""What a pit of a hundred points costs an alarm of a crane beside it when all its forecasts fall due at once.

All walls quicken, read every half hour; measured are the polls after four days, by which every forecast fits
its laws to both windows. `take` is how long nothing else can be judged: its baseline is the same poll judged
whole, as a replay does it. The delay is that of a crane's overload, due at any moment of the work, up to the
alarm; its baseline is the crane that comes right after a pit judged whole.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from bench.creep_motion import FAILING, readings
from bench.report import NotMeasured, Result, percentile
from edge.config import Device, Gateway, load_gateway
from edge.judge import Judge
from sitewarden.readings import Reading

POINTS = 100
HALF_HOUR_MS = 1_800_000
WARM_UP = 192
"""Polls of four days."""
POLLS, POLLS_QUICK = 12, 4
GOAL_S = 0.05
"""A tenth of the 500 ms from a reading to the siren: a small gateway is some four times as slow."""
START_MS = 1_763_650_000_000
EMPTY_T, OVERLOAD_T = 1.0, 3.0

POINT = "  h{0}: {{kind: pit.displacement.horizontal, unit: mm, register: {1}, type: int32, scale: 0.01}}"
PROFILE = """\
profile: wide-pit
version: 1
device_kind: pit
products: []
source: made for this benchmark
verified: simulator
driver: modbus
modbus: {transports: [tcp]}
groups: {main: {interval_ms: 1800000}}
points:
"""
GATEWAY = """\
site: bench
gateway: gw
data_dir: data
broker: {host: 127.0.0.1, port: 1}
outputs: []
profiles: [profiles]
rules: [tower-crane, pit-displacement, pit-creep]
buses:
  - bus: b
    modbus: {transport: tcp, host: 127.0.0.1, port: 1}
    devices:
      - {device: crane, profile: reference-tower-crane, unit: 1, load_chart: tc5610-like}
      - device: pit
        profile: wide-pit
        unit: 2
        parameters: {control_cumulative_mm: 30, control_rate_mm_per_day: 5}
        zero: {ZERO}
"""


def run(quick: bool) -> Sequence[Result]:
    """Measure on one core."""
    polls = POLLS_QUICK if quick else POLLS
    with tempfile.TemporaryDirectory() as folder:
        gateway = _gateway(Path(folder))
    whole_s, _ = _takes(gateway, polls, is_whole=True)
    take_s, slices_s = _takes(gateway, polls, is_whole=False)
    delays_s = asyncio.run(_delays(gateway, polls))
    goal_ms, before_ms = 1000 * GOAL_S, 1000 * max(whole_s)
    return [
        Result(
            name=f"take of {POINTS} points, longest",
            value=1000 * max(take_s),
            unit="ms",
            goal=goal_ms,
            baseline=before_ms,
        ),
        Result(name="one forecast, longest", value=1000 * max(slices_s), unit="ms", goal=goal_ms),
        Result(name="all forecasts of a poll", value=1000 * sum(slices_s) / polls, unit="ms"),
        Result(
            name="alarm of another device meanwhile, p99",
            value=1000 * percentile(delays_s, 99),
            unit="ms",
            goal=goal_ms,
            baseline=before_ms,
        ),
        Result(name="alarm of another device meanwhile, longest", value=1000 * max(delays_s), unit="ms"),
    ]


def _gateway(folder: Path) -> Gateway:
    keys = range(1, POINTS + 1)
    (folder / "profiles").mkdir()
    points = "\n".join(POINT.format(key, 2 * key) for key in keys)
    (folder / "profiles" / "wide-pit.yaml").write_text(PROFILE + points + "\n", encoding="utf-8")
    zero = "{" + ", ".join(f"h{key}: 0" for key in keys) + "}"
    file = folder / "gateway.yaml"
    file.write_text(GATEWAY.replace("{ZERO}", zero), encoding="utf-8")
    return load_gateway(file)


def _polls() -> Iterator[list[Reading]]:
    walls = [
        readings(FAILING["fukuzono"], f"forecasts/{key}", 12, every_h=0.5) for key in range(1, POINTS + 1)
    ]
    for i, seen in enumerate(zip(*walls, strict=False)):
        at_ms = START_MS + i * HALF_HOUR_MS
        yield [Reading(f"pit/h{key + 1}", at_ms, round(mm, 2)) for key, (_, mm) in enumerate(seen)]


def _warm(gateway: Gateway) -> tuple[Judge, Device, Iterator[list[Reading]]]:
    judge, polls = Judge(gateway.devices, lambda: "synced"), _polls()
    pit = next(device for device in gateway.devices if device.name == "pit")
    for _ in range(WARM_UP):
        judge.derivations["pit"].learn(next(polls))
    return judge, pit, polls


def _takes(gateway: Gateway, count: int, *, is_whole: bool) -> tuple[list[float], list[float]]:
    """Seconds of each take, and of each forecast made after it; of the processor, whoever else uses it."""
    judge, pit, polls = _warm(gateway)
    takes_s, slices_s = list[float](), list[float]()
    for _ in range(count):
        poll, began = next(polls), time.thread_time()
        (judge.take if is_whole else judge.take_at_once)(pit, poll)
        takes_s.append(time.thread_time() - began)
        while judge.is_waiting:
            began = time.thread_time()
            judge.work()
            slices_s.append(time.thread_time() - began)
    return takes_s, slices_s


async def _delays(gateway: Gateway, count: int) -> list[float]:
    """Seconds from when an overload is due to its alarm, while forecasts are made as an agent makes them."""
    judge, pit, polls = _warm(gateway)
    crane = next(device for device in gateway.devices if device.name == "crane")
    loop, rng = asyncio.get_running_loop(), Random(7)
    delays_s, at_ms = list[float](), START_MS

    def overload(due: float) -> None:
        nonlocal at_ms
        # The last alarm clears; then the delay of the rule begins, and with the last reading it is over.
        for load_t, after_ms in (*[(EMPTY_T, 60_000)] * 2, (OVERLOAD_T, 200), (OVERLOAD_T, 10_000)):
            at_ms += after_ms
            values = {"load": load_t, "radius": 25.0, "falls": 4.0}
            judged = judge.take_at_once(
                crane, [Reading(f"crane/{key}", at_ms, value) for key, value in values.items()]
            )
        if not any(alarm.rule == "crane-load-100" for alarm in judged.alarms):
            raise NotMeasured("the overload raises no alarm")
        delays_s.append(loop.time() - due)

    for _ in range(count):
        judge.take_at_once(pit, next(polls))
        while judge.work() is not None:
            if rng.random() < 0.25:
                due = loop.time() + rng.uniform(0.0, 0.01)
                loop.call_at(due, overload, due)
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
    return delays_s
