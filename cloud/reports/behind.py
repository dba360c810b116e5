"""The records behind a number of a report, as whoever asks may see them."""

from collections.abc import Iterable
from typing import LiteralString
from uuid import UUID

from cloud.reports.shown import ReportRecord, ReportRecords
from cloud.serving import Serving

MOST = 500
"""So many are listed; of the others it is said how many they are."""

# Of their ledgers: what the caller may not see is not there, for tables are fenced by row.
_BEHIND: LiteralString = """
    WITH found AS (
        SELECT hazard.id::text AS id, 'hazard' AS what, site,
               (detected_at AT TIME ZONE site.time_zone)::date::text AS "on", number AS called,
               coalesce(hazard.content->>'zh', '') AS about
          FROM hazard JOIN site USING (site) WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT id::text, 'inspection', site, day::text, enterprise_name, note FROM inspection_now
         WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT id::text, 'enforcement', site, decided_on::text, document_no, enterprise_name
          FROM enforcement_now WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT incident.id::text, 'incident', site, (occurred_at AT TIME ZONE site.time_zone)::date::text,
               number, ''
          FROM incident JOIN site USING (site) WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT episode.id::text, 'alarm', site, (raised_at AT TIME ZONE site.time_zone)::date::text, device,
               coalesce(label->>'zh', '')
          FROM episode JOIN site USING (site) WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT id::text, 'duty', site, day::text, kind, words FROM duty_done_now WHERE id = ANY (%(ids)s)
        UNION ALL
        SELECT 'site:' || site, 'site', site, '', coalesce(name->>'zh', site), '' FROM site
         WHERE site = ANY (%(sites)s)
        UNION ALL
        SELECT 'node:' || node, 'node', NULL, '', coalesce(name->>'zh', code), code FROM tree_node
         WHERE node = ANY (%(nodes)s)
        UNION ALL
        SELECT 'device:' || site || '/' || device, 'device', site, '', coalesce(name->>'zh', device),
               coalesce(nullif(serial_no, ''), property_no, '')
          FROM device_file WHERE site || '/' || device = ANY (%(devices)s))
    SELECT *, count(*) OVER () AS seen FROM found ORDER BY "on", called, id LIMIT %(most)s
"""


async def behind(serving: Serving, cell: str, refs: list[str]) -> ReportRecords:
    """Of a version's cell; what is no record of a ledger is named with what it is: `site:north`."""
    asked = {
        "ids": list(_ledgers(refs)),
        "sites": _named(refs, "site"),
        "nodes": [int(node) for node in _named(refs, "node")],
        "devices": _named(refs, "device"),
        "most": MOST,
    }
    rows = await serving.rows(_BEHIND, asked)
    seen = rows[0].pop("seen") if rows else 0
    for row in rows[1:]:
        row.pop("seen")
    return ReportRecords(
        cell=cell,
        items=[ReportRecord(**row) for row in rows],
        more=seen - len(rows),
        hidden=len(set(refs)) - seen,
    )


def _ledgers(refs: Iterable[str]) -> Iterable[UUID]:
    return (UUID(ref) for ref in refs if ":" not in ref)


def _named(refs: Iterable[str], what: str) -> list[str]:
    found = (ref.partition(":") for ref in refs)
    return [name for kind, _, name in found if kind == what]
