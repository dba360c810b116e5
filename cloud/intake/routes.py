"""Bringing in what other systems know, over HTTP; and what of it concerns a site now."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request

from cloud.accounts.holding import held_of
from cloud.accounts.permissions import SignedIn, requires
from cloud.exports.answers import CsvFile, attachment
from cloud.intake.bringing import Bringing, Brought, Given, bring
from cloud.intake.complaints import Titles
from cloud.intake.kinds import KINDS, Kind
from cloud.intake.model import (
    AttendanceState,
    BroughtShown,
    IntakeComplaint,
    IntakeKinds,
    IntakeKindShown,
    IntakeShown,
    OutsideShown,
)
from cloud.intake.records import EVERY
from cloud.intake.store import DECLARED, MISSED_POSTS, OUTSIDE
from cloud.jurisdictions.loading import jurisdiction
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.access import KnownSite
from cloud.registry.service import acting
from cloud.registry.sheets import MAX_BYTES, MAX_ROWS, Complaint, SheetError, read_sheet, template
from cloud.serving import Served
from cloud.shown import TextShown

_MOST_SAID = 100
_System = Annotated[
    str,
    Query(
        min_length=1,
        max_length=60,
        pattern=r"^[^\x00/]+$",
        description="The other system: the same number of another system is another thing.",
    ),
]
_Trial = Annotated[bool, Query(description="Only say what it would do.")]


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["intake"])

    @router.get("/intake", dependencies=[requires("status.view")])
    async def list_intake_kinds() -> IntakeKinds:
        """What may be brought in, with the columns of its table."""
        return IntakeKinds(items=[_kind(name, its) for name, its in EVERY.items()])

    for name, kind in EVERY.items():
        _add(router, name, kind)
    _add_outside(router)
    return router


def _add(router: APIRouter, name: str, kind: Kind) -> None:
    body = {
        "required": True,
        "description": f"At most {MAX_ROWS} rows: a list, or a table with the titles of its template.",
        "content": {
            "application/json": {"schema": {"type": "array", "items": kind.row.model_json_schema()}},
            "text/csv": {"schema": {"type": "string", "format": "binary"}},
        },
    }

    async def bring_in(
        request: Request, serving: Served, signed: SignedIn, system: _System, *, dry_run: _Trial = False
    ) -> BroughtShown:
        try:
            given, titles = _given(kind, request.headers.get("content-type", ""), await request.body())
        except SheetError as exc:
            return _answered(Brought(errors=[exc.complaint]), is_trial=dry_run)
        held = await held_of(serving, signed.account_id)
        async with acting(serving, signed) as connection:
            bringing = Bringing(
                connection=connection,
                settings=serving.settings,
                name=name,
                kind=kind,
                system=system,
                account=signed.account_id,
                author=signed.name,
                held=frozenset(one.role for one in held if one.devices is None),
                titles=titles,
                now_ms=serving.now_ms(),
            )
            brought = await bring(bringing, given, is_trial=dry_run)
        return _answered(brought, is_trial=dry_run)

    async def read_template(language: Literal["zh", "en"] = "zh") -> CsvFile:
        content = template(kind.columns, in_english=language == "en")
        return CsvFile(iter([content]), headers=attachment(f"{name}.csv", "text/csv; charset=utf-8"))

    lets = [requires(kind.permission)]
    router.add_api_route(
        f"/intake/{name}",
        bring_in,
        methods=["POST"],
        name=f"bring_{name}",
        description=f"{kind.label.en}: all of it or nothing; the same again is nothing new.",
        dependencies=lets,
        openapi_extra={"requestBody": body},
    )
    router.add_api_route(
        f"/intake/{name}/template.csv",
        read_template,
        methods=["GET"],
        name=f"read_{name}_template",
        description="An empty table with the titles that are understood.",
        dependencies=lets,
        response_class=CsvFile,
        responses={200: {"description": "The titles.", "content": {"text/csv": {}}}},
    )


def _given(kind: Kind, media_type: str, content: bytes) -> tuple[list[Given], Titles]:
    if len(content) > MAX_BYTES:
        raise ProblemError(413, "too-large", "Too large", f"At most {MAX_BYTES} bytes are taken.")
    if media_type.startswith("text/csv"):
        sheet = read_sheet(content, kind.columns)
        titles = {column.field: column.zh for column in kind.columns} | sheet.titles
        # An empty cell is not said; a default holds.
        given = [
            Given(line=line.line, said=_nested(line.cells), complaints=line.complaints)
            for line in sheet.lines
        ]
        return given, Titles(said=titles)
    try:
        rows = msgspec.json.decode(content, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProblemError(422, "invalid", "Not a list", str(exc), field="body", code="no-list") from exc
    if len(rows) > MAX_ROWS:
        detail = f"body: at most {MAX_ROWS} rows."
        raise ProblemError(422, "invalid", "Too many rows", detail, field="body", code="too-many-rows")
    return [Given(line=number, said=said) for number, said in enumerate(rows, 1)], Titles()


def _nested(cells: dict[str, Any]) -> dict[str, Any]:
    """What is said, by field; a dot leads into a record."""
    said: dict[str, Any] = {}
    for field, value in cells.items():
        record, _, name = field.rpartition(".")
        if value is not None:
            (said.setdefault(record, {}) if record else said)[name] = value
    return said


def _answered(brought: Brought, *, is_trial: bool) -> BroughtShown:
    if brought.errors and not is_trial:
        raise _refused(brought)
    return BroughtShown(
        is_applied=not is_trial,
        added=brought.added,
        changed=brought.changed,
        unchanged=brought.unchanged,
        late=brought.late,
        wrong=len(brought.errors),
        errors=[IntakeComplaint(**msgspec.to_builtins(one)) for one in _first(brought.errors)],
    )


def _first(errors: list[Complaint]) -> list[Complaint]:
    return sorted(errors, key=lambda one: one.line)[:_MOST_SAID]


def _refused(brought: Brought) -> ProblemError:
    errors = [
        FieldProblem(
            field=one.field or "body",
            message=one.message.en,
            code="intake",
            line=one.line,
            values={
                "zh": f"第 {one.line} 行 {one.field}：{one.message.zh}。{one.mend.zh}",
                "en": f"Line {one.line}, {one.field}: {one.message.en}. {one.mend.en}",
            },
            mend=f"{one.mend.zh} {one.mend.en}",
        )
        for one in _first(brought.errors)
    ]
    detail = f"{len(brought.errors)} things are wrong; nothing was taken in."
    return ProblemError(422, "invalid", "The rows were not taken in", detail, errors=errors)


def _kind(name: str, its: Kind) -> IntakeKindShown:
    return IntakeKindShown(
        kind=name,
        label=TextShown.of(its.label),
        permission=its.permission,
        columns=[column.zh for column in its.columns],
    )


def _add_outside(router: APIRouter) -> None:
    @router.get("/sites/{site}/outside", dependencies=[requires("live.view")])
    async def read_outside(site: KnownSite, serving: Served) -> OutsideShown:
        """What other systems say of the site that matters now: weather, registrations, warnings, posts."""
        asked = {
            "site": site.site,
            "mode": serving.settings.mode,
            "now": serving.now(),
            "zone": site.time_zone,
        }
        limits = jurisdiction(site.jurisdiction)
        working = serving.now() - dt.timedelta(seconds=limits.work_going_on_s)
        found = await serving.rows(OUTSIDE, asked)
        declared = await serving.row(DECLARED, asked)
        posts = {**asked, "posts": limits.key_posts, "working": working}
        missed = await serving.rows(MISSED_POSTS, posts) if declared is not None else []
        of: dict[str, list[IntakeShown]] = {name: [] for name in KINDS}
        for row in found:
            of[row["kind"]].append(IntakeShown(**row))
        return OutsideShown(
            weather=of["weather_warnings"],
            late_registrations=of["crane_registrations"],
            warnings=of["external_warnings"],
            certificates=of["certificates"],
            permits=of["permits"],
            attendance=AttendanceState(
                is_declared=declared is not None,
                missing=[row["post"] for row in missed if row["is_missing"]],
                works=bool(missed and missed[0]["works"]),
            ),
        )
