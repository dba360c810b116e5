"""Presence written down: births register devices and points, heartbeats and wills say how a gateway fares."""

import datetime as dt
import hashlib
import logging
from typing import NamedTuple

import msgspec
from psycopg.types.json import Jsonb

from cloud.database import Connection, instant
from cloud.ingest.model import GatewayKey
from cloud.sites.registry import Birth
from sitewarden.messages import DeviceBirth, Health, LimitBirth, PointBirth, Shelf, Status
from sitewarden.points import PointKind, vocabulary
from sitewarden.quality import Quality

log = logging.getLogger(__name__)

_LAST_MS = 4_102_444_800_000
"""The year 2100."""


class _Point(NamedTuple):
    device: str
    point: PointBirth
    kind: PointKind
    limits: list[LimitBirth]


def write_birth(
    connection: Connection,
    key: GatewayKey,
    gateway_id: int,
    status: Status,
    received_ms: int,
    *,
    retained: bool,
) -> None:
    """A birth: what the gateway has from now on. The same birth again only refreshes its presence."""
    digest = birth_of(status).digest
    row = connection.execute(
        "SELECT boot, birth_hash FROM gateway WHERE id = %s FOR NO KEY UPDATE", [gateway_id]
    ).fetchone()
    if row != (status.boot, digest):
        _write_devices(connection, key, gateway_id, status.devices or [])
    if key.mode == "replay" and not retained:
        _forget_newest(connection, gateway_id)
    # A retained birth may be old: it says nothing about when the gateway was last heard.
    seen_ms = min(max(status.at, 0), received_ms) if retained else received_ms
    connection.execute(
        """
        UPDATE gateway SET state = 'online', boot = %(boot)s, birth_hash = %(hash)s, software = %(software)s,
               birth_received_at = %(received)s, seen_at = greatest(seen_at, %(seen)s)
         WHERE id = %(id)s
        """,
        {
            "id": gateway_id,
            "boot": status.boot,
            "hash": digest,
            "software": status.software,
            "received": instant(received_ms),
            "seen": instant(seen_ms),
        },
    )
    _write_health(connection, gateway_id, status)
    if not retained:
        _write_clock_offset(connection, gateway_id, status, received_ms)
    # A retained birth of the boot that we know is older than what its heartbeats have told since.
    if not (retained and row is not None and row[0] == status.boot):
        _write_what_is_so(connection, gateway_id, status, received_ms)


def _forget_newest(connection: Connection, gateway_id: int) -> None:
    """Recorded time may jump back, and a replay says so by a birth: what was newest is not any more."""
    connection.execute(
        """
        UPDATE newest SET at = 'epoch', value = NULL, quality = %(quality)s, good_at = NULL, good_value = NULL
         WHERE point_id IN (SELECT id FROM point WHERE gateway_id = %(gateway)s)
        """,
        {"gateway": gateway_id, "quality": int(Quality.DISCONNECTED)},
    )


def write_heartbeat(connection: Connection, gateway_id: int, status: Status, received_ms: int) -> bool:
    """A heartbeat; false where it is of another boot than the birth, so that the birth is missing."""
    row = connection.execute(
        """
        UPDATE gateway SET state = 'online', seen_at = greatest(seen_at, %(seen)s)
         WHERE id = %(id)s AND boot = %(boot)s RETURNING id
        """,
        {"id": gateway_id, "seen": instant(received_ms), "boot": status.boot},
    ).fetchone()
    if row is None:
        return False
    _write_health(connection, gateway_id, status)
    _write_clock_offset(connection, gateway_id, status, received_ms)
    _write_what_is_so(connection, gateway_id, status, received_ms)
    return True


def write_will(connection: Connection, gateway_id: int, status: Status) -> None:
    """The last will of a boot; that of an earlier boot, coming after a new birth, says nothing."""
    connection.execute(
        "UPDATE gateway SET state = 'offline' WHERE id = %s AND (boot = %s OR boot IS NULL)",
        [gateway_id, status.boot],
    )


def _write_health(connection: Connection, gateway_id: int, status: Status) -> None:
    connection.execute(
        """
        UPDATE gateway SET outbox_alarms = %(alarms)s, outbox_readings = %(readings)s, oldest_at = %(oldest)s,
               disk_free_bytes = %(disk)s, clock = %(clock)s, health = %(health)s,
               readings_written = %(readings_written)s,
               alarms_written = %(alarms_written)s,
               readings_dropped = %(readings_dropped)s,
               alarms_dropped = %(alarms_dropped)s
         WHERE id = %(id)s
        """,
        {
            "id": gateway_id,
            "alarms": status.outbox.get("alarms", 0),
            "readings": status.outbox.get("readings", 0),
            "oldest": _believable(status.oldest_at),
            "disk": status.disk_free_bytes,
            "clock": status.clock,
            "health": _storable_health(status.health),
            "readings_written": status.counters.readings_written,
            "alarms_written": status.counters.alarms_written,
            "readings_dropped": status.counters.readings_dropped,
            "alarms_dropped": status.counters.alarms_dropped,
        },
    )


def _write_clock_offset(connection: Connection, gateway_id: int, status: Status, received_ms: int) -> None:
    """By how much its clock is ahead; the time on the way makes it look behind, by as much."""
    offset_ms = None if _believable(status.at) is None else status.at - received_ms
    connection.execute("UPDATE gateway SET clock_offset_ms = %s WHERE id = %s", [offset_ms, gateway_id])


def _storable_health(health: Health | None) -> Jsonb | None:
    """Nothing where a name holds a NUL, which the database does not take."""
    return None if health is None or b"\\u0000" in msgspec.json.encode(health) else Jsonb(health)


