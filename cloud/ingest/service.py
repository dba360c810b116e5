"""The ingest process: two lanes that share nothing which could make an alarm wait for a reading."""

import logging
import threading
import time
from collections.abc import Callable

import psycopg

from cloud.configuration.sending import ConfigurationSender
from cloud.database import Connection, connect
from cloud.enrolment.roster import Roster
from cloud.hazards import timers
from cloud.hazards.around import Told
from cloud.incidents import clocks
from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.duties import Duties
from cloud.ingest.link import SHARED, Link
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.sending import Sender
from cloud.ingest.worker import Batching, Surroundings, Worker
from cloud.live.store import forget_old_events
from cloud.looking import Looking
from cloud.notices import incidents
from cloud.notices.notifier import Notifier
from cloud.notices.opening import Telling, tell_of
from cloud.outbound.sender import OutboundSender
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
_BATCHES_OF_CLOCKS = 50
"""Of one look; the alarms that come meanwhile wait, so what is left waits for the next one."""


def _expiring(settings: Settings, registry: Registry) -> Callable[[Connection], None]:
    def tell(connection: Connection, told: list[Told], now_ms: int) -> None:
        if told:
            sites = registry.sites(connection)
            tell_of(connection, Telling(settings=settings, sites=sites, now_ms=now_ms), told)

    def tell_late(connection: Connection, told: list[incidents.Told], now_ms: int) -> None:
        incidents.tell(connection, settings, told, now_ms)

    def expire(connection: Connection) -> None:
        now_ms = time.time_ns() // 1_000_000
        for late in clocks.run_due(connection, now_ms, tell_late):
            log.info("clock of an incident ran out incident=%s clock=%s", late.incident, late.kind)
        for _ in range(_BATCHES_OF_CLOCKS):
            changed = timers.run_due(connection, now_ms, tell)
            if not changed:
                return
            log.info("clocks ran out records=%d", len(changed))

    return expire


class WorkerDiedError(SiteWardenError):
    """A lane's thread ended by itself; the process ends too, and its supervisor starts a new one."""


class Ingest:
    """Both lanes, each with its connection to the broker, queue, thread and connection to the database."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        """Nothing is connected yet."""
        self._settings, self._dsn = settings, dsn
        registry = Registry()
        surroundings = Surroundings(settings=settings, dsn=dsn, registry=registry)
        alarms = Worker("alarms", AlarmsLane, surroundings, _ALARMS, _expiring(settings, registry))
        readings = Worker("readings", ReadingsLane, surroundings, _READINGS, forget_old_events)
        heard = Link("alarms", settings, [SHARED + every_up("alarms")], alarms.deliver)
        told = Link(
            "readings",
            settings,
            # Retained births do not come over a shared subscription, so each worker hears every status.
            [
                every_up("status"),
                *(SHARED + every_up(channel) for channel in ("readings", "config", "trial")),
            ],
            readings.deliver,
        )
        self._lookers: list[Looking] = [
            Sender(dsn, heard.publish, lambda: heard.is_up),
            # Large, and nothing that an alarm's receipt should wait for.
            ConfigurationSender(dsn, told.publish, lambda: told.is_up),
            Duties(settings, dsn, registry, lambda: told.is_up),
        ]
        if settings.enrolment is not None:
            self._lookers.append(Roster(settings.enrolment, dsn))
        if settings.tells:
            self._lookers.append(Notifier(settings, dsn))
            self._lookers.append(OutboundSender(settings, dsn))
        self._links = {alarms: heard, readings: told}

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; raises `WorkerDiedError` where a lane has ended by itself."""
        self._seed_sites(stopping)
        for worker, link in self._links.items():
            worker.start(link)
            link.start()
        for looker in self._lookers:
            looker.start()
        log.info("ingest running broker=%s:%d", self._settings.broker.host, self._settings.broker.port)
        while not stopping.wait(_WATCH_S):
            if not self._is_alive:
                raise WorkerDiedError("a lane has ended by itself")
        for looker in self._lookers:
            looker.stop()
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
        lookers_are_alive = all(looker.is_alive for looker in self._lookers)
        return lookers_are_alive and all(worker.is_alive for worker in self._links)

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
