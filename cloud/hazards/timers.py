"""The clocks of hazard records: what starts them, and what is done when one has run out.

Every clock is a row, so it survives a restart, and `now` is always given, so months pass in a test in no
time. Whoever writes a clock holds the lock of its record.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from cloud.database import Connection, instant
from cloud.hazards import around as surroundings
from cloud.hazards import escalation, store
from cloud.hazards.around import Around, Told, note
from cloud.hazards.escalation import Proposal
from cloud.hazards.reporting import Kind
from cloud.hazards.reports import OWED, report
from cloud.instants import rfc3339
from cloud.jurisdictions.loading import DEFAULT, jurisdictions
from cloud.jurisdictions.model import Jurisdiction
from cloud.jurisdictions.store import HOLDS_AT
from cloud.live.store import NewEvent, wake_viewers, write_events

log = logging.getLogger(__name__)

MOST = 100
"""Records of one transaction."""
_AGAIN = dt.timedelta(hours=1)
"""A clock that runs out while the danger counts as rectified is looked at again: it may come back."""
_RETRY = dt.timedelta(minutes=5)
_LADDER = tuple(f"escalation_{step}" for step in range(1, 6))

Done = tuple[Around, list[Told]]


class Before(Protocol):
    """What of a record before an act the clocks depend on."""

    @property
    def escalation_proposed(self) -> int | None:
        """The step that the machine had proposed."""


# Setting and settling


def _arm(connection: Connection, hazard_id: UUID, due: Mapping[str, dt.datetime]) -> None:
    """Set clocks. One that has run out at the very instant is not wound up again."""
    connection.execute(
        """
        INSERT INTO hazard_timer AS known (hazard_id, kind, due_at)
            SELECT %s, kind, due_at FROM unnest(%s::text[], %s::timestamptz[]) AS given (kind, due_at)
            ON CONFLICT (hazard_id, kind) DO UPDATE SET due_at = excluded.due_at, settled_at = NULL
             WHERE known.due_at <> excluded.due_at
        """,
        [hazard_id, list(due), list(due.values())],
    )


def _settle(connection: Connection, hazard_id: UUID, kinds: Iterable[str] | None, now: dt.datetime) -> None:
    """These clocks are over; `None`: all but that of the evidence, which is frozen whatever becomes of it."""
    connection.execute(
        """
        UPDATE hazard_timer SET settled_at = %(now)s
         WHERE hazard_id = %(id)s AND settled_at IS NULL AND kind <> 'evidence'
               AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
        """,
        {"id": hazard_id, "kinds": None if kinds is None else list(kinds), "now": now},
    )


def _judge_sooner(connection: Connection, hazard_id: UUID, due_at: dt.datetime) -> None:
    """What has become suspected must be judged by then, or sooner where it had to be already."""
    connection.execute(
        """
        INSERT INTO hazard_timer AS known (hazard_id, kind, due_at) VALUES (%s, 'judge', %s)
            ON CONFLICT (hazard_id, kind) DO UPDATE SET settled_at = NULL,
                   due_at = CASE WHEN known.settled_at IS NULL THEN least(known.due_at, excluded.due_at)
                                 ELSE excluded.due_at END
        """,
        [hazard_id, due_at],
    )


# What starts them: a record is opened, or becomes suspected


def judged_by(limits: Jurisdiction, now: dt.datetime) -> dt.datetime:
    """When a record that is opened now should have been judged; sooner where it is suspected major."""
    return now + _seconds(limits.judge_general_s)


def after_openings(
    connection: Connection, opened: Sequence[tuple[UUID, dt.datetime]], now: dt.datetime
) -> list[Told]:
    """Start the clocks of records just opened, filed, or become suspected major, whose events are written.

    With each stands since when the danger is known: when it was seen, or `now` where nobody's clock told.
    What is suspected major is reported at once, in this very transaction. Of a record that nobody has judged,
    doing it twice changes nothing.
    """
    since = dict(opened)
    if not since:
        return []
    told: list[Told] = []
    for one in surroundings.read(connection, _graver(connection, list(since), now)).values():
        known = min(since[one.id], now)
        step = _suspected if one.level == "major_proposed" else _judged
        told += step(connection, one, known, now)[1]
    return told


def _graver(connection: Connection, ids: list[UUID], now: dt.datetime) -> list[UUID]:
    """Set by when those that wait must be judged; returns those of which more is to be done.

    One statement, for alarms come by the hundred and nearly all of them open general records.
    """
    within = {name: written.holds.judge_general_s for name, written in jurisdictions().items()}
    rows = connection.execute(
        f"""
        WITH waiting AS (
            INSERT INTO hazard_timer (hazard_id, kind, due_at)
                SELECT hazard.id, 'judge',
                       %(now)s + interval '1 second' * coalesce(
                           %(within)s -> ({HOLDS_AT}), %(within)s -> %(default)s)::int
                  FROM hazard JOIN site ON site.site = hazard.site
                 WHERE hazard.id = ANY (%(ids)s) AND hazard.status = 'candidate'
                ON CONFLICT DO NOTHING)
        SELECT id FROM hazard
         WHERE id = ANY (%(ids)s) AND ended_at IS NULL
               AND (level = 'major_proposed' OR status = 'confirmed')
        """,  # noqa: S608  of constants only
        {"ids": ids, "now": now, "within": Jsonb(within), "default": DEFAULT},
    ).fetchall()
    return [row[0] for row in rows]


def _suspected(connection: Connection, around: Around, since: dt.datetime, now: dt.datetime) -> Done:
    """Suspected major: judged soon, reported at once, and again at the end of the day if nobody judges."""
    if around.report in OWED:
        return around, []
    limits = around.limits
    _judge_sooner(connection, around.id, now + _seconds(limits.judge_major_s))
    around, told = report(connection, around, "provisional", since=since, now=now)
    if around.report_due_at is not None:
        again = around.report_due_at - _seconds(limits.unverified_report_before_s)
        if again > now:
            _arm(connection, around.id, {"report_due": again})
    return around, told


def _judged(
    connection: Connection, around: Around, since: dt.datetime, now: dt.datetime, *, reason: str = ""
) -> Done:
    """A person has said how grave it is."""
    _settle(connection, around.id, ("judge", "handling", "report_provisional", "report_due"), now)
    if around.status == "confirmed":
        _arm(connection, around.id, {"plan": now + _seconds(around.limits.plan_s)})
    if not around.is_major:
        if around.report != "provisional":
            return around, []
        return report(connection, around, "withdrawal", since=now, now=now, reason=reason)
    around, told = report(connection, around, "formal", since=since, now=now)
    _arm(connection, around.id, {"principal_ack": now + _seconds(around.limits.principal_ack_s)})
    around, proposed = _propose_listing(connection, around, f"policy_{around.limits.listing}", now)
    told += proposed
    if around.overdue and around.due_at is not None:
        around, more = _escalate(connection, around, around.due_at, now)
        told += more
    return around, told


def _propose_listing(connection: Connection, around: Around, why: str, now: dt.datetime) -> Done:
    if around.supervision != "none":
        return around, []
    around, seq = note(
        connection, around, ("supervision_proposed", {"why": why}), now, supervision="proposed"
    )
    return around, [Told(hazard_id=around.id, seq=seq, kind="listing")]


# What becomes of them when somebody acts


def after_act(connection: Connection, hazard_id: UUID, before: Before, *, now: dt.datetime) -> list[Told]:
    """Set, move and settle the clocks of a record after an act, whose row and event are written."""
    around = surroundings.read(connection, [hazard_id])[hazard_id]
    kind, body, seq = store.last_event(connection, hazard_id)
    effect = _EFFECTS.get(kind)
    told: list[Told] = []
    if effect is not None:
        around, told = effect(connection, around, _Act(body, before.escalation_proposed, seq), now)
    if not around.is_open:
        _settle(connection, hazard_id, None, now)
    return told


class _Act(NamedTuple):
    body: dict[str, Any]
    proposed: int | None
    """The step that was proposed before it."""
    seq: int


def _on_judgement(connection: Connection, around: Around, act: _Act, now: dt.datetime) -> Done:
    # What was suspected is known since it was reported; else the judgement itself is the discovery.
    return _judged(connection, around, now, now, reason=str(act.body.get("reason", "")))


def _on_no_danger(connection: Connection, around: Around, act: _Act, now: dt.datetime) -> Done:
    if around.report != "provisional":
        return around, []
    reason = str(act.body.get("reason") or f"并入 {act.body.get('into', '')}")
    return report(connection, around, "withdrawal", since=now, now=now, reason=reason)


def _on_downgrade(connection: Connection, around: Around, act: _Act, now: dt.datetime) -> Done:
    if around.level != "general":
        return around, []
    _settle(connection, around.id, ("principal_ack", "judge", "report_due", *_LADDER), now)
    around = _withdraw_proposal(connection, around, now)
    if around.report not in OWED:
        return around, []
    kind: Kind = "withdrawal" if around.report == "provisional" else "correction"
    return report(connection, around, kind, since=now, now=now, reason=str(act.body["reason"]))


def _on_due(connection: Connection, around: Around, _: _Act, now: dt.datetime) -> Done:
    """A date by which it is to be rectified holds, for the first time or anew."""
    if around.status != "rectifying" or around.due_at is None:
        return around, []
    _settle(connection, around.id, ("plan", "remind_first", "remind_last"), now)
    due = {"due": around.due_at}
    for kind, before in (
        ("remind_first", around.limits.remind_first_s),
        ("remind_last", around.limits.remind_last_s),
    ):
        if (at := around.due_at - _seconds(before)) > now:
            due[kind] = at
    _arm(connection, around.id, due)
    if around.overdue:
        return around, []
    _settle(connection, around.id, _LADDER, now)
    return _withdraw_proposal(connection, around, now), []


def _on_reopening(connection: Connection, around: Around, _: _Act, now: dt.datetime) -> Done:
    if around.due_at is not None:
        _arm(connection, around.id, {"due": max(around.due_at, now)})
    return around, []


def _on_conduct(connection: Connection, around: Around, _: _Act, now: dt.datetime) -> Done:
    """Failed reviews and a refusal go up the ladder at once."""
    told: list[Told] = []
    for proposal in escalation.steps_by_conduct(around):
        around, more = _propose(connection, around, proposal, now)
        told += more
    return around, told


def _on_step(connection: Connection, around: Around, act: _Act, now: dt.datetime) -> Done:
    step = int(act.body["step"])
    _settle(connection, around.id, _LADDER[:step], now)
    if step < _LISTED_FROM:
        return around, []
    return _propose_listing(connection, around, "escalation", now)


_LISTED_FROM = 4
"""From this step on a hazard is published, and listed if it was not."""


def _on_postponement(connection: Connection, around: Around, act: _Act, _: dt.datetime) -> Done:
    if act.proposed is not None:
        until = dt.datetime.fromisoformat(str(act.body["until"]))
        _arm(connection, around.id, {f"escalation_{act.proposed}": until})
    return around, []


def _on_acknowledgement(connection: Connection, around: Around, _: _Act, now: dt.datetime) -> Done:
    _settle(connection, around.id, ("principal_ack",), now)
    return around, []


def _on_listing(_: Connection, around: Around, act: _Act, __: dt.datetime) -> Done:
    return around, [Told(hazard_id=around.id, seq=act.seq, kind="listing")]


_EFFECTS: dict[str, Callable[[Connection, Around, _Act, dt.datetime], Done]] = {
    "confirm": _on_judgement,
    "upgrade": _on_judgement,
    "reject": _on_no_danger,
    "merge": _on_no_danger,
    "downgrade": _on_downgrade,
    "plan": _on_due,
    "accept_plan": _on_due,
    "grant_extension": _on_due,
    "reopen": _on_reopening,
    "fail_review": _on_conduct,
    "mark_refused": _on_conduct,
    "take_step": _on_step,
    "postpone_step": _on_postponement,
    "acknowledge": _on_acknowledgement,
    "list": _on_listing,
    "delist": _on_listing,
}
"""By the kind of the act's event; the others set no clock."""


