"""Who reported is forgotten when its time is over; that it was, stays written down."""

import datetime as dt
import logging
from typing import LiteralString

from cloud.database import Connection, instant

log = logging.getLogger(__name__)

_ERASE: LiteralString = """
    WITH gone AS (DELETE FROM tip_identity WHERE erase_at <= %(now)s RETURNING tip)
    INSERT INTO tip_event (tip, seq, at, kind)
        SELECT gone.tip, (SELECT max(seq) + 1 FROM tip_event WHERE tip_event.tip = gone.tip), %(now)s,
               'identity_erased'
          FROM gone
    RETURNING tip
"""


def erase_identities(connection: Connection, now_ms: int) -> int:
    """Erase what is due; how many."""
    now: dt.datetime = instant(now_ms)
    with connection.transaction():
        gone = len(connection.execute(_ERASE, {"now": now}).fetchall())
    if gone:
        log.info("identities of reporters erased reports=%d", gone)
    return gone
