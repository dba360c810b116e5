"""Takes to gateways what people have asked of alarms, again and again until it is confirmed."""

import logging
import threading
import time
from collections.abc import Callable

import psycopg

from cloud.alarms.requests import look
from cloud.database import Connection, connect
from cloud.live.store import wake_viewers
from sitewarden import topics
from sitewarden.messages import encode

log = logging.getLogger(__name__)

LOOK_S = 0.5


class Sender:
    """One thread with a database connection of its own: what it waits for holds up no alarm."""

    def __init__(
        self, dsn: str, publish: Callable[[str, bytes], None], can_publish: Callable[[], bool]
    ) -> None:
        """`publish` queues a message on a connection to the broker, if there is one now."""
        self._dsn, self._publish, self._can_publish = dsn, publish, can_publish
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-requests", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more, and wait until it has ended."""
        self._stopping.set()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self._look()
            except psycopg.Error as exc:
                log.warning("requests wait for the database cause=%s", str(exc).replace("\n", " "))
                self._disconnect()
            except Exception:
                # The last resort of the loop: what takes alarms in must not end for it. It is sent again.
                log.exception("requests could not be looked at")
        self._disconnect()

    def _look(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn)
        due, has_news = look(self._connection, time.time_ns() // 1_000_000, may_send=self._can_publish())
        for key, command in due:
            log.info(
                "asking gateway=%s/%s command=%s by=%s", key.site, key.gateway, command.command, command.by
            )
            self._publish(topics.down(key.mode, key.site, key.gateway, "command"), encode(command))
        if has_news:
            wake_viewers(self._connection)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