# What is done when one has run out


class Tell(Protocol):
    """Makes the notices of what has happened, in the same transaction."""

    def __call__(self, connection: Connection, told: list[Told], now_ms: int, /) -> None:
        """May be called with nothing to tell."""


def _nobody(_: Connection, __: list[Told], ___: int, /) -> None:
    """Tell nobody."""


def run_due(connection: Connection, now_ms: int, tell: Tell = _nobody) -> list[UUID]:
    """Do what the clocks that have run out by `now_ms` call for; returns the records that were changed.

    One transaction, of at most `MOST` records: ask again until nothing comes back. Several workers may ask at
    the same time: each record is one's alone.
    """
    now = instant(now_ms)
    changed: dict[UUID, None] = {}
    told: list[Told] = []
    with connection.transaction():
        records = surroundings.read(connection, store.claim_records(connection, now, MOST))
        for timer in store.due_timers(connection, list(records), now):
            before = records[timer.hazard_id]
            records[timer.hazard_id], news = _run(connection, before, timer, now)
            told += news
            if records[timer.hazard_id] is not before or news:
                changed[timer.hazard_id] = None
        tell(connection, told, now_ms)
        shown = store.hazards_by_id(connection, list(changed)) if changed else []
        write_events(
            connection, [NewEvent(one.site, "hazard", one.model_dump_json()) for one in shown], now_ms
        )
    if changed:
        wake_viewers(connection)
    return list(changed)


