"""The clocks of incidents: the first report, the details, and a warning before those are late."""

from uuid import UUID

from cloud.database import Connection, instant
from cloud.incidents import store
from cloud.instants import rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append_by_machine

MACHINE = "sitewarden"
MOST = 100
"""Clocks of one transaction."""
_SAYS = {
    "first_report": "first_report_overdue",
    "details_warning": "details_due_soon",
    "details": "details_overdue",
}


def run_due(connection: Connection, now_ms: int) -> list[tuple[UUID, str]]:
    """Settle every clock that has run out by `now_ms`; returns which of which incident.

    Several workers may ask at the same time: each clock is one's alone.
    """
    now, done = instant(now_ms), []
    with connection.transaction():
        for incident, kind, due_at in store.claim_due(connection, now, MOST):
            event = Event(
                at=rfc3339(now),
                actor=MACHINE,
                account=None,
                role="",
                kind=_SAYS[kind],
                body={"due_at": rfc3339(due_at)},
            )
            append_by_machine(connection, "incident", incident, event)
            store.settle(connection, incident, kind, now)
            done.append((incident, kind))
    return done
