"""How far a reading may be believed, and why not."""

from enum import IntEnum


class Quality(IntEnum):
    """Good, stale, or bad with its reason; the numbers travel on the wire and rest in the database."""

    GOOD = 0
    STALE = 1
    """No new value within the point's time; the last one is old, not wrong."""
    TIMEOUT = 2
    """The device did not answer in time."""
    EXCEPTION = 3
    """The device answered with a protocol exception."""
    DISCONNECTED = 4
    """The line to the device is down."""
    OUT_OF_RANGE = 5
    """A number outside what the sensor can measure, by its profile."""
    SENTINEL = 6
    """A number by which the vendor says 'no sensor' or 'no value'."""
    NOT_A_NUMBER = 7
    """A float register holding NaN or infinity."""
    CLOCK = 8
    """The instant of the reading cannot be believed."""
    BAD_INPUT = 9
    """A derived point, one of whose inputs is not good."""
    FROZEN = 10
    """The same number for longer than a living sensor shows it, by its profile."""
    JUMP = 11
    """A step larger than the measured thing can make, by its profile, and not yet confirmed."""

    @property
    def word(self) -> str:
        """The lower-case word used in the HTTP interface, such as `out_of_range`."""
        return self.name.lower()
