"""Reports in SQL: each a row of the transaction that causes it, and an event of its record."""

import datetime as dt
import hashlib
from typing import NamedTuple
from uuid import UUID, uuid4

from cloud.database import Connection
from cloud.hazards.around import Around, Told, note
from cloud.hazards.chain import canonical
from cloud.hazards.reporting import Kind, Report, make, report_due, state_after
from cloud.instants import rfc3339

OWED = frozenset({"due", "provisional", "reported", "reported_late"})
"""States in which something of the record has been reported, or should have been."""


class _Before(NamedTuple):
    last_no: int
    first_was_late: bool | None


def report(
    connection: Connection,
    around: Around,
    kind: Kind,
    *,
    since: dt.datetime,
    now: dt.datetime,
    reason: str = "",
) -> tuple[Around, list[Told]]:
    """Report a record; nothing of a drill goes out. `since` is from when the time for it counts."""
    if around.mode != "live":
        return around, []
    due_at = report_due(around, since)
    before = _before(connection, around.id)
    made = make(around, kind, no=before.last_no + 1, due_at=due_at, now=now, reason=reason)
    report_id = _keep(connection, around.id, made)
    state = state_after(made, first_was_late=before.first_was_late)
    body = {
        "report": str(report_id),
        "report_kind": kind,
        "no": made.no,
        "due_at": rfc3339(due_at),
        "late": made.is_late,
        "addressee": None if around.authority is None else around.authority.name,
    }
    around, seq = note(connection, around, ("report", body), now, report=state, report_due_at=due_at)
    told = [] if kind == "provisional" else [Told(hazard_id=around.id, seq=seq, kind="report")]
    return around, told


def _before(connection: Connection, hazard_id: UUID) -> _Before:
    """The reports since the last withdrawal or correction, after which the duty begins anew."""
    row = connection.execute(
        """
        SELECT coalesce(max(no), 0),
               (SELECT late FROM hazard_report
                 WHERE hazard_id = %(id)s AND no > (SELECT coalesce(max(no), 0) FROM hazard_report
                                                     WHERE hazard_id = %(id)s
                                                      AND kind IN ('withdrawal', 'correction'))
                 ORDER BY no LIMIT 1)
          FROM hazard_report WHERE hazard_id = %(id)s
        """,
        {"id": hazard_id},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate always has its row
    return _Before(*row)


def _keep(connection: Connection, hazard_id: UUID, made: Report) -> UUID:
    report_id, body = uuid4(), canonical(made.body)
    connection.execute(
        """
        INSERT INTO hazard_report (
                report, hazard_id, no, kind, addressee, due_at, sent_at, late, body, sha256)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            report_id,
            hazard_id,
            made.no,
            made.kind,
            made.addressee,
            made.due_at,
            made.sent_at,
            made.is_late,
            body,
            hashlib.sha256(body.encode()).digest(),
        ],
    )
    return report_id
