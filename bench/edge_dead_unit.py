"""What a dead unit costs its neighbours: of five units on one bus, due every second, the fifth is silent.

Measured from when the gateway has given the silent unit up: how many of the healthy units' due readings
arrived, and the longest time between two readings of one of their points. Over TCP a unit answers after 5 ms;
over RTU on a pseudo-terminal the bytes of request and answer take the time that 9600 baud gives them as well.
Timeouts are the gateway's own defaults. The baseline is our gateway on the same bus without unit 5.
"""

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bench import counting, gateway, peers
from bench.candidates import OURS, Candidate
from bench.devices import BusPlan
from bench.listener import wait_until
from bench.report import Result
from bench.rig import PATIENCE_S, Rig

HEALTHY = 4
SILENT = "station-5"
INTERVAL_MS = 1000
WINDOW_S, WINDOW_QUICK_S = 120.0, 30.0
GIVEN_UP_S = 5.0
"""After the first bad reading of the silent unit: the second silence, of a timeout each, gives it up."""
PEERS_WARM_UP_S = 10.0
SETTLE_S = 2.0
LEAST_DELIVERED, LONGEST_GAP_S = 99.0, 1.1
Transport = Literal["tcp", "rtu"]


class Neighbours(NamedTuple):
    """What became of the healthy units' readings."""

    delivered_percent: float
    largest_gap_s: float


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    window_s = WINDOW_QUICK_S if quick else WINDOW_S
    with Rig() as rig:
        return [*_over(rig, "tcp", window_s), *_over(rig, "rtu", window_s)]


def _over(rig: Rig, transport: Transport, window_s: float) -> list[Result]:
    others = peers.installed() if transport == "tcp" else []
    found = {
        candidate.name: _neighbours(rig, candidate, transport, window_s, silent=True)
        for candidate in (OURS, *others)
    }
    alone = _neighbours(rig, OURS, transport, window_s, silent=False)
    share, gap = f"healthy units' due readings, {transport}", f"largest gap of a healthy unit, {transport}"
    return [
        Result(
            name=share,
            value=found[OURS.name].delivered_percent,
            unit="%",
            goal=LEAST_DELIVERED,
            at_least=True,
            baseline=alone.delivered_percent,
            peers=peers.figures(share, {name: it.delivered_percent for name, it in found.items()}),
        ),
        Result(
            name=gap,
            value=found[OURS.name].largest_gap_s,
            unit="s",
            goal=LONGEST_GAP_S,
            baseline=alone.largest_gap_s,
            peers=peers.figures(gap, {name: it.largest_gap_s for name, it in found.items()}),
        ),
    ]


def _neighbours(
    rig: Rig, candidate: Candidate, transport: Transport, window_s: float, *, silent: bool
) -> Neighbours:
    healthy = {f"station-{unit}": unit for unit in range(1, HEALTHY + 1)}
    units = {**healthy, SILENT: HEALTHY + 1} if silent else healthy
    bus = BusPlan(
        bus="bus-0",
        units=units,
        silent=[HEALTHY + 1] if silent else [],
        answer_ms=5.0,
        transport=transport,
    )
    points, listener = gateway.points(list(healthy)), rig.listener
    listener.forget()
    with rig.devices([bus]):
        command = candidate.command(rig, [bus], INTERVAL_MS, rig.broker_port)
        with rig.running(candidate.name, command) as program:
            if candidate is OURS:
                wait_until(
                    lambda: all(p in listener.columns for p in points) and (not silent or listener.bad),
                    *(PATIENCE_S, "readings of every unit", program.check),
                )
            time.sleep(GIVEN_UP_S if candidate is OURS else PEERS_WARM_UP_S)
            since_ms = time.time_ns() // 1_000_000
            time.sleep(window_s)
            until_ms = time.time_ns() // 1_000_000
            time.sleep(SETTLE_S)
            program.check()
    columns = [listener.columns[point].instants for point in points]
    due = counting.due(since_ms, until_ms, INTERVAL_MS)
    came = sum(min(due, counting.delivered(column, since_ms, until_ms, INTERVAL_MS)) for column in columns)
    gap_ms = max(counting.largest_gap_ms(column, since_ms, until_ms) for column in columns)
    return Neighbours(counting.percent(came, due * len(points)), gap_ms / 1000)