def _run(connection: Connection, around: Around, timer: store.Timer, now: dt.datetime) -> Done:
    try:
        with connection.transaction():
            _settle(connection, around.id, (timer.kind,), now)
            return (
                _HANDLERS[timer.kind](connection, around, timer.due_at, now)
                if around.is_open
                else (around, [])
            )
    except psycopg.OperationalError:
        raise
    except Exception:
        # The last resort: a record that nobody thought of must not stop the clocks of all others.
        log.exception("clock stumbled hazard=%s kind=%s", around.id, timer.kind)
        _arm(connection, around.id, {timer.kind: now + _RETRY})
        return around, []


def _handling(connection: Connection, around: Around, due_at: dt.datetime, now: dt.datetime) -> Done:
    """A clause in two parts: not handled in time, it is suspected major."""
    if around.level != "general":
        return around, []
    body = {"due_at": rfc3339(due_at), "from": "general", "to": "major_proposed"}
    around, seq = note(connection, around, ("handling_expired", body), now, level="major_proposed")
    around, told = _suspected(connection, around, due_at, now)
    return around, [Told(hazard_id=around.id, seq=seq, kind="major"), *told]


def _judging(connection: Connection, around: Around, due_at: dt.datetime, now: dt.datetime) -> Done:
    """Nobody has judged in time: the next level is told, the report stands."""
    if around.status != "candidate" and around.level != "major_proposed":
        return around, []
    around, seq = note(connection, around, ("judging_overdue", {"due_at": rfc3339(due_at)}), now)
    return around, [Told(hazard_id=around.id, seq=seq, kind="judging")]


