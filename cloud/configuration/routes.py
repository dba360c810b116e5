"""Configurations of gateways over HTTP: versions, what became of them, checks, and the registry's draft."""

import asyncio
import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.configuration import draft, model, service
from cloud.configuration.service import Of
from cloud.database import AsyncConnection, Row, instant
from cloud.paging import After, Limit, by_key, number_after, part
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.registry.service import IfMatch, acting, check_match, etag
from cloud.serving import Served
from cloud.shown import Page
from sitewarden.bundle import BundleError, Files

router = APIRouter(tags=["configuration"])
_SEES, _EDITS = requires("configuration.view"), requires("configuration.edit")
_PATH = "/sites/{site}/gateways/{gateway}/configuration"
_CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"description": "Somebody has proposed another version meanwhile"},
    428: {"description": "`If-Match` is missing"},
}
Against = Annotated[int | None, Query(ge=0, description="The earlier version; 0 is nothing.")]


@router.get(_PATH, dependencies=[_SEES])
async def read_configuration(
    site: KnownSite, gateway: str, serving: Served, signed: SignedIn, response: Response
) -> model.ConfigurationShown:
    """How the gateway stands with its configuration; the ETag is that of the newest version."""
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        found = await service.current(connection, of)
    response.headers["ETag"] = etag(_number(found.newest))
    return model.ConfigurationShown(
        gateway=gateway,
        now=None if found.now is None else model.Now(**found.now),
        is_online=found.is_online,
        newest=None if found.newest is None else model.VersionWhole(**found.newest),
        in_force=None if found.in_force is None else model.VersionShown(**found.in_force),
        own_file=found.own_file,
        untold=None
        if found.untold is None
        else model.UntoldShown(
            at=found.untold["told_at"], why=found.untold["why"], errors=found.untold["errors"]
        ),
    )


@router.put(_PATH, dependencies=[_EDITS], responses=_CHANGED)
async def propose_configuration(
    site: KnownSite,
    gateway: str,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
    given: model.Proposal,
    if_match: IfMatch = None,
) -> model.VersionWhole:
    """A new version: sent to the gateway until it says what became of it. `"0"` is the ETag of none."""
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        now = instant(serving.now_ms())
        row = await _proposed(
            connection, of, given.files, if_match, author=signed.name, reason=given.reason, now=now
        )
    response.headers["ETag"] = etag(row["version"])
    return model.VersionWhole(**row)


@router.get(_PATH + "/versions", dependencies=[_SEES])
async def list_configurations(
    site: KnownSite,
    gateway: str,
    serving: Served,
    signed: SignedIn,
    *,
    after: After = None,
    limit: Limit = 50,
) -> Page[model.VersionShown]:
    """Every version that was proposed, the newest first."""
    before = number_after(after)
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        rows = await service.history(connection, of, before=before, limit=limit + 1)
    shown, following = part(rows, limit, by_key("version"))
    return Page(items=[model.VersionShown(**row) for row in shown], next=following)


@router.get(_PATH + "/versions/{version}", dependencies=[_SEES])
async def read_configuration_version(
    site: KnownSite, gateway: str, version: int, serving: Served, signed: SignedIn
) -> model.VersionWhole:
    """One version with its texts."""
    async with acting(serving, signed) as connection:
        row = await _version(connection, await _gateway(connection, site, gateway), version)
    return model.VersionWhole(**row)


@router.get(_PATH + "/versions/{version}/diff", dependencies=[_SEES])
async def compare_configurations(
    site: KnownSite,
    gateway: str,
    version: int,
    serving: Served,
    signed: SignedIn,
    *,
    against: Against = None,
) -> model.DiffShown:
    """How a version differs from an earlier one; left out, from the one before it."""
    before = version - 1 if against is None else against
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        new = await _version(connection, of, version)
        old: Files = (await _version(connection, of, before))["files"] if before > 0 else {}
    # In a thread, as below: what takes long for large texts keeps no other request waiting.
    found = await asyncio.to_thread(service.differences, old, new["files"])
    files = [model.FileDiff(file=name, lines=lines) for name, lines in found.items()]
    return model.DiffShown(before=before, after=version, files=files)


