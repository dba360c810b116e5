"""Checks of what the registry says: every site and gateway, whoever made them."""

import datetime as dt
import importlib.metadata
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psycopg

from cloud.database import Connection, connect
from cloud.running import owner_dsn
from cloud.settings import Settings
from sitewarden.doctor import Check, Result

LATE = 0.25
"""Of its life that is left a certificate should have been renewed; agents do at a third."""
_NAMED = 5
"""Gateways that are named; of more, how many."""

GATEWAYS = Check(
    "registry.gateways",
    "how many sites and gateways the registry has, and whether the broker knows of all of them",
    "A gateway that is revoked and of which the broker does not know is still let in.",
)
CERTIFICATES = Check(
    "registry.certificates",
    "whether each gateway's certificate holds for a quarter of its life more",
    "A gateway whose certificate has ended is not let in, and its site is not heard.",
)
ZONE = Check(
    "zone.data",
    "whether this machine knows the time zone of each site",
    "A site's day and its reports begin at its own midnight.",
)


class Ending(NamedTuple):
    """A certificate that should have been renewed."""

    gateway: str
    ends_at: dt.datetime


def registry_results(settings: Settings) -> Iterator[Result]:
    """Of a database with this program's schema; zones of sites that the file does not name."""
    try:
        with connect(owner_dsn(settings)) as connection:
            yield _gateways(connection, is_told=settings.enrolment is not None)
            if settings.enrolment is not None and settings.enrolment.certificates is not None:
                now = dt.datetime.now(dt.UTC)
                yield certificates_result(list(_ending(connection, now)), now)
            zones = connection.execute("SELECT site, time_zone FROM site ORDER BY site").fetchall()
    except psycopg.Error as exc:
        yield GATEWAYS.unknown(f"cannot be asked just now: {' '.join(str(exc).split())}", "ask again")
        return
    for site, zone in zones:
        if site not in settings.sites:
            yield zone_result(site, zone)


def certificates_result(ending: Sequence[Ending], now: dt.datetime) -> Result:
    """What those that end soon come to; pure."""
    if not ending:
        return CERTIFICATES.ok("hold, or are renewed in time")
    named = [f"{one.gateway} ({_left(one.ends_at - now)})" for one in ending[:_NAMED]]
    more = f" and {len(ending) - _NAMED} more" if len(ending) > _NAMED else ""
    mend = "sitewarden doctor on the gateway says why it does not renew; a new code gives it another"
    return CERTIFICATES.finding(f"end soon or have ended: {', '.join(named)}{more}", mend)


def _left(left: dt.timedelta) -> str:
    return f"{left.days} days left" if left > dt.timedelta() else "ended"


def _gateways(connection: Connection, *, is_told: bool) -> Result:
    row = connection.execute(
        """
        SELECT (SELECT count(*) FROM site), count(*),
               count(*) FILTER (WHERE its.retired_on IS NOT NULL),
               count(*) FILTER (WHERE its.retired_on IS NULL AND access.revoked_at IS NOT NULL),
               (SELECT complaint FROM broker_roster)
          FROM site_gateway AS its LEFT JOIN gateway_access AS access USING (site, gateway)
        """
    ).fetchone()
    sites, gateways, retired, revoked, complaint = row or (0, 0, 0, 0, None)
    told = f"{sites} sites, {gateways} gateways"
    out = [f"{n} {word}" for n, word in ((retired, "retired"), (revoked, "revoked")) if n]
    told += f" ({', '.join(out)})" if out else ""
    if is_told and complaint is not None:
        mend = "mend what it says; the cloud tries again every second"
        return GATEWAYS.finding(f"{told}; the broker was not told of the newest: {complaint}", mend)
    return GATEWAYS.ok(told)


def _ending(connection: Connection, now: dt.datetime) -> Iterator[Ending]:
    """Of gateways in service the newest that has arrived, where little of its life is left."""
    rows = connection.execute(
        """
        SELECT newest.whose, newest.ends_at
          FROM (SELECT DISTINCT ON (c.site, c.gateway)
                       c.site || '/' || c.gateway AS whose, c.issued_at, c.ends_at
                  FROM gateway_certificate AS c JOIN site_gateway AS its USING (site, gateway)
                 WHERE its.retired_on IS NULL AND c.ended_at IS NULL AND c.seen_at IS NOT NULL
                 ORDER BY c.site, c.gateway, c.issued_at DESC) AS newest
         WHERE newest.ends_at - %(now)s < %(late)s * (newest.ends_at - newest.issued_at)
         ORDER BY newest.ends_at
        """,
        {"now": now, "late": LATE},
    )
    yield from (Ending(whose, ends_at) for whose, ends_at in rows)


def zone_result(site: str, zone: str) -> Result:
    """Whether this machine knows the zone."""
    try:
        here = dt.datetime.now(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        mend = "sudo apt install tzdata, or pip install --upgrade tzdata"
        return ZONE.finding(f"{zone} cannot be read: {exc}", mend, subject=site)
    data = importlib.metadata.version("tzdata")
    told = f"it is {here:%H:%M} in {zone} (UTC{here:%z}); the package tzdata is {data}"
    return ZONE.ok(told, subject=site)
