"""Devices that nobody asks: whose message it is, when it was said, and who has been silent for too long."""

import asyncio
import logging
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any, NamedTuple

from edge.bindings import stale_after_ms
from edge.config import Device, Ear, SpeakingDevice
from edge.drivers import Traffic
from edge.drivers.decoding import decoder_of
from edge.drivers.speaking import Heard, NotUnderstoodError, Outcome, Told, Value
from edge.lately import Lately, Said
from edge.plausibility import Plausibility, watched
from edge.settings import SpeakingSettings
from sitewarden.messages import ClockState
from sitewarden.profiles.model import says_instants, speech_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""So often somebody looks who has been silent for too long."""
LEAST_QUIET_S = 1.0
"""Bad readings of a silent device come no more often than this; silence stays visible."""
OLDEST = timedelta(days=60)
"""What a device has kept for longer than this is a mistake of its clock."""
SET_BACK = 3
"""So many messages that go on from an older instant show that the device's clock was set back."""
PACE_S = 2.0
"""So long late messages are watched before it is said whether they keep pace."""
STEP_MS = 500
"""The gateway's own clock is slewed by less between two looks; what is more was set."""
SEEN, NUMBERS = 64, 1024
"""Of messages that are known again when they come twice: by instant and body, by their own number."""
TELL_S, STRANGERS = 600.0, 64
"""So often each stranger is told of in the log, and so many of them are told apart."""
LONGEST_SHOWN = 40
"""Characters of what a stranger calls itself."""

Sink = Callable[[Device, Sequence[Reading]], None]
"""Takes the readings of one message; must not wait for anything."""
Stamp = Callable[[float], int]
"""The UTC milliseconds of an instant of the loop's clock."""


class Believed(Enum):
    """What a message's instant makes of it."""

    NOW = "now"
    PAST = "past"
    """Recorded and never judged: older than what is known already, or kept by the device."""
    TWICE = "twice"
    NEVER = "never"
    """The clock is wrong, or the message was under way for too long; nobody can tell which."""


class Dated(NamedTuple):
    """When a message was said, and what is thought of that."""

    at_ms: int
    believed: Believed


