"""Recording duties, themes and draws over HTTP."""

import asyncio
import datetime as dt
import hashlib
import secrets
from typing import Annotated, Any, LiteralString
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Request, Response
from psycopg.types.json import Jsonb

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.database import AsyncConnection, instant
from cloud.duties.drawing import METHOD, draw
from cloud.duties.due import Span
from cloud.duties.kinds import kinds
from cloud.duties.model import (
    Draw,
    DrawGiven,
    DrawPart,
    Draws,
    DutyDone,
    DutyDoneCorrected,
    DutyDoneGiven,
    DutyPhoto,
    MissingShown,
    Theme,
    ThemeGiven,
    ThemesShown,
)
from cloud.duties.performing import world_of_async
from cloud.duties.places import RECORDS, SEES, OfNode, OfSite, check_may, place
from cloud.duties.sources import is_declared
from cloud.duties.store import nodes_of
from cloud.duties.world import World, is_active, unit_of
from cloud.evidence import media
from cloud.evidence.routes import FILE_BODY, taken
from cloud.exports.answers import attachment
from cloud.idempotency import Answer
from cloud.instants import HOME_ZONE, local
from cloud.problems import ProblemError, not_found
from cloud.registry.service import IdempotencyKey, IfMatch, acting, check_match, etag, once
from cloud.serving import Served, Serving
from cloud.shown import TextShown

router = APIRouter(tags=["duties"])
_RECORDS = [requires(RECORDS)]
_SEES = [requires(SEES)]
_AHEAD_ZONE = "Pacific/Kiritimati"
"""Where every day begins first."""
_MOST_PHOTOS = 9

_KEEP: LiteralString = """
    INSERT INTO duty_done (id, seq, kind, site, node, day, words, withdrawn, reason, at, author, account_id)
        VALUES (%(id)s, %(seq)s, %(kind)s, %(site)s, %(node)s, %(day)s, %(words)s, %(withdrawn)s, %(reason)s,
                %(at)s, %(author)s, %(account)s)
"""
_ONE: LiteralString = "SELECT * FROM duty_done_now WHERE id = %(id)s"
_PHOTOS: LiteralString = """
    SELECT encode(sha256, 'hex') AS sha256, media_type, at FROM duty_photo WHERE duty = %(id)s ORDER BY at
"""
_THEMES: LiteralString = """
    SELECT theme.node, node.name AS node_name, node.path, theme.month, theme.code, theme.name,
           theme.checklist, theme.version
      FROM theme JOIN tree_node AS node USING (node)
     WHERE theme.month BETWEEN %(since)s AND %(until)s AND node = ANY (%(nodes)s)
     ORDER BY theme.month, node.path, theme.code
"""
_HAZARDS_OF: LiteralString = """
    SELECT its.theme, count(DISTINCT hazard.id) AS found,
           count(DISTINCT hazard.id) FILTER (WHERE hazard.verified_at IS NOT NULL) AS fixed
      FROM inspection_now AS its JOIN inspection_hazard AS link ON link.inspection = its.id
           JOIN hazard ON hazard.id = link.hazard_id
     WHERE its.theme = ANY (%(codes)s) AND its.site = ANY (%(sites)s) AND NOT its.withdrawn
       AND hazard.mode = 'live' AND hazard.status NOT IN ('merged', 'rejected')
     GROUP BY its.theme
"""


@router.post("/duties/done", dependencies=_RECORDS, status_code=201)
async def record_duty(
    given: DutyDoneGiven,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    idempotency_key: IdempotencyKey = None,
) -> DutyDone:
    """Record a duty that was done, in the words of whoever did it; photos are added to it."""
    async with acting(serving, signed) as connection:

        async def work() -> Answer:
            made = uuid4()
            await _keep(connection, serving, signed, (made, 1), given)
            return Answer(body=str(made))

        answer = await once(
            connection,
            signed,
            key=idempotency_key,
            request=("duties/done", given.model_dump(mode="json")),
            now_ms=serving.now_ms(),
            work=work,
        )
    return await _shown(serving, UUID(answer.body), response)


