"""Events for viewers, in SQL; their ids ascend in the order of commits."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from psycopg.types.json import Jsonb

from cloud.database import Connection, instant

CHANNEL = "sitewarden_live"
"""NOTIFY on it wakes the relays; it carries nothing, for a lost wake-up must only cost time."""
KEPT_EVENTS = 50_000
_ORDER_LOCK = 0x5357_4556
"""Any number that nothing else in the database locks."""


class NewEvent(NamedTuple):
    """An event about to be written."""

    site: str
    kind: Literal["alarm", "hazard"]
    body: str


def write_events(connection: Connection, events: Iterable[NewEvent], now_ms: int) -> None:
    """Write events as the last act of a transaction.

    An id is drawn before its commit, so two transactions side by side could commit 7 before 6, and a viewer
    who has seen 7 would never ask for 6. Whoever holds this lock commits before the next one draws.
    """
    told = [{"place": place, **event._asdict()} for place, event in enumerate(events)]
    if not told:
        return
    connection.execute(
        """
        WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s))
        INSERT INTO live_event (site, kind, at, body)
            SELECT site, kind, %s, body
              FROM held, jsonb_to_recordset(%s) AS told (place int, site text, kind text, body text)
             ORDER BY place
        """,
        [_ORDER_LOCK, instant(now_ms), Jsonb(told)],
    )


def wake_viewers(connection: Connection) -> None:
    """Say that there is something new; after the commit, for NOTIFY inside one makes all commits queue."""
    connection.execute(f"NOTIFY {CHANNEL}")


def forget_old_events(connection: Connection) -> None:
    """Keep the table bounded."""
    connection.execute(
        "DELETE FROM live_event WHERE id <= (SELECT max(id) FROM live_event) - %s", [KEPT_EVENTS]
    )
