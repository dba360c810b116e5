"""The major hazards of a place as of a past instant: what every number of a report upward is counted from.

Read from `hazard_event` alone, whose rows say what a record was right after each event; so nothing that
happens later changes what was counted. A record's own row gives only what never changes: at which site it is,
whose finding it is, and when it was detected; and a site counts where it stood at the cut-off.
"""

import datetime as dt
from typing import Any, Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from cloud.accounts.roles import roles
from cloud.database import Connection
from cloud.hazards.record import Record, fold
from cloud.reports.campaigns import campaign_of
from cloud.reports.model import Scope
from cloud.reports.placing import PLACES

ActingLevel = Literal["province", "prefecture", "county"]
"""Of an authority; what a township does is its county's."""
LEVELS: tuple[ActingLevel, ...] = ("province", "prefecture", "county")
_OF_RANK: dict[str, ActingLevel] = {
    "province": "province",
    "city": "prefecture",
    "county": "county",
    "officer": "county",
}
_OF_NODE: dict[str, ActingLevel] = {"province": "province", "prefecture": "prefecture", "city": "prefecture"}
_SECTOR = "房屋市政工程施工"
"""The only one whose records are kept here."""

# Every event before the cut-off is looked at once, in an index that holds all that is asked.
_MAJORS: LiteralString = f"""
    WITH place AS MATERIALIZED ({PLACES}),
    its AS MATERIALIZED (
        SELECT id, number, site, device, category, source, source_detail, detected_at
          FROM hazard JOIN place USING (site)
         WHERE mode = 'live' AND opened_at < %(cut_off)s AND %(in_sector)s),
    lived AS (
        SELECT hazard_id, max(seq) AS seq,
               min(at) FILTER (WHERE level = 'major' AND status <> 'candidate') AS major_at,
               bool_or(supervision = 'listed') AS listed,
               max(seq) FILTER (WHERE at < %(since)s) AS seq_before
          FROM hazard_event
         WHERE at < %(cut_off)s AND hazard_id IN (SELECT id FROM its)
         GROUP BY hazard_id)
    SELECT its.id, its.number, its.site, its.device, its.category->>'zh' AS category, its.source,
           its.source_detail, its.detected_at, lived.major_at, lived.listed, was.status, was.verified,
           was.overdue, was.supervision, was.escalation_step, was.report, lived.seq,
           first.record::jsonb->>'role' AS filed_role, who.kinds AS filed_at,
           (SELECT said.record::jsonb->'body'->>'authority_level' FROM hazard_event AS said
             WHERE lived.listed AND said.hazard_id = its.id AND said.seq <= lived.seq AND said.kind = 'list'
             ORDER BY said.seq DESC LIMIT 1) AS listed_by
      FROM lived
           JOIN its ON its.id = lived.hazard_id
           JOIN hazard_event AS was ON was.hazard_id = lived.hazard_id AND was.seq = lived.seq
           LEFT JOIN hazard_event AS first
             ON its.source <> 'self' AND first.hazard_id = lived.hazard_id AND first.seq = 1
           LEFT JOIN LATERAL (
               SELECT array_agg(node.kind) AS kinds
                 FROM assignment JOIN tree_node AS node USING (node)
                WHERE assignment.account_id = first.account_id
                  AND assignment.role = first.record::jsonb->>'role'
                  AND assignment.valid_from <= first.at
                  AND (assignment.valid_until IS NULL OR assignment.valid_until > first.at)) AS who ON true
     WHERE lived.major_at IS NOT NULL AND was.level = 'major'
       AND was.status NOT IN ('candidate', 'rejected', 'merged')
       AND (its.detected_at >= %(since)s
            OR (%(carried_over)s AND EXISTS (
                    SELECT FROM hazard_event AS earlier
                     WHERE earlier.hazard_id = its.id AND earlier.seq = lived.seq_before
                       AND earlier.status NOT IN ('rejected', 'merged', 'closed'))))
     ORDER BY its.detected_at, its.number
"""  # noqa: S608  of our own texts

