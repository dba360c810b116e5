"""The clauses of the judgement standards over HTTP."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query

from cloud.accounts.permissions import AnySigned
from cloud.clauses.model import ClauseEdition, ClauseEditions, ClauseItem
from cloud.database import instant
from cloud.serving import Served
from sitewarden.rules.clauses import Edition, editions, standing

router = APIRouter(tags=["hazards"])


@router.get("/clauses", dependencies=[AnySigned])
async def list_clauses(
    serving: Served,
    on: Annotated[
        dt.date | None, Query(description="Day of the site; today (UTC) where none is given.")
    ] = None,
) -> ClauseEditions:
    """What a person may judge as a major hazard, item by item, and which edition holds on a day."""
    day = on or instant(serving.now_ms()).date()
    return ClauseEditions(
        on=day.isoformat(), editions=[_shown(edition, day) for edition in editions().values()]
    )


def _shown(edition: Edition, day: dt.date) -> ClauseEdition:
    return ClauseEdition(
        edition=edition.edition,
        document=edition.document,
        title=edition.title,
        in_force_from=None if edition.begins is None else edition.begins.isoformat(),
        standing=standing(edition.edition, day),
        source=edition.source,
        items=[
            ClauseItem(id=item.id, text=item.text, two_part=item.two_part, confidence=item.confidence)
            for item in edition.items
        ],
    )
