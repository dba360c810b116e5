"""A person files a hazard: signed, with its photos, at once; an inspector's own is judged with it."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row, connect, instant
from cloud.evidence.store import NewItem, put
from cloud.hazards import standing, store, timers
from cloud.hazards.acting import Signer, Wish, act
from cloud.hazards.acts import Confirm
from cloud.hazards.around import Told
from cloud.hazards.chain import Event
from cloud.hazards.filing_model import HazardGiven
from cloud.hazards.filing_words import Source, filing_words
from cloud.hazards.guards import Actor
from cloud.hazards.knowing import Around, actors_of, facts_of
from cloud.hazards.opening import fingerprint
from cloud.hazards.record import Record
from cloud.hazards.staging import taken_photos
from cloud.hazards.transitions import Asked, choose
from cloud.idempotency import Answer, Sent, once_in_thread
from cloud.instants import local, rfc3339
from cloud.jurisdictions.store import jurisdiction_of
from cloud.live.store import wake_viewers
from cloud.notices.opening import News, Telling, tell, tell_of
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.known import SiteEntry
from cloud.registry.service import etag
from cloud.settings import Settings
from sitewarden.rules.clauses import UnknownClauseError, editions
from sitewarden.text import Text

FILES = "hazards.file"
"""The permission."""
_AHEAD = dt.timedelta(minutes=5)
"""A phone's clock may run ahead by so much."""

_TWIN: LiteralString = """
    SELECT id, number FROM hazard
     WHERE site = %(site)s AND mode = %(mode)s AND ended_at IS NULL AND category->>'zh' = %(category)s
       AND CASE WHEN %(device)s::text IS NULL THEN location = %(location)s ELSE device = %(device)s END
       AND (clause->>'edition', clause->>'id') IS NOT DISTINCT FROM (%(edition)s::text, %(clause)s::text)
     ORDER BY opened_at LIMIT 1
"""
"""An open record of the same place, category and clause, whoever opened it."""


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to file, where, and who he is."""

    site: SiteEntry
    given: HazardGiven
    signer: Signer
    account: int
    now_ms: int
    settings: Settings

    @property
    def now(self) -> dt.datetime:
        """When it is filed."""
        return instant(self.now_ms)

    @property
    def seen_at(self) -> dt.datetime:
        """When it was seen."""
        return self.given.detected_at or self.now

    @property
    def mode(self) -> str:
        """Whether it is an exercise."""
        return "drill" if self.given.drill else "live"


def file_once(dsn: str, filing: Filing, key: str | None) -> UUID:
    """File it over a connection of its own, once however often it is sent under that key; tell the pages."""
    asked = filing.given.model_dump(mode="json", exclude={"signature"})
    request = (f"sites/{filing.site.site}/hazards", asked)
    sent = Sent(account=filing.account, key=key, request=request, now_ms=filing.now_ms)
    with connect(dsn) as connection:
        with connection.transaction():
            answer = once_in_thread(connection, sent, lambda: Answer(body=str(file(connection, filing))))
        wake_viewers(connection)
    return UUID(answer.body)


def file(connection: Connection, filing: Filing) -> UUID:
    """Open the record within the caller's transaction; a problem where it cannot be so."""
    actor = _filer(connection, filing)
    source = _checked(filing, actor)
    photos = taken_photos(connection, filing.site.site, filing.account, filing.given.photos)
    _check_photos(filing, len(photos))
    _check_twin(connection, filing)
    hazard_id = _insert(connection, filing, source)
    _append(connection, filing, actor, hazard_id, source=source)
    for photo in photos:
        put(connection, _item(filing, actor, hazard_id, photo))
    _link(connection, filing, actor, hazard_id)
    told = _judge(connection, filing, hazard_id)
    if told is None:
        told = timers.after_openings(connection, [(hazard_id, filing.seen_at)], filing.now)
    _tell(connection, filing, hazard_id, told)
    return hazard_id


_LINK: LiteralString = """
    INSERT INTO inspection_hazard (inspection, hazard_id)
        SELECT id, %(hazard)s FROM inspection_now
         WHERE id = %(inspection)s AND NOT withdrawn AND (site = %(site)s OR site IS NULL)
        RETURNING (SELECT seen FROM inspection_now WHERE id = %(inspection)s)
"""


def _link(connection: Connection, filing: Filing, actor: Actor, hazard_id: UUID) -> None:
    """Note of which inspection it is a finding; a problem where he sees none such at the site.

    What an officer saw over the network is evidence.
    """
    inspection = filing.given.inspection
    if inspection is None:
        return
    asked = {"hazard": hazard_id, "inspection": inspection, "site": filing.site.site}
    found = connection.execute(_LINK, asked).fetchone()
    if found is None:
        detail = "inspection: there is none such at this site."
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="inspection")
    if found[0]:
        put(connection, _snapshot(filing, actor, hazard_id, found[0]))


def _filer(connection: Connection, filing: Filing) -> Actor:
    """He, in a role that files at the site; one that judges before one that does not."""
    record = Record(site=filing.site.site, device=filing.given.device)
    files = [one for one in actors_of(connection, filing.account, record) if FILES in one.permissions]
    if not files:
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
    return max(files, key=lambda one: ("hazards.confirm" in one.permissions, one.side == "authority"))


