"""Filing a hazard over HTTP."""

import asyncio
import hashlib
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.accounts.signing import open_key
from cloud.database import Connection, connect, instant
from cloud.evidence import media
from cloud.evidence.routes import FILE_BODY, taken
from cloud.hazards.filing import FILES, Filing, file_once
from cloud.hazards.filing_model import (
    Choice,
    DetailChoice,
    FiledShown,
    FilingChoices,
    FilingDevice,
    HazardGiven,
    StagedPhoto,
    StagedPhotos,
)
from cloud.hazards.filing_words import filing_words
from cloud.hazards.knowing import actors_of
from cloud.hazards.record import Record
from cloud.hazards.staging import LISTED, stage_photo
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite
from cloud.registry.service import IdempotencyKey
from cloud.serving import Served
from cloud.shown import TextShown
from cloud.sites.service import is_among

router = APIRouter(tags=["hazards"])

_FILES = [requires(FILES, by_device=True)]
_DEVICES = """
    SELECT coalesce(file.device, told.device) AS device, coalesce(file.name, told.label) AS name
      FROM (SELECT device, name FROM device_file WHERE site = %(site)s) AS file
           FULL JOIN (SELECT DISTINCT ON (device) device, label FROM device
                       WHERE site = %(site)s AND mode = 'live' AND current) AS told USING (device)
     ORDER BY 1
"""


@router.get("/sites/{site}/filing-choices", dependencies=_FILES)
async def read_filing_choices(
    site: KnownSite, serving: Served, signed: SignedIn, seen: SeenDevices
) -> FilingChoices:
    """What the form for filing a hazard offers the caller."""
    words = filing_words()

    def actors() -> list[tuple[str, frozenset[str]]]:
        with connect(serving.dsn) as connection:
            found = actors_of(connection, signed.account_id, Record(site=site.site))
        return [(one.side, one.permissions) for one in found]

    held = [its for its in await asyncio.to_thread(actors) if FILES in its[1]]
    judging: dict[Literal["general", "major"], str] = {
        "general": "hazards.confirm",
        "major": "hazards.confirm_major",
    }
    return FilingChoices(
        categories=[Choice(name=name, label=TextShown.of(text)) for name, text in words.categories.items()],
        accidents=[Choice(name=name, label=TextShown.of(text)) for name, text in words.accidents.items()],
        details=[
            DetailChoice(name=name, label=TextShown.of(its.label), photos=its.photos)
            for name, its in words.details.items()
            if any(its.source(side) is not None for side, _ in held)
        ],
        devices=[
            FilingDevice(**row)
            for row in await serving.rows(_DEVICES, {"site": site.site})
            if is_among(row["device"], seen)
        ],
        judges=[
            level
            for level, permission in judging.items()
            if any(side == "authority" and permission in its for side, its in held)
        ],
        source=TextShown.of(words.source),
    )


@router.get("/sites/{site}/filing-photos", dependencies=_FILES)
async def list_filing_photos(site: KnownSite, serving: Served, signed: SignedIn) -> StagedPhotos:
    """Photos of the caller that have arrived and wait to be filed."""
    rows = await serving.rows(LISTED, {"site": site.site, "account": signed.account_id})
    return StagedPhotos(items=[StagedPhoto(**row) for row in rows])


@router.put(
    "/sites/{site}/filing-photos/{sha256}",
    dependencies=_FILES,
    responses={
        409: {"description": "Too many wait already"},
        413: {"description": "Too large"},
        415: {"description": "Not one of the kinds of files that are taken"},
    },
    openapi_extra=FILE_BODY,
)
async def put_filing_photo(
    site: KnownSite,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the body, hexadecimal.")],
    request: Request,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
) -> StagedPhoto:
    """Put a photo here before it is filed; sent again it is the same one. Where it was taken is not kept."""
    if signed.account_id is None:
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
    given = await request.body()
    if hashlib.sha256(given).hexdigest() != sha256:
        detail = "body: it is not what it should be; it broke on the way, send it again."
        raise ProblemError(422, "broken-on-the-way", "It broke on the way", detail, field="body")
    # A large file takes a while, and meanwhile others are answered.
    found, content = await asyncio.to_thread(taken, given)
    photo: dict[str, Any] = {
        "site": site.site,
        "account": signed.account_id,
        "given_sha256": bytes.fromhex(sha256),
        "kind": found.kind,
        "media_type": found.media_type,
        "content": content,
        "taken_out": len(given) - len(content) if found is media.JPEG else 0,
        "at": instant(serving.now_ms()),
    }

    def keep() -> bool:
        with connect(serving.dsn) as connection, connection.transaction():
            return stage_photo(connection, photo)

    response.status_code = 201 if await asyncio.to_thread(keep) else 200
    return StagedPhoto(sha256=sha256, bytes=len(content), media_type=found.media_type, at=photo["at"])


@router.post(
    "/sites/{site}/hazards",
    dependencies=_FILES,
    status_code=201,
    responses={409: {"description": "It is open already: `errors` and `Location` say which record"}},
)
async def file_hazard(
    site: KnownSite,
    given: HazardGiven,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> FiledShown:
    """File what one has found, signed. An inspector's own finding is confirmed with it."""
    signer = await open_key(serving, signed, given.signature.password.get_secret_value())
    filing = Filing(
        site=site,
        given=given,
        signer=signer,
        account=signer.account_id,
        now_ms=serving.now_ms(),
        settings=serving.settings,
    )
    made = await asyncio.to_thread(file_once, serving.dsn, filing, idempotency_key)
    response.headers["Location"] = f"/api/v1/hazards/{made}"
    return await asyncio.to_thread(_filed, serving.dsn, made)


def _filed(dsn: str, made: UUID) -> FiledShown:
    with connect(dsn) as connection:
        return _row(connection, made)


def _row(connection: Connection, made: UUID) -> FiledShown:
    query = "SELECT number, status, level, opened_at FROM hazard WHERE id = %s"
    number, status, level, opened_at = connection.execute(query, [made]).fetchone() or ("", "", "", "")
    return FiledShown(id=str(made), number=number, status=status, level=level, opened_at=opened_at)
