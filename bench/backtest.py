"""What a what-if over history costs: a crane-day in the database, judged by the rules in force and by others.

A day of the simulator's crane (`bench.crane_polls`), twice a second, twelve points: 172,800 polls, 2,073,600
readings in the embedded PostgreSQL, put there by COPY. Measured is what `sitewarden backtest` does after its
start: registry, readings out of the database, two judgements by the shipped tower-crane rules (the second
with the 90 % limit at 60 %), comparison, lead times. The baseline is the reading of the very same rows into
the very same arrays and nothing else. Beside that: the same rows by an ordinary cursor, row by row, which is
what reading them in arrays saves; and the export of the whole day to Parquet. Rounds alternate; figures are
medians.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.crane_polls import polls
from bench.report import Result
from cloud.backtest.asked import Asked
from cloud.backtest.service import DatabaseSource, export, open_history
from cloud.database import Connection, connect, instant
from cloud.embedded import EmbeddedPostgres, running
from cloud.ingest.model import GatewayKey
from cloud.migrate import migrate
from cloud.registry.known import SiteEntry
from cloud.registry.seeding import seed_sites
from cloud.settings import SiteSettings
from cloud.sites.births import write_birth
from sitewarden.backtest.binding import points_needed
from sitewarden.backtest.changes import put_upon
from sitewarden.backtest.judging import Span
from sitewarden.backtest.trial import backtest
from sitewarden.messages import DeviceBirth, LimitBirth, PointBirth, Status
from sitewarden.points import point_kind
from sitewarden.rules.model import High
from sitewarden.rules.packs import RulePack, load_pack
from sitewarden.text import Text

POLLS, POLLS_QUICK = 172_800, 21_600
INTERVAL_MS = 500
ROUNDS, ROUNDS_QUICK = 5, 3
GOAL_S = 10.0
T0 = 1_790_000_000_000
DEVICE = "crane-1"
KINDS = {
    "load": "crane.load",
    "radius": "crane.radius",
    "hook_height": "crane.hook_height",
    "slew": "crane.slew",
    "falls": "crane.falls",
    "wind_speed": "crane.wind_speed",
    "limiter_cutoff": "crane.limiter.cutoff",
    "limiter_bypass": "crane.limiter.bypass",
    "limiter_fault": "crane.limiter.fault",
    "rated_load": "crane.rated_load",
    "load_ratio": "crane.load_ratio",
    "moment_ratio": "crane.moment_ratio",
}
SITE = SiteEntry(site="bench", name=Text("试验", "Bench"), time_zone="Asia/Shanghai", gateways=["gw-1"])


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    count = POLLS_QUICK if quick else POLLS
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        with running(folder / "data") as server:
            _fill(server, count)
            with connect(server.app_dsn()) as connection:
                return _measure(connection, folder, count, ROUNDS_QUICK if quick else ROUNDS)


def _measure(connection: Connection, folder: Path, count: int, rounds: int) -> list[Result]:
    until_ms = T0 + count * INTERVAL_MS
    asked = Asked(SITE, None, T0, until_ms + INTERVAL_MS)
    in_force = [load_pack("tower-crane", Path())]
    proposed = put_upon(in_force, [_lower(in_force[0])])
    source = open_history(connection, asked)
    points = points_needed(source.header.devices[0], (*in_force, *proposed))
    span = Span(T0, T0, asked.until_ms)
    readings = 0

    def what_if() -> None:
        nonlocal readings
        readings = backtest(open_history(connection, asked), in_force, proposed, span).readings

    took = _rounds(
        rounds,
        {
            "what-if": what_if,
            "arrays": lambda: source.tracks(points, asked.since_ms, asked.until_ms),
            "rows": lambda: _by_rows(connection, source, points, asked),
            "export": lambda: export(source, folder / "day.parquet"),
        },
    )
    return [
        Result(
            name=f"what-if over {count * INTERVAL_MS / 3_600_000:g} h of a crane",
            value=took["what-if"],
            unit="s",
            goal=GOAL_S,
            baseline=took["arrays"],
        ),
        Result(name="readings judged by two sets of rules", value=readings / took["what-if"], unit="/s"),
        Result(name="the same rows read in arrays", value=took["arrays"], unit="s", baseline=took["rows"]),
        Result(name="export to Parquet, all points", value=took["export"], unit="s", goal=GOAL_S),
    ]


def _rounds(rounds: int, tasks: dict[str, Callable[[], Any]]) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            begun = time.perf_counter()
            task()
            took[name].append(time.perf_counter() - begun)
    return {name: statistics.median(found) for name, found in took.items()}


def _by_rows(connection: Connection, source: DatabaseSource, points: Sequence[str], asked: Asked) -> int:
    read = 0
    for point in points:
        for point_id, _ in source.stored(point).rows:
            cursor = connection.cursor(binary=True)
            cursor.execute(
                "SELECT at, value, quality FROM reading"
                " WHERE point_id = %s AND at >= %s AND at < %s ORDER BY at",
                [point_id, instant(asked.since_ms), instant(asked.until_ms)],
            )
            read += len(cursor.fetchall())
    return read


def _lower(pack: RulePack) -> RulePack:
    rule = next(rule for rule in pack.rules if rule.rule == "crane-load-90")
    return RulePack(pack="lower", source="bench", rules=[msgspec.structs.replace(rule, condition=High(60.0))])


def _fill(server: EmbeddedPostgres, count: int) -> None:
    migrate(server.owner_dsn())
    with connect(server.app_dsn()) as connection:
        seed_sites(connection, {SITE.site: msgspec.convert(msgspec.to_builtins(SITE), SiteSettings)})
        row = connection.execute(
            "INSERT INTO gateway (site, mode, gateway) VALUES ('bench', 'live', 'gw-1') RETURNING id"
        ).fetchone()
        assert row is not None  # noqa: S101
        birth = Status(state="online", boot="b" * 32, at=T0, devices=[_birth()])
        write_birth(connection, GatewayKey("live", "bench", "gw-1"), row[0], birth, T0, retained=False)
        ids: dict[str, int] = dict(connection.execute("SELECT name, id FROM point").fetchall())
        _copy(connection, ids, count)
    with psycopg.connect(server.owner_dsn(), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE reading")


def _birth() -> DeviceBirth:
    version = next(r.version for r in load_pack("tower-crane", Path()).rules if r.rule == "crane-load-100")
    ratio = f"{DEVICE}/load_ratio"
    return DeviceBirth(
        device=DEVICE,
        kind="crane",
        label=Text("1号塔机", "Tower crane 1"),
        profile="reference-tower-crane",
        points=[PointBirth(p=f"{DEVICE}/{key}", kind=kind) for key, kind in KINDS.items()],
        limits=[
            LimitBirth(
                p=ratio,
                rule="crane-load-100",
                rule_version=version,
                level=3,
                limit=100.0,
                direction="high",
                label=Text("超载", "Overload"),
            )
        ],
    )


def _copy(connection: Connection, ids: dict[str, int], count: int) -> None:
    steps = {f"{DEVICE}/{key}": point_kind(kind).resolution for key, kind in KINDS.items()}
    with connection.cursor() as cursor, cursor.copy("COPY reading FROM STDIN") as copy:
        for poll in islice(polls(DEVICE, interval_ms=INTERVAL_MS, seed="backtest", since_ms=T0), count):
            for point, at_ms, value, _ in poll:
                if point in steps and value is not None:
                    copy.write_row((ids[point], instant(at_ms), round(value / steps[point]), 0))
