"""Inspections over HTTP."""

import datetime as dt
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.encoders import jsonable_encoder

from cloud.accounts.holding import held_of
from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.accounts.signing import open_key
from cloud.database import AsyncConnection, Row
from cloud.enforcement.store import ENTERPRISES, NODES, SITES
from cloud.exports.answers import CsvFile, attachment, export
from cloud.exports.cells import Mark
from cloud.idempotency import Answer
from cloud.inspections import store
from cloud.inspections.levels import LEVELS
from cloud.inspections.model import (
    InspectionChoices,
    InspectionCorrected,
    InspectionDetail,
    InspectionHazard,
    InspectionKindShown,
    InspectionNode,
    InspectionPhoto,
    InspectionRecorded,
    InspectionRow,
    InspectionShown,
    InspectionSite,
    PatrolGiven,
    QuestionShown,
)
from cloud.inspections.patrol import KIND, patrolled, seen_now
from cloud.inspections.plans import carry_out
from cloud.inspections.questions import Kind, Question, questions
from cloud.inspections.service import (
    RECORDS,
    SEES,
    Acting,
    Origin,
    check_his,
    correct,
    record,
    records_kind,
)
from cloud.inspections.table import TABLE
from cloud.instants import HOME_ZONE
from cloud.ledger.model import Signature
from cloud.paging import After, Limit, asked_part_by_day, by_day, part
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite
from cloud.registry.service import IdempotencyKey, IfMatch, acting, etag, once
from cloud.serving import Served, Serving
from cloud.shown import Page, TextShown

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}
_Since = Annotated[dt.date | None, Query(description="On this day or later.")]
_Until = Annotated[dt.date | None, Query(description="On this day or earlier.")]
_Short = Annotated[str | None, Query(max_length=63, pattern=r"^[^\x00]+$")]
_Found = Annotated[
    str | None,
    Query(max_length=63, pattern=r"^[^\x00]+$", description="Only with a finding under this question."),
]


def _chosen(
    *,
    kind: _Short = None,
    site: _Short = None,
    enterprise: int | None = None,
    question: _Found = None,
    since: _Since = None,
    until: _Until = None,
) -> dict[str, Any]:
    """What a list is narrowed by, with the answer that is a finding under the question asked for."""
    its = questions().questions.get(question or "")
    return {
        "kind": kind,
        "site": site,
        "enterprise": enterprise,
        "question": question,
        "deficient": None if its is None else its.deficient_when,
        "since": since,
        "until": until,
    }


_Chosen = Annotated[dict[str, Any], Depends(_chosen)]


class KeptFile(Response):
    """A file as it is kept."""

    media_type = "application/octet-stream"


_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "As it is kept.", "content": {"application/octet-stream": {}}}
}


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["inspections"])
    _add_reading(router)
    _add_files(router)
    _add_recording(router)
    _add_patrol(router)
    return router


def _add_reading(router: APIRouter) -> None:
    sees = [requires(SEES)]

    @router.get("/inspections", dependencies=sees)
    async def list_inspections(
        serving: Served, signed: SignedIn, chosen: _Chosen, after: After = None, limit: Limit = 50
    ) -> Page[InspectionShown]:
        """What was inspected, as it holds now, the latest first."""
        asked = {
            **_seen_by(signed),
            **chosen,
            **asked_part_by_day(after, limit),
        }
        found = await serving.rows(store.NOW + store.LISTED, asked)
        shown, following = part(found, limit, by_day("day"))
        return Page(items=[_item(row) for row in shown], next=following)

    @router.get("/inspections.csv", dependencies=sees, response_class=CsvFile, responses=_CSV)
    async def inspections_table(serving: Served, signed: SignedIn, chosen: _Chosen) -> CsvFile:
        """The same list as a table."""
        asked = {**_seen_by(signed), **chosen, "at": None, "id": None}
        mark = Mark(name=signed.name, at=serving.now(), time_zone=HOME_ZONE, about="检查记录 inspections")
        return await export(serving.dsn, store.NOW + store.LISTED, asked, TABLE, mark)

    @router.get("/inspections/choices", dependencies=[requires(RECORDS)])
    async def read_inspection_choices(serving: Served, signed: SignedIn) -> InspectionChoices:
        """What an inspection may be, what it asks, and for whom and where the caller records."""
        return await _choices(serving, signed)

    @router.get("/inspections/{inspection}", dependencies=sees)
    async def read_inspection(
        inspection: UUID, serving: Served, signed: SignedIn, response: Response
    ) -> InspectionDetail:
        """An inspection with everything that it was before and what was filed from it."""
        return await _shown(serving, signed, inspection, response)


