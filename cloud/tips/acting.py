"""What is done with a report by the public: one transaction, or nothing.

Only its named handler judges and answers it; whoever handles reports where it belongs may name him.
"""

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.signing import Signer
from cloud.database import Connection, Row, connect, instant
from cloud.hazards.filing import Filing, file
from cloud.hazards.staging import stage_photo
from cloud.live.store import wake_viewers
from cloud.problems import ProblemError, not_found
from cloud.registry.known import SiteEntry
from cloud.registry.service import check_match
from cloud.settings import Settings
from cloud.tips import store
from cloud.tips.figures import figures
from cloud.tips.model import AnswerIt, Assign, PassOn, Reward, Unfounded, Verify
from cloud.tips.telling import tell_handler

_STATES: dict[str, frozenset[str]] = {
    # Also where it was judged by somebody who has left: else nobody would ever answer it.
    "assign": frozenset({"received", "assigned", "judged"}),
    "verify": frozenset({"assigned"}),
    "unfounded": frozenset({"assigned"}),
    "pass_on": frozenset({"assigned"}),
    "answer": frozenset({"judged"}),
    "reward": frozenset({"judged", "answered"}),
}
"""In which an act can be done."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to do what with which report."""

    tip: UUID
    act: Any
    """One of `model.TipAct`."""
    account: int
    name: str
    if_match: str | None
    now_ms: int
    settings: Settings
    signer: Signer | None = None
    """His key, and where he files: where he verifies it."""
    site: SiteEntry | None = None

    @property
    def now(self) -> dt.datetime:
        """When."""
        return instant(self.now_ms)


def act_in_thread(dsn: str, wish: Wish) -> None:
    """Do it over a connection of its own. A problem where it cannot be done: 403, 404, 409, 412, 422."""
    with connect(dsn) as connection:
        with connection.transaction():
            _act(connection, wish)
        if wish.site is not None:
            wake_viewers(connection)


def _act(connection: Connection, wish: Wish) -> None:
    cursor = connection.cursor(row_factory=dict_row)
    tip = cursor.execute(store.LOCKED, {"tip": wish.tip}).fetchone()
    if tip is None:
        raise not_found("report")
    check_match(wish.if_match, tip["version"])
    if tip["state"] not in _STATES[wish.act.act]:
        detail = f"A report that is {tip['state']} cannot be acted on so."
        raise ProblemError(409, "not-in-this-state", "Not now", detail)
    if wish.act.act != "assign" and tip["handler"] != wish.account:
        raise only_the_handler()
    change, kind, words = _changed(connection, wish, tip)
    event = {"at": wish.now, "kind": kind, "author": wish.name, "account": wish.account, "words": words}
    connection.execute(store.NOTE, store.noted(wish.tip, event))
    tip = {**tip, **change}
    connection.execute(store.CHANGE, tip)
    if wish.act.act == "answer":
        erase_at = wish.now + dt.timedelta(days=figures().identity_kept_days)
        connection.execute("UPDATE tip_identity SET erase_at = %s WHERE tip = %s", [erase_at, wish.tip])
    if wish.act.act == "assign":
        tell_handler(connection, wish.settings, tip, wish.name, wish.now_ms)


def _changed(connection: Connection, wish: Wish, tip: Row) -> tuple[Row, str, str]:
    """The columns that change, what happened, and in which words."""
    match wish.act:
        case Assign() as act:
            name = _handler(connection, wish, act.handler)
            change: Row = {"handler": act.handler}
            if tip["state"] != "judged":
                change |= {"state": "assigned", "due_at": figures().due("judge", wish.now)}
            return change, "assigned", _joined(name, act.reason)
        case Verify() as act:
            made, number = _file(connection, wish, act)
            return {**_judged(wish, "verified"), "hazard_id": made}, "verified", number
        case Unfounded() as act:
            return _judged(wish, "unfounded"), "unfounded", act.reason
        case PassOn() as act:
            return _judged(wish, "passed_on"), "passed_on", _joined(act.to, act.reason)
        case AnswerIt() as act:
            return {"state": "answered", "answered_at": wish.now, "due_at": None}, "answered", act.words
        case Reward() as act:
            return {"reward_yuan": act.yuan}, "rewarded", f"{act.yuan}"
    raise AssertionError(tip["state"])


def _judged(wish: Wish, outcome: str) -> Row:
    due = figures().due("answer", wish.now)
    return {"state": "judged", "outcome": outcome, "judged_at": wish.now, "due_at": due}


def _handler(connection: Connection, wish: Wish, account: int) -> str:
    asked = {"tip": wish.tip, "handlers": store.handlers(), "parties": store.parties()}
    rows = connection.cursor(row_factory=dict_row).execute(store.HANDLERS, asked).fetchall()
    name = next((row["name"] for row in rows if row["account"] == account), None)
    if name is None:
        detail = "handler: it must be an authority's person there, with nothing to do with the site."
        raise ProblemError(422, "invalid", "Not a handler", detail, field="body.handler", code="no-handler")
    return str(name)


def _file(connection: Connection, wish: Wish, act: Verify) -> tuple[UUID, str]:
    """The hazard, filed by the handler in his own words. It does not say from which report it came.

    Nor that somebody of the site reported: its own people read the record.
    """
    assert wish.signer is not None and wish.site is not None  # noqa: S101, PT018  the route opened them
    asked = {"tip": wish.tip, "photos": act.photos}
    pictures = connection.cursor(row_factory=dict_row).execute(store.CHOSEN, asked).fetchall()
    if len(pictures) < len(act.photos):
        detail = "photos: the report has no such picture."
        raise ProblemError(
            422, "invalid", "No such picture", detail, field="body.photos", code="photo-not-there"
        )
    for picture in pictures:
        stage_photo(connection, _staged(wish, picture))
    filed = {"photos": [*act.hazard.photos, *act.photos], "drill": False, "source_detail": "public"}
    filing = Filing(
        site=wish.site,
        given=act.hazard.model_copy(update=filed),
        signer=wish.signer,
        account=wish.account,
        now_ms=wish.now_ms,
        settings=wish.settings,
    )
    made = file(connection, filing)
    row = connection.execute("SELECT number FROM hazard WHERE id = %s", [made]).fetchone()
    return made, "" if row is None else str(row[0])


def _staged(wish: Wish, picture: Row) -> Row:
    assert wish.site is not None  # noqa: S101  as above
    return {
        "site": wish.site.site,
        "account": wish.account,
        "given_sha256": bytes.fromhex(picture["sha256"]),
        "kind": "photo",
        "media_type": "image/jpeg",
        "content": picture["content"],
        "taken_out": 0,
        "at": wish.now,
    }


def only_the_handler() -> ProblemError:
    """Refused to anybody else, whatever he may do elsewhere."""
    return ProblemError(403, "only-the-handler", "Not allowed", "Only the report's handler may do this.")


def _joined(*words: str) -> str:
    return " · ".join(one for one in words if one)
