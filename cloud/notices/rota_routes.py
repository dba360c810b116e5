"""Rotas over HTTP."""

import datetime as dt
from typing import Annotated, LiteralString

import msgspec
from fastapi import APIRouter, Query, Response
from psycopg.types.json import Jsonb

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, instant
from cloud.instants import rfc3339
from cloud.notices.rota import Override, Rota, Shift
from cloud.notices.rota_model import (
    Candidate,
    OverrideGiven,
    OverrideShown,
    RotaGiven,
    RotaNew,
    RotaShown,
    RotasShown,
    ShiftGiven,
    SpanShown,
)
from cloud.notices.store import rows_of
from cloud.problems import ProblemError, not_found
from cloud.registry.model import Name
from cloud.registry.service import IfMatch, acting, check_match, etag
from cloud.serving import Served, Serving
from cloud.shown import from_json

router = APIRouter(tags=["notices"])
_SEES, _EDITS = requires("notices.view"), requires("rota.edit")
_AHEAD = dt.timedelta(days=14)
_ROTAS: LiteralString = """
    SELECT rota.*,
           CASE WHEN rota.site IS NOT NULL THEN sees_site(%(account)s, rota.site, %(roles)s)
                ELSE rules_node(%(account)s, its.path, %(roles)s) END AS may_change,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'id', id, 'starts_at', starts_at, 'ends_at', ends_at, 'account', account_id,
                                'reason', reason, 'author', over.author) ORDER BY id)
                       FROM rota_override AS over
                      WHERE over.rota = rota.rota AND over.removed_at IS NULL AND over.ends_at > %(now)s),
                    '[]') AS overrides,
           coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('account', whose.id, 'name', whose.name))
                       FROM assignment AS given
                            JOIN account AS whose ON whose.id = given.account_id AND whose.disabled_at IS NULL
                            LEFT JOIN tree_node AS top ON top.node = given.node
                      WHERE given.role = rota.role AND given.devices IS NULL
                            AND given.valid_from <= statement_timestamp()
                            AND coalesce(given.valid_until > statement_timestamp(), true)
                            AND (num_nonnulls(given.node, given.site) = 0 OR given.site = rota.site
                                 OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)
                                 OR starts_with(its.path, top.path))), '[]') AS candidates
      FROM rota LEFT JOIN tree_node AS its ON its.node = rota.node
           LEFT JOIN site ON site.site = rota.site
           LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
     WHERE rota.removed_at IS NULL AND (%(rota)s::int IS NULL OR rota.rota = %(rota)s)
           AND (%(site)s::text IS NULL OR rota.site = %(site)s)
     ORDER BY rota.site NULLS FIRST, its.path, rota.role
"""
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
) -> RotasShown:
    """Who is on duty where, and where nobody will be in the next two weeks."""
    async with acting(serving, signed) as connection:
        return RotasShown(items=await _read(connection, serving, signed, site=site))


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
        shown = (await _read(connection, serving, signed, rota=made[0]["rota"]))[0]
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
        shown = (await _read(connection, serving, signed, rota=rota))[0]
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
        return (await _read(connection, serving, signed, rota=rota))[0]


@router.delete("/rotas/{rota}/overrides/{override}", dependencies=[_EDITS])
async def remove_override(rota: int, override: int, serving: Served, signed: SignedIn) -> RotaShown:
    """The pattern holds again."""
    async with acting(serving, signed) as connection:
        await _changeable(connection, serving, signed, rota)
        await connection.execute(
            "UPDATE rota_override SET removed_at = %s WHERE rota = %s AND id = %s",
            [_now(serving), rota, override],
        )
        return (await _read(connection, serving, signed, rota=rota))[0]


async def _changeable(connection: AsyncConnection, serving: Serving, signed: Signed, rota: int) -> RotaShown:
    found = await _read(connection, serving, signed, rota=rota)
    if not found or not found[0].may_change:
        raise not_found("rota")
    return found[0]


async def _read(
    connection: AsyncConnection,
    serving: Serving,
    signed: Signed,
    *,
    rota: int | None = None,
    site: str | None = None,
) -> list[RotaShown]:
    now = _now(serving)
    asked = {
        "account": signed.account_id,
        "roles": roles_with("rota.edit"),
        "now": now,
        "rota": rota,
        "site": site,
    }
    return [_shown(row, now) for row in await rows_of(connection, _ROTAS, asked)]


def _shown(row: Row, now: dt.datetime) -> RotaShown:
    week = msgspec.convert(row["week"], list[Shift])
    candidates = [Candidate(**one) for one in row["candidates"]]
    holders = {one.account for one in candidates}
    rota = Rota(
        time_zone=row["time_zone"], week=week, overrides=msgspec.convert(row["overrides"], list[Override])
    )
    # Who no longer holds the role is told nothing: his hours are a gap like any other.
    spans = [
        SpanShown(
            starts_at=rfc3339(span.starts_at),
            ends_at=rfc3339(span.ends_at),
            accounts=sorted(span.accounts & holders),
        )
        for span in rota.spans(now, now + _AHEAD)
    ]
    return RotaShown(
        id=row["rota"],
        site=row["site"],
        node=row["node"],
        role=row["role"],
        time_zone=row["time_zone"],
        week=[ShiftGiven(days=s.days, begins=s.begins, ends=s.ends, account=s.account) for s in week],
        overrides=[OverrideShown(**from_json(one, "starts_at", "ends_at")) for one in row["overrides"]],
        spans=spans,
        candidates=sorted(candidates, key=lambda one: one.name),
        may_change=row["may_change"],
        version=row["version"],
    )


def _check_known(rota: RotaShown, accounts: list[int]) -> None:
    if set(accounts) - {one.account for one in rota.candidates}:
        detail = "account: only who holds the role there can be on duty"
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="account")


def _week(given: RotaGiven) -> Jsonb:
    shifts = [Shift(days=s.days, begins=s.begins, ends=s.ends, account=s.account) for s in given.week]
    return Jsonb(msgspec.to_builtins(shifts))


def _now(serving: Serving) -> dt.datetime:
    return instant(serving.now_ms())