@router.get("/duties/done/{duty}", dependencies=_SEES)
async def read_duty(duty: UUID, serving: Served, response: Response) -> DutyDone:
    """A record of a duty, with its photos."""
    return await _shown(serving, duty, response)


@router.post("/duties/done/{duty}/corrections", dependencies=_RECORDS, status_code=201)
async def correct_duty(
    duty: UUID,
    given: DutyDoneCorrected,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    if_match: IfMatch = None,
) -> DutyDone:
    """Put a record right by a further row, or withdraw it; what it said before stays."""
    async with acting(serving, signed) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(duty)])
        query = "SELECT seq, node, site FROM duty_done_now WHERE id = %s"
        known = await (await connection.execute(query, [duty])).fetchone()
        if known is None:
            raise not_found("record")
        seq, node, site = known
        # Whoever only sees it must not take it for a duty of his own.
        await check_may(connection, signed, RECORDS, node=node, site=site)
        check_match(if_match, seq)
        await _keep(connection, serving, signed, (duty, seq + 1), given)
    return await _shown(serving, duty, response)


@router.put(
    "/duties/done/{duty}/photos/{sha256}",
    dependencies=_RECORDS,
    responses={
        409: {"description": "Too many already"},
        413: {"description": "Too large"},
        415: {"description": "Not one of the kinds of files that are taken"},
    },
    openapi_extra=FILE_BODY,
)
async def put_duty_photo(
    duty: UUID,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the body, hexadecimal.")],
    request: Request,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
) -> DutyDone:
    """Add a photo to a record; sent again it is there once. Where it was taken is not kept."""
    known = await serving.row(_ONE, {"id": duty})
    if known is None:
        raise not_found("record")
    content = await request.body()
    if hashlib.sha256(content).hexdigest() != sha256:
        detail = "body: it is not what it should be; it broke on the way, send it again."
        raise ProblemError(422, "broken-on-the-way", "It broke on the way", detail, field="body")
    # A large file takes a while, and meanwhile others are answered.
    its, kept = await asyncio.to_thread(taken, content)
    async with acting(serving, signed) as connection:
        await check_may(connection, signed, RECORDS, node=known["node"], site=known["site"])
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(duty)])
        row = await (
            await connection.execute("SELECT count(*) FROM duty_photo WHERE duty = %s", [duty])
        ).fetchone()
        if row is not None and row[0] >= _MOST_PHOTOS:
            raise ProblemError(409, "photos-full", "Too many", f"At most {_MOST_PHOTOS} a record.")
        await connection.execute(
            "INSERT INTO duty_photo (duty, sha256, media_type, content, at, author, account_id) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                duty,
                bytes.fromhex(sha256),
                its.media_type,
                kept,
                serving.now(),
                signed.name,
                signed.account_id,
            ],
        )
    return await _shown(serving, duty, response)


@router.get(
    "/duties/done/{duty}/photos/{sha256}",
    dependencies=_SEES,
    response_class=Response,
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}},
)
async def read_duty_photo(
    duty: UUID, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], serving: Served
) -> Response:
    """A photo of a record."""
    query = "SELECT media_type, content FROM duty_photo WHERE duty = %(duty)s AND sha256 = %(sha256)s"
    row = await serving.row(query, {"duty": duty, "sha256": bytes.fromhex(sha256)})
    if row is None:
        raise not_found("photo")
    headers = attachment(f"{sha256[:12]}", row["media_type"])
    if row["media_type"] in media.SHOWN:
        headers["Content-Disposition"] = "inline"
    return Response(bytes(row["content"]), headers=headers)


