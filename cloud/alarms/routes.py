"""Alarms over HTTP."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.alarms.model import Asked, Episode, RequestKind, RequestShown, ShelveAsked, UnshelveAsked
from cloud.alarms.requests import REQUESTS, Target, Wanted, ask
from cloud.alarms.store import EPISODES, IS_ACKNOWLEDGED
from cloud.database import Row, instant
from cloud.notices import acknowledging
from cloud.paging import After, Limit, OfDevice, asked_part, by, part
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite, check_among
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.shown import Page

router = APIRouter(tags=["alarms"])

_SEES = requires("live.view", by_device=True)
_ACKNOWLEDGES = requires("alarms.acknowledge", by_device=True)
_SHELVES = requires("alarms.shelve")

LONGEST_SHELF = dt.timedelta(hours=24)
"""A gateway shortens whatever is longer."""


@router.get("/sites/{site}/alarms", dependencies=[_SEES])
async def list_alarms(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    state: Annotated[
        Literal["active", "returned", "all"],
        Query(description="`returned`: ended before anybody had acknowledged them."),
    ] = "active",
    device: OfDevice = None,
    episode: Annotated[UUID | None, Query(description="That alarm alone.")] = None,
    digest: Annotated[UUID | None, Query(description="Those that this notice told of together.")] = None,
    mode: Annotated[
        Literal["live", "test", "drill", "replay"] | None,
        Query(description="Modes are never mixed; left out, it is that of this cloud."),
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Episode]:
    """Episodes, the newest first."""
    rows = await serving.rows(
        EPISODES  # noqa: S608  of constants only
        + """
        WHERE site = %(site)s AND mode = %(mode)s
          AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
          AND (%(device)s::text IS NULL OR device = %(device)s)
          AND (%(episode)s::uuid IS NULL OR id = %(episode)s)
          AND (%(digest)s::uuid IS NULL OR id IN (
                   SELECT notice.episode FROM notice WHERE notice.digest = %(digest)s))
          AND (%(state)s = 'all' OR (%(state)s = 'active' AND cleared_at IS NULL)
               OR (%(state)s = 'returned' AND cleared_at IS NOT NULL AND acknowledged_at IS NULL))
          AND (%(at)s::timestamptz IS NULL OR (raised_at, id) < (%(at)s, %(id)s::uuid))
        ORDER BY raised_at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "mode": mode or serving.settings.mode,
            "devices": devices,
            "state": state,
            "device": device,
            "episode": episode,
            "digest": digest,
            **asked_part(after, limit),
        },
    )
    shown, following = part(rows, limit, by("raised_at"))
    return Page(items=[Episode(**row) for row in shown], next=following)


@router.get("/sites/{site}/alarms/{episode}/requests", dependencies=[_SEES])
async def list_requests(
    site: KnownSite, episode: UUID, serving: Served, devices: SeenDevices
) -> Page[RequestShown]:
    """Who asked what of an alarm here, when and why, and what became of it; the newest first, at most 100."""
    check_among((await _row_of(serving, site, episode))["device"], devices, "alarm")
    rows = await serving.rows(REQUESTS + "WHERE episode = %s ORDER BY asked_at DESC LIMIT 100", [episode])
    return Page(items=[RequestShown(**row) for row in rows], next=None)


@router.post("/sites/{site}/alarms/{episode}/acknowledge", dependencies=[_ACKNOWLEDGES], status_code=202)
async def acknowledge_alarm(
    site: KnownSite,
    episode: UUID,
    serving: Served,
    signed: SignedIn,
    devices: SeenDevices,
    *,
    request: Request,
) -> Asked:
    """Say that you know of an alarm; the gateway notes it and silences its siren, the danger may stand.

    It is so once the alarm says `acknowledged_at`. Of an alarm that has ended it is noted here alone. Who was
    to be told next is told all the same, unless you hold a role whose word counts.
    """
    row, known = await _row_of(serving, site, episode), await serving.row(IS_ACKNOWLEDGED, [episode])
    check_among(row["device"], devices, "alarm")
    await acknowledging.of_alarm(
        serving, signed, episode, None if request.client is None else request.client.host
    )
    if known is not None and known["so"]:
        return Asked(alarm=Episode(**row), request=None)
    return await _asked(serving, site, row, _wanted(serving, signed, "acknowledge"))


@router.post("/sites/{site}/alarms/{episode}/shelve", dependencies=[_SHELVES], status_code=202)
async def shelve_alarm(
    site: KnownSite, episode: UUID, asked: ShelveAsked, serving: Served, signed: SignedIn
) -> Asked:
    """Hold back the rule of an alarm that stands, for a time; it is so once its gateway says so."""
    row, now = await _row_of(serving, site, episode), instant(serving.now_ms())
    if not now < asked.until <= now + LONGEST_SHELF:
        detail = "`until` must lie ahead, by at most 24 hours."
        raise ProblemError(422, "bad-until", "Not a time to shelve for", detail)
    if row["cleared_at"] is not None:
        raise ProblemError(409, "alarm-ended", "The alarm has ended", "Only an alarm that stands is shelved.")
    until = asked.until.astimezone(dt.UTC)
    whole = until.replace(microsecond=until.microsecond // 1000 * 1000)
    return await _asked(
        serving, site, row, _wanted(serving, signed, "shelve", until=whole, reason=asked.reason)
    )


@router.post("/sites/{site}/alarms/{episode}/unshelve", dependencies=[_SHELVES], status_code=202)
async def unshelve_alarm(
    site: KnownSite, episode: UUID, asked: UnshelveAsked, serving: Served, signed: SignedIn
) -> Asked:
    """Hold back the rule of an alarm no longer; also where that alarm has ended."""
    row = await _row_of(serving, site, episode)
    return await _asked(serving, site, row, _wanted(serving, signed, "unshelve", reason=asked.reason))


def _wanted(
    serving: Serving, signed: Signed, kind: RequestKind, *, until: dt.datetime | None = None, reason: str = ""
) -> Wanted:
    if serving.settings.mode == "replay":
        detail = "What is shown is a recorded history: nothing is asked of its alarms."
        raise ProblemError(409, "replay", "The past does not change", detail)
    return Wanted(kind=kind, by=signed.name, at=instant(serving.now_ms()), until=until, reason=reason)


async def _asked(serving: Serving, site: SiteEntry, row: Row, wanted: Wanted) -> Asked:
    episode = UUID(str(row["id"]))
    whose = await serving.row("SELECT gateway_id FROM episode WHERE id = %s", [episode])
    if whose is None:
        raise not_found("alarm")
    target = Target(episode, whose["gateway_id"], row["point"], row["rule"])
    async with serving.pool.connection() as connection:
        request = await ask(connection, target, wanted)
    if request is None:
        detail = "Somebody else has just asked something different of this alarm."
        raise ProblemError(409, "asked-otherwise", "Asked otherwise", detail)
    return Asked(alarm=Episode(**await _row_of(serving, site, episode)), request=request)


async def _row_of(serving: Serving, site: SiteEntry, episode: UUID) -> Row:
    """An alarm of the mode that is shown; a problem where there is none."""
    row = await serving.row(
        EPISODES + "WHERE id = %s AND site = %s AND mode = %s", [episode, site.site, serving.settings.mode]
    )
    if row is None:
        raise not_found("alarm")
    return row
