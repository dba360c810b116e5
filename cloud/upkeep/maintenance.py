"""When a device is being mended: from when somebody else has approved it, until its end."""

import datetime as dt
from typing import LiteralString
from uuid import UUID

from cloud.database import Connection

_AT: LiteralString = """
    SELECT maintenance FROM device_maintenance
     WHERE site = %s AND device = %s AND approved_at IS NOT NULL
       AND greatest(from_at, approved_at) <= %s AND coalesce(ended_at, until_at) > %s
     ORDER BY asked_at LIMIT 1
"""


def in_maintenance(connection: Connection, site: str, device: str, at: dt.datetime) -> UUID | None:
    """The maintenance that the device was in at that instant. Approved later it does not reach back."""
    row = connection.execute(_AT, [site, device, at, at]).fetchone()
    return None if row is None else row[0]
