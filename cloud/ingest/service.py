"""The ingest process: two lanes that share nothing which could make an alarm wait for a reading."""

import logging
import threading
import time

import psycopg

from cloud.database import Connection, connect
from cloud.enrolment.roster import Roster
from cloud.hazards.clock import expire_clocks
from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.link import SHARED, Link
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.sending import Sender
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.live.store import forget_old_events
from cloud.registry.seeding import seed_sites
from cloud.settings import Settings
from cloud.sites.registry import Registry
from sitewarden.errors import SiteWardenError
from sitewarden.topics import every_up

log = logging.getLogger(__name__)

_ALARMS = Batching(messages=50, linger_s=0.0, queued=2_000)
_READINGS = Batching(messages=200, linger_s=0.05, queued=4_000)
_RETRY_S = 1.0
_WATCH_S = 1.0


def _expire_clocks(connection: Connection) -> None:
    for hazard in expire_clocks(connection, time.time_ns() // 1_000_000):
        log.info("handling is late, suspected major hazard=%s", hazard)


class WorkerDiedError(SiteWardenError):
    """A lane's thread ended by itself; the process ends too, and its supervisor starts a new one."""


class Ingest:
    """Both lanes, each with its connection to the broker, queue, thread and connection to the database."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        """Nothing is connected yet."""
        self._settings, self._dsn = settings, dsn
        surroundings = Surroundings(settings=settings, dsn=dsn, registry=Registry())
        alarms = Worker("alarms", AlarmsLane, surroundings, _ALARMS, _expire_clocks)
        readings = Worker("readings", ReadingsLane, surroundings, _READINGS, forget_old_events)
        heard = Link("alarms", settings, [SHARED + every_up("alarms")], alarms.deliver)
        self._sender = Sender(dsn, heard.publish, lambda: heard.is_up)
        self._roster = None if settings.enrolment is None else Roster(settings.enrolment, dsn)
        self._links = {
            alarms: heard,
            readings: Link(
                "readings",
                settings,
                # Retained births do not come over a shared subscription, so each worker hears every status.
                [every_up("status"), SHARED + every_up("readings"), SHARED + every_up("trial")],
                readings.deliver,
            ),
        }

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; raises `WorkerDiedError` where a lane has ended by itself."""
        self._seed_sites(stopping)
        for worker, link in self._links.items():
            worker.start(link)
            link.start()
        self._sender.start()
        if self._roster is not None:
            self._roster.start()
        log.info("ingest running broker=%s:%d", self._settings.broker.host, self._settings.broker.port)
        while not stopping.wait(_WATCH_S):
            if not self._is_alive:
                raise WorkerDiedError("a lane has ended by itself")
        self._sender.stop()
        if self._roster is not None:
            self._roster.stop()
        for worker in self._links:
            worker.stop()
        for worker, link in self._links.items():
            worker.join()
            link.stop()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """Whether both lanes hear the broker within the time."""
        return all(link.wait_until_subscribed(timeout_s) for link in self._links.values())

    @property
    def _is_alive(self) -> bool:
        roster_is_alive = self._roster is None or self._roster.is_alive
        return roster_is_alive and self._sender.is_alive and all(worker.is_alive for worker in self._links)

    def _seed_sites(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                with connect(self._dsn) as connection:
                    seed_sites(connection, self._settings.sites)
            except psycopg.OperationalError as exc:
                log.warning("database away retry_s=%.1f cause=%s", _RETRY_S, str(exc).replace("\n", " "))
                stopping.wait(_RETRY_S)
            else:
                return
