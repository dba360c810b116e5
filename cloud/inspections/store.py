"""Inspections in SQL."""

from typing import LiteralString

_ROW: LiteralString = """
    SELECT its.id, its.seq, its.kind, its.acting_level, its.territory, node.name AS territory_name, its.site,
           site.name AS site_name, its.enterprise, its.enterprise_name, its.devices, its.theme,
           its.started_at, its.ended_at, its.day, its.people, its.answers, its.note, its.signed,
           its.withdrawn, its.reason, its.at, its.author, its.system, its.seen,
           coalesce(site.time_zone, 'Asia/Shanghai') AS time_zone
"""
_BESIDE: LiteralString = """
           LEFT JOIN tree_node AS node ON node.node = its.territory
           LEFT JOIN tree_node AS firm ON firm.node = its.enterprise
           LEFT JOIN site ON site.site = its.site
"""
SEEN: LiteralString = """
     WHERE (rules_node(%(account)s, node.path, %(roles)s)
            OR (its.site IS NOT NULL AND sees_site(%(account)s, its.site, %(roles)s))
            OR (firm.path IS NOT NULL AND rules_node(%(account)s, firm.path, %(roles)s)))
"""
"""Who supervises the authority that inspects, who sees the site, and the enterprise itself."""
_COUNTED: LiteralString = ", (SELECT count(*) FROM inspection_hazard WHERE inspection = its.id) AS hazards"
NOW: LiteralString = _ROW + _COUNTED + " FROM inspection_now AS its" + _BESIDE + SEEN
BEFORE: LiteralString = _ROW + "FROM inspection AS its" + _BESIDE + SEEN
LISTED: LiteralString = """
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(site)s::text IS NULL OR its.site = %(site)s)
       AND (%(enterprise)s::int IS NULL OR its.enterprise = %(enterprise)s)
       AND (%(question)s::text IS NULL OR its.answers ->> %(question)s = %(deficient)s)
       AND (%(since)s::date IS NULL OR its.day >= %(since)s)
       AND (%(until)s::date IS NULL OR its.day <= %(until)s)
       AND (%(at)s::date IS NULL OR (its.day, its.id) < (%(at)s, %(id)s::uuid))
     ORDER BY its.day DESC, its.id DESC LIMIT %(limit)s
"""
ONE: LiteralString = "AND its.id = %(id)s"
FILED: LiteralString = """
    SELECT hazard.id, hazard.number, hazard.content, hazard.level, hazard.status
      FROM inspection_hazard AS its JOIN hazard ON hazard.id = its.hazard_id
     WHERE its.inspection = %(id)s ORDER BY hazard.number
"""
PHOTOS: LiteralString = """
    SELECT encode(sha256, 'hex') AS sha256, media_type, length(content) AS bytes
      FROM inspection_photo WHERE inspection = %(id)s ORDER BY at, sha256
"""
PHOTO: LiteralString = """
    SELECT media_type, content FROM inspection_photo WHERE inspection = %(id)s AND sha256 = %(sha256)s
"""
ARCHIVE: LiteralString = """
    SELECT seq, encode(sha256, 'hex') AS sha256, content FROM inspection_archive
     WHERE inspection = %(id)s AND seq = %(seq)s
"""
INSERT: LiteralString = """
    INSERT INTO inspection (
            id, seq, system, external_id, kind, acting_level, territory, site, enterprise, enterprise_name,
            devices, theme, started_at, ended_at, day, people, answers, note, signed, withdrawn, reason, at,
            author, account_id, seen)
        VALUES (
            %(id)s, %(seq)s, %(system)s, %(external_id)s, %(kind)s, %(acting_level)s, %(territory)s, %(site)s,
            %(enterprise)s, %(enterprise_name)s, %(devices)s, %(theme)s, %(started_at)s, %(ended_at)s,
            %(day)s, %(people)s, %(answers)s, %(note)s, %(signed)s, %(withdrawn)s, %(reason)s, %(at)s,
            %(author)s, %(account)s, %(seen)s)
"""
INSERT_ARCHIVE: LiteralString = """
    INSERT INTO inspection_archive (inspection, seq, sha256, content)
        VALUES (%(id)s, %(seq)s, %(sha256)s, %(content)s)
"""
TAKE_PHOTOS: LiteralString = """
    WITH taken AS (
        DELETE FROM filing_photo
         WHERE site = %(site)s AND account_id = %(account)s AND given_sha256 = ANY (%(photos)s)
         RETURNING media_type, content),
    kept AS (
        INSERT INTO inspection_photo (inspection, sha256, media_type, content, at)
            SELECT %(id)s, sha256(content), media_type, content, %(at)s FROM taken
            ON CONFLICT DO NOTHING)
    SELECT count(*) AS arrived FROM taken
"""
TERRITORY: LiteralString = """
    SELECT its.kind FROM tree_node AS its
           LEFT JOIN site AS x ON x.site = %(site)s
           LEFT JOIN tree_node AS of ON of.node = x.territory
     WHERE its.node = %(node)s AND its.tree = 'territory'
       AND (rules_node(%(account)s, its.path, %(roles)s)
            OR (starts_with(of.path, its.path) AND sees_site(%(account)s, x.site, %(roles)s)))
"""
"""An authority for which he inspects: his own, or over a site to which he was called."""
SITE: LiteralString = """
    SELECT site.enterprise, site.time_zone, node.name AS enterprise_name
      FROM site LEFT JOIN tree_node AS node ON node.node = site.enterprise
     WHERE site.site = %(site)s AND sees_site(%(account)s, site.site, %(roles)s)
"""
TERRITORY_OF: LiteralString = """
    SELECT its.node, its.kind FROM site JOIN tree_node AS its ON its.node = site.territory
     WHERE site.site = %s
"""
ABOVE: LiteralString = """
    SELECT up.node, up.kind FROM site
           JOIN tree_node AS its ON its.node = site.territory
           JOIN tree_node AS up ON starts_with(its.path, up.path)
     WHERE site.site = %(site)s AND rules_node(%(account)s, up.path, %(roles)s)
     ORDER BY length(up.path) LIMIT 1
"""
"""The highest territory over a site that is the officer's own: his authority."""
ALARMS: LiteralString = """
    SELECT id::text, device, point, level, label, raised_at, acknowledged_at IS NOT NULL AS is_acknowledged
      FROM episode
     WHERE site = %(site)s AND mode = %(mode)s AND cleared_at IS NULL
       AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
     ORDER BY level DESC, raised_at LIMIT 200
"""
PLANS: LiteralString = """
    SELECT its.plan AS id, its.territory, node.name AS territory_name, its.day, its.site,
           site.name AS site_name, its.enterprise_name, its.theme, its.note, its.author, its.inspection,
           its.withdrawn
      FROM inspection_plan AS its JOIN tree_node AS node ON node.node = its.territory
           LEFT JOIN site ON site.site = its.site
     WHERE its.territory IN (
           SELECT node FROM assignments_of(%(account)s) WHERE role = ANY (%(roles)s) AND node IS NOT NULL)
"""
"""Of the authority itself: neither of those above it nor of those below."""
ENTERPRISE: LiteralString = """
    SELECT name FROM tree_node AS its
     WHERE its.node = %(node)s AND its.tree = 'enterprise'
       AND (rules_node(%(account)s, its.path, %(roles)s)
            OR NOT %(own)s AND EXISTS (
               SELECT FROM site JOIN tree_node AS firm ON firm.node = site.enterprise
                WHERE starts_with(firm.path, its.path) AND sees_site(%(account)s, site.site, %(roles)s)))
"""
"""One that he may name: his own, and unless only those are asked for, those of the sites that he sees."""
INSERT_PLAN: LiteralString = """
    INSERT INTO inspection_plan (
            plan, territory, site, enterprise_name, day, theme, note, at, author, account_id)
        SELECT %(plan)s, %(territory)s, %(site)s, %(enterprise_name)s, %(day)s, %(theme)s, %(note)s, %(at)s,
               %(author)s, %(account)s
         WHERE %(territory)s IN (
               SELECT node FROM assignments_of(%(account)s) WHERE role = ANY (%(roles)s) AND node IS NOT NULL)
        RETURNING plan
"""
