"""How soon a chart is there, and the newest values of a large site, in both modes of storage.

A point has been read once a second for thirty days, and others beside it once a minute, which weigh as much
where minutes are kept. Day after day the database does what it does in production: it rolls up, and packs or
compresses what is over. Each answer is made as the route makes it, asked, built and encoded, in 1,000 points;
the first of them, which warm what is read, do not count. The baseline is the naive question over the same
span: the readings themselves, gathered by `date_bin`. The newest values of a site are asked for and made
into what a page is told of each, and then written as the route's whole answer; the baseline of both is a bare
SELECT of the same rows, fetched as rows.

TimescaleDB is measured where SITEWARDEN_TIMESCALE_DSN names a server, as a user who may create databases.
"""

import asyncio
import datetime as dt
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg

from bench.hazards import SITE, settings_of
from bench.modes import in_each_mode
from bench.report import Result, percentile
from cloud.database import connect, milliseconds
from cloud.histories.service import Exporter
from cloud.live.hub import Hub
from cloud.migrate import migrate
from cloud.readings.routes import newest_values, read_series, read_values
from cloud.registry.known import SiteEntry
from cloud.registry.seeding import seed_sites
from cloud.serving import Serving, make_pool
from cloud.settings import Settings
from cloud.storage.days import ensure_days
from cloud.storage.keeping import keep
from cloud.storage.modes import Mode
from cloud.storage.settings import StorageSettings

DAYS, OTHERS = 30, 100
NEWEST_OF = 10_000
MAX_POINTS = 1_000
ROUNDS, ROUNDS_QUICK = 100, 30
WARMING, NAIVE_ROUNDS = 3, 3
GOAL_MS, GOAL_NEWEST_MS = 25.0, 20.0
END = dt.datetime(2026, 3, 1, 13, 20, tzinfo=dt.UTC)
"""Some hours of the last day are kept, the last twenty minutes are not."""
SPANS = {
    "30 days": dt.timedelta(days=30),
    "20 days": dt.timedelta(days=20),
    "3 days": dt.timedelta(days=3),
    "6 hours": dt.timedelta(hours=6),
    "6 hours, three weeks ago": dt.timedelta(hours=6),
}
_AGO = {"6 hours, three weeks ago": dt.timedelta(days=21)}


def run(quick: bool) -> Sequence[Result]:
    """Measure; a quick run asks less often."""
    return list(in_each_mode(lambda mode, dsn: _measured(mode, dsn, quick)))


def _measured(mode: Mode, dsn: str, quick: bool) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        settings = settings_of(Path(name))
        migrate(dsn, wish=mode)
        _fill(dsn)
        return asyncio.run(_asked(mode, settings, dsn, ROUNDS_QUICK if quick else ROUNDS))


async def _asked(mode: Mode, settings: Settings, dsn: str, rounds: int) -> list[Result]:
    seeded = settings.sites[SITE]
    site = SiteEntry(site=SITE, name=seeded.name, time_zone=seeded.time_zone, gateways=[*seeded.gateways])
    results = []
    async with make_pool(dsn) as pool:
        serving = Serving(
            settings=settings,
            dsn=dsn,
            pool=pool,
            hub=Hub(settings, dsn, pool, _now_ms),
            exporter=Exporter(dsn, settings.data_dir / "exports", _now_ms),
            now_ms=_now_ms,
        )
        for what, span in SPANS.items():
            end = END - _AGO.get(what, dt.timedelta())

            async def chart(start: dt.datetime = end - span, end: dt.datetime = end) -> None:
                await read_series(
                    site, serving, None, point="crane-1/p1", start=start, end=end, max_points=MAX_POINTS
                )

            width = span / MAX_POINTS
            asked = {"id": 1, "from": end - span, "to": end, "width": width}
            bare = await _took(partial(serving.rows, _NAIVE, asked), NAIVE_ROUNDS)
            results += _results(f"{what}, {mode}", await _took(chart, rounds), bare, GOAL_MS)
        bare = await _took(partial(serving.rows, _BARE_NEWEST), rounds)
        for what, work in (("newest of", newest_values), ("answer with the newest of", read_values)):
            took = await _took(partial(work, site, serving, None), rounds)
            results += _results(f"{what} {NEWEST_OF:,} points, {mode}", took, bare, GOAL_NEWEST_MS)
    return results


