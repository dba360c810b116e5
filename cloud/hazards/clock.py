"""The handling clock of a clause in two parts: when it runs out, the record is suspected major."""

from uuid import UUID

from cloud.database import Connection, instant
from cloud.hazards import store
from cloud.hazards.chain import Event
from cloud.instants import rfc3339

MACHINE = "sitewarden"
"""Who acts where no person did."""


def start_clock(connection: Connection, hazard_id: UUID, *, since_ms: int, lasts_s: int, now_ms: int) -> None:
    """Let the clock of a record run: the one that ends first, for a second alarm gives no second chance."""
    due_at = instant(since_ms + 1000 * lasts_s)
    if store.start_timer(connection, hazard_id, due_at):
        body = {"due_at": rfc3339(due_at), "seconds": lasts_s}
        event = Event(at=rfc3339(instant(now_ms)), actor=MACHINE, kind="handling_clock", body=body)
        store.append_event(connection, hazard_id, event)
