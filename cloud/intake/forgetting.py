"""Who was where on a day is kept for thirteen months: as long as a year's report and its objections take."""

import datetime as dt

from cloud.database import Connection, instant
from cloud.intake.store import FORGET

KEPT = dt.timedelta(days=396)
_EVERY_MS = 3_600_000


class Forgetting:
    """A duty of ingest, done once an hour."""

    def __init__(self) -> None:
        """Nothing is done yet."""
        self._due_ms = 0

    def __call__(self, connection: Connection, now_ms: int) -> None:
        """Remove what is older."""
        if now_ms >= self._due_ms:
            self._due_ms = now_ms + _EVERY_MS
            connection.execute(FORGET, [(instant(now_ms) - KEPT).date()])
