"""What a restart takes up: episodes, shelves and what derivations remember, in the files of both lanes.

What belongs to alarms lies beside alarms and what belongs to readings beside readings, so that a message and
what is remembered of it are one transaction.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from edge.derivation import newest_ms
from edge.judge import Episode, Judge, RulesMemory
from edge.lane import Lane
from edge.recorder import Recorder
from sitewarden.messages import Alarm, Readings, Shelf

T = TypeVar("T")
log = logging.getLogger(__name__)

TIME_S = 60.0
"""So often the time is saved, for a machine that forgets it without power."""

_EPISODE, _HISTORY, _TIME, _RULES, _SHELF = "episode/", "history/", "time", "rules", "shelf/"
_GROUP = "group/"
"""What groups of cranes remember."""
_DERIVED = "displacements/"
"""What derivations remember; the word is from when displacements were all, and files in the field have it."""


class Memory:
    """Reads what an earlier run has left, and saves what this one must not lose, where it changed."""

    def __init__(self, alarms: Lane, readings: Lane) -> None:
        """Both lanes carry it; nothing is read yet."""
        self._alarms, self._readings = alarms, readings
        self._saved: dict[str, bytes] = {}
        self._time_saved_ms = 0

    def episodes(self) -> list[Episode]:
        """Those that stood."""
        return [
            episode
            for key, body in self._alarms.memory.items()
            if key.startswith(_EPISODE) and (episode := _understood(key, body, Episode)) is not None
        ]

    def rules(self) -> RulesMemory | None:
        """What rules remember beside episodes."""
        return _understood(_RULES, self._alarms.memory.get(_RULES, b"{}"), RulesMemory)

    def shelves(self) -> Iterator[Shelf]:
        """Those that were in force."""
        for key, body in self._alarms.memory.items():
            shelf = _understood(key, body, Shelf) if key.startswith(_SHELF) else None
            if shelf is not None:
                yield shelf

    def recall(self, judge: Judge) -> None:
        """Give derivations and groups of cranes what they remembered."""
        for name, derivations in judge.derivations.items():
            key = f"{_DERIVED}{name}"
            saved = _understood(key, self._readings.memory.get(key, b"{}"), dict[str, Any]) or {}
            for unread in derivations.remember(saved):
                log.critical("what was remembered cannot be read key=%s derivation=%s", key, unread)
        for key, body in self._readings.memory.items():
            if key.startswith(_GROUP):
                try:
                    judge.grouping.remember(key.removeprefix(_GROUP), body)
                except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                    log.critical("what was remembered cannot be read key=%s: %s", key, exc)

    def known_ms(self) -> int:
        """The newest instant that an earlier boot has saved of anything: now is not before it."""
        known = [_understood(_TIME, self._readings.memory.get(_TIME, b"0"), int) or 0]
        for key, body in self._readings.memory.items():
            if key.startswith(_DERIVED):
                known.append(newest_ms(_understood(key, body, dict[str, Any]) or {}))
        known += [max(episode.alarm.at, episode.state.since_ms) for episode in self.episodes()]
        return max(known)

    def tell(self, alarms: Sequence[Alarm], judge: Judge) -> None:
        """Transitions, and what must be remembered of the episodes that they belong to."""
        standing = {episode.alarm.episode: episode for episode in judge.episodes()}
        self._alarms.put(
            alarms,
            {
                f"{_EPISODE}{alarm.episode}": msgspec.json.encode(standing[alarm.episode])
                if alarm.episode in standing
                else None
                for alarm in alarms
            },
        )

    def keep_shelf(self, shelf: Shelf) -> None:
        """Until it is dropped; another of the same rule and point takes its place."""
        self._alarms.put([], {_shelf_key(shelf): msgspec.json.encode(shelf)})

    def drop_shelf(self, shelf: Shelf) -> None:
        """It is over."""
        self._alarms.put([], {_shelf_key(shelf): None})

    def has_imported(self, device: str, digest: str) -> bool:
        """Whether this file of a device's past has been taken in."""
        return _history_key(device, digest) in self._readings.memory

    def keep_import(self, device: str, digest: str, messages: Sequence[Readings], judge: Judge) -> None:
        """A device's past, that it has been taken in, and what derivations have learned from it."""
        self._readings.put(messages, {_history_key(device, digest): b"imported", **_derived(judge)})

    def save(self, judge: Judge, recorder: Recorder, now_ms: int) -> None:
        """Peaks of standing episodes and the memory of derivations, where they changed."""
        episodes = {f"{_EPISODE}{e.alarm.episode}": msgspec.json.encode(e) for e in judge.episodes()}
        groups = {f"{_GROUP}{name}": body for name, body in judge.grouping.remembered().items()}
        # Those that have ended were dropped with their transition; nobody compares with them again.
        self._saved = {
            k: body for k, body in self._saved.items() if k in episodes or not k.startswith(_EPISODE)
        }
        episodes[_RULES] = msgspec.json.encode(judge.memory())
        if changed := self._changed(episodes):
            self._alarms.put([], changed)
        recorder.flush(self._changed({**_derived(judge), **groups, **self._time(now_ms)}))

    def _changed(self, memory: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """What is not as it was saved last; taken to be saved now."""
        changed = {key: body for key, body in memory.items() if self._saved.get(key) != body}
        self._saved.update(changed)
        return changed

    def _time(self, now_ms: int) -> Mapping[str, bytes]:
        if abs(now_ms - self._time_saved_ms) < TIME_S * 1000:
            return {}
        self._time_saved_ms = now_ms
        return {_TIME: msgspec.json.encode(now_ms)}


def _derived(judge: Judge) -> Mapping[str, bytes]:
    return {
        f"{_DERIVED}{name}": msgspec.json.encode(remembered)
        for name, derivations in judge.derivations.items()
        if (remembered := derivations.remembered())
    }


def _history_key(device: str, digest: str) -> str:
    return f"{_HISTORY}{device}/{digest}"


def _shelf_key(shelf: Shelf) -> str:
    return f"{_SHELF}{shelf.point} {shelf.rule}"


def _understood(key: str, body: bytes, kind: type[T]) -> T | None:
    """What was saved; something that this version cannot read must not keep the site unwatched."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        log.critical("what was remembered cannot be read key=%s: %s", key, exc)
        return None
