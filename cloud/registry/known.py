"""Which sites there are, and which gateways may speak for them: those neither retired nor revoked."""

import zoneinfo
from collections.abc import Mapping
from typing import LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.jurisdictions.loading import DEFAULT
from sitewarden.text import Text

KNOWN: LiteralString = """
    SELECT site.site, site.name, site.time_zone,
           ARRAY(SELECT its.gateway
                   FROM site_gateway AS its
                        LEFT JOIN gateway_access AS access
                          ON access.site = its.site AND access.gateway = its.gateway
                  WHERE its.site = site.site AND its.retired_on IS NULL AND access.revoked_at IS NULL
                  ORDER BY its.gateway) AS gateways,
           (SELECT above.jurisdiction
              FROM tree_node AS its
                   JOIN tree_node AS above
                     ON above.node = ANY (string_to_array(trim(both '/' from its.path), '/')::int[])
             WHERE its.node = site.territory AND above.jurisdiction IS NOT NULL
             ORDER BY length(above.path) DESC LIMIT 1) AS jurisdiction
      FROM site
"""


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A site and the gateways that may speak for it."""

    site: str
    name: Text
    time_zone: str
    gateways: list[str]
    jurisdiction: str = DEFAULT
    """Whose rules hold there: that of the nearest territory above it that names one."""


Sites = Mapping[str, SiteEntry]


def may_speak(sites: Sites, site: str, gateway: str) -> bool:
    """Whether that gateway may speak for that site."""
    return site in sites and gateway in sites[site].gateways


def entry_of(row: Row) -> SiteEntry:
    """A row of `KNOWN`."""
    return SiteEntry(
        site=row["site"],
        name=_name_of(row),
        time_zone=zone_of(row),
        gateways=row["gateways"],
        jurisdiction=row["jurisdiction"] or DEFAULT,
    )


def _name_of(row: Row) -> Text:
    """A name that somebody has spoilt by hand silences nobody: least of all every other site."""
    try:
        return Text(**row["name"])
    except TypeError:
        return Text(row["site"], row["site"])


def zone_of(row: Row) -> str:
    """The same of a time zone, or of one that this machine does not know: its alarms are told in UTC."""
    name: str = row["time_zone"]
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return name


def load_sites(connection: Connection) -> dict[str, SiteEntry]:
    """Every site."""
    cursor = connection.cursor(row_factory=dict_row)
    return {row["site"]: entry_of(row) for row in cursor.execute(KNOWN + "ORDER BY site")}


def load_site(connection: Connection, site: str) -> SiteEntry | None:
    """One site; `None` where there is none."""
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(KNOWN + "WHERE site.site = %s", [site]).fetchone()
    return None if row is None else entry_of(row)


_LISTENED: LiteralString = """
    SELECT EXISTS (SELECT FROM channel WHERE removed_at IS NULL AND is_on)
        OR EXISTS (SELECT FROM assignment WHERE role NOT IN ('admin', 'viewer'))
"""
"""Whether any channel is on, or anybody has a role that alarms might be told to."""


class KnownSites:
    """A copy of the sites that is never behind: asking whether it still holds costs a tenth of a millisecond.

    A notification could get lost, and then a gateway that was taken out of service would be heard for ever.
    """

    def __init__(self) -> None:
        """Nothing read yet."""
        self._held: tuple[int, Sites] | None = None
        self.is_listened = True
        """Whether there was anybody to be told when the sites were asked for last."""

    def now(self, connection: Connection) -> Sites:
        """The sites as they are committed."""
        row = connection.execute("SELECT version FROM registry_version").fetchone()
        version = 0 if row is None else int(row[0])
        held = self._held
        if held is None or held[0] != version:
            # Read after the number: what is held may be newer than it, never older.
            held = self._held = version, load_sites(connection)
            self.is_listened = connection.execute(_LISTENED).fetchone() == (True,)
        return held[1]

    def forget(self) -> None:
        """The database may be another one than before."""
        self._held = None
