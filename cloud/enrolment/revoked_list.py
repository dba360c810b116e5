"""The list of certificates that are no longer good, kept for the broker as the registry says."""

import datetime as dt
from collections.abc import Mapping

from cloud.database import Connection
from cloud.enrolment.authority import Authority
from cloud.settings import Certificates

_KEPT = dt.timedelta(days=1)
"""So long beyond its own end a certificate stays on the list: a broker's clock may be behind."""


def ended(connection: Connection, now: dt.datetime) -> dict[int, dt.datetime]:
    """Since when a certificate is no longer good, by serial number; those that have run out are left out.

    Of a gateway that is retired none is good for as long as it is.
    """
    rows = connection.execute(
        """
        SELECT c.serial, least(coalesce(c.ended_at, its.retired_on), %(now)s)
          FROM gateway_certificate AS c JOIN site_gateway AS its USING (site, gateway)
         WHERE c.ends_at > %(after)s AND (c.ended_at IS NOT NULL OR its.retired_on IS NOT NULL)
        """,
        {"now": now, "after": now - _KEPT},
    )
    return {int(serial, 16): since for serial, since in rows}


def make(
    settings: Certificates, authority: Authority, wanted: Mapping[int, dt.datetime], now: dt.datetime
) -> bytes | None:
    """The list anew; `None` where the file says it already. Raises `OSError`."""
    older = authority.listed(settings.crl_file)
    if older is not None and older.serials == wanted.keys():
        return None
    return authority.list_of(wanted, now, older)
