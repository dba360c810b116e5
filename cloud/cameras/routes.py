"""Cameras over HTTP: boxes while one looks, alarms to be judged, and how far each can be believed."""

import asyncio
import contextlib
import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from cloud.accounts.permissions import SeenDevices, SignedIn, credential_of, requires
from cloud.cameras.exporting import Wanted, export
from cloud.cameras.model import (
    AlarmReview,
    AlarmReviewGiven,
    CameraAlarm,
    CameraFigures,
    SightShown,
    ViewAccepted,
    ViewAcceptedGiven,
    ViewShown,
)
from cloud.cameras.reviewing import FIGURES, QUEUE, TOLD, wilson
from cloud.cameras.views import ACCEPT, CAMERA, FOR, HEARD, LISTED, MOVED, STILL
from cloud.cameras.watching import SIGHT, WATCH, WATCH_S
from cloud.database import Row, instant
from cloud.exports import Mark
from cloud.exports.answers import Attachment, attachment, in_a_thread
from cloud.live.permits import Watched, still
from cloud.media.looks import who
from cloud.media.sealing import Vault
from cloud.paging import After, Limit, OfDevice, asked_part, by, part
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite, check_among
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.shown import Page
from cloud.sites.service import is_among

router = APIRouter(tags=["cameras"])

_SEES = requires("images.view", by_device=True)
_REVIEW = "images.review"
_REVIEWS = requires(_REVIEW, by_device=True)

ZIP = "application/zip"
FRESH = dt.timedelta(seconds=10)
"""What is older is not what the camera sees now."""
DEFAULT_SPAN = dt.timedelta(days=30)


class ZipFile(Attachment):
    """An archive."""

    media_type = ZIP


@router.post("/sites/{site}/cameras/{device}/watch", dependencies=[_SEES])
async def watch_camera(site: KnownSite, device: str, serving: Served, devices: SeenDevices) -> SightShown:
    """What a camera sees now, as boxes; the gateway goes on telling for as long as this is asked again.

    Ask once a second while somebody looks. Nothing of it is kept.
    """
    check_among(device, devices, "camera")
    now = instant(serving.now_ms())
    of = {"site": site.site, "mode": serving.settings.mode, "device": device}
    watched = await serving.row(WATCH, {**of, "until": now + dt.timedelta(seconds=WATCH_S)})
    if watched is None:
        raise not_found("camera")
    seen = await serving.row(SIGHT, {**of, "since": now - FRESH}) or {"at": None, "heads": []}
    return SightShown(at=seen["at"], until=watched["until"], heads=seen["heads"])


@router.post(
    "/sites/{site}/cameras/{device}/views",
    dependencies=[requires("configuration.edit")],
    status_code=202,
    responses={
        409: {
            "description": "The camera does not say that it has moved; no gateway is heard; "
            "or the view has changed since that picture: a newer one has come, or is on its way"
        }
    },
)
async def accept_view(
    site: KnownSite, device: str, given: ViewAcceptedGiven, serving: Served, signed: SignedIn
) -> ViewAccepted:
    """Say that the view of a camera that has moved is right as its newest picture shows it: its outlines fit.

    `sha256` names the picture that was looked at. The gateway takes the view on that picture, and only while
    the camera shows it; it is told for a minute, and the camera's state says when it has obeyed.
    """
    now = serving.now()
    of = _camera(site, serving, device)
    camera = await serving.row(CAMERA, {**of, "moved": MOVED, "heard_since": now - HEARD})
    if camera is None:
        raise not_found("camera")
    if not camera["has_moved"]:
        detail = "The camera does not say that its view has moved."
        raise ProblemError(409, "view-not-moved", "The view has not moved", detail)
    if not camera["is_heard"]:
        detail = "The gateway is not heard; who accepts a view must see the one that it has now."
        raise ProblemError(409, "gateway-not-heard", "The gateway is not heard", detail)
    newest = await serving.row(STILL, {**of, "only_here": False})
    noted = None
    if newest is not None and newest["is_here"] and newest["sha256"] == given.sha256:
        by_whom = {"account": signed.account_id, "author": signed.name, "now": now, "until": now + FOR}
        noted = await serving.row(ACCEPT, {**by_whom, "picture": newest["picture"], "reason": given.reason})
    if noted is None:
        detail = "The picture is not the newest of this camera: a newer one has come, or is on its way."
        raise ProblemError(409, "view-changed", "The view has changed since", detail)
    return ViewAccepted(**noted)


