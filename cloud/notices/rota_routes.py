"""Rotas over HTTP."""

import datetime as dt
from typing import Annotated, LiteralString

import msgspec
from fastapi import APIRouter, Query, Response
from psycopg.types.json import Jsonb

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, instant, rows_of
from cloud.instants import local
from cloud.notices.rota import Shift
from cloud.notices.rota_model import (
    OverrideGiven,
    RotaGiven,
    RotaNew,
    RotaShown,
    RotasShown,
    SwapGiven,
)
from cloud.notices.rota_reading import AHEAD, Asked, alone, duty_kinds, read
from cloud.problems import ProblemError, not_found
from cloud.registry.model import Name
from cloud.registry.service import IfMatch, acting, check_match, etag
from cloud.serving import Served, Serving

router = APIRouter(tags=["notices"])
_SEES, _EDITS = requires("notices.view"), requires("rota.edit")
_MOST_DAYS = 62
_FARTHEST = dt.timedelta(days=366)
_MAY: LiteralString = """
    SELECT CASE WHEN %(site)s::text IS NOT NULL THEN sees_site(%(account)s, %(site)s, %(roles)s)
                ELSE EXISTS (SELECT FROM tree_node
                              WHERE node = %(node)s AND rules_node(%(account)s, path, %(roles)s)) END AS may
"""
_MAKE: LiteralString = """
    INSERT INTO rota (site, node, role, time_zone, week, author, at)
        VALUES (%(site)s, %(node)s, %(role)s, %(time_zone)s, %(week)s, %(author)s, %(at)s)
        ON CONFLICT DO NOTHING RETURNING rota
"""
_OVERRIDE: LiteralString = """
    INSERT INTO rota_override (rota, starts_at, ends_at, account_id, reason, author, at)
        VALUES (%(rota)s, %(starts_at)s, %(ends_at)s, %(account)s, %(reason)s, %(author)s, %(at)s)
"""


@router.get("/rotas", dependencies=[_SEES])
async def list_rotas(
    serving: Served,
    signed: SignedIn,
    site: Annotated[Name | None, Query(description="Of that site alone.")] = None,
    since: Annotated[
        dt.date | None, Query(description="First day shown, by the rota's clocks; today at the earliest.")
    ] = None,
    days: Annotated[int, Query(ge=1, le=_MOST_DAYS, description="So many days are shown.")] = AHEAD.days,
) -> RotasShown:
    """Who is on duty where, and where nobody will be. What was is not shown: patterns change."""
    now = _now(serving)
    if since is not None:
        # It is today at some place of the world for two days.
        since = max(since, local(now, "Pacific/Pago_Pago").date())
        since = min(since, now.date() + _FARTHEST)
    asked = Asked(account=signed.account_id, now=now, site=site, since=since, length=dt.timedelta(days=days))
    async with acting(serving, signed) as connection:
        return RotasShown(items=await read(connection, asked), by_duty=duty_kinds())


@router.post("/rotas", dependencies=[_EDITS], status_code=201)
async def make_rota(serving: Served, signed: SignedIn, response: Response, given: RotaNew) -> RotaShown:
    """A rota of a role at a site, or in a territory or enterprise."""
    async with acting(serving, signed) as connection:
        asked = {"site": given.site, "node": given.node, "account": signed.account_id}
        may = await rows_of(connection, _MAY, {**asked, "roles": roles_with("rota.edit")})
        if not may[0]["may"]:
            raise not_found("site" if given.node is None else "node")
        values = {**given.model_dump(), "week": _week(given), "author": signed.name, "at": _now(serving)}
        made = await rows_of(connection, _MAKE, values)
        if not made:
            detail = "There is a rota of that role there: change that one."
            raise ProblemError(409, "rota-there", "It is there already", detail)
        shown = await _one(connection, serving, signed, made[0]["rota"])
        _check_known(shown, [shift.account for shift in given.week])
    response.headers["ETag"] = etag(shown.version)
    return shown


