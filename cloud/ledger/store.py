"""Ledgers in SQL. Whoever appends has locked the record's row, so that nobody else takes its place."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec

from cloud.accounts.signatures import keeping_signature
from cloud.database import AsyncConnection, Connection
from cloud.hazards.chain import Link
from cloud.ledger.chain import Event, Ledger, Signer, linked

_LAST: LiteralString = """
    SELECT seq, hash FROM ledger_event WHERE ledger = %s AND of = %s ORDER BY seq DESC LIMIT 1
"""
_APPEND: LiteralString = """
    INSERT INTO ledger_event (ledger, of, seq, record, prev_hash, hash, at, kind, account_id)
        VALUES (%(ledger)s, %(of)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(at)s, %(kind)s,
                %(account)s)
"""
_SIGN: LiteralString = """
    INSERT INTO ledger_signature (ledger, of, seq, account_id, key, signature)
        VALUES (%(ledger)s, %(of)s, %(seq)s, %(account)s, %(key)s, %(signature)s)
"""
EVENTS: LiteralString = """
    SELECT event.record, event.hash, signature.key IS NOT NULL AS is_signed
      FROM ledger_event AS event LEFT JOIN ledger_signature AS signature USING (ledger, of, seq)
     WHERE event.ledger = %s AND event.of = %s ORDER BY event.seq
"""


async def append(
    connection: AsyncConnection, ledger: Ledger, of: UUID, event: Event, signer: Signer | None = None
) -> Link:
    """Add what a person did, with his signature where he gave it."""
    row = await (await connection.execute(_LAST, [ledger, of])).fetchone()
    made = linked(ledger, str(of), None if row is None else (row[0], row[1]), event)
    await connection.execute(_APPEND, _row(ledger, of, made, event))
    if signer is not None:
        signed = {"account": signer.account_id, "key": signer.key, "signature": signer.sign(made.hash)}
        with keeping_signature():
            await connection.execute(_SIGN, {"ledger": ledger, "of": of, "seq": made.seq, **signed})
    return made


def append_by_machine(connection: Connection, ledger: Ledger, of: UUID, event: Event) -> Link:
    """Add what no person did, such as a clock that has run out."""
    row = connection.execute(_LAST, [ledger, of]).fetchone()
    made = linked(ledger, str(of), None if row is None else (row[0], row[1]), event)
    connection.execute(_APPEND, _row(ledger, of, made, event))
    return made


def _row(ledger: Ledger, of: UUID, made: Link, event: Event) -> dict[str, Any]:
    said = {"ledger": ledger, "of": of, "at": event.at, "kind": event.kind, "account": event.account}
    return {**msgspec.structs.asdict(made), **said}