def _checked(filing: Filing, actor: Actor) -> Source:
    """As what it counts; a problem where what is given does not fit together."""
    given = filing.given
    detail = filing_words().details[given.source_detail]
    source = detail.source(actor.side)
    errors = []
    if source is None:
        said = "is not for your side to say"
        errors.append(FieldProblem(field="body.source_detail", message=said, code="not-his-detail"))
    if given.device is None and not given.location:
        said = "say which device, or where"
        errors.append(FieldProblem(field="body.location", message=said, code="where-missing"))
    if filing.seen_at > filing.now + _AHEAD:
        errors.append(FieldProblem(field="body.detected_at", message="is in the future", code="in-future"))
    if given.clause is not None and _text_of(given.clause.edition, given.clause.id) is None:
        said = "is in no edition of the standard"
        errors.append(FieldProblem(field="body.clause", message=said, code="no-such-clause"))
    if errors or source is None:
        detail_text = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise ProblemError(422, "invalid", "The request was not understood", detail_text, errors=errors)
    return source


def _text_of(edition: str, item: str) -> str | None:
    known = editions().get(edition)
    try:
        return None if known is None else known.item(item).text
    except UnknownClauseError:
        return None


def _check_photos(filing: Filing, there: int) -> None:
    needed = filing_words().details[filing.given.source_detail].photos
    if there < len(filing.given.photos):
        detail = "photos: one of them has not arrived; send it again."
        raise ProblemError(
            422, "invalid", "A photo is missing", detail, field="body.photos", code="photo-not-there"
        )
    if there < needed:
        detail = f"photos: at least {needed} is needed."
        raise ProblemError(
            422, "invalid", "A photo is missing", detail, field="body.photos", code="photo-missing"
        )


def _check_twin(connection: Connection, filing: Filing) -> None:
    given = filing.given
    if given.distinct:
        return
    row = connection.execute(
        _TWIN,
        {
            "site": filing.site.site,
            "mode": filing.mode,
            "category": filing_words().categories[given.category].zh,
            "device": given.device,
            "location": given.location,
            "edition": None if given.clause is None else given.clause.edition,
            "clause": None if given.clause is None else given.clause.id,
        },
    ).fetchone()
    if row is not None:
        raise _open_already(*row)


def _open_already(hazard_id: UUID, number: str) -> ProblemError:
    detail = f"{number} is open for the same danger: /api/v1/hazards/{hazard_id}."
    link = {"Location": f"/api/v1/hazards/{hazard_id}"}
    said = FieldProblem(
        field="body.category",
        message=detail,
        code="open-already",
        values={"number": number, "hazard": str(hazard_id)},
    )
    return ProblemError(409, "open-already", "It is open already", detail, link, errors=[said])


def danger_of(filing: Filing) -> bytes:
    """The fingerprint: place, category and clause; one that is called distinct is like no other."""
    given = filing.given
    clause = "" if given.clause is None else f"{given.clause.edition}/{given.clause.id}"
    place = given.device or f"@{given.location}"
    family = f"filed:{clause}" + (f":{uuid4()}" if given.distinct else "")
    words = filing_words().categories[given.category]
    return fingerprint(filing.site.site, place, words, family, filing.mode)


def _insert(connection: Connection, filing: Filing, source: Source) -> UUID:
    given, danger, made = filing.given, danger_of(filing), uuid4()
    window = dt.timedelta(days=jurisdiction_of(connection, filing.site.site).repeat_window_days)
    past = standing.past(connection, {danger: filing.now - window}).get(danger)
    day = local(filing.now, filing.site.time_zone).date()
    (number,) = standing.numbers(connection, [(filing.site.site, day)])
    values = {
        "id": made,
        "number": number,
        "site": filing.site.site,
        "device": given.device,
        "location": given.location,
        "category": Jsonb(filing_words().categories[given.category]),
        "family": "filed",
        "fingerprint": danger,
        "level": _level(filing),
        "content": Jsonb(Text(given.content, given.content)),
        "accident": Jsonb(filing_words().accidents[given.potential_accident]),
        "clause": _clause(filing),
        "now": filing.now,
        "seen_at": filing.seen_at,
        "worst": 4 if given.level == "major" else 3,
        "mode": filing.mode,
        "source": source,
        "detail": given.source_detail,
        "repeat_of": None if past is None else past.last,
        "repeat_no": 0 if past is None else past.repeat_no + 1,
    }
    try:
        with connection.transaction():
            connection.execute(_INSERT, values)
    except psycopg.errors.UniqueViolation:
        # Somebody files the same at this moment: his record is the one.
        query = "SELECT id, number FROM hazard WHERE fingerprint = %s AND ended_at IS NULL"
        row = connection.execute(query, [danger]).fetchone()
        if row is None:
            raise
        raise _open_already(*row) from None
    return made


