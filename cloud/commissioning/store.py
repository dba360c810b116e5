"""Commissioning in SQL: what a device is bound to, what was tried, what was witnessed."""

from typing import Any, LiteralString

from cloud.database import AsyncConnection, Row, row_of

BOUND: LiteralString = """
    SELECT device, gateway, bus, unit, identity, profile, profile_version, configuration, commissioned_at,
           commissioned_by, commissioned_profile, version
      FROM commissioning WHERE site = %(site)s
"""

LISTED: LiteralString = """
    SELECT file.device, file.kind, file.name, its.profile, its.profile_version, its.gateway,
           its.commissioned_at, device.commissioning
      FROM device_file AS file
           LEFT JOIN commissioning AS its USING (site, device)
           LEFT JOIN device ON device.site = file.site AND device.device = file.device
                AND device.mode = %(mode)s AND device.current
     WHERE file.site = %(site)s ORDER BY file.device
"""

ANNOUNCED: LiteralString = """
    SELECT commissioning, profile, profile_version AS version FROM device
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND current
"""

TRIALS: LiteralString = """
    SELECT DISTINCT ON (its.kind) its.id, its.kind, its.bus, its.unit, its.identity, its.seconds,
           its.asked_by AS by, its.asked_at, its.expires_at, its.sent_at, its.state, its.told_at, its.why,
           its.report, its.heard
      FROM commissioning_trial AS made
           JOIN device_trial AS its ON its.id = made.trial
           JOIN gateway ON gateway.id = its.gateway_id
     WHERE made.site = %(site)s AND made.device = %(device)s AND made.profile = %(profile)s
       AND made.profile_version = %(profile_version)s AND gateway.gateway = %(gateway)s
       AND its.bus = %(bus)s AND its.unit IS NOT DISTINCT FROM %(unit)s
       AND its.identity = coalesce(%(identity)s, '')
     ORDER BY its.kind, its.asked_at DESC
"""
"""The newest trial of each kind of the device as it is bound now."""

CHECKS: LiteralString = """
    SELECT its.check_id AS id, point, unit, reference, tolerance, value, read_at, age_ms, profile,
           profile_version, gateway, bus, bound_unit, identity, method, is_passed, its.author, its.at,
           its.account_id,
           yes.author AS approved_by, yes.at AS approved_at, yes.note AS approved_note
      FROM witnessed_check AS its LEFT JOIN check_approval AS yes USING (check_id)
     WHERE its.site = %(site)s AND its.device = %(device)s ORDER BY its.at DESC LIMIT 100
"""

NOW: LiteralString = """
    SELECT point.name, point.kind, point.label, point.resolution, point.stale_after_ms, newest.at,
           newest.value, newest.quality
      FROM point LEFT JOIN newest ON newest.point_id = point.id AND newest.at > 'epoch'
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.device = %(device)s AND point.current
     ORDER BY point.position
"""
"""What the device says at this moment."""

REGISTRATION: LiteralString = """
    SELECT document_no, valid_until FROM device_step
     WHERE site = %(site)s AND device = %(device)s AND step = 'registered'
       AND done_on > coalesce((SELECT max(done_on) FROM device_step
                                WHERE site = %(site)s AND device = %(device)s AND step = 'dismantled'),
                              'epoch'::date)
     ORDER BY done_on DESC LIMIT 1
"""
"""The last registration of its use since it was put up."""

HAS_CHART: LiteralString = (
    "SELECT EXISTS (SELECT FROM load_chart WHERE site = %(site)s AND device = %(device)s) AS is_so"
)

WITHOUT_DESIGN: LiteralString = """
    SELECT point FROM pit_point
     WHERE site = %(site)s AND split_part(point, '/', 1) = %(device)s AND parameters = '{}' ORDER BY point
"""

MAY_COMMISSION: LiteralString = "SELECT sees_device(%(account)s, %(site)s, %(device)s, %(roles)s) AS is_so"

GATEWAY: LiteralString = """
    SELECT gateway.id FROM gateway JOIN site_gateway USING (site, gateway)
     WHERE site = %(site)s AND gateway = %(gateway)s AND mode = %(mode)s AND retired_on IS NULL
"""

_BIND: LiteralString = """
    INSERT INTO commissioning (site, device, gateway, bus, unit, identity, profile, profile_version)
        VALUES (%(site)s, %(device)s, %(gateway)s, %(bus)s, %(unit)s, %(identity)s, %(profile)s,
                %(profile_version)s)
        ON CONFLICT (site, device) DO UPDATE
           SET gateway = excluded.gateway, bus = excluded.bus, unit = excluded.unit,
               identity = excluded.identity, profile = excluded.profile,
               profile_version = excluded.profile_version, configuration = NULL
"""

_CHECK: LiteralString = """
    INSERT INTO witnessed_check (check_id, site, device, point, unit, reference, tolerance, value, read_at,
                                 age_ms, profile, profile_version, gateway, bus, bound_unit, identity, method,
                                 is_passed, account_id, author, at)
        VALUES (%(id)s, %(site)s, %(device)s, %(point)s, %(unit)s, %(reference)s, %(tolerance)s, %(value)s,
                %(read_at)s, %(age_ms)s, %(profile)s, %(profile_version)s, %(gateway)s, %(bus)s,
                %(bound_unit)s, %(identity)s, %(method)s, %(is_passed)s, %(account)s, %(author)s, %(at)s)
"""

_APPROVE: LiteralString = """
    INSERT INTO check_approval (check_id, site, witness_id, account_id, author, note, at)
        VALUES (%(id)s, %(site)s, %(witness)s, %(account)s, %(author)s, %(note)s, %(at)s)
        ON CONFLICT DO NOTHING
"""


async def bound(connection: AsyncConnection, named: Row, *, locked: bool = False) -> Row | None:
    """What a device is bound to; with `locked` nobody else changes it before the transaction ends."""
    query: LiteralString = BOUND + "AND device = %(device)s"
    return await row_of(connection, query + (" FOR NO KEY UPDATE" if locked else ""), named)


async def bind(connection: AsyncConnection, values: Row) -> None:
    """Bind a device, or bind it otherwise."""
    await connection.execute(_BIND, values)


async def sent(connection: AsyncConnection, named: Row, configuration: int) -> None:
    """Note which configuration of the gateway has the device."""
    await connection.execute(
        """
        UPDATE commissioning SET configuration = %(configuration)s
         WHERE site = %(site)s AND device = %(device)s
        """,
        {**named, "configuration": configuration},
    )


async def commission(connection: AsyncConnection, named: Row, values: Row) -> None:
    """Somebody has put it into use, or taken it out of it."""
    await connection.execute(
        """
        UPDATE commissioning SET commissioned_at = %(at)s, commissioned_by = %(by)s,
               commissioned_profile = %(profile)s
         WHERE site = %(site)s AND device = %(device)s
        """,
        {**named, **values},
    )


async def note_trial(connection: AsyncConnection, values: Row) -> None:
    """A trial was made of the device by that version."""
    await connection.execute(
        """
        INSERT INTO commissioning_trial (trial, site, device, profile, profile_version)
            VALUES (%(trial)s, %(site)s, %(device)s, %(profile)s, %(profile_version)s)
        """,
        values,
    )


async def sign(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep a check for good."""
    await connection.execute(_CHECK, values)


async def approve(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep the approval of a check; a second one changes nothing."""
    await connection.execute(_APPROVE, values)
