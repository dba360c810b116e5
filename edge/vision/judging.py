"""From heads in a look to what a camera's points say: tracks, votes, zones and slots put together.

This is all that decides before a point turns 1; what an alarm is, its level and its delays, say the rules.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from edge.vision.model import Confirmed, Heads, HeadState, Look, Region, Standing, Track
from edge.vision.places import Places, foot, is_watched
from edge.vision.projection import Ground, Hook, hangs, is_under
from edge.vision.resting import resting
from edge.vision.settings import CameraEntry, HookSettings
from edge.vision.slots import Slots
from edge.vision.tracking import Following, Tracker
from edge.vision.voting import Ballot, Voting
from sitewarden.cameras import CameraZone, slot_key

SHOWN_S = 3.0
"""No count asks for pictures oftener: rules of the pack clear no sooner, so each alarm has its own."""
GRAVER = ("hook", "pit")
"""Kinds of zones in which a bare head weighs more than elsewhere."""


class Judge:
    """What one camera's looks come to. Instants never go back."""

    def __init__(
        self, entry: CameraEntry, voting: Voting | None = None, following: Following | None = None
    ) -> None:
        """Nobody is there yet; raises `ProjectionError` where the camera's marks give no ground."""
        self._entry = entry
        # A look is asked for the smallest head of any zone; each zone then asks for its own.
        smallest = min((zone.min_head_px for zone in entry.zones), default=None)
        self._voting = _as_often(_at_least(voting or Voting(), smallest), entry.looks_per_s)
        self._tracker = Tracker(following)
        self._ballot = Ballot(self._voting)
        self._places = Places(entry.zones)
        self._slots = {zone.zone: Slots(zone) for zone in entry.zones if "helmet" in zone.duties}
        self._ground = Ground.of(entry.ground) if entry.ground else None
        self._grave_s: dict[int, float] = {}
        """When each track last had an alarm of a graver zone."""
        self._counts: dict[str, int] = {}
        """Of the points that count people, as of the last look."""
        self._shown_s: dict[str, float] = {}
        """When each of them last asked for a picture."""
        self.tracks: Sequence[Track] = ()
        """Everybody who is followed, as of the last look."""
        self.settled: frozenset[int] = frozenset()
        """Those of them whose next look may wait for a moment: it would change nothing."""

    @property
    def ground(self) -> Ground | None:
        """Where pixels of the ground are, if the camera has marks."""
        return self._ground

    def look(
        self,
        at_s: float,
        heads: Heads,
        *,
        width: int,
        height: int,
        now: datetime,
        regions: Sequence[Region] | None = None,
        input_px: int | None = None,
        hook: Hook | None = None,
    ) -> Look:
        """What this look comes to. `regions` were looked at (left out: all); `now` knows its own zone.

        `input_px` is the detector's input: a region that shows a head too small is no look for it.
        """
        self.tracks = self._tracker.look(at_s, heads, regions, (width, height), input_px)
        states = self._ballot.look(at_s, self.tracks, self._tracker.missed)
        found = {track.number for track in self.tracks if track.seen_s == at_s}
        zones = self._places.look(self.tracks, found, width, height)
        there = [track for track in self.tracks if self._ballot.is_somebody(track.number, at_s)]
        values: dict[str, float] = {}
        confirmed: list[Confirmed] = []
        followed = {track.number for track in self.tracks}
        self._grave_s = {number: then_s for number, then_s in self._grave_s.items() if number in followed}
        for zone in self._by_weight():
            inside = [track for track in there if zone.zone in zones[track.number]]
            values[f"{zone.zone}.people"] = len(inside)
            is_on = is_watched(zone.hours, now, self._entry.utc_offset_h)
            if zone.zone in self._slots:
                if is_on:
                    confirmed += self._confirm(zone, at_s, states, inside, (width, height))
                else:
                    self._slots[zone.zone].clear()
                values |= _told(zone, self._slots[zone.zone])
            asked = inside if is_on else []
            for key, counted in self._counted(zone, at_s, asked, hook, (width, height)):
                values[key] = len(counted)
                confirmed += self._begun(zone, key, at_s, counted)
        standing = [Standing(track, states[track.number], zones[track.number]) for track in self.tracks]
        settled, things = self._ballot.settled(), self._ballot.things()
        self.settled = resting(standing, settled, things, self._entry.zones, (width, height))
        return Look(at_s, standing, values, confirmed)

    def _by_weight(self) -> Iterable[CameraZone]:
        """Graver zones first: who stands in two is alarmed in the graver one."""
        return sorted(self._entry.zones, key=lambda zone: zone.kind not in GRAVER)

    def _confirm(
        self,
        zone: CameraZone,
        at_s: float,
        states: Mapping[int, HeadState],
        inside: Sequence[Track],
        size: tuple[int, int],
    ) -> list[Confirmed]:
        """Who of those inside takes a slot of the zone now."""
        slots, tracks = self._slots[zone.zone], {track.number: track for track in self.tracks}
        bare = [t.number for t in inside if states[t.number] == "bare" and self._is_asked(zone, t, at_s)]
        begun = slots.look(at_s, tracks, states, bare, presence=self._ballot.presence, size=size)
        if zone.kind in GRAVER:
            self._grave_s |= dict.fromkeys(slots.held.values(), at_s)
        return [Confirmed(slot_key(zone.zone, slot), zone.zone, track.number) for slot, track in begun]

    def _is_asked(self, zone: CameraZone, track: Track, at_s: float) -> bool:
        """Whether a bare head in a zone is large enough for it, and not alarmed as gravely just now."""
        if track.input_px < zone.min_head_px:
            return False
        if zone.kind in GRAVER:
            return True
        graver = (
            self._slots[one.zone]
            for one in self._entry.zones
            if one.kind in GRAVER and one.zone in self._slots
        )
        alarmed_s = max((slots.alarmed_s(track.number) for slots in graver), default=-math.inf)
        then_s = max(self._grave_s.get(track.number, -math.inf), alarmed_s)
        return then_s < at_s - zone.cool_down_s

    def _counted(
        self, zone: CameraZone, at_s: float, asked: Sequence[Track], hook: Hook | None, size: tuple[int, int]
    ) -> Iterator[tuple[str, Sequence[Track]]]:
        """The points of a zone that count people, and whom."""
        if "keep_out" in zone.duties:
            yield f"{zone.zone}.intruders", asked
        if "under_load" in zone.duties:
            under = self._under_load(asked, at_s, hook, size)
            if under is not None:
                yield f"{zone.zone}.under_load", under

    def _begun(self, zone: CameraZone, key: str, at_s: float, there: Sequence[Track]) -> list[Confirmed]:
        """Where a count leaves 0, whose picture shows why: the largest head's."""
        before, self._counts[key] = self._counts.get(key, 0), len(there)
        if before or not there or at_s - self._shown_s.get(key, -math.inf) < SHOWN_S:
            return []
        self._shown_s[key] = at_s
        return [Confirmed(key, zone.zone, max(there, key=lambda track: track.input_px).number)]

    def _under_load(
        self, inside: Sequence[Track], at_s: float, hook: Hook | None, size: tuple[int, int]
    ) -> Sequence[Track] | None:
        """Who of those inside stands under a load; `None` while nobody knows where the hook is."""
        settings = self._entry.hook
        if settings is None or self._ground is None or hook is None:
            return None
        is_hanging = hangs(hook, at_s, settings.from_load_t)
        if is_hanging is None:
            return None
        return [t for t in inside if is_hanging and self._is_under(t, hook, settings, size)]

    def _is_under(self, track: Track, hook: Hook, settings: HookSettings, size: tuple[int, int]) -> bool:
        assert self._ground is not None  # noqa: S101  # asked before
        standing = self._ground.at(foot(track.box, *size))
        return standing is not None and is_under(standing, hook, settings.radius_m)


def _told(zone: CameraZone, slots: Slots) -> dict[str, float]:
    values = {slot_key(zone.zone, slot): float(slot in slots.held) for slot in range(1, zone.slots + 1)}
    return {**values, f"{zone.zone}.bare_more": float(slots.more)}


def _at_least(voting: Voting, smallest: float | None) -> Voting:
    if smallest is None or math.isclose(smallest, voting.smallest_px):
        return voting
    return msgspec.structs.replace(voting, smallest_px=float(smallest))


def _as_often(voting: Voting, looks_per_s: float) -> Voting:
    """Where looks are rare all that have a vote count, or nobody would ever have enough."""
    return msgspec.structs.replace(voting, within_s=max(voting.within_s, voting.looks / looks_per_s))
