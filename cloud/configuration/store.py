"""Which configurations are to be sent now, and what gateways report of them, in SQL."""

import datetime as dt
from typing import LiteralString, NamedTuple

from psycopg.rows import dict_row

from cloud.database import Connection, instant, storable
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Configuration, ConfigurationReport

RESEND_MS = 15_000
"""A gateway's heartbeat comes every ten seconds, and tells which configuration it has."""
SILENT_MS = 30_000
"""A gateway not heard for longer is not there."""
CHECK_MS = 120_000
"""A check that nobody has answered for so long is not asked any more."""
KEPT = dt.timedelta(days=1)
"""So long a check is remembered."""
MOST = 20
"""Of one look: each may be a quarter of a megabyte."""


class Due(NamedTuple):
    """What is to go out now."""

    key: GatewayKey
    configuration: Configuration


# The newest version that the gateway has not turned down, where it says that it has another, or where the
# last word about it is missing. A gateway may say any number: that must not end the look for all.
_VERSIONS: LiteralString = """
    UPDATE gateway_configuration AS wanted SET sent_at = %(now)s
      FROM gateway
     WHERE gateway.site = wanted.site AND gateway.gateway = wanted.gateway
       AND gateway.mode <> 'replay' AND gateway.state = 'online' AND gateway.seen_at >= %(heard_since)s
       AND gateway.configuration IS NOT NULL
       AND wanted.version = (
           SELECT max(version) FROM gateway_configuration AS other
            WHERE other.site = wanted.site AND other.gateway = wanted.gateway
              AND other.state IN ('waiting', 'probation', 'in_force'))
       AND (coalesce((gateway.configuration ->> 'version')::numeric, 0) <> wanted.version
            OR gateway.configuration ->> 'hash' IS DISTINCT FROM wanted.hash
            OR wanted.state = 'waiting'
            OR wanted.state = 'probation' AND gateway.configuration -> 'on_probation' IS NULL)
       AND (wanted.sent_at IS NULL OR wanted.sent_at <= %(sent_before)s)
    RETURNING gateway.mode, wanted.site, wanted.gateway, wanted.version, wanted.hash, wanted.files
"""
_CHECKS: LiteralString = """
    UPDATE gateway_configuration_check AS asked SET sent_at = %(now)s
      FROM gateway
     WHERE gateway.site = asked.site AND gateway.gateway = asked.gateway
       AND gateway.mode <> 'replay' AND gateway.state = 'online' AND gateway.seen_at >= %(heard_since)s
       AND gateway.configuration IS NOT NULL
       AND asked.answered_at IS NULL AND asked.at >= %(asked_since)s
       AND (asked.sent_at IS NULL OR asked.sent_at <= %(sent_before)s)
    RETURNING gateway.mode, asked.site, asked.gateway, asked.id, asked.hash, asked.files
"""


def due(connection: Connection, now_ms: int) -> list[Due]:
    """Take what is to be sent now; several may look at once."""
    times = {
        "now": instant(now_ms),
        "heard_since": instant(now_ms - SILENT_MS),
        "sent_before": instant(now_ms - RESEND_MS),
        "asked_since": instant(now_ms - CHECK_MS),
    }
    cursor = connection.cursor(row_factory=dict_row)
    found: list[Due] = []
    with connection.transaction():
        for query in (_VERSIONS, _CHECKS):
            for row in cursor.execute(query, times).fetchall():
                message = Configuration(
                    version=row.get("version", 0),
                    hash=row["hash"],
                    files=row["files"],
                    check=row["id"].hex if "id" in row else None,
                )
                found.append(Due(GatewayKey(row["mode"], row["site"], row["gateway"]), message))
        connection.execute("DELETE FROM gateway_configuration_check WHERE at < %s", [instant(now_ms) - KEPT])
    return found


