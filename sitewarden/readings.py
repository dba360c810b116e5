"""One value at one moment: what drivers make, rules judge and the wire carries."""

from typing import NamedTuple

from sitewarden.quality import Quality


class Reading(NamedTuple):
    """A point's value at its source time.

    A tuple, because a gateway makes hundreds a second and rules only look at four fields.
    """

    point: str
    """`device/key`, such as `crane-1/load`."""
    at_ms: int
    """Source time: UTC milliseconds at the device's answer, never the time of sending."""
    value: float | None
    """In the unit of the point's kind; `None` where the quality is bad."""
    quality: Quality = Quality.GOOD

    @property
    def is_good(self) -> bool:
        """Whether the value may be judged."""
        return self.quality is Quality.GOOD and self.value is not None
