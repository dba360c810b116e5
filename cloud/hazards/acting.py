"""A person acts on a record: one transaction, or nothing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec

from cloud.database import Connection, connect, instant
from cloud.hazards import store, timers
from cloud.hazards.acts import body_of
from cloud.hazards.around import Told
from cloud.hazards.chain import Event
from cloud.hazards.guard_words import Unmet
from cloud.hazards.guards import Actor, Facts
from cloud.hazards.knowing import Around, actors_of, facts_of, sees
from cloud.hazards.record import MACHINE, Record
from cloud.hazards.standing import hold
from cloud.hazards.transitions import Asked, choose, fits
from cloud.idempotency import Answer, Sent, once_in_thread
from cloud.instants import rfc3339
from cloud.live.store import wake_viewers
from cloud.notices.opening import Telling, tell_of
from cloud.problems import FieldProblem, ProblemError, not_found
from cloud.registry.known import load_sites
from cloud.registry.service import check_match
from cloud.serving import Serving
from cloud.upkeep.tasks import TaskKind, open_task


class Signer(Protocol):
    """A person's own key, opened for this act (cloud/accounts/signing.py)."""

    @property
    def key(self) -> int:
        """Which."""

    def sign(self, digest: bytes) -> bytes:
        """Ed25519 over an event's hash."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to do."""

    hazard_id: UUID
    act: Any
    """One of `acts.Act`."""
    account: int
    signer: Signer
    if_match: str | None
    """The version that he saw."""
    now_ms: int


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """An act that may be done, while it is."""

    connection: Connection
    wish: Wish
    record: Record
    """As it was before."""
    actor: Actor
    facts: Facts


def act_once(serving: Serving, wish: Wish, key: str | None) -> None:
    """Do it over a connection of its own, once however often it is sent under that key; tell the pages."""
    asked = {"act": wish.act.act, **body_of(wish.act)}
    sent = Sent(
        account=wish.account, key=key, request=(f"hazards/{wish.hazard_id}/acts", asked), now_ms=wish.now_ms
    )

    def work() -> Answer:
        done = act(connection, wish)
        # Channels are for whoever listens, not only for those whom the one who acts may see.
        tell_of(connection, _telling(connection, serving, wish.now_ms), done.told)
        store.show(connection, done.changed, wish.now_ms)
        return Answer(body={"version": done.version})

    with connect(serving.dsn) as connection:
        with connection.transaction():
            once_in_thread(connection, sent, work)
        wake_viewers(connection)


