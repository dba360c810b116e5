"""A record with all that its clocks and reports depend on: site, territory, whose rules hold."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection
from cloud.hazards import store
from cloud.hazards.chain import Event
from cloud.hazards.record import MACHINE
from cloud.instants import rfc3339
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction
from cloud.jurisdictions.store import ABOVE, HOLDS_AT
from cloud.registry.known import zone_of
from sitewarden.text import Text

_AROUND: LiteralString = f"""
    SELECT hazard.id, hazard.number, hazard.site, hazard.device, hazard.location, hazard.mode,
           hazard.category, hazard.content, hazard.potential_accident, hazard.clause, hazard.status,
           hazard.level, hazard.report, hazard.report_due_at, hazard.supervision, hazard.escalation_step,
           hazard.escalation_proposed, hazard.overdue, hazard.refused, hazard.due_at, hazard.detected_at,
           hazard.opened_at, hazard.ended_at, hazard.signal, hazard.worst_level, hazard.source,
           site.name AS site_name, site.time_zone,
           ({HOLDS_AT}) AS jurisdiction,
           (SELECT jsonb_build_object('node', above.node, 'name', above.name, 'kind', above.kind) {ABOVE}
             WHERE its.node = site.territory
             ORDER BY above.kind IN ('town', 'grid'), length(above.path) DESC LIMIT 1) AS authority,
           (SELECT name FROM tree_node WHERE node = site.enterprise) AS enterprise,
           (SELECT count(*) FROM hazard_event WHERE hazard_id = hazard.id AND kind = 'fail_review')
               AS failed_reviews
      FROM hazard JOIN site ON site.site = hazard.site
     WHERE hazard.id = ANY (%s) ORDER BY hazard.id FOR NO KEY UPDATE OF hazard
"""  # noqa: S608  of constants only


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Who is responsible for the place (属地主管部门), as far as the registry says."""

    node: int
    kind: str
    name: Text


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """The record, and what holds where it is."""

    id: UUID
    number: str
    site: str
    site_name: Text
    time_zone: str
    device: str | None
    location: str
    mode: str
    category: Text
    content: Text
    potential_accident: Text
    clause: dict[str, Any] | None
    status: str
    level: str
    report: str
    report_due_at: dt.datetime | None
    supervision: str
    escalation_step: int
    escalation_proposed: int | None
    overdue: bool
    refused: bool
    due_at: dt.datetime | None
    detected_at: dt.datetime
    opened_at: dt.datetime
    ended_at: dt.datetime | None
    signal: str
    worst_level: int
    source: str
    enterprise: Text | None
    authority: Authority | None
    failed_reviews: int
    limits: Jurisdiction

    @property
    def is_open(self) -> bool:
        """Still to be dealt with."""
        return self.ended_at is None

    @property
    def is_judged(self) -> bool:
        """A person has said that there is a danger."""
        return self.status not in {"candidate", "rejected", "merged"}

    @property
    def is_major(self) -> bool:
        """A person has said that it is major; what is only suspected is not."""
        return self.level == "major"


def read(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Around]:
    """The records, locked until the transaction ends."""
    rows = connection.cursor(row_factory=dict_row).execute(_AROUND, [list(ids)])
    return {row["id"]: _around(row) for row in rows}


def _around(row: dict[str, Any]) -> Around:
    authority, enterprise = row["authority"], row["enterprise"]
    if authority is not None:
        authority = Authority(node=authority["node"], kind=authority["kind"], name=_text(authority["name"]))
    named = {
        "limits": jurisdiction(row.pop("jurisdiction") or DEFAULT),
        "time_zone": zone_of(row),
        "enterprise": None if enterprise is None else _text(enterprise),
        "authority": authority,
        **{name: _text(row[name]) for name in ("site_name", "category", "content", "potential_accident")},
    }
    return Around(**{**row, **named})


def _text(value: Any) -> Text:
    """What somebody has spoilt by hand stops no clock."""
    try:
        return msgspec.convert(value, Text)
    except msgspec.ValidationError:
        return Text("", "")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people should hear of: an event of a record."""

    hazard_id: UUID
    seq: int
    kind: str
    """`judging`, `overdue`, `report`, `listing`, `principal`, `escalation` or `reminder`."""


def note(
    connection: Connection,
    around: Around,
    event: tuple[str, dict[str, Any]],
    now: dt.datetime,
    **columns: Any,
) -> tuple[Around, int]:
    """Let the machine change columns of a record, and say so in its chain; returns what it is now.

    `event` is kind and body; the body gets the changed columns as `state`, from which the record folds.
    """
    kind, body = event
    if columns:
        state = {
            name: rfc3339(value) if isinstance(value, dt.datetime) else value
            for name, value in columns.items()
        }
        body = {**body, "state": state}
    made = store.append_event(
        connection, around.id, Event(at=rfc3339(now), actor=MACHINE, kind=kind, body=body)
    )
    return msgspec.structs.replace(around, **columns), made.seq
