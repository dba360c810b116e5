"""Handing in by mail, over HTTP: of approved reports, and of what was put together about an incident."""

from typing import Any, LiteralString
from uuid import UUID

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import Row
from cloud.ledger.actor import role_for
from cloud.mailing import service, store
from cloud.mailing.model import (
    DossierMailingGiven,
    MailChannel,
    Mailings,
    MailingShown,
    ReportMailingGiven,
)
from cloud.problems import not_found
from cloud.registry.service import IdempotencyKey
from cloud.reports.model import definitions
from cloud.reports.service import APPROVES, PREPARES, ROW
from cloud.reports.store import read_body
from cloud.serving import Served, Serving
from sitewarden.text import Text

_VERSION: LiteralString = "SELECT body, sha256 FROM report_version WHERE report = %s AND version = %s"
_DOSSIER: LiteralString = """
    SELECT dossier.kind, dossier.version, dossier.sha256, octet_length(dossier.content) AS bytes,
           dossier.site, site.time_zone, coalesce(hazard.number, incident.number) AS number
      FROM dossier JOIN site USING (site)
           LEFT JOIN hazard ON hazard.id = dossier.hazard_id
           LEFT JOIN incident ON incident.id = dossier.incident_id
     WHERE sees_site(%(account)s, dossier.site, %(roles)s) AND dossier = %(dossier)s
"""
_KINDS = {
    "incident_package": Text(zh="事故资料包", en="Package of an incident"),
    "attendance_trace": Text(zh="倒查考勤", en="Trace of attendance"),
}


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["reports"])
    _add_reports(router)
    _add_dossiers(router)
    return router


def _add_reports(router: APIRouter) -> None:
    @router.get("/reports/{report}/mailings", dependencies=[requires(PREPARES)])
    async def list_report_mailings(report: UUID, serving: Served, signed: SignedIn) -> Mailings:
        """What of a report was sent by mail, how each fared, and by which channels more can be sent."""
        row = await _report(serving, signed, report, PREPARES)
        may_send = await _sees_report(serving, signed, report)
        return await _mailings(serving, row["site"], may_send=may_send, report=report)

    @router.post("/reports/{report}/mailings", dependencies=[requires(APPROVES)], status_code=202)
    async def mail_report(
        report: UUID,
        given: ReportMailingGiven,
        serving: Served,
        signed: SignedIn,
        *,
        idempotency_key: IdempotencyKey = None,
    ) -> MailingShown:
        """Send an approved version as a file; once the mail server has taken it, that is its receipt."""
        row = await _report(serving, signed, report, APPROVES)
        role = await role_for(serving, signed, None, APPROVES)
        channel = await service.channel_for(serving, given.channel, row["site"])
        kept = await serving.row(_VERSION, [report, given.version])
        if kept is None:
            raise not_found("version")
        what = _what(row, kept, given)
        new = service.new_of(
            what, channel, given.recipients, signed=signed, role=role, now_ms=serving.now_ms()
        )
        made = await service.ask(serving, signed, new, request=_request(report, given), key=idempotency_key)
        return await _one(serving, made, report=report)


def _add_dossiers(router: APIRouter) -> None:
    @router.get("/dossiers/{dossier}/mailings", dependencies=[requires(PREPARES)])
    async def list_dossier_mailings(dossier: UUID, serving: Served, signed: SignedIn) -> Mailings:
        """How it was sent by mail, how each fared, and by which channels it can be sent."""
        row = await _dossier(serving, signed, dossier, PREPARES)
        can = await serving.row(_DOSSIER, _asks(signed, APPROVES, dossier=dossier))
        may_send = can is not None and signed.account_id is not None
        return await _mailings(serving, row["site"], may_send=may_send, dossier=dossier)

    @router.post("/dossiers/{dossier}/mailings", dependencies=[requires(APPROVES)], status_code=202)
    async def mail_dossier(
        dossier: UUID,
        given: DossierMailingGiven,
        serving: Served,
        signed: SignedIn,
        *,
        idempotency_key: IdempotencyKey = None,
    ) -> MailingShown:
        """Send it as a file, as it was put together."""
        row = await _dossier(serving, signed, dossier, APPROVES)
        role = await role_for(serving, signed, row["site"], APPROVES)
        channel = await service.channel_for(serving, given.channel, row["site"])
        service.check_size(row["bytes"])
        new = service.new_of(
            _what_of_dossier(row, dossier),
            channel,
            given.recipients,
            signed=signed,
            role=role,
            now_ms=serving.now_ms(),
        )
        made = await service.ask(serving, signed, new, request=_request(dossier, given), key=idempotency_key)
        return await _one(serving, made, dossier=dossier)


def _what(row: Row, kept: Row, given: ReportMailingGiven) -> store.What:
    head = read_body(kept["body"]).head
    label, name = definitions()[row["kind"]].label, row["name"]
    return store.What(
        report=row["report"],
        version=given.version,
        format=given.format,
        site=row["site"],
        sha256=kept["sha256"],
        name=f"{name['zh']}-{label.zh}-{head.get('last_day', '')}-v{given.version}.{given.format}",
        called=Text(
            zh=f"{name['zh']}{label.zh}（第 {given.version} 版）",
            en=f"{name['en']}: {label.en}, version {given.version}",
        ),
        time_zone=head.get("time_zone", "Asia/Shanghai"),
    )


def _what_of_dossier(row: Row, dossier: UUID) -> store.What:
    form = "zip" if row["kind"] == "incident_package" else "xlsx"
    label = _KINDS[row["kind"]]
    return store.What(
        dossier=dossier,
        site=row["site"],
        sha256=row["sha256"],
        name=f"{row['number']}-{row['kind']}-v{row['version']}.{form}",
        called=Text(zh=f"{label.zh} {row['number']}", en=f"{label.en} {row['number']}"),
        time_zone=row["time_zone"],
    )


def _request(of: UUID, given: ReportMailingGiven | DossierMailingGiven) -> tuple[str, Any]:
    return f"{of}/mailings", jsonable_encoder(given)


async def _one(serving: Serving, made: UUID, **of: UUID) -> MailingShown:
    rows = await service.mailings(serving, **of)
    return next(MailingShown(**row) for row in rows if row["id"] == made)


async def _mailings(serving: Serving, site: str | None, *, may_send: bool, **of: UUID) -> Mailings:
    channels = await serving.rows(store.CHANNELS, {"site": site}) if may_send else []
    return Mailings(
        items=[MailingShown(**row) for row in await service.mailings(serving, **of)],
        channels=[MailChannel(**row) for row in channels],
        tells=serving.settings.tells,
    )


def _asks(signed: Signed, permission: str, **more: Any) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(permission), **more}


async def _sees_report(serving: Serving, signed: Signed, report: UUID) -> bool:
    if signed.account_id is None:
        return False
    query = ROW + "AND its.report = %(report)s"
    return await serving.row(query, _asks(signed, APPROVES, report=report)) is not None


async def _report(serving: Serving, signed: Signed, report: UUID, permission: str) -> Row:
    row = await serving.row(ROW + "AND its.report = %(report)s", _asks(signed, permission, report=report))
    if row is None:
        raise not_found("report")
    return row


async def _dossier(serving: Serving, signed: Signed, dossier: UUID, permission: str) -> Row:
    row = await serving.row(_DOSSIER, _asks(signed, permission, dossier=dossier))
    if row is None:
        raise not_found("dossier")
    return row
