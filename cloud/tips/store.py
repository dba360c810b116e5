"""Reports by the public in SQL. Whoever asks gives his account and the roles that handle them."""

import hashlib
from typing import Any, LiteralString
from uuid import UUID

from cloud.accounts.roles import roles, roles_with
from cloud.database import AsyncConnection, Row, row_of

HANDLES = "tips.handle"
"""The permission."""
_RANKS = frozenset({"county", "city", "province"})

_MAY_SEE: LiteralString = """
    (tip.handler = %(account)s
     OR (tip.territory IS NULL AND rules_node(%(account)s, '/', %(roles)s))
     OR EXISTS (SELECT FROM tree_node AS t
                 WHERE t.node = tip.territory AND rules_node(%(account)s, t.path, %(roles)s)))
    AND NOT EXISTS (SELECT FROM assignments_at(%(account)s, tip.site) WHERE role = ANY (%(parties)s))
"""
"""Whoever has anything to do with the site that is reported sees nothing of it, whatever else he is."""

SEEN: LiteralString = (
    """
    SELECT tip.tip AS id, tip.number, tip.way, tip.state, tip.outcome, tip.site, site.name AS site_name,
           tip.territory, its.name AS territory_name, tip.place, tip.content, tip.insider, tip.named,
           tip.handler, who.name AS handler_name, tip.received_at, tip.due_at,
           coalesce(tip.due_at < %(now)s, false) AS overdue,
           (SELECT count(*) FROM tip_photo WHERE tip_photo.tip = tip.tip) AS photos,
           tip.hazard_id AS hazard, hazard.number AS hazard_number, tip.reward_yuan, tip.judged_at,
           tip.answered_at, tip.version
      FROM tip LEFT JOIN site USING (site) LEFT JOIN tree_node AS its ON its.node = tip.territory
           LEFT JOIN account AS who ON who.id = tip.handler LEFT JOIN hazard ON hazard.id = tip.hazard_id
     WHERE """  # noqa: S608  both our own
    + _MAY_SEE
)
LISTED: LiteralString = """
    AND (%(state)s::text IS NULL OR tip.state = %(state)s)
    AND (%(at)s::timestamptz IS NULL OR (tip.received_at, tip.tip) < (%(at)s, %(id)s))
    ORDER BY tip.received_at DESC, tip.tip DESC LIMIT %(limit)s
"""
FIGURES: LiteralString = (
    """
    SELECT count(*) AS received, count(tip.outcome) AS judged,
           count(*) FILTER (WHERE tip.outcome = 'verified') AS verified,
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM tip.judged_at - tip.received_at) / 86400.0) AS median_days,
           count(*) FILTER (WHERE tip.reward_yuan > 0) AS rewarded,
           count(*) FILTER (WHERE tip.due_at < %(now)s) AS overdue
      FROM tip
     WHERE (%(since)s::timestamptz IS NULL OR tip.received_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR tip.received_at < %(until)s) AND """  # noqa: S608  both our own
    + _MAY_SEE
)
EVENTS: LiteralString = (
    "SELECT at, kind, author, words, account_id FROM tip_event WHERE tip = %(tip)s ORDER BY seq"
)
PICTURES: LiteralString = (
    "SELECT encode(sha256, 'hex') AS sha256 FROM tip_photo WHERE tip = %(tip)s ORDER BY no"
)
HANDLERS: LiteralString = """
    SELECT its.id AS account, its.name
      FROM tip LEFT JOIN tree_node AS t ON t.node = tip.territory CROSS JOIN account AS its
     WHERE tip.tip = %(tip)s AND its.disabled_at IS NULL
       AND rules_node(its.id, coalesce(t.path, '/'), %(handlers)s)
       AND NOT EXISTS (SELECT FROM assignments_at(its.id, tip.site) WHERE role = ANY (%(parties)s))
     ORDER BY its.name
"""
AREAS: LiteralString = """
    SELECT node, name FROM tree_node
     WHERE tree = 'territory' AND kind NOT IN ('town', 'township', 'street') ORDER BY path LIMIT 500
"""


