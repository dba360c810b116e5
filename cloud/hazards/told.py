"""What a hazard record is told from elsewhere: that it became an incident. It stays as it is, and open."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from cloud.accounts.roles import roles
from cloud.database import AsyncConnection
from cloud.hazards.chain import Link, canonical, digest
from cloud.hazards.record import fold
from cloud.ledger.chain import Event

_LOCK: LiteralString = "SELECT FROM hazard WHERE id = %s FOR UPDATE"
_EVENTS: LiteralString = "SELECT seq, hash, record FROM hazard_event WHERE hazard_id = %s ORDER BY seq"
_APPEND: LiteralString = """
    WITH come_to AS (
        UPDATE hazard SET version = %(seq)s, record = %(come_to)s WHERE id = %(hazard)s
        RETURNING status, level, report, supervision, escalation_step, overdue, verified_at)
    INSERT INTO hazard_event (
            hazard_id, seq, record, prev_hash, hash, at, kind, account_id,
            status, level, report, supervision, escalation_step, overdue, verified)
        SELECT %(hazard)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(at)s, %(kind)s, %(account)s,
               status, level, report, supervision, escalation_step, overdue, verified_at IS NOT NULL
          FROM come_to
"""


async def tell_of_incident(connection: AsyncConnection, hazard: UUID, event: Event) -> Link:
    """Append the event to the record's chain; nothing else of the record changes."""
    await connection.execute(_LOCK, [hazard])
    before = await (await connection.execute(_EVENTS, [hazard])).fetchall()
    seq, prev_hash = (before[-1][0] + 1, before[-1][1]) if before else (1, b"")
    side = roles().roles[event.role].side
    said: dict[str, Any] = {**msgspec.structs.asdict(event), "side": side, "hazard": str(hazard), "seq": seq}
    record = canonical(said)
    made = Link(seq=seq, record=record, prev_hash=prev_hash, hash=digest(prev_hash, record))
    values = {**msgspec.structs.asdict(made), "hazard": hazard, "at": event.at, "kind": event.kind}
    come_to = fold(msgspec.json.decode(one) for one in (*(row[2] for row in before), record))
    more = {"account": event.account, "come_to": Jsonb(come_to)}
    await connection.execute(_APPEND, {**values, **more})
    return made
