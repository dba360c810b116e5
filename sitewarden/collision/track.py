"""From a crane's readings to its pose: where it is, and how fast it has moved in the last second."""

from collections import deque
from collections.abc import Iterable, Sequence

from sitewarden.collision.model import Pose
from sitewarden.readings import Reading

INPUTS = ("crane.slew", "crane.radius", "crane.hook_height")

LEAST = 2
"""Samples of a speed."""
KEPT = 4
"""Samples that stay however old: enough for a pose of before the newest."""

Sample = tuple[int, float, float, float]
"""Instant ms, slew ° (turned on, never leaping at north), radius m, hook height m."""


class Track:
    """The last second of one crane. A pose needs two samples: without a speed nothing can be looked ahead."""

    def __init__(self, points: Sequence[str], max_age_ms: int, window_ms: int) -> None:
        """`points` are those of the kinds in `INPUTS`, in that order.

        Inputs farther apart than `max_age_ms` make no pose; over a longer gap no speed is measured. Speeds
        are the slopes of straight lines through the samples of the last `window_ms`, or through the last two.
        """
        self._places = {point: place for place, point in enumerate(points)}
        self.max_age_ms, self._window_ms = max_age_ms, window_ms
        self._latest: list[Reading | None] = [None] * len(points)
        self._samples: deque[Sample] = deque()
        self.at_ms = 0
        """Of the newest input, good or not."""
        self.is_known = False
        """Whether the newest inputs make a pose."""
        self.pose: Pose | None = None
        """The newest that could be made, however long ago."""

    def take(self, readings: Iterable[Reading]) -> bool:
        """Whether any of the readings is an input; then what is known has changed."""
        is_touched = False
        for reading in readings:
            place = self._places.get(reading.point)
            if place is not None:
                self._latest[place] = reading
                is_touched = True
        if is_touched:
            self._look()
        return is_touched

    def pose_before(self, at_ms: int) -> Pose | None:
        """The newest pose of strictly before that instant, however long ago.

        So what others make of it does not depend on whose answer came first within an instant.
        """
        if self.pose is None or self.pose.at_ms < at_ms:
            return self.pose
        return self._pose_of([sample for sample in self._samples if sample[0] < at_ms])

    def is_fresh(self, pose: Pose | None, at_ms: int) -> bool:
        """Whether a pose of this crane may be judged by at that instant."""
        return pose is not None and at_ms - pose.at_ms <= self.max_age_ms

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move what was dated since `since_ms`."""

        def moved(at_ms: int) -> int:
            return at_ms + by_ms if at_ms >= since_ms else at_ms

        self._latest = [r and r._replace(at_ms=moved(r.at_ms)) for r in self._latest]
        self._samples = deque((moved(s[0]), s[1], s[2], s[3]) for s in self._samples)
        self.pose = self.pose and self.pose._replace(at_ms=moved(self.pose.at_ms))
        self.at_ms = moved(self.at_ms)

    def remembered(self) -> list[Sample]:
        """What must be kept over a restart."""
        return list(self._samples)

    def remember(self, saved: Iterable[Sample]) -> None:
        """Take up what `remembered` gave, unless newer ones are there."""
        if not self._samples:
            self._samples.extend(saved)
            self.pose = self._pose_of(self._samples)

    def _look(self) -> None:
        self.at_ms = max(reading.at_ms for reading in self._latest if reading is not None)
        values = [
            r.value
            for r in self._latest
            if r is not None and r.is_good and r.value is not None and self.at_ms - r.at_ms <= self.max_age_ms
        ]
        if len(values) < len(self._latest):
            self.is_known = False
            return
        self._add(self.at_ms, *values)
        self.is_known = len(self._samples) > 1
        if self.is_known:
            self.pose = self._pose_of(self._samples)

    def _add(self, at_ms: int, slew: float, radius: float, hook: float) -> None:
        samples = self._samples
        while samples and samples[-1][0] >= at_ms:
            samples.pop()  # of this very instant, or dated by a clock that has been set back since
        if samples and at_ms - samples[-1][0] > self.max_age_ms:
            samples.clear()
        if samples:
            before = samples[-1][1]
            slew = before + (slew - before + 180.0) % 360.0 - 180.0
        samples.append((at_ms, slew, radius, hook))
        while len(samples) > KEPT and at_ms - samples[0][0] > 2 * self._window_ms:
            samples.popleft()

    def _pose_of(self, samples: Iterable[Sample]) -> Pose | None:
        """The newest sample with the slopes of the window that ends at it, or of the last two."""
        every = list(samples)
        if len(every) < LEAST:
            return None
        at_ms, slew, radius, hook = every[-1]
        window = [sample for sample in every if at_ms - sample[0] <= self._window_ms]
        if len(window) < LEAST:
            window = every[-LEAST:]
        return Pose(at_ms, slew, radius, hook, *(_slope(window, column) for column in (1, 2, 3)))


def _slope(samples: Sequence[Sample], column: int) -> float:
    """Least squares, a second."""
    count = len(samples)
    middle_ms = sum(sample[0] for sample in samples) / count
    mean = sum(sample[column] for sample in samples) / count
    above = sum((sample[0] - middle_ms) * (sample[column] - mean) for sample in samples)
    below = sum((sample[0] - middle_ms) ** 2 for sample in samples)
    return 1000.0 * above / below
