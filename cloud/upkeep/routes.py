"""Maintenance and tasks of a device over HTTP."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID, uuid4

from fastapi import APIRouter
from psycopg.rows import dict_row

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, instant, row_of
from cloud.idempotency import Answer
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite, check_among
from cloud.registry.known import SiteEntry
from cloud.registry.service import IdempotencyKey, acting, once
from cloud.serving import Served
from cloud.upkeep.model import MaintenanceAsked, MaintenanceShown, Note, TaskShown, Upkeep

router = APIRouter(tags=["upkeep"])

LONGEST = dt.timedelta(days=3)
"""Of one maintenance: whatever takes longer is asked for again, for meanwhile nothing opens a record."""
_PATH = "/sites/{site}/devices/{device}/upkeep"
_MAINTAINS = "devices.maintain"
_SEES, _ACTS = requires("status.view", by_device=True), requires(_MAINTAINS, by_device=True)
_MOST = 50

_KNOWN: LiteralString = """
    SELECT FROM device WHERE site = %(site)s AND device = %(device)s
    UNION ALL SELECT FROM device_file WHERE site = %(site)s AND device = %(device)s LIMIT 1
"""
_MAINTENANCE: LiteralString = """
    SELECT maintenance AS id, work_order, reason, from_at AS start, until_at AS "end", asked_by,
           asked_by_id, asked_at, approved_by, approved_at, ended_by, ended_at, end_note,
           asked_by_id IS NOT DISTINCT FROM %(account)s::int AS is_own,
           (SELECT count(*) FROM held_alarm WHERE held_alarm.maintenance = its.maintenance) AS held,
           CASE WHEN ended_at IS NOT NULL AND approved_at IS NULL THEN 'withdrawn'
                WHEN coalesce(ended_at, until_at) <= %(now)s THEN
                    CASE WHEN approved_at IS NULL THEN 'withdrawn' ELSE 'over' END
                WHEN approved_at IS NULL THEN 'asked'
                WHEN from_at > %(now)s THEN 'coming' ELSE 'under_way' END AS state
      FROM device_maintenance AS its WHERE site = %(site)s AND device = %(device)s
"""
_TASKS: LiteralString = """
    SELECT its.task AS id, its.kind, its.reason, its.hazard_id AS hazard, hazard.number AS hazard_number,
           its.opened_by, its.opened_at, its.closed_by, its.closed_at, its.note
      FROM device_task AS its LEFT JOIN hazard ON hazard.id = its.hazard_id
     WHERE its.site = %(site)s AND its.device = %(device)s
     ORDER BY its.closed_at IS NOT NULL, its.opened_at DESC LIMIT %(most)s
