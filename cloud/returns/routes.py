"""Dossiers over HTTP: what was put together about an incident or an overdue hazard, and making it anew."""

import asyncio
from typing import Annotated, Any, LiteralString
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row, connect
from cloud.exports import XLSX, Mark
from cloud.exports.answers import Attachment, attachment
from cloud.problems import ProblemError, not_found
from cloud.returns import packing, store, tracing
from cloud.returns.model import Dossiers, DossierShown, TraceShown
from cloud.returns.store import Cause
from cloud.serving import Served, Serving

router = APIRouter(tags=["returns"])
PREPARES = "reports.prepare"
"""They name who was at the site and who was not: whoever only looks does not see them."""

_ONE: LiteralString = store.SHOWN + "AND dossier = %(dossier)s"
_OF: LiteralString = (
    store.SHOWN
    + "AND (incident_id = %(incident)s OR hazard_id = %(hazard)s)"
    + " ORDER BY made_at DESC, version DESC LIMIT 200"
)
_CONTENT: LiteralString = """
    SELECT dossier.kind, dossier.version, dossier.content, site.time_zone,
           coalesce(hazard.number, incident.number) AS number
      FROM dossier JOIN site USING (site)
           LEFT JOIN hazard ON hazard.id = dossier.hazard_id
           LEFT JOIN incident ON incident.id = dossier.incident_id
     WHERE sees_site(%(account)s, dossier.site, %(roles)s) AND dossier = %(dossier)s
"""
_INCIDENT: LiteralString = """
    SELECT site, NULL::uuid AS hazard, id AS incident, occurred_at AS at FROM incident
     WHERE id = %(incident)s AND sees_site(%(account)s, site, %(roles)s)
"""


def _asked(signed: Signed, **more: Any) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(PREPARES), **more}


@router.get("/dossiers", dependencies=[requires(PREPARES)])
async def list_dossiers(
    serving: Served,
    signed: SignedIn,
    *,
    incident: Annotated[UUID | None, Query(description="Of this incident.")] = None,
    hazard: Annotated[UUID | None, Query(description="Of this hazard.")] = None,
) -> Dossiers:
    """What was put together about an incident or a hazard, the newest first."""
    rows = await serving.rows(_OF, _asked(signed, incident=incident, hazard=hazard))
    return Dossiers(items=[DossierShown(**row) for row in rows])


@router.post(
    "/incidents/{incident}/packages",
    status_code=201,
    dependencies=[requires(PREPARES)],
    responses={200: {"description": "Nothing has changed since the last one.", "model": DossierShown}},
)
async def make_package(incident: UUID, serving: Served, signed: SignedIn, response: Response) -> DossierShown:
    """Put together all that is known of an incident by now: a further version, where anything has changed."""
    row = await serving.row(_INCIDENT, _asked(signed, incident=incident))
    if row is None:
        raise not_found("incident")
    made, is_new = await asyncio.to_thread(_package, serving, signed, Cause(**row))
    response.status_code = 201 if is_new else 200
    shown = await serving.row(_ONE, _asked(signed, dossier=made))
    if shown is None:
        raise not_found("dossier")
    return DossierShown(**shown)


def _package(serving: Serving, signed: Signed, cause: Cause) -> tuple[UUID, bool]:
    with connect(serving.dsn) as connection, connection.transaction():
        new = packing.make(connection, cause, serving.now(), signed.name, signed.account_id)
        return store.keep(connection, new)


@router.get("/dossiers/{dossier}/trace", dependencies=[requires(PREPARES)])
async def read_trace(dossier: UUID, serving: Served, signed: SignedIn) -> TraceShown:
    """Who of the key posts was at the site in the three months before."""
    row = await _content(serving, signed, dossier)
    if row["kind"] != "attendance_trace":
        raise ProblemError(409, "no-trace", "It is no trace", "The dossier is a package; take its file.")
    return TraceShown(**msgspec.json.decode(row["content"]))


@router.get(
    "/dossiers/{dossier}/file",
    dependencies=[requires(PREPARES)],
    response_class=Attachment,
    responses={
        200: {
            "description": "A package as an archive (zip), a trace as a workbook (xlsx).",
            "content": {"application/zip": {}, XLSX: {}},
        }
    },
)
async def download_dossier(dossier: UUID, serving: Served, signed: SignedIn) -> Attachment:
    """The archive as it was made; a trace as a workbook that says who took it."""
    row = await _content(serving, signed, dossier)
    name = f"{row['number']}-{row['kind']}-v{row['version']}"
    if row["kind"] == "incident_package":
        return _sent(bytes(row["content"]), f"{name}.zip", "application/zip")
    mark = Mark(name=signed.name, at=serving.now(), time_zone=row["time_zone"])
    content = await asyncio.to_thread(tracing.workbook, bytes(row["content"]), mark)
    return _sent(content, f"{name}.xlsx", XLSX)


async def _content(serving: Serving, signed: Signed, dossier: UUID) -> Row:
    row = await serving.row(_CONTENT, _asked(signed, dossier=dossier))
    if row is None:
        raise not_found("dossier")
    return row


def _sent(content: bytes, name: str, media_type: str) -> Attachment:
    return Attachment(iter([content]), headers=attachment(name, media_type), media_type=media_type)