async def _choices(serving: Serving, signed: Signed) -> InspectionChoices:
    asked = {"account": signed.account_id, "roles": roles_with(RECORDS), "tree": "territory"}
    held = {one.role for one in await held_of(serving, signed.account_id, None)}
    return InspectionChoices(
        source=TextShown.of(questions().source),
        kinds=[_kind(name, its) for name, its in questions().kinds.items()],
        records=[name for name in questions().kinds if held & set(records_kind(name))],
        questions=[_question(code, its) for code, its in questions().questions.items()],
        territories=[
            InspectionNode(**row, level=LEVELS.get(row["kind"])) for row in await serving.rows(NODES, asked)
        ],
        enterprises=[InspectionNode(**row) for row in await serving.rows(ENTERPRISES, asked)],
        sites=[InspectionSite(**row) for row in await serving.rows(SITES, asked)],
    )


def _kind(name: str, its: Kind) -> InspectionKindShown:
    return InspectionKindShown(
        kind=name, label=TextShown.of(its.label), side=its.side, checklists=its.checklists, detail=its.detail
    )


def _question(code: str, its: Question) -> QuestionShown:
    return QuestionShown(
        code=code,
        text=TextShown.of(its.text),
        checklist=its.list,
        deficient_when=its.deficient_when,
        cell=its.cell,
    )


def _add_files(router: APIRouter) -> None:
    sees = [requires(SEES)]

    @router.get(
        "/inspections/{inspection}/archive",
        dependencies=sees,
        response_class=KeptFile,
        responses=_FILE,
    )
    async def read_inspection_archive(
        inspection: UUID, serving: Served, signed: SignedIn, seq: int | None = None
    ) -> KeptFile:
        """The file (检查档案) that enterprise and project keep: the same bytes for both."""
        known = await _known(serving, signed, inspection)
        asked = {"id": inspection, "seq": known["seq"] if seq is None else seq}
        kept = await serving.row(store.ARCHIVE, asked)
        if kept is None:
            raise not_found("file")
        name = f"inspection-{inspection}-{kept['seq']}.html"
        headers = {**attachment(name, "text/html; charset=utf-8"), "X-Content-SHA256": kept["sha256"]}
        return KeptFile(kept["content"], headers=headers)

    @router.get(
        "/inspections/{inspection}/photos/{sha256}",
        dependencies=sees,
        response_class=KeptFile,
        responses=_FILE,
    )
    async def read_inspection_photo(
        inspection: UUID,
        sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
        serving: Served,
        signed: SignedIn,
    ) -> KeptFile:
        """A photo of it."""
        await _known(serving, signed, inspection)
        found = await serving.row(store.PHOTO, {"id": inspection, "sha256": bytes.fromhex(sha256)})
        if found is None:
            raise not_found("photo")
        return KeptFile(found["content"], media_type=found["media_type"])


