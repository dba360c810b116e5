"""What is put together by itself: a trace of attendance and a package, once for each cause."""

import datetime as dt
import logging
from collections.abc import Callable

import psycopg

from cloud.database import Connection, instant
from cloud.returns import packing, store, tracing
from cloud.returns.store import Cause, NewDossier

log = logging.getLogger(__name__)

Make = Callable[[Connection, Cause, dt.datetime], NewDossier]


def put_together(connection: Connection, now_ms: int) -> int:
    """Put together whatever is due, each in a transaction of its own; returns how many there were.

    Made once for each cause, also where two processes look at the same time.
    """
    now = instant(now_ms)
    due = [(cause, tracing.make) for cause in store.due_traces(connection)]
    due += [(cause, packing.make) for cause in store.due_packages(connection, now)]
    return sum(_made(connection, cause, make, now) for cause, make in due)


def _made(connection: Connection, cause: Cause, make: Make, now: dt.datetime) -> bool:
    try:
        with connection.transaction():
            dossier, is_new = store.keep(connection, make(connection, cause, now))
    except psycopg.OperationalError:
        raise
    except Exception:
        # One that cannot be put together keeps no other from it; it is tried again with the next look.
        log.exception("no dossier site=%s hazard=%s incident=%s", cause.site, cause.hazard, cause.incident)
        return False
    log.info("put together dossier=%s site=%s", dossier, cause.site)
    return is_new
