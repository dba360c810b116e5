"""A site's history in SQL: points, readings as columns, gaps, alarms that happened; of one mode."""

import math
from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
import numpy as np
from numpy.typing import NDArray
from psycopg.rows import dict_row

from cloud.backtest.asked import Asked
from cloud.database import Connection, Row, instant, milliseconds
from sitewarden.history import PastAlarm, Track
from sitewarden.messages import Gap
from sitewarden.text import Text
from sitewarden.topics import Mode

_NONE = -(2**63)
"""Stands for 'no value' on the way out; no multiple of a resolution is so small."""
_PG_EPOCH_MS = 946_684_800_000
"""The year 2000, from which PostgreSQL counts microseconds."""
_ARRAY_HEADER = 20
_EIGHT, _TWO = np.dtype([("n", ">i4"), ("x", ">i8")]), np.dtype([("n", ">i4"), ("x", ">i2")])
"""An element of an array as PostgreSQL sends it: its length, then itself."""

_COLUMNS: LiteralString = """
    SELECT array_send(array_agg(at ORDER BY at)),
           array_send(array_agg(coalesce(value, (-9223372036854775808)::bigint) ORDER BY at)),
           array_send(array_agg(quality ORDER BY at))
      FROM readings_of(ARRAY[%(point)s::int], %(first)s, %(end)s)
"""
"""One row of three columns: for millions of readings many times quicker than a row each (measured)."""


class StoredPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point with the rows that it has had: another resolution is another row."""

    name: str
    device: str
    kind: str
    label: Text | None
    stale_after_ms: int
    current: bool
    """Whether it is in the newest birth of its gateway."""
    limits: list[dict[str, Any]]
    """As its gateway's newest birth announced them."""
    rows: list[tuple[int, float]]
    """Id and resolution, the one in force last."""


def devices_of(connection: Connection, asked: Asked) -> list[Row]:
    """The devices that the site has, and those it had with readings in the range; or the one of that name.

    What a gateway said of its own clock is no history of the site: nobody could read it again.
    """
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(
        """
        SELECT device.*, gateway.gateway FROM device JOIN gateway ON gateway.id = device.gateway_id
         WHERE device.site = %(site)s AND device.mode = %(mode)s AND device.profile <> 'gateway'
           AND (%(device)s::text IS NULL OR device.device = %(device)s)
           AND (device.current OR EXISTS (
               SELECT FROM point CROSS JOIN LATERAL readings_of(ARRAY[point.id], %(first)s, %(end)s)
                WHERE point.site = device.site AND point.mode = device.mode AND point.device = device.device))
         ORDER BY device.current DESC, gateway.gateway, device.position, device.device
        """,
        _named(asked),
    ).fetchall()


def points_of(connection: Connection, site: str, mode: Mode) -> dict[str, StoredPoint]:
    """Every point by its name, in the order in which they were announced.

    By it a rule on a device as a whole has its point, in the cloud as on the gateway. Rows of a kind that the
    name no longer has are left out.
    """
    found: dict[str, StoredPoint] = {}
    rows = connection.execute(
        """
        SELECT id, name, device, kind, resolution, label, stale_after_ms, current, limits, position
          FROM point WHERE site = %s AND mode = %s ORDER BY current DESC, id DESC
        """,
        [site, mode],
    )
    positions: dict[str, int] = {}
    for point_id, name, device, kind, resolution, label, stale_after_ms, current, limits, position in rows:
        positions.setdefault(name, position)
        point = found.setdefault(
            name,
            StoredPoint(
                name=name,
                device=device,
                kind=kind,
                label=None if label is None else Text(**label),
                stale_after_ms=stale_after_ms,
                current=current,
                limits=limits,
                rows=[],
            ),
        )
        if kind == point.kind:
            point.rows.insert(0, (point_id, resolution))
    return {name: found[name] for name in sorted(found, key=lambda name: positions[name])}


def count_readings(
    connection: Connection, points: Sequence[StoredPoint], since_ms: int, until_ms: int, most: int
) -> int:
    """How many readings the points have in the range; counts no further than one more than `most`."""
    row = connection.execute(
        """
        SELECT count(*) FROM (
            SELECT FROM readings_of(%(points)s::int[], %(first)s, %(end)s)
             LIMIT %(limit)s) AS counted
        """,
        {
            "points": [point_id for point in points for point_id, _ in point.rows],
            "first": instant(since_ms),
            "end": instant(until_ms),
            "limit": most + 1,
        },
    ).fetchone()
    assert row is not None  # noqa: S101  a count always has its row
    return int(row[0])


