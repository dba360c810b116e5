"""Photos that were brought for a record and never filed: forgotten after a while."""

import datetime as dt

from cloud.database import Connection

KEPT = dt.timedelta(days=2)


def forget_unfiled(connection: Connection, now: dt.datetime) -> int:
    """Forget what nobody has filed by then, whoever brought it; returns how many."""
    return connection.execute("DELETE FROM filing_photo WHERE at < %s", [now - KEPT]).rowcount
