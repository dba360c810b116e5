"""Exports of histories over HTTP: asked for, looked at, saved, ended; each is its author's own."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Container
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, credential_of, requires
from cloud.callers import caller
from cloud.database import Row, connect, milliseconds
from cloud.exports.answers import CSV, attachment
from cloud.histories import store
from cloud.histories.model import MOST_OWN, MOST_ROWS, ExportShown, ExportWanted
from cloud.histories.sending import Sent, sent, wanted_span
from cloud.live.permits import Watched, still
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.shown import Page
from cloud.sites.service import device_of, is_among

router = APIRouter(prefix="/sites/{site}/history-exports", tags=["readings"])

_PERMISSION = "history.view"
_SEES = requires(_PERMISSION, by_device=True)
_TYPES = {"csv": CSV, "parquet": "application/vnd.apache.parquet"}
_CONTENT: dict[str, Any] = {media_type.partition(";")[0]: {} for media_type in _TYPES.values()}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": _CONTENT},
    206: {"description": "The part that was asked for.", "content": _CONTENT},
    409: {"description": "It is not written yet, or gone."},
    416: {"description": "The part lies beyond the end; `Content-Range` says where that is."},
}
_HEAD: dict[int | str, dict[str, Any]] = {200: {"description": "As the file is sent."}, 409: _FILE[409]}
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"description": f"The account has {MOST_OWN} exports under way or kept already."},
}


@router.post("", dependencies=[_SEES], status_code=201, responses=_REFUSED)
async def ask_for_export(
    site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices, wanted: ExportWanted
) -> ExportShown:
    """Have points over a span written to a file; look again until `state` is `done`, then save it."""
    if not wanted.start < wanted.end:
        raise ProblemError(422, "empty-range", "The range is empty", "`to` must lie after `from`.")
    points = sorted(set(wanted.points))
    if not all(is_among(device_of(point), devices) for point in points):
        raise not_found("point")
    await _check_own(serving, signed)
    estimated = await asyncio.to_thread(_estimated, serving, site.site, points, wanted)
    if estimated > MOST_ROWS:
        detail = (
            f"{estimated:,} rows; a file has {MOST_ROWS:,} at most: take a shorter span or another level."
        )
        values = {"rows": estimated, "most": MOST_ROWS}
        raise ProblemError(422, "too-much", "Too much for one file", detail, field="to", values=values)
    export = uuid.uuid4()
    asked = {
        "id": export,
        "points": points,
        "from": wanted.start,
        "to": wanted.end,
        "level": wanted.level,
        "form": wanted.form,
        "author": signed.name,
        "now": serving.now(),
        "estimated": estimated,
    }
    async with serving.pool.connection() as connection:
        await connection.execute(store.ASK, asked | _own(serving, site, signed))
    serving.exporter.wake()
    return ExportShown(**await _row_of(serving, site, signed, devices, export))


@router.get("", dependencies=[_SEES])
async def list_exports(
    site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices
) -> Page[ExportShown]:
    """The newest exports of whoever asks, at most 20."""
    query = store.SHOWN + "ORDER BY asked_at DESC, id LIMIT 20"
    rows = await serving.rows(query, _own(serving, site, signed))
    return Page(items=[ExportShown(**row) for row in rows if _is_seen(row, devices)], next=None)


@router.get("/{export}", dependencies=[_SEES])
async def read_export(
    site: KnownSite, export: UUID, serving: Served, signed: SignedIn, devices: SeenDevices
) -> ExportShown:
    """How far it is."""
    return ExportShown(**await _row_of(serving, site, signed, devices, export))


@router.head("/{export}/file", dependencies=[_SEES], response_class=Response, responses=_HEAD)
async def describe_export_file(
    site: KnownSite, export: UUID, serving: Served, signed: SignedIn, devices: SeenDevices
) -> Response:
    """How long the file is, its tag, and that it is given out in parts; a `Range` means nothing here."""
    row = await _file_row_of(serving, site, signed, devices, export)
    return Response(headers=_described(site, row) | {"Content-Length": str(row["bytes"])})


@router.get("/{export}/file", dependencies=[_SEES], response_class=StreamingResponse, responses=_FILE)
async def read_export_file(
    site: KnownSite,
    export: UUID,
    request: Request,
    serving: Served,
    signed: SignedIn,
    *,
    devices: SeenDevices,
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """The file, or a part of it where a `Range` is asked for: what broke off is resumed, at any process.

    It breaks off where whoever saves it may not see it any more.
    """
    row = await _file_row_of(serving, site, signed, devices, export)
    headers, size = _described(site, row), row["bytes"]
    # A date is no tag, and a weak tag is never one's own: what may have changed is sent whole.
    span = wanted_span(range_ if if_range in {None, headers["ETag"]} else None, size)
    if span is None:
        ends = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        raise ProblemError(416, "no-such-part", "No such part", f"The file has {size} bytes.", ends)
    headers["Content-Length"] = str(span.size)
    is_part = span.size < size
    if is_part:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    watched = Watched(credential_of(request), site.site)
    may_see = still(request.app.state.permits, watched, _PERMISSION, lambda now: _is_seen(row, now))
    file = Sent(str(export), row["tries"], caller(), may_see)
    return StreamingResponse(
        sent(serving, file, span),
        status_code=206 if is_part else 200,
        media_type=_TYPES[row["form"]],
        headers=headers,
    )


async def _file_row_of(
    serving: Serving, site: SiteEntry, signed: Signed, devices: list[str] | None, export: UUID
) -> Row:
    row = await _row_of(serving, site, signed, devices, export)
    if row["state"] != "done" or not await serving.rows(store.PART, [export, row["tries"], 0]):
        raise ProblemError(409, "no-file", "There is no file", "It is not written yet, or gone.")
    return row


def _described(site: SiteEntry, row: Row) -> dict[str, str]:
    """Headers of the file, whatever part of it is sent."""
    first, last = (at.astimezone(dt.UTC).strftime("%Y%m%dT%H%M") for at in (row["from"], row["to"]))
    name = f"{site.site}-{row['level']}-{first}-{last}.{row['form']}"
    # Said to be encoded already: compressed on the way nobody would know how much is still to come.
    return attachment(name, _TYPES[row["form"]]) | {
        "Content-Encoding": "identity",
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "bytes",
        "ETag": f'"{row["sha256"]}"',
    }


@router.delete("/{export}", dependencies=[_SEES], status_code=204)
async def end_export(
    site: KnownSite, export: UUID, serving: Served, signed: SignedIn, devices: SeenDevices
) -> Response:
    """Stop one that is under way, or remove the file of one that is done."""
    await _row_of(serving, site, signed, devices, export)
    async with serving.pool.connection() as connection:
        await connection.execute(store.END, {"id": export, "now": serving.now()})
    serving.exporter.wake()
    return Response(status_code=204)


def _own(serving: Serving, site: SiteEntry, signed: Signed) -> Row:
    return {"site": site.site, "mode": serving.settings.mode, "account": signed.account_id}


def _is_seen(row: Row, devices: Container[str] | None) -> bool:
    """Whether all of it may still be seen."""
    return all(is_among(device_of(point), devices) for point in row["points"])


async def _row_of(
    serving: Serving, site: SiteEntry, signed: Signed, devices: list[str] | None, export: UUID
) -> Row:
    row = await serving.row(store.SHOWN + "AND id = %(id)s", _own(serving, site, signed) | {"id": export})
    if row is None or not _is_seen(row, devices):
        raise not_found("export")
    return row


async def _check_own(serving: Serving, signed: Signed) -> None:
    row = await serving.row(store.COUNT_OWN, {"account": signed.account_id})
    if row is not None and row["n"] >= MOST_OWN:
        detail = f"You have {MOST_OWN} exports under way or kept; remove one of them first."
        raise ProblemError(409, "too-many-exports", "Too many exports", detail)


def _estimated(serving: Serving, site: str, points: list[str], wanted: ExportWanted) -> int:
    """How many rows it comes to; a problem where there is no such point."""
    # Numbers in columns are a tenth of a second's loading, which pages need not wait for.
    from cloud.backtest.store import points_of  # noqa: PLC0415

    with connect(serving.dsn) as connection:
        connection.execute("SET statement_timeout = '20s'")
        stored = points_of(connection, site, serving.settings.mode)
        if not all(point in stored for point in points):
            raise not_found("point")
        ids = [point_id for point in points for point_id, _ in stored[point].rows]
        span = (milliseconds(wanted.start), milliseconds(wanted.end))
        return sum(n for _, n in store.counted(connection, ids, wanted.level, *span))
