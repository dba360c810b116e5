"""Records of enforcement in SQL."""

from typing import Any, LiteralString

from cloud.database import AsyncConnection

_ROW: LiteralString = """
    SELECT its.id, its.seq, its.kind, its.acting_level, its.territory, node.name AS territory_name,
           its.enterprise, its.enterprise_name, its.site, site.name AS site_name, its.hazard_id AS hazard,
           hazard.number AS hazard_number, its.incident_id AS incident, its.amount, its.both_punished,
           its.persons, its.crime, its.case_no, its.document_no, its.decided_on, its.note, its.withdrawn,
           its.reason, its.at, its.author, its.system
"""
_BESIDE: LiteralString = """
           JOIN tree_node AS node ON node.node = its.territory
           LEFT JOIN tree_node AS firm ON firm.node = its.enterprise
           LEFT JOIN site ON site.site = its.site
           LEFT JOIN hazard ON hazard.id = its.hazard_id
"""
_SEEN: LiteralString = """
     WHERE (rules_node(%(account)s, node.path, %(roles)s)
            OR (its.site IS NOT NULL AND sees_site(%(account)s, its.site, %(roles)s))
            OR (firm.path IS NOT NULL AND rules_node(%(account)s, firm.path, %(roles)s)))
"""
"""Who supervises the authority that acts, who sees the site, and the enterprise itself."""
NOW: LiteralString = _ROW + "FROM enforcement_now AS its" + _BESIDE + _SEEN
BEFORE: LiteralString = _ROW + "FROM enforcement AS its" + _BESIDE + _SEEN
LISTED: LiteralString = """
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(site)s::text IS NULL OR its.site = %(site)s)
       AND (%(hazard)s::uuid IS NULL OR its.hazard_id = %(hazard)s)
       AND (%(since)s::date IS NULL OR its.decided_on >= %(since)s)
       AND (%(until)s::date IS NULL OR its.decided_on <= %(until)s)
       AND (%(at)s::date IS NULL OR (its.decided_on, its.id) < (%(at)s, %(id)s::uuid))
     ORDER BY its.decided_on DESC, its.id DESC LIMIT %(limit)s
"""
_COUNTED: LiteralString = """
    SELECT its.kind, count(*) AS acts,
           count(DISTINCT coalesce(its.enterprise::text, nullif(its.enterprise_name, ''))) AS enterprises,
           coalesce(sum(its.persons), 0) AS persons, coalesce(sum(its.amount), 0) AS amount,
           count(*) FILTER (WHERE its.both_punished) AS both_punished,
           count(*) FILTER (WHERE its.crime) AS crimes
      FROM enforcement_now AS its
"""
_IN_SPAN: LiteralString = """
       AND NOT its.withdrawn
       AND (%(since)s::date IS NULL OR its.decided_on >= %(since)s)
       AND (%(until)s::date IS NULL OR its.decided_on <= %(until)s)
     GROUP BY its.kind ORDER BY its.kind
"""
TOTALS: LiteralString = _COUNTED + _BESIDE + _SEEN + _IN_SPAN
_INSERT: LiteralString = """
    INSERT INTO enforcement (
            id, seq, kind, acting_level, territory, enterprise, enterprise_name, site, hazard_id, incident_id,
            amount, both_punished, persons, crime, case_no, document_no, decided_on, note, withdrawn, reason,
            at, author, account_id, system, external_id)
        VALUES (
            %(id)s, %(seq)s, %(kind)s, %(acting_level)s, %(territory)s, %(enterprise)s, %(enterprise_name)s,
            %(site)s, %(hazard)s, %(incident)s, %(amount)s, %(both_punished)s, %(persons)s, %(crime)s,
            %(case_no)s, %(document_no)s, %(decided_on)s, %(note)s, %(withdrawn)s, %(reason)s, %(at)s,
            %(author)s, %(account)s, %(system)s, %(external_id)s)
"""
NODES: LiteralString = """
    SELECT node, name, kind FROM tree_node
     WHERE tree = %(tree)s AND rules_node(%(account)s, path, %(roles)s) ORDER BY path LIMIT 1000
"""
SITES: LiteralString = """
    SELECT site, name, enterprise FROM site
     WHERE sees_site(%(account)s, site, %(roles)s) ORDER BY site LIMIT 1000
"""
ENTERPRISES: LiteralString = """
    SELECT DISTINCT node.node, node.name, node.kind
      FROM tree_node AS node
     WHERE node.tree = 'enterprise'
       AND (rules_node(%(account)s, node.path, %(roles)s)
            OR EXISTS (SELECT FROM site JOIN tree_node AS its ON its.node = site.enterprise
                        WHERE starts_with(its.path, node.path)
                          AND sees_site(%(account)s, site.site, %(roles)s)))
     ORDER BY node.node LIMIT 1000
"""
"""Those that he rules, and those of the sites that he sees."""


async def insert(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep a row."""
    await connection.execute(_INSERT, values)
