"""Records of the registry in SQL; they differ in table, key and columns only, so statements are composed."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import AsyncConnection, Row

Key = str | UUID | int
_ARRAYS = frozenset({"devices"})
"""Columns that are arrays; other lists are JSON."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Where records of a kind are kept."""

    name: LiteralString
    key: LiteralString
    """The column that names a record within its site, or everywhere."""
    owner: LiteralString | None = None
    """The column that a list may be narrowed by, such as the device of a step."""
    hidden: tuple[LiteralString, ...] = ()
    """Columns that are not read with the others."""
    shown: tuple[LiteralString, ...] = ()
    """Where some are hidden: those that are read."""

    @property
    def columns(self) -> sql.Composable:
        """What is read of a record, its key as `id`."""
        read: sql.Composable = sql.SQL("*")
        if self.hidden:
            read = sql.SQL(", ").join(map(sql.Identifier, self.shown))
        return sql.SQL("{} AS id, {}").format(sql.Identifier(self.key), read)


async def insert(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> Row:
    """Add a record."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        table.columns,
    )
    rows = await _rows(connection, statement, _adapted(values))
    return rows[0]


async def update(
    connection: AsyncConnection, table: Table, site: str, key: Key, values: Mapping[str, Any]
) -> Row:
    """Put other values in a record that has been locked."""
    statement = sql.SQL("UPDATE {} SET {} WHERE site = {} AND {} = {} RETURNING {}").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
        ),
        sql.Placeholder(".site"),
        sql.Identifier(table.key),
        sql.Placeholder(".key"),
        table.columns,
    )
    rows = await _rows(connection, statement, {**_adapted(values), ".site": site, ".key": key})
    return rows[0]


async def remove(connection: AsyncConnection, table: Table, site: str, key: Key) -> None:
    """Take a record out that has been locked; what it was stays in the log of changes."""
    await connection.execute(
        sql.SQL("DELETE FROM {} WHERE site = %s AND {} = %s").format(
            sql.Identifier(table.name), sql.Identifier(table.key)
        ),
        [site, key],
    )


async def read(
    connection: AsyncConnection, table: Table, site: str, key: Key, *, locked: bool = False
) -> Row | None:
    """One record; with `locked` nobody else changes it before the transaction ends."""
    statement = sql.SQL("SELECT {} FROM {} WHERE site = {} AND {} = {} {}").format(
        table.columns,
        sql.Identifier(table.name),
        sql.Placeholder("site"),
        sql.Identifier(table.key),
        sql.Placeholder("key"),
        # Not FOR UPDATE: alarms that are stored meanwhile refer to the site, and would wait for it.
        sql.SQL("FOR NO KEY UPDATE" if locked else ""),
    )
    rows = await _rows(connection, statement, {"site": site, "key": key})
    return rows[0] if rows else None


async def page(
    connection: AsyncConnection, table: Table, site: str, *, of: str | None, after: str | None, limit: int
) -> list[Row]:
    """The next records in the order of their keys."""
    statement = sql.SQL(
        """
        SELECT {columns} FROM {table}
         WHERE site = %(site)s AND (%(after)s::text IS NULL OR {key}::text > %(after)s)
           AND (%(of)s::text IS NULL OR {owner} = %(of)s)
         ORDER BY {key}::text LIMIT %(limit)s
        """
    ).format(
        columns=table.columns,
        table=sql.Identifier(table.name),
        key=sql.Identifier(table.key),
        owner=sql.Identifier(table.owner or "site"),
    )
    return await _rows(connection, statement, {"site": site, "of": of, "after": after, "limit": limit})


CHANGES: LiteralString = """
    SELECT id, at, author, record, key, before, after FROM registry_change
     WHERE site = %(site)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
       AND (%(record)s::text IS NULL OR record = %(record)s) AND (%(key)s::text IS NULL OR key = %(key)s)
     ORDER BY id DESC LIMIT %(limit)s
"""

STEPS: LiteralString = """
    SELECT device, step, done_on, valid_until FROM device_step WHERE site = %s AND device = ANY(%s)
"""

ANNOUNCED_DEVICES: LiteralString = """
    SELECT device FROM device WHERE site = %s AND mode = %s AND current AND device = ANY(%s)
"""

COMMISSIONED: LiteralString = """
    SELECT device, commissioning FROM device
     WHERE site = %s AND mode = %s AND current AND device = ANY(%s)
"""

ANNOUNCED_POINTS: LiteralString = """
    SELECT name FROM point WHERE site = %s AND mode = %s AND current AND name = ANY(%s)
"""

HEARD_DEVICES: LiteralString = """
    SELECT DISTINCT point.device
      FROM point JOIN newest ON newest.point_id = point.id
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.current
       AND point.device = ANY(%(devices)s) AND newest.quality = 0
       AND newest.at >= %(now)s - greatest(point.stale_after_ms, 60000) * interval '1 millisecond'
"""
"""Devices of which something that is not stale and not bad has come."""

MACHINES: LiteralString = """
    SELECT device, kind, name FROM device_file WHERE site = %s AND kind IN ('crane', 'hoist')
"""
"""Devices whose life the law follows."""

EXTENTS: LiteralString = """
    SELECT point.device, point.name, point.kind,
           min(reading.value) * point.resolution AS least, max(reading.value) * point.resolution AS most,
           max(reading.at) AS last_at
      FROM point CROSS JOIN LATERAL readings_of(
               ARRAY[point.id], %(now)s - %(window_s)s * interval '1 second',
               %(now)s + interval '1 ms') AS reading
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.current
       AND point.device = ANY(%(devices)s) AND point.kind = ANY(%(kinds)s)
       AND reading.quality = 0 AND reading.value IS NOT NULL
     GROUP BY point.id ORDER BY point.device, point.name
"""
"""Between what values good readings of late lie."""

CHARTS: LiteralString = "SELECT device FROM load_chart WHERE site = %s AND device = ANY(%s)"
POINTS_OF_PITS: LiteralString = "SELECT pit, count(*) AS n FROM pit_point WHERE site = %s GROUP BY pit"
UNKNOWN_DEVICES: LiteralString = """
    SELECT device FROM unnest(%(devices)s::text[]) AS device
     WHERE NOT EXISTS (SELECT FROM device_file WHERE site = %(site)s AND device_file.device = device.device)
"""
BOUND: LiteralString = """
    SELECT FROM dangerous_work WHERE site = %(site)s AND %(device)s = ANY(devices)
    UNION ALL SELECT FROM operator WHERE site = %(site)s AND %(device)s = ANY(devices)
"""
"""What names a device without a foreign key."""


async def _rows(
    connection: AsyncConnection,
    statement: sql.SQL | sql.Composed,
    parameters: Mapping[str, Any] | Sequence[Any],
) -> list[Row]:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(statement, parameters)
    return await cursor.fetchall()


def _adapted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Jsonb(value) if isinstance(value, dict | list) and name not in _ARRAYS else value
        for name, value in values.items()
    }
