"""Reporting a danger without an account, and reading by the receipt's code what becomes of it.

The code travels in a header and never in an address, which servers between may write down. Of whoever
reports nothing is kept but what he gives.
"""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Header, Query, Request

from cloud.accounts.permissions import Public
from cloud.callers import PROGRAMS, calling
from cloud.database import Row, rows_of
from cloud.evidence import media
from cloud.problems import ProblemError, not_found
from cloud.serving import Own, Served, Serving
from cloud.shown import TextShown
from cloud.tips import store
from cloud.tips.bounds import Bounds
from cloud.tips.figures import figures
from cloud.tips.keeping import Identity, code_hash, key_of, new_code, seal, site_of
from cloud.tips.model import OwnTip, TipArea, TipAreas, TipGiven, TipReceipt, TipWords, Way, WordsGiven
from cloud.tips.telling import tell_added, tell_received

Code = Annotated[str, Header(alias="X-Tip-Code", max_length=40, description="Of the receipt.")]
_SHOWN = {"added", "answered"}
"""Events whose words whoever reported reads."""
_MOST_WORDS = 50
_BOUNDS = Own(Bounds)


def make_public_router() -> APIRouter:
    """Every route that asks for no account."""
    router = APIRouter(tags=["tips"], dependencies=[Public])
    _add_reporting(router)
    _add_own(router)
    return router


def _add_reporting(router: APIRouter) -> None:
    @router.get("/public-reports/areas")
    async def read_tip_areas(serving: Served, gate: Annotated[str, Query(max_length=100)] = "") -> TipAreas:
        """What the page for reporting offers; at a gate whose code was read, which site that is."""
        with calling(PROGRAMS):
            areas = await serving.rows(store.AREAS)
            row = await _site_at(serving, gate)
        return TipAreas(
            areas=[TipArea(**one) for one in areas], site=None if row is None else TextShown(**row["name"])
        )

    @router.post("/public-reports", status_code=201)
    async def report_danger(given: TipGiven, serving: Served, request: Request) -> TipReceipt:
        """Report a danger. The answer's code is shown once: who keeps it reads what becomes of the report."""
        _BOUNDS.of(serving).count_report(request)
        with calling(PROGRAMS):
            row = await _site_at(serving, given.gate)
            if given.gate and row is None:
                detail = "gate: it is the code of no site here."
                raise ProblemError(
                    422, "invalid", "No such gate", detail, field="body.gate", code="no-such-gate"
                )
            return await receive(
                serving, given, site=None if row is None else row["site"], way="gate" if row else "page"
            )


