"""Packages on their way, in SQL: each is claimed before it goes out, so that a crash loses none."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from cloud.database import Connection

LEASE = dt.timedelta(seconds=60)
"""So long whoever sends has a package to himself; then it is sent again, by its number."""
_BACK_OFF_S = (5, 3600)
_TRIES = 5
"""After so many it lets another pass: what one platform cannot take must not keep all else from it."""
_MOST_TEXT = 2000

_CLAIM: LiteralString = """
    UPDATE package AS its
       SET state = 'sending', attempts = attempts + 1, tried_at = %(now)s, leased_until = %(until)s
      FROM connector AS via LEFT JOIN connector_secret AS secret USING (connector)
     WHERE its.package = (
               SELECT next.package FROM package AS next JOIN outbox_item AS item USING (item)
                WHERE next.connector = %(connector)s
                  AND (state IN ('waiting', 'unknown') OR (state = 'sending' AND leased_until <= %(now)s))
                  -- Of one thing in their order.
                  AND NOT EXISTS (
                      SELECT FROM package AS before JOIN outbox_item AS its_item USING (item)
                       WHERE before.connector = next.connector AND before.seq < next.seq
                         AND its_item.of = item.of AND before.state IN ('waiting', 'sending', 'unknown'))
                -- One that is refused again and again lets others pass.
                ORDER BY attempts / %(tries)s, next.seq LIMIT 1 FOR UPDATE OF next SKIP LOCKED)
       AND via.connector = its.connector
    RETURNING its.package, its.connector, its.seq, its.kind, its.body, its.wire, its.created_at,
              via.name, via.kind AS via, via.url, via.mapping, coalesce(secret.key, '') AS key
"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is being sent, and how."""

    package: UUID
    connector: UUID
    seq: int
    kind: str
    body: str
    wire: str | None
    created_at: dt.datetime
    name: str
    via: str
    url: str
    mapping: str
    key: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a try."""

    state: str
    """`waiting`: nothing has gone out. `unknown`: it may have. Both are tried again, with the same bytes."""
    code: str = ""
    text: str = ""
    fails: bool = False
    """The other side is not well: leave it alone for a while."""


def ready(connection: Connection, now: dt.datetime) -> list[UUID]:
    """Connectors that are on, not resting, and have something to send."""
    rows = connection.execute(
        """
        SELECT connector FROM connector
         WHERE is_on AND (rests_until IS NULL OR rests_until <= %(now)s)
           AND EXISTS (SELECT FROM package WHERE package.connector = connector.connector
                          AND (state IN ('waiting', 'unknown')
                               OR (state = 'sending' AND leased_until <= %(now)s)))
        """,
        {"now": now},
    ).fetchall()
    return [one for (one,) in rows]


def claim(connection: Connection, connector: UUID, now: dt.datetime) -> Claimed | None:
    """The next of a connector, committed as being sent."""
    cursor = connection.cursor(row_factory=class_row(Claimed))
    asked = {"connector": connector, "now": now, "until": now + LEASE, "tries": _TRIES}
    return cursor.execute(_CLAIM, asked).fetchone()


def freeze(connection: Connection, package: UUID, wire: str) -> None:
    """What goes out, from now on whenever it does."""
    connection.execute("UPDATE package SET wire = %s WHERE package = %s", [wire, package])


def settle(connection: Connection, claimed: Claimed, outcome: Outcome, now: dt.datetime) -> int:
    """Note what became of it; a receipt that was read meanwhile stays.

    How often on end its connector has failed.
    """
    shortest, longest = _BACK_OFF_S
    with connection.transaction():
        connection.execute(
            """
            UPDATE package SET state = %(state)s, code = %(code)s, answer = %(text)s, leased_until = NULL,
                   settled_at = CASE WHEN %(state)s IN ('accepted', 'rejected') THEN %(now)s::timestamptz END
             WHERE package = %(package)s AND state = 'sending'
            """,
            {**_said(outcome), "now": now, "package": claimed.package},
        )
        row = connection.execute(
            """
            UPDATE connector
               SET failures = CASE WHEN %(fails)s THEN failures + 1 ELSE 0 END,
                   rests_until = CASE WHEN %(fails)s
                       THEN %(now)s + least(%(longest)s, %(shortest)s * 2 ^ least(failures, 12))
                                      * interval '1 second' END
             WHERE connector = %(connector)s RETURNING failures
            """,
            {
                "fails": outcome.fails,
                "now": now,
                "shortest": shortest,
                "longest": longest,
                "connector": claimed.connector,
            },
        ).fetchone()
    return 0 if row is None else int(row[0])


def receipted(connection: Connection, connector: UUID, receipt: "Receipt", now: dt.datetime) -> bool:
    """Note a receipt that came later; false where it is of no package that waits for one, or had the same."""
    done = connection.execute(
        """
        UPDATE package SET state = %(result)s, code = %(code)s, answer = %(text)s,
               settled_at = coalesce(settled_at, %(now)s), leased_until = NULL
         WHERE connector = %(connector)s AND package::text = %(id)s AND (wire::jsonb)->>'hash' = %(hash)s
           AND (state IN ('sending', 'sent', 'unknown')
                -- As it was noted already, by who was killed before the file was put away.
                OR (state, code, answer) = (%(result)s, %(code)s, %(text)s))
        """,
        {**_said(receipt), "connector": connector, "now": now},
    )
    return done.rowcount == 1


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side says of a package."""

    id: str
    hash: str
    result: str
    code: str = ""
    text: str = ""


def plain(text: str) -> str:
    """What others say, as the database can keep it."""
    return text.replace("\0", "").strip()[:_MOST_TEXT]


def _said(of: msgspec.Struct) -> dict[str, Any]:
    return {
        name: plain(its) if isinstance(its, str) else its for name, its in msgspec.structs.asdict(of).items()
    }


def read_receipt(content: bytes) -> Receipt | None:
    """`None` where it is none."""
    try:
        found = msgspec.json.decode(content, type=Receipt)
    except msgspec.DecodeError:
        return None
    return found if found.result in {"accepted", "rejected"} else None
