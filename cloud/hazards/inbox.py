"""What waits for somebody (待办): records in a state in which an act is his, the most urgent first."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, LiteralString

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import Side, roles
from cloud.hazards.listing import LISTED, SEES, HazardListed
from cloud.hazards.transitions import TRANSITIONS
from cloud.serving import Served
from cloud.shown import Instant, Shown

router = APIRouter(tags=["hazards"])

MOST = 200


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What a record may wait for, as its column `waits_for` names it."""

    acts: tuple[str, ...]
    """Any of them settles it; whoever has the permission of one is told."""
    sides: frozenset[Side] | None = None
    """Whose it is of those who have the permission; `None`: of all."""
    clock: str = ""
    """Kind of the clock by which it is due; where there is none, by the date of the rectification."""


_AUTHORITY, _SUPERVISION = frozenset[Side]({"authority"}), frozenset[Side]({"supervision"})
DUTIES: Mapping[str, Duty] = {
    "judge": Duty(acts=("confirm", "reject"), clock="judge"),
    "plan": Duty(acts=("plan",), clock="plan"),
    "accept_plan": Duty(acts=("accept_plan", "return_plan"), sides=_SUPERVISION),
    "rectify": Duty(acts=("submit",)),
    "decide_extension": Duty(acts=("grant_extension", "refuse_extension")),
    "review": Duty(acts=("pass_review", "fail_review")),
    "review_by_supervision": Duty(acts=("pass_review", "fail_review"), sides=_SUPERVISION),
    "review_by_authority": Duty(acts=("pass_review", "fail_review"), sides=_AUTHORITY),
    "close": Duty(acts=("close",)),
    "list": Duty(acts=("list",)),
    "escalate": Duty(acts=("take_step", "postpone_step")),
    "acknowledge": Duty(acts=("acknowledge",), clock="principal_ack"),
}
"""By the word of the column."""


class Waiting(Shown):
    """One thing to be done."""

    hazard: HazardListed
    why: str = Field(description=f"One of {', '.join(DUTIES)}.")
    acts: list[str] = Field(description="Acts that settle it.")
    due_at: Instant | None


class Inbox(Shown):
    """What waits for whoever asks."""

    items: list[Waiting] = Field(description=f"Those due first on top, at most {MOST}.")
    counts: dict[str, int] = Field(description="Of all that waits, by why.")
    total: int


@cache
def told() -> list[tuple[str, str, bool]]:
    """Role, duty, and whether of major hazards: who is told of what."""
    found = []
    for why, duty in DUTIES.items():
        for is_major in (False, True):
            rows = [TRANSITIONS[act] for act in duty.acts]
            wanted = {row.major if is_major else row.general for row in rows}
            for name, role in roles().roles.items():
                is_his = duty.sides is None or role.side in duty.sides
                if is_his and wanted & roles().permissions_of(name):
                    found.append((name, why, is_major))
    return found


_WAITING: LiteralString = """
    WITH held AS MATERIALIZED (
        SELECT given.site, given.devices, may.why, may.is_major
          FROM roles_at_sites(%(account)s) AS given
               JOIN unnest(%(roles)s::text[], %(whys)s::text[], %(majors)s::boolean[])
                    AS may (role, why, is_major) ON may.role = given.role
    ), waiting AS MATERIALIZED (
        SELECT hazard.id, duty.why, hazard.opened_at,
               CASE WHEN clocks.kind IS NULL THEN hazard.due_at ELSE timer.due_at END AS due
          FROM hazard CROSS JOIN LATERAL unnest(hazard.waits_for) AS duty (why)
               LEFT JOIN unnest(%(clocked)s::text[], %(kinds)s::text[]) AS clocks (why, kind)
                      ON clocks.why = duty.why
               LEFT JOIN hazard_timer AS timer ON timer.hazard_id = hazard.id AND timer.kind = clocks.kind
         WHERE hazard.ended_at IS NULL
           AND ((hazard.site, duty.why, hazard.level <> 'general')
                    IN (SELECT site, why, is_major FROM held WHERE devices IS NULL)
                OR (hazard.site, duty.why, hazard.level <> 'general', hazard.device)
                    IN (SELECT site, why, is_major, unnest(devices) FROM held WHERE devices IS NOT NULL))
    )
"""

# What waits is gathered once, and is both counted and shown: one row at least, for the counts.
_FIRST: LiteralString = """
    , counted AS (
        SELECT coalesce(jsonb_object_agg(why, n), '{}') AS counts
          FROM (SELECT why, count(*) AS n FROM waiting GROUP BY why) AS by_why
    ), first AS (SELECT * FROM waiting ORDER BY due NULLS LAST, opened_at, id, why LIMIT %(limit)s)
    SELECT counts, first.why, first.due, listed.* FROM counted LEFT JOIN (first JOIN (
"""
# By their keys: however many the planner thinks are shown, it must not read all records for them.
_IN_ORDER: LiteralString = """
         WHERE hazard.id = ANY (ARRAY(SELECT id FROM first))
    ) AS listed ON listed.id = first.id) ON true
     ORDER BY first.due NULLS LAST, first.opened_at, first.id, first.why
"""


@router.get("/inbox", dependencies=[requires(SEES)])
async def read_inbox(
    serving: Served,
    signed: SignedIn,
    *,
    limit: Annotated[int, Query(ge=0, le=MOST, description="0: the counts alone.")] = MOST,
) -> Inbox:
    """What waits for you: by your roles at each site and by what each record waits for."""
    asked = {**_asked(), "account": signed.account_id, "limit": limit}
    rows = await serving.rows(_WAITING + _FIRST + LISTED + _IN_ORDER, asked)
    counts: dict[str, int] = rows[0]["counts"]
    items = [_shown(row) for row in rows if row["why"] is not None]
    return Inbox(items=items, counts=counts, total=sum(counts.values()))


def _asked() -> dict[str, Any]:
    clocked = {why: duty.clock for why, duty in DUTIES.items() if duty.clock}
    return {
        "roles": [role for role, _, _ in told()],
        "whys": [why for _, why, _ in told()],
        "majors": [is_major for _, _, is_major in told()],
        "clocked": list(clocked),
        "kinds": list(clocked.values()),
    }


def _shown(row: dict[str, Any]) -> Waiting:
    why, due = row["why"], row["due"]
    return Waiting(hazard=HazardListed(**row), why=why, acts=list(DUTIES[why].acts), due_at=due)
