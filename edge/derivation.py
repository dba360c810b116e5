"""From what sensors say to what rules watch: the derived points of one device, live or back-fill."""

from collections.abc import Mapping, Sequence

from edge.bindings import crane_max_age_ms
from edge.config import Device
from sitewarden.derived import CRANE_INPUTS, DISPLACEMENTS, Displacement, crane_points
from sitewarden.readings import Reading

Remembered = dict[str, list[tuple[int, float]]]
"""By point: (instant ms, cumulative mm), oldest first."""


class Derivation:
    """Remembers of one device what its derived points need."""

    def __init__(self, device: Device) -> None:
        """Nothing remembered yet."""
        self._device = device
        self._kinds = {f"{device.name}/{key}": point.kind for key, point in device.profile.points.items()}
        self._displacements = {
            point: Displacement(point, device.zero[point.partition("/")[2]])
            for point, kind in self._kinds.items()
            if kind in DISPLACEMENTS
        }
        self._inputs = _first_of_kind(self._kinds, CRANE_INPUTS)
        self._latest: dict[str, Reading] = {}
        self._derived_at_ms = 0
        self._max_age_ms = crane_max_age_ms(device.profile, device.intervals_ms) if device.chart else 0

    def derive(self, readings: Sequence[Reading]) -> list[Reading]:
        """The derived readings that follow from those of one poll."""
        derived: list[Reading] = []
        if self._displacements:
            for reading in readings:
                displacement = self._displacements.get(reading.point)
                if displacement is not None:
                    derived += displacement.derive(reading)
        if self._device.chart is not None:
            derived += self._crane(readings)
        return derived

    def remembered(self) -> Remembered:
        """What must be kept over a restart."""
        return {point: d.remembered() for point, d in self._displacements.items()}

    def remember(self, saved: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        """Take up what `remembered` gave; points that are gone are forgotten."""
        for point, history in saved.items():
            if point in self._displacements:
                self._displacements[point].remember(history)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move what was dated since `since_ms`."""
        for displacement in self._displacements.values():
            displacement.shift(by_ms, since_ms)
        self._latest = {
            kind: r._replace(at_ms=r.at_ms + by_ms) if r.at_ms >= since_ms else r
            for kind, r in self._latest.items()
        }
        self._derived_at_ms += by_ms

    def _crane(self, readings: Sequence[Reading]) -> list[Reading]:
        fresh = False
        for reading in readings:
            kind = self._inputs.get(reading.point)
            if kind is not None:
                self._latest[kind] = reading
                fresh = True
        if not fresh or self._device.chart is None:
            return []
        derived = crane_points(self._device.name, self._device.chart, self._latest, self._max_age_ms)
        # A point has one reading an instant: inputs no newer than before make no new one.
        if derived[0].at_ms == self._derived_at_ms:
            return []
        self._derived_at_ms = derived[0].at_ms
        return [reading for reading in derived if reading.point not in self._kinds]


def _first_of_kind(kinds: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """The first point of each wanted kind, with that kind."""
    found: dict[str, str] = {}
    for point, kind in kinds.items():
        if kind in wanted and kind not in found.values():
            found[point] = kind
    return found
