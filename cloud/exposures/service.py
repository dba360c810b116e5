"""Preparing a file for the public, approving it, taking it back: each signed, never one person alone."""

import hashlib
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles, roles_with
from cloud.accounts.signing import Signer
from cloud.database import AsyncConnection, Row, instant, row_of, rows_of
from cloud.evidence import media
from cloud.exports import Mark
from cloud.exposures import store
from cloud.exposures.content import Exposure, Subject, package
from cloud.exposures.model import Approve, Drop, ExposureGiven, Withdraw
from cloud.exposures.redaction import betrayals, doubts
from cloud.instants import local, rfc3339
from cloud.ledger.chain import Event
from cloud.ledger.store import append
from cloud.problems import FieldProblem, ProblemError, not_found
from cloud.registry.service import check_match

_STANDING = frozenset({"confirmed", "rectifying", "rectified", "reviewed", "closed"})
_LEVELS = frozenset({"general", "major"})


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for it, in which transaction and when."""

    connection: AsyncConnection
    signed: Signed
    signer: Signer
    now_ms: int

    async def row(self, query: LiteralString, asked: dict[str, Any]) -> Row | None:
        """The first that a query finds, if any."""
        return await row_of(self.connection, query, asked)

    async def rows(self, query: LiteralString, asked: dict[str, Any]) -> list[Row]:
        """All that a query finds."""
        return await rows_of(self.connection, query, asked)


async def prepare(acting: Acting, hazard: UUID, given: ExposureGiven) -> UUID:
    """Make the file of a hazard, exactly as it would go out; nobody gets it before it is approved."""
    account = acting.signed.account_id
    seeing = {"account": account, "roles": roles_with(store.PREPARES)}
    record = await acting.row(store.HAZARD, {**seeing, "hazard": hazard})
    if record is None:
        raise not_found("hazard")
    role = await _role(acting, store.PREPARES, record["path"] or "", record["site"])
    _check_stands(record)
    authority = await acting.row(store.AUTHORITY, {"path": record["path"] or "", "node": given.node})
    if authority is None:
        detail = "node: no prefecture or province above the site, in whose name it could go out."
        raise ProblemError(422, "invalid", "No authority", detail, field="body.node", code="no-authority")
    await _check_says_nobody(acting, record, given)
    photos = [*await _photos(acting, hazard, given), *await _masked(acting, record, given)]
    number = await store.next_number(acting.connection)
    content = package(_said(acting, number, record, authority, given), photos)
    values = {
        **{name: record[name] for name in ("site", "level", "status")},
        "exposure": uuid4(),
        "number": number,
        "hazard": hazard,
        "node": authority["node"],
        "title": given.title,
        "photos": len(photos),
        "content": content,
        "at": instant(acting.now_ms),
        "author": acting.signed.name,
        "account": account,
    }
    await store.make(acting.connection, values)
    made: UUID = values["exposure"]
    said: dict[str, Any] = {
        "hazard": str(hazard),
        "number": number,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    looked_at = {
        "masked": [one.model_dump() for one in given.masked],
        "no_persons": [one for field in _texts(record, given).values() for one in doubts(field)],
    }
    await _append(
        acting, made, (1, role, "prepared"), {**said, **{n: its for n, its in looked_at.items() if its}}
    )
    return made


async def act_on(acting: Acting, seen: Row, act: Approve | Withdraw | Drop, if_match: str | None) -> None:
    """Approve, take back, drop. A problem where it cannot be: 403, 409, 412."""
    await store.lock(acting.connection, seen["id"])
    row = await acting.row(store.ONE, store.asking(acting.signed.account_id, exposure=seen["id"]))
    if row is None:
        raise not_found("exposure")
    check_match(if_match, row["version"])
    kind, before = _ACTS[act.act]
    if row["state"] != before:
        detail = f"What is {row['state']} cannot be acted on so."
        raise ProblemError(409, "not-in-this-state", "Not now", detail)
    is_own = row["account_id"] == acting.signed.account_id
    if isinstance(act, Drop) and is_own:
        role = await _role(acting, store.PREPARES, row["site_path"] or "", row["site"])
    else:
        role = await _role(acting, store.PUBLISHES, row["path"], None)
    if isinstance(act, Approve):
        _check_approved(row, act, is_own=is_own)
        said: dict[str, Any] = {"sha256": row["sha256"]}
    else:
        said = {"sha256": row["sha256"], "reason": act.reason}
    await _append(acting, row["id"], (row["version"] + 1, role, kind), said)


def _check_approved(row: Row, act: Approve, *, is_own: bool) -> None:
    if is_own:
        detail = "Whoever prepared it does not approve it."
        raise ProblemError(403, "same-person", "Somebody else approves it", detail)
    if act.sha256 != row["sha256"]:
        detail = "sha256: that is not the file that would go out."
        raise ProblemError(409, "another-file", "Another file was looked at", detail, field="body.sha256")
    if row["is_stale"]:
        detail = "The record has changed since; prepare it anew."
        raise ProblemError(409, "record-changed", "The record has changed", detail)


_ACTS = {
    "approve": ("approved", "draft"),
    "withdraw": ("withdrawn", "published"),
    "drop": ("dropped", "draft"),
}
"""What is noted, and in which state it can be done."""


async def may(connection: AsyncConnection, account: int | None, row: Row) -> dict[str, bool]:
    """What the caller may do with it as it stands."""
    asked = {"account": account, "roles": store.authorities_with(store.PUBLISHES), "path": row["path"]}
    cursor = await connection.execute(store.ROLE, {**asked, "site": None})
    publishes, is_own = await cursor.fetchone() is not None, row["account_id"] == account
    is_draft = row["state"] == "draft"
    return {
        "may_approve": publishes and is_draft and not is_own and not row["is_stale"],
        "may_withdraw": publishes and row["state"] == "published",
        "may_drop": is_draft and (publishes or is_own),
    }


async def _role(acting: Acting, permission: str, path: str, site: str | None) -> str:
    asked = {"account": acting.signed.account_id, "roles": store.authorities_with(permission)}
    row = await acting.row(store.ROLE, {**asked, "path": path, "site": site})
    if row is None:
        detail = "It takes a department of the place; in whose name it goes out, one of that level or above."
        raise ProblemError(403, "not-the-authority", "Not allowed", detail)
    return str(row["role"])


def _check_stands(record: Row) -> None:
    """Nothing is made known that is a drill, or that nobody has judged to be so."""
    if record["mode"] != "live" or record["status"] not in _STANDING or record["level"] not in _LEVELS:
        detail = "Only a hazard that was confirmed is made known, and no drill."
        raise ProblemError(409, "not-confirmed", "It is not confirmed", detail)


async def _photos(acting: Acting, hazard: UUID, given: ExposureGiven) -> list[bytes]:
    if (given.photos or given.masked) and not given.photos_show_nobody:
        detail = "photos_show_nobody: look at each of them and say so."
        field = "body.photos_show_nobody"
        raise ProblemError(
            422, "invalid", "Look at the pictures", detail, field=field, code="faces-unchecked"
        )
    named = [*given.photos, *(one.of for one in given.masked)]
    found = await acting.rows(store.PHOTOS, {"hazard": hazard, "photos": named})
    pictures = {
        row["sha256"]: row["content"]
        for row in found
        if row["media_type"] == media.JPEG.media_type or row["sha256"] not in given.photos
    }
    if missing := [one for one in named if one not in pictures]:
        detail = f"photos: the record has no JPEG {', '.join(one[:12] for one in missing)}."
        raise ProblemError(
            422, "invalid", "No such picture", detail, field="body.photos", code="no-such-picture"
        )
    # Again, whenever it was kept: nothing of where and by which telephone goes out.
    return [media.without_metadata(bytes(pictures[one])).content for one in dict.fromkeys(given.photos)]


async def _masked(acting: Acting, record: Row, given: ExposureGiven) -> list[bytes]:
    """Those that were covered, from where they were put; once used they are gone from there."""
    wanted = [one.sha256 for one in given.masked]
    asked = {"site": record["site"], "account": acting.signed.account_id, "photos": wanted}
    found = await acting.rows(store.MASKED, asked) if wanted else []
    pictures = {row["sha256"]: row["content"] for row in found if row["media_type"] == media.JPEG.media_type}
    if any(one not in pictures for one in wanted):
        detail = "masked: put each covered picture first, as JPEG."
        raise ProblemError(
            422, "invalid", "No such picture", detail, field="body.masked", code="no-such-picture"
        )
    return [media.without_metadata(bytes(pictures[one])).content for one in wanted]


def _texts(record: Row, given: ExposureGiven) -> dict[str, str]:
    return {
        "body.title": given.title,
        "body.words": given.words,
        "body.hazard": " ".join((record["category"]["zh"], record["potential_accident"]["zh"])),
    }


async def _check_says_nobody(acting: Acting, record: Row, given: ExposureGiven) -> None:
    rows = await acting.rows(store.KNOWN, {"site": record["site"], "hazard": record["id"]})
    posts = {role.name.zh for role in roles().roles.values()} | {
        role.name.en for role in roles().roles.values()
    }
    # Who is called as his post is, such as 安全员, is given away by nobody who names the post.
    known = [row["said"] for row in rows if row["said"] and not any(row["said"] in post for post in posts)]
    texts = _texts(record, given)
    errors = [
        _gives_away(field, "gives-away", found)
        for field, text in texts.items()
        if (found := betrayals(text, known))
    ] or [
        _gives_away(field, "looks-like-a-person", found)
        for field, text in texts.items()
        if (found := [one for one in doubts(text) if one not in given.no_persons])
    ]
    if errors:
        detail = "No persons, telephones, coordinates or numbers of devices go out."
        raise ProblemError(422, "invalid", "It would give somebody away", detail, errors=errors)


def _gives_away(field: str, code: str, found: list[str]) -> FieldProblem:
    message = f"It would give away {', '.join(found)}."
    return FieldProblem(field=field, message=message, code=code, values={"found": found})


def _said(acting: Acting, number: str, record: Row, authority: Row, given: ExposureGiven) -> Exposure:
    now, zone = instant(acting.now_ms), record["time_zone"]
    name = f"{authority['name']['zh']}主管部门"
    return Exposure(
        number=number,
        authority=name,
        made_on=local(now, zone).date(),
        title=given.title,
        words=given.words,
        hazard=_subject(record, zone),
        # The authority's mark: who made it stands in the ledger, and goes out to nobody.
        mark=Mark(name=name, at=now, time_zone=zone).line(),
    )


def _subject(record: Row, zone: str) -> Subject:
    clause = record["clause"] or {}
    due_at = record["due_at"]
    return Subject(
        number=record["number"],
        site=record["site_name"]["zh"],
        territory=None if record["territory"] is None else record["territory"]["zh"],
        enterprise=None if record["enterprise"] is None else record["enterprise"]["zh"],
        category=record["category"]["zh"],
        potential_accident=record["potential_accident"]["zh"],
        clause_edition=clause.get("edition"),
        clause=clause.get("id"),
        level=record["level"],
        status=record["status"],
        found_on=local(record["detected_at"], zone).date(),
        due_on=None if due_at is None else local(due_at, zone).date(),
        overdue=record["overdue"],
        listed=record["supervision"] == "listed",
    )


async def _append(acting: Acting, exposure: UUID, what: tuple[int, str, str], said: dict[str, Any]) -> None:
    seq, role, kind = what
    signed, at = acting.signed, instant(acting.now_ms)
    event = Event(
        at=rfc3339(at), actor=signed.name, account=signed.account_id, role=role, kind=kind, body=said
    )
    noted = {"exposure": exposure, "seq": seq, "kind": kind, "at": at}
    # The key to the event is looked at at the end: an event is seen by whoever sees what it is of.
    await store.act(acting.connection, {**noted, "author": signed.name, "account": signed.account_id})
    await append(acting.connection, "exposure", exposure, event, acting.signer)
