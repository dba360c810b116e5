"""What is made known to the public, in SQL: only ever added to."""

from typing import Any, LiteralString
from uuid import UUID

from cloud.accounts.roles import roles, roles_with
from cloud.database import AsyncConnection, Row

PREPARES, PUBLISHES = "exposures.prepare", "hazards.publish"
"""The permissions; who prepares also sees."""

HAZARD: LiteralString = """
    SELECT hazard.id, hazard.number, hazard.site, hazard.mode, hazard.level, hazard.status, hazard.category,
           hazard.potential_accident, hazard.clause, hazard.detected_at, hazard.due_at, hazard.overdue,
           hazard.supervision, site.name AS site_name, site.time_zone, t.name AS territory, t.path,
           e.name AS enterprise
      FROM hazard JOIN site USING (site)
           LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
     WHERE hazard.id = %(hazard)s
       AND EXISTS (SELECT FROM sites_of(%(account)s, %(roles)s) AS its
                    WHERE its.site = hazard.site AND its.devices IS NULL)
"""
AUTHORITY: LiteralString = """
    SELECT above.node, above.name, above.path FROM tree_node AS above
     WHERE above.tree = 'territory' AND above.kind IN ('city', 'prefecture', 'province')
       AND starts_with(%(path)s, above.path)
       AND (%(node)s::int IS NULL OR above.node = %(node)s)
     ORDER BY length(above.path) DESC LIMIT 1
"""
ROLE: LiteralString = """
    SELECT given.role FROM assignments_of(%(account)s) AS given
           LEFT JOIN tree_node AS top ON top.node = given.node
     WHERE given.role = ANY (%(roles)s) AND given.devices IS NULL
       AND (num_nonnulls(given.node, given.site) = 0 OR given.site = %(site)s
            OR starts_with(%(path)s, top.path))
     ORDER BY array_position(%(roles)s, given.role) LIMIT 1
"""
"""In which role somebody acts there."""
KNOWN: LiteralString = """
    SELECT name AS said FROM account
    UNION SELECT name FROM attendance WHERE site = %(site)s
    UNION SELECT name FROM operator WHERE site = %(site)s
    UNION SELECT certificate_no FROM operator WHERE site = %(site)s
    UNION SELECT person ->> 'name' FROM inspection, jsonb_array_elements(people) AS person
           WHERE site = %(site)s
    UNION SELECT serial_no FROM device_file WHERE site = %(site)s
    UNION SELECT property_no FROM device_file WHERE site = %(site)s
    UNION SELECT other.name ->> 'zh' FROM tree_node AS other
           JOIN site ON site.site = %(site)s LEFT JOIN tree_node AS own ON own.node = site.enterprise
     WHERE other.tree = 'enterprise' AND NOT coalesce(starts_with(own.path, other.path), false)
"""
"""Names of persons, numbers of devices and of certificates, other enterprises: what must not be in it."""
PHOTOS: LiteralString = """
    SELECT encode(sha256, 'hex') AS sha256, media_type, content
      FROM evidence_item JOIN evidence_file USING (sha256)
     WHERE hazard_id = %(hazard)s AND kind IN ('photo', 'still') AND NOT about ? 'camera' AND NOT sealed
       AND encode(sha256, 'hex') = ANY (%(photos)s::text[])
"""
_STATE: LiteralString = """
    (CASE last.kind WHEN 'prepared' THEN 'draft' WHEN 'approved' THEN 'published' ELSE last.kind END)
"""
SEEN: LiteralString = (
    """
    SELECT its.exposure AS id, its.number, its.hazard_id AS hazard, hazard.number AS hazard_number, its.site,
           site.name AS site_name, its.node, node.name AS authority, node.path, t.path AS site_path,
           its.title, """  # noqa: S608  both our own
    + _STATE
    + """ AS state, its.photos, encode(its.sha256, 'hex') AS sha256, length(its.content) AS bytes,
           its.made_at, its.author, its.account_id, last.seq AS version,
           (hazard.level, hazard.status) <> (its.level, its.status) AS is_stale
      FROM exposure AS its JOIN hazard ON hazard.id = its.hazard_id JOIN site ON site.site = its.site
           LEFT JOIN tree_node AS t ON t.node = site.territory
           JOIN tree_node AS node ON node.node = its.node
           JOIN LATERAL (SELECT seq, kind FROM exposure_act AS act WHERE act.exposure = its.exposure
                          ORDER BY seq DESC LIMIT 1) AS last ON true
     WHERE EXISTS (SELECT FROM sites_of(%(account)s, %(seeing)s) AS seen
                    WHERE seen.site = its.site AND seen.devices IS NULL)
"""
)
ONE: LiteralString = SEEN + " AND its.exposure = %(exposure)s"
LISTED: LiteralString = (
    SEEN
    + """
       AND (%(hazard)s::uuid IS NULL OR its.hazard_id = %(hazard)s)
       AND (%(state)s::text IS NULL OR %(state)s = """
    + _STATE
    + """)
       AND (%(at)s::timestamptz IS NULL OR (its.made_at, its.exposure) < (%(at)s, %(id)s))
     ORDER BY its.made_at DESC, its.exposure DESC LIMIT %(limit)s
"""
)
MASKED: LiteralString = """
    DELETE FROM filing_photo
     WHERE site = %(site)s AND account_id = %(account)s
       AND encode(given_sha256, 'hex') = ANY (%(photos)s::text[])
    RETURNING encode(given_sha256, 'hex') AS sha256, media_type, content
"""
"""Pictures that whoever prepares it has covered in parts, put beside those that wait to be filed."""
CONTENT: LiteralString = "SELECT content FROM exposure WHERE exposure = %(exposure)s"
_MAKE: LiteralString = """
    INSERT INTO exposure (exposure, number, hazard_id, site, node, title, level, status, photos, content,
                          sha256, made_at, author, account_id)
        VALUES (%(exposure)s, %(number)s, %(hazard)s, %(site)s, %(node)s, %(title)s, %(level)s, %(status)s,
                %(photos)s, %(content)s, sha256(%(content)s), %(at)s, %(author)s, %(account)s)
"""
_ACT: LiteralString = """
    INSERT INTO exposure_act (exposure, seq, kind, at, author, account_id)
        VALUES (%(exposure)s, %(seq)s, %(kind)s, %(at)s, %(author)s, %(account)s)
"""


def authorities_with(permission: str) -> list[str]:
    """Roles of authorities that have it: nobody else makes anything known in an authority's name."""
    return [one for one in roles_with(permission) if roles().roles[one].side == "authority"]


async def next_number(connection: AsyncConnection) -> str:
    """Which no other file bears."""
    row = await (await connection.execute("SELECT nextval('exposure_number')")).fetchone()
    assert row is not None  # noqa: S101  a sequence always has a next
    return f"BG{row[0]:06}"


async def make(connection: AsyncConnection, values: Row) -> None:
    """Keep a file."""
    await connection.execute(_MAKE, values)


async def act(connection: AsyncConnection, values: Row) -> None:
    """Note what was done with it, in the transaction that adds the event to the ledger."""
    await connection.execute(_ACT, values)


async def lock(connection: AsyncConnection, exposure: UUID) -> None:
    """Nobody else acts on it meanwhile. Its row may not be locked: it is only ever added to."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 54))", [str(exposure)])


def asking(account: int | None, **more: Any) -> dict[str, Any]:
    """Parameters of `SEEN`."""
    return {"account": account, "seeing": roles_with(PREPARES), **more}
