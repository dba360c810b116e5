"""The registry of a site over HTTP: the same five routes for each kind of record, and the few that differ."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, instant, rows_of
from cloud.idempotency import Answer
from cloud.jurisdictions.loading import jurisdictions
from cloud.paging import After, KeyCursor, Limit, by_key, number_after, part, read_cursor
from cloud.problems import ProblemError, not_found
from cloud.registry import model, store
from cloud.registry.access import KnownSite
from cloud.registry.kinds import KINDS, PLANS, Around, Kind
from cloud.registry.known import SiteEntry
from cloud.registry.out_of_use import found_at
from cloud.registry.parameters import known_parameters, support_types
from cloud.registry.service import (
    IdempotencyKey,
    IfMatch,
    acting,
    check_match,
    etag,
    once,
    removing,
)
from cloud.registry.works import works
from cloud.serving import Served, Serving
from cloud.shown import Page, TextShown
from sitewarden.points import vocabulary

Of = Annotated[str | None, Query(max_length=128, description="Only those of this device, or of this pit.")]
Word = Annotated[str | None, Query(max_length=128)]
_EDITED_WITH = "registry.edit"
_SEES, _EDITS = requires("registry.view"), requires(_EDITED_WITH)
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "It contradicts what is there"},
    412: {"description": "Somebody has changed it meanwhile"},
    428: {"description": "`If-Match` is missing"},
}


def make_router() -> APIRouter:
    """Every route of the registry."""
    router = APIRouter(tags=["registry"], responses=_CONFLICT)
    for kind in KINDS:
        _add_reading(router, kind)
        _add_making(router, kind)
        _add_changing(router, kind)
        if kind.free is not None:
            _add_removing(router, kind)
    _add_sites(router)
    _add_images(router)
    _add_changes(router)
    _add_findings(router)
    _add_choices(router)
    return router


def _path(kind: Kind, *, one: bool) -> str:
    # The name of a point has a slash.
    return f"/sites/{{site}}/registry/{kind.path}" + ("/{record:path}" if one else "")


def _around(connection: AsyncConnection, serving: Serving, site: SiteEntry) -> Around:
    return Around(connection=connection, site=site, mode=serving.settings.mode, now=instant(serving.now_ms()))


def _add_reading(router: APIRouter, kind: Kind) -> None:
    @router.get(
        _path(kind, one=False),
        dependencies=[_SEES],
        response_model=Page[kind.shown],  # type: ignore[name-defined]  # as the kind says
        name=f"list {kind.path}",
    )
    async def list_them(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        of: Of = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Page[Any]:
        cursor = read_cursor(after, KeyCursor).key if after else None
        async with acting(serving, signed) as connection:
            rows = await store.page(connection, kind.table, site.site, of=of, after=cursor, limit=limit + 1)
            shown, following = part(rows, limit, by_key())
            items = await kind.shown_of(_around(connection, serving, site), shown)
        return Page(items=items, next=following)

    @router.get(
        _path(kind, one=True), dependencies=[_SEES], response_model=kind.shown, name=f"read {kind.word}"
    )
    async def read_one(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        record: str,
    ) -> Any:
        async with acting(serving, signed) as connection:
            row = await store.read(connection, kind.table, site.site, kind.key(record))
            if row is None:
                raise not_found(kind.word)
            shown = await kind.shown_of(_around(connection, serving, site), [row])
        response.headers["ETag"] = etag(row["version"])
        return shown[0]


def _add_making(router: APIRouter, kind: Kind) -> None:
    async def make(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        given: model.Given,
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        async with acting(serving, signed) as connection:

            async def work() -> Answer:
                values = {"site": site.site, kind.table.key: kind.new_key(given), **kind.values(given)}
                row = await store.insert(connection, kind.table, values)
                shown = await _checked(kind, _around(connection, serving, site), row)
                return Answer(body=shown.model_dump(mode="json"), etag=etag(row["version"]))

            request = (f"{site.site}/{kind.path}", given.model_dump(mode="json"))
            answer = await once(
                connection, signed, key=idempotency_key, request=request, now_ms=serving.now_ms(), work=work
            )
        response.headers["ETag"] = answer.etag or ""
        return answer.body

    # What a body is depends on the kind; FastAPI reads it from here.
    make.__annotations__["given"] = kind.new
    router.add_api_route(
        _path(kind, one=False),
        make,
        methods=["POST"],
        status_code=201,
        dependencies=[requires(kind.edited_with)],
        response_model=kind.shown,
        name=f"make {kind.word}",
    )


def _add_changing(router: APIRouter, kind: Kind) -> None:
    async def change(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        given: model.Given,
        record: str,
        if_match: IfMatch = None,
    ) -> Any:
        async with acting(serving, signed) as connection:
            key = kind.key(record)
            await _matched(connection, kind, site, key, if_match)
            row = await store.update(connection, kind.table, site.site, key, kind.values(given))
            shown = await _checked(kind, _around(connection, serving, site), row)
        response.headers["ETag"] = etag(row["version"])
        return shown

    change.__annotations__["given"] = kind.given
    router.add_api_route(
        _path(kind, one=True),
        change,
        methods=["PUT"],
        dependencies=[requires(kind.edited_with)],
        response_model=kind.shown,
        name=f"change {kind.word}",
    )


def _add_removing(router: APIRouter, kind: Kind) -> None:
    @router.delete(
        _path(kind, one=True),
        dependencies=[requires(kind.edited_with)],
        status_code=204,
        name=f"remove {kind.word}",
    )
    async def remove(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        record: str,
        if_match: IfMatch = None,
    ) -> None:
        """What it was stays in the log of changes."""
        async with acting(serving, signed) as connection, removing():
            key = kind.key(record)
            await _matched(connection, kind, site, key, if_match)
            if kind.free is not None:
                await kind.free(_around(connection, serving, site), key)
            await store.remove(connection, kind.table, site.site, key)


async def _matched(
    connection: AsyncConnection, kind: Kind, site: SiteEntry, key: store.Key, if_match: str | None
) -> Row:
    """The record, locked; a problem where it is not the version that was seen."""
    row = await store.read(connection, kind.table, site.site, key, locked=True)
    if row is None:
        raise not_found(kind.word)
    check_match(if_match, row["version"])
    return row


async def _checked(kind: Kind, around: Around, row: Row) -> Any:
    await kind.check(around, row)
    return (await kind.shown_of(around, [row]))[0]


_SITE = store.Table(name="site", key="site")


def _site_shown(row: Row) -> model.RegisteredSite:
    fields = model.RegisteredSite.model_fields
    return model.RegisteredSite(**{name: value for name, value in row.items() if name in fields})


async def _check_trees(connection: AsyncConnection, account_id: int | None, given: model.SiteGiven) -> None:
    """A foreign key knows that a node is there, not of which tree it is, nor who may see it."""
    for tree, node in (("territory", given.territory), ("enterprise", given.enterprise)):
        found = await connection.execute(
            "SELECT FROM tree_node WHERE tree = %s AND node = %s AND sees_node(%s, path)",
            [tree, node, account_id],
        )
        if node is not None and await found.fetchone() is None:
            detail = f"{tree}: there is no such node"
            raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field=tree)


async def _check_taken_out(
    connection: AsyncConnection, account_id: int | None, seen: Row, given: model.SiteGiven
) -> None:
    """Nobody takes a site out of the sight of those above him: who has it by a node, or all, moves it.

    Whoever has its territory says of which enterprise it is.
    """
    asked = {"account": account_id, "roles": roles_with(_EDITED_WITH)}
    for tree, above in (("territory", ["territory"]), ("enterprise", ["enterprise", "territory"])):
        if seen[tree] is None or seen[tree] == getattr(given, tree):
            continue
        found = await connection.execute(
            "SELECT FROM tree_node WHERE node = ANY (%(nodes)s::int[]) "
            "AND rules_node(%(account)s, path, %(roles)s)",
            {**asked, "nodes": [seen[name] for name in above]},
        )
        if await found.fetchone() is None:
            detail = f"{tree}: whoever has the site by that, or has all, moves it"
            raise ProblemError(403, "not-yours-to-move", "Not allowed", detail, field=tree)


async def _check_scope(connection: AsyncConnection, account_id: int | None, site: str) -> None:
    """Nobody makes a site, or moves one, to where he could not see it."""
    seen = await connection.execute(
        "SELECT sees_device(%s, %s, NULL, %s)", [account_id, site, roles_with(_EDITED_WITH)]
    )
    if await seen.fetchone() != (True,):
        detail = "territory: it would lie outside of what your account may see"
        raise ProblemError(422, "out-of-scope", "Out of scope", detail, field="territory")


def _add_sites(router: APIRouter) -> None:
    @router.post("/sites", dependencies=[_EDITS], status_code=201)
    async def make_site(
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        given: model.SiteNew,
        idempotency_key: IdempotencyKey = None,
    ) -> model.RegisteredSite:
        """A new site; its gateways are registered next, and are heard from then on."""
        async with acting(serving, signed, fenced=False) as connection:

            async def work() -> Answer:
                await _check_trees(connection, signed.account_id, given)
                values = {"site": given.id, **given.model_dump(exclude={"id"})}
                row = await store.insert(connection, _SITE, values)
                await _check_scope(connection, signed.account_id, given.id)
                return Answer(body=_site_shown(row).model_dump(mode="json"), etag=etag(row["version"]))

            request = ("sites", given.model_dump(mode="json"))
            answer = await once(
                connection, signed, key=idempotency_key, request=request, now_ms=serving.now_ms(), work=work
            )
        response.headers["ETag"] = answer.etag or ""
        return model.RegisteredSite(**answer.body)

    @router.get("/sites/{site}/registry", dependencies=[_SEES])
    async def read_registered_site(
        site: KnownSite, serving: Served, signed: SignedIn, response: Response
    ) -> model.RegisteredSite:
        """The site as people describe it."""
        async with acting(serving, signed) as connection:
            row = await store.read(connection, _SITE, site.site, site.site)
        if row is None:
            raise not_found("site")
        response.headers["ETag"] = etag(row["version"])
        return _site_shown(row)

    @router.put("/sites/{site}/registry", dependencies=[_EDITS])
    async def change_site(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        given: model.SiteGiven,
        if_match: IfMatch = None,
    ) -> model.RegisteredSite:
        """Describe the site otherwise, or hang it elsewhere in the trees."""
        async with acting(serving, signed) as connection:
            seen = await store.read(connection, _SITE, site.site, site.site, locked=True)
            if seen is None:
                raise not_found("site")
            check_match(if_match, seen["version"])
            await _check_trees(connection, signed.account_id, given)
            await _check_taken_out(connection, signed.account_id, seen, given)
            row = await store.update(connection, _SITE, site.site, site.site, given.model_dump())
            await _check_scope(connection, signed.account_id, site.site)
        response.headers["ETag"] = etag(row["version"])
        return _site_shown(row)


class PlanImage(Response):
    """A PNG or JPEG."""


def _add_images(router: APIRouter) -> None:
    @router.get(
        "/sites/{site}/registry/images/{plan}",
        dependencies=[_SEES],
        response_class=PlanImage,
        responses={200: {"description": "The image.", "content": {"image/png": {}, "image/jpeg": {}}}},
    )
    async def read_plan_image(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        plan: str,
    ) -> PlanImage:
        """The image of a plan."""
        asked = [site.site, plan]
        query = "SELECT image, media_type FROM plan WHERE site = %s AND plan = %s"
        async with acting(serving, signed) as connection:
            found = await rows_of(connection, query, asked)
        if not found:
            raise not_found(PLANS.word)
        return PlanImage(bytes(found[0]["image"]), media_type=found[0]["media_type"])


def _add_changes(router: APIRouter) -> None:
    @router.get("/sites/{site}/registry/changes", dependencies=[_SEES])
    async def list_changes(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        record: Word = None,
        key: Word = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[model.Change]:
        """Who has changed what, the newest first; nothing is ever taken out of it."""
        asked = {
            "site": site.site,
            "record": record,
            "key": key,
            "before": number_after(after),
            "limit": limit + 1,
        }
        async with acting(serving, signed) as connection:
            rows = await rows_of(connection, store.CHANGES, asked)
        shown, following = part(rows, limit, by_key())
        return Page(items=[model.Change(**row) for row in shown], next=following)


def _add_findings(router: APIRouter) -> None:
    @router.get("/sites/{site}/registry/out-of-use", dependencies=[_SEES])
    async def list_out_of_use(site: KnownSite, serving: Served, signed: SignedIn) -> model.OutOfUseList:
        """Machines that work although their files say that they may not."""
        async with acting(serving, signed) as connection:
            return model.OutOfUseList(items=await found_at(_around(connection, serving, site)))


def _add_choices(router: APIRouter) -> None:
    @router.get("/registry/choices", dependencies=[_SEES])
    async def read_choices() -> model.Choices:
        """The words and names that a form offers."""
        return model.Choices(
            supports=list(support_types()),
            parameters=[
                model.ParameterShown(
                    name=name,
                    label=TextShown.of(asked.label),
                    unit=asked.unit,
                    choices=asked.choices,
                    note=asked.note,
                )
                for name, asked in known_parameters().items()
            ],
            categories=[
                model.CategoryShown(
                    name=name,
                    label=TextShown.of(category.label),
                    needs_monitoring=category.needs_monitoring,
                    measures=[
                        model.MeasureShown(
                            name=measure,
                            label=TextShown.of(of.label),
                            unit=of.unit,
                            dangerous=of.dangerous,
                            over_scale=of.over_scale,
                        )
                        for measure, of in category.measures.items()
                    ],
                )
                for name, category in works().categories.items()
            ],
            point_kinds=[
                model.KindShown(name=name, label=TextShown.of(kind), unit=kind.unit)
                for name, kind in vocabulary().items()
                if name.startswith("pit.")
            ],
            jurisdictions=[
                model.JurisdictionShown(name=name, label=TextShown.of(written.holds.label))
                for name, written in jurisdictions().items()
            ],
            source=TextShown(zh=works().source.zh, en=works().source.en),
        )
