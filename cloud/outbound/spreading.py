"""Of each item a package for every connector that wants it: what it says is as it stood at its event."""

from typing import Any, LiteralString
from uuid import uuid4

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant
from cloud.instants import rfc3339
from cloud.outbound.packages import UnfitError, canonical, check

_MOST = 50
"""At once; the rest comes with the next look."""
_ITEMS: LiteralString = """
    SELECT * FROM outbox_item WHERE NOT spread ORDER BY created_at, item LIMIT %s FOR UPDATE SKIP LOCKED
"""
_WANTING: LiteralString = """
    SELECT connector FROM connector AS its
     WHERE %(kind)s = ANY (wants) AND since <= %(created_at)s
       AND (its.node IS NULL OR EXISTS (
               SELECT FROM tree_node AS top JOIN tree_node AS below ON starts_with(below.path, top.path)
                WHERE top.node = its.node
                  AND (below.node = %(node)s
                       OR below.node IN (SELECT unnest(ARRAY[territory, enterprise]) FROM site
                                          WHERE site = %(site)s))))
     ORDER BY connector FOR UPDATE
"""
_PUT: LiteralString = """
    INSERT INTO package (package, connector, seq, item, kind, site, node, body, sha256, state, code, answer,
                         created_at, settled_at)
        SELECT %(package)s, %(connector)s,
               (SELECT coalesce(max(seq), 0) + 1 FROM package WHERE connector = %(connector)s),
               %(item)s, %(kind)s, %(site)s, %(node)s, %(body)s, sha256(convert_to(%(body)s, 'UTF8')),
               %(state)s, %(code)s, %(answer)s, %(now)s, %(settled_at)s
        ON CONFLICT (connector, item) DO NOTHING
"""
_PLACE: LiteralString = """
    SELECT site.site, site.name->>'zh' AS name, t.name->>'zh' AS territory, e.name->>'zh' AS enterprise
      FROM site LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
     WHERE site.site = %s
"""
_HAZARD: LiteralString = """
    SELECT hazard.id, number, device, location, category->>'zh' AS category, content->>'zh' AS content,
           potential_accident->>'zh' AS potential_accident, clause, source, detected_at, due_at, closed_at,
           event.seq, event.at, event.status, event.level, event.report, event.supervision,
           event.escalation_step, event.overdue
      FROM hazard JOIN hazard_event AS event ON event.hazard_id = hazard.id
     WHERE hazard.id = %s AND event.seq = %s
"""
_INCIDENT: LiteralString = """
    SELECT its.id, its.number, its.record, event.record AS said
      FROM incident AS its JOIN ledger_event AS event ON event.ledger = 'incident' AND event.of = its.id
     WHERE its.id = %s AND event.seq = %s
"""
_INSPECTION: LiteralString = "SELECT * FROM inspection WHERE id = %s AND seq = %s"
_REPORT: LiteralString = """
    SELECT its.report, its.kind, its.campaign, its.cut_off, made.version, made.body,
           encode(made.sha256, 'hex') AS sha256
      FROM report AS its JOIN report_version AS made USING (report)
     WHERE its.report = %s AND made.version = %s
"""


def spread(connection: Connection, now_ms: int) -> int:
    """Make the packages of what waits; how many items there were."""
    with connection.transaction():
        cursor = connection.cursor(row_factory=dict_row)
        items = cursor.execute(_ITEMS, [_MOST]).fetchall()
        for item in items:
            wanting = connection.execute(_WANTING, item).fetchall()
            if wanting:
                _put(connection, item, [one for (one,) in wanting], now_ms)
            connection.execute("UPDATE outbox_item SET spread = true WHERE item = %s", [item["item"]])
    return len(items)


def _put(connection: Connection, item: Row, wanting: list[Any], now_ms: int) -> None:
    body, now, unfit = "{}", instant(now_ms), ""
    try:
        body = canonical(payload_of(connection, item))
        check(item["kind"], body)
    except (UnfitError, LookupError, TypeError, msgspec.DecodeError) as exc:
        # Nothing is missing silently: it stands among those that were refused, with what is wrong.
        unfit = str(exc) or type(exc).__name__
    state = {"state": "rejected", "code": "schema"} if unfit else {"state": "waiting", "code": ""}
    for connector in wanting:
        values = {**item, **state, "body": body, "answer": unfit, "now": now}
        settled = {"settled_at": now if unfit else None}
        connection.execute(_PUT, {**values, **settled, "package": uuid4(), "connector": connector})


def payload_of(connection: Connection, item: Row) -> dict[str, Any]:
    """What an item's packages say."""
    kind = "hazard" if item["kind"].startswith("hazard_") else item["kind"]
    query, make = _MAKING[kind]
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(query, [item["of"], item["seq"]]).fetchone()
    if row is None:
        return {}
    place = cursor.execute(_PLACE, [item["site"]]).fetchone()
    site = None if place is None else {"id": place.pop("site"), **place}
    made: dict[str, Any] = make(row, site)
    return made


def _hazard(row: Row, site: Row | None) -> Row:
    clause = row["clause"] or {}
    same = ("number", "device", "location", "category", "content", "potential_accident", "level", "status")
    also = ("source", "report", "supervision", "escalation_step", "overdue")
    return {
        **{name: row[name] for name in (*same, *also)},
        "id": str(row["id"]),
        "event": row["seq"],
        "site": site,
        "at": rfc3339(row["at"]),
        "clause_edition": clause.get("edition"),
        "clause": clause.get("id"),
        "detected_at": rfc3339(row["detected_at"]),
        "due_at": _when(row["due_at"]),
        "closed_at": _when(row["closed_at"]) if row["status"] == "closed" else None,
    }


def _incident(row: Row, site: Row | None) -> Row:
    record, said = row["record"], msgspec.json.decode(row["said"])["body"]
    same = ("kind", "what", "place", "occurred_at", "killed", "injured", "missing")
    return {
        **{name: record[name] for name in same},
        "id": str(row["id"]),
        "number": row["number"],
        "site": site,
        "course": said["course"],
        "measures": said["measures"],
    }


def _inspection(row: Row, site: Row | None) -> Row:
    same = ("kind", "acting_level", "theme", "devices", "answers", "withdrawn")
    more = {"id": str(row["id"]), "correction": row["seq"] - 1, "site": site, "day": row["day"].isoformat()}
    return {**{name: row[name] for name in same}, **more}


def _report(row: Row, _site: Row | None) -> Row:
    same = ("version", "kind", "campaign", "sha256", "body")
    more = {"id": str(row["report"]), "cut_off": rfc3339(row["cut_off"])}
    return {**{name: row[name] for name in same}, **more}


def _when(at: Any) -> str | None:
    return None if at is None else rfc3339(at)


_MAKING: dict[str, tuple[LiteralString, Any]] = {
    "hazard": (_HAZARD, _hazard),
    "incident_details": (_INCIDENT, _incident),
    "inspection": (_INSPECTION, _inspection),
    "report": (_REPORT, _report),
}
