"""Instants as the HTTP interface writes them, and as people of a site read them."""

import datetime as dt
import zoneinfo
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime

from cloud.complaints import complaint

_Time = TypeVar("_Time", bound=dt.date)
HOME_ZONE: Final = "Asia/Shanghai"
"""Of what is of no site: a site has its own."""
EARLIEST, LATEST = 1970, 2200
"""Years. Outside of them a database or a clock somewhere on the way has no instants any more."""


def _of_our_time(at: _Time) -> _Time:
    if not EARLIEST < at.year < LATEST:
        said = f"the year must lie between {EARLIEST} and {LATEST}"
        raise complaint("not-of-our-time", said, earliest=EARLIEST, latest=LATEST)
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
"""An instant as a request may name it."""
Day = Annotated[dt.date, AfterValidator(_of_our_time)]
"""A day as a request may name it."""


def rfc3339(at: dt.datetime) -> str:
    """UTC with milliseconds, such as `2026-11-20T10:00:00.000Z`."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def local(at: dt.datetime, time_zone: str) -> dt.datetime:
    """The same instant on the clocks of a site."""
    return at.astimezone(zoneinfo.ZoneInfo(time_zone))
