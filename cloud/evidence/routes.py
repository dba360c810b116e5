"""Evidence over HTTP: bytes in, bytes out, and nothing that runs in a browser."""

import asyncio
import datetime as dt
import hashlib
from typing import Annotated, Any, LiteralString
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from cloud.accounts.model import Signed
from cloud.accounts.permissions import AnySigned, SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Connection, Row, connect, instant
from cloud.evidence import media
from cloud.evidence.items import Stage
from cloud.evidence.model import EvidenceAwaited, EvidenceItemShown, EvidenceShown
from cloud.evidence.store import ITEMS, OF_RECORD, NewItem, put
from cloud.media.looks import Look, note_one, who
from cloud.media.sealing import Vault, place_of_evidence
from cloud.problems import PICTURES_CLOSED, ProblemError, not_found
from cloud.registry.service import IfMatch, check_match, etag
from cloud.serving import Served, Serving

router = APIRouter(tags=["evidence"])

FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "JPEG, PNG, WebP, PDF or MP4, at most 12 MiB: what it is, its bytes say.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""Of a route that takes a file as its body."""

_SEES = "hazards.view"
_LOOKS = "images.view"
_LOOKED_AT: LiteralString = "AND (%(looks)s OR NOT about ? 'camera') "
"""Pictures of cameras, for those alone who may see them."""
ACTING = (
    *("hazards.file", "hazards.confirm", "hazards.reject", "hazards.confirm_major", "hazards.reject_major"),
    *("rectification.plan", "rectification.submit", "rectification.review"),
    *("hazards.close", "hazards.close_major", "inspections.record"),
)
"""Whoever may do one of these at a record may bring evidence for it."""
MOST = 200
"""Of people, beside one record: nothing of it is ever removed, and no danger takes more to show."""
_PATH = "/hazards/{hazard}/evidence"
SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Words = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]

_RECORD: LiteralString = """
    SELECT number, site, version, ended_at IS NOT NULL AS has_ended,
           sees_device(%(account)s, site, device, %(acting)s) AS may_act,
           %(looks)s AND sees_device(%(account)s, site, device, %(looking)s) AS may_look
      FROM hazard WHERE id = %(hazard)s AND sees_device(%(account)s, site, device, %(seeing)s)
"""


async def _record(serving: Serving, signed: Signed, hazard: UUID) -> Row:
    """The record, if the account may see it, and whether it may act on it."""
    asked = {
        "hazard": hazard,
        "account": signed.account_id,
        "seeing": roles_with(_SEES),
        "looking": roles_with(_LOOKS),
        "looks": signed.permissions is None or _LOOKS in signed.permissions,
        "acting": sorted({role for permission in ACTING for role in roles_with(permission)}),
    }
    row = await serving.row(_RECORD, asked)
    if row is None:
        raise not_found("hazard")
    return row


@router.get(_PATH, dependencies=[requires(_SEES)])
async def list_evidence(hazard: UUID, serving: Served, signed: SignedIn) -> EvidenceShown:
    """All that belongs to the record, the oldest first."""
    record = await _record(serving, signed, hazard)
    asked = {"hazard": hazard, "looks": record["may_look"]}
    rows = await serving.rows(ITEMS + OF_RECORD + _LOOKED_AT + "ORDER BY at, item", asked)
    awaited = await serving.row(
        'SELECT from_at AS start, to_at AS "end" FROM evidence_window '
        "WHERE hazard_id = %s AND frozen_at IS NULL",
        [hazard],
    )
    return EvidenceShown(
        items=[_shown(row) for row in rows], awaited=EvidenceAwaited(**awaited) if awaited else None
    )


def _shown(row: Row) -> EvidenceItemShown:
    return EvidenceItemShown(**{name: row[name] for name in EvidenceItemShown.model_fields})


@router.post(
    _PATH,
    status_code=201,
    dependencies=[AnySigned],
    responses={
        200: {"description": "The same bytes were there already.", "model": EvidenceItemShown},
        409: {
            "description": "They are there, brought for something else; the record has ended, or has too many"
        },
        415: {"description": "Not one of the kinds of files that are taken"},
    },
    openapi_extra=FILE_BODY,
)
async def bring_evidence(
    hazard: UUID,
    request: Request,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    stage: Annotated[Stage, Query(description="What it is brought for.")],
    name: Annotated[Words, Query(max_length=200)] = "",
    note: Annotated[Words, Query(max_length=1000)] = "",
    if_match: IfMatch = None,
) -> EvidenceItemShown:
    """Put a file beside the record. Of a photo (JPEG) only the picture is kept: not where it was taken.

    With `If-Match`, nothing is put beside a record that has changed, and the answer says its new ETag.
    """
    record = await _record(serving, signed, hazard)
    if signed.account_id is None or not record["may_act"]:
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not act on this record.")
    given = await request.body()
    # A large file takes a while, and meanwhile others are answered.
    found, content = await asyncio.to_thread(taken, given)
    new = NewItem(
        hazard_id=hazard,
        kind=found.kind,
        stage=stage,
        content=content,
        given_sha256=hashlib.sha256(given).digest(),
        media_type=found.media_type,
        name=name,
        note=note,
        about={"taken_out": len(given) - len(content)} if found is media.JPEG else {},
        account_id=signed.account_id,
        author=signed.name,
        at=instant(serving.now_ms()),
    )
    row, is_new, version = await asyncio.to_thread(_put, serving.dsn, new, if_match)
    if row["stage"] != stage:
        detail = f"The same file is there already, brought as `{row['stage']}`."
        raise ProblemError(409, "already-there", "It is there already", detail, field="stage")
    if if_match is not None:
        response.headers["ETag"] = etag(version)
    response.status_code = 201 if is_new else 200
    return _shown(row)


