"""The sites of cloud.yaml put into the registry: a line of it counts once, then people's word does."""

from collections.abc import Mapping

import msgspec
from psycopg.types.json import Jsonb

from cloud.database import Connection
from cloud.settings import SiteSettings

AUTHOR = "cloud.yaml"
"""Who made what came from the file."""


def seed_sites(connection: Connection, sites: Mapping[str, SiteSettings]) -> None:
    """Take over what the file says, and has not said at the last start already.

    So a name mended on a page stays mended, and a gateway that was struck from the file is retired. A site
    that was struck from it stays: records refer to it.
    """
    for site in sites.values():
        with connection.transaction():
            connection.execute("SELECT set_config('sitewarden.author', %s, true)", [AUTHOR])
            _seed(connection, site)


def _seed(connection: Connection, site: SiteSettings) -> None:
    connection.execute(
        "INSERT INTO site (site, name, time_zone) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [site.site, Jsonb(site.name), site.time_zone],
    )
    row = connection.execute(
        "SELECT seed FROM site WHERE site = %s FOR NO KEY UPDATE", [site.site]
    ).fetchone()
    before = None if row is None or row[0] is None else msgspec.convert(row[0], SiteSettings)
    if before == site:
        return
    connection.execute(
        """
        UPDATE site SET seed = %(seed)s, name = coalesce(%(name)s, name),
               time_zone = coalesce(%(zone)s, time_zone)
         WHERE site = %(site)s
        """,
        {
            "seed": Jsonb(site),
            "name": Jsonb(site.name) if before is None or before.name != site.name else None,
            "zone": site.time_zone if before is None or before.time_zone != site.time_zone else None,
            "site": site.site,
        },
    )
    listed = [] if before is None else before.gateways
    for gateway in site.gateways:
        if gateway not in listed:
            connection.execute(
                """
                INSERT INTO site_gateway (site, gateway) VALUES (%s, %s)
                    ON CONFLICT (site, gateway) DO UPDATE SET retired_on = NULL
                """,
                [site.site, gateway],
            )
    connection.execute(
        """
        UPDATE site_gateway SET retired_on = current_date
         WHERE site = %s AND gateway = ANY(%s) AND retired_on IS NULL
        """,
        [site.site, [gateway for gateway in listed if gateway not in site.gateways]],
    )
