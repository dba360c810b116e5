"""A thread that looks into the database again and again, for as long as its process lives."""

import logging
import threading
import time
from abc import ABC, abstractmethod

import psycopg

from cloud.database import Connection, connect

log = logging.getLogger(__name__)

_TURN = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Looking(ABC):
    """One thread with a database connection of its own: what it waits for holds up nobody else."""

    def __init__(self, dsn: str, *, name: str, every_s: float, is_alone: bool = False) -> None:
        """Nothing is read yet; `name` is the thread's, and the log's word for what it does.

        `is_alone`: of all processes on a database one looks, until its connection ends; then another does.
        """
        self._dsn, self._name, self._every_s = dsn, name, every_s
        self._is_alone, self._has_turn = is_alone, not is_alone
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def look(self, connection: Connection, now_ms: int) -> None:
        """Do what is due at that instant (UTC milliseconds); whatever it raises, it is called again."""

    def leave(self, connection: Connection) -> None:  # noqa: B027  most have nothing to do
        """The last thing that it does, where it is told to stop."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do nothing more, and wait until it has ended."""
        self._stopping.set()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                if self._connection is None or self._connection.closed:
                    self._disconnect()
                    self._connection = connect(self._dsn)
                if self._takes_turn(self._connection):
                    self.look(self._connection, time.time_ns() // 1_000_000)
            except psycopg.Error as exc:
                log.warning("%s waits for the database cause=%s", self._name, str(exc).replace("\n", " "))
                self._disconnect()
            except Exception:
                # The last resort of the loop: alarms are taken in by the same process, and must go on.
                log.exception("%s could not be done", self._name)
        self._leave()
        self._disconnect()

    def _takes_turn(self, connection: Connection) -> bool:
        """Whether nobody else does it; the lock is the session's, so that it goes with whoever dies."""
        if not self._has_turn:
            row = connection.execute(_TURN, [f"looking/{self._name}"]).fetchone()
            self._has_turn = row == (True,)
            if self._has_turn:
                log.info("%s is done here", self._name)
        return self._has_turn

    def _leave(self) -> None:
        if self._connection is None or self._connection.closed:
            return
        try:
            self.leave(self._connection)
        except psycopg.Error as exc:
            log.warning("%s ends without its last word cause=%s", self._name, str(exc).replace("\n", " "))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._has_turn = not self._is_alone
