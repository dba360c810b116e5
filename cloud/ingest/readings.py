"""The way of readings, statuses, trials and reports into the database: one transaction a batch."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from cloud.cameras import watching
from cloud.configuration.store import write_report
from cloud.cycles.store import ToldCycle, store_cycles
from cloud.database import Connection
from cloud.ingest.admission import Admission, Admitted, HomelessError
from cloud.ingest.clones import note_life
from cloud.ingest.dead_letters import bury
from cloud.ingest.decoding import (
    ImplausibleError,
    check_cycle,
    check_gap,
    dead_letter,
    present_ms,
    record_of,
    sender,
    status_of,
)
from cloud.ingest.model import DeadLetter, Delivery, GatewayKey, Outcome, Settled, UnreadableRecordError
from cloud.ingest.rebirths import Rebirths
from cloud.media import offers
from cloud.media.sealing import Vault
from cloud.readings.columns import Columns
from cloud.readings.store import Storing, ToldGap, store_gaps
from cloud.registry.known import Sites
from cloud.settings import Settings
from cloud.sites import births
from cloud.sites.registry import GatewayEntry, Registry
from cloud.trials import service as trials
from sitewarden.errors import MessageError
from sitewarden.messages import (
    ConfigurationReport,
    MediaAnswers,
    MediaOffer,
    Readings,
    Sight,
    Status,
    decode,
)
from sitewarden.topics import UpChannel
from sitewarden.trials import TrialTold

log = logging.getLogger(__name__)

TOLD: tuple[UpChannel, ...] = ("config", "trial", "sights", "media")
"""On which gateways tell what needs no number and no receipt."""
MOST_ROWS = 200_000
"""Of one transaction, and one message more: back-fill holds many times what a live message does."""


class _Rows(msgspec.Struct):
    """What some messages come to."""

    columns: Columns = msgspec.field(default_factory=Columns)
    heard: set[int] = set()
    """The gateways that the messages came from."""
    gaps: list[ToldGap] = []
    cycles: list[ToldCycle] = []


class _Told(NamedTuple):
    """A status and whose it is."""

    key: GatewayKey
    gateway_id: int
    status: Status
    delivery: Delivery


class ReadingsLane:
    """Stores batches of readings, and what gateways say of themselves."""

    def __init__(self, settings: Settings, registry: Registry, rebirths: Rebirths) -> None:
        """`registry` is shared with the alarms' lane, `rebirths` is this lane's own."""
        self._settings, self._registry = settings, registry
        self._admission = Admission(registry, rebirths)
        self._storing = Storing()
        self._sites: Sites = {}
        self._untold: dict[GatewayKey, str] = {}
        """By gateway why its own file does not come, as it was logged: it is asked for again and again."""

    def commit(self, connection: Connection, batch: list[Delivery], now_ms: int) -> Outcome:
        """Store the batch; statuses first and by themselves, for they may announce points of the readings.

        Readings that are too many for one transaction are stored in several: those already committed come
        again where a later one fails, and are counted once.
        """
        outcome = Outcome()
        self._sites = self._registry.sites(connection)
        # Nearly all are readings; so is what has another topic, and what is wrong with it is found out there.
        rest = [delivery for delivery in batch if not _is_of(delivery, "readings")]
        statuses = [delivery for delivery in rest if _is_of(delivery, "status")]
        told = [delivery for delivery in rest if any(_is_of(delivery, channel) for channel in TOLD)]
        apart = {id(delivery) for delivery in (*statuses, *told)}
        readings = [delivery for delivery in batch if id(delivery) not in apart]
        if statuses:
            self._commit_statuses(connection, statuses, outcome)
        if told:
            self._commit_told(connection, told, outcome)
        while readings:
            with connection.transaction():
                stored = self._store(connection, readings, now_ms, outcome)
            readings = readings[stored:]
        return outcome

    def _commit_statuses(self, connection: Connection, batch: list[Delivery], outcome: Outcome) -> None:
        with connection.transaction():
            told = [t for delivery in batch if (t := self._read_status(connection, delivery, outcome))]
            # By gateway: every process writes every status, and two never wait for each other.
            for one in sorted(told, key=lambda one: one.gateway_id):
                if not self._write(connection, one):
                    outcome.homeless.append((one.key, one.delivery))
            bury(connection, outcome.dead)
        outcome.changed = outcome.changed or bool(told)
        born = {one.key: births.birth_of(one.status) for one in told if one.status.state == "online"}
        if born:
            self._registry.note_births(born)

    def _commit_told(self, connection: Connection, batch: list[Delivery], outcome: Outcome) -> None:
        """What gateways tell of trials, configurations and what cameras see; it has no number and no receipt.

        Where it is lost, it is asked for again.
        """
        dead: list[DeadLetter] = []
        with connection.transaction():
            for delivery in batch:
                try:
                    key = sender(delivery, self._settings, self._sites)
                    self._take_told(connection, key, delivery, outcome)
                except MessageError as exc:
                    dead.append(dead_letter(delivery, exc, self._sites))
            bury(connection, dead)
        outcome.dead += dead

    def _take_told(
        self, connection: Connection, key: GatewayKey, delivery: Delivery, outcome: Outcome
    ) -> None:
        if _is_of(delivery, "config"):
            report = decode(delivery.body, ConfigurationReport)
            write_report(connection, key, report, delivery.received_ms)
            self._note_untold(key, report)
        elif _is_of(delivery, "sights"):
            watching.note(connection, key, decode(delivery.body, Sight), delivery.received_ms)
        elif _is_of(delivery, "media"):
            outcome.answers.append((key, self._answer(connection, key, delivery)))
        else:
            self._note_trial(connection, key, delivery)

    def _note_untold(self, key: GatewayKey, report: ConfigurationReport) -> None:
        if report.version or report.check is not None:
            return
        why = "" if report.why is None else report.why.en
        if why and why != self._untold.get(key):
            log.warning("a gateway's own file is not told gateway=%s/%s: %s", key.site, key.gateway, why)
        self._untold[key] = why

    def _answer(self, connection: Connection, key: GatewayKey, delivery: Delivery) -> MediaAnswers:
        return offers.take(
            connection,
            offers.Gateway(key, self._registry.entry(connection, key).id),
            decode(delivery.body, MediaOffer),
            now_ms=delivery.received_ms,
            settings=self._settings.media,
            vault=Vault.of(self._settings),
        )

    def _note_trial(self, connection: Connection, key: GatewayKey, delivery: Delivery) -> None:
        told = decode(delivery.body, TrialTold)
        gateway_id = self._registry.entry(connection, key).id
        if not trials.note(connection, gateway_id, told, delivery.received_ms):
            log.info("nobody waits for trial=%s gateway=%s/%s", told.request, key.site, key.gateway)

    def _read_status(self, connection: Connection, delivery: Delivery, outcome: Outcome) -> _Told | None:
        try:
            key = sender(delivery, self._settings, self._sites)
            status = status_of(delivery)
            entry = self._registry.entry(connection, key)
            _check_mode(status, key, entry)
        except MessageError as exc:
            outcome.dead.append(dead_letter(delivery, exc, self._sites))
            return None
        return _Told(key, entry.id, status, delivery)

    @staticmethod
    def _write(connection: Connection, told: _Told) -> bool:
        """Write a status down; false where the birth that it belongs to is missing."""
        key, gateway_id, status, delivery = told
        if status.state == "offline":
            births.write_will(connection, gateway_id, status)
            return True
        # A retained birth may be of a boot that has ended, and a replay begins anew as often as it likes.
        if not delivery.retained and key.mode != "replay":
            note_life(connection, key, gateway_id, status, delivery.received_ms)
        if status.state == "online":
            births.write_birth(
                connection, key, gateway_id, status, delivery.received_ms, retained=delivery.retained
            )
            return True
        return births.write_heartbeat(connection, gateway_id, status, delivery.received_ms)

    def _store(self, connection: Connection, batch: list[Delivery], now_ms: int, outcome: Outcome) -> int:
        """Store the first of the batch, not too many rows; how many messages these were."""
        rows, first_dead = _Rows(), len(outcome.dead)
        stored = 0
        for delivery in batch:
            if len(rows.columns) >= MOST_ROWS:
                break
            stored += 1
            try:
                self._gather(connection, delivery, rows, outcome, now_ms=now_ms)
            except MessageError as exc:
                outcome.dead.append(dead_letter(delivery, exc, self._sites))
        dead = outcome.dead[first_dead:]
        if rows.heard:
            counts = self._storing.store(connection, rows.columns, rows.heard, now_ms)
            for count in counts.values():
                outcome.add(**msgspec.structs.asdict(count))
        store_gaps(connection, rows.gaps)
        store_cycles(connection, rows.cycles, now_ms)
        bury(connection, dead)
        outcome.settled += [letter.settled for letter in dead if letter.settled is not None]
        outcome.changed = outcome.changed or bool(len(rows.columns))
        return stored

    def _gather(
        self,
        connection: Connection,
        delivery: Delivery,
        rows: _Rows,
        outcome: Outcome,
        *,
        now_ms: int,
    ) -> None:
        """Add one message's rows; where some cannot be stored, the others are, the body is a dead letter."""
        key = sender(delivery, self._settings, self._sites)
        message = record_of(delivery, Readings)
        names = [series.p for series in message.series]
        try:
            admitted = self._admission.admit(connection, key, message, names, now_ms)
        except HomelessError:
            outcome.homeless.append((key, delivery))
            return
        rows.heard.add(admitted.gateway.id)
        complaints = [f"{name} is in no birth" for name in admitted.unknown]
        seen_ms = present_ms(key, message.at, now_ms)
        complaints += rows.columns.add(
            admitted.gateway.id, admitted.points, message.at, message.series, seen_ms
        )
        complaints += _add_gaps(rows, message, admitted, seen_ms)
        complaints += _add_cycles(rows, key, message, admitted, seen_ms)
        if complaints:
            reason = "unknown_point" if admitted.unknown else "implausible"
            raise UnreadableRecordError(reason, "; ".join(complaints), message.boot, message.seq)
        if key.mode == "live":
            outcome.note_instant(message.at)
        outcome.settled.append(Settled(key, message.boot, message.seq))


