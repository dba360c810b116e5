"""The board of a territory over HTTP, and who is watched by nobody."""

import asyncio
import datetime as dt
import zoneinfo
from typing import Any

from fastapi import APIRouter

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.indicators.board import Node, blind, lay
from cloud.indicators.board_store import NODES, SITES
from cloud.indicators.model import BlindSpot, BlindSpots, Board, TargetShown
from cloud.indicators.places import NodeAsked, place_of
from cloud.indicators.service import SEES
from cloud.instants import rfc3339
from cloud.jurisdictions.calendar import due_between
from cloud.jurisdictions.loading import jurisdiction
from cloud.problems import not_found
from cloud.serving import Served, Serving
from cloud.shown import TextShown

router = APIRouter(tags=["indicators"])


def _asked(serving: Serving, signed: Signed) -> dict[str, Any]:
    return {
        "account": signed.account_id,
        "roles": roles_with(SEES),
        "now": serving.now(),
        "mode": serving.settings.mode,
    }


@router.get("/board", dependencies=[requires(SEES)])
async def read_board(serving: Served, signed: SignedIn, *, node: NodeAsked = None) -> Board:
    """A territory on one look: what is open below each of its parts, the worst first."""
    place = await place_of(serving, signed, node, None)
    asked = _asked(serving, signed)
    sites, nodes = await asyncio.gather(serving.rows(SITES, asked), serving.rows(NODES, asked))
    if node is not None and all(row["node"] != node for row in nodes):
        # An enterprise: the board is one of territories, and must not pass everything off as its.
        raise not_found("node")
    laid = lay([Node(**row) for row in nodes], sites, node)
    if node is None and laid.node is not None:
        place = await place_of(serving, signed, laid.node, None)
    today = serving.now().astimezone(zoneinfo.ZoneInfo(place.zone)).date()
    return Board(
        at=rfc3339(serving.now()),
        node=laid.node,
        name=laid.name,
        way=laid.way,
        total=laid.total,
        tiles=laid.tiles,
        targets=targets(place.rules, today),
    )


def targets(rules: str, today: dt.date) -> list[TargetShown]:
    """What the rules want by a day to come, and the dues of the next sixty days; the nearest first."""
    limits = jurisdiction(rules)
    soon = [(due.on, due.what) for due in due_between(limits, today, today + dt.timedelta(days=60))]
    aims = [(day, one.what) for one in limits.targets if (day := dt.date.fromisoformat(str(one.on))) >= today]
    return [
        TargetShown(on=day, what=TextShown.of(what), days_left=(day - today).days)
        for day, what in sorted({*soon, *aims}, key=lambda found: found[0])
    ]


@router.get("/blind-spots", dependencies=[requires(SEES)])
async def list_blind_spots(serving: Served, signed: SignedIn, *, node: NodeAsked = None) -> BlindSpots:
    """Projects in progress without an authority, without an officer, or of which no gateway is heard."""
    place = await place_of(serving, signed, node, None)
    rows: list[Row] = await serving.rows(SITES, _asked(serving, signed))
    below = place.path or ""
    building = [row for row in rows if row["phase"] == "building" and (row["path"] or "").startswith(below)]
    return BlindSpots(
        at=rfc3339(serving.now()),
        projects=len(building),
        items=[BlindSpot.model_validate(row) for row in building if blind(row)],
    )
