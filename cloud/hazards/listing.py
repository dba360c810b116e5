"""Hazard records of all sites that somebody sees: as a list with numbers, and what was before one of them."""

import asyncio
from typing import Annotated, Any, Literal, LiteralString
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.hazards.model import Hazard
from cloud.hazards.record import Status
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import not_found
from cloud.serving import Served, Serving
from cloud.shown import Instant, Page, Shown, TextShown

router = APIRouter(tags=["hazards"])

SEES = "hazards.view"
_PAST = 20

_SEEN: LiteralString = """
    WITH seen AS MATERIALIZED (SELECT site, devices FROM sites_of(%(account)s, %(roles)s))
"""
_IS_SEEN: LiteralString = """
    (hazard.site IN (SELECT site FROM seen WHERE devices IS NULL)
     OR (hazard.site, hazard.device) IN (SELECT site, unnest(devices) FROM seen WHERE devices IS NOT NULL))
"""
LISTED: LiteralString = """
    SELECT hazard.id, number, hazard.site, device, category, family, level, status, content,
           potential_accident, clause, also,
           (SELECT timer.due_at FROM hazard_timer AS timer
             WHERE timer.hazard_id = hazard.id AND timer.kind = 'handling') AS handling_due_at,
           signal, opened_at, detected_at, last_episode_at, worst_level, episodes,
           site.name AS site_name, site.time_zone, mode, source, report, supervision, control,
           escalation_step, overdue, due_at, repeat_no
      FROM hazard JOIN site ON site.site = hazard.site
"""


class HazardListed(Hazard):
    """A hazard record in a list of several sites."""

    site_name: TextShown
    time_zone: str = Field(description="Of the site.")
    source: Literal["self", "inspection", "public_report"]
    report: str
    supervision: Literal["none", "proposed", "listed", "delisted"]
    control: Literal["none", "partial_stop", "stop_work", "evacuated"]
    escalation_step: int
    overdue: bool
    due_at: Instant | None = Field(description="By when it must be rectified.")
    repeat_no: int = Field(description="The how manieth time that the same danger came back.")


class CategoryTotal(Shown):
    """How many there are of one kind of danger."""

    category: TextShown
    n: int


class Totals(Shown):
    """What the list comes to, whichever level, category or mark was chosen."""

    general: int = 0
    major_proposed: int = 0
    major: int = 0
    overdue: int = 0
    listed: int = 0
    categories: list[CategoryTotal]


class HazardList(Page[HazardListed]):
    """Part of the list."""

    totals: Totals | None = Field(description="With the first part alone.")


class Past(Shown):
    """What there was before, the newest first."""

    device: list[HazardListed] = Field(description="Of the same device.")
    enterprise: list[HazardListed] = Field(description="At other devices and sites of the same enterprise.")


def whose(account: int | None) -> dict[str, Any]:
    """Parameters of what says which sites are seen."""
    return {"account": account, "roles": roles_with(SEES)}


_StatusAsked = Annotated[
    Literal["open", "all"] | Status, Query(description="`open`: neither closed nor rejected nor merged.")
]
_SiteAsked = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]+$")]
_CategoryAsked = Annotated[
    str | None, Query(max_length=200, pattern=r"^[^\x00]+$", description="Its name in Chinese.")
]


@router.get("/hazards", dependencies=[requires(SEES)])
async def list_all_hazards(
    serving: Served,
    signed: SignedIn,
    *,
    status: _StatusAsked = "open",
    level: Literal["general", "major_proposed", "major"] | None = None,
    site: _SiteAsked = None,
    category: _CategoryAsked = None,
    overdue: bool | None = None,
    listed: Annotated[bool | None, Query(description="For supervision.")] = None,
    mode: Literal["live", "drill"] = "live",
    after: After = None,
    limit: Limit = 50,
) -> HazardList:
    """Hazard records of all sites that you see, the newest first, with what they come to."""
    asked = {
        **whose(signed.account_id),
        "status": status,
        "level": level,
        "site": site,
        "category": category,
        "overdue": overdue,
        "mode": mode,
        **asked_part(after, limit),
    }
    base = _of(status, site)
    rows, totals = await asyncio.gather(
        serving.rows(
            _SEEN
            + LISTED
            + base
            + _narrowed(level=level, category=category, overdue=overdue, listed=listed)
            + ("" if asked["at"] is None else " AND (opened_at, hazard.id) < (%(at)s, %(id)s::uuid)")
            + " ORDER BY opened_at DESC, hazard.id DESC LIMIT %(limit)s",
            asked,
        ),
        _totals(serving, base, asked) if asked["at"] is None else _none(),
    )
    shown, following = part(rows, limit, by("opened_at"))
    return HazardList(items=[HazardListed(**row) for row in shown], next=following, totals=totals)


