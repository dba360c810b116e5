"""Instants as the HTTP interface writes them, and as people of a site read them."""

import datetime as dt
import zoneinfo


def rfc3339(at: dt.datetime) -> str:
    """UTC with milliseconds, such as `2026-11-20T10:00:00.000Z`."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def local(at: dt.datetime, time_zone: str) -> dt.datetime:
    """The same instant on the clocks of a site."""
    return at.astimezone(zoneinfo.ZoneInfo(time_zone))
