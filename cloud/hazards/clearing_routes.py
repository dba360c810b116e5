"""Whether a record's danger is over, over HTTP."""

import asyncio
import datetime as dt
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import connect
from cloud.hazards.clearance import Clearance, Code
from cloud.hazards.clearing import clearance_of
from cloud.instants import rfc3339
from cloud.problems import not_found
from cloud.serving import Served
from cloud.shown import Instant, Shown

router = APIRouter(tags=["hazards"])

_SEES = "hazards.view"


class ClearanceCheck(Shown):
    """One thing that is asked, whether it holds, and by what numbers."""

    code: Code
    met: bool
    zh: str
    en: str
    values: dict[str, str | int | float | None]


class ClearanceShown(Shown):
    """Whether a danger that was measured is seen to be over."""

    met: bool
    cleared_since: Instant | None = Field(description="Null where it is not over, or nobody can tell.")
    needed_s: float = Field(description="Of a crane, of time in which it worked.")
    elapsed_s: float
    working_s: float | None = Field(description="Null of what is no crane.")
    coverage: float | None = Field(description="Share of the time that was read, of the point read least.")
    rate_ok: bool | None = Field(description="Null where no rate is asked for.")
    load_test_at: Instant | None = Field(description="A witnessed load test stands for working time.")
    checks: list[ClearanceCheck]


class ClearanceOfRecord(Shown):
    """Of a record."""

    clearance: ClearanceShown | None = Field(description="Null where no device measured the danger.")


def _instant(at: dt.datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def shown(found: Clearance) -> ClearanceShown:
    """As it is shown."""
    return ClearanceShown(
        met=found.met,
        cleared_since=_instant(found.cleared_since),
        needed_s=found.needed_s,
        elapsed_s=found.elapsed_s,
        working_s=found.working_s,
        coverage=found.coverage,
        rate_ok=found.rate_ok,
        load_test_at=_instant(found.load_test_at),
        checks=[
            ClearanceCheck(
                code=check.code, met=check.met, zh=check.text.zh, en=check.text.en, values=check.values
            )
            for check in found.checks
        ],
    )


@router.get("/hazards/{hazard}/clearance", dependencies=[requires(_SEES)])
async def read_clearance(hazard: UUID, serving: Served, signed: SignedIn) -> ClearanceOfRecord:
    """Whether the record's danger is over, as a list of what holds and what does not."""
    seen = await serving.row(
        "SELECT 1 AS one FROM hazard WHERE id = %s AND sees_device(%s, site, device, %s)",
        [hazard, signed.account_id, roles_with(_SEES)],
    )
    if seen is None:
        raise not_found("hazard")

    def read() -> Clearance | None:
        with connect(serving.dsn) as connection:
            return clearance_of(connection, hazard, serving.now_ms())

    found = await asyncio.to_thread(read)
    return ClearanceOfRecord(clearance=None if found is None else shown(found))
