"""Editing, signing and amending a safety log: once signed nothing of it changes."""

import datetime as dt
from typing import Any, LiteralString

import msgspec

from cloud.accounts.signatures import keeping_signature
from cloud.database import AsyncConnection, Row, instant, row_of
from cloud.duties.log_model import LogGiven
from cloud.hazards.chain import canonical, digest
from cloud.instants import rfc3339
from cloud.ledger.chain import Signer
from cloud.problems import ProblemError, not_found
from cloud.registry.service import check_match

LOG: LiteralString = "SELECT * FROM safety_log WHERE site = %(site)s AND day = %(day)s"
_ENTRY: LiteralString = """
    INSERT INTO safety_log_entry (
            site, day, seq, record, prev_hash, hash, at, author, account_id, key, signature)
        VALUES (%(site)s, %(day)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(now)s, %(author)s,
                %(account)s, %(key)s, %(signature)s)
"""
_LAST: LiteralString = """
    SELECT seq, hash FROM safety_log_entry WHERE site = %(site)s AND day = %(day)s ORDER BY seq DESC LIMIT 1
"""


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it, of which log, in which transaction and when."""

    connection: AsyncConnection
    site: str
    day: dt.date
    author: str
    now_ms: int
    role: str = ""
    signer: Signer | None = None
    """Of what is signed."""

    @property
    def of(self) -> Row:
        """For the queries."""
        return {
            "site": self.site,
            "day": self.day,
            "now": instant(self.now_ms),
            "author": self.author,
            "account": None if self.signer is None else self.signer.account_id,
        }


async def edit(acting: Acting, given: LogGiven, if_match: str | None) -> None:
    """Keep what the officer has written."""
    known = await _unsigned(acting, if_match)
    query = """
        UPDATE safety_log
           SET weather = %(weather)s, words = %(words)s, editor = %(author)s, edited_at = %(now)s,
               version = %(version)s
         WHERE site = %(site)s AND day = %(day)s
    """
    asked = {**acting.of, "weather": given.weather, "words": given.words, "version": known["version"] + 1}
    await acting.connection.execute(query, asked)


async def sign(acting: Acting, if_match: str | None, today: dt.date, over: dt.datetime) -> None:
    """Sign the log as it stands; from then on it is only amended. `over`: when its day was."""
    known = await _unsigned(acting, if_match)
    if acting.day >= today:
        raise ProblemError(
            409, "day-not-over", "The day is not over", "A log is signed when its day is over."
        )
    if known["drafted_at"] < over:
        # Begun by the officer during the day, it lacks what came afterwards.
        detail = "Its facts end before its day does; have them drawn up again."
        raise ProblemError(409, "log-not-drawn-up", "The log is not drawn up yet", detail)
    content = {name: known[name] for name in ("facts", "weather", "words", "version")}
    await _append(acting, {"kind": "signed", **content, "drafted_at": rfc3339(known["drafted_at"])})
    query = """
        UPDATE safety_log SET signed_at = %(now)s, signed_by = %(author)s, signer_id = %(account)s,
               version = version + 1
         WHERE site = %(site)s AND day = %(day)s
    """
    await acting.connection.execute(query, acting.of)


async def amend(acting: Acting, words: str) -> None:
    """Add to a signed log; what was signed stays."""
    known = await _locked(acting)
    if known["signed_at"] is None:
        raise ProblemError(
            409, "log-not-signed", "The log is not signed yet", "Edit it; amendments come afterwards."
        )
    await _append(acting, {"kind": "amended", "words": words})


async def _unsigned(acting: Acting, if_match: str | None) -> Row:
    known = await _locked(acting)
    if known["signed_at"] is not None:
        detail = "What was signed stays as it is; add an amendment."
        raise ProblemError(409, "log-signed", "The log is signed", detail)
    check_match(if_match, known["version"])
    return known


async def _locked(acting: Acting) -> Row:
    known = await row_of(acting.connection, LOG + " FOR UPDATE", acting.of)
    if known is None:
        raise not_found("log")
    return known


async def _append(acting: Acting, body: dict[str, Any]) -> None:
    assert acting.signer is not None  # noqa: S101  whoever signs has opened his key
    last = await row_of(acting.connection, _LAST, acting.of)
    seq, prev_hash = (1, b"") if last is None else (last["seq"] + 1, last["hash"])
    record = canonical(
        {
            **body,
            "site": acting.site,
            "day": acting.day.isoformat(),
            "seq": seq,
            "at": rfc3339(instant(acting.now_ms)),
            "actor": acting.author,
            "account": acting.signer.account_id,
            "role": acting.role,
        }
    )
    hashed = digest(prev_hash, record)
    row = {**acting.of, "seq": seq, "record": record, "prev_hash": prev_hash, "hash": hashed}
    with keeping_signature():
        await acting.connection.execute(
            _ENTRY, {**row, "key": acting.signer.key, "signature": acting.signer.sign(hashed)}
        )
