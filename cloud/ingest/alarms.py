"""The way of alarms into the database: transition, episode, hazard record, event: one transaction."""

import collections
import logging
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple
from uuid import UUID

from cloud.alarms.model import Episode
from cloud.alarms.requests import note_acknowledged
from cloud.alarms.store import Arrived, StoredEpisode, store_alarms
from cloud.database import Connection, at_once
from cloud.hazards import standing
from cloud.hazards.around import Told
from cloud.hazards.model import Hazard
from cloud.hazards.opening import Heard, follow_alarms, foreseen_danger
from cloud.ingest.admission import Admission, HomelessError
from cloud.ingest.dead_letters import bury
from cloud.ingest.decoding import believed, dead_letter, present_ms, record_of, sender
from cloud.ingest.model import Delivery, Outcome, Settled
from cloud.ingest.rebirths import Rebirths
from cloud.jurisdictions.loading import jurisdiction
from cloud.live.store import NewEvent, write_events
from cloud.notices.kept import Kept
from cloud.notices.opening import News, Telling, tell, tell_of
from cloud.registry.known import Sites
from cloud.settings import Settings
from cloud.sites.registry import Registry
from cloud.upkeep.holding import Mended, hold_mended
from sitewarden.errors import MessageError
from sitewarden.messages import Alarm
from sitewarden.text import Text

log = logging.getLogger(__name__)


class _Accepted(NamedTuple):
    told: Arrived
    device: Text
    """Its name for people."""


class AlarmsLane:
    """Stores batches of alarms."""

    def __init__(self, settings: Settings, registry: Registry, rebirths: Rebirths) -> None:
        """`registry` is shared with the readings' lane, `rebirths` is this lane's own."""
        self._settings, self._registry = settings, registry
        self._admission = Admission(registry, rebirths)
        self._sites: Sites = {}
        self._kept, self._mended = Kept(), Mended()

    def commit(self, connection: Connection, batch: list[Delivery], now_ms: int) -> Outcome:
        """Store the batch in one transaction."""
        outcome = Outcome()
        with at_once(connection):
            self._sites = self._registry.sites(connection)
            accepted = list(self._accept(connection, batch, now_ms, outcome))
            told: dict[UUID, Text] = {}
            episodes, hazards, happened = self._store(connection, accepted, now_ms, told, outcome)
            telling = Telling(
                settings=self._settings,
                sites=self._sites,
                now_ms=now_ms,
                is_listened=self._registry.is_listened,
                kept=self._kept,
            )
            tell(connection, telling, News(episodes=told, hazards=list(hazards)))
            tell_of(connection, telling, happened)
            bury(connection, outcome.dead)
            outcome.settled += [letter.settled for letter in outcome.dead if letter.settled is not None]
            events = [*_events("alarm", episodes.values()), *_events("hazard", hazards.values())]
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
                if key.mode == "live":
                    outcome.note_instant(alarm.at)
                label = admitted.gateway.device_labels.get(alarm.device)
                told = Arrived(
                    key=key,
                    gateway_id=admitted.gateway.id,
                    alarm=alarm,
                    received_ms=delivery.received_ms,
                )
                yield _Accepted(
                    told, Text(label["zh"], label["en"]) if label else Text(alarm.device, alarm.device)
                )

    def _store(
        self,
        connection: Connection,
        accepted: list[_Accepted],
        now_ms: int,
        told: dict[UUID, Text],
        outcome: Outcome,
    ) -> tuple[dict[UUID, Episode], dict[UUID, Hazard], list[Told]]:
        """Store what is new; returns the live episodes, the hazard records that changed, and what of them.

        Into `told` go new live episodes, with the name of their device.
        """
        episodes: dict[UUID, Episode] = {}
        hazards: dict[UUID, Hazard] = {}
        happened: list[Told] = []
        for wave in _waves(accepted):
            storing = store_alarms(connection, [one.told for one in wave])
            foreseen = _foreseen(connection, wave)
            stored = storing.stored()
            _count(outcome, wave, stored)
            heard = [
                self._heard(one, stored[one.told.alarm.episode], now_ms)
                for one in wave
                if one.told.alarm.episode in stored
            ]
            for one in heard:
                if one.alarm.change == "acknowledged":
                    note_acknowledged(connection, UUID(one.alarm.episode), now_ms)
                if one.episode.is_new and one.mode == "live":
                    told[UUID(one.alarm.episode)] = one.device
            left = hold_mended(connection, self._mended.among(connection, self._sites, heard), heard)
            records, said = follow_alarms(connection, left, foreseen)
            joined = {episode: record.id for record in records for episode in record.episodes}
            for one in heard:
                if one.mode == self._settings.mode:
                    id_ = UUID(one.alarm.episode)
                    episodes[id_] = one.episode.shown(joined.get(id_, one.episode.hazard_id))
            # A drill's are marked wherever they are shown.
            seen = (self._settings.mode, "drill")
            shown = [record for record in records if record.row["mode"] in seen]
            hazards |= {record.id: record.shown() for record in shown}
            happened += [one for one in said if one.hazard_id in hazards]
        return episodes, hazards, happened

    def _heard(self, accepted: _Accepted, stored: StoredEpisode, now_ms: int) -> Heard:
        key = accepted.told.key
        return Heard(
            site=key.site,
            mode=key.mode,
            alarm=accepted.told.alarm,
            episode=stored,
            device=accepted.device,
            time_zone=self._sites[key.site].time_zone,
            limits=jurisdiction(self._sites[key.site].jurisdiction),
            now_ms=now_ms,
        )


def _foreseen(connection: Connection, wave: list[_Accepted]) -> standing.Foreseen | None:
    """What stands of the dangers of new alarms, asked in one go with storing them.

    Not where some alarm may belong to a record already: records are locked in one order, all at once.
    """
    dangers = [foreseen_danger(one.told.key.site, one.told.key.mode, one.told.alarm) for one in wave]
    known = [danger for danger in dangers if danger is not None]
    return standing.foresee(connection, known) if len(known) == len(dangers) else None


def _waves(accepted: Iterable[_Accepted]) -> list[list[_Accepted]]:
    """What can be stored at once, in the order of arrival: in each wave an episode has one word."""
    waves: list[list[_Accepted]] = []
    words: collections.Counter[str] = collections.Counter()
    for one in accepted:
        place = words[one.told.alarm.episode]
        words[one.told.alarm.episode] += 1
        if place == len(waves):
            waves.append([])
        waves[place].append(one)
    return waves


def _count(outcome: Outcome, wave: list[_Accepted], stored: Collection[str]) -> None:
    """Of these alarms, those `stored` are new."""
    fresh = [one.told for one in wave if one.told.alarm.episode in stored]
    outcome.add(accepted=len(fresh), duplicate=len(wave) - len(fresh))
    outcome.raised_ms += [
        one.alarm.at for one in fresh if one.key.mode == "live" and one.alarm.change == "raised"
    ]


def _events(kind: Literal["alarm", "hazard"], shown: Iterable[Episode | Hazard]) -> list[NewEvent]:
    return [NewEvent(one.site, kind, one.model_dump_json()) for one in shown]