@router.get("/duties/themes", dependencies=_SEES)
async def list_themes(
    serving: Served, signed: SignedIn, year: int, *, node: OfNode = None, site: OfSite = None
) -> ThemesShown:
    """The themes that hold in a place in a year (一月一主题), with how far each has come there."""
    if not 1970 < year < 2200:  # noqa: PLR2004  of our time
        raise ProblemError(422, "invalid", "No year of ours", "Name a year.", field="year", code="no-year")
    of = await place(serving, signed, node, site)
    since, until = dt.date(year, 1, 1), dt.date(year, 12, 31)
    async with acting(serving, signed) as connection:
        found = await world_of_async(connection, of, since, until)
    nodes = sorted({row["node"] for row in found.rows["nodes"]})
    rows = await serving.rows(_THEMES, {"since": since, "until": until, "nodes": nodes})
    sites = [row["site"] for row in found.rows["sites"]]
    asked = {"codes": [row["code"] for row in rows], "sites": sites}
    hazards = {row["theme"]: row for row in await serving.rows(_HAZARDS_OF, asked)}
    return ThemesShown(items=[_theme(found, row, hazards) for row in rows])


@router.put("/duties/themes/{node}/{month}/{code}", dependencies=_RECORDS)
async def put_theme(
    node: Annotated[int, Path(ge=1, le=2**31 - 1)],
    month: Annotated[dt.date, Path(description="Its first day.")],
    code: Annotated[str, Path(max_length=60, pattern=r"^[^\x00-\x1f/]+$")],
    given: ThemeGiven,
    serving: Served,
    *,
    signed: SignedIn,
    if_match: IfMatch = None,
) -> ThemesShown:
    """Set what is looked for in a month; a new one without a version, a change with that of what was seen."""
    if month.day != 1:
        raise ProblemError(422, "invalid", "No month", "Name its first day.", field="month", code="no-month")
    async with acting(serving, signed) as connection:
        await check_may(connection, signed, RECORDS, node=node, site=None)
        key = {"node": node, "month": month, "code": code}
        query = "SELECT version FROM theme WHERE node = %(node)s AND month = %(month)s AND code = %(code)s"
        row = await (await connection.execute(query + " FOR UPDATE", key)).fetchone()
        if row is not None:
            check_match(if_match, row[0])
        kept = await connection.execute(
            """
            INSERT INTO theme AS its (node, month, code, name, checklist, at, author, account_id)
                VALUES (%(node)s, %(month)s, %(code)s, %(name)s, %(checklist)s, %(at)s, %(author)s,
                        %(account)s)
                ON CONFLICT (node, month, code) DO UPDATE
                   SET name = EXCLUDED.name, checklist = EXCLUDED.checklist, at = EXCLUDED.at,
                       author = EXCLUDED.author, account_id = EXCLUDED.account_id, version = its.version + 1
                 WHERE its.version = %(seen)s
            """,
            {
                **key,
                "seen": None if row is None else row[0],
                "name": Jsonb(given.name.model_dump()),
                "checklist": Jsonb(given.checklist),
                "at": serving.now(),
                "author": signed.name,
                "account": signed.account_id,
            },
        )
        if kept.rowcount == 0:
            # Somebody else has set it a moment ago, and the caller has not seen that.
            check_match(None, 1)
    return await list_themes(serving, signed, month.year, node=node, site=None)


@router.post("/duties/draws", dependencies=_RECORDS, status_code=201)
async def make_draw(given: DrawGiven, serving: Served, signed: SignedIn) -> Draw:
    """Draw at random among what is in progress (双随机), by the shares of the territory; the seed is kept."""
    seed = given.seed or secrets.token_hex(16)
    today = local(serving.now(), HOME_ZONE).date()
    async with acting(serving, signed) as connection:
        await check_may(connection, signed, RECORDS, node=given.node, site=None)
        found = await world_of_async(connection, given.node, today, today)
        drawn = _drawn(found, today, seed)
        made = uuid4()
        await connection.execute(
            "INSERT INTO random_draw (id, node, seed, drawn, at, author, account_id) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [made, given.node, seed, Jsonb(drawn), serving.now(), signed.name, signed.account_id],
        )
    (row,) = await serving.rows("SELECT * FROM random_draw WHERE id = %s", [made])
    return _draw(row)


