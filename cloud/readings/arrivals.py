"""What became of a gateway's readings: counted by day, and those that nobody can believe one by one."""

import datetime as dt
from typing import LiteralString

from pydantic import Field

from cloud.shown import Instant, Shown

MOST_SHOWN = 50


class ArrivalCounts(Shown):
    """Of one UTC day."""

    accepted: int = Field(description="New, and stored.")
    late: int = Field(description="Of the accepted, those stored more than a minute after their instant.")
    duplicate: int = Field(description="Known already.")
    future: int = Field(description="Set aside: more than ten minutes ahead.")
    ancient: int = Field(description="Set aside: older than 400 days, or than what is kept.")


class SetAside(Shown):
    """A reading that nobody can believe."""

    point: str
    at_ms: int = Field(description="The instant that it claims, UTC milliseconds.")
    value: float | None
    unit: str
    quality: str = Field(examples=["good"])
    reason: str = Field(examples=["future", "ancient"])
    received_at: Instant


class Arrivals(Shown):
    """What became of a gateway's readings."""

    since: Instant = Field(description="Since when is counted: the beginning of the UTC day.")
    counts: ArrivalCounts
    set_aside: list[SetAside] = Field(description="The last of them, the newest first, at most 50.")


COUNTS: LiteralString = """
    SELECT coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(late), 0)::bigint AS late,
           coalesce(sum(duplicate), 0)::bigint AS duplicate, coalesce(sum(future), 0)::bigint AS future,
           coalesce(sum(ancient), 0)::bigint AS ancient
      FROM gateway JOIN reading_count ON gateway_id = id
     WHERE site = %(site)s AND mode = %(mode)s AND gateway = %(gateway)s AND day = %(day)s
"""
SET_ASIDE: LiteralString = """
    SELECT point.name, point.kind, point.resolution, at_ms, value, quality, reason, received_at
      FROM quarantine JOIN gateway ON gateway.id = quarantine.gateway_id
           JOIN point ON point.id = quarantine.point_id
     WHERE gateway.site = %(site)s AND gateway.mode = %(mode)s AND gateway.gateway = %(gateway)s
       AND (%(devices)s::text[] IS NULL OR split_part(point.name, '/', 1) = ANY (%(devices)s))
     ORDER BY quarantine.id DESC LIMIT %(most)s
"""
KNOWN: LiteralString = "SELECT 1 FROM site_gateway WHERE site = %(site)s AND gateway = %(gateway)s"


def day_of(now: dt.datetime) -> dt.datetime:
    """The beginning of its UTC day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