def _add_recording(router: APIRouter) -> None:
    records = [requires(RECORDS)]

    @router.post("/inspections", dependencies=records, status_code=201)
    async def record_inspection(
        given: InspectionRecorded,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> InspectionDetail:
        """Record an inspection, signed where a signature is given."""
        who = await _who(serving, signed, given.kind, given.signature)
        async with acting(serving, signed) as connection:

            async def work() -> Answer:
                made = await record(who.acting(connection), given)
                if given.plan is not None:
                    await carry_out(connection, given.plan, made)
                return Answer(body=str(made))

            asked = jsonable_encoder(given.model_dump(exclude={"signature"}))
            made = await _once(who, connection, idempotency_key, ("inspections", asked), work)
        return await _shown(serving, signed, made, response)

    @router.post("/inspections/{inspection}/corrections", dependencies=records, status_code=201)
    async def correct_inspection(
        inspection: UUID,
        given: InspectionCorrected,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> InspectionDetail:
        """Put it right, or withdraw it, by a new row; what it said before stays to be seen."""
        known = await _known(serving, signed, inspection)
        who = await _who(serving, signed, given.kind, given.signature)
        async with acting(serving, signed) as connection:
            await correct(who.acting(connection), known, given, if_match)
        return await _shown(serving, signed, inspection, response)


def _add_patrol(router: APIRouter) -> None:
    @router.post("/sites/{site}/remote-patrols", dependencies=[requires(RECORDS)], status_code=201)
    async def record_patrol(
        site: KnownSite,
        given: PatrolGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> InspectionDetail:
        """Record that one has looked at the site over the network, with what stood there."""
        who = await _who(serving, signed, KIND, None)
        async with acting(serving, signed) as connection:

            async def work() -> Answer:
                scope = {"account": signed.account_id, "roles": records_kind(KIND)}
                given_as = await patrolled(who.acting(connection), scope, site.site, given)
                mode = serving.settings.mode
                seen = await seen_now(connection, site.site, mode, given, who.now_ms)
                return Answer(body=str(await record(who.acting(connection), given_as, Origin(seen=seen))))

            request = (f"sites/{site.site}/remote-patrols", jsonable_encoder(given.model_dump()))
            made = await _once(who, connection, idempotency_key, request, work)
        return await _shown(serving, signed, made, response)


class _Who(NamedTuple):
    signed: Signed
    signer: Any
    role: str
    now_ms: int

    def acting(self, connection: AsyncConnection) -> Acting:
        return Acting(
            connection=connection,
            account=self.signed.account_id,
            signer=self.signer,
            role=self.role,
            author=self.signed.name,
            now_ms=self.now_ms,
        )


async def _who(serving: Serving, signed: Signed, kind: str, signature: Signature | None) -> _Who:
    """His key is opened before the transaction begins, for that takes a while."""
    held = {one.role for one in await held_of(serving, signed.account_id, None) if one.devices is None}
    role = next((one for one in records_kind(kind) if one in held), None)
    if role is None or signed.account_id is None:
        detail = "Your role does not record this kind of inspection."
        raise ProblemError(403, "forbidden", "Not allowed", detail, field="body.kind", code="not-his-kind")
    signer = None
    if signature is not None:
        signer = await open_key(serving, signed, signature.password.get_secret_value())
    return _Who(signed=signed, signer=signer, role=role, now_ms=serving.now_ms())


async def _once(
    who: _Who, connection: AsyncConnection, key: str | None, request: tuple[str, Any], work: Any
) -> UUID:
    answer = await once(connection, who.signed, key=key, request=request, now_ms=who.now_ms, work=work)
    return UUID(answer.body)


async def _known(serving: Serving, signed: Signed, inspection: UUID) -> Row:
    found = await serving.row(store.NOW + store.ONE, {**_seen_by(signed), "id": inspection})
    if found is None:
        raise not_found("inspection")
    return found


async def _shown(serving: Serving, signed: Signed, inspection: UUID, response: Response) -> InspectionDetail:
    now = await _known(serving, signed, inspection)
    asked = {**_seen_by(signed), "id": inspection, "seq": now["seq"]}
    earlier = store.BEFORE + "AND its.id = %(id)s AND its.seq < %(seq)s ORDER BY its.seq DESC"
    archive = await serving.row(store.ARCHIVE, asked)
    response.headers["ETag"] = etag(now["seq"])
    return InspectionDetail(
        **_item(now).model_dump(exclude={"people"}),
        people=now["people"],
        asked=[_question(code, its) for code, its in questions().questions.items() if code in now["answers"]],
        detail=questions().kinds[now["kind"]].detail,
        filed=[InspectionHazard(**row) for row in await serving.rows(store.FILED, asked)],
        photos=[InspectionPhoto(**row) for row in await serving.rows(store.PHOTOS, asked)],
        seen=now["seen"],
        archive_sha256="" if archive is None else archive["sha256"],
        before=[InspectionRow(**row) for row in await serving.rows(earlier, asked)],
        may_correct=await _may_correct(serving, signed, now),
        may_file=now["site"] is not None and await _may_file(serving, signed, now["site"]),
    )


async def _may_correct(serving: Serving, signed: Signed, now: Row) -> bool:
    if signed.account_id is None:
        return False
    held = {one.role for one in await held_of(serving, signed.account_id, None) if one.devices is None}
    role = next((one for one in records_kind(now["kind"]) if one in held), None)
    if role is None:
        return False
    async with serving.pool.connection() as connection:
        who = _Who(signed=signed, signer=None, role=role, now_ms=serving.now_ms())
        try:
            await check_his(who.acting(connection), now)
        except ProblemError:
            return False
    return True


async def _may_file(serving: Serving, signed: Signed, site: str) -> bool:
    asked = {"account": signed.account_id, "site": site, "roles": roles_with("hazards.file")}
    found = await serving.row("SELECT sees_site(%(account)s, %(site)s, %(roles)s) AS is_so", asked)
    return signed.account_id is not None and found is not None and bool(found["is_so"])


def _item(row: Row) -> InspectionShown:
    alarms = row["seen"].get("alarms")
    return InspectionShown(
        **row,
        findings=questions().deficient(row["answers"]),
        alarms=None if alarms is None else len(alarms),
    )


def _seen_by(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(SEES)}
