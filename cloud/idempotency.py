"""The same request with the same key is done once, however often it is sent; for a day."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import AsyncConnection, Connection, Row, instant
from cloud.problems import ProblemError

KEPT_S = 86_400
"""So long an answer to a POST is remembered."""

_FORGET: LiteralString = "DELETE FROM idempotency WHERE at < %(forget)s"
# Whoever sends the same at the same time waits here for the first to commit.
_CLAIM: LiteralString = """
    INSERT INTO idempotency (account_id, key, digest, at) VALUES (%(account)s, %(key)s, %(digest)s, %(now)s)
        ON CONFLICT DO NOTHING RETURNING 1
"""
_KEEP: LiteralString = """
    UPDATE idempotency SET etag = %(etag)s, body = %(body)s WHERE account_id = %(account)s AND key = %(key)s
"""
_KNOWN: LiteralString = """
    SELECT digest, etag, body FROM idempotency WHERE account_id = %(account)s AND key = %(key)s
"""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a POST did."""

    body: Any
    etag: str | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as it may come again."""

    account: int | None
    """Of the demo's viewer, who has none, nothing is remembered."""
    key: str | None
    request: tuple[str, Any]
    """What it asks for: the same key must not come with something else."""
    now_ms: int


async def once(connection: AsyncConnection, sent: Sent, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """What `work` answers, or has answered to the same request under that key within a day."""
    named = _named(sent)
    if named is None:
        return await work()
    await connection.execute(_FORGET, named)
    made = await connection.execute(_CLAIM, named)
    if await made.fetchone() is None:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(_KNOWN, named)
        return _remembered(await cursor.fetchone(), named)
    answer = await work()
    await connection.execute(_KEEP, _kept(named, answer))
    return answer


def once_in_thread(connection: Connection, sent: Sent, work: Callable[[], Answer]) -> Answer:
    """The same over a connection of a thread's own."""
    named = _named(sent)
    if named is None:
        return work()
    connection.execute(_FORGET, named)
    if connection.execute(_CLAIM, named).fetchone() is None:
        return _remembered(connection.cursor(row_factory=dict_row).execute(_KNOWN, named).fetchone(), named)
    answer = work()
    connection.execute(_KEEP, _kept(named, answer))
    return answer


def _named(sent: Sent) -> Row | None:
    if sent.key is None or sent.account is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]+", sent.key):
        detail, field = "Printable characters only.", "Idempotency-Key"
        raise ProblemError(422, "invalid", "Not a key", detail, field=field, code="not-printable")
    return {
        "account": sent.account,
        "key": sent.key,
        "digest": hashlib.sha256(msgspec.json.encode(sent.request)).digest(),
        "now": instant(sent.now_ms),
        "forget": instant(sent.now_ms - KEPT_S * 1000),
    }


def _kept(named: Row, answer: Answer) -> Row:
    return {**named, "etag": answer.etag, "body": Jsonb(answer.body)}


def _remembered(row: Row | None, named: Row) -> Answer:
    if row is None or row["digest"] != named["digest"]:
        raise ProblemError(
            422,
            "idempotency-key-reused",
            "The key was used for another request",
            "Give each request a key of its own.",
            field="Idempotency-Key",
        )
    return Answer(body=row["body"], etag=row["etag"])
