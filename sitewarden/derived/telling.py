"""When a derived value is worth a reading: at once where it changes, else once a second."""

from typing import NamedTuple

from sitewarden.quality import Quality
from sitewarden.readings import Reading

TELL_MS = 1000
"""So often an unchanged value is told: polls may be ten times as many."""
STALE_MS = 5 * TELL_MS
"""What is told once a second and older than this is stale: some time on the way is no silence."""
SLACK_MS = 20
"""Source times jitter by milliseconds about the polling grid: a second must not take a poll more."""


class Told(NamedTuple):
    """What was told last."""

    at_ms: int = -(2**53)
    value: float | None = None
    quality: Quality = Quality.GOOD

    def is_due(self, value: float | None, quality: Quality, at_ms: int) -> bool:
        """Whether to tell it now."""
        if (value, quality) != (self.value, self.quality):
            return True
        return not -TELL_MS < at_ms - self.at_ms + SLACK_MS < TELL_MS


NOTHING = Told()
"""Nothing was told."""


def bad(point: str, at_ms: int) -> Reading:
    """What is said where an input is not good."""
    return Reading(point, at_ms, None, Quality.BAD_INPUT)
