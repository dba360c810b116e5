"""The way of readings, statuses, trials and reports into the database: one transaction a batch."""

import logging
from collections.abc import Iterator

import msgspec

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
    check_series,
    dead_letter,
    present_ms,
    record_of,
    sender,
    status_of,
)
from cloud.ingest.model import DeadLetter, Delivery, GatewayKey, Outcome, Settled, UnreadableRecordError
from cloud.ingest.rebirths import Rebirths
from cloud.readings.store import Columns, ToldGap, store, store_gaps
from cloud.registry.known import Sites
from cloud.settings import Settings
from cloud.sites import births
from cloud.sites.registry import GatewayEntry, Registry
from cloud.trials import service as trials
from sitewarden.errors import MessageError
from sitewarden.messages import ConfigurationReport, Readings, Status, decode
from sitewarden.topics import UpChannel
from sitewarden.trials import TrialTold

log = logging.getLogger(__name__)

MOST_ROWS = 200_000
"""Of one transaction, and one message more: back-fill holds many times what a live message does."""


class _Rows(msgspec.Struct):
    """What some messages come to."""

    columns: Columns = msgspec.field(default_factory=Columns)
    gaps: list[ToldGap] = []
    cycles: list[ToldCycle] = []


class ReadingsLane:
    """Stores batches of readings, and what gateways say of themselves."""

    def __init__(self, settings: Settings, registry: Registry, rebirths: Rebirths) -> None:
        """`registry` is shared with the alarms' lane, `rebirths` is this lane's own."""
        self._settings, self._registry = settings, registry
        self._admission = Admission(registry, rebirths)
        self._sites: Sites = {}

    def commit(self, connection: Connection, batch: list[Delivery], now_ms: int) -> Outcome:
        """Store the batch; statuses first and by themselves, for they may announce points of the readings.

        Readings that are too many for one transaction are stored in several: those already committed come
        again where a later one fails, and are counted once.
        """
        outcome = Outcome()
        self._sites = self._registry.sites(connection)
        statuses = [delivery for delivery in batch if _is_of(delivery, "status")]
        told = [delivery for delivery in batch if _is_of(delivery, "trial") or _is_of(delivery, "config")]
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
            births_came = [self._take_status(connection, delivery, outcome) for delivery in batch]
            bury(connection, outcome.dead)
        if any(births_came):
            self._registry.forget()

    def _commit_told(self, connection: Connection, batch: list[Delivery], outcome: Outcome) -> None:
        """What gateways tell of trials and configurations; it has no number and no receipt.

        Where it is lost, it is asked for again.
        """
        dead: list[DeadLetter] = []
        with connection.transaction():
            for delivery in batch:
                try:
                    key = sender(delivery, self._settings, self._sites)
                    if _is_of(delivery, "config"):
                        report = decode(delivery.body, ConfigurationReport)
                        write_report(connection, key, report, delivery.received_ms)
                    else:
                        self._note_trial(connection, key, delivery)
                except MessageError as exc:
                    dead.append(dead_letter(delivery, exc, self._sites))
            bury(connection, dead)
        outcome.dead += dead

    def _note_trial(self, connection: Connection, key: GatewayKey, delivery: Delivery) -> None:
        told = decode(delivery.body, TrialTold)
        gateway_id = self._registry.entry(connection, key).id
        if not trials.note(connection, gateway_id, told, delivery.received_ms):
            log.info("nobody waits for trial=%s gateway=%s/%s", told.request, key.site, key.gateway)

    def _take_status(self, connection: Connection, delivery: Delivery, outcome: Outcome) -> bool:
        """Write a status down; returns whether it was a birth."""
        try:
            key = sender(delivery, self._settings, self._sites)
            status = status_of(delivery)
            entry = self._registry.entry(connection, key)
            _check_mode(status, key, entry)
        except MessageError as exc:
            outcome.dead.append(dead_letter(delivery, exc, self._sites))
            return False
        outcome.changed = True
        if not self._write(connection, key, entry.id, status, delivery):
            outcome.homeless.append((key, delivery))
        return status.state == "online"

    @staticmethod
    def _write(
        connection: Connection, key: GatewayKey, gateway_id: int, status: Status, delivery: Delivery
    ) -> bool:
        """Write a status down; false where the birth that it belongs to is missing."""
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
            if len(rows.columns.point_ids) >= MOST_ROWS:
                break
            stored += 1
            try:
                self._gather(connection, delivery, rows, outcome, now_ms=now_ms)
            except MessageError as exc:
                outcome.dead.append(dead_letter(delivery, exc, self._sites))
        dead = outcome.dead[first_dead:]
        store(connection, rows.columns, now_ms)
        store_gaps(connection, rows.gaps)
        store_cycles(connection, rows.cycles, now_ms)
        bury(connection, dead)
        outcome.settled += [letter.settled for letter in dead if letter.settled is not None]
        outcome.changed = outcome.changed or bool(rows.columns.point_ids)
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
        rows.columns.heard.append(admitted.gateway.id)
        complaints = [f"{name} is in no birth" for name in admitted.unknown]
        seen_ms = present_ms(key, message.at, now_ms)
        complaints += _add_series(rows, message, admitted, seen_ms)
        complaints += _add_gaps(rows, message, admitted, seen_ms)
        complaints += _add_cycles(rows, key, message, admitted, seen_ms)
        if complaints:
            reason = "unknown_point" if admitted.unknown else "implausible"
            raise UnreadableRecordError(reason, "; ".join(complaints), message.boot, message.seq)
        outcome.settled.append(Settled(key, message.boot, message.seq))


def _add_series(rows: _Rows, message: Readings, admitted: Admitted, now_ms: int) -> Iterator[str]:
    """Add the readings that can be believed; yields what is wrong with others."""
    for series in message.series:
        if series.p in admitted.points:
            try:
                check_series(message.at, series, now_ms)
                rows.columns.add(admitted.points[series.p], message.at, series)
            except (ImplausibleError, OverflowError) as exc:
                yield str(exc)


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
