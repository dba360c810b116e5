"""Notices of incidents, made in the transaction in which one is filed or a clock of one runs out."""

import datetime as dt
import functools
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import AsyncConnection, Connection, Row
from cloud.notices import words
from cloud.notices.opening import Said, Telling, link_of, made, read, tell_by, tell_from
from cloud.settings import Settings
from sitewarden.text import Text

_ACCIDENT, _NEAR_MISS = 4, 3
"""An accident is told to everybody, however high a channel's lowest level."""
_INCIDENTS: LiteralString = """
    SELECT its.id, its.number, its.site, its.kind, its.mode, its.occurred_at, its.record ->> 'what' AS what,
           its.record ->> 'place' AS place, site.name AS site_name, site.time_zone
      FROM incident AS its JOIN site USING (site) WHERE its.id = ANY(%s)
"""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of an incident."""

    incident: UUID
    seq: int
    """The event by which it did."""
    kind: str
    """`incident`: it was filed, or is of another kind now; else the clock, as `words.LATE` has them."""
    due_at: dt.datetime | None = None
    """When the clock runs out, or was to be met."""


def tell(connection: Connection, settings: Settings, told: list[Told], now_ms: int) -> None:
    """Tell of clocks in the transaction that settles them; they are settled, whatever goes wrong here."""
    if settings.tells and told:
        tell_by(connection, lambda: _notices(connection, settings, told, now_ms))


def _notices(connection: Connection, settings: Settings, told: list[Told], now_ms: int) -> list[Row]:
    found = read(connection, _INCIDENTS, [one.incident for one in told])
    telling = Telling(settings=settings, sites={}, now_ms=now_ms)
    return made(connection, telling, _all_said(settings, told, found))


async def tell_of(connection: AsyncConnection, settings: Settings, told: Told, now_ms: int) -> None:
    """Tell of what a person does, in its transaction; it is done, whatever goes wrong here."""

    async def said(acting: AsyncConnection) -> list[Said]:
        cursor = acting.cursor(row_factory=dict_row)
        found = await (await cursor.execute(_INCIDENTS, [[told.incident]])).fetchall()
        return _all_said(settings, [told], found)

    await tell_from(connection, settings, said, now_ms)


def _all_said(settings: Settings, told: list[Told], found: list[Row]) -> list[Said]:
    incidents = {row["id"]: row for row in found if row["mode"] == "live"}
    return [_said(settings, incidents[one.incident], one) for one in told if one.incident in incidents]


def _said(settings: Settings, row: Row, told: Told) -> Said:
    name = row["site_name"]
    shown = words.ToldIncident(
        site_name=Text(name["zh"], name["en"]),
        time_zone=row["time_zone"],
        kind=row["kind"],
        number=row["number"],
        what=row["what"],
        place=row["place"],
        occurred_at=row["occurred_at"],
        due_at=told.due_at,
        link=link_of(settings, f"incidents/{row['id']}"),
    )
    return Said(
        site=row["site"],
        kind=told.kind,
        about=f"{row['id']}/{told.seq}",
        level=_NEAR_MISS if row["kind"] == "near_miss" else _ACCIDENT,
        words=functools.partial(words.incident, shown, told.kind),
    )
