"""What the page shows: the newest value of each point, and everything that stands, at one moment."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from edge.config import Device
from edge.judge import Episode
from edge.refusal import Refusal
from edge.tone import Lamp, Siren
from sitewarden.messages import ClockState, PointBirth, Shelf
from sitewarden.points import PointKind, point_kind
from sitewarden.profiles.model import is_bit
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.text import Text
from sitewarden.topics import Mode


class PointNow(msgspec.Struct, frozen=True, kw_only=True):
    """A point as it is now."""

    point: str
    device: str
    device_label: Text
    label: Text
    """Of its kind."""
    name: Text | None
    """Where it says more than the kind does, such as `测点 H1`."""
    unit: str
    resolution: float
    is_bit: bool
    """A yes or a no, 1 or 0."""
    value: float | None
    """The newest good one, in `unit`; `None` where there never was one."""
    age_ms: int | None
    """Of that value, by a clock that nobody sets."""
    stale_after_ms: int
    is_stale: bool
    on_trial: bool
    """Its device is on trial (试运行)."""
    quality: str
    """Of the newest reading, good or not; `none` where there never was one."""


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """A standing alarm."""

    episode: str
    device: str
    device_label: Text
    point: str
    rule: str
    label: Text
    level: int
    unit: str
    resolution: float
    limit: float
    peak: float
    is_beyond: bool
    """False once the value is back inside the limit and the off-delay runs."""
    raised_at: int
    """Milliseconds UTC, as the other instants."""
    acknowledged_at: int | None
    acknowledged_by: str
    test: bool
    """Of a device on trial: nobody hears it."""


class SirenNow(msgspec.Struct, frozen=True, kw_only=True):
    """What people hear and see."""

    siren: Siren
    lamp: Lamp
    is_testing: bool
    failed: int
    """Outputs that could not be driven."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    site: str
    gateway: str
    mode: Mode
    at_ms: int
    clock: ClockState
    needs_pin: bool
    points: list[PointNow]
    alarms: list[AlarmNow]
    """The gravest first, then the newest; tests last."""
    siren: SirenNow
    shelved: list[Shelf]
    """Rules whose alarms somebody holds back."""
    refusal: Refusal | None = None
    """Why the cloud's broker does not let the gateway in, as long as it does not."""
    health: Mapping[str, Any]
    """Nested mappings of numbers and words, shown as they are."""


class _Place(NamedTuple):
    device: Device
    birth: PointBirth
    kind: PointKind


class Board:
    """Remembers the newest reading of each point; costs two dictionary entries a reading."""

    def __init__(self, devices: Iterable[Device], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic` in seconds."""
        self._monotonic = monotonic
        self._places = _places(devices)
        self._newest: dict[str, Reading] = {}
        self._good: dict[str, tuple[float, float]] = {}
        """When it was heard, and the value."""

    def change(self, devices: Iterable[Device]) -> None:
        """Show others; a point of one name and kind keeps what it said last."""
        before, self._places = self._places, _places(devices)
        for point, place in before.items():
            if point not in self._places or self._places[point].kind != place.kind:
                self._newest.pop(point, None)
                self._good.pop(point, None)

    def take(self, readings: Sequence[Reading]) -> None:
        """Note readings; waits for nothing."""
        now, newest, good = self._monotonic(), self._newest, self._good
        for reading in readings:
            point, _, value, quality = reading
            newest[point] = reading
            if quality is Quality.GOOD and value is not None:
                good[point] = now, value

    def points(self) -> list[PointNow]:
        """Every point in the order of the configuration."""
        now = self._monotonic()
        return [self._now(place, now) for place in self._places.values()]

    def alarms(self, episodes: Iterable[Episode]) -> list[AlarmNow]:
        """The standing alarms, the gravest first, tests last; acknowledging moves none under a finger."""
        shown = [self._alarm(episode) for episode in episodes if episode.alarm.point in self._places]
        return sorted(shown, key=lambda alarm: (alarm.test, -alarm.level, -alarm.raised_at))

    def _now(self, place: _Place, now: float) -> PointNow:
        device, birth, kind = place
        newest, good = self._newest.get(birth.p), self._good.get(birth.p)
        age_ms = None if good is None else round((now - good[0]) * 1000)
        return PointNow(
            point=birth.p,
            device=device.name,
            device_label=device.label,
            label=kind.label,
            name=birth.label,
            unit=kind.unit,
            resolution=kind.resolution,
            is_bit=_is_bit(device, birth.p),
            value=None if good is None else good[1],
            age_ms=age_ms,
            stale_after_ms=birth.stale_after_ms,
            is_stale=age_ms is not None and age_ms > birth.stale_after_ms,
            on_trial=device.is_on_trial,
            quality="none" if newest is None else newest.quality.word,
        )

    def _alarm(self, episode: Episode) -> AlarmNow:
        alarm, place = episode.alarm, self._places[episode.alarm.point]
        return AlarmNow(
            episode=alarm.episode,
            device=alarm.device,
            device_label=place.device.label,
            point=alarm.point,
            rule=alarm.rule,
            label=alarm.label,
            level=alarm.level,
            unit=alarm.unit,
            resolution=place.kind.resolution if alarm.unit == place.kind.unit else 1.0,
            limit=alarm.limit,
            peak=episode.state.peak,
            is_beyond=episode.state.is_beyond,
            raised_at=alarm.raised_at,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_by=alarm.acknowledged_by,
            test=alarm.test,
        )


def _places(devices: Iterable[Device]) -> dict[str, _Place]:
    return {
        birth.p: _Place(device, birth, point_kind(birth.kind))
        for device in devices
        for birth in device.points
    }


def _is_bit(device: Device, point: str) -> bool:
    """Of what the device itself gives; nothing that is derived is one."""
    given = device.profile.points.get(point.removeprefix(f"{device.name}/"))
    return given is not None and is_bit(device.profile, given)
