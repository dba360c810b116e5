"""Pictures of cameras over HTTP: brought by gateways, seen by whoever may see stills of alarms."""

import asyncio
import base64
from email.utils import format_datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request

from cloud.accounts.model import Signed
from cloud.accounts.permissions import ForGateways, SeenDevices, SignedIn, requires
from cloud.database import Row, connect
from cloud.evidence import media
from cloud.evidence.routes import SANDBOX, EvidenceFile
from cloud.media import tickets
from cloud.media.looks import LISTED, Look, note_one, who
from cloud.media.model import AlarmPictures, BoxKey, FileStands, PictureLook, PictureShown
from cloud.media.sealing import Part, Vault
from cloud.media.store import PARTS, box_key
from cloud.media.taking import Piece, take
from cloud.metrics import web as metrics
from cloud.paging import After, Limit, OfDevice, asked_part, by, part
from cloud.problems import PICTURES_CLOSED, ProblemError, not_found
from cloud.registry.access import KnownSite, check_among
from cloud.serving import Served, Serving
from cloud.shown import Page

router = APIRouter(tags=["cameras"])

_SEES = requires("images.view", by_device=True)
_BEARER = "bearer "
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes.", "content": {"application/octet-stream": {}}},
    **PICTURES_CLOSED,
}

_ALARM: LiteralString = """
    SELECT device, pictures, no_picture FROM episode WHERE id = %s AND site = %s
"""
_OF_ALARM: LiteralString = """
    SELECT media AS id, encode(sha256, 'hex') AS sha256, kind, media_type, bytes, at, unredacted,
           about,
           CASE WHEN erased_at IS NOT NULL THEN 'erased' WHEN kept_at IS NULL THEN 'awaited' ELSE 'kept' END
               AS state
      FROM camera_media
     WHERE site = %(site)s AND device = %(device)s AND kind <> 'still'
       AND (episode = %(episode)s OR encode(sha256, 'hex') = ANY (%(named)s)
            OR encode(of_sha256, 'hex') = ANY (%(named)s))
     ORDER BY kind DESC, at, media
"""
_FILE: LiteralString = """
    SELECT media, device, kind, media_type, encode(sha256, 'hex') AS sha256, at, unredacted
      FROM camera_media AS its
     WHERE kept_at IS NOT NULL AND erased_at IS NULL
"""
OF_ID: LiteralString = _FILE + "AND site = %(site)s AND media = %(media)s"
NEWEST_STILL: LiteralString = (
    _FILE
    + """
       AND site = %(site)s AND mode = %(mode)s AND device = %(device)s AND kind = 'still'
     ORDER BY at DESC LIMIT 1
"""
)


@router.get("/media/box-key", dependencies=[ForGateways], responses=PICTURES_CLOSED)
async def show_box_key(serving: Served) -> BoxKey:
    """For which gateways seal unredacted pictures. A public key: whoever asks may have it."""
    vault = Vault.of(serving.settings)
    key = await asyncio.to_thread(_box_key, serving.dsn, vault)
    return BoxKey(key=base64.b64encode(key).decode())


def _box_key(dsn: str, vault: Vault) -> bytes:
    if not vault.has_no_key_yet:
        return vault.box_key()
    with connect(dsn) as connection:
        return box_key(connection, vault)


