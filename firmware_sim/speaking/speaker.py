"""A device of a scenario that speaks by itself: physics, voice and clock, and what faults make of them."""

import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple, Protocol

from firmware_sim.faults import (
    Applied,
    ClockJump,
    Crc,
    Duplicate,
    Garbage,
    Late,
    Reorder,
    Silence,
    Truncated,
    WireFault,
    chance,
)
from firmware_sim.ledger import Crossing
from firmware_sim.player import Acting, FaultsAt
from firmware_sim.scenario import Cast, Scenario
from firmware_sim.speaking.body import JsonVoice
from firmware_sim.speaking.goyo import GoyoVoice
from firmware_sim.speaking.hj212 import Hj212Voice
from firmware_sim.speaking.voice import Voice
from sitewarden.profiles.model import FrameProfile, Hj212Profile, JsonProfile, speech_of

GREET_S = 30.0
"""So often a device that has a greeting says it."""
MOST_HELD = 100
"""Messages that faults hold back."""


class Mouth(Protocol):
    """Where a device's messages go; waits for nothing."""

    def say(self, device: str, text: bytes) -> None:
        """Send it, or lose it where nobody is there."""


class _HeldBack(NamedTuple):
    due_s: float
    text: bytes


class Speaker(Acting):
    """One device; the same scenario and seed say the same values, step by step."""

    def __init__(
        self, scenario: Scenario, cast: Cast, mouth: Mouth, faults_at: FaultsAt = lambda _: []
    ) -> None:
        """It speaks as often as the scenario says, else as its profile does, and at once after the start."""
        super().__init__(scenario, cast, faults_at)
        self._mouth, self._voice = mouth, voice_of(cast)
        profile = cast.profile
        assert isinstance(profile, Hj212Profile | FrameProfile | JsonProfile)  # noqa: S101  # refused otherwise
        self._zone = timedelta(hours=speech_of(profile).utc_offset_h)
        usual_ms = min(group.interval_ms for group in profile.groups.values())
        self._interval_s = (cast.device.every_ms or usual_ms) / 1000.0
        self._due_s = self._greet_at_s = 0.0
        self._back: deque[_HeldBack] = deque(maxlen=MOST_HELD)
        self._behind: bytes | None = None
        """A message that goes out right behind the next one."""
        self._number = 0
        self._set_right: set[str] = set()
        """Jumps of the clock that somebody has put right."""

    def show(self) -> list[Crossing]:
        """Say what is due; the crossings that became known by that."""
        now_s, faults = self._t_s, self._faults_at(self._t_s)
        while self._back and self._back[0].due_s <= now_s:
            self._mouth.say(self._cast.device.device, self._back.popleft().text)
        if self._cast.device.silent:
            return []
        at = self.clock(faults)
        if now_s >= self._greet_at_s:
            self._greet_at_s = now_s + GREET_S
            if greeting := self._voice.greet(at):
                self._send(greeting, faults)
        if now_s < self._due_s:
            return []
        self._due_s = max(self._due_s + self._interval_s, now_s)
        crossings: list[Crossing] = []
        for text, said in self._voice.say(self.values(), at):
            self._send(text, faults)
            crossings += self._watch.judge({**dict.fromkeys(self._cast.profile.points), **said})
        return crossings

    def clock(self, faults: Iterable[Applied] = ()) -> datetime:
        """What the device's own clock shows."""
        jumps = (applied for applied in faults if applied.seed not in self._set_right)
        off_s = sum(applied.fault.by_s for applied in jumps if isinstance(applied.fault, ClockJump))
        now = datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)
        return now + self._zone + timedelta(seconds=off_s)

    def hear(self, answer: bytes) -> None:
        """The gateway has answered."""
        if self._voice.is_clock_set(answer):
            jumps = (
                applied for applied in self._faults_at(self._t_s) if isinstance(applied.fault, ClockJump)
            )
            self._set_right |= {applied.seed for applied in jumps}

    def _send(self, text: bytes, faults: Iterable[Applied]) -> None:
        """As faults leave it."""
        self._number += 1
        device, behind = self._cast.device.device, self._behind
        self._behind = None
        for applied in faults:
            if not isinstance(applied.fault, WireFault):
                continue
            if chance(applied.seed, self._number) >= applied.fault.probability:
                continue
            left = self._under(applied, text)
            if left is None:
                return
            text = left
        self._mouth.say(device, text)
        if behind is not None:
            self._mouth.say(device, behind)

    def _under(self, applied: Applied, text: bytes) -> bytes | None:  # noqa: PLR0911  # a line a fault
        fault = applied.fault
        match fault:
            case Silence():
                return None
            case Crc():
                return self._voice.spoil(text)
            case Truncated():
                return text[: max(0, len(text) - fault.lost_bytes)]
            case Garbage():
                return Random(f"{applied.seed}/{self._number}").randbytes(fault.bytes)
            case Duplicate():
                self._back.appendleft(_HeldBack(self._t_s, text))
                return text
            case Late():
                self._back.append(_HeldBack(self._t_s + fault.delay_ms / 1000.0, text))
                return None
            case Reorder():
                self._behind = text
                return None
        return text


def voice_of(cast: Cast) -> Voice:
    """How the device speaks."""
    profile, device = cast.profile, cast.device
    identity = device.identity or device.device
    match profile:
        case Hj212Profile():
            return Hj212Voice(profile, identity, device.token)
        case FrameProfile():
            return GoyoVoice(profile, identity)
        case JsonProfile():
            return JsonVoice(profile, identity)
    raise TypeError(profile)
