"""A database brought into the other mode: all that one holds, into an empty one that stores otherwise.

Tables are copied as they are; readings a day at a time, each packed or compressed before the next where it is
over; what is kept of minutes, hours and days as the views of the old one tell it, so nothing of it is dirty.
"""

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.migrate import migrate, shipped
from cloud.storage.modes import Mode
from cloud.storage.programs import Connection, KeepingError, Say

_SETTLED = dt.timedelta(days=2)
_DAY = dt.timedelta(days=1)
_LEVEL = "at, low, high, first, last, first_at, last_at, point_id, n, good, sum"
_TABLES = """
    SELECT relname, relpersistence = 'u' AS transient FROM pg_class AS c
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
       AND relname !~ '^(migration|storage|dirty|reading_(open.*|late|packed)|'
                       '(minute|hour|day)_(kept|packed|plain))$'
       AND NOT EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1
"""
"""Those that both modes have alike; of the transient ones nothing is brought, as no backup has any of it."""
_COLUMNS = """
    SELECT attname FROM pg_attribute
     WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_BOUNDS = """
    SELECT nullif(computed_to, '-infinity'), nullif(days_to, '-infinity'), nullif(raw_from, '-infinity')
      FROM storage
"""
_BOUNDED = """
    UPDATE storage
       SET (watermark, computed_to, days_to, raw_from)
         = (given.computed_to, given.computed_to, given.days_to, given.raw_from)
      FROM (SELECT coalesce(%s::timestamptz, '-infinity') AS computed_to,
                   coalesce(%s::timestamptz, '-infinity') AS days_to,
                   coalesce(%s::timestamptz, '-infinity') AS raw_from) AS given
"""
_AGGREGATE = """
    SELECT materialization_hypertable_schema, materialization_hypertable_name
      FROM timescaledb_information.continuous_aggregates WHERE view_name = %s
"""
_PACKED = """
    SELECT attname FROM pg_attribute
     WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = to_regtype('packed_minutes')) ORDER BY attnum
"""
_PACK_MINUTES = f"""
    INSERT INTO minute_packed (point_id, hour, {{}})
        SELECT g.point_id, g.hour, k.*
          FROM (SELECT point_id, date_bin('1 hour', at, 'epoch') AS hour,
                       array_agg(ROW({_LEVEL})::minute_kept ORDER BY at) AS minutes
                  FROM moved GROUP BY 1, 2) AS g
               CROSS JOIN LATERAL pack_minutes(g.minutes) AS k
