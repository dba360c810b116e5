"""Reports in SQL: every version as it was made, for good; what was done with them in a ledger."""

import datetime as dt
import hashlib
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.hazards.chain import canonical
from cloud.instants import rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append_by_machine
from cloud.reports.model import Computed, Definition, Scope
from sitewarden import __version__

MACHINE = "sitewarden"
"""Who made it where no person did."""


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a version made."""

    name: str = MACHINE
    account: int | None = None
    role: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A version that has been made."""

    report: UUID
    version: int
    sha256: bytes


_OPEN: LiteralString = """
    INSERT INTO report (report, kind, node, site, campaign, since, cut_off, due_at)
        VALUES (%(new)s, %(kind)s, %(node)s, %(site)s, %(campaign)s, %(since)s, %(cut_off)s, %(due_at)s)
        ON CONFLICT (kind, node, site, campaign, since, cut_off) DO NOTHING
"""
# Whoever makes a version of the same at the same time waits here.
_LOCK: LiteralString = """
    SELECT report, versions, approved FROM report
     WHERE kind = %(kind)s AND node IS NOT DISTINCT FROM %(node)s AND site IS NOT DISTINCT FROM %(site)s
       AND campaign = %(campaign)s AND since IS NOT DISTINCT FROM %(since)s AND cut_off = %(cut_off)s
       FOR NO KEY UPDATE
"""
_KEEP: LiteralString = """
    INSERT INTO report_version (report, version, preliminary, known_at, words, generator, body, sha256,
                                made_at, author, account_id)
        VALUES (%(report)s, %(version)s, %(preliminary)s, %(known_at)s, %(words)s, %(generator)s, %(body)s,
                %(sha256)s, %(now)s, %(author)s, %(account)s)
"""
PREVIOUS: LiteralString = """
    SELECT its.body FROM report JOIN report_version AS its ON its.report = report.report
       AND its.version = report.approved
     WHERE kind = %(kind)s AND node IS NOT DISTINCT FROM %(node)s AND site IS NOT DISTINCT FROM %(site)s
       AND campaign = %(campaign)s AND since IS NOT DISTINCT FROM %(since)s AND cut_off < %(cut_off)s
     ORDER BY cut_off DESC LIMIT 1
"""


class CorrectionWithoutWordsError(Exception):
    """Something was approved already: what replaces it says what it puts right."""


def make(
    connection: Connection,
    definition: Definition,
    scope: Scope,
    *,
    author: Author,
    now: dt.datetime,
    due_at: dt.datetime | None = None,
    words: str = "",
) -> Kept:
    """Count, and keep it as a further version, within the caller's transaction.

    Raises `CorrectionWithoutWordsError`.
    """
    place = _place(definition.kind, scope)
    connection.execute(_OPEN, {**place, "new": uuid4(), "due_at": due_at})
    known = connection.cursor(row_factory=dict_row).execute(_LOCK, place).fetchone()
    assert known is not None  # noqa: S101  it has just been opened
    if known["approved"] is not None and not words:
        raise CorrectionWithoutWordsError
    counted = msgspec.structs.replace(scope, known_at=scope.known_at or now)
    body = body_of(definition, counted, definition.compute(connection, counted), words)
    kept = Kept(
        report=known["report"], version=known["versions"] + 1, sha256=hashlib.sha256(body.encode()).digest()
    )
    connection.execute(
        _KEEP,
        {
            **msgspec.structs.asdict(kept),
            "preliminary": now < scope.cut_off,
            "known_at": counted.known,
            "words": words,
            "generator": __version__,
            "body": body,
            "now": now,
            "author": author.name,
            "account": author.account,
        },
    )
    said: dict[str, Any] = {"version": kept.version, "sha256": kept.sha256.hex()}
    event = Event(
        at=rfc3339(now),
        actor=author.name,
        account=author.account,
        role=author.role,
        kind="corrected" if words else "made",
        body={**said, "words": words} if words else said,
    )
    made = append_by_machine(connection, "report", kept.report, event)
    connection.execute(
        "UPDATE report SET versions = %s, seq = %s WHERE report = %s", [kept.version, made.seq, kept.report]
    )
    return kept


def body_of(definition: Definition, scope: Scope, computed: Computed, words: str) -> str:
    """Exactly the bytes that are kept: canonical JSON."""
    # The generator stands beside it: another one that counts the same makes the same bytes.
    return canonical(
        {
            "kind": definition.kind,
            "scope": msgspec.to_builtins(scope),
            "computed": msgspec.to_builtins(computed),
            "configuration": hashlib.sha256(canonical(computed.head).encode()).hexdigest(),
            "words": words,
        }
    )


def read_body(body: str) -> Computed:
    """What a version says."""
    return msgspec.convert(msgspec.json.decode(body)["computed"], Computed)


def previous(connection: Connection, kind: str, scope: Scope) -> Computed | None:
    """What was last approved of the same for an earlier cut-off; `None`: nothing was."""
    row = connection.execute(PREVIOUS, _place(kind, scope)).fetchone()
    return None if row is None else read_body(row[0])


def _place(kind: str, scope: Scope) -> Row:
    return {
        "kind": kind,
        "node": scope.node,
        "site": scope.site,
        "campaign": scope.campaign,
        "since": scope.since,
        "cut_off": scope.cut_off,
    }
