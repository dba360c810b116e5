"""What an incident's events come to, and what is in the way of closing it. Pure."""

import datetime as dt
from typing import Any

import msgspec

from cloud.incidents.model import LESSONS
from sitewarden.text import Text

CHANGEABLE = ("kind", "what", "place", "occurred_at", "killed", "injured", "missing")
"""What a correction may change."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it stands."""

    kind: str
    what: str
    place: str
    device: str | None
    occurred_at: str
    killed: int
    injured: int
    missing: int
    filed_by: str
    filed_account: int | None
    reports: list[dict[str, Any]] = []
    details: dict[str, Any] | None = None
    learnt: dict[str, dict[str, Any]] = {}
    closed: dict[str, Any] | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An event as far as it changes the record."""

    kind: str
    body: dict[str, Any]
    at: str
    actor: str
    account: int | None


def filed(done: Done) -> Record:
    """The record that a filing begins."""
    body = {name: done.body[name] for name in (*CHANGEABLE, "device")}
    begun = Record(**body, filed_by=done.actor, filed_account=done.account)
    reported = done.body.get("reported")
    return begun if reported is None else _reported(begun, reported, done)


def apply(record: Record, done: Done) -> Record:
    """The record after an event; what the machine says of clocks changes nothing."""
    by = {"by": done.actor}
    match done.kind:
        case "report":
            return _reported(record, done.body["reported"], done)
        case "correct":
            changed = {name: done.body[name] for name in CHANGEABLE if done.body.get(name) is not None}
            return msgspec.structs.replace(record, **changed)
        case "submit_details":
            return msgspec.structs.replace(record, details={**done.body, **by, "at": done.at})
        case "learn":
            lesson = {"text": done.body["text"], **by, "at": done.at}
            return msgspec.structs.replace(record, learnt={**record.learnt, done.body["lesson"]: lesson})
        case "close":
            return msgspec.structs.replace(record, closed={**done.body, **by, "at": done.at})
        case _:
            return record


def _reported(record: Record, reported: dict[str, Any], done: Done) -> Record:
    return msgspec.structs.replace(record, reports=[*record.reports, {**reported, "by": done.actor}])


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the way."""

    code: str
    says: Text


_LESSONS = {
    "cause": Text("事故原因未查清", "The cause has not been found"),
    "responsible": Text("责任人员未处理", "Those responsible have not been dealt with"),
    "measures": Text("整改措施未落实", "Measures have not been taken"),
    "education": Text("有关人员未受到教育", "The people concerned have not been taught"),
}


def closing(record: Record, closer: int | None) -> list[Unmet]:
    """What is in the way of that account closing it: reports, the four that are not let go, his own hand."""
    found = []
    if needs_report(record) and not record.reports:
        says = Text("没有首报记录", "No first report is recorded")
        found.append(Unmet(code="no-first-report", says=says))
    if needs_report(record) and record.details is None:
        says = Text("详细信息未报送", "The details have not been handed in")
        found.append(Unmet(code="no-details", says=says))
    found += [
        Unmet(code=f"lesson-{lesson}", says=_LESSONS[lesson])
        for lesson in LESSONS
        if lesson not in record.learnt
    ]
    if closer is not None and closer == record.filed_account:
        says = Text("上报人不能自己结案", "Whoever filed it does not close it")
        found.append(Unmet(code="own-incident", says=says))
    return found


def needs_report(record: Record) -> bool:
    """Accidents are reported by the hour; a near miss is kept and learnt from."""
    return record.kind != "near_miss"


def deadlines(record: Record, figures: dict[str, int]) -> dict[str, dt.datetime]:
    """By when each is due, in seconds of `figures` from when it happened; none of a near miss."""
    if not needs_report(record):
        return {}
    begins = dt.datetime.fromisoformat(record.occurred_at)
    return {kind: begins + dt.timedelta(seconds=seconds) for kind, seconds in figures.items()}


def settled(record: Record) -> set[str]:
    """The clocks that need not run any more, for it was done."""
    done = {"first_report"} if record.reports else set()
    return done | ({"details", "details_warning"} if record.details is not None else set())
