"""A lane's worker: takes what has come, commits it, receipts it; whatever the database or a message does."""

import gc
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import psycopg

from cloud.database import Connection, connect
from cloud.ingest.dead_letters import bury
from cloud.ingest.decoding import dead_letter
from cloud.ingest.link import Link
from cloud.ingest.model import Delivery, Outcome, receipts_due
from cloud.ingest.rebirths import Rebirths
from cloud.live.store import wake_viewers
from cloud.metrics import ingest as metrics
from cloud.settings import Settings
from cloud.sites.registry import Registry
from sitewarden import topics
from sitewarden.errors import MessageError
from sitewarden.messages import Command, Lane, Receipt, encode

log = logging.getLogger(__name__)

PATIENCE_MS = 3_000
"""So long a message waits here for the birth of its points; later its gateway must send it again."""
_PARKED = 500
_BACK_OFF_S = (0.1, 5.0)
_IDLE_S = 0.25
_ROOM_S = 1.0
"""So long the network thread waits for room; the broker is answered all the same every few seconds."""
_POLL_S = 0.02
_COMPLAIN_S = 10.0
_HOUSEKEEPING_S = 60.0
_REFUSALS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


def collect_rarely() -> None:
    """Let Python look for cycles of garbage less often: decoded messages have none, and are looked at often.

    A seventh of a worker's time otherwise (measured).
    """
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


class Storing(Protocol):
    """What a lane does with a batch."""

    def commit(self, connection: Connection, batch: list[Delivery], now_ms: int) -> Outcome:
        """Store the batch; what it returns has been committed."""


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """How much is taken at once."""

    messages: int
    linger_s: float
    """How long to wait for more; 0 takes what is there."""
    queued: int
    """Messages that may wait here; the broker's window is smaller, so it is a last bound."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the lanes of one process share."""

    settings: Settings
    dsn: str
    registry: Registry


