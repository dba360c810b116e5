"""Who looked at pictures on which people can be known, and who took cut-outs: noted before the bytes go."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from cloud.accounts.model import Signed
from cloud.database import Connection
from cloud.serving import Serving

NOTE: LiteralString = """
    INSERT INTO picture_look (at, site, mode, device, what, pictures, sha256, taken_at, hazard_id, account_id,
                              author, api_token)
        VALUES (%(at)s, %(site)s, %(mode)s, %(device)s, %(what)s, %(pictures)s, %(sha256)s, %(taken_at)s,
                %(hazard_id)s, %(account_id)s, %(author)s, %(api_token)s)
"""
LISTED: LiteralString = """
    SELECT look AS id, at, device AS camera, what, pictures, encode(sha256, 'hex') AS sha256, taken_at,
           hazard_id AS hazard, author, api_token IS NOT NULL AS by_program
      FROM picture_look
     WHERE site = %(site)s AND mode = %(mode)s
       AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
       AND (%(device)s::text IS NULL OR device = %(device)s)
       AND (%(at)s::timestamptz IS NULL OR (at, look) < (%(at)s, %(id)s))
     ORDER BY at DESC, look DESC LIMIT %(limit)s
"""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who is given something, and when."""

    account_id: int | None
    author: str
    api_token: int | None
    at: dt.datetime


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What he is given."""

    site: str
    mode: str
    device: str | None
    what: str
    """`snapshot`, `clip`, `still` or `cut_outs`."""
    pictures: int = 1
    sha256: bytes | None = None
    taken_at: dt.datetime | None = None
    hazard_id: UUID | None = None


def who(serving: Serving, signed: Signed) -> Who:
    """Whoever calls, now."""
    return Who(account_id=signed.account_id, author=signed.name, api_token=signed.api_token, at=serving.now())


def note(connection: Connection, by: Who, looks: Iterable[Look]) -> None:
    """Write it down for good."""
    for look in looks:
        connection.execute(NOTE, _row(by, look))


async def note_one(serving: Serving, by: Who, look: Look) -> None:
    """The same of one picture; what cannot be noted is not given out, for this raises."""
    async with serving.pool.connection() as connection:
        await connection.execute(NOTE, _row(by, look))


def _row(by: Who, look: Look) -> dict[str, Any]:
    return {**msgspec.structs.asdict(by), **msgspec.structs.asdict(look)}
