"""The clocks of incidents: the first report, the details, and a warning before those are late."""

from collections.abc import Callable

from cloud.database import Connection, instant
from cloud.incidents import store
from cloud.instants import rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append_by_machine
from cloud.notices.incidents import Told

MACHINE = "sitewarden"
MOST = 100
"""Clocks of one transaction."""
_SAYS = {
    "first_report": "first_report_overdue",
    "details_warning": "details_due_soon",
    "details": "details_overdue",
}
_TOLD_AS = {"first_report": "first_report_late", "details_warning": "details_soon", "details": "details_late"}
Tell = Callable[[Connection, list[Told], int], None]
"""Makes the notices, in the same transaction."""


def run_due(connection: Connection, now_ms: int, tell: Tell) -> list[Told]:
    """Settle every clock that has run out by `now_ms` and tell of it; returns which of which incident.

    Several workers may ask at the same time: each clock is one's alone.
    """
    now, done = instant(now_ms), list[Told]()
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
            made = append_by_machine(connection, "incident", incident, event)
            store.settle(connection, incident, kind, now)
            # A warning tells by when the details themselves are due.
            due = store.due_of(connection, incident, "details") if kind == "details_warning" else due_at
            done.append(Told(incident=incident, seq=made.seq, kind=_TOLD_AS[kind], due_at=due))
        tell(connection, done, now_ms)
    return done