def _provisional(connection: Connection, around: Around, _: dt.datetime, now: dt.datetime) -> Done:
    """Suspected before anybody reported: it is made up for."""
    if around.level != "major_proposed":
        return around, []
    return _suspected(connection, around, around.opened_at, now)


def _unverified(connection: Connection, around: Around, _: dt.datetime, now: dt.datetime) -> Done:
    """The day ends and nobody has judged: reported as unverified, never dropped."""
    if around.level != "major_proposed" or around.report != "provisional":
        return around, []
    return report(connection, around, "unverified", since=now, now=now)


def _no_plan(connection: Connection, around: Around, due_at: dt.datetime, now: dt.datetime) -> Done:
    if around.status != "confirmed":
        return around, []
    return _be_overdue(connection, around, "plan", due_at, now)


def _rectification(connection: Connection, around: Around, due_at: dt.datetime, now: dt.datetime) -> Done:
    if around.status == "reviewed":
        _arm(connection, around.id, {"due": now + _AGAIN})
        return around, []
    return _be_overdue(connection, around, "rectification", around.due_at or due_at, now)


def _be_overdue(
    connection: Connection, around: Around, why: str, since: dt.datetime, now: dt.datetime
) -> Done:
    told: list[Told] = []
    if not around.overdue:
        body: dict[str, Any] = {"due_at": rfc3339(since), "why": why}
        if around.is_major:
            body["attendance_trace_months"] = around.limits.attendance_trace_months
        around, seq = note(connection, around, ("overdue", body), now, overdue=True)
        told.append(Told(hazard_id=around.id, seq=seq, kind="overdue"))
    around, more = _escalate(connection, around, since, now)
    return around, told + more