def taken(given: bytes) -> tuple[media.Media, bytes]:
    """What a file is, and of it what is kept; a problem where it is none that is taken."""
    try:
        found = media.media_of(given)
        return found, media.without_metadata(given).content if found is media.JPEG else given
    except media.NotTakenError as exc:
        detail = f"The file {exc}."
        raise ProblemError(
            415, "unsupported-media-type", "Not a file that is taken", detail, field="body"
        ) from exc


def _put(dsn: str, new: NewItem, if_match: str | None) -> tuple[Row, bool, int]:
    """The item, whether it is new, and the version of the record afterwards."""
    with connect(dsn) as connection, connection.transaction():
        locked = connection.execute(
            "SELECT version, ended_at IS NOT NULL FROM hazard WHERE id = %s FOR NO KEY UPDATE",
            [new.hazard_id],
        ).fetchone()
        if locked is None:
            # It was his a moment ago.
            raise not_found("hazard")
        if if_match is not None:
            check_match(if_match, locked[0])
        if locked[1]:
            detail = "The record has ended; reopen it first."
            raise ProblemError(409, "record-ended", "The record has ended", detail)
        row, is_new = put(connection, new)
        if is_new:
            _check_room(connection, new.hazard_id)
        return row, is_new, locked[0] + int(is_new)


def _check_room(connection: Connection, hazard_id: UUID) -> None:
    """After the item is there, so that the same file again is no file more; the transaction takes it back."""
    found = connection.execute(
        "SELECT count(*) > %s FROM evidence_item WHERE hazard_id = %s AND account_id IS NOT NULL",
        [MOST, hazard_id],
    ).fetchone()
    if found == (True,):
        detail = f"A record has at most {MOST} files of people."
        raise ProblemError(409, "too-many-files", "Too many files", detail, values={"most": MOST})


class EvidenceFile(Response):
    """The bytes of an item."""

    media_type = "application/octet-stream"


@router.get(
    _PATH + "/{item}/file",
    dependencies=[requires(_SEES)],
    response_class=EvidenceFile,
    responses={
        200: {
            "description": "The bytes, whose SHA-256 the item says.",
            "content": {"application/octet-stream": {}},
        },
        **PICTURES_CLOSED,
    },
)
async def download_evidence(hazard: UUID, item: UUID, serving: Served, signed: SignedIn) -> EvidenceFile:
    """The bytes of an item: an image to be shown, all else to be saved."""
    record = await _record(serving, signed, hazard)
    row = await serving.row(
        "SELECT media_type, kind, stage, encode(evidence_item.sha256, 'hex') AS sha256, content, sealed, "
        "key, about "
        "FROM evidence_item JOIN evidence_file USING (sha256) "
        + OF_RECORD
        + _LOOKED_AT
        + "AND item = %(item)s",
        {"hazard": hazard, "item": item, "looks": record["may_look"]},
    )
    if row is None:
        raise not_found("item")
    content = row["content"]
    if row["sealed"]:
        place = place_of_evidence(bytes.fromhex(row["sha256"]))
        content = Vault.of(serving.settings).open(content, place, row["key"])
    if row["sealed"] or row["about"].get("unredacted"):
        await note_one(serving, who(serving, signed), _look(serving, record, hazard, row))
    how = "inline" if row["media_type"] in media.SHOWN else "attachment"
    name = f"{record['number']}-{row['kind']}-{row['sha256'][:8]}.{media.ending_of(row['media_type'])}"
    return EvidenceFile(
        content,
        media_type=row["media_type"],
        headers={
            "Content-Disposition": f'{how}; filename="{name}"',
            "ETag": f'"{row["sha256"]}"',
            **SANDBOX,
        },
    )


def _look(serving: Serving, record: Row, hazard: UUID, row: Row) -> Look:
    """What is noted where somebody sees an unredacted picture, whoever has brought it here."""
    about = row["about"]
    taken_at = about.get("taken_at")
    return Look(
        site=record["site"],
        mode=serving.settings.mode,
        device=about.get("camera"),
        what="clip" if row["kind"] == "video" else "snapshot",
        sha256=bytes.fromhex(row["sha256"]),
        taken_at=dt.datetime.fromisoformat(taken_at) if taken_at else None,
        hazard_id=hazard,
    )
