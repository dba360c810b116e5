"""Somebody in a dangerous zone: what a positioning system counts, and whether an alarm stands over them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from edge.settings import DangerousZone
from sitewarden.derived import DerivedPoint
from sitewarden.messages import Alarm
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.text import Text

COUNTED = "people.zone"
"""The kind of a zone's head-count."""
ENDANGERED = "people.endangered"
_SUFFIX = ".endangered"


def points_of(
    device: str, zones: Mapping[str, DangerousZone], labels: Mapping[str, Text | None], stale_ms: int
) -> tuple[DerivedPoint, ...]:
    """One for each dangerous zone."""
    return tuple(
        DerivedPoint(
            f"{device}/{key}{_SUFFIX}",
            ENDANGERED,
            (f"{device}/{key}",),
            stale_ms,
            labels.get(key),
            _how(zone),
        )
        for key, zone in zones.items()
    )


def _how(zone: DangerousZone) -> str:
    if zone.always:
        return "whoever is there"
    devices = ", ".join(zone.while_alarmed)
    return f"whoever is there while an alarm of level {zone.level} or above of {devices} stands, else nobody"


class Danger(msgspec.Struct, frozen=True, kw_only=True):
    """The dangerous zones of one device."""

    zones: Mapping[str, DangerousZone]

    def readings(self, device: str, readings: Sequence[Reading], standing: Iterable[Alarm]) -> list[Reading]:
        """How many are endangered, for every zone that was counted just now; bad where the count is."""
        alarms = list(standing)
        counted = {reading.point: reading for reading in readings}
        return [
            self._reading(counted[point], zone, alarms)
            for key, zone in self.zones.items()
            if (point := f"{device}/{key}") in counted
        ]

    @staticmethod
    def _reading(counted: Reading, zone: DangerousZone, alarms: Sequence[Alarm]) -> Reading:
        point = f"{counted.point}{_SUFFIX}"
        if not counted.is_good:
            return Reading(point, counted.at_ms, None, Quality.BAD_INPUT)
        is_dangerous = zone.always or any(
            alarm.device in zone.while_alarmed and alarm.level >= zone.level for alarm in alarms
        )
        return Reading(point, counted.at_ms, counted.value if is_dangerous else 0.0)