"""


@router.get(_PATH, dependencies=[_SEES])
async def read_upkeep(
    site: KnownSite, device: str, serving: Served, signed: SignedIn, seen: SeenDevices
) -> Upkeep:
    """When the device was and will be mended, and what is to be done at it."""
    check_among(device, seen)
    async with acting(serving, signed) as connection:
        asked = await _named(connection, site, device, signed, instant(serving.now_ms()))
        return await _shown(connection, asked)


@router.post(_PATH + "/maintenance", status_code=201, dependencies=[_ACTS])
async def ask_for_maintenance(
    site: KnownSite,
    device: str,
    *,
    given: MaintenanceAsked,
    serving: Served,
    signed: SignedIn,
    seen: SeenDevices,
    idempotency_key: IdempotencyKey = None,
) -> Upkeep:
    """Ask that the device be mended; it begins when somebody else has approved it."""
    check_among(device, seen)
    _check_named(signed)
    now = instant(serving.now_ms())
    _check_times(given, now)
    async with acting(serving, signed) as connection:
        asked = await _named(connection, site, device, signed, now)

        async def work() -> Answer:
            await connection.execute(
                """
                INSERT INTO device_maintenance (
                        maintenance, site, device, work_order, reason, from_at, until_at, asked_by,
                        asked_by_id, asked_at)
                    VALUES (%(id)s, %(site)s, %(device)s, %(work_order)s, %(reason)s, %(start)s, %(end)s,
                            %(name)s, %(account)s, %(now)s)
                """,
                {**given.model_dump(), **asked, "id": uuid4()},
            )
            return Answer(body=(await _shown(connection, asked)).model_dump(mode="json"))

        request = (f"{site.site}/{device}/maintenance", given.model_dump(mode="json"))
        answer = await once(
            connection, signed, key=idempotency_key, request=request, now_ms=serving.now_ms(), work=work
        )
    return Upkeep(**answer.body)


@router.post(_PATH + "/maintenance/{maintenance}/approval", dependencies=[_ACTS])
async def approve_maintenance(
    site: KnownSite,
    device: str,
    *,
    maintenance: UUID,
    serving: Served,
    signed: SignedIn,
    seen: SeenDevices,
) -> Upkeep:
    """Approve what somebody else has asked for; it holds from now on, and not for what was before."""
    check_among(device, seen)
    _check_named(signed)
    async with acting(serving, signed) as connection:
        asked = await _named(connection, site, device, signed, instant(serving.now_ms()))
        row = await _locked(connection, asked, maintenance)
        if row["state"] != "asked":
            raise ProblemError(409, "not-waiting", "It does not wait for approval", field="maintenance")
        if row["is_own"]:
            detail = "Whoever asked for it does not approve it; somebody else does."
            raise ProblemError(409, "own-maintenance", "Your own request", detail)
        await connection.execute(
            """
            UPDATE device_maintenance
               SET approved_by = %(name)s, approved_by_id = %(account)s, approved_at = %(now)s
             WHERE maintenance = %(id)s
            """,
            {**asked, "id": maintenance},
        )
        return await _shown(connection, asked)


@router.post(_PATH + "/maintenance/{maintenance}/end", dependencies=[_ACTS])
async def end_maintenance(
    site: KnownSite,
    device: str,
    *,
    maintenance: UUID,
    given: Note,
    serving: Served,
    signed: SignedIn,
    seen: SeenDevices,
) -> Upkeep:
    """End it before its time, or take back what nobody has approved. Alarms that still stand open records."""
    check_among(device, seen)
    _check_named(signed)
    async with acting(serving, signed) as connection:
        asked = await _named(connection, site, device, signed, instant(serving.now_ms()))
        row = await _locked(connection, asked, maintenance)
        if row["state"] in {"over", "withdrawn"}:
            raise ProblemError(409, "over-already", "It has ended already", field="maintenance")
        await connection.execute(
            """
            UPDATE device_maintenance SET ended_at = %(now)s, ended_by = %(name)s, end_note = %(note)s
             WHERE maintenance = %(id)s
            """,
            {**asked, "id": maintenance, "note": given.note},
        )
        return await _shown(connection, asked)


@router.post(_PATH + "/tasks/{task}/closing", dependencies=[_ACTS])
async def close_task(
    site: KnownSite,
    device: str,
    *,
    task: UUID,
    given: Note,
    serving: Served,
    signed: SignedIn,
    seen: SeenDevices,
) -> Upkeep:
    """Say that it was done, and what was done."""
    check_among(device, seen)
    _check_named(signed)
    async with acting(serving, signed) as connection:
        asked = await _named(connection, site, device, signed, instant(serving.now_ms()))
        row = await row_of(
            connection,
            "SELECT closed_at FROM device_task "
            "WHERE task = %(id)s AND site = %(site)s AND device = %(device)s FOR NO KEY UPDATE",
            {**asked, "id": task},
        )
        if row is None:
            raise not_found("task")
        if row["closed_at"] is not None:
            raise ProblemError(409, "closed-already", "It was closed already", field="task")
        await connection.execute(
            """
            UPDATE device_task
               SET closed_at = %(now)s, closed_by = %(name)s, closed_by_id = %(account)s, note = %(note)s
             WHERE task = %(id)s
            """,
            {**asked, "id": task, "note": given.note},
        )
        return await _shown(connection, asked)


def _check_named(signed: Signed) -> None:
    if signed.account_id is None:
        raise ProblemError(403, "forbidden", "Not allowed", "Nobody in particular is signed in.")


def _check_times(given: MaintenanceAsked, now: dt.datetime) -> None:
    if not given.start < given.end <= given.start + LONGEST:
        detail = f"end: after its start, and at most {LONGEST.days} days after it."
        values: dict[str, str | int | float | list[str]] = {"days": LONGEST.days}
        raise ProblemError(
            422, "invalid", "It cannot be so", detail, field="body.end", code="too-long", values=values
        )
    if given.end <= now:
        raise ProblemError(
            422, "invalid", "It cannot be so", "end: is past.", field="body.end", code="is-past"
        )


async def _named(
    connection: AsyncConnection, site: SiteEntry, device: str, signed: Signed, now: dt.datetime
) -> dict[str, Any]:
    """What queries ask by; a problem where the site has no such device."""
    asked = {
        "site": site.site,
        "device": device,
        "account": signed.account_id,
        "name": signed.name,
        "now": now,
        "most": _MOST,
    }
    found = await connection.execute(_KNOWN, asked)
    if await found.fetchone() is None:
        raise not_found("device")
    return asked


async def _locked(connection: AsyncConnection, asked: dict[str, Any], maintenance: UUID) -> Row:
    row = await row_of(
        connection,
        _MAINTENANCE + "AND maintenance = %(id)s FOR NO KEY UPDATE OF its",
        {**asked, "id": maintenance},
    )
    if row is None:
        raise not_found("maintenance")
    return row


async def _shown(connection: AsyncConnection, asked: dict[str, Any]) -> Upkeep:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_MAINTENANCE + "ORDER BY from_at DESC LIMIT %(most)s", asked)
    maintenance = await cursor.fetchall()
    await cursor.execute(_TASKS, asked)
    tasks = await cursor.fetchall()
    may = await connection.execute(
        "SELECT sees_device(%(account)s, %(site)s, %(device)s, %(roles)s)",
        {**asked, "roles": roles_with(_MAINTAINS)},
    )
    row = await may.fetchone()
    fields = MaintenanceShown.model_fields
    return Upkeep(
        maintenance=[MaintenanceShown(**{name: one[name] for name in fields}) for one in maintenance],
        tasks=[TaskShown(**one) for one in tasks],
        may_maintain=asked["account"] is not None and row is not None and bool(row[0]),
    )