"""  # noqa: S608


@contextlib.contextmanager
def scratch(dsn: str) -> Iterator[str]:
    """An empty database beside the one of `dsn`, for as long as the block runs."""
    name = f"sitewarden_between_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as owner:
        require_superuser(owner)
        owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_conninfo(dsn, dbname=name)
    finally:
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def require_superuser(owner: Connection) -> None:
    """Only he may make databases, and write rows as they are with all that watches over them."""
    row = owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row != (True,):
        raise KeepingError("a database is brought into another mode by a superuser of its server alone")


def transfer(source: str, target: str, mode: Mode, say: Say) -> None:
    """Bring all of `source` into the empty database `target`, given as their owner's, which gets that mode.

    It is one transaction: killed, it leaves the schema at most. Raises `KeepingError`.
    """
    with psycopg.connect(source) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = old.execute("SELECT max(number) FROM migration").fetchone()
        if row != (len(shipped()),):
            raise KeepingError(
                "the database has not this program's schema; run sitewarden cloud migrate first"
            )
        migrate(target, wish=mode)
        with psycopg.connect(target) as new:
            require_superuser(new)
            # Rows come as they were: nothing is checked, chained or fenced anew.
            new.execute("SET session_replication_role = replica")
            _move_tables(old, new)
            _Readings(old, new, mode, say).move()
        with psycopg.connect(target, autocommit=True) as new:
            new.execute("ANALYZE")


def _move_tables(old: Connection, new: Connection) -> None:
    tables: dict[str, bool] = dict(new.execute(_TABLES.encode()).fetchall())
    if strange := tables.keys() ^ {name for name, _ in old.execute(_TABLES.encode()).fetchall()}:
        raise KeepingError(f"these tables are in one mode only: {', '.join(sorted(strange))}")
    # A migration may have put rows into some.
    new.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
    for name in (name for name, transient in tables.items() if not transient):
        columns = [
            str(column) for (column,) in new.execute(_COLUMNS, [sql.Identifier(name).as_string()]).fetchall()
        ]
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        _stream(
            old,
            sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(listed, sql.Identifier(name)),
            new,
            sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), listed),
        )
    for name, value in old.execute(
        "SELECT quote_ident(sequencename), last_value FROM pg_sequences"
        " WHERE schemaname = 'public' AND last_value IS NOT NULL"
    ).fetchall():
        new.execute("SELECT setval(%s, %s)", [name, value])


class _Readings:
    """Readings and what is kept of them."""

    def __init__(self, old: Connection, new: Connection, mode: Mode, say: Say) -> None:
        self._old, self._new, self._mode, self._say = old, new, mode, say
        row = old.execute(_BOUNDS).fetchone()
        assert row is not None  # noqa: S101  the migration has made it
        self._computed_to, self._days_to, self._raw_from = row
        self._packed = [str(column) for (column,) in new.execute(_PACKED).fetchall()]

    def move(self) -> None:
        self._new.execute(_BOUNDED, [self._computed_to, self._days_to, self._raw_from])
        days = [
            day for (day,) in self._old.execute("SELECT DISTINCT at FROM reading_day ORDER BY 1").fetchall()
        ]
        self._new.execute("CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT * FROM reading_minute LIMIT 0")
        for day in days:
            if self._raw_from is None or day >= self._raw_from:
                self._move_day(day)
            self._move_level("minute", day)
            self._say(f"{day:%Y-%m-%d} is there")
        for level in ("hour", "day"):
            self._move_level(level, None)

    def _move_day(self, day: dt.datetime) -> None:
        self._new.execute("SELECT ensure_days(ARRAY[%s::date])", [f"{day:%Y-%m-%d}"])
        between = sql.SQL("SELECT at, value, point_id, quality FROM readings_between({}, {})").format(
            day, day + _DAY
        )
        _stream(
            self._old,
            sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(between),
            self._new,
            sql.SQL("COPY reading_open (at, value, point_id, quality) FROM STDIN (FORMAT BINARY)"),
        )
        if self._computed_to is None or day + _DAY > self._computed_to - _SETTLED:
            return
        if self._mode == "timescale":
            self._new.execute("SELECT close_days(%s)", [day + _DAY])
            return
        self._new.execute("UPDATE storage SET late_before = %s", [day + _DAY])
        self._new.execute("SELECT pack_day(%s)", [f"{day:%Y-%m-%d}"])
        # Made in this transaction, it gives its room back at once.
        self._new.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(f"reading_open_{day:%Y%m%d}")))
        self._new.execute("SELECT drop_day(%s)", [f"{day:%Y-%m-%d}"])

    def _move_level(self, level: str, day: dt.datetime | None) -> None:
        """As the view tells it up to where it is kept: of one day, or all."""
        kept_to = self._days_to if level == "day" else self._computed_to
        if kept_to is None or (day is not None and day >= kept_to):
            return
        since, until = ("-infinity", kept_to) if day is None else (day, min(kept_to, day + _DAY))
        _stream(
            self._old,
            sql.SQL("COPY (SELECT {} FROM {} WHERE at >= {} AND at < {}) TO STDOUT (FORMAT BINARY)").format(
                sql.SQL(_LEVEL), sql.Identifier(f"reading_{level}"), since, until
            ),
            self._new,
            sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(self._into(level), sql.SQL(_LEVEL)),
        )
        if level == "minute" and self._packed:
            packed = sql.SQL(", ").join(map(sql.Identifier, self._packed))
            self._new.execute(sql.SQL(_PACK_MINUTES).format(packed))
            self._new.execute("TRUNCATE moved")

    def _into(self, level: str) -> sql.Identifier:
        """The table that a level is kept in; or that whose rows are to be packed."""
        if self._mode == "timescale":
            row = self._new.execute(_AGGREGATE, [f"{level}_kept"]).fetchone()
            assert row is not None  # noqa: S101  the migration has made it
            return sql.Identifier(*row)
        return sql.Identifier("moved" if level == "minute" and self._packed else f"{level}_kept")


def _stream(old: Connection, out: sql.Composed, new: Connection, into: sql.SQL | sql.Composed) -> None:
    with old.cursor().copy(out) as source, new.cursor().copy(into) as target:
        for part in source:
            target.write(part)