@router.get("/sites/{site}/cameras/{device}/view", dependencies=[_SEES])
async def read_view(site: KnownSite, device: str, serving: Served, devices: SeenDevices) -> ViewShown:
    """Which picture shows a camera's view, for whoever is to say that it is right."""
    check_among(device, devices, "camera")
    of = _camera(site, serving, device)
    here, newest = await asyncio.gather(
        serving.row(STILL, {**of, "only_here": True}), serving.row(STILL, {**of, "only_here": False})
    )
    if here is None or newest is None:
        raise not_found("still")
    return ViewShown(**here, newer_awaited=not newest["is_here"])


def _camera(site: SiteEntry, serving: Serving, device: str) -> dict[str, str]:
    return {"site": site.site, "mode": serving.settings.mode, "device": device}


@router.get("/sites/{site}/cameras/{device}/views", dependencies=[_SEES])
async def list_accepted_views(
    site: KnownSite,
    device: str,
    serving: Served,
    devices: SeenDevices,
    *,
    after: After = None,
    limit: Limit = 50,
) -> Page[ViewAccepted]:
    """Who said of this camera, when and why, that its moved view is right; the newest first."""
    check_among(device, devices, "camera")
    asked = {
        "site": site.site,
        "mode": serving.settings.mode,
        "device": device,
        **asked_part(after, limit),
    }
    rows = await serving.rows(LISTED, asked)
    shown, following = part(rows, limit, by("at"))
    return Page(items=[ViewAccepted(**row) for row in shown], next=following)