def _now_ms() -> int:
    return milliseconds(END)


async def _took(work: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    """Milliseconds of each round, once it is warm."""
    took = []
    for _ in range(WARMING + rounds):
        began = time.perf_counter()
        await work()
        took.append(1000 * (time.perf_counter() - began))
    return took[WARMING:]


def _results(what: str, took: list[float], bare: list[float], goal: float) -> list[Result]:
    return [
        Result(
            name=f"{what}, p{percent}", value=percentile(took, percent), unit="ms",
            goal=goal if percent == 95 else None, baseline=percentile(bare, percent),
        )
        for percent in (50, 95)
    ]  # fmt: skip


def _fill(dsn: str) -> None:
    """Day after day, as the days went; the newest values belong to points of the same gateway."""
    with connect(dsn) as programs:
        seed_sites(programs, settings_of(Path()).sites)
    with psycopg.connect(dsn, autocommit=True) as owner, connect(dsn) as keeper:
        owner.execute(_POINTS, {"site": SITE, "points": NEWEST_OF})
        first = END - dt.timedelta(days=DAYS)
        ends = [first.replace(hour=0, minute=0) + dt.timedelta(days=n + 1) for n in range(DAYS)] + [END]
        for since, until in zip([first, *ends], ends, strict=False):
            ensure_days(owner, [since.date(), until.date()])
            owner.execute(_READINGS, {"since": since, "until": until, "others": OTHERS})
            for _ in keep(keeper, StorageSettings(), milliseconds(until)):
                pass
        owner.execute("VACUUM ANALYZE")


_POINTS: LiteralString = """
    WITH made AS (INSERT INTO gateway (site, mode, gateway) VALUES (%(site)s, 'live', 'gw-1') RETURNING id),
         points AS (
        INSERT INTO point (site, mode, device, name, kind, resolution, gateway_id, position, current)
            SELECT %(site)s, 'live', 'crane-1', 'crane-1/p' || n, 'crane.load', 0.01, id, n, true
              FROM made, generate_series(1, %(points)s) AS n ORDER BY n RETURNING id)
    INSERT INTO newest (point_id, at, value, quality, good_at, good_value)
        SELECT id, timestamptz '2026-03-01 13:20Z', id, 0, timestamptz '2026-03-01 13:20Z', id FROM points
"""
_READINGS: LiteralString = """
    INSERT INTO reading_open (at, value, point_id, quality)
        SELECT at, (30000 + 20000 * sin(extract(epoch FROM at) / 600) + 300 * random())::bigint, point, 0
          FROM (SELECT at, 1 AS point FROM generate_series(%(since)s, %(until)s - interval '1 s', '1 s') AS at
                UNION ALL
                SELECT at, point FROM generate_series(%(since)s, %(until)s - interval '1 s', '1 min') AS at,
                       generate_series(2, %(others)s + 1) AS point) AS read
         ORDER BY at, point
"""
_NAIVE: LiteralString = """
    SELECT (extract(epoch FROM date_bin(%(width)s, at, %(from)s)) * 1000)::bigint AS t,
           min(value) AS low, max(value) AS high, (array_agg(value ORDER BY at))[1] AS first,
           (array_agg(value ORDER BY at DESC))[1] AS last, count(*) AS n
      FROM readings_of(ARRAY[%(id)s::int], %(from)s, %(to)s) WHERE quality = 0 GROUP BY 1 ORDER BY 1
"""
_BARE_NEWEST: LiteralString = "SELECT point_id, at, value, quality, good_at, good_value FROM newest"