NOTE: LiteralString = """
    INSERT INTO tip_event (tip, seq, at, kind, author, account_id, words)
        SELECT %(tip)s, coalesce(max(seq), 0) + 1, %(at)s, %(kind)s, %(author)s, %(account)s, %(words)s
          FROM tip_event WHERE tip = %(tip)s
"""
LOCKED: LiteralString = "SELECT * FROM tip WHERE tip = %(tip)s FOR UPDATE"
CHANGE: LiteralString = """
    UPDATE tip
       SET state = %(state)s, handler = %(handler)s, outcome = %(outcome)s, hazard_id = %(hazard_id)s,
           due_at = %(due_at)s, reward_yuan = %(reward_yuan)s, judged_at = %(judged_at)s,
           answered_at = %(answered_at)s, version = version + 1
     WHERE tip = %(tip)s
"""
CHOSEN: LiteralString = """
    SELECT encode(sha256, 'hex') AS sha256, content FROM tip_photo
     WHERE tip = %(tip)s AND encode(sha256, 'hex') = ANY (%(photos)s) ORDER BY no
"""


def asking(account: int | None) -> dict[str, Any]:
    """Who asks, for `SEEN` and `FIGURES`."""
    return {"account": account, "roles": roles_with(HANDLES), "parties": parties()}


def handlers() -> list[str]:
    """Roles whose holders may be named as a report's handler: an authority of county or above."""
    known = roles().roles
    return [
        one for one in roles_with(HANDLES) if known[one].side == "authority" and known[one].rank in _RANKS
    ]


def parties() -> list[str]:
    """Roles of whoever builds, owns, supervises or supplies at a site."""
    return [name for name, its in roles().roles.items() if its.side not in {"authority", "platform", "audit"}]


async def insert(connection: AsyncConnection, values: Row) -> Row:
    """Keep a new report; its number, and the area that it is for."""
    row = await row_of(
        connection,
        """
        INSERT INTO tip (tip, number, code_hash, way, site, territory, place, content, insider, named, due_at,
                         received_at)
            SELECT %(tip)s, 'J' || to_char(nextval('tip_number'), 'FM999999000000'), %(code_hash)s, %(way)s,
                   %(site)s,
                   coalesce((SELECT territory FROM site WHERE site = %(site)s), %(territory)s,
                            (SELECT min(node) FROM tree_node WHERE tree = 'territory' AND parent IS NULL
                             HAVING count(*) = 1)),
                   %(place)s, %(content)s, %(insider)s, %(named)s, %(due_at)s, %(received_at)s
            RETURNING number, territory, (SELECT kind FROM tree_node WHERE node = tip.territory) AS area
        """,
        values,
    )
    assert row is not None  # noqa: S101  it was inserted
    return row


async def note(connection: AsyncConnection, tip: UUID, event: Row) -> None:
    """Append to what happened to it; the report is locked."""
    await connection.execute(NOTE, noted(tip, event))


def noted(tip: UUID, event: Row) -> Row:
    """Parameters of `NOTE`."""
    return {"tip": tip, "author": "", "account": None, "words": "", **event}


async def keep_identity(connection: AsyncConnection, tip: UUID, sealed: bytes) -> None:
    """Who reported, sealed."""
    await connection.execute("INSERT INTO tip_identity (tip, sealed) VALUES (%s, %s)", [tip, sealed])


async def by_code(connection: AsyncConnection, code_hash: bytes, *, locked: bool = False) -> Row | None:
    """A report by its receipt."""
    query: LiteralString = "SELECT * FROM tip WHERE code_hash = %s"
    return await row_of(connection, query + (" FOR UPDATE" if locked else ""), [code_hash])


def hashed(content: bytes) -> Row:
    """A picture, as it is put."""
    return {"sha256": hashlib.sha256(content).digest(), "content": content}


async def put_photo(connection: AsyncConnection, photo: Row) -> None:
    """Keep a picture, once; the report is locked."""
    await connection.execute(
        """
        INSERT INTO tip_photo (tip, no, sha256, content)
            SELECT %(tip)s, coalesce(max(no), 0) + 1, %(sha256)s, %(content)s
              FROM tip_photo WHERE tip = %(tip)s
            ON CONFLICT (tip, sha256) DO NOTHING
        """,
        photo,
    )


async def count_photos(connection: AsyncConnection, tip: UUID) -> int:
    """How many there are."""
    row = await row_of(connection, "SELECT count(*) AS n FROM tip_photo WHERE tip = %s", [tip])
    return 0 if row is None else int(row["n"])