@router.get("/sites/{site}/camera-alarms", dependencies=[_SEES])
async def list_camera_alarms(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    state: Annotated[
        Literal["waiting", "reviewed", "all"], Query(description="`waiting`: nobody has said anything of it.")
    ] = "waiting",
    device: OfDevice = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[CameraAlarm]:
    """Alarms on what cameras see, the newest first, to be judged by people."""
    rows = await serving.rows(
        QUEUE,
        {
            "site": site.site,
            "mode": serving.settings.mode,
            "devices": devices,
            "device": device,
            "state": state,
            **asked_part(after, limit),
        },
    )
    shown, following = part(rows, limit, by("raised_at", "episode"))
    return Page(items=[_alarm(row) for row in shown], next=following)


def _alarm(row: Row) -> CameraAlarm:
    review = row["review"]
    if review is not None:
        review = AlarmReview(**{**review, "at": dt.datetime.fromisoformat(review["at"])})
    return CameraAlarm(**{**row, "review": review})


@router.post("/sites/{site}/camera-alarms/{episode}/reviews", dependencies=[_REVIEWS], status_code=201)
async def review_camera_alarm(
    site: KnownSite,
    episode: UUID,
    given: AlarmReviewGiven,
    serving: Served,
    signed: SignedIn,
    *,
    devices: SeenDevices,
) -> AlarmReview:
    """Say whether a camera's alarm was right. Who changes his mind says it again: the last counts, all stay.

    It judges the camera and nobody else: the hazard record is confirmed or rejected for itself.
    """
    row = await serving.row(
        """
        SELECT device FROM episode
         WHERE id = %(episode)s AND site = %(site)s AND mode = %(mode)s AND kind LIKE 'vision.%%'
        """,
        {"episode": episode, "site": site.site, "mode": serving.settings.mode},
    )
    if row is None:
        raise not_found("alarm")
    check_among(row["device"], devices, "alarm")
    noted = await serving.row(
        """
        INSERT INTO camera_review (episode, verdict, shows, note, account_id, author, at)
            VALUES (%(episode)s, %(verdict)s, %(shows)s, %(note)s, %(account)s, %(author)s, %(at)s)
            RETURNING verdict, shows, note, author, at
        """,
        {
            "episode": episode,
            "verdict": given.verdict,
            "shows": given.shows,
            "note": given.note,
            "account": signed.account_id,
            "author": signed.name,
            "at": instant(serving.now_ms()),
        },
    )
    assert noted is not None  # noqa: S101  just inserted
    return AlarmReview(**noted)


@router.get(
    "/sites/{site}/camera-alarms/export",
    dependencies=[_REVIEWS],
    response_class=ZipFile,
    responses={
        200: {"description": "The archive.", "content": {ZIP: {}}},
        429: {"description": "Another one is being made; `Retry-After` says when to try again."},
    },
)
async def export_camera_alarms(
    site: KnownSite,
    request: Request,
    serving: Served,
    signed: SignedIn,
    devices: SeenDevices,
    *,
    device: OfDevice = None,
) -> ZipFile:
    """Cut-outs of alarms on bare heads that people judged right or wrong, for a site's own training.

    With labels, in the form that the trainer of the helmet detector reads; all other heads are covered. Its
    README says who took it out when, and what was left out and why: the newest 2,000 at most, no unredacted
    picture, none that was judged as unclear. Who took it is noted (`picture-looks`).
    """
    mark = Mark(name=signed.name, at=serving.now(), time_zone=site.time_zone)
    wanted = Wanted(site.site, serving.settings.mode, devices, device)
    within = devices if device is None else [device] if is_among(device, devices) else []
    # From here on: meanwhile it is made, which takes up to a minute and a half.
    may_see = still(
        request.app.state.permits,
        Watched(credential_of(request), site.site),
        _REVIEW,
        lambda now: now is None or (within is not None and now.issuperset(within)),
    )
    by, vault = who(serving, signed), Vault.of(serving.settings)
    with contextlib.ExitStack() as unsent:
        written = unsent.enter_context(
            await in_a_thread(export, serving.dsn, wanted, mark, by=by, vault=vault)
        )
        if not await may_see():
            raise not_found("camera")
        # It is closed when it has been sent.
        unsent.pop_all()
    name = f"{site.site}-cut-outs-{mark.at:%Y-%m-%d}.zip"
    return ZipFile.of(written, attachment(name, ZIP), may_see)


@router.get("/sites/{site}/camera-figures", dependencies=[_SEES])
async def read_camera_figures(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    start: Annotated[
        dt.datetime | None, Query(alias="from", description="Left out: 30 days before the end.")
    ] = None,
    end: Annotated[dt.datetime | None, Query(alias="to", description="Left out: now.")] = None,
) -> Page[CameraFigures]:
    """How far each camera can be believed: false alarms as people judged, heads too small or unknown."""
    until = end or instant(serving.now_ms())
    of = {"site": site.site, "mode": serving.settings.mode, "devices": devices}
    rows = await serving.rows(FIGURES, {**of, "start": start or until - DEFAULT_SPAN, "end": until})
    told = {(row["device"], row["key"]): row["value"] for row in await serving.rows(TOLD, of)}
    return Page(items=[_figures(row, told) for row in rows], next=None)


def _figures(row: Row, told: dict[tuple[str, str], float]) -> CameraFigures:
    share = wilson(row["wrong"], row["right"] + row["wrong"]) or (None, None, None)
    return CameraFigures(
        **row,
        false_share=share[0],
        false_low=share[1],
        false_high=share[2],
        coverage=told.get((row["device"], "coverage")),
        unknown=told.get((row["device"], "unknown")),
    )
