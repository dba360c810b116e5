"""Numbers that a living sensor would not show: frozen for too long, or a jump that nothing confirms. Pure."""

from sitewarden.profiles.model import Point
from sitewarden.quality import Quality

CONFIRMING = 2
"""So many readings after a jump must agree with it before it is believed: what really moved stays there."""


class Plausibility:
    """What is remembered of one point; instants are seconds of a clock that nobody sets."""

    def __init__(self, point: Point) -> None:
        """Judges by what the profile declares of the point."""
        self._frozen_after_s, self._max_step = point.frozen_after_s, point.max_step
        self._base: float | None = None
        """The last that was believed, from which a jump counts."""
        self._same: float | None = None
        self._same_since_s = 0.0
        self._suspect: float | None = None
        self._confirmed = 0

    def judge(self, value: float, at_s: float) -> Quality:
        """The quality of a value that is sound by itself."""
        if self._max_step is not None and self._is_jump(value, self._max_step):
            return Quality.JUMP
        self._base = value
        if value != self._same:
            self._same, self._same_since_s = value, at_s
        elif self._frozen_after_s is not None and at_s - self._same_since_s >= self._frozen_after_s:
            return Quality.FROZEN
        return Quality.GOOD

    def missed(self) -> None:
        """Nothing was read: how far the thing moved meanwhile nobody knows, so the next step is no jump."""
        if self._suspect is None:
            self._base = None

    def _is_jump(self, value: float, max_step: float) -> bool:
        if self._base is None or abs(value - self._base) <= max_step:
            self._suspect = None
            return False
        agrees = self._suspect is not None and abs(value - self._suspect) <= max_step
        self._confirmed = self._confirmed + 1 if agrees else 0
        self._suspect = value
        if self._confirmed < CONFIRMING:
            return True
        self._suspect = None
        return False


def watched(point: Point) -> bool:
    """Whether the profile declares anything to judge by."""
    return point.frozen_after_s is not None or point.max_step is not None
