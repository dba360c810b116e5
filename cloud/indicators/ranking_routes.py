"""Places compared, over HTTP."""

import asyncio
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from cloud.accounts.permissions import SignedIn, requires
from cloud.database import Row
from cloud.indicators.board import Node
from cloud.indicators.board_store import NODES
from cloud.indicators.description import descriptions
from cloud.indicators.model import ComponentShown, RankedShown, RankingShown, ScoredShown
from cloud.indicators.places import NodeAsked, place_of
from cloud.indicators.ranking import Ranked, Unit, enterprises, rank, territories
from cloud.indicators.routes import AtAsked, cut_off
from cloud.indicators.service import SEES, Place, compared, measured_of
from cloud.instants import rfc3339
from cloud.serving import Served
from cloud.shown import TextShown

router = APIRouter(tags=["indicators"])

By = Annotated[
    Literal["territory", "enterprise"], Query(description="The parts right below the node, or its companies.")
]


@router.get("/ranking", dependencies=[requires(SEES)])
async def read_ranking(
    serving: Served, signed: SignedIn, *, by: By = "territory", node: NodeAsked = None, at: AtAsked = None
) -> RankingShown:
    """Parts of a territory, or enterprises, by weighted points; not ranked where too little is known."""
    place = await place_of(serving, signed, node, None)
    then, _ = cut_off(serving, at)
    seen = {"account": signed.account_id}
    rows, nodes = await asyncio.gather(compared(serving, place, then), serving.rows(NODES, seen))
    if by == "territory":
        units = territories([Node(**row) for row in nodes], rows["sites"], node)
    else:
        units = enterprises(rows["nodes"], rows["sites"])
    ranked = await asyncio.to_thread(_ranked, place, then, rows, units)
    wanted = descriptions().ranking
    return RankingShown(
        at=rfc3339(then),
        zone=place.zone,
        by=by,
        least_records=wanted.records,
        least_weight=wanted.weight,
        source=TextShown.of(wanted.source),
        components=[
            ComponentShown(
                id=name,
                label=TextShown.of(descriptions().label(name)),
                weight=one.weight,
                good=one.good,
                bad=one.bad,
            )
            for name, one in wanted.components.items()
        ],
        items=[_shown(one) for one in ranked],
    )


def _ranked(place: Place, at: dt.datetime, rows: dict[str, list[Row]], units: list[Unit]) -> list[Ranked]:
    return rank((unit, measured_of(place, at, rows, (row["site"] for row in unit.sites))) for unit in units)


def _shown(one: Ranked) -> RankedShown:
    return RankedShown(
        node=one.unit.node,
        name=TextShown(**one.unit.name),
        rank=one.rank,
        score=one.score,
        sites=len(one.unit.sites),
        records=one.records,
        components=[
            ScoredShown(id=its.id, value=its.value, points=its.points, of=its.of) for its in one.components
        ],
    )
