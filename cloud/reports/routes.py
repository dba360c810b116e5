"""Reports upward over HTTP."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.encoders import jsonable_encoder

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.accounts.signing import open_key
from cloud.database import AsyncConnection, Row, connect
from cloud.exports import XLSX, Mark, csv_of
from cloud.exports.answers import Attachment, attachment
from cloud.idempotency import Answer
from cloud.instants import local, rfc3339
from cloud.jurisdictions.calendar import due_between
from cloud.ledger.actor import role_for
from cloud.ledger.model import Signature, event_shown
from cloud.ledger.store import EVENTS
from cloud.notices.opening import tell_from
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import not_found
from cloud.registry.service import IdempotencyKey, IfMatch, acting, check_match, etag, once
from cloud.reports import saying, service
from cloud.reports.behind import behind
from cloud.reports.campaigns import begin_of, campaigns_at, templates, zone_of
from cloud.reports.model import definitions
from cloud.reports.place import limits_at
from cloud.reports.presenting import version_shown
from cloud.reports.shown import (
    CampaignGiven,
    CampaignShown,
    CampaignTemplate,
    ReportApprovalGiven,
    ReportCalendar,
    ReportCalendarDay,
    ReportChoices,
    ReportDetail,
    ReportGiven,
    ReportKindShown,
    ReportNodeChoice,
    ReportRecords,
    ReportRow,
    ReportSentGiven,
    ReportVersionGiven,
    ReportVersionRow,
)
from cloud.reports.store import read_body
from cloud.serving import Served, Serving
from cloud.shown import Page, TextShown

_CSV = "text/csv; charset=utf-8"
_Version = Annotated[int | None, Query(ge=1, description="Without it the last.")]
_NODES = """
    SELECT node, name, kind FROM tree_node
     WHERE tree = 'territory' AND rules_node(%(account)s, path, %(roles)s) ORDER BY path LIMIT 1000
"""
_VERSIONS = """
    SELECT version, preliminary, known_at, words, generator, sha256, made_at, author,
           CASE WHEN version = %(sent)s THEN 'sent' WHEN version = %(approved)s THEN 'approved'
                ELSE 'draft' END AS status
      FROM report_version WHERE report = %(report)s ORDER BY version DESC