_PROPOSED: LiteralString = f"""
    WITH place AS MATERIALIZED ({PLACES})
    SELECT id FROM hazard JOIN place USING (site)
      JOIN LATERAL (SELECT status, level FROM hazard_event
                     WHERE hazard_id = id AND at < %(cut_off)s ORDER BY seq DESC LIMIT 1) AS was ON true
     WHERE mode = 'live' AND opened_at < %(cut_off)s AND detected_at >= %(since)s AND %(in_sector)s
       AND was.level = 'major_proposed' AND was.status = 'candidate'
       AND (ended_at IS NULL OR ended_at >= %(cut_off)s)
     ORDER BY number
"""  # noqa: S608  of our own texts


class Major(msgspec.Struct, frozen=True, kw_only=True):
    """A major hazard, as it was at the cut-off."""

    id: UUID
    number: str
    site: str
    device: str | None
    category: str
    source: Literal["self", "inspection", "public_report"]
    source_detail: str
    detected_at: dt.datetime
    major_at: dt.datetime
    """When a person first said that it is one."""
    listed: bool
    """It has been listed for supervision, whatever became of that later."""
    status: str
    verified: bool
    """Its last rectification has passed review and nobody has reopened it."""
    overdue: bool
    supervision: str
    escalation_step: int
    report: str
    seq: int
    """Of its last event before the cut-off."""
    filed_role: str | None
    filed_at: list[str] | None
    listed_by: str | None

    @property
    def found_by(self) -> ActingLevel:
        """The level of the authority that found it; who is of no rank acts for the county."""
        role = roles().roles.get(self.filed_role or "")
        rank = role.rank if role is not None else None
        if rank == "officer":
            return _highest(self.filed_at or [])
        return _OF_RANK.get(rank or "", "county")

    @property
    def listed_level(self) -> ActingLevel:
        """The level of the authority that listed it."""
        return _OF_RANK.get(self.listed_by or "", "county")

    def fixed(self, rectified_means: str) -> bool:
        """Whether it counts as rectified: handed in for review, passed, or struck off."""
        if rectified_means == "submitted":
            return self.status in ("rectified", "reviewed", "closed")
        return self.status == "closed" if rectified_means == "closed" else self.verified


def _highest(kinds: list[str]) -> ActingLevel:
    """Of an officer, who acts for the territory that he is assigned to."""
    found = [_OF_NODE.get(kind, "county") for kind in kinds]
    return min(found, key=LEVELS.index, default="county")


def majors(connection: Connection, scope: Scope, cut_off: dt.datetime | None = None) -> list[Major]:
    """The major hazards of a scope as of its cut-off (or another), the first detected first."""
    asked = _asked(connection, scope, cut_off)
    return connection.cursor(row_factory=class_row(Major)).execute(_MAJORS, asked).fetchall()


def proposed(connection: Connection, scope: Scope, cut_off: dt.datetime | None = None) -> list[UUID]:
    """Those that were suspected major then and that nobody had judged; they are in no number."""
    rows = connection.execute(_PROPOSED, _asked(connection, scope, cut_off)).fetchall()
    return [row[0] for row in rows]


def _asked(connection: Connection, scope: Scope, cut_off: dt.datetime | None) -> dict[str, Any]:
    campaign = campaign_of(connection, scope.campaign)
    since = scope.since or (campaign.since if campaign is not None else None)
    return {
        "node": scope.node,
        "site": scope.site,
        "cut_off": cut_off or scope.cut_off,
        "since": since or dt.datetime.min.replace(tzinfo=dt.UTC),
        "in_sector": campaign is None or _SECTOR in campaign.sectors,
        "carried_over": campaign is not None and campaign.carried_over,
    }


_LIVES: LiteralString = """
    SELECT hazard_id, record FROM hazard_event
     WHERE hazard_id = ANY (%s) AND at < %s ORDER BY hazard_id, seq
"""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What a record had come to, and what its first event says that it is about."""

    record: Record
    about: dict[str, Any]


def lives(connection: Connection, ids: list[UUID], cut_off: dt.datetime) -> dict[UUID, Life]:
    """The whole records as their events before the cut-off make them."""
    events: dict[UUID, list[Any]] = {}
    for hazard, record in connection.execute(_LIVES, [ids, cut_off]):
        events.setdefault(hazard, []).append(msgspec.json.decode(record))
    return {hazard: Life(record=fold(his), about=his[0].get("body", {})) for hazard, his in events.items()}