@router.put("/rotas/{rota}", dependencies=[_EDITS])
async def change_rota(
    rota: int,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    given: RotaGiven,
    if_match: IfMatch = None,
) -> RotaShown:
    """Another weekly pattern."""
    async with acting(serving, signed) as connection:
        before = await _changeable(connection, serving, signed, rota)
        check_match(if_match, before.version)
        _check_known(before, [shift.account for shift in given.week])
        await connection.execute(
            "UPDATE rota SET week = %s, version = version + 1, author = %s, at = %s WHERE rota = %s",
            [_week(given), signed.name, _now(serving), rota],
        )
        shown = await _one(connection, serving, signed, rota)
    response.headers["ETag"] = etag(shown.version)
    return shown


@router.delete("/rotas/{rota}", dependencies=[_EDITS], status_code=204)
async def remove_rota(rota: int, serving: Served, signed: SignedIn) -> None:
    """From now on everybody who holds the role is told."""
    async with acting(serving, signed) as connection:
        await _changeable(connection, serving, signed, rota)
        await connection.execute(
            "UPDATE rota SET removed_at = %s, author = %s WHERE rota = %s", [_now(serving), signed.name, rota]
        )


@router.post("/rotas/{rota}/overrides", dependencies=[_EDITS], status_code=201)
async def override_rota(rota: int, serving: Served, signed: SignedIn, given: OverrideGiven) -> RotaShown:
    """Who is on duty in place of the pattern, with the reason."""
    async with acting(serving, signed) as connection:
        before = await _changeable(connection, serving, signed, rota)
        _check_known(before, [] if given.account is None else [given.account])
        values = {**given.model_dump(), "rota": rota, "author": signed.name, "at": _now(serving)}
        await connection.execute(_OVERRIDE, values)
        return await _one(connection, serving, signed, rota)


@router.post("/rotas/{rota}/swaps", dependencies=[_EDITS], status_code=201)
async def swap_duty(rota: int, serving: Served, signed: SignedIn, given: SwapGiven) -> RotaShown:
    """Two persons change places: each has the other's hours, with the reason."""
    async with acting(serving, signed) as connection:
        before = await _changeable(connection, serving, signed, rota)
        of = [alone(before, hours) for hours in (given.one, given.other)]
        if None in of or of[0] == of[1]:
            detail = "In each of the two spans one person must be on duty throughout, and not the same one."
            raise ProblemError(409, "no-swap", "They cannot be swapped", detail)
        for hours, account in zip((given.one, given.other), reversed(of), strict=True):
            values = {
                **hours.model_dump(),
                "account": account,
                "reason": given.reason,
                "rota": rota,
                "author": signed.name,
                "at": _now(serving),
            }
            await connection.execute(_OVERRIDE, values)
        return await _one(connection, serving, signed, rota)


@router.delete("/rotas/{rota}/overrides/{override}", dependencies=[_EDITS])
async def remove_override(rota: int, override: int, serving: Served, signed: SignedIn) -> RotaShown:
    """The pattern holds again."""
    async with acting(serving, signed) as connection:
        await _changeable(connection, serving, signed, rota)
        await connection.execute(
            "UPDATE rota_override SET removed_at = %s WHERE rota = %s AND id = %s",
            [_now(serving), rota, override],
        )
        return await _one(connection, serving, signed, rota)


async def _changeable(connection: AsyncConnection, serving: Serving, signed: Signed, rota: int) -> RotaShown:
    found = await read(connection, Asked(account=signed.account_id, now=_now(serving), rota=rota))
    if not found or not found[0].may_change:
        raise not_found("rota")
    return found[0]


async def _one(connection: AsyncConnection, serving: Serving, signed: Signed, rota: int) -> RotaShown:
    (found,) = await read(connection, Asked(account=signed.account_id, now=_now(serving), rota=rota))
    return found


def _check_known(rota: RotaShown, accounts: list[int]) -> None:
    if set(accounts) - {one.account for one in rota.candidates}:
        detail = "account: only who holds the role there can be on duty"
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="account")


def _week(given: RotaGiven) -> Jsonb:
    shifts = [Shift(days=s.days, begins=s.begins, ends=s.ends, account=s.account) for s in given.week]
    return Jsonb(msgspec.to_builtins(shifts))


def _now(serving: Serving) -> dt.datetime:
    return instant(serving.now_ms())