def _escalate(connection: Connection, around: Around, since: dt.datetime, now: dt.datetime) -> Done:
    """Propose what the delay calls for already, and set the clocks of what it will call for."""
    if not around.is_major:
        return around, []
    due = escalation.steps_by_delay(around, since)
    _arm(connection, around.id, {f"escalation_{step}": at for step, at in due.items() if at > now})
    reached = [step for step, at in due.items() if at <= now]
    return _propose_step(connection, around, max(reached), now) if reached else (around, [])


def _step(step: int) -> Callable[[Connection, Around, dt.datetime, dt.datetime], Done]:
    def expired(connection: Connection, around: Around, _: dt.datetime, now: dt.datetime) -> Done:
        if around.status == "reviewed":
            _arm(connection, around.id, {f"escalation_{step}": now + _AGAIN})
            return around, []
        return _propose_step(connection, around, step, now)

    return expired


def _propose_step(connection: Connection, around: Around, step: int, now: dt.datetime) -> Done:
    measure = around.limits.ladder[step - 1].measure
    return _propose(connection, around, Proposal(step=step, why="overdue", measure=measure), now)


def _propose(connection: Connection, around: Around, proposal: Proposal, now: dt.datetime) -> Done:
    if not escalation.is_news(around, proposal.step):
        return around, []
    body = {
        "step": proposal.step,
        "why": proposal.why,
        "measure": proposal.measure,
        "draft": escalation.draft(around, proposal, now),
    }
    around, seq = note(
        connection, around, ("escalation_proposed", body), now, escalation_proposed=proposal.step
    )
    return around, [Told(hazard_id=around.id, seq=seq, kind="escalation")]


def _withdraw_proposal(connection: Connection, around: Around, now: dt.datetime) -> Around:
    if around.escalation_proposed is None:
        return around
    event = ("escalation_withdrawn", {"step": around.escalation_proposed})
    return note(connection, around, event, now, escalation_proposed=None)[0]


def _reminder(connection: Connection, around: Around, _: dt.datetime, now: dt.datetime) -> Done:
    if around.status not in {"rectifying", "rectified"} or around.due_at is None or around.due_at <= now:
        return around, []
    body = {"due_at": rfc3339(around.due_at), "left_s": int((around.due_at - now).total_seconds())}
    around, seq = note(connection, around, ("reminded", body), now)
    return around, [Told(hazard_id=around.id, seq=seq, kind="reminder")]


def _principal(connection: Connection, around: Around, due_at: dt.datetime, now: dt.datetime) -> Done:
    """The principal has not said that he knows: the authority calls him."""
    if not around.is_major:
        return around, []
    around, seq = note(connection, around, ("principal_silent", {"due_at": rfc3339(due_at)}), now)
    return around, [Told(hazard_id=around.id, seq=seq, kind="principal")]


_HANDLERS: dict[str, Callable[[Connection, Around, dt.datetime, dt.datetime], Done]] = {
    "handling": _handling,
    "judge": _judging,
    "report_provisional": _provisional,
    "report_due": _unverified,
    "plan": _no_plan,
    "remind_first": _reminder,
    "remind_last": _reminder,
    "due": _rectification,
    **{name: _step(step) for step, name in enumerate(_LADDER, start=1)},
    "principal_ack": _principal,
}
"""What is done of an open record when a clock of that kind has run out; that of the evidence is not ours."""
KINDS = frozenset(_HANDLERS)


def _seconds(number: int) -> dt.timedelta:
    return dt.timedelta(seconds=number)