class Speaker:
    """One device that speaks by itself, as its ear knows it; `_s` are of a clock that nobody sets."""

    def __init__(self, device: SpeakingDevice, now_s: float) -> None:
        """Not heard yet; from now on its silence counts."""
        self.device, self.decode = device, decoder_of(device.profile)
        self.answered_at: float | None = None
        """When it was last heard."""
        self._speech = speech_of(device.profile)
        self._late_ms = round(1000 * self._speech.late_s) if says_instants(device.profile) else 0
        self._zone = timezone(timedelta(hours=self._speech.utc_offset_h))
        self._names = {key: f"{device.name}/{key}" for key in device.profile.points}
        self._plausible = {key: Plausibility(p) for key, p in device.profile.points.items() if watched(p)}
        groups = device.profile.groups
        self._stale_s = {
            key: stale_after_ms(device.profile, key, device.intervals_ms) / 1000
            for key, point in device.profile.points.items()
            if not groups[point.group].occasional
        }
        self._quiet_s = max(LEAST_QUIET_S, min(device.intervals_ms.values()) / 1000)
        self._heard_s = dict.fromkeys(self._stale_s, now_s)
        self._tell_at_s = dict.fromkeys(self._stale_s, 0.0)
        self.is_silent = False
        self._newest = Dated(0, Believed.NOW)
        self._newest_said_ms = 0
        """The newest instant as the device itself says it."""
        self._older = 0
        """So many messages in a row went on from one that was older than the newest."""
        self._older_since = 0.0, 0
        """When that one came, and what instant it told."""
        self._last_said_ms = 0
        self._late_since: tuple[float, int] | None = None
        """When the first of the late messages in a row came, and what instant it told."""
        self._right_until_s = -math.inf
        """So long its clock is taken to be right, because it was lately."""
        self._seen: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._numbers: OrderedDict[tuple[str, datetime | None], None] = OrderedDict()

    def local(self, at_ms: int) -> datetime:
        """An instant as the device's own clock should show it."""
        return datetime.fromtimestamp(at_ms / 1000, self._zone).replace(tzinfo=None)

    def said_ms(self, at: datetime) -> int:
        """The UTC milliseconds of what the device's clock shows."""
        if at.tzinfo is None:
            # Arithmetic, for a year 1 has no timestamp.
            since = at - datetime(1970, 1, 1) - timedelta(hours=self._speech.utc_offset_h)  # noqa: DTZ001
        else:
            since = at - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(milliseconds=1)

    def is_repeated(self, number: str | None, at: datetime | None = None) -> bool:
        """Whether a message of this number, and of this instant of the device's, has come before.

        A device that counts anew after it was switched off has other instants: its news is news.
        """
        return number is not None and not _noted(self._numbers, (number, at), NUMBERS)

    def dated(self, said_ms: int | None, body: int, arrived_ms: int, now_s: float, *, is_past: bool) -> Dated:
        """What to think of an instant; `said_ms` is the device's own, `body` tells its messages apart.

        An instant that is told to the second leaves room: another message of the same second lies behind.
        """
        if said_ms is None:
            return Dated(self._before(arrived_ms), Believed.NEVER) if is_past else self.arrived(arrived_ms)
        if not _noted(self._seen, (said_ms, body), SEEN):
            return Dated(said_ms, Believed.TWICE)
        believed = self._believed(said_ms, arrived_ms - said_ms, now_s, is_past=is_past)
        if believed is Believed.PAST:
            return Dated(said_ms, believed)
        if believed is Believed.NEVER:
            return self._newer(Dated(self._before(arrived_ms), believed))
        self._right_until_s = now_s + self._speech.late_s + 3 * self._quiet_s
        self._newest_said_ms = said_ms
        return self._newer(Dated(max(said_ms, self._newest.at_ms + 1), Believed.NOW))

    def _believed(self, said_ms: int, late_ms: int, now_s: float, *, is_past: bool) -> Believed:
        if late_ms < -1000 * self._speech.ahead_s or late_ms > OLDEST / timedelta(milliseconds=1):
            return Believed.NEVER
        if is_past:
            return Believed.PAST
        if late_ms > 1000 * self._speech.late_s:
            return Believed.PAST if self._catches_up(said_ms, now_s) else Believed.NEVER
        self._late_since = None
        return Believed.PAST if self._is_older(said_ms, now_s) else Believed.NOW

    def _catches_up(self, said_ms: int, now_s: float) -> bool:
        """Whether a late message was kept: such come while the clock is right, faster than they were made.

        Late ones that keep pace with the time are of now, by a clock that is wrong.
        """
        if now_s > self._right_until_s:
            return False
        if self._late_since is None:
            self._late_since = now_s, said_ms
        began_s, began_ms = self._late_since
        passed_s, told_s = now_s - began_s, (said_ms - began_ms) / 1000
        if passed_s >= PACE_S and passed_s / 2 <= told_s <= 2 * passed_s:
            self._right_until_s = -math.inf
        return now_s <= self._right_until_s

    def _is_older(self, said_ms: int, now_s: float) -> bool:
        """Whether it lies before what is known; where the device goes on from there, its clock was set.

        What was kept goes on as well, only faster than the time: it is of the past for all that.
        """
        last_ms, self._last_said_ms = self._last_said_ms, said_ms
        if said_ms >= self._newest_said_ms:
            self._older = 0
            return False
        if said_ms < last_ms:
            self._older, self._older_since = 0, (now_s, said_ms)
        elif said_ms > last_ms:
            self._older += 1
        began_s, began_ms = self._older_since
        keeps_pace = said_ms - began_ms <= 2000 * (now_s - began_s)
        return self._older < SET_BACK or not keeps_pace

    def arrived(self, arrived_ms: int) -> Dated:
        """Of a device that says no instant, or while the gateway has none to compare it with."""
        return self._newer(Dated(max(arrived_ms, self._newest.at_ms + 1), Believed.NOW))

    def shift(self) -> None:
        """The gateway's clock was set: what was said before it lies on another scale."""
        self._newest, self._newest_said_ms = Dated(0, Believed.NOW), 0

    def _before(self, now_ms: int) -> int:
        """An instant for what has none of its own: nothing that is still to come lies before it."""
        return max(now_ms - self._late_ms, self._newest.at_ms + 1)

    def _newer(self, dated: Dated) -> Dated:
        self._newest = dated
        return dated

    def heard(self, keys: Collection[str], now_s: float) -> bool:
        """It has spoken of these points; whether it had been silent."""
        self.answered_at = now_s
        for key in keys:
            if key in self._heard_s:
                self._heard_s[key] = now_s
        was_silent, self.is_silent = self.is_silent, self.is_silent and bool(self._overdue(now_s))
        return was_silent and not self.is_silent

    def readings(self, values: Sequence[Value], dated: Dated, now_s: float) -> list[Reading]:
        """A reading a point; of a past that is over nothing is compared with what is shown now."""
        names = self._names
        if dated.believed is Believed.NEVER:
            return [Reading(names[key], dated.at_ms, None, Quality.CLOCK) for key, _, _ in values]
        judged = values if dated.believed is Believed.PAST else self._judged(values, now_s)
        return [Reading(names[key], dated.at_ms, value, quality) for key, value, quality in judged]

    def silence(self, now_s: float, at_ms: int, quality: Quality) -> list[Reading]:
        """A bad reading of every point that has not been said for too long, as often as it would be."""
        overdue = [key for key in self._overdue(now_s) if now_s >= self._tell_at_s[key]]
        if not overdue:
            return []
        self._tell_at_s.update(dict.fromkeys(overdue, now_s + self._quiet_s - LOOK_S / 2))
        at_ms = self._newer(Dated(self._before(at_ms), Believed.NOW)).at_ms
        for key in overdue:
            if key in self._plausible:
                self._plausible[key].missed()
        return [Reading(self._names[key], at_ms, None, quality) for key in overdue]

    def _overdue(self, now_s: float) -> list[str]:
        return [key for key, heard_s in self._heard_s.items() if now_s - heard_s > self._stale_s[key]]

    def _judged(self, values: Sequence[Value], now_s: float) -> Iterator[Value]:
        for key, value, quality in values:
            plausible = self._plausible.get(key)
            if plausible is None:
                yield key, value, quality
            elif value is None:
                plausible.missed()
                yield key, None, quality
            else:
                judged = plausible.judge(value, now_s)
                yield key, value if judged is Quality.GOOD else None, judged


