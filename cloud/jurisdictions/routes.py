"""Whose rules hold for a site, over HTTP: every figure with where it comes from, and what is due when."""

import datetime as dt
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from cloud.accounts.permissions import requires
from cloud.database import instant
from cloud.instants import local
from cloud.jurisdictions.calendar import due_between
from cloud.jurisdictions.loading import DEFAULT, jurisdictions
from cloud.jurisdictions.store import HOLDS_FOR
from cloud.registry.access import KnownSite
from cloud.serving import Served
from cloud.shown import Shown, TextShown
from sitewarden.rules.model import Confidence
from sitewarden.text import Text

router = APIRouter(tags=["registry"])
_AHEAD = dt.timedelta(days=366)


class FigureShown(Shown):
    """A number or policy."""

    name: str
    label: TextShown
    value: Any
    source: TextShown
    confidence: Confidence
    own: bool = Field(description="Said by the territory's own circular; else by the default.")


class DueShown(Shown):
    """Something that is due by the end of a day."""

    on: dt.date
    what: TextShown
    cut_off: dt.date | None = Field(description="Everything before this day is counted.")


class JurisdictionOfSite(Shown):
    """The rules of reporting and clocks that hold for a site."""

    name: str
    label: TextShown
    source: TextShown
    figures: list[FigureShown]
    calendar: list[DueShown] = Field(description="Of the year that begins today.")


@router.get("/sites/{site}/jurisdiction", dependencies=[requires("registry.view")])
async def read_jurisdiction(site: KnownSite, serving: Served) -> JurisdictionOfSite:
    """Those of the nearest territory above the site that names any."""
    rows = await serving.rows(HOLDS_FOR, [site.site])
    known = jurisdictions()
    written = known.get(rows[0]["jurisdiction"] or DEFAULT, known[DEFAULT])
    today = local(instant(serving.now_ms()), site.time_zone).date()
    return JurisdictionOfSite(
        name=written.holds.name,
        label=TextShown.of(written.holds.label),
        source=TextShown.of(written.source),
        figures=[
            FigureShown(
                name=name,
                label=TextShown.of(figure.label or Text(name, name)),
                value=figure.value,
                source=TextShown.of(figure.source),
                confidence=figure.confidence,
                own=name in written.own,
            )
            for name, figure in written.figures.items()
        ],
        calendar=[
            DueShown(on=due.on, what=TextShown.of(due.what), cut_off=due.cut_off)
            for due in due_between(written.holds, today, today + _AHEAD)
        ],
    )