"""
_VERSION = "SELECT * FROM report_version WHERE report = %s AND version = %s"
_AHEAD, _BACK = dt.timedelta(days=400), dt.timedelta(days=62)


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["reports"])
    _add_lists(router)
    _add_reading(router)
    _add_files(router)
    _add_making(router)
    _add_answering_for(router)
    return router


def _add_lists(router: APIRouter) -> None:
    sees = [requires(service.PREPARES)]

    @router.get("/reports", dependencies=sees)
    async def list_reports(
        serving: Served,
        signed: SignedIn,
        *,
        node: int | None = None,
        kind: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]+$")] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[ReportRow]:
        """Reports of the territories that the caller reports for, the latest cut-off first."""
        asked = {
            **_seen_by(signed),
            "node": node,
            "kind": kind,
            **asked_part(after, limit),
        }
        rows = await serving.rows(service.ROW + service.LISTED, asked)
        shown, following = part(rows, limit, by("cut_off", "report"))
        return Page(items=[ReportRow(**_row(row)) for row in shown], next=following)

    @router.get("/reports/choices", dependencies=sees)
    async def read_report_choices(serving: Served, signed: SignedIn) -> ReportChoices:
        """What can be made, and for whom."""
        return await _choices(serving, signed)

    @router.get("/reports/calendar", dependencies=sees)
    async def read_report_calendar(serving: Served, signed: SignedIn, *, node: int) -> ReportCalendar:
        """What a territory is to hand in, from two months ago to a year ahead, with what there is of it."""
        rules = await serving.row(service.RULES, {**_seen_by(signed), "node": node})
        if rules is None:
            raise not_found("node")
        query = service.ROW + service.LISTED
        nothing = {"kind": None, "at": None, "id": None, "limit": 200}
        rows = await serving.rows(query, {**_seen_by(signed), "node": node, **nothing})
        return await asyncio.to_thread(_calendar, serving, rules, rows)


def _add_reading(router: APIRouter) -> None:
    sees = [requires(service.PREPARES)]

    @router.get("/reports/{report}", dependencies=sees)
    async def read_report(
        report: UUID, serving: Served, signed: SignedIn, response: Response, *, version: _Version = None
    ) -> ReportDetail:
        """A report as it is printed, with its versions and what was done with it."""
        return await _detail(serving, signed, report, response, version)

    @router.get("/reports/{report}/records", dependencies=sees)
    async def list_report_records(
        report: UUID,
        serving: Served,
        signed: SignedIn,
        *,
        cell: Annotated[str, Query(max_length=40, pattern=r"^[a-z0-9_.]+$")],
        version: _Version = None,
    ) -> ReportRecords:
        """The records behind a number."""
        row = await _known(serving, signed, report)
        body = await _version(serving, row, version)
        refs = read_body(body["body"]).records.get(cell)
        if refs is None:
            raise not_found("cell")
        return await behind(serving, cell, refs)


def _add_files(router: APIRouter) -> None:
    sees = [requires(service.PREPARES)]

    @router.get("/reports/{report}/file", dependencies=sees, response_class=Attachment)
    async def download_report(
        report: UUID, serving: Served, signed: SignedIn, *, version: _Version = None
    ) -> Attachment:
        """A version as a workbook (xlsx), marked with who took it."""
        row, body, mark = await _taken(serving, signed, report, version)
        definition = definitions()[row["kind"]]
        content = await asyncio.to_thread(lambda: definition.render(read_body(body["body"]), mark))
        return Attachment(iter([content]), headers=attachment(f"{_name(row, body)}.xlsx", XLSX))

    @router.get("/reports/{report}/table", dependencies=sees, response_class=Attachment)
    async def download_report_table(
        report: UUID, serving: Served, signed: SignedIn, *, version: _Version = None
    ) -> Attachment:
        """A version as one table of comma-separated values, marked in its last line."""
        row, body, mark = await _taken(serving, signed, report, version)
        parts = csv_of(*definitions()[row["kind"]].table(read_body(body["body"])), mark)
        return Attachment(parts, headers=attachment(f"{_name(row, body)}.csv", _CSV))


def _add_making(router: APIRouter) -> None:
    prepares = [requires(service.PREPARES)]

    @router.post("/reports", dependencies=prepares, status_code=201)
    async def make_report(
        given: ReportGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> ReportDetail:
        """Count a report of a territory as of a day; where there is one, a further version of it."""
        if await serving.row(service.RULES, {**_seen_by(signed), "node": given.node}) is None:
            raise not_found("node")
        role = await role_for(serving, signed, None, service.PREPARES)
        scope = await asyncio.to_thread(service.scope_of, serving.dsn, given)

        async def work() -> Answer:
            kept = await _made(serving, signed, given.kind, scope, role=role, words="")
            return Answer(body=str(kept.report))

        async with acting(serving, signed) as connection:
            answer = await once(
                connection,
                signed,
                key=idempotency_key,
                request=("reports", jsonable_encoder(given)),
                now_ms=serving.now_ms(),
                work=work,
            )
        return await _detail(serving, signed, UUID(answer.body), response, None)

    @router.post("/reports/{report}/versions", dependencies=prepares, status_code=201)
    async def make_report_version(
        report: UUID,
        given: ReportVersionGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> ReportDetail:
        """Count it anew; what was approved before stays, and the new version says what it puts right."""
        known = await _known(serving, signed, report)
        check_match(if_match, known["seq"])
        role = await role_for(serving, signed, None, service.PREPARES)
        again = service.scope_again(known)
        await _made(serving, signed, known["kind"], again, role=role, words=given.words)
        return await _detail(serving, signed, report, response, None)


def _add_answering_for(router: APIRouter) -> None:
    approves = [requires(service.APPROVES)]

    @router.post("/reports/{report}/approve", dependencies=approves)
    async def approve_report(
        report: UUID,
        given: ReportApprovalGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> ReportDetail:
        """Sign that its last version is right."""
        known = await _known(serving, signed, report, service.APPROVES)
        acting_in = await _acting_of(serving, signed, given.signature)
        async with acting(serving, signed) as connection:
            await service.approve(acting_in(connection), known, given, if_match)
        return await _detail(serving, signed, report, response, None)

    @router.post("/reports/{report}/sent", dependencies=approves)
    async def record_report_sent(
        report: UUID,
        given: ReportSentGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> ReportDetail:
        """Keep that an approved version was handed over, with its receipt; signed."""
        known = await _known(serving, signed, report, service.APPROVES)
        acting_in = await _acting_of(serving, signed, given.signature)
        async with acting(serving, signed) as connection:
            last_day = await service.record_sent(acting_in(connection), known, given, if_match)
            row, settings = {**known, "last_day": last_day}, serving.settings
            handed = saying.sent(row, given.version, settings, given.to, given.receipt)
            await tell_from(connection, settings, [handed], serving.now_ms())
        return await _detail(serving, signed, report, response, None)

    @router.post("/campaigns", dependencies=approves, status_code=201)
    async def begin_campaign(given: CampaignGiven, serving: Served, signed: SignedIn) -> ReportChoices:
        """Run a campaign for a territory and all below it: from now on its returns are made each month."""
        async with acting(serving, signed) as connection:
            await service.begin_campaign(connection, signed, given, serving.now())
        return await _choices(serving, signed)


async def _choices(serving: Serving, signed: Signed) -> ReportChoices:
    nodes = await serving.rows(_NODES, _seen_by(signed))
    found = await asyncio.to_thread(_campaigns, serving.dsn, [row["node"] for row in nodes])
    return ReportChoices(
        kinds=[
            ReportKindShown(kind=one.kind, label=TextShown.of(one.label), of_campaign=one.of_campaign)
            for one in definitions().values()
        ],
        nodes=[ReportNodeChoice(**row) for row in nodes],
        campaigns=found,
        templates=[
            CampaignTemplate(
                template=name,
                name=TextShown.of(one.name),
                since=one.since,
                until=one.until,
                source=TextShown.of(one.source),
            )
            for name, one in templates().items()
        ],
    )


async def _made(serving: Serving, signed: Signed, kind: str, scope: Any, *, role: str, words: str) -> Any:
    return await asyncio.to_thread(
        service.make_in_thread,
        serving.dsn,
        signed,
        kind,
        scope,
        role=role,
        words=words,
        now_ms=serving.now_ms(),
    )


async def _acting_of(
    serving: Serving, signed: Signed, signature: Signature
) -> Callable[[AsyncConnection], service.Acting]:
    """His key is opened before the transaction begins, for that takes a while."""
    role = await role_for(serving, signed, None, service.APPROVES)
    signer = await open_key(serving, signed, signature.password.get_secret_value())
    now_ms = serving.now_ms()
    return lambda connection: service.Acting(
        connection=connection, signer=signer, role=role, author=signed.name, now_ms=now_ms
    )


async def _known(serving: Serving, signed: Signed, report: UUID, asks: str = service.PREPARES) -> Row:
    asked = {"account": signed.account_id, "roles": roles_with(asks), "id": report}
    row = await serving.row(service.ROW + "AND its.report = %(id)s", asked)
    if row is None:
        raise not_found("report")
    return row


async def _detail(
    serving: Serving, signed: Signed, report: UUID, response: Response, version: int | None
) -> ReportDetail:
    row = await _known(serving, signed, report)
    body = await _version(serving, row, version)
    before = await serving.row(_VERSION, [report, body["version"] - 1])
    can = {"account": signed.account_id, "roles": roles_with(service.APPROVES), "node": row["node"]}
    approves = signed.account_id is not None and await serving.row(service.RULES, can) is not None
    versions = await serving.rows(_VERSIONS, {name: row[name] for name in ("report", "sent", "approved")})
    shown = await asyncio.to_thread(version_shown, row["kind"], body, before)
    response.headers["ETag"] = etag(row["seq"])
    return ReportDetail(
        **_row(row),
        history=[ReportVersionRow(**{**one, "sha256": one["sha256"].hex()}) for one in versions],
        events=[event_shown(one) for one in await serving.rows(EVENTS, ["report", report])],
        shown=shown,
        may_prepare=signed.account_id is not None,
        may_approve=approves,
    )


async def _version(serving: Serving, row: Row, version: int | None) -> Row:
    found = await serving.row(_VERSION, [row["report"], version or row["versions"]])
    if found is None:
        raise not_found("version")
    return found


async def _taken(
    serving: Serving, signed: Signed, report: UUID, version: int | None
) -> tuple[Row, Row, Mark]:
    row = await _known(serving, signed, report)
    body = await _version(serving, row, version)
    zone = read_body(body["body"]).head.get("time_zone", "Asia/Shanghai")
    return row, body, Mark(signed.name, serving.now(), zone)


def _name(row: Row, body: Row) -> str:
    label = definitions()[row["kind"]].label.zh
    day = read_body(body["body"]).head.get("last_day", "")
    return f"{row['name']['zh']}-{label}-{day}-v{body['version']}"


def _row(row: Row) -> Row:
    known = definitions().get(row["kind"])
    label = {"zh": row["kind"], "en": row["kind"]} if known is None else TextShown.of(known.label)
    return {**row, "label": label}


def _seen_by(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(service.PREPARES)}


def _campaigns(dsn: str, nodes: list[int]) -> list[CampaignShown]:
    with connect(dsn) as connection:
        found = {one.campaign: one for node in nodes for one in campaigns_at(connection, node)}
    return [
        CampaignShown(
            campaign=name,
            name=TextShown.of(one.template.name),
            node=one.node,
            since=rfc3339(one.since),
            until=None if one.until is None else rfc3339(one.until),
            source=TextShown.of(one.template.source),
        )
        for name, one in sorted(found.items())
    ]


def _calendar(serving: Serving, rules: Row, rows: list[Row]) -> ReportCalendar:
    with connect(serving.dsn) as connection:
        limits = limits_at(connection, rules["node"])
        zone = zone_of(connection, rules["node"])
    today = local(serving.now(), zone).date()
    days = []
    for due in due_between(limits, today - _BACK, today + _AHEAD):
        cut_off = None if due.cut_off is None else begin_of(due.cut_off, zone)
        of = [row for row in rows if cut_off is not None and row["cut_off"] == cut_off]
        days.append(
            ReportCalendarDay(
                on=due.on.isoformat(),
                what=TextShown.of(due.what),
                cut_off=None if due.cut_off is None else due.cut_off.isoformat(),
                reports=[ReportRow(**_row(row)) for row in of],
            )
        )
    return ReportCalendar(
        node=rules["node"], name=rules["name"], jurisdiction=TextShown.of(limits.label), days=days
    )
