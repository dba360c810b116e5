"""Indicators over HTTP."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import instant
from cloud.exports import Mark
from cloud.exports.answers import CsvFile, answered
from cloud.exports.cells import written_instant
from cloud.indicators.description import descriptions
from cloud.indicators.exporting import columns, lines
from cloud.indicators.formulas import months_before
from cloud.indicators.lives import IS_PLACED, PLACED
from cloud.indicators.measured import Measured, Part
from cloud.indicators.model import (
    IndicatorShown,
    IndicatorsShown,
    MonthShown,
    PartShown,
    RecordBehind,
    RecordsBehind,
)
from cloud.indicators.places import NodeAsked, SiteAsked, place_of
from cloud.indicators.service import SEES, Place, indicators_served
from cloud.instants import Moment, rfc3339
from cloud.problems import not_found
from cloud.serving import Served, Serving
from cloud.shown import TextShown

router = APIRouter(tags=["indicators"])

AtAsked = Annotated[
    Moment | None,
    Query(description="What happened before it counts; without it, or where it is to come, now."),
]
_BEHIND: LiteralString = f"""
    WITH {PLACED}
    SELECT hazard.id, hazard.number, hazard.site, site.name AS site_name, hazard.content, hazard.level,
           hazard.status, hazard.opened_at, hazard.due_at, hazard.overdue
      FROM hazard JOIN site ON site.site = hazard.site
     WHERE hazard.id = ANY (%(ids)s::uuid[]) AND {IS_PLACED} ORDER BY hazard.opened_at DESC, hazard.id DESC
"""  # noqa: S608  of constants only


_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}


def shown(measured: Measured) -> IndicatorShown:
    """With the words that describe it."""
    told = descriptions().indicators[measured.id]
    return IndicatorShown(
        id=measured.id,
        no=told.no,
        label=TextShown.of(told.label),
        formula=TextShown.of(told.formula),
        source=TextShown.of(told.source),
        unit=told.unit,
        value=measured.value,
        count=measured.count,
        of=measured.of,
        light=measured.light,
        amber=told.light.amber,
        red=told.light.red,
        missing=measured.missing,
        missing_label=_missing(measured.missing),
        warning=measured.warning,
        records=len(measured.records),
        parts=[_part(part) for part in measured.parts],
        trend=[MonthShown(month=month, value=value) for month, value in measured.trend],
    )


def _part(part: Part) -> PartShown:
    return PartShown(
        name=part.name,
        label=TextShown.of(descriptions().parts[part.name]),
        key=part.key,
        about=None if part.about is None else TextShown(**part.about),
        unit=part.unit,
        value=part.value,
        of=part.of,
        records=len(part.records),
        missing=part.missing,
        missing_label=_missing(part.missing),
    )


def _missing(name: str) -> TextShown | None:
    return TextShown.of(descriptions().missing[name]) if name else None


def cut_off(serving: Serving, at: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    """What was asked for, or now, and now."""
    now = instant(serving.now_ms())
    return (now if at is None else min(at, now)), now


async def _measured(
    serving: Serving, place: Place, at: dt.datetime | None
) -> tuple[dt.datetime, list[Measured]]:
    then, now = cut_off(serving, at)
    return then, await indicators_served(serving, place, then, now)


@router.get("/indicators", dependencies=[requires(SEES)])
async def read_indicators(
    serving: Served, signed: SignedIn, *, node: NodeAsked = None, site: SiteAsked = None, at: AtAsked = None
) -> IndicatorsShown:
    """What the work is measured by, of a territory, an enterprise, a site, or all that the caller sees."""
    place = await place_of(serving, signed, node, site)
    then, found = await _measured(serving, place, at)
    source = TextShown.of(descriptions().source)
    return IndicatorsShown(
        at=rfc3339(then), zone=place.zone, items=[shown(one) for one in found], source=source
    )


@router.get("/indicators.csv", dependencies=[requires(SEES)], response_class=CsvFile, responses=_CSV)
async def export_indicators(
    serving: Served, signed: SignedIn, *, node: NodeAsked = None, site: SiteAsked = None, at: AtAsked = None
) -> CsvFile:
    """The same for a spreadsheet: a line an indicator and one for each number beside it."""
    place = await place_of(serving, signed, node, site)
    then, found = await _measured(serving, place, at)
    months = months_before(then, place.zone)
    mark = Mark(
        signed.name, serving.now(), place.zone, about=f"截止 as of {written_instant(then, place.zone)}"
    )
    name = f"indicators-{then.astimezone(zoneinfo.ZoneInfo(place.zone)):%Y-%m-%d}"
    return answered(name, columns(months), lines(found, months), mark)


@router.get("/indicators/{indicator}/records", dependencies=[requires(SEES)])
async def read_records_behind(
    indicator: str,
    serving: Served,
    signed: SignedIn,
    *,
    part: Annotated[str | None, Query(max_length=64, description="A number beside it.")] = None,
    key: Annotated[str, Query(max_length=64, description="Which of several of the name.")] = "",
    node: NodeAsked = None,
    site: SiteAsked = None,
    at: AtAsked = None,
) -> RecordsBehind:
    """The records behind an indicator, or behind one of its parts; as they are now."""
    place = await place_of(serving, signed, node, site)
    _, found = await _measured(serving, place, at)
    numbers = (number for one in found if one.id == indicator for number in _numbers(one))
    ids = next((ids for name, its, ids in numbers if (name, its) == (part, key)), None)
    if ids is None:
        raise not_found("indicator")
    asked = {
        "account": signed.account_id,
        "roles": roles_with(SEES),
        "site": place.site,
        "path": place.path,
        "ids": ids,
    }
    return RecordsBehind(items=[RecordBehind(**row) for row in await serving.rows(_BEHIND, asked)])


def _numbers(one: Measured) -> Iterator[tuple[str | None, str, list[str]]]:
    yield None, "", list(one.records)
    for part in one.parts:
        yield part.name, part.key, list(part.records)
