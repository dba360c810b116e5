"""Photos that were taken before there is a record: put here one by one, and filed with it.

A photo that did not arrive is sent again alone; one that has arrived is not sent twice.
"""

from typing import LiteralString

from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.problems import ProblemError

MOST = 24
"""Of one account at one site."""

_TAKE: LiteralString = """
    DELETE FROM filing_photo
     WHERE site = %(site)s AND account_id = %(account)s AND given_sha256 = ANY (%(photos)s)
     RETURNING given_sha256, kind, media_type, content, taken_out
"""
LISTED: LiteralString = """
    SELECT encode(given_sha256, 'hex') AS sha256, length(content) AS bytes, media_type, at FROM filing_photo
     WHERE site = %(site)s AND account_id = %(account)s ORDER BY at, given_sha256
"""


def stage_photo(connection: Connection, photo: Row) -> bool:
    """Keep one; true where it was not there yet. A problem where too many wait."""
    made = connection.execute(
        """
        INSERT INTO filing_photo (site, account_id, given_sha256, kind, media_type, content, taken_out, at)
            SELECT %(site)s, %(account)s, %(given_sha256)s, %(kind)s, %(media_type)s, %(content)s,
                   %(taken_out)s, %(at)s
            ON CONFLICT (site, account_id, given_sha256) DO UPDATE SET at = excluded.at
            RETURNING xmax = 0
        """,
        photo,
    ).fetchone()
    waiting = connection.execute(
        "SELECT count(*) FROM filing_photo WHERE site = %(site)s AND account_id = %(account)s", photo
    ).fetchone()
    if waiting is not None and waiting[0] > MOST:
        detail = f"{MOST} photos wait to be filed already; file those first."
        raise ProblemError(409, "too-many-photos", "Too many photos wait", detail)
    return made is not None and bool(made[0])


def taken_photos(connection: Connection, site: str, account: int, photos: list[str]) -> list[Row]:
    """Those of them that have arrived, in the order given; from now on they belong to the record."""
    asked = {"site": site, "account": account, "photos": [bytes.fromhex(one) for one in photos]}
    rows = connection.cursor(row_factory=dict_row).execute(_TAKE, asked).fetchall()
    found = {row["given_sha256"].hex(): row for row in rows}
    return [found[one] for one in photos if one in found]