def _telling(connection: Connection, serving: Serving, now_ms: int) -> Telling:
    return Telling(settings=serving.settings, sites=load_sites(connection), now_ms=now_ms)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an act came to."""

    version: int
    """Of the record after it and after all that followed from it."""
    told: list[Told]
    """What people should hear of."""
    changed: list[UUID]
    """The records that pages show anew."""


def act(connection: Connection, wish: Wish) -> Done:
    """Do it, within the caller's transaction.

    A problem where the record is not there for him (404), has changed since he saw it (412), has no such act
    in its state (409), he may not (403), or something is unmet (409; 422 where the form itself lacks it).
    """
    now = instant(wish.now_ms)
    into = _uuid(wish.act.into) if wish.act.act == "merge" else None
    if wish.act.act in ("merge", "reopen"):
        # First, as ingest does: else an alarm of this moment could open the danger's record beside it.
        store.lock_alarms(connection, wish.hazard_id)
        hold(connection, store.fingerprints(connection, [wish.hazard_id]))
    store.lock(connection, [wish.hazard_id] if into is None else [wish.hazard_id, into])
    record = store.load(connection, wish.hazard_id, locked=True)
    if record is None or not sees(connection, wish.account, record):
        raise not_found("hazard")
    check_match(wish.if_match, record.seq)
    doing = _permitted(connection, wish, record, into)
    newer, told = _merge_newer(doing)
    _append(doing, wish.hazard_id, body=_body(doing))
    if into is not None:
        timers.hand_over(connection, wish.hazard_id, into)
    told += timers.after_act(connection, wish.hazard_id, record, now=now)
    if newer is not None:
        told += _absorb(doing, newer, wish.hazard_id)
    if into is not None:
        told += _absorb(doing, wish.hazard_id, into)
    _mend_sensor(doing)
    changed = [one for one in (wish.hazard_id, into, newer) if one is not None]
    return Done(version=_loaded(connection, wish.hazard_id).seq, told=told, changed=changed)


def _loaded(connection: Connection, hazard_id: UUID) -> Record:
    record = store.load(connection, hazard_id)
    assert record is not None  # noqa: S101  locked by this transaction, and never deleted
    return record


def _permitted(connection: Connection, wish: Wish, record: Record, into: UUID | None) -> Acting:
    name = wish.act.act
    if not fits(record, name):
        detail = f"A record that is {record.status} and {record.level} has no such act."
        raise ProblemError(409, "not-in-this-state", "Not in this state", detail, field="act", code=name)
    around = Around(hazard_id=wish.hazard_id, record=record, now_ms=wish.now_ms, into=into)
    facts = facts_of(connection, around)
    actors = actors_of(connection, wish.account, record)
    asked = Asked(record=record, actors=actors, facts=facts, now=instant(wish.now_ms))
    choice = choose(name, asked, wish.act)
    if choice.actor is None:
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
    if choice.unmet:
        raise unmet_guards(name, choice.unmet)
    return Acting(connection=connection, wish=wish, record=record, actor=choice.actor, facts=facts)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def unmet_guards(name: str, unmet: list[Unmet]) -> ProblemError:
    """Everything that is in the way, each in words; 422 where it is for the form to say."""
    of_form = [one for one in unmet if one.field]
    shown = [
        FieldProblem(
            field=f"body.{name}.{one.field}" if one.field else name,
            message=f"{one.text.zh} / {one.text.en}",
            code=one.code,
            values={**one.values, "zh": one.text.zh, "en": one.text.en},
        )
        for one in of_form or unmet
    ]
    detail = "; ".join(problem.message for problem in shown)
    if of_form:
        return ProblemError(422, "invalid", "The request was not understood", detail, errors=shown)
    return ProblemError(409, "unmet-guards", "Not yet", detail, errors=shown)


def _body(doing: Acting) -> dict[str, Any]:
    body = body_of(doing.wish.act)
    if doing.wish.act.act == "opinion":
        body["is_expert"] = "hazards.expertise" in doing.actor.permissions
    return body


def _append(doing: Acting, hazard_id: UUID, *, body: dict[str, Any], kind: str = "") -> None:
    """The act as an event of a record, signed by its person over the hash that chains it."""
    wish, actor = doing.wish, doing.actor
    event = Event(
        at=rfc3339(instant(wish.now_ms)),
        actor=actor.name,
        kind=kind or wish.act.act,
        body=body,
        account=wish.account,
        role=actor.role,
        side=actor.side,
    )
    made = store.append_event(doing.connection, hazard_id, event)
    signature = store.Signature(account=wish.account, key=wish.signer.key, by=wish.signer.sign(made.hash))
    store.put_signature(doing.connection, hazard_id, made.seq, signature)


_MENDED: Mapping[str, TaskKind] = {"sensor_fault": "repair", "calibration": "calibration"}
"""What is to be done at the device where it, and no danger, was the reason of a record."""


def _mend_sensor(doing: Acting) -> None:
    wish, record = doing.wish, doing.record
    kind = _MENDED.get(wish.act.reason_code) if wish.act.act == "reject" else None
    if kind is None or record.device is None:
        return
    open_task(
        doing.connection,
        site=record.site,
        device=record.device,
        kind=kind,
        hazard_id=wish.hazard_id,
        reason=wish.act.reason,
        author=doing.actor.name,
        account_id=wish.account,
        now_ms=wish.now_ms,
    )


def _merge_newer(doing: Acting) -> tuple[UUID | None, list[Told]]:
    """Of one danger one record is open: what was opened since the closing goes into the reopened one."""
    if doing.wish.act.act != "reopen":
        return None, []
    newer = store.open_twin(doing.connection, doing.wish.hazard_id)
    if newer is None:
        return None, []
    before = store.load(doing.connection, newer, locked=True)
    assert before is not None  # noqa: S101  just found
    _append(doing, newer, body={"into": str(doing.wish.hazard_id)}, kind="merge")
    timers.hand_over(doing.connection, newer, doing.wish.hazard_id)
    return newer, timers.after_act(doing.connection, newer, before, now=instant(doing.wish.now_ms))


def _absorb(doing: Acting, from_id: UUID, into: UUID) -> list[Told]:
    """What belonged to a merged record belongs to the other; the worst level and first instant prevail."""
    connection, now = doing.connection, instant(doing.wish.now_ms)
    merged, before = _loaded(connection, from_id), _loaded(connection, into)
    store.move_episodes(connection, from_id, into)
    store.append_event(connection, into, _machine("absorbed", _absorbed(from_id, merged, before), now))
    known = merged.signal if before.signal == "none" else before.signal
    signal = "active" if store.stands(connection, into) else known
    if signal != before.signal:
        store.append_event(connection, into, _machine("signal", {"from": before.signal, "to": signal}, now))
    if _loaded(connection, into).level == before.level:
        return []
    return timers.after_openings(connection, [(into, now)], now)


def _absorbed(from_id: UUID, merged: Record, before: Record) -> dict[str, Any]:
    """What a record is told of one that was merged into it."""
    body: dict[str, Any] = {"hazard": str(from_id), "level": merged.level, "episodes": merged.episodes}
    if merged.detected_at is not None:
        body["detected_at"] = rfc3339(merged.detected_at)
    if merged.standing_orders:
        body["orders"] = msgspec.to_builtins(merged.standing_orders)
    if before.status in ("rectified", "reviewed"):
        # Nobody has looked at what is added to it.
        body["is_sent_back"] = True
    if merged.is_major and merged.report_due_at is not None and before.report in ("not_due", "withdrawn"):
        # What was known of the one was known: the time for its report goes on.
        body["state"] = {"report": "not_due", "report_due_at": rfc3339(merged.report_due_at)}
    return body


def _machine(kind: str, body: dict[str, Any], now: dt.datetime) -> Event:
    return Event(at=rfc3339(now), actor=MACHINE, kind=kind, body=body)