def read_track(connection: Connection, point: StoredPoint, first_ms: int, end_ms: int) -> Track | None:
    """The readings of a point; `None` where there are none."""
    parts = [
        part
        for point_id, resolution in point.rows
        if (part := _read_part(connection, point_id, resolution, first_ms, end_ms)) is not None
    ]
    if len(parts) < 2:  # noqa: PLR2004  nothing to put together
        return parts[0] if parts else None
    times = np.concatenate([part.times for part in parts])
    # Stable: of two at one instant the row in force comes last, and the last is kept.
    order = np.argsort(times, kind="stable")
    kept = order[np.append(np.diff(times[order]) > 0, True)]
    values = np.concatenate([part.values for part in parts])
    quality = np.concatenate([part.quality for part in parts])
    return Track(times[kept], values[kept], quality[kept])


def gaps_of(connection: Connection, asked: Asked) -> list[Gap]:
    """Readings that gateways of the site took and had to give up.

    Where there are several gateways, what one gave up of all its points names them: the others lost nothing.
    One that has no points any more may have had any.
    """
    rows = connection.execute(
        """
        WITH own AS (
            SELECT gateway_id, array_agg(DISTINCT name ORDER BY name) AS names FROM point
             WHERE site = %(site)s AND mode = %(mode)s GROUP BY gateway_id)
        SELECT from_at, to_at, count, reason,
               CASE WHEN points = '{}' AND (SELECT count(*) FROM own) > 1 THEN coalesce(names, '{}')
                    ELSE points END
          FROM gap JOIN gateway ON gateway.id = gap.gateway_id LEFT JOIN own USING (gateway_id)
         WHERE site = %(site)s AND mode = %(mode)s AND from_at < %(end)s AND to_at >= %(first)s
         ORDER BY from_at, to_at, gap.boot, seq, place
        """,
        _named(asked),
    )
    return [
        Gap(from_at=milliseconds(first), to_at=milliseconds(last), count=n, reason=reason, points=points)
        for first, last, n, reason, points in rows
    ]


def alarms_of(connection: Connection, asked: Asked) -> list[PastAlarm]:
    """The alarms that stood at any moment of the range, less those of a gateway itself."""
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(
        """
        SELECT id, device, point, kind, rule, rule_version, family, level, label, value, "limit", peak,
               raised_at, cleared_at
          FROM episode
         WHERE site = %(site)s AND mode = %(mode)s AND raised_at < %(end)s
           AND coalesce(cleared_at, 'infinity') >= %(first)s
           AND (%(device)s::text IS NULL OR device = %(device)s)
           AND NOT EXISTS (SELECT FROM device WHERE device.site = episode.site AND device.mode = episode.mode
                              AND device.device = episode.device AND device.profile = 'gateway')
         ORDER BY raised_at, id
        """,
        _named(asked),
    ).fetchall()
    return [_past_alarm(row) for row in rows]


def _named(asked: Asked) -> dict[str, Any]:
    return {
        "site": asked.site.site,
        "mode": asked.mode,
        "device": asked.device,
        "first": instant(asked.since_ms),
        "end": instant(asked.until_ms),
    }


def _past_alarm(row: Row) -> PastAlarm:
    cleared = row["cleared_at"]
    return PastAlarm(
        **{
            name: row[name]
            for name in (
                *("device", "point", "kind", "rule", "rule_version", "family", "level", "value"),
                *("limit", "peak"),
            )
        },
        episode=row["id"].hex,
        label=Text(**row["label"]),
        raised_at=milliseconds(row["raised_at"]),
        cleared_at=None if cleared is None else milliseconds(cleared),
    )


def _read_part(
    connection: Connection, point_id: int, resolution: float, first_ms: int, end_ms: int
) -> Track | None:
    asked = {"point": point_id, "first": instant(first_ms), "end": instant(end_ms)}
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_COLUMNS, asked).fetchone()
    if row is None or row[0] is None:
        return None
    at_us, multiples = (_elements(column, _EIGHT) for column in row[:2])
    return Track(
        at_us.astype(np.int64) // 1000 + _PG_EPOCH_MS,
        _numbers(multiples.astype(np.int64), resolution),
        _elements(row[2], _TWO).astype(np.uint8),
    )


def _elements(sent: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    elements: NDArray[Any] = np.frombuffer(sent, kind, offset=_ARRAY_HEADER)["x"]
    return elements


def _numbers(multiples: NDArray[np.int64], resolution: float) -> NDArray[np.float64]:
    """Multiples of a resolution as the numbers nearest to them, exactly as a gateway rounds its values."""
    decimals = -round(math.log10(resolution))
    if decimals >= 0 and math.isclose(resolution, 10.0**-decimals, rel_tol=1e-12):
        values = multiples / 10.0**decimals
    else:
        values = np.round(multiples * resolution, max(0, -math.floor(math.log10(resolution))) + 1)
    values[multiples == _NONE] = np.nan
    return values