def _noted(seen: OrderedDict[Any, None], what: Any, most: int) -> bool:
    """Note it; whether it is new."""
    is_new = what not in seen
    seen[what] = None
    if len(seen) > most:
        seen.popitem(last=False)
    return is_new


class EarTask:
    """Hears one ear for as long as it runs."""

    def __init__(
        self,
        ear: Ear,
        sink: Sink,
        stamp: Stamp,
        *,
        past: Sink,
        clock_state: Callable[[], ClockState],
    ) -> None:
        """Live readings go to `sink`, what devices had kept to `past`."""
        self.ear, self.traffic = ear, Traffic()
        self._sink, self._past, self._stamp, self._clock_state = sink, past, stamp, clock_state
        now_s = asyncio.get_running_loop().time()
        self.units = [Speaker(device, now_s) for device in ear.devices]
        self._speakers = {speaker.device.identity: speaker for speaker in self.units}
        self._lately = Lately(list(self._speakers))
        self._present = Counter[str]()
        self._told: dict[tuple[str, str], float] = {}
        self._look_by_s = now_s + LOOK_S
        self._offset_ms: float | None = None
        self.busy_s = 0.0
        """So long messages have kept us since the start."""
        self.latencies_s: deque[float] = deque(maxlen=1)
        """Nobody asks, so no answer takes its time."""

    @property
    def name(self) -> str:
        """Of the bus."""
        return self.ear.name

    @property
    def missed(self) -> int:
        """Nobody asks, so nothing is missed."""
        return 0

    @property
    def rereads(self) -> int:
        """Nor is anything asked for again."""
        return 0

    async def run(self) -> None:
        """Look for silence until cancelled; a mistake of ours must not end that."""
        loop = asyncio.get_running_loop()
        while True:
            now_s = loop.time()
            self._look_by_s = now_s + LOOK_S
            for speaker in self.units:
                try:
                    self._look(speaker)
                except Exception:
                    log.exception("nobody looked whether it is silent device=%s", speaker.device.name)
            await asyncio.sleep(LOOK_S)

    def overdue_s(self) -> float:
        """How long the next look at all devices has been over its time; 0 or less is fine.

        Strangers and silent devices cost nobody a restart: only whether we are at work counts here.
        """
        return asyncio.get_running_loop().time() - self._look_by_s

    def came(self, identity: str) -> None:
        """Somebody who names itself so is connected."""
        self._present[identity] += 1

    def went(self, identity: str) -> None:
        """One of these connections is over."""
        self._present[identity] -= 1
        if self._present[identity] <= 0:
            del self._present[identity]

    def hear(self, heard: Heard) -> Outcome:
        """A message has come, now: to whom it belongs, what it says, and what is answered."""
        began_s = time.perf_counter()
        self.traffic.requests += 1
        try:
            if heard.body is not None and not heard.refusal:
                self._lately.note(heard.identity, heard.body, asyncio.get_running_loop().time())
            return self._heard(heard)
        except Exception:
            log.exception("message not taken bus=%s", self.name)
            return Outcome(is_known=True, is_understood=False)
        finally:
            self.busy_s += time.perf_counter() - began_s

    def lately(self, identity: str) -> list[Said]:
        """What somebody who names itself so has said lately, whether it is known here or not."""
        return self._lately.of(identity)

    def heard_of(self) -> list[str]:
        """Who has said anything lately."""
        return self._lately.identities()

    @property
    def settings(self) -> SpeakingSettings:
        """How devices speak here."""
        return self.ear.settings

    def refuse(self, identity: str, why: str) -> None:
        """Count a message that is not taken, and say so now and then."""
        self.traffic.exceptions += 1
        self._tell(identity, "refused bus=%s identity=%r: %s", why)

    def _heard(self, heard: Heard) -> Outcome:
        speaker = self._speakers.get(heard.identity)
        if speaker is None or heard.refusal:
            self.refuse(heard.identity, heard.refusal or "no device of this bus has this identity")
            return Outcome(is_known=False)
        now_s, arrived_ms = self._now()
        if heard.body is not None:
            try:
                told = speaker.decode(heard.body)
            except NotUnderstoodError as exc:
                self.traffic.broken += 1
                self._tell(heard.identity, "not understood bus=%s identity=%r: %s", str(exc))
                return Outcome(is_known=True, is_understood=False)
            self._take(speaker, heard, told, arrived_ms, now_s)
        elif speaker.heard((), now_s):
            log.info("device speaks again device=%s", speaker.device.name)
        if heard.answer is None:
            return Outcome(is_known=True)
        # A recorder that keeps the evidence must not be set by a clock that is not set itself.
        now = None if self._clock_state() == "unsynced" else speaker.local(arrived_ms)
        return Outcome(is_known=True, answer=heard.answer(now))

    def _take(self, speaker: Speaker, heard: Heard, told: Told, arrived_ms: int, now_s: float) -> None:
        at = told.at or heard.at
        if speaker.is_repeated(told.number, at):
            self.traffic.late += 1
            return
        # Two people may pass in the same second: only what is the same to the last byte came twice.
        body = hash(heard.body if isinstance(heard.body, bytes) else tuple(told.values))
        said_ms, is_unsynced = None if at is None else speaker.said_ms(at), self._clock_state() == "unsynced"
        if is_unsynced and not heard.is_past:
            dated = speaker.arrived(arrived_ms)
        else:
            # A clock that woke in the past is no reason to lose what was kept: it is answered and comes once.
            known_ms = max(arrived_ms, said_ms or 0) if is_unsynced else arrived_ms
            dated = speaker.dated(said_ms, body, known_ms, now_s, is_past=heard.is_past)
        if dated.believed is not Believed.NOW:
            self.traffic.late += 1
        if dated.believed is Believed.TWICE:
            return
        if dated.believed is Believed.PAST:
            self._past(speaker.device, speaker.readings(told.values, dated, now_s))
            return
        if dated.believed is Believed.NEVER:
            said = "unreadable" if at is None else at.isoformat(" ")
            self._tell(heard.identity, "clock not believed bus=%s identity=%r it says %s", said)
            if heard.is_past:
                return
        if speaker.heard([key for key, _, _ in told.values], now_s):
            log.info("device speaks again device=%s", speaker.device.name)
        if told.values:
            self._sink(speaker.device, speaker.readings(told.values, dated, now_s))

    def _now(self) -> tuple[float, int]:
        """Of the loop's clock and of the wall's; devices hear where somebody has set that."""
        now_s = asyncio.get_running_loop().time()
        at_ms = self._stamp(now_s)
        offset_ms = at_ms - 1000 * now_s
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) >= STEP_MS:
            for speaker in self.units:
                speaker.shift()
        self._offset_ms = offset_ms
        return now_s, at_ms

    def _look(self, speaker: Speaker) -> None:
        now_s, at_ms = self._now()
        is_there = self._present[speaker.device.identity] > 0
        quality = Quality.TIMEOUT if is_there else Quality.DISCONNECTED
        readings = speaker.silence(now_s, at_ms, quality)
        if readings and not speaker.is_silent:
            speaker.is_silent = True
            self.traffic.timeouts += 1
            log.warning("device is silent bus=%s device=%s", self.name, speaker.device.name)
        if readings:
            self._sink(speaker.device, readings)

    def _tell(self, identity: str, form: str, why: str) -> None:
        """A line in the log, every `TELL_S` at most for each stranger: they may be many and loud."""
        now_s, key = asyncio.get_running_loop().time(), (form, identity[:LONGEST_SHOWN])
        if self._told.get(key, 0.0) > now_s:
            return
        if len(self._told) >= STRANGERS:
            self._told = {k: until for k, until in self._told.items() if until > now_s}
        if len(self._told) < STRANGERS:
            self._told[key] = now_s + TELL_S
            log.warning(form, self.name, identity[:LONGEST_SHOWN], why[:200])
