"""Duties over HTTP: what is owed, what was done, how far rounds have come."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query

from cloud.accounts.permissions import SignedIn, requires
from cloud.database import instant
from cloud.duties.kinds import kinds
from cloud.duties.model import (
    CoverageAnswer,
    CoverageShown,
    DutiesShown,
    DutyChoice,
    DutyChoices,
    DutyShown,
    MissingShown,
    PeriodShown,
    ShareShown,
)
from cloud.duties.performing import Duty, coverage_async, performance_async
from cloud.duties.places import SEES, OfNode, OfSite, place
from cloud.duties.rounds import Coverage, Share
from cloud.instants import HOME_ZONE, local
from cloud.problems import ProblemError
from cloud.registry.service import acting
from cloud.serving import Served
from cloud.shown import TextShown

router = APIRouter(tags=["duties"])

MOST_DAYS = 366
_SHOWN = 500
"""So many of what is missing; the count is whole."""
Since = Annotated[dt.date, Query(description="First day.")]
Until = Annotated[dt.date, Query(description="Last day; duties whose period ends within are shown.")]


@router.get("/duties", dependencies=[requires(SEES)])
async def list_duties(
    serving: Served,
    signed: SignedIn,
    since: Since,
    until: Until,
    *,
    node: OfNode = None,
    site: OfSite = None,
) -> DutiesShown:
    """What the units of a place owe in these days, and how often each was done."""
    check_days(since, until)
    of = await place(serving, signed, node, site)
    async with acting(serving, signed) as connection:
        found = await performance_async(connection, of, since, until, now_ms=serving.now_ms())
    return DutiesShown(source=TextShown.of(kinds().source), items=[duty_shown(one) for one in found])


@router.get("/duties/kinds", dependencies=[requires(SEES)])
async def list_duty_kinds() -> DutyChoices:
    """Every kind of duty."""
    return DutyChoices(
        items=[
            DutyChoice(kind=name, label=TextShown.of(its.label), owed_by=its.owed_by)
            for name, its in kinds().duties.items()
        ]
    )


@router.get("/duties/coverage", dependencies=[requires(SEES)])
async def read_coverage(
    serving: Served,
    signed: SignedIn,
    *,
    node: OfNode = None,
    site: OfSite = None,
    day: Annotated[dt.date | None, Query(description="Its round; without it today's.")] = None,
) -> CoverageAnswer:
    """How far a round of full coverage has come: enterprises, projects, devices."""
    of = await place(serving, signed, node, site)
    day = day or local(instant(serving.now_ms()), HOME_ZONE).date()
    check_days(day, day)
    async with acting(serving, signed) as connection:
        found = await coverage_async(connection, of, now_ms=serving.now_ms(), day=day)
    return CoverageAnswer(round=None if found is None else coverage_shown(found))


def check_days(since: dt.date, until: dt.date) -> None:
    """Raise a problem where the days are no span, or none of our time, or too many."""
    if not (dt.date(1970, 1, 1) < since <= until < dt.date(2200, 1, 1)) or (until - since).days > MOST_DAYS:
        detail = f"From the first day to the last, at most {MOST_DAYS} days."
        raise ProblemError(422, "invalid", "No span of days", detail, field="until", code="no-span")


def duty_shown(duty: Duty) -> DutyShown:
    """As an answer."""
    return DutyShown(
        kind=duty.kind,
        label=TextShown.of(duty.label),
        who=TextShown.of(duty.who),
        node=duty.of if isinstance(duty.of, int) else None,
        site=duty.of if isinstance(duty.of, str) else None,
        level=duty.level,
        frequency=duty.frequency,
        required=duty.required,
        done=duty.done,
        missed_days=duty.missed_days,
        source_declared=duty.source_declared,
        periods=[
            PeriodShown(since=one.span.since, until=one.span.until, state=one.state, done_on=one.done_on)
            for one in duty.periods
        ],
    )


def coverage_shown(found: Coverage) -> CoverageShown:
    """As an answer."""
    return CoverageShown(
        no=found.round.no,
        what=TextShown.of(found.round.what),
        since=found.round.span.since,
        until=found.round.span.until,
        days_left=found.days_left,
        enterprises=_share(found.enterprises),
        projects=_share(found.projects),
        devices=_share(found.devices),
    )


def _share(share: Share) -> ShareShown:
    return ShareShown(
        looked_at=share.looked_at if share.source_declared or share.looked_at else None,
        all=share.all,
        missing=[
            MissingShown(id=one.id, name=TextShown.of(one.name), site=one.site, serial_no=one.serial_no)
            for one in share.missing[:_SHOWN]
        ],
        source_declared=share.source_declared,
    )
