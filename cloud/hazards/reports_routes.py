"""The reports of a hazard record over HTTP: exactly what went out."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import Field

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.problems import not_found
from cloud.serving import Served
from cloud.shown import Identity, Instant, Shown

router = APIRouter(tags=["hazards"])
_SEES = "hazards.view"


class ReportShown(Shown):
    """A report to whoever is responsible for the place."""

    id: Identity
    no: int = Field(description="Of the record, from 1.")
    kind: Literal["provisional", "unverified", "formal", "withdrawal", "correction"]
    due_at: Instant
    sent_at: Instant
    late: bool
    body: dict[str, Any] = Field(description="What it says. Its `addressee` is null where none is on file.")
    sha256: str = Field(description="Hexadecimal, over the body as canonical JSON.")


class ReportsShown(Shown):
    """All of a record, in the order in which they went out."""

    items: list[ReportShown]


@router.get("/hazards/{hazard}/reports", dependencies=[requires(_SEES)])
async def list_reports(hazard: UUID, serving: Served, signed: SignedIn) -> ReportsShown:
    """What was reported of a record; nothing of a drill ever is."""
    seen = await serving.row(
        "SELECT id FROM hazard WHERE id = %(id)s AND sees_device(%(account)s, site, device, %(roles)s)",
        {"id": hazard, "account": signed.account_id, "roles": roles_with(_SEES)},
    )
    if seen is None:
        raise not_found("hazard")
    rows = await serving.rows(
        "SELECT report AS id, no, kind, due_at, sent_at, late, body, sha256"
        " FROM hazard_report WHERE hazard_id = %s ORDER BY no",
        [hazard],
    )
    return ReportsShown(items=[_shown(row) for row in rows])


def _shown(row: Row) -> ReportShown:
    body: dict[str, Any] = msgspec.json.decode(row["body"])
    return ReportShown(**{**row, "body": body, "sha256": row["sha256"].hex()})
