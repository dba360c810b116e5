"""What judging a history costs: the array scan of one rule, and thirty days of fifty points from a file.

The scan's array is one point of float64 with qualities (one reading in a thousand is bad), gaps, a dead-band
and both delays, and an alarm is raised or cleared every 10,000 readings. The baseline is one numpy pass
`(values >= limit).any()` over the same array, in alternating rounds of the same run.

The file is the project's own history file (Parquet): readings once a second, judged by the pit's shipped
rules on cumulative displacement and a rule that watches for silence. Reading it is part of the time; writing
it is not. The goal is that of one core, so it is held against the processor time of all threads as well.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.report import Result
from sitewarden.history import DevicePast, Header, History, read_history, write_history
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.rules.binding import bind
from sitewarden.rules.model import Basis, BoundRule, Rule, Stale
from sitewarden.rules.packs import load_pack
from sitewarden.rules.scan import Track, scan, scan_all
from sitewarden.text import Text

READINGS, READINGS_QUICK = 20_000_000, 4_000_000
ROUNDS = 7
HALF = 10_000
"""Readings from a raise to a clear, and on to the next raise."""
LIMIT, BACK_TO = 100.0, 80.0
POINTS, DAYS, DAYS_QUICK = 50, 30, 3
SECOND_MS, DAY_S = 1000, 86_400
T0 = 1_790_000_000_000
GOAL_SHARE, GOAL_S = 10.0, 5.0
KIND = "pit.displacement.horizontal.cumulative"


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    return [*_one(READINGS_QUICK if quick else READINGS), *_month(DAYS_QUICK if quick else DAYS)]


def _one(readings: int) -> Iterator[Result]:
    track, bound = _swinging(readings), _rule({"when": "high", "limit": LIMIT})
    until_ms, moved = int(track.times[-1]), 0
    ours, bare = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        bool((track.values >= LIMIT).any())
        between = time.perf_counter()
        transitions, _ = scan(bound, {"d/p": track}, since_ms=0, until_ms=until_ms)
        bare.append(between - began)
        ours.append(time.perf_counter() - between)
        moved = len(transitions)
    share = 100 * statistics.median(b / o for b, o in zip(bare, ours, strict=True))
    yield Result(name="readings a transition", value=readings / moved, unit="")
    yield Result(
        name="scan of one rule, a reading",
        value=1e9 * statistics.median(ours) / readings,
        unit="ns",
        baseline=1e9 * statistics.median(bare) / readings,
    )
    yield Result(name="share of one numpy pass", value=share, unit="%", goal=GOAL_SHARE, at_least=True)


def _swinging(readings: int) -> Track:
    """Beyond the limit for half of the time, with noise, bad readings and gaps."""
    chance = np.random.default_rng(20_260_101)
    places = np.arange(readings)
    values = np.where(places // HALF % 2 == 1, LIMIT + 10, BACK_TO) + chance.normal(0, 1, readings)
    quality = np.where(chance.random(readings) < 0.001, Quality.TIMEOUT, Quality.GOOD)
    values[quality != Quality.GOOD] = np.nan
    # A minute is missing after every hundred thousand readings.
    return Track.of(T0 + places * SECOND_MS + places // 100_000 * 60_000, values, quality)


def _rule(condition: dict[str, Any], **changes: Any) -> BoundRule:
    plain = {
        "rule": "bench", "family": "bench", "version": 1, "watch": "crane.load_ratio", "level": 3,
        "label": {"zh": "测量", "en": "measuring"}, "dead_band": 2.0, "on_delay_s": 3.0, "off_delay_s": 3.0,
        "basis": {"clause": "none", "source": "measuring", "confidence": "synthetic"},
    }  # fmt: skip
    return bind(msgspec.convert({**plain, "condition": condition, **changes}, Rule), "d/p", {})


def _month(days: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        file = Path(name) / "month.parquet"
        past = _past(days)
        write_history(file, past)
        bounds, until_ms = list(_bounds(past)), past.header.until_ms
        del past
        began, busy_s = time.perf_counter(), time.process_time()
        history = read_history(file)
        between = time.perf_counter()
        found = scan_all(bounds, history.tracks, since_ms=T0, until_ms=until_ms)
        ended, busy_s = time.perf_counter(), time.process_time() - busy_s
    whole = f"{days} days x {POINTS} points at 1 Hz"
    yield Result(name=f"{whole}, rules", value=len(bounds), unit="")
    yield Result(name=f"{whole}, transitions", value=sum(map(len, found.values())), unit="")
    yield Result(name=f"{whole}, reading the file", value=between - began, unit="s")
    # The goal is that of thirty days; fewer are held to their part of it.
    goal = GOAL_S * days / DAYS
    yield Result(name=f"{whole}, from the file to the list", value=ended - began, unit="s", goal=goal)
    yield Result(name=f"{whole}, processor time of it", value=busy_s, unit="s", goal=goal)


def _past(days: int) -> History:
    """Fifty walls that creep towards their control value, some beyond; recorded once a second with noise."""
    readings = days * DAY_S
    times = T0 + np.arange(readings, dtype=np.int64) * SECOND_MS
    tracks: dict[str, Track] = {}
    for number in range(POINTS):
        chance = np.random.default_rng(number)
        creep = np.linspace(0.0, 0.45 * number, readings)
        noise = chance.normal(0, 0.05, readings)
        values = np.round(creep + noise, 2)
        quality = np.where(chance.random(readings) < 0.0005, Quality.TIMEOUT, Quality.GOOD)
        values[quality != Quality.GOOD] = np.nan
        tracks[f"pit/h{number}.cumulative"] = Track.of(times, values, quality)
    births = [PointBirth(p=point, kind=KIND) for point in tracks]
    device = DevicePast(device="pit", profile="none", points=births)
    header = Header(site="bench", since_ms=T0, until_ms=T0 + readings * SECOND_MS, devices=[device])
    return History(header, tracks)


def _bounds(past: History) -> Iterator[BoundRule]:
    """Each point under the shipped limits of cumulative displacement, and under one that hears silence."""
    pack = load_pack("pit-displacement", Path())
    silent = Rule(
        rule="bench-silent",
        family="bench",
        version=1,
        watch=KIND,
        condition=Stale(after_s=60.0),
        level=2,
        label=Text("静默", "silent"),
        basis=Basis(clause="none", source="measuring", confidence="synthetic"),
    )
    rules = [silent, *(rule for rule in pack.rules if rule.watch == KIND)]
    for point in past.tracks:
        for rule in rules:
            yield bind(rule, point, {"control_cumulative_mm": 20.0}, tables=pack.tables)
