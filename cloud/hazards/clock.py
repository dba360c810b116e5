"""The handling clock of a clause in two parts: when it runs out, the record is suspected major."""

from collections.abc import Callable
from uuid import UUID

from cloud.database import Connection, instant
from cloud.hazards import store
from cloud.hazards.chain import Event
from cloud.instants import rfc3339
from cloud.live.store import NewEvent, wake_viewers, write_events

MACHINE = "sitewarden"
"""Who acts where no person did."""
MOST = 100
"""Clocks of one transaction."""


def expire_clocks(
    connection: Connection,
    now_ms: int,
    tell: Callable[[Connection, list[UUID], int], None] = lambda *_: None,
) -> list[UUID]:
    """Settle every clock that has run out by `now_ms`; returns the records that are suspected major by it.

    Several workers may ask at the same time: each clock is one's alone. `tell` gets the records in the same
    transaction.
    """
    escalated: list[UUID] = []
    with connection.transaction():
        for timer in store.claim_timers(connection, instant(now_ms), MOST):
            if store.suspect_major(connection, timer.hazard_id):
                body = {"due_at": rfc3339(timer.due_at), "from": "general", "to": "major_proposed"}
                event = Event(at=rfc3339(instant(now_ms)), actor=MACHINE, kind="handling_expired", body=body)
                store.append_event(connection, timer.hazard_id, event)
                escalated.append(timer.hazard_id)
            store.settle_timer(connection, timer.hazard_id, instant(now_ms))
        tell(connection, escalated, now_ms)
        shown = store.hazards_by_id(connection, escalated) if escalated else []
        write_events(
            connection,
            [NewEvent(hazard.site, "hazard", hazard.model_dump_json()) for hazard in shown],
            now_ms,
        )
    if escalated:
        wake_viewers(connection)
    return escalated
