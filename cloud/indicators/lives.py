"""What became of each major hazard by an instant, from its events alone: later ones change nothing."""

import datetime as dt
from typing import LiteralString
from uuid import UUID

import msgspec

from cloud.database import Row

PLACED: LiteralString = """
    placed AS MATERIALIZED (
        SELECT seen.site, seen.devices, its.enterprise
          FROM sites_of(%(account)s, %(roles)s) AS seen JOIN site AS its USING (site)
               LEFT JOIN tree_node AS place ON place.node = its.territory
               LEFT JOIN tree_node AS company ON company.node = its.enterprise
         WHERE (%(site)s::text IS NULL OR its.site = %(site)s)
           AND (%(path)s::text IS NULL OR starts_with(place.path, %(path)s) OR starts_with(company.path,
               %(path)s)))
"""
"""Sites that the caller sees, below a node of either tree or one alone."""
IS_PLACED: LiteralString = """
    (hazard.site IN (SELECT site FROM placed WHERE devices IS NULL)
     OR (hazard.site, hazard.device) IN (SELECT site, unnest(devices) FROM placed WHERE devices IS NOT NULL))
"""
_JUDGED: LiteralString = "level = 'major' AND status NOT IN ('candidate', 'rejected', 'merged')"

_GRAVE: LiteralString = f"""
    grave AS MATERIALIZED (
        SELECT hazard.id, hazard.number, hazard.site, hazard.device, hazard.source, hazard.category,
               encode(hazard.fingerprint, 'hex') AS danger, hazard.repeat_no,
               hazard.content
          FROM hazard
         WHERE hazard.mode = 'live' AND {IS_PLACED}
           AND hazard.id IN (SELECT hazard_id FROM hazard_event WHERE at < %(at)s AND level <> 'general'))
"""  # noqa: S608  of constants only

LIVES: LiteralString = f"""
    WITH {PLACED}, {_GRAVE}, told AS (
        SELECT hazard_id, max(seq) AS last, min(at) AS opened_at,
               min((record::jsonb #>> '{{body,detected_at}}')::timestamptz)
                   FILTER (WHERE kind IN ('opened', 'filed', 'absorbed')) AS detected_at,
               min(at) FILTER (WHERE {_JUDGED}) AS major_at,
               max(at) FILTER (WHERE kind = 'pass_review') AS passed_at,
               max(at) FILTER (WHERE kind = 'close') AS closed_at,
               (array_agg(kind ORDER BY seq) FILTER (WHERE kind IN ('pass_review', 'fail_review')))[1] AS
                   first_review,
               count(*) FILTER (WHERE kind = 'reopen') AS reopened,
               count(*) FILTER (WHERE kind = 'submit') AS submitted,
               (array_agg((record::jsonb #>> '{{body,due}}')::timestamptz ORDER BY seq)
                   FILTER (WHERE kind = 'plan'))[1] AS due_original,
               bool_or(kind = 'grant_extension') AS extended
          FROM hazard_event JOIN grave ON grave.id = hazard_id WHERE at < %(at)s GROUP BY hazard_id)
    SELECT grave.*, told.*, event.level, event.status, event.overdue, event.verified, event.supervision,
           report.sent_at AS reported_at, report.due_at AS report_due_at, report.late
      FROM grave JOIN told ON told.hazard_id = grave.id
           JOIN hazard_event AS event ON event.hazard_id = grave.id AND event.seq = told.last
           LEFT JOIN hazard_report AS report
                  ON report.hazard_id = grave.id AND report.no = 1 AND report.sent_at < %(at)s
"""  # noqa: S608
"""Of each record that was ever suspected or judged major before the instant."""

DAYS: LiteralString = f"""
    WITH {PLACED}, {_GRAVE}, was AS (
        SELECT hazard_id, at, seq, {_JUDGED} AS is_found,
               {_JUDGED} AND status <> 'closed' AS is_open,
               {_JUDGED} AND status <> 'closed' AND overdue AS is_overdue,
               {_JUDGED} AND verified AS is_fixed
          FROM hazard_event JOIN grave ON grave.id = hazard_id WHERE at < %(at)s),
    changed AS (
        SELECT at, is_found::int - coalesce(lag(is_found::int) OVER life, 0) AS found,
               is_open::int - coalesce(lag(is_open::int) OVER life, 0) AS open,
               is_overdue::int - coalesce(lag(is_overdue::int) OVER life, 0) AS overdue,
               is_fixed::int - coalesce(lag(is_fixed::int) OVER life, 0) AS fixed
          FROM was WINDOW life AS (PARTITION BY hazard_id ORDER BY seq))
    SELECT (greatest(at, %(since)s) AT TIME ZONE %(zone)s)::date AS day,
           sum(found)::int AS found, sum(open)::int AS open, sum(overdue)::int AS overdue, sum(fixed)::int
               AS fixed,
           bool_or(open <> 0 AND at >= %(since)s) AS open_moved,
           bool_or(overdue <> 0 AND at >= %(since)s) AS overdue_moved
      FROM changed WHERE found <> 0 OR open <> 0 OR overdue <> 0 OR fixed <> 0 GROUP BY 1 ORDER BY 1
"""  # noqa: S608
"""By how many the found, open, overdue and rectified ones changed on each day; what was before, on the
    first. `moved`: something became so or ceased to be, though in sum nothing changed."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it was at the cut-off."""

    id: UUID
    number: str = ""
    site: str = ""
    device: str | None = None
    source: str = "self"
    danger: str = ""
    """What makes it the same danger again."""
    content: dict[str, str] | None = None
    repeat_no: int = 0
    opened_at: dt.datetime
    detected_at: dt.datetime
    major_at: dt.datetime | None = None
    """When it was first judged major."""
    level: str = "major"
    status: str = "confirmed"
    overdue: bool = False
    verified: bool = False
    supervision: str = "none"
    verified_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    first_review: str | None = None
    reopened: int = 0
    submitted: int = 0
    due_original: dt.datetime | None = None
    extended: bool = False
    reported_at: dt.datetime | None = None
    report_due_at: dt.datetime | None = None
    late: bool | None = None

    @property
    def is_major(self) -> bool:
        """A person has said so, and nobody has taken it back."""
        return self.level == "major" and self.status not in ("candidate", "rejected", "merged")

    @property
    def is_open(self) -> bool:
        """Major, and not struck off."""
        return self.is_major and self.status != "closed"

    @property
    def is_fixed(self) -> bool:
        """Major, and its rectification passed review."""
        return self.is_major and self.verified


def life_of(row: Row) -> Life:
    """The row of `LIVES`."""
    fields = {name: row[name] for name in Life.__struct_fields__ if name in row}
    return Life(
        **{
            **fields,
            "detected_at": row["detected_at"] or row["opened_at"],
            "verified_at": row["passed_at"] if row["verified"] else None,
            "closed_at": row["closed_at"] if row["status"] == "closed" else None,
            "extended": bool(row["extended"]),
        }
    )
