"""How many records there were at an instant: from what each event says the record was right after it.

Nothing that happens later changes what was counted, for events are only ever added.
"""

import collections
import datetime as dt
from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row, instant
from cloud.hazards.record import Level, Status
from cloud.instants import Moment, rfc3339
from cloud.serving import Served
from cloud.shown import Instant, Shown

router = APIRouter(tags=["hazards"])

_SEES = "hazards.view"

AS_OF: LiteralString = """
    WITH seen AS MATERIALIZED (SELECT site, devices FROM sites_of(%(account)s, %(roles)s)),
    was AS (
        SELECT DISTINCT ON (hazard_id) hazard_id, status, level, overdue, verified, supervision
          FROM hazard_event WHERE at <= %(at)s ORDER BY hazard_id, seq DESC
    )
    SELECT was.level, was.status, hazard.source, hazard.source_detail, was.overdue, was.verified,
           was.supervision, count(*) AS count
      FROM was JOIN hazard ON hazard.id = hazard_id JOIN seen USING (site)
     WHERE hazard.mode = 'live' AND (seen.devices IS NULL OR hazard.device = ANY (seen.devices))
       AND (%(site)s::text IS NULL OR site = %(site)s)
     GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
"""
"""Records by what they were at an instant; those of drills count nowhere."""


class Counted(Shown):
    """So many records that were the same in everything that is counted by."""

    level: Level
    status: Status
    source: str
    source_detail: str
    overdue: bool
    verified: bool = Field(description="Its rectification had passed review.")
    supervision: str
    count: int


class HazardCounts(Shown):
    """Records as of an instant: those opened by then, with what had become of them by then."""

    at: Instant
    total: int
    open: int = Field(description="Neither rejected nor merged nor closed.")
    by_level: dict[str, int]
    by_status: dict[str, int]
    by_source: dict[str, int]
    verified: int
    overdue: int
    listed: int = Field(description="Under supervision by an authority (挂牌督办).")
    ever_listed: int
    cells: list[Counted] = Field(description="The same, by everything at once.")


_ENDED = frozenset({"rejected", "merged", "closed"})


def summed(at: dt.datetime, cells: list[Row]) -> HazardCounts:
    """The sums of what was counted."""

    def by(column: str) -> dict[str, int]:
        found: collections.Counter[str] = collections.Counter()
        for cell in cells:
            found[cell[column]] += cell["count"]
        return dict(found)

    def where(is_so: Any) -> int:
        return sum(cell["count"] for cell in cells if is_so(cell))

    return HazardCounts(
        at=rfc3339(at),
        total=where(lambda _: True),
        open=where(lambda cell: cell["status"] not in _ENDED),
        by_level=by("level"),
        by_status=by("status"),
        by_source=by("source"),
        verified=where(lambda cell: cell["verified"]),
        overdue=where(lambda cell: cell["overdue"]),
        listed=where(lambda cell: cell["supervision"] == "listed"),
        ever_listed=where(lambda cell: cell["supervision"] in ("listed", "delisted")),
        cells=[Counted(**cell) for cell in cells],
    )


@router.get("/hazards/counts", dependencies=[requires(_SEES)])
async def count_hazards(
    serving: Served,
    signed: SignedIn,
    *,
    at: Annotated[
        Moment | None, Query(description="The instant; without it, or where it is to come, now.")
    ] = None,
    site: Annotated[str | None, Query(description="Only of this site.")] = None,
) -> HazardCounts:
    """How many records there were at an instant, of the sites that the caller sees."""
    now = instant(serving.now_ms())
    then = now if at is None else min(at, now)
    asked = {"account": signed.account_id, "roles": roles_with(_SEES), "at": then, "site": site}
    return summed(then, await serving.rows(AS_OF, asked))
