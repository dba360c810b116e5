"""Hazard records over HTTP."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter

from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.alarms.model import Episode
from cloud.alarms.store import EPISODES
from cloud.database import Row
from cloud.hazards.model import Evidence, Hazard, HazardDetail, HazardEvent
from cloud.hazards.service import evidence_shown
from cloud.hazards.store import HAZARDS, READ_BY
from cloud.paging import After, Cursor, Limit, OfDevice, cursor_text, read_cursor
from cloud.problems import not_found
from cloud.registry.access import KnownSite
from cloud.serving import Served
from cloud.shown import Page

router = APIRouter(tags=["hazards"])

_SEES = "hazards.view"


@router.get("/sites/{site}/hazards", dependencies=[requires(_SEES, by_device=True)])
async def list_hazards(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    status: Literal["open", "all"] = "open",
    device: OfDevice = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Hazard]:
    """Hazard records, the newest first."""
    cursor = read_cursor(after) if after else None
    rows = await serving.rows(
        HAZARDS
        + """
        WHERE site = %(site)s AND (%(all)s OR ended_at IS NULL)
          AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
          AND (%(device)s::text IS NULL OR device = %(device)s)
          AND (%(at)s::timestamptz IS NULL OR (opened_at, id) < (%(at)s, %(id)s::uuid))
        ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "devices": devices,
            "all": status == "all",
            "device": device,
            "at": cursor.at if cursor else None,
            "id": cursor.id if cursor else None,
            "limit": limit + 1,
        },
    )
    shown, more = rows[:limit], len(rows) > limit
    following = cursor_text(Cursor(at=shown[-1]["opened_at"], id=shown[-1]["id"])) if more else None
    return Page(items=[Hazard(**row) for row in shown], next=following)


@router.get("/hazards/{hazard}", dependencies=[requires(_SEES)])
async def read_hazard(hazard: UUID, serving: Served, signed: SignedIn) -> HazardDetail:
    """A hazard record with its alarms, its history and what was measured."""
    record = await serving.row(
        HAZARDS + "WHERE id = %(id)s AND sees_device(%(account)s, site, device, %(roles)s)",
        {"id": hazard, "account": signed.account_id, "roles": roles_with(_SEES)},
    )
    if record is None:
        raise not_found("hazard")
    episodes = await serving.rows(
        EPISODES + "WHERE hazard_id = %s ORDER BY raised_at DESC, id DESC LIMIT 500", [hazard]
    )
    measured = await serving.rows(
        "SELECT id, evidence FROM episode WHERE hazard_id = %s ORDER BY raised_at DESC, id DESC LIMIT 20",
        [hazard],
    )
    events = await serving.rows(
        "SELECT record, hash FROM hazard_event WHERE hazard_id = %s ORDER BY seq", [hazard]
    )
    read_by = await serving.row(
        READ_BY, {"site": record["site"], "device": record["device"], "at": record["opened_at"]}
    )
    return HazardDetail(
        **{**record, "episodes": [Episode(**row) for row in episodes]},
        **(read_by or {"profile": None, "profile_version": None}),
        events=[_event(row) for row in events],
        evidence=[Evidence(episode=row["id"], series=evidence_shown(row["evidence"])) for row in measured],
    )


def _event(row: Row) -> HazardEvent:
    record: dict[str, Any] = msgspec.json.decode(row["record"])
    fields = {name: record[name] for name in ("seq", "at", "actor", "kind", "body")}
    return HazardEvent(**fields, hash=row["hash"].hex())
