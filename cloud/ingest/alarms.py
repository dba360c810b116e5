"""The way of alarms into the database: transition, episode, hazard record, event: one transaction."""

import logging
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from cloud.alarms.requests import note_acknowledged
from cloud.alarms.store import episodes_by_id, store_episode, store_transition
from cloud.database import Connection
from cloud.hazards.service import Heard, fingerprint, follow_alarm
from cloud.hazards.store import hazards_by_id
from cloud.ingest.admission import Admission, HomelessError
from cloud.ingest.dead_letters import bury
from cloud.ingest.decoding import believed, dead_letter, present_ms, record_of, sender
from cloud.ingest.model import Delivery, GatewayKey, Outcome, Settled
from cloud.ingest.rebirths import Rebirths
from cloud.live.store import NewEvent, write_events
from cloud.notices.opening import News, Telling, tell
from cloud.registry.known import Sites
from cloud.settings import Settings
from cloud.sites.registry import GatewayEntry, Registry
from sitewarden.errors import MessageError
from sitewarden.messages import Alarm
from sitewarden.text import Text

log = logging.getLogger(__name__)


class _Accepted(NamedTuple):
    key: GatewayKey
    gateway: GatewayEntry
    alarm: Alarm
    received_ms: int

    def lock_order(self) -> bytes:
        """Two workers that touch the same records in the same order never block each other for good."""
        if self.alarm.hazard is None:
            return b""
        return fingerprint(self.key.site, self.alarm.device, self.alarm.hazard.category, self.alarm.family)


class AlarmsLane:
    """Stores batches of alarms."""

    def __init__(self, settings: Settings, registry: Registry, rebirths: Rebirths) -> None:
        """`registry` is shared with the readings' lane, `rebirths` is this lane's own."""
        self._settings, self._registry = settings, registry
        self._admission = Admission(registry, rebirths)
        self._sites: Sites = {}

    def commit(self, connection: Connection, batch: list[Delivery], now_ms: int) -> Outcome:
        """Store the batch in one transaction."""
        outcome = Outcome()
        self._sites = self._registry.sites(connection)
        with connection.transaction():
            accepted = list(self._accept(connection, batch, now_ms, outcome))
            told: dict[UUID, Text] = {}
            episodes, hazards = self._store(connection, accepted, now_ms, told)
            news = News(episodes=told, hazards=hazards)
            tell(connection, Telling(settings=self._settings, sites=self._sites, now_ms=now_ms), news)
            bury(connection, outcome.dead)
            outcome.settled += [letter.settled for letter in outcome.dead if letter.settled is not None]
            events = [*_alarm_events(connection, episodes), *_hazard_events(connection, hazards)]
            write_events(connection, events, now_ms)
        outcome.changed = bool(events)
        return outcome

    def _accept(
        self, connection: Connection, batch: list[Delivery], now_ms: int, outcome: Outcome
    ) -> Iterable[_Accepted]:
        for delivery in batch:
            try:
                key = sender(delivery, self._settings, self._sites)
                alarm = record_of(delivery, Alarm)
                alarm = believed(alarm, present_ms(key, alarm.at, delivery.received_ms))
                # The last word of an episode counts although its point has left the configuration since.
                admitted = self._admission.admit(
                    connection, key, alarm, [alarm.point], now_ms, ever=alarm.change == "cleared"
                )
            except HomelessError:
                outcome.homeless.append((key, delivery))
            except MessageError as exc:
                outcome.dead.append(dead_letter(delivery, exc, self._sites))
            else:
                if admitted.unknown:
                    # Of a kind that only a newer cloud knows, say. What it says stands in the alarm itself.
                    log.warning("alarm of an unknown point site=%s point=%s", key.site, alarm.point)
                outcome.settled.append(Settled(key, alarm.boot, alarm.seq))
                yield _Accepted(key, admitted.gateway, alarm, delivery.received_ms)

    def _store(
        self, connection: Connection, accepted: list[_Accepted], now_ms: int, told: dict[UUID, Text]
    ) -> tuple[list[UUID], list[UUID]]:
        """Store what is new; returns the live episodes and the hazard records that changed.

        Into `told` go new live episodes, with the name of their device.
        """
        episodes: dict[UUID, None] = {}
        hazards: dict[UUID, None] = {}
        for key, gateway, alarm, received_ms in sorted(accepted, key=_Accepted.lock_order):
            if not store_transition(connection, gateway.id, alarm, received_ms):
                continue
            stored = store_episode(connection, key, gateway.id, alarm, received_ms)
            if alarm.change == "acknowledged":
                note_acknowledged(connection, UUID(alarm.episode), now_ms)
            label = gateway.device_labels.get(alarm.device)
            heard = Heard(
                site=key.site,
                mode=key.mode,
                alarm=alarm,
                episode=stored,
                device=Text(label["zh"], label["en"]) if label else Text(alarm.device, alarm.device),
                time_zone=self._sites[key.site].time_zone,
                now_ms=now_ms,
            )
            hazard = follow_alarm(connection, heard)
            if stored.is_new and key.mode == "live":
                told[UUID(alarm.episode)] = heard.device
            if key.mode == self._settings.mode:
                episodes[UUID(alarm.episode)] = None
            if hazard is not None:
                hazards[hazard] = None
        return list(episodes), list(hazards)


def _alarm_events(connection: Connection, ids: list[UUID]) -> list[NewEvent]:
    shown = episodes_by_id(connection, ids) if ids else []
    return [NewEvent(episode.site, "alarm", episode.model_dump_json()) for episode in shown]


def _hazard_events(connection: Connection, ids: list[UUID]) -> list[NewEvent]:
    shown = hazards_by_id(connection, ids) if ids else []
    return [NewEvent(hazard.site, "hazard", hazard.model_dump_json()) for hazard in shown]