def _write_what_is_so(connection: Connection, gateway_id: int, status: Status, received_ms: int) -> None:
    """Which alarms it holds back now, and what it works from: whoever asked for it sees that it is so."""
    configuration = None if status.configuration is None else Jsonb(status.configuration)
    shelved = [_storable(shelf) for shelf in status.shelved if _believable(shelf.until) is not None]
    connection.execute(
        "UPDATE gateway SET shelved = %s, states = %s, configuration = %s, told_at = %s WHERE id = %s",
        [Jsonb(shelved), Jsonb(status.states), configuration, instant(received_ms), gateway_id],
    )


def _storable(shelf: Shelf) -> Shelf:
    """With words that the database takes: for one NUL in them the gateway would seem to be away."""
    by, reason = (text.replace("\x00", "\N{REPLACEMENT CHARACTER}") for text in (shelf.by, shelf.reason))
    return msgspec.structs.replace(shelf, by=by, reason=reason)


def _write_devices(
    connection: Connection, key: GatewayKey, gateway_id: int, devices: list[DeviceBirth]
) -> None:
    """Whatever the gateway had is no longer current, unless it announces it again."""
    connection.execute("UPDATE device SET current = false WHERE gateway_id = %s AND current", [gateway_id])
    connection.execute("UPDATE point SET current = false WHERE gateway_id = %s AND current", [gateway_id])
    # Announced twice it is what was said last, and stands there.
    born: dict[str, _Point] = {}
    for i, device in enumerate(devices):
        _write_device(connection, key, gateway_id, device, i)
        for point in device.points:
            kind = vocabulary().get(point.kind)
            if kind is None:
                log.warning(
                    "point of unknown kind left out site=%s point=%s kind=%s", key.site, point.p, point.kind
                )
                continue
            limits = [limit for limit in device.limits if limit.p == point.p]
            born.pop(point.p, None)
            born[point.p] = _Point(device.device, point, kind, limits)
    _write_points(connection, key, gateway_id, list(born.values()))


def _write_device(
    connection: Connection, key: GatewayKey, gateway_id: int, device: DeviceBirth, position: int
) -> None:
    connection.execute(
        """
        INSERT INTO device (site, mode, device, gateway_id, kind, label, profile, profile_version, layout,
                            setup, position, commissioning, current)
            VALUES (%(site)s, %(mode)s, %(device)s, %(gateway)s, %(kind)s, %(label)s, %(profile)s,
                    %(profile_version)s, %(layout)s, %(setup)s, %(position)s, %(commissioning)s, true)
            ON CONFLICT (site, mode, device) DO UPDATE
               SET gateway_id = excluded.gateway_id, kind = excluded.kind, label = excluded.label,
                   profile = excluded.profile, profile_version = excluded.profile_version,
                   layout = excluded.layout, setup = excluded.setup,
                   position = excluded.position, commissioning = excluded.commissioning,
                   current = true
        """,
        {
            "site": key.site,
            "mode": key.mode,
            "device": device.device,
            "gateway": gateway_id,
            "kind": device.kind,
            "label": Jsonb(device.label),
            "profile": device.profile,
            "profile_version": device.profile_version,
            "layout": Jsonb(device.layout),
            "setup": Jsonb(device.setup),
            "position": position,
            "commissioning": device.commissioning,
        },
    )


def _write_points(connection: Connection, key: GatewayKey, gateway_id: int, born: list[_Point]) -> None:
    """In as many statements for hundreds as for one: everybody's readings wait meanwhile."""
    of_gateway = {"site": key.site, "mode": key.mode, "gateway": gateway_id}
    # Only one point of a name is in force, whichever gateway or kind had it before.
    connection.execute(
        """
        UPDATE point SET current = false
         WHERE site = %(site)s AND mode = %(mode)s AND name = ANY(%(names)s) AND current
        """,
        {**of_gateway, "names": [one.point.p for one in born]},
    )
    connection.execute(
        """
        INSERT INTO point (site, mode, device, name, kind, resolution, gateway_id, label, stale_after_ms,
                           limits, position, current)
            SELECT %(site)s, %(mode)s, device, name, kind, resolution, %(gateway)s, label, stale, limits,
                   position, true
              FROM jsonb_to_recordset(%(points)s)
                       AS born (device text, name text, kind text, resolution float8, label jsonb, stale int,
                                limits jsonb, position int)
             ORDER BY position
            ON CONFLICT (site, mode, name, kind, resolution) DO UPDATE
               SET device = excluded.device, gateway_id = excluded.gateway_id, label = excluded.label,
                   stale_after_ms = excluded.stale_after_ms, limits = excluded.limits,
                   position = excluded.position, current = true
        """,
        {**of_gateway, "points": Jsonb([_row(one, position) for position, one in enumerate(born)])},
    )


def _row(born: _Point, position: int) -> dict[str, object]:
    point = born.point
    return {
        "device": born.device,
        "name": point.p,
        "kind": point.kind,
        "resolution": born.kind.resolution,
        "label": point.label,
        "stale": min(point.stale_after_ms, 2**31 - 1),
        "limits": born.limits,
        "position": position,
    }


def _believable(at_ms: int | None) -> dt.datetime | None:
    """An instant by the gateway's clock, for people; nothing where that clock is beyond reason."""
    return instant(at_ms) if at_ms is not None and 0 <= at_ms <= _LAST_MS else None


def birth_of(status: Status) -> Birth:
    """What tells it from other births: its boot, and a digest of what it announces."""
    announced = msgspec.json.encode(status.devices, order="deterministic")
    return Birth(status.boot, hashlib.sha256(announced).digest())