def unheard(connection: Connection, now_ms: int) -> list[GatewayKey]:
    """Gateways that work from their own files, and have not told what is in them."""
    rows = connection.execute(_UNHEARD, {"heard_since": instant(now_ms - SILENT_MS)}).fetchall()
    return [GatewayKey(*row) for row in rows]


def write_report(
    connection: Connection, key: GatewayKey, report: ConfigurationReport, received_ms: int
) -> None:
    """What a gateway says of a configuration; of one that is not known here nothing is kept."""
    told = {
        "site": key.site,
        "gateway": key.gateway,
        "at": instant(received_ms),
        "state": report.state,
        "why": None if report.why is None else storable(report.why),
        "errors": storable(report.errors),
        "load": storable(report.load),
        "hash": report.hash,
    }
    if report.files is not None:
        connection.execute(_OWN_FILE, {**told, "files": storable(report.files)})
    elif report.version == 0 and report.check is None:
        connection.execute(_UNTOLD if report.why is not None else _SAYS_NOTHING, told)
    if report.check is not None:
        connection.execute(_ANSWER, {**told, "id": report.check})
    elif report.state != "checked":
        became = connection.execute(_BECAME, {**told, "version": report.version})
        if became.rowcount and report.state != "refused":
            connection.execute(_LEFT, {**told, "version": report.version})


_UNHEARD: LiteralString = """
    SELECT mode, site, gateway FROM gateway
     WHERE mode <> 'replay' AND state = 'online' AND seen_at >= %(heard_since)s
       AND configuration IS NOT NULL AND coalesce((configuration ->> 'version')::numeric, 0) = 0
       AND NOT EXISTS (
           SELECT FROM gateway_own_file AS own
            WHERE own.site = gateway.site AND own.gateway = gateway.gateway AND own.files IS NOT NULL)
"""
_ANSWER: LiteralString = """
    UPDATE gateway_configuration_check
       SET answered_at = %(at)s, state = CASE WHEN %(state)s = 'checked' THEN 'checked' ELSE 'refused' END,
           why = %(why)s, errors = %(errors)s, load = %(load)s
     WHERE id = %(id)s::uuid AND site = %(site)s AND gateway = %(gateway)s
"""
_BECAME: LiteralString = """
    UPDATE gateway_configuration
       SET state = %(state)s, why = %(why)s, errors = %(errors)s, load = %(load)s, reported_at = %(at)s
     WHERE site = %(site)s AND gateway = %(gateway)s AND version = %(version)s AND hash = %(hash)s
"""
# A gateway that has tried a version has left whatever was on probation before it, and says no more of that:
# what somebody has replaced is not to come into force because its successor did not hold.
_LEFT: LiteralString = """
    UPDATE gateway_configuration SET state = 'superseded'
     WHERE site = %(site)s AND gateway = %(gateway)s AND version < %(version)s AND state = 'probation'
"""
_OWN_FILE: LiteralString = """
    INSERT INTO gateway_own_file (site, gateway, files, told_at)
        SELECT site, gateway, %(files)s, %(at)s FROM site_gateway
         WHERE site = %(site)s AND gateway = %(gateway)s
        ON CONFLICT (site, gateway) DO UPDATE
        SET files = excluded.files, told_at = excluded.told_at, why = NULL, errors = '[]'
"""
# What it has told before is shown on, beside why there is nothing newer.
_UNTOLD: LiteralString = """
    INSERT INTO gateway_own_file (site, gateway, told_at, why, errors)
        SELECT site, gateway, %(at)s, %(why)s, %(errors)s FROM site_gateway
         WHERE site = %(site)s AND gateway = %(gateway)s
        ON CONFLICT (site, gateway) DO UPDATE
        SET told_at = excluded.told_at, why = excluded.why, errors = excluded.errors
"""
_SAYS_NOTHING: LiteralString = """
    UPDATE gateway_own_file SET why = NULL, errors = '[]'
     WHERE site = %(site)s AND gateway = %(gateway)s AND why IS NOT NULL
"""