@router.put(
    "/media/{sha256}",
    dependencies=[ForGateways],
    responses={
        409: {"description": "Not the next piece; the problem says which byte is"},
        415: {"description": "The whole is no picture of the kind that was offered"},
        **PICTURES_CLOSED,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The next bytes of the file, at most 1 MiB.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def bring_media(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    request: Request,
    serving: Served,
    upload_offset: Annotated[int, Header(ge=0, description="Which byte the piece begins with.")],
) -> FileStands:
    """A piece of a file that a gateway has offered, by the token (`Authorization: Bearer`) it was told.

    401: the token is not good, or no longer. 422: too much or too little; or the whole has another hash than
    was offered, and begins anew.
    """
    given = request.headers.get("authorization", "")
    token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
    # Before anything else: whoever has no token gets no connection to the database, nor is he listened to.
    ticket = await _ticket(serving, token)
    if ticket.sha256 != sha256:
        raise ProblemError(403, "forbidden", "Not allowed", "The token is for another file.")
    piece = Piece(ticket, upload_offset, await request.body())
    answer, kept = await asyncio.to_thread(
        take, serving.dsn, Vault.of(serving.settings), piece, serving.now_ms()
    )
    metrics.note_media(len(piece.content), kept)
    return FileStands(
        sha256=sha256, state="kept" if answer.state == "kept" else "wanted", offset=answer.offset
    )


async def _ticket(serving: Serving, token: str) -> tickets.Ticket:
    async def ask() -> bytes | None:
        row = await serving.row(tickets.KEY)
        return None if row is None else bytes(row["key"])

    try:
        return await serving.tickets.read(token, serving.now_ms(), ask)
    except tickets.BadTicketError as exc:
        raise ProblemError(401, "bad-token", "The token is not good", f"The token is {exc}.") from exc


@router.get("/sites/{site}/alarms/{episode}/pictures", dependencies=[_SEES])
async def list_pictures(
    site: KnownSite, episode: UUID, serving: Served, devices: SeenDevices
) -> AlarmPictures:
    """What there is to be seen of an alarm: first its snapshots, then the clip; also what is on its way."""
    alarm = await serving.row(_ALARM, [episode, site.site])
    if alarm is None:
        raise not_found("alarm")
    check_among(alarm["device"], devices, "alarm")
    named = [picture["sha256"] for picture in alarm["pictures"]]
    asked = {"site": site.site, "device": alarm["device"], "episode": episode, "named": named}
    found = [PictureShown(**row) for row in await serving.rows(_OF_ALARM, asked)]
    here = {picture.sha256 for picture in found}
    awaited = [_awaited(picture) for picture in alarm["pictures"] if picture["sha256"] not in here]
    return AlarmPictures(items=[*awaited, *found], no_picture=alarm["no_picture"])


def _awaited(named: dict[str, Any]) -> PictureShown:
    return PictureShown(
        id=None,
        sha256=named["sha256"],
        kind="clip" if named["kind"] == "clip" else "snapshot",
        media_type=named["media_type"],
        bytes=named["bytes"],
        at=None,
        state="awaited",
        unredacted=False,
        about=None,
    )


@router.get(
    "/sites/{site}/pictures/{picture}/file",
    dependencies=[_SEES],
    response_class=EvidenceFile,
    responses=_BYTES,
)
async def download_picture(
    site: KnownSite, picture: UUID, serving: Served, signed: SignedIn, devices: SeenDevices
) -> EvidenceFile:
    """The bytes of a picture; what was erased is not found. Who sees an unredacted one is noted."""
    row = await serving.row(OF_ID, {"site": site.site, "media": picture})
    if row is None:
        raise not_found("picture")
    check_among(row["device"], devices, "picture")
    return await _file(serving, signed, site.site, row)


@router.get(
    "/sites/{site}/cameras/{device}/still",
    dependencies=[_SEES],
    response_class=EvidenceFile,
    responses=_BYTES,
)
async def download_still(
    site: KnownSite, device: str, serving: Served, signed: SignedIn, devices: SeenDevices
) -> EvidenceFile:
    """How a camera's view looked last, everybody in it covered; `Last-Modified` says when.

    Who sees one that is unredacted is noted.
    """
    check_among(device, devices, "camera")
    asked = {"site": site.site, "mode": serving.settings.mode, "device": device}
    row = await serving.row(NEWEST_STILL, asked)
    if row is None:
        raise not_found("still")
    return await _file(serving, signed, site.site, row)


@router.get("/sites/{site}/picture-looks", dependencies=[requires("audit.view", by_device=True)])
async def list_picture_looks(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    device: OfDevice = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[PictureLook]:
    """Who was given unredacted pictures of cameras, and who took cut-outs out; the newest first.

    Written before the bytes went. Nothing is ever changed in it or taken out of it.
    """
    asked = {
        "site": site.site,
        "mode": serving.settings.mode,
        "devices": devices,
        "device": device,
        **asked_part(after, limit),
    }
    rows = await serving.rows(LISTED, asked)
    shown, following = part(rows, limit, by("at"))
    return Page(items=[PictureLook(**row) for row in shown], next=following)


async def _file(serving: Serving, signed: Signed, site: str, row: Row) -> EvidenceFile:
    parts = await serving.rows(PARTS, [row["media"]], binary=True)
    content = Vault.of(serving.settings).whole(row["media"], [Part(**part) for part in parts])
    if not content:
        # Its time was over a moment ago.
        raise not_found("picture")
    if row["unredacted"]:
        look = Look(
            site=site,
            mode=serving.settings.mode,
            device=row["device"],
            what=row["kind"],
            sha256=bytes.fromhex(row["sha256"]),
            taken_at=row["at"],
        )
        await note_one(serving, who(serving, signed), look)
    name = f"{row['device']}-{row['kind']}-{row['sha256'][:8]}.{media.ending_of(row['media_type'])}"
    return EvidenceFile(
        content,
        media_type=row["media_type"],
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "ETag": f'"{row["sha256"]}"',
            "Last-Modified": format_datetime(row["at"], usegmt=True),
            **SANDBOX,
        },
    )
