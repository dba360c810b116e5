"""Hazards that are listed for supervision (挂牌督办) or proposed for it, with what their notices say."""

from typing import Any, Literal, LiteralString

from fastapi import APIRouter
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.paging import After, Limit, asked_part, by, part
from cloud.serving import Served
from cloud.shown import Identity, Instant, Page, Shown, TextShown

router = APIRouter(tags=["hazards"])

_SEES = "hazards.view"
_LISTED: LiteralString = """
    SELECT hazard.id, hazard.number, hazard.site, site.name AS site_name, site.time_zone,
           firm.name AS enterprise, hazard.device, hazard.location, hazard.content, hazard.clause,
           hazard.level, hazard.status, hazard.supervision AS state, hazard.overdue, hazard.due_at,
           hazard.opened_at, hazard.ended_at, hazard.record->'listings'->-1 AS listing,
           hazard.record->'plan'->>'measures' AS measures
      FROM hazard JOIN site USING (site) LEFT JOIN tree_node AS firm ON firm.node = site.enterprise
     WHERE hazard.mode = 'live' AND sees_device(%(account)s, hazard.site, hazard.device, %(roles)s)
       AND CASE %(state)s WHEN 'all' THEN hazard.supervision <> 'none'
                          WHEN 'current' THEN hazard.supervision IN ('proposed', 'listed')
                          ELSE hazard.supervision = %(state)s END
       AND (%(at)s::timestamptz IS NULL OR (hazard.opened_at, hazard.id) < (%(at)s, %(id)s::uuid))
     ORDER BY hazard.opened_at DESC, hazard.id DESC LIMIT %(limit)s
"""


class ListingShown(Shown):
    """The act by which it was listed, and by which it was taken off."""

    authority_level: Literal["county", "city", "province"]
    document: str
    due: Instant
    at: Instant
    by: str
    delisted_at: Instant | None
    delisting_document: str | None


class SupervisedHazard(Shown):
    """A hazard under supervision: the contents of its notice, and where it stands."""

    id: Identity
    number: str
    site: str
    site_name: TextShown
    time_zone: str
    enterprise: TextShown | None
    device: str | None
    location: str
    content: TextShown
    clause: str | None = Field(description="Basis by which it is a major hazard.")
    level: str
    status: str
    state: Literal["proposed", "listed", "delisted"]
    overdue: bool
    due_at: Instant | None = Field(description="By when it must be rectified.")
    measures: str | None = Field(description="What is demanded, as the plan says it.")
    opened_at: Instant
    listing: ListingShown | None


@router.get("/supervision", dependencies=[requires(_SEES)])
async def list_supervised_hazards(
    serving: Served,
    signed: SignedIn,
    *,
    state: Literal["current", "proposed", "listed", "delisted", "all"] = "current",
    after: After = None,
    limit: Limit = 50,
) -> Page[SupervisedHazard]:
    """Hazards that are listed for supervision or proposed for it, at every site that the account sees."""
    rows = await serving.rows(
        _LISTED,
        {
            "account": signed.account_id,
            "roles": roles_with(_SEES),
            "state": state,
            **asked_part(after, limit),
        },
    )
    shown, following = part(rows, limit, by("opened_at"))
    return Page(items=[SupervisedHazard(**_supervised(row)) for row in shown], next=following)


def _supervised(row: Row) -> dict[str, Any]:
    clause = row["clause"]
    named = None if clause is None else f"{clause['edition']} {clause['id']} {clause.get('text', '')}".strip()
    listing = None if row["state"] == "proposed" else row["listing"]
    return {**row, "clause": named, "listing": None if listing is None else _listing(listing)}


def _listing(said: dict[str, Any]) -> ListingShown:
    delisted = said.get("delisted")
    return ListingShown(
        authority_level=said["authority_level"],
        document=said["document"],
        due=said["due"],
        at=said["at"],
        by=said["by"]["name"],
        delisted_at=None if delisted is None else delisted["at"],
        delisting_document=None if delisted is None else delisted.get("document"),
    )