def _add_own(router: APIRouter) -> None:
    @router.get("/public-reports/own")
    async def read_own_tip(serving: Served, request: Request, code: Code) -> OwnTip:
        """What has become of the report with that receipt."""
        _BOUNDS.of(serving).count_use(request)
        with calling(PROGRAMS):
            return await _own(serving, code)

    @router.post("/public-reports/own/words")
    async def add_to_own_tip(given: WordsGiven, serving: Served, request: Request, code: Code) -> OwnTip:
        """Say something more."""
        _BOUNDS.of(serving).count_use(request)
        with calling(PROGRAMS):
            await _add_words(serving, code, given.words)
            return await _own(serving, code)

    @router.put(
        "/public-reports/own/photos",
        responses={409: {"description": "There are as many as may be"}, 415: {"description": "No JPEG"}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "JPEG, at most 4 MiB; where and by what it was taken is not kept.",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def add_photo_to_own_tip(serving: Served, request: Request, code: Code) -> OwnTip:
        """Send a picture after it."""
        _BOUNDS.of(serving).count_use(request)
        with calling(PROGRAMS):
            # Before anything is taken in: whoever has no code sends nothing.
            await _own(serving, code)
            content = pictured(await _BOUNDS.of(serving).picture(request))
            await _add_photo(serving, code, content)
            return await _own(serving, code)


async def receive(
    serving: Serving, given: TipGiven, *, site: str | None, way: Way, entered: Row | None = None
) -> TipReceipt:
    """Keep a report, its identity apart and sealed; tell those who handle them.

    `entered`: who entered it for another, as an event has it.
    """
    tip, code, now = uuid4(), new_code(), serving.now()
    identity = Identity(name=given.name, contact=given.contact)
    named = identity != Identity()
    # Outside of the transaction: a key that is missing costs no number.
    sealed = seal(key_of(serving.settings), tip, identity) if named else b""
    values = {
        **given.model_dump(include={"place", "content", "insider", "territory"}),
        "tip": tip,
        "code_hash": code_hash(code),
        "way": way,
        "site": site,
        "named": named,
        "due_at": figures().due("assign", now),
        "received_at": now,
    }
    async with serving.pool.connection() as connection, connection.transaction():
        if given.territory is not None:
            await _check_area(connection, given.territory)
        made = await store.insert(connection, values)
        if entered is not None:
            await store.note(connection, tip, {"at": now, "kind": "added", **entered})
        if named:
            await store.keep_identity(connection, tip, sealed)
        await tell_received(connection, serving, tip, made)
    return TipReceipt(number=made["number"], code=code, photos=figures().photos)


def pictured(given: bytes) -> bytes:
    """The picture of a JPEG without what its maker wrote beside it; a problem where it is none."""
    try:
        if media.media_of(given) is media.JPEG:
            return media.without_metadata(given).content
        said = "is no JPEG"
    except media.NotTakenError as exc:
        said = str(exc)
    detail = f"The file {said}; send a JPEG."
    raise ProblemError(415, "unsupported-media-type", "Not a file that is taken", detail, field="body")


async def _check_area(connection: Any, node: int) -> None:
    found = await connection.execute("SELECT FROM tree_node WHERE node = %s AND tree = 'territory'", [node])
    if await found.fetchone() is None:
        detail = "territory: there is no such area."
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="body.territory")


async def _site_at(serving: Serving, gate: str) -> Row | None:
    site = site_of(key_of(serving.settings), gate) if gate else None
    if site is None:
        return None
    return await serving.row("SELECT site, name FROM site WHERE site = %s", [site])


async def _changing(serving: Serving, code: str, change: Callable[[Any, Row], Any]) -> None:
    async with serving.pool.connection() as connection, connection.transaction():
        tip = await store.by_code(connection, code_hash(code), locked=True)
        if tip is None:
            raise not_found("report")
        await change(connection, tip)


async def _add_words(serving: Serving, code: str, words: str) -> None:
    async def add(connection: Any, tip: Row) -> None:
        cursor = await connection.execute(
            "SELECT count(*) FROM tip_event WHERE tip = %s AND kind = 'added'", [tip["tip"]]
        )
        (said,) = await cursor.fetchone()
        if said >= _MOST_WORDS:
            raise ProblemError(409, "enough-said", "Enough was said", "Nothing more can be added to it.")
        await store.note(connection, tip["tip"], {"at": serving.now(), "kind": "added", "words": words})
        await tell_added(connection, serving, tip, f"words-{said + 1}")

    await _changing(serving, code, add)


async def _add_photo(serving: Serving, code: str, content: bytes) -> None:
    most = figures().photos

    async def add(connection: Any, tip: Row) -> None:
        sent = await store.count_photos(connection, tip["tip"])
        if sent >= most:
            detail = f"A report has at most {most} pictures."
            raise ProblemError(409, "too-many-photos", "Too many pictures", detail)
        await store.put_photo(connection, {"tip": tip["tip"], **store.hashed(content)})
        await tell_added(connection, serving, tip, f"photos-{sent + 1}")

    await _changing(serving, code, add)


async def _own(serving: Serving, code: str) -> OwnTip:
    async with serving.pool.connection() as connection:
        tip = await store.by_code(connection, code_hash(code))
        if tip is None:
            raise not_found("report")
        events = await rows_of(connection, store.EVENTS, {"tip": tip["tip"]})
        photos = await store.count_photos(connection, tip["tip"])
    return OwnTip(
        number=tip["number"],
        # While it is being judged nobody outside knows how.
        outcome=tip["outcome"] if tip["state"] == "answered" else None,
        state="assigned" if tip["state"] == "judged" else tip["state"],
        received_at=tip["received_at"],
        content=tip["content"],
        photos=photos,
        said=[
            TipWords(at=one["at"], by_reporter=one["account_id"] is None, words=one["words"])
            for one in events
            if one["kind"] in _SHOWN and one["words"]
        ],
    )
