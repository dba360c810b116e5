"""Which history is asked for, and why it may be refused."""

from typing import NamedTuple

from cloud.registry.known import SiteEntry
from sitewarden.errors import SiteWardenError
from sitewarden.topics import Mode


class Asked(NamedTuple):
    """Which history."""

    site: SiteEntry
    device: str | None
    """`None`: all."""
    since_ms: int
    until_ms: int
    mode: Mode = "live"


class NoSuchDeviceError(SiteWardenError):
    """The site has no device of that name."""


class TooMuchError(SiteWardenError):
    """More than may be asked for at once."""


class NoSuchHazardError(SiteWardenError):
    """There is no record of that id or number."""
