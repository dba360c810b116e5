"""How many bytes a reading takes at rest, in each form and mode, beside a plain table of the same rows.

Tower cranes and a pit of our own simulator, its physics and its sensors' noise, once a second for whole UTC
days; rounded to the resolutions of the vocabulary and stored by the cloud's own code, a minute at a time as
it comes. What counts is all that lies on the disk, tables with their keys, indexes and free room, divided by
the readings. The roll-ups are minutes, hours and days together, as a share of the readings they are of.
Beside it: `baseline`, the very same rows in one heap table with its primary key, in the order of their
coming, the value as a float8, as most would make it. TimescaleDB is measured where
`SITEWARDEN_TIMESCALE_DSN` names a server that has it, whose user may create databases.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import psycopg

from bench.modes import in_each_mode
from bench.report import NotMeasured, Result
from cloud.database import connect
from cloud.migrate import migrate
from cloud.readings.columns import Columns
from cloud.readings.store import Storing
from cloud.registry.seeding import seed_sites
from cloud.settings import SiteSettings
from cloud.sites.registry import PointEntry
from cloud.storage.keeping import keep
from cloud.storage.modes import Mode
from cloud.storage.settings import StorageSettings
from firmware_sim import crane, pit
from firmware_sim.model import Crane, Pit, PitPoint, Stage, Strut, Well
from sitewarden.charts import load_chart
from sitewarden.messages import Series
from sitewarden.points import point_kind, quantiser
from sitewarden.text import Text

DAYS, DAYS_QUICK = 2, 1
CRANES, CRANES_QUICK = 2, 1
GOAL_CLOSED, GOAL_COLUMNSTORE, GOAL_ROLLED_OPEN, GOAL_ROLLED_PACKED = 80.0, 2.5, 5.0, 25.0
GOAL_ROLLED = GOAL_ROLLED_PACKED / 100 * GOAL_COLUMNSTORE
"""Bytes a reading: what that share is of readings as large as was thought of."""
DAY_MS, MINUTE_MS = 86_400_000, 60_000
LATER_MS = 20 * DAY_MS
BEGIN = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
_STEPS = 2
"""Of the cranes' motion, a second."""
_PIT = Pit(
    points={f"h{n}": PitPoint(along=n / 7) for n in range(1, 7)},
    struts={f"s{n}": Strut(along=n / 5, kn=900.0) for n in range(1, 5)},
    wells={f"w{n}": Well(level_m=-7.5) for n in (1, 2)},
    thermometers=["t1"],
    stages=[Stage(days_before=3.0, mm=4.0, over_h=48.0)],
)
_PIT_KINDS = {
    "h": "pit.displacement.horizontal",
    "s": "pit.strut.force",
    "w": "pit.water_level",
    "t": "pit.temperature",
}
Said = Iterator[dict[str, float]]