class Worker:
    """One thread, one queue, one database connection, one lane."""

    def __init__(
        self,
        lane: Lane,
        make_storing: Callable[[Settings, Registry, Rebirths], Storing],
        surroundings: Surroundings,
        batching: Batching,
        housekeeping: Callable[[Connection], None] | None = None,
    ) -> None:
        """`housekeeping` is called now and then, outside of any transaction."""
        self._lane, self._batching, self._rebirths = lane, batching, Rebirths()
        self._settings, self._dsn = surroundings.settings, surroundings.dsn
        self._registry = registry = surroundings.registry
        self._storing = make_storing(self._settings, registry, self._rebirths)
        self._housekeeping, self._last_housekeeping = housekeeping, time.monotonic()
        self._queue: queue.Queue[Delivery] = queue.Queue(batching.queued)
        self._parked: list[Delivery] = []
        self._parked_generation = registry.generation
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._dropped, self._complained = 0, 0.0
        self._thread = threading.Thread(target=self._run, name=f"ingest-{lane}", daemon=True)
        self._link: Link | None = None
        metrics.watch_queue(lane, self._queue.qsize, batching.queued)

    def deliver(self, delivery: Delivery) -> bool:
        """Take a message in; false where there is no room, nor is soon. Called on the network thread.

        While it waits nothing more is read: the broker feels it, and shares out to the other workers.
        """
        try:
            self._queue.put(delivery, timeout=_ROOM_S)
        except queue.Full:
            self._dropped += 1
            metrics.note_turned_away(self._lane)
            if time.monotonic() - self._complained > _COMPLAIN_S:
                self._complained = time.monotonic()
                log.warning("queue full lane=%s turned_away=%d", self._lane, self._dropped)
            return False
        return True

    def start(self, link: Link) -> None:
        """Begin; receipts go out by `link`."""
        self._link = link
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and no other; what waits stays with broker and gateway."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until it has stopped."""
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                batch = self._take()
                if batch:
                    self._work(batch)
                self._keep_house()
            except Exception:
                # The last resort of the loop.
                log.exception("worker stumbled lane=%s", self._lane)
        self._disconnect()

    def _work(self, batch: list[Delivery]) -> None:
        try:
            self._settle(batch)
        except Exception:
            # Nothing was receipted, so whatever it was comes again. The broker forgets it: of too many that
            # are not acknowledged it would send no more, and the lane would be deaf.
            log.exception("batch failed lane=%s", self._lane)
            metrics.note_failed(self._lane)
            self._acknowledge(batch)

    def _take(self) -> list[Delivery]:
        batch = self._unpark()
        try:
            if not batch:
                batch.append(self._queue.get(timeout=_POLL_S if self._parked else _IDLE_S))
            until = time.monotonic() + self._batching.linger_s
            while len(batch) < self._batching.messages:
                wait_s = until - time.monotonic()
                batch.append(self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _unpark(self) -> list[Delivery]:
        """The messages that waited for a birth, if one has come; those that waited too long are let go."""
        if not self._parked:
            return []
        if self._registry.generation != self._parked_generation:
            batch, self._parked = self._parked, []
            return batch
        now_ms = _now_ms()
        self._acknowledge(d for d in self._parked if now_ms - d.received_ms >= PATIENCE_MS)
        self._parked = [d for d in self._parked if now_ms - d.received_ms < PATIENCE_MS]
        return []

    def _settle(self, batch: list[Delivery], *, again: bool = True) -> None:
        """Commit the batch, however long the database is away; isolate what cannot be stored."""
        back_off_s, begun_s = _BACK_OFF_S[0], time.monotonic()
        while not self._stopping.is_set():
            generation = self._registry.generation
            try:
                outcome = self._storing.commit(self._connected(), batch, _now_ms())
            except psycopg.errors.ProgramLimitExceeded as exc:
                # Something in a message is too large; psycopg files it under what may pass by itself.
                self._isolate(batch, exc, again=again)
                return
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError) as exc:
                # Away, overloaded, or not in order; none of it is the messages' fault.
                log.warning("database away lane=%s retry_s=%.1f cause=%s", self._lane, back_off_s, _line(exc))
                self._disconnect()
                self._stopping.wait(back_off_s)
                back_off_s = min(back_off_s * 2, _BACK_OFF_S[1])
            except Exception as exc:  # noqa: BLE001  a message that makes us stumble must not stop its neighbours
                self._isolate(batch, exc, again=again)
                return
            else:
                self._count(batch, outcome, time.monotonic() - begun_s)
                self._act(batch, outcome, generation)
                return

    def _count(self, batch: list[Delivery], outcome: Outcome, seconds: float) -> None:
        metrics.note_batch(self._lane, messages=len(batch), seconds=seconds, newest_ms=outcome.newest_ms)
        metrics.note_rows(self._lane, outcome.rows)
        metrics.note_raised(outcome.raised_ms)

    def _isolate(self, batch: list[Delivery], error: Exception, *, again: bool) -> None:
        """One by one, each twice, for workers may have stood in each other's way; then it is set aside."""
        # What the failed transaction had put into the registry was rolled back.
        self._registry.forget()
        if len(batch) > 1 or again:
            log.warning("taken one by one lane=%s messages=%d cause=%s", self._lane, len(batch), _line(error))
            for delivery in batch:
                self._settle([delivery], again=len(batch) > 1)
            return
        log.error("message set aside lane=%s topic=%r", self._lane, batch[0].topic, exc_info=error)
        reason = "refused" if isinstance(error, _REFUSALS) else "failed"
        connection = self._connected()
        sites = self._registry.sites(connection)
        letter = dead_letter(batch[0], MessageError(reason, _line(error)), sites)
        with connection.transaction():
            bury(connection, [letter])
        settled = [] if letter.settled is None else [letter.settled]
        self._act(batch, Outcome(dead=[letter], settled=settled), self._registry.generation)

    def _act(self, batch: list[Delivery], outcome: Outcome, generation: int) -> None:
        """What may happen only after the commit: wake viewers, receipt, acknowledge, ask for births."""
        if outcome.changed:
            self._wake_viewers()
        for (key, boot), seqs in receipts_due(outcome.settled).items():
            receipt = Receipt(boot=boot, lane=self._lane, seqs=seqs)
            self._publish(topics.down(key.mode, key.site, key.gateway, "receipts"), receipt)
        for key, answers in outcome.answers:
            self._publish(topics.down(key.mode, key.site, key.gateway, "media"), answers)
        waiting = {id(delivery) for _, delivery in outcome.homeless}
        self._acknowledge(delivery for delivery in batch if id(delivery) not in waiting)
        for key, delivery in outcome.homeless:
            self._park(delivery, generation)
            if self._rebirths.is_due(key, _now_ms()):
                log.info("asking for birth site=%s gateway=%s mode=%s", key.site, key.gateway, key.mode)
                topic = topics.down(key.mode, key.site, key.gateway, "command")
                self._publish(topic, Command(command="rebirth"))

    def _park(self, delivery: Delivery, generation: int) -> None:
        """Keep a message until its birth is here: mostly a moment, while sending again takes ten seconds."""
        if delivery.topic.endswith("/up/status") or len(self._parked) >= _PARKED:
            self._acknowledge([delivery])
            return
        # The number from before the batch: a birth that the other lane stored meanwhile is not missed.
        self._parked_generation = generation
        self._parked.append(delivery)

    def _acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        if self._link is not None:
            self._link.acknowledge(deliveries)

    def _publish(self, topic: str, message: msgspec.Struct) -> None:
        if self._link is not None:
            self._link.publish(topic, encode(message))

    def _wake_viewers(self) -> None:
        try:
            wake_viewers(self._connected())
        except psycopg.Error as exc:
            # Only a hint: the relays look by themselves every second.
            log.warning("viewers not woken lane=%s cause=%s", self._lane, _line(exc))
            self._disconnect()

    def _keep_house(self) -> None:
        if self._housekeeping is None or time.monotonic() - self._last_housekeeping < _HOUSEKEEPING_S:
            return
        self._last_housekeeping = time.monotonic()
        try:
            self._housekeeping(self._connected())
        except psycopg.Error as exc:
            log.warning("housekeeping failed lane=%s cause=%s", self._lane, _line(exc))
            self._disconnect()

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, is_steady=True)
            # The database may be another one than before, such as a restored copy.
            self._registry.forget()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")
