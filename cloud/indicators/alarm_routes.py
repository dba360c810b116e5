"""How alarms fare, over HTTP."""

import asyncio
import datetime as dt
from typing import Annotated, Literal, LiteralString

from fastapi import APIRouter, Query
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.alarms.model import EpisodeId
from cloud.database import Row
from cloud.indicators.alarm_figures import Figures, Frequent, figures
from cloud.indicators.description import descriptions
from cloud.indicators.lives import PLACED
from cloud.indicators.places import NodeAsked, SiteAsked, place_of
from cloud.instants import rfc3339
from cloud.serving import Served
from cloud.shown import Instant, Shown, TextShown

router = APIRouter(tags=["indicators"])

_SEES = "live.view"
MOST = 50_000
"""Alarms that are counted one by one; of more the newest."""

_RAISED: LiteralString = f"""
    WITH {PLACED}
    SELECT e.id, e.site, e.device, device.label AS device_name, e.point, e.rule, e.label, e.level,
           e.raised_at, e.acknowledged_at, e.cleared_at
      FROM episode AS e JOIN placed USING (site)
           LEFT JOIN device ON device.site = e.site AND device.mode = e.mode AND device.device = e.device
     WHERE e.mode = %(mode)s AND NOT e.test AND e.raised_at < %(until)s
       AND (e.raised_at >= %(since)s OR e.cleared_at IS NULL)
       AND (placed.devices IS NULL OR e.device = ANY (placed.devices))
     ORDER BY e.raised_at DESC LIMIT %(most)s
"""  # noqa: S608  of constants only
_SITES: LiteralString = f"""
    WITH {PLACED}
    SELECT count(*) FILTER (WHERE EXISTS (
               SELECT FROM gateway WHERE gateway.site = placed.site AND mode = %(mode)s)) AS sites,
           (SELECT count(*) FROM gateway JOIN placed USING (site)
                   CROSS JOIN LATERAL jsonb_to_recordset(gateway.shelved)
                        AS told (until bigint, point text)
             WHERE gateway.mode = %(mode)s
               AND told.until > extract(epoch FROM %(until)s::timestamptz) * 1000
               AND (placed.devices IS NULL
                    OR split_part(told.point, '/', 1) = ANY (placed.devices))) AS shelved
      FROM placed
"""  # noqa: S608


class FigureWanted(Shown):
    """What a figure should be, and who says so."""

    id: str
    label: TextShown
    good: float
    most: float
    source: TextShown
    unit: Literal["count", "share", "seconds", "hours"]
    confidence: str


class FloodShown(Shown):
    """A time in which more came than anybody can follow."""

    site: str
    since: Instant
    until: Instant
    alarms: int


class FrequentShown(Shown):
    """An alarm that came again and again."""

    site: str
    device: str
    device_name: TextShown | None = Field(description="Null: its gateway has not announced it.")
    point: str
    rule: str
    label: TextShown
    level: int
    times: int
    share: float
    chatters: int = Field(description="How often it was raised three times or more within a minute.")


class StaleShown(Shown):
    """An alarm that stands for more than a day."""

    id: EpisodeId
    site: str
    device: str
    device_name: TextShown | None
    label: TextShown
    level: int
    raised_at: Instant


class HourShown(Shown):
    """How many were raised in the hour that begins then."""

    at: Instant
    alarms: int


class AlarmFigures(Shown):
    """How alarms of a span of time fare."""

    since: Instant
    until: Instant
    sites: int = Field(description="That have a gateway: of the others nothing can come.")
    alarms: int
    is_cut: bool = Field(description="There were too many: the oldest are left out.")
    by_level: dict[str, int]
    hours: list[HourShown]
    per_ten_minutes: float
    most_in_ten_minutes: int
    floods: list[FloodShown]
    flood_share: float
    frequent: list[FrequentShown]
    top_ten_share: float | None
    chattering: list[FrequentShown]
    stale: list[StaleShown]
    shelved: int = Field(description="Rules that gateways hold back now.")
    acknowledged: int
    acknowledged_in_time: int
    median_acknowledged_s: float | None
    wanted: list[FigureWanted]


@router.get("/alarm-figures", dependencies=[requires(_SEES)])
async def read_alarm_figures(
    serving: Served,
    signed: SignedIn,
    *,
    node: NodeAsked = None,
    site: SiteAsked = None,
    days: Annotated[int, Query(ge=1, le=31, description="The last so many.")] = 7,
) -> AlarmFigures:
    """How alarms fare at the sites below a node, at one, or at all that the caller sees."""
    place = await place_of(serving, signed, node, site)
    until = serving.now()
    since = until - dt.timedelta(days=days)
    asked = {
        "account": signed.account_id,
        "roles": roles_with(_SEES),
        "site": place.site,
        "path": place.path,
        "mode": serving.settings.mode,
        "since": since,
        "until": until,
        "most": MOST + 1,
    }
    rows, there = await asyncio.gather(serving.rows(_RAISED, asked), serving.rows(_SITES, asked))
    found = await asyncio.to_thread(figures, rows[:MOST], since, until, there[0]["sites"])
    return _shown(found, since, until, there[0], is_cut=len(rows) > MOST)


def _shown(
    found: Figures, since: dt.datetime, until: dt.datetime, there: Row, *, is_cut: bool
) -> AlarmFigures:
    return AlarmFigures(
        since=rfc3339(since),
        until=rfc3339(until),
        sites=there["sites"],
        alarms=found.alarms,
        is_cut=is_cut,
        by_level={str(level): found.by_level.get(level, 0) for level in (1, 2, 3, 4)},
        hours=[HourShown(at=rfc3339(at), alarms=count) for at, count in found.hours],
        per_ten_minutes=found.per_ten_minutes,
        most_in_ten_minutes=found.most_in_ten_minutes,
        floods=[
            FloodShown(site=one.site, since=rfc3339(one.since), until=rfc3339(one.until), alarms=one.alarms)
            for one in found.floods
        ],
        flood_share=found.flood_share,
        frequent=[_frequent(one) for one in found.frequent],
        top_ten_share=found.top_ten_share,
        chattering=[_frequent(one) for one in found.chattering],
        stale=[StaleShown.model_validate(row) for row in found.stale],
        shelved=there["shelved"],
        acknowledged=found.acknowledged,
        acknowledged_in_time=found.acknowledged_in_time,
        median_acknowledged_s=found.median_acknowledged_s,
        wanted=_wanted(),
    )


def _frequent(one: Frequent) -> FrequentShown:
    return FrequentShown(
        site=one.site,
        device=one.device,
        device_name=TextShown(**one.device_name) if one.device_name else None,
        point=one.point,
        rule=one.rule,
        label=TextShown(**one.label),
        level=one.level,
        times=one.times,
        share=one.share,
        chatters=one.chatters,
    )


def _wanted() -> list[FigureWanted]:
    return [
        FigureWanted(
            id=name,
            label=TextShown.of(one.label),
            good=one.good,
            most=one.most,
            source=TextShown.of(one.source),
            unit=one.unit,
            confidence=one.confidence,
        )
        for name, one in descriptions().alarm_figures.items()
    ]