@router.get("/duties/draws", dependencies=_SEES)
async def list_draws(serving: Served, signed: SignedIn, node: OfNode) -> Draws:
    """Draws of an authority, the newest first, and how many a year it owes."""
    of = await place(serving, signed, node, None)
    today = local(serving.now(), HOME_ZONE).date()
    async with acting(serving, signed) as connection:
        found = await world_of_async(connection, of, today, today)
    rows = await serving.rows("SELECT * FROM random_draw WHERE node = %s ORDER BY at DESC LIMIT 50", [node])
    return Draws(items=[_draw(row) for row in rows], owed_a_year=found.limits.samplings_a_year, method=METHOD)


async def _keep(
    connection: AsyncConnection,
    serving: Serving,
    signed: Signed,
    where: tuple[UUID, int],
    given: DutyDoneGiven,
) -> None:
    owed_by = kinds().duties[given.kind].owed_by
    if (given.node is None) == (given.site is None) or (owed_by == "site") != (given.site is not None):
        detail = "Of a site's duty name the site, of any other the node."
        raise ProblemError(422, "invalid", "Whose duty?", detail, field="body.site", code="one-of")
    await check_may(connection, signed, RECORDS, node=given.node, site=given.site)
    if given.day > local(instant(serving.now_ms()), _AHEAD_ZONE).date():
        detail = "It has not been yet."
        raise ProblemError(422, "invalid", "In the future", detail, field="body.day", code="in-the-future")
    row = {
        "withdrawn": False,
        "reason": "",
        **given.model_dump(),
        "id": where[0],
        "seq": where[1],
        "at": serving.now(),
        "author": signed.name,
        "account": signed.account_id,
    }
    await connection.execute(_KEEP, row)


async def _shown(serving: Serving, duty: UUID, response: Response) -> DutyDone:
    row = await serving.row(_ONE, {"id": duty})
    if row is None:
        raise not_found("record")
    photos = await serving.rows(_PHOTOS, {"id": duty})
    response.headers["ETag"] = etag(row["seq"])
    return DutyDone(**row, photos=[DutyPhoto(**one) for one in photos])


def _theme(found: World, row: dict[str, Any], hazards: dict[str, dict[str, Any]]) -> Theme:
    month = Span(since=row["month"], until=_last(row["month"]))
    sites = [
        site
        for site in found.rows["sites"]
        if row["node"] in nodes_of(site["territory_path"]) + nodes_of(site["enterprise_path"])
        and any(month.met(span) for span in unit_of(found, site["site"]).active)
    ]
    checked = {
        one["site"]
        for one in found.rows["inspections"]
        if one["theme"] == row["code"] and month.since <= one["day"] <= month.until
    }
    missing = [site for site in sites if site["site"] not in checked]
    looked = len(sites) - len(missing)
    is_known = is_declared(found.rows["sources"], "inspections", sites, month)
    its = hazards.get(row["code"], {})
    return Theme(
        node=row["node"],
        node_name=TextShown(**row["node_name"]),
        month=row["month"],
        code=row["code"],
        name=TextShown(**row["name"]),
        checklist=row["checklist"],
        version=row["version"],
        projects=len(sites),
        checked=looked if is_known or looked else None,
        missing=[
            MissingShown(id=one["site"], name=TextShown(**one["name"]), site=one["site"], serial_no="")
            for one in missing[:100]
        ],
        hazards=its.get("found", 0),
        fixed=its.get("fixed", 0),
    )


def _last(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)


def _drawn(found: World, today: dt.date, seed: str) -> dict[str, Any]:
    sites = [one for one in found.rows["sites"] if is_active(unit_of(found, one["site"]).active, today)]
    enterprises = sorted(
        {str(nodes_of(one["enterprise_path"])[-1]) for one in sites if one["enterprise_path"]}
    )
    projects = sorted(one["site"] for one in sites)
    parts = {
        "enterprises": (enterprises, found.limits.sampled_enterprises),
        "projects": (projects, found.limits.sampled_projects),
    }
    return {
        name: {"fraction": share, "all": names, "drawn": draw(names, share, seed)}
        for name, (names, share) in parts.items()
    }


def _draw(row: dict[str, Any]) -> Draw:
    parts = {name: DrawPart(**part) for name, part in row["drawn"].items()}
    return Draw(id=row["id"], node=row["node"], seed=row["seed"], at=row["at"], author=row["author"], **parts)
