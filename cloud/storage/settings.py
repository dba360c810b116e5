"""How long readings are kept, and in which form."""

from typing import Annotated

import msgspec

from cloud.storage.modes import Wish

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500, description="days from 1 to 36500")]


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How readings are stored, and how long; hours and days of them are kept for ever."""

    mode: Wish = "auto"
    """Decided once, when the database is made: `auto` takes TimescaleDB where the server offers it."""
    raw_days: Days = 90
    """Each reading."""
    minute_days: Days = 1095
    """Each minute of a point: its least, greatest, first and last value."""
    close_after_days: Days = 2
    """Then a day is packed or compressed; readings that come later still find their way in, more slowly."""
