"""An ingest process: lanes that share nothing which could make an alarm wait for a reading.

One process does everything, or one has the alarms, what gateways say of themselves and whatever is done in
time, and others have the readings: then a flood of readings has not even Python's lock in common with an
alarm. Of each there may be several; every `Looking` is done by one of them, or takes for itself what it does.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec
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
from cloud.ingest.readings import TOLD, ReadingsLane
from cloud.ingest.sending import Sender
from cloud.ingest.worker import Batching, Surroundings, Worker, collect_rarely
from cloud.live.store import forget_old_events
from cloud.looking import Looking
from cloud.metrics import ingest as metrics
from cloud.metrics.exposing import Exposed
from cloud.metrics.machine import DiskCollector
from cloud.metrics.server import Asked, MetricsServer
from cloud.notices import incidents
from cloud.notices.notifier import Notifier
from cloud.notices.opening import Telling, tell_of
from cloud.outbound.sender import OutboundSender
from cloud.readiness import Readiness
from cloud.registry.seeding import seed_sites
from cloud.settings import Settings
from cloud.sites.registry import Registry
from cloud.storage.keeping import Keeping
from sitewarden.errors import SiteWardenError
from sitewarden.topics import every_up

log = logging.getLogger(__name__)

Part = Literal["all", "alarms", "readings"]

ALARMS = Batching(messages=50, linger_s=0.0, queued=2_000)
READINGS = Batching(messages=1_000, linger_s=0.05, queued=2_000)
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
    """Its lanes, each with its connection to the broker, queue, thread and connection to the database."""

    def __init__(self, settings: Settings, dsn: str, part: Part = "all", number: int = 0) -> None:
        """Nothing is connected yet. `number` is added to the port of metrics: each process has its own."""
        self._settings, self._dsn, self._part = settings, dsn, part
        self._registry = Registry()
        self._surroundings = Surroundings(settings=settings, dsn=dsn, registry=self._registry)
        self._links: dict[Worker, Link] = {}
        self._lookers: list[Looking] = []
        # Retained births do not come over a shared subscription, so each process hears every status.
        filters = [every_up("status")]
        if part != "readings":
            filters += [SHARED + every_up(channel) for channel in TOLD]
        if part != "alarms":
            filters += [SHARED + every_up("readings")]
        told = self._hear(
            "statuses" if part == "alarms" else "readings",
            Worker("readings", ReadingsLane, self._surroundings, READINGS, forget_old_events),
            filters,
        )
        if part != "readings":
            expiring = _expiring(settings, self._registry)
            alarms = Worker("alarms", AlarmsLane, self._surroundings, ALARMS, expiring)
            self._look_after(self._hear("alarms", alarms, [SHARED + every_up("alarms")]), told)
        self._port = self._metrics_port(number)

    def _hear(self, name: str, worker: Worker, filters: list[str]) -> Link:
        link = Link(name, self._settings, filters, worker.deliver)
        metrics.watch_link(name, lambda: link.is_up)
        self._links[worker] = link
        return link

    def _look_after(self, heard: Link, told: Link) -> None:
        settings, dsn = self._settings, self._dsn
        self._lookers = [
            Sender(dsn, heard.publish, lambda: heard.is_up),
            # Large, and nothing that an alarm's receipt should wait for.
            ConfigurationSender(dsn, told.publish, lambda: told.is_up),
            Duties(settings, dsn, self._registry, lambda: told.is_up),
            Keeping(settings.storage, dsn),
        ]
        if settings.enrolment is not None:
            self._lookers.append(Roster(settings.enrolment, dsn))
        if settings.tells:
            self._lookers.append(Notifier(settings, dsn))
            self._lookers.append(OutboundSender(settings, dsn))

    def _metrics_port(self, number: int) -> MetricsServer | None:
        settings = self._settings.metrics
        if settings.port is None:
            return None
        # 0 is any free port, for each process another.
        port = settings.port and settings.port + number
        readiness = Readiness(self._dsn, lambda: all(link.is_up for link in self._links.values()))
        exposed = Exposed(metrics.CATALOGUE.registry, [DiskCollector(self._settings.data_dir)])
        asked = Asked(exposed, lambda: self._is_alive, readiness.parts)
        return MetricsServer(msgspec.structs.replace(settings, port=port), asked)

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; raises `WorkerDiedError` where a lane has ended by itself."""
        with contextlib.ExitStack() as around:
            if self._port is not None:
                self._port.start()
                around.callback(self._port.stop)
            self._work(stopping)

    def _work(self, stopping: threading.Event) -> None:
        self._seed_sites(stopping)
        collect_rarely()
        for worker, link in self._links.items():
            worker.start(link)
            link.start()
        for looker in self._lookers:
            looker.start()
        broker = self._settings.broker
        log.info("ingest running part=%s broker=%s:%d", self._part, broker.host, broker.port)
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
        """Whether every lane hears the broker within the time."""
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