def _add_gaps(rows: _Rows, message: Readings, admitted: Admitted, now_ms: int) -> Iterator[str]:
    for told in ToldGap.of(admitted.gateway.id, message):
        try:
            check_gap(told.gap, now_ms)
            rows.gaps.append(told)
        except ImplausibleError as exc:
            yield str(exc)


def _add_cycles(
    rows: _Rows, key: GatewayKey, message: Readings, admitted: Admitted, now_ms: int
) -> Iterator[str]:
    for told in ToldCycle.of(key, admitted.gateway.id, message):
        if not any(name.startswith(f"{told.cycle.device}/") for name in admitted.points):
            yield f"{told.cycle.device} is in no birth"
            continue
        try:
            check_cycle(told.cycle, now_ms)
            rows.cycles.append(told)
        except ImplausibleError as exc:
            yield str(exc)


def _check_mode(status: Status, key: GatewayKey, entry: GatewayEntry) -> None:
    """A boot has one mode: an agent that is switched to another is started anew."""
    if status.boot in entry.foreign_boots:
        raise MessageError("mode", f"boot {status.boot} runs in another mode than {key.mode}")


def _is_of(delivery: Delivery, channel: UpChannel) -> bool:
    """By the topic's end alone: one that is wrong elsewhere is found out later."""
    return delivery.topic.endswith(f"/up/{channel}")