def _of(status: str, site: str | None) -> LiteralString:
    """The conditions that the numbers have too; written out, so that each is planned for what it is."""
    text: LiteralString = " WHERE mode = %(mode)s AND " + _IS_SEEN
    if status == "open":
        text += " AND ended_at IS NULL"
    elif status != "all":
        text += " AND status = %(status)s"
    if site is not None:
        text += " AND hazard.site = %(site)s"
    return text


def _narrowed(
    *, level: str | None, category: str | None, overdue: bool | None, listed: bool | None
) -> LiteralString:
    text: LiteralString = ""
    if level is not None:
        text += " AND level = %(level)s"
    if category is not None:
        text += " AND category ->> 'zh' = %(category)s"
    if overdue is not None:
        text += " AND overdue = %(overdue)s"
    if listed is not None:
        text += " AND supervision = 'listed'" if listed else " AND supervision <> 'listed'"
    return text


async def _none() -> None:
    return None


_COUNTED: LiteralString = """
    SELECT level, category, count(*) AS n, count(*) FILTER (WHERE overdue) AS overdue,
           count(*) FILTER (WHERE supervision = 'listed') AS listed
      FROM hazard
"""


async def _totals(serving: Serving, base: LiteralString, asked: dict[str, Any]) -> Totals:
    rows = await serving.rows(_SEEN + _COUNTED + base + " GROUP BY level, category", asked)
    by_level: dict[str, int] = {}
    by_category: dict[str, tuple[dict[str, str], int]] = {}
    for row in rows:
        by_level[row["level"]] = by_level.get(row["level"], 0) + row["n"]
        name, before = by_category.get(row["category"]["zh"], (row["category"], 0))
        by_category[row["category"]["zh"]] = name, before + row["n"]
    most_first = sorted(by_category.values(), key=lambda one: -one[1])
    return Totals(
        **by_level,
        overdue=sum(row["overdue"] for row in rows),
        listed=sum(row["listed"] for row in rows),
        categories=[CategoryTotal(category=TextShown(**name), n=n) for name, n in most_first],
    )


@router.get("/hazards/{hazard}/past", dependencies=[requires(SEES)])
async def read_past(hazard: UUID, serving: Served, signed: SignedIn) -> Past:
    """Records before this one: of the same device, and of the same enterprise where you see its sites."""
    asked = {**whose(signed.account_id), "id": hazard, "most": _PAST}
    one = await serving.row(_SEEN + LISTED + "WHERE hazard.id = %(id)s AND " + _IS_SEEN, asked)
    if one is None:
        raise not_found("hazard")
    asked |= {"site": one["site"], "device": one["device"], "at": one["opened_at"]}
    device, enterprise = await asyncio.gather(
        _before(serving, " AND hazard.site = %(site)s AND device = %(device)s", asked),
        _before(serving, _OF_ENTERPRISE, asked),
    )
    return Past(device=device, enterprise=enterprise)


_OF_ENTERPRISE: LiteralString = """
    AND (hazard.site <> %(site)s OR device IS DISTINCT FROM %(device)s) AND hazard.site IN (
        SELECT other.site
          FROM site AS its JOIN tree_node AS node ON node.node = its.enterprise
               -- The company that the node is or belongs to; of a group or a branch alone, that.
               LEFT JOIN tree_node AS company
                      ON company.kind = 'company' AND starts_with(node.path, company.path)
               JOIN tree_node AS below ON starts_with(below.path, coalesce(company.path, node.path))
               JOIN site AS other ON other.enterprise = below.node
         WHERE its.site = %(site)s)
"""


async def _before(serving: Serving, which: LiteralString, asked: dict[str, Any]) -> list[HazardListed]:
    rows: list[Row] = await serving.rows(
        _SEEN
        + LISTED
        + " WHERE mode = 'live' AND (opened_at, hazard.id) < (%(at)s, %(id)s) AND "
        + _IS_SEEN
        + which
        + " ORDER BY opened_at DESC, hazard.id DESC LIMIT %(most)s",
        asked,
    )
    return [HazardListed(**row) for row in rows]