class _Sizes:
    """Bytes a reading."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.open = self.packed = self.plain = self.rolled_open = self.rolled_packed = 0.0


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    days, cranes = (DAYS_QUICK, CRANES_QUICK) if quick else (DAYS, CRANES)
    return list(in_each_mode(lambda mode, dsn: _shown(mode, _measure(dsn, mode, days, cranes))))


def _shown(mode: Mode, found: _Sizes) -> list[Result]:
    name, goal = ("plain", GOAL_CLOSED) if mode == "plain" else ("TimescaleDB", GOAL_COLUMNSTORE)
    rolled_open = Result(
        name=f"{name}: roll-ups, of what open rows take",
        value=100 * found.rolled_open / found.open,
        unit="%",
        goal=GOAL_ROLLED_OPEN,
    )
    return [
        Result(name=f"{name}: an open day", value=found.open, unit="B", baseline=found.plain),
        Result(name=f"{name}: a closed day", value=found.packed, unit="B", goal=goal, baseline=found.plain),
        *([rolled_open] if mode == "plain" else []),
        Result(
            name=f"{name}: roll-ups, of what closed days take",
            value=100 * found.rolled_packed / found.packed,
            unit="%",
            goal=GOAL_ROLLED_PACKED,
        ),
        Result(
            name=f"{name}: … in bytes a reading",
            value=found.rolled_packed,
            unit="B",
            goal=GOAL_ROLLED,
        ),
        Result(name=f"{name}: readings", value=found.n, unit=""),
    ]


def _measure(dsn: str, mode: Mode, days: int, cranes: int) -> _Sizes:
    migrate(dsn, wish=mode)
    settings, end_ms = StorageSettings(), _ms(BEGIN) + days * DAY_MS
    with connect(dsn) as connection, psycopg.connect(dsn, autocommit=True) as owner:
        sizes = _Sizes(_fill(connection, days, cranes))
        sizes.open = _readings(owner, mode) / sizes.n
        sizes.plain = _heap(owner) / sizes.n
        list(keep(connection, settings, end_ms + 10 * MINUTE_MS))
        sizes.rolled_open = _rolled(owner, mode) / sizes.n
        # Closed, and minutes too, which TimescaleDB keeps ten days together; at the next look the rows go.
        for later in (LATER_MS, LATER_MS + MINUTE_MS):
            list(keep(connection, settings, end_ms + later))
        sizes.packed = _readings(owner, mode) / sizes.n
        sizes.rolled_packed = _rolled(owner, mode) / sizes.n
    return sizes


def _fill(connection: psycopg.Connection[tuple[object, ...]], days: int, cranes: int) -> int:
    """Store all that the devices say; how many readings it are."""
    kinds = {f"crane-{c}/{key}": kind for c in range(cranes) for key, kind in crane.KINDS.items()} | {
        f"pit/{key}": _PIT_KINDS[key[0]] for key in (*_PIT.points, *_PIT.struts, *_PIT.wells, "t1")
    }
    points = _register(connection, kinds)
    rounders = {name: quantiser(entry.resolution) for name, entry in points.items()}
    said = [(f"crane-{c}/", _crane(f"crane-{c}")) for c in range(cranes)] + [("pit/", _pit())]
    storing, n = Storing(), 0
    for begin_ms in range(_ms(BEGIN), _ms(BEGIN) + days * DAY_MS, MINUTE_MS):
        values: dict[str, list[float]] = {name: [] for name in points}
        for _ in range(60):
            for prefix, saying in said:
                for key, value in next(saying).items():
                    values[prefix + key].append(rounders[prefix + key](value))
        instants = list(range(0, MINUTE_MS, 1_000))
        series = [Series(p=name, t=instants, x=list(of)) for name, of in values.items()]
        columns, now_ms = Columns(), begin_ms + MINUTE_MS
        if complaints := list(columns.add(1, points, begin_ms, series, now_ms)):
            raise NotMeasured(complaints[0])
        with connection.transaction():
            n += storing.store(connection, columns, {1}, now_ms)[1].accepted
    return n


def _register(
    connection: psycopg.Connection[tuple[object, ...]], kinds: Mapping[str, str]
) -> dict[str, PointEntry]:
    site = SiteSettings(
        site="bench", name=Text("性能", "Bench"), time_zone="Asia/Shanghai", gateways=["gw-1"]
    )
    seed_sites(connection, {"bench": site})
    connection.execute("INSERT INTO gateway (site, mode, gateway) VALUES ('bench', 'live', 'gw-1')")
    found = {}
    for name, kind in kinds.items():
        resolution = point_kind(kind).resolution
        row = connection.execute(
            "INSERT INTO point (site, mode, device, name, kind, resolution, gateway_id, position, current)"
            " SELECT 'bench', 'live', %s, %s, %s, %s, id, 1, true FROM gateway RETURNING id",
            [name.partition("/")[0], name, kind, resolution],
        ).fetchone()
        assert row is not None  # noqa: S101  it returns what it has inserted
        found[name] = PointEntry(id=int(str(row[0])), resolution=resolution)
    return found


def _crane(seed: str) -> Said:
    machine = Crane(jib_m=56.0, mast_m=40.0)
    line = load_chart("tc5610-like", Path()).falls[machine.falls]
    work, noise, state = Random(seed), Random(f"{seed}/noise"), crane.start(machine)
    n = 0
    while True:
        for _ in range(_STEPS):
            state = crane.step(machine, line, state, t_s=n / _STEPS, dt_s=1 / _STEPS, rng=work)
            n += 1
        yield crane.read(machine, state, noise)


def _pit() -> Said:
    noise, t_s = Random("pit"), 0.0
    while True:
        yield pit.read(_PIT, t_s, noise)
        t_s += 1.0


_TABLES = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
     WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace AND relname ~ %s
"""
_CHUNKS = """
    SELECT coalesce(sum(s.total_bytes), 0)::bigint
      FROM timescaledb_information.chunks AS c
           LEFT JOIN timescaledb_information.continuous_aggregates AS a
                  ON a.materialization_hypertable_name = c.hypertable_name
           JOIN LATERAL chunks_detailed_size(
                    format('%%I.%%I', c.hypertable_schema, c.hypertable_name)::regclass) AS s
             ON s.chunk_schema = c.chunk_schema AND s.chunk_name = c.chunk_name
     WHERE (a.view_name IS NOT NULL) = %s
"""


def _readings(owner: psycopg.Connection[tuple[object, ...]], mode: Mode) -> int:
    return (
        _bytes(owner, _TABLES, "^reading_(open|packed|late)")
        if mode == "plain"
        else _bytes(owner, _CHUNKS, False)
    )


def _rolled(owner: psycopg.Connection[tuple[object, ...]], mode: Mode) -> int:
    return _bytes(owner, _TABLES, "^(minute|hour|day)_") if mode == "plain" else _bytes(owner, _CHUNKS, True)


def _bytes(owner: psycopg.Connection[tuple[object, ...]], query: str, of: str | bool) -> int:
    row = owner.execute(query.encode(), [of]).fetchone()
    assert row is not None  # noqa: S101  a sum always has its row
    return int(str(row[0]))


def _heap(owner: psycopg.Connection[tuple[object, ...]]) -> int:
    """The same rows as most would keep them."""
    owner.execute(
        "CREATE TABLE bare (point_id int, at timestamptz, value float8, quality smallint,"
        " PRIMARY KEY (point_id, at))"
    )
    owner.execute(
        "INSERT INTO bare SELECT point_id, at, value * resolution, quality"
        "  FROM reading JOIN point ON point.id = point_id ORDER BY at, point_id"
    )
    taken = _bytes(owner, _TABLES, "^bare$")
    owner.execute("DROP TABLE bare")
    return taken


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)
