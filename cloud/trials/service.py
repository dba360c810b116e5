"""Trials asked of gateways: one at a time on each, sent again until answered, kept with what came of them.

The gateway alone tries: a request that it does not hear in time lapses, and one that it has heard twice is
made once.
"""

import datetime as dt
import uuid
from typing import LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import AsyncConnection, Connection, Row, instant, milliseconds, storable
from cloud.ingest.model import GatewayKey
from sitewarden.errors import SiteWardenError
from sitewarden.trials import BEGINS_WITHIN_S, TAKES_S, TrialAsked, TrialKind, TrialTold

RESEND_MS = 10_000
"""A gateway answers at once, if only that the trial runs; what it told last it tells again."""
GRACE_S = 30
"""So long after a trial should have ended its answer may still be on its way."""
MOST = 20
"""Requests of one look."""

TRIALS: LiteralString = """
    SELECT device_trial.id, kind, bus, unit, identity, seconds, asked_by AS by, asked_at, expires_at, sent_at,
           device_trial.state, device_trial.told_at, why, report, heard
      FROM device_trial JOIN gateway ON gateway.id = gateway_id
"""
"""As they are shown."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A trial about to be asked for."""

    kind: TrialKind
    bus: str
    unit: int | None
    """Of a device that is asked."""
    profile: str
    """Its text."""
    seconds: int
    """Of a conformance run."""
    by: str
    at: dt.datetime
    identity: str = ""
    """Of one that speaks by itself."""


class UnderWayError(SiteWardenError):
    """The gateway has a trial already; it makes one at a time."""


class Due(NamedTuple):
    """A request that is to go out now."""

    key: GatewayKey
    asked: TrialAsked


async def ask(connection: AsyncConnection, gateway: int, request: Request) -> UUID:
    """Note a trial for the gateway of that id; it is sent within a second. Raises `UnderWayError`."""
    async with connection.transaction():
        await connection.execute(_LAPSE, _times(milliseconds(request.at)))
        cursor = await connection.execute(
            """
            INSERT INTO device_trial (
                    id, gateway_id, kind, bus, unit, identity, profile, seconds, asked_by, asked_at,
                    expires_at)
                VALUES (
                    %(id)s, %(gateway)s, %(kind)s, %(bus)s, %(unit)s, %(identity)s, %(profile)s,
                    %(seconds)s, %(by)s, %(at)s, %(expires)s)
                ON CONFLICT DO NOTHING RETURNING id
            """,
            {
                **msgspec.structs.asdict(request),
                "id": uuid.uuid4(),
                "gateway": gateway,
                "expires": request.at + dt.timedelta(seconds=BEGINS_WITHIN_S),
            },
        )
        row = await cursor.fetchone()
    if row is None:
        raise UnderWayError("this gateway tries a device already")
    return UUID(str(row[0]))


def look(connection: Connection, now_ms: int, *, may_send: bool = True) -> list[Due]:
    """Let lapse what nobody answered, and take what is to be sent now; several may look at once."""
    with connection.transaction():
        connection.execute(_LAPSE, _times(now_ms))
        return _claim(connection, now_ms) if may_send else []


def note(connection: Connection, gateway_id: int, told: TrialTold, received_ms: int) -> bool:
    """Keep what a gateway tells of a trial; false where it was not asked for, or had ended before."""
    report = None if told.report is None else storable(told.report)
    row = connection.execute(
        """
        UPDATE device_trial SET state = %(state)s, told_at = %(at)s, why = %(why)s, report = %(report)s,
               heard = %(heard)s
         WHERE id = %(id)s AND gateway_id = %(gateway)s AND state IN ('asked', 'running') RETURNING id
        """,
        {
            "id": UUID(told.request),
            "gateway": gateway_id,
            "state": told.state,
            "at": instant(received_ms),
            "why": None if told.why is None else storable(told.why),
            "report": report,
            "heard": storable(told.heard),
        },
    ).fetchone()
    return row is not None


_LAPSE: LiteralString = """
    UPDATE device_trial SET state = 'lapsed'
     WHERE (state = 'asked' AND expires_at + %(grace)s < %(now)s)
        OR (state = 'running' AND expires_at + %(takes)s < %(now)s)
"""


def _times(now_ms: int) -> Row:
    return {
        "now": instant(now_ms),
        "grace": dt.timedelta(seconds=GRACE_S),
        "takes": dt.timedelta(seconds=TAKES_S + GRACE_S),
        "sent_before": instant(now_ms - RESEND_MS),
        "most": MOST,
    }


def _claim(connection: Connection, now_ms: int) -> list[Due]:
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(
        """
        UPDATE device_trial AS trial SET sent_at = %(now)s
          FROM gateway
         WHERE gateway.id = trial.gateway_id AND trial.id IN (
               SELECT id FROM device_trial
                WHERE state IN ('asked', 'running') AND (sent_at IS NULL OR sent_at <= %(sent_before)s)
                ORDER BY asked_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
        RETURNING mode, site, gateway, trial.id, kind, bus, unit, identity, profile, seconds, expires_at
        """,
        _times(now_ms),
    )
    return [Due(GatewayKey(row["mode"], row["site"], row["gateway"]), _asked(row)) for row in cursor]


def _asked(row: Row) -> TrialAsked:
    return TrialAsked(
        request=row["id"].hex,
        expires=milliseconds(row["expires_at"]),
        kind=row["kind"],
        bus=row["bus"],
        unit=row["unit"],
        identity=row["identity"],
        profile=row["profile"],
        seconds=row["seconds"],
    )