_INSERT: LiteralString = """
    INSERT INTO hazard (
            id, number, site, device, location, category, family, fingerprint, level, status, content,
            potential_accident, clause, also, signal, opened_at, detected_at, episodes, last_episode_at,
            worst_level, mode, source, source_detail, repeat_of, repeat_no, version)
        VALUES (
            %(id)s, %(number)s, %(site)s, %(device)s, %(location)s, %(category)s, %(family)s, %(fingerprint)s,
            %(level)s, 'candidate', %(content)s, %(accident)s, %(clause)s, '[]', 'none', %(now)s, %(seen_at)s,
            0, %(seen_at)s, %(worst)s, %(mode)s, %(source)s, %(detail)s, %(repeat_of)s, %(repeat_no)s, 0)
"""


def _level(filing: Filing) -> str:
    return "major_proposed" if filing.given.level == "major" else "general"


def _clause(filing: Filing) -> Jsonb | None:
    clause = filing.given.clause
    if clause is None:
        return None
    return Jsonb({"edition": clause.edition, "id": clause.id, "text": _text_of(clause.edition, clause.id)})


def _append(connection: Connection, filing: Filing, actor: Actor, hazard_id: UUID, *, source: Source) -> None:
    given = filing.given
    row = connection.execute("SELECT number, repeat_of, repeat_no FROM hazard WHERE id = %s", [hazard_id])
    number, repeat_of, repeat_no = row.fetchone() or ("", None, 0)
    body: dict[str, Any] = {
        "number": number,
        "site": filing.site.site,
        "device": given.device,
        "location": given.location,
        "category": filing_words().categories[given.category],
        "content": given.content,
        "potential_accident": filing_words().accidents[given.potential_accident],
        "clause": None if given.clause is None else given.clause.model_dump(),
        "reason": given.reason,
        "level": _level(filing),
        "mode": filing.mode,
        "source": source,
        "source_detail": given.source_detail,
        "detected_at": rfc3339(filing.seen_at),
        "photos": given.photos,
        "repeat_of": None if repeat_of is None else str(repeat_of),
        "repeat_no": repeat_no,
    }
    event = Event(
        at=rfc3339(filing.now),
        actor=actor.name,
        kind="filed",
        body={name: value for name, value in body.items() if value is not None},
        account=filing.account,
        role=actor.role,
        side=actor.side,
    )
    made = store.append_event(connection, hazard_id, event)
    signature = store.Signature(
        account=filing.account, key=filing.signer.key, by=filing.signer.sign(made.hash)
    )
    store.put_signature(connection, hazard_id, made.seq, signature)


def _item(filing: Filing, actor: Actor, hazard_id: UUID, photo: Row) -> NewItem:
    return NewItem(
        hazard_id=hazard_id,
        kind=photo["kind"],
        stage="found",
        content=photo["content"],
        given_sha256=photo["given_sha256"],
        media_type=photo["media_type"],
        about={"taken_out": photo["taken_out"]} if photo["taken_out"] else {},
        account_id=filing.account,
        author=actor.name,
        at=filing.now,
    )


def _snapshot(filing: Filing, actor: Actor, hazard_id: UUID, seen: Any) -> NewItem:
    return NewItem(
        hazard_id=hazard_id,
        kind="document",
        stage="found",
        content=msgspec.json.format(msgspec.json.encode(seen), indent=1),
        media_type="application/json",
        name="remote-patrol.json",
        account_id=filing.account,
        author=actor.name,
        at=filing.now,
    )


def _judging(connection: Connection, filing: Filing, record: Record, hazard_id: UUID) -> Confirm | None:
    """The judgement that goes with an inspector's own finding; `None` where it waits for somebody else."""
    given = filing.given
    if not given.judge:
        return None
    confirm = Confirm(
        act="confirm",
        level=given.level,
        clause=given.clause,
        reason=given.reason or given.content,
        handled=given.handled,
        signature=given.signature,
    )
    around = Around(hazard_id=hazard_id, record=record, now_ms=filing.now_ms)
    held = actors_of(connection, filing.account, record)
    asked = Asked(
        record=record,
        actors=[one for one in held if one.side == "authority"],
        facts=facts_of(connection, around),
        now=filing.now,
    )
    return confirm if choose("confirm", asked, confirm).permitted else None


def _judge(connection: Connection, filing: Filing, hazard_id: UUID) -> list[Told] | None:
    """What there is to be told of its judgement, as of any other; `None` where it was not judged."""
    record = store.load(connection, hazard_id, locked=True)
    assert record is not None  # noqa: S101  just opened
    confirm = _judging(connection, filing, record, hazard_id)
    if confirm is None:
        return None
    wish = Wish(
        hazard_id=hazard_id,
        act=confirm,
        account=filing.account,
        signer=filing.signer,
        if_match=etag(record.seq),
        now_ms=filing.now_ms,
    )
    return act(connection, wish).told


def _tell(connection: Connection, filing: Filing, hazard_id: UUID, told: list[Told]) -> None:
    if filing.mode == "live":
        sites = {filing.site.site: filing.site}
        telling = Telling(settings=filing.settings, sites=sites, now_ms=filing.now_ms)
        tell(connection, telling, News(episodes={}, hazards=[hazard_id]))
        tell_of(connection, telling, told)
    store.show(connection, [hazard_id], filing.now_ms)