@router.post(_PATH + "/versions/{version}/rollback", dependencies=[_EDITS], responses=_CHANGED)
async def roll_back_configuration(
    site: KnownSite,
    gateway: str,
    version: int,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
    given: model.Return,
    if_match: IfMatch = None,
) -> model.VersionWhole:
    """Propose an older version anew, as a version of its own."""
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        old = await _version(connection, of, version)
        now = instant(serving.now_ms())
        row = await _proposed(
            connection, of, old["files"], if_match, author=signed.name, reason=given.reason, now=now
        )
    response.headers["ETag"] = etag(row["version"])
    return model.VersionWhole(**row)


@router.post(_PATH + "/check", dependencies=[_EDITS], status_code=202)
async def check_configuration(
    site: KnownSite, gateway: str, serving: Served, signed: SignedIn, asked: model.CheckAsked
) -> model.CheckShown:
    """Have the gateway check texts and reckon the load of its buses; nothing changes there."""
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        said = await service.current(connection, of)
        if said.now is None:
            raise _not_handed_over()
        try:
            key = await service.ask(connection, of, asked.files, signed.name, instant(serving.now_ms()))
        except BundleError as exc:
            raise _unfit(exc) from exc
        row = await service.answer_of(connection, of, key)
    return model.CheckShown(**(row or {}))


@router.get(_PATH + "/checks/{check}", dependencies=[_SEES])
async def read_configuration_check(
    site: KnownSite, gateway: str, check: UUID, serving: Served, signed: SignedIn
) -> model.CheckShown:
    """What the gateway has answered so far; checks are remembered for a day."""
    async with acting(serving, signed) as connection:
        row = await service.answer_of(connection, await _gateway(connection, site, gateway), check)
    if row is None:
        raise not_found("check")
    return model.CheckShown(**row)


@router.get(_PATH + "/draft", dependencies=[_SEES])
async def read_configuration_draft(
    site: KnownSite, gateway: str, serving: Served, signed: SignedIn
) -> model.DraftShown:
    """The newest texts with the design values and load charts of the registry; nothing is sent by this."""
    async with acting(serving, signed) as connection:
        of = await _gateway(connection, site, gateway)
        found = await service.current(connection, of)
        if found.newest is None and found.own_file is None:
            raise _not_handed_over()
        files = found.own_file if found.newest is None else found.newest["files"]
        facts = await draft.facts_of(connection, of.site)
    try:
        made = await asyncio.to_thread(draft.merged, files or {}, facts)
    except draft.UnmergeableError as exc:
        raise ProblemError(409, "unmergeable", "The texts cannot be changed", str(exc)) from exc
    return model.DraftShown(
        based_on=_number(found.newest),
        files=dict(made.files),
        changes=[model.DraftChange(**change._asdict()) for change in made.changes],
        unplaced=made.unplaced,
    )


async def _gateway(connection: AsyncConnection, site: SiteEntry, gateway: str) -> Of:
    found = await connection.execute(
        "SELECT FROM site_gateway WHERE site = %s AND gateway = %s", [site.site, gateway]
    )
    if await found.fetchone() is None:
        raise not_found("gateway")
    return Of(site.site, gateway)


async def _version(connection: AsyncConnection, of: Of, version: int) -> Row:
    row = await service.version_of(connection, of, version)
    if row is None:
        raise not_found("version")
    return row


async def _proposed(
    connection: AsyncConnection,
    of: Of,
    files: Files,
    if_match: str | None,
    *,
    author: str,
    reason: str,
    now: dt.datetime,
) -> Row:
    """The version that was made of them; a problem where somebody was quicker, or they are no bundle."""
    await service.lock(connection, of)
    found = await service.current(connection, of)
    check_match(if_match, _number(found.newest))
    try:
        version = await service.propose(connection, of, files, author=author, reason=reason, now=now)
    except BundleError as exc:
        raise _unfit(exc) from exc
    return await _version(connection, of, version)


def _number(newest: Row | None) -> int:
    return 0 if newest is None else int(newest["version"])


def _unfit(exc: BundleError) -> ProblemError:
    return ProblemError(422, "no-bundle", "Not a bundle of texts", str(exc), field=exc.file or "files")


def _not_handed_over() -> ProblemError:
    return ProblemError(
        409,
        "not-handed-over",
        "The gateway's own file says what it works from",
        "Enrol it, or write `configuration: {owner: cloud}` in its gateway.yaml, and start it.",
    )
