"""The life of a hazard record, as its events say it: `fold` them all, or `apply` the next one. Pure.

What a record is about (words, clause that the machine proposed, alarms) stands in its row. How it fares
stands here, and follows from the events alone, so that anybody can work it out again.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from cloud.accounts.roles import Rank, Side

Status = Literal[
    "candidate", "rejected", "merged", "confirmed", "rectifying", "rectified", "reviewed", "closed"
]
Level = Literal["general", "major_proposed", "major"]
Signal = Literal["none", "active", "cleared", "unknown"]
Report = Literal["not_due", "due", "provisional", "reported", "reported_late", "withdrawn"]
Supervision = Literal["none", "proposed", "listed", "delisted"]
Control = Literal["none", "partial_stop", "stop_work", "evacuated"]

ENDED: frozenset[Status] = frozenset({"rejected", "merged", "closed"})
CONTROLS: tuple[Control, ...] = ("none", "partial_stop", "stop_work", "evacuated")
"""From the mildest to the strictest."""
RANKS: tuple[Rank, ...] = ("officer", "county", "city", "province")
"""Of authorities, from the lowest to the highest."""
MACHINE = "sitewarden"
"""Who acts where no person did."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a record."""


class Person(Frozen, frozen=True, kw_only=True):
    """Who acted, and as what: the role that he held at that site at that moment."""

    account: int
    name: str
    role: str
    side: Side


class Signed(Frozen, frozen=True, kw_only=True):
    """Something that a person did at an instant."""

    at: dt.datetime
    by: Person


class ClauseNamed(Frozen, frozen=True, kw_only=True):
    """An item of an edition of the standard for judging major hazards."""

    edition: str
    id: str


class Judgement(Signed, frozen=True, kw_only=True):
    """What a person judged the danger to be."""

    level: Level
    reason: str
    clause: ClauseNamed | None = None
    handled: dict[str, Any] | None = None
    """Under a clause in two parts: whether it was handled in time, when and how."""


class Opinion(Signed, frozen=True, kw_only=True):
    """What somebody who may not decide thinks of it."""

    reason_code: str
    text: str
    is_expert: bool = False


class Rejection(Signed, frozen=True, kw_only=True):
    """Why there was no danger."""

    reason_code: str
    reason: str
    evidence: list[str] = []


class Plan(Signed, frozen=True, kw_only=True):
    """How it is to be rectified (整改方案)."""

    type: Literal["immediate", "timed"]
    person: str
    measures: str
    due: dt.datetime
    funds_wan: float | None = None
    emergency_plan: str = ""
    accepted: Signed | None = None


class Returned(Signed, frozen=True, kw_only=True):
    """A plan that was sent back."""

    reason: str


class Extension(Signed, frozen=True, kw_only=True):
    """A later date that was asked for."""

    due: dt.datetime
    reason: str
    outcome: Literal["pending", "granted", "refused"] = "pending"
    decided: Signed | None = None
    decision: str = ""
    """Why it was refused."""


class Submission(Signed, frozen=True, kw_only=True):
    """That it has been rectified, as whoever did it says."""

    followup_measures: str = ""
    cause: str = ""
    rectified_at: dt.datetime
    evidence: list[str] = []


class Review(Signed, frozen=True, kw_only=True):
    """Somebody else looked."""

    round: int
    """The how manieth submission it is of."""
    is_passed: bool
    note: str
    onsite: bool = False
    evidence: list[str] = []


class Closing(Signed, frozen=True, kw_only=True):
    """That it is struck off (销号)."""

    document: str = ""


class Reason(Signed, frozen=True, kw_only=True):
    """Something that was done for a reason: reopened, downgraded."""

    reason: str


class Listing(Signed, frozen=True, kw_only=True):
    """That it is listed for supervision (挂牌督办)."""

    authority_level: Rank
    document: str
    due: dt.datetime
    delisted: Closing | None = None


class Ordered(Signed, frozen=True, kw_only=True):
    """Work stopped, people out."""

    control: Control
    reason: str


class StepTaken(Signed, frozen=True, kw_only=True):
    """A measure against whoever is slow."""

    step: int
    document: str
    text: str = ""


class Postponed(Signed, frozen=True, kw_only=True):
    """A measure that is put off."""

    reason: str
    until: dt.datetime


class Refusal(Signed, frozen=True, kw_only=True):
    """That whoever must rectify it refuses to (拒不整改)."""

    reason: str
    evidence: list[str] = []


class Record(Frozen, frozen=True, kw_only=True):
    """What a record has come to."""

    seq: int = 0
    """Of its last event."""
    site: str = ""
    device: str | None = None
    category: str = ""
    """In Chinese, as the rule or the form says it."""
    mode: str = "live"
    source: str = "self"
    source_detail: str = "monitoring"
    detected_at: dt.datetime | None = None
    opened_at: dt.datetime | None = None
    filed: Signed | None = None

    status: Status = "candidate"
    level: Level = "general"
    signal: Signal = "none"
    report: Report = "not_due"
    report_due_at: dt.datetime | None = None
    supervision: Supervision = "none"
    control: Control = "none"
    escalation_step: int = 0
    escalation_proposed: int | None = None
    overdue: bool = False
    refused: bool = False
    due_at: dt.datetime | None = None
    due_original: dt.datetime | None = None
    due_since: dt.datetime | None = None
    """When a plan last set the date."""
    verified_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    merged_into: str | None = None
    repeat_of: str | None = None
    repeat_no: int = 0
    episodes: int = 0

    judgements: list[Judgement] = []
    opinions: list[Opinion] = []
    rejection: Rejection | None = None
    plan: Plan | None = None
    returned: list[Returned] = []
    extensions: list[Extension] = []
    submissions: list[Submission] = []
    reviews: list[Review] = []
    closings: list[Closing] = []
    reopenings: list[Reason] = []
    downgrade: Reason | None = None
    """A first signature under a downgrade that needs two."""
    listings: list[Listing] = []
    orders: list[Ordered] = []
    lifted: list[Reason] = []
    steps: list[StepTaken] = []
    postponed: Postponed | None = None
    refusal: Refusal | None = None
    acknowledged: list[Signed] = []
    incidents: list[str] = []
    absorbed: list[str] = []
    """Records that were merged into this one."""

    @property
    def is_open(self) -> bool:
        """Still to be dealt with."""
        return self.status not in ENDED

    @property
    def is_major(self) -> bool:
        """Judged so or suspected: what is suspected is handled as strictly."""
        return self.level != "general"

    @property
    def judgement(self) -> Judgement | None:
        """The one that holds."""
        return self.judgements[-1] if self.judgements else None

    @property
    def submission(self) -> Submission | None:
        """The last."""
        return self.submissions[-1] if self.submissions else None

    @property
    def round_reviews(self) -> list[Review]:
        """What was found of the last submission, since it last went to review."""
        return [review for review in self.reviews if review.round == len(self.submissions)]

    @property
    def failed_reviews(self) -> int:
        """How often what was submitted was found wanting."""
        return sum(not review.is_passed for review in self.reviews)

    @property
    def pending_extension(self) -> Extension | None:
        """The one that nobody has decided on."""
        last = self.extensions[-1] if self.extensions else None
        return last if last is not None and last.outcome == "pending" else None

    @property
    def listing(self) -> Listing | None:
        """The one that holds."""
        return self.listings[-1] if self.supervision == "listed" and self.listings else None

    @property
    def standing_orders(self) -> list[Ordered]:
        """Those that nobody has lifted: a stricter one leaves the milder ones in force."""
        since = self.lifted[-1].at if self.lifted else None
        return [] if self.control == "none" else [o for o in self.orders if since is None or o.at > since]

    def passed_by(self, side: Side) -> Review | None:
        """The review of the last submission that somebody of that side passed."""
        found = [r for r in self.round_reviews if r.is_passed and r.by.side == side]
        return found[-1] if found else None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An event as `apply` takes it."""

    seq: int
    at: dt.datetime
    kind: str
    body: dict[str, Any]
    by: Person | None = None
    """`None`: the machine."""


def said(record: Mapping[str, Any]) -> Said:
    """The event that the chain holds as canonical JSON, decoded."""
    by = None
    if record.get("account") is not None:
        by = Person(
            account=record["account"],
            name=record["actor"],
            role=record["role"],
            side=record["side"],
        )
    at = dt.datetime.fromisoformat(record["at"])
    return Said(seq=record["seq"], at=at, kind=record["kind"], body=record["body"], by=by)


def fold(events: Iterable[Mapping[str, Any] | Said]) -> Record:
    """What all events of a record, the first first, come to."""
    record = Record()
    for event in events:
        record = apply(record, event if isinstance(event, Said) else said(event))
    return record


def apply(record: Record, event: Said) -> Record:
    """The record after one more event. What a newer version wrote, and this one does not know, only counts.

    Any event may say, under `state` of its body, what became of what the machine keeps: report, due dates,
    signal, overdue, what is proposed.
    """
    change = _CHANGES.get(event.kind)
    changed = record if change is None else change(record, event)
    if isinstance(state := event.body.get("state"), dict):
        changed = _with_state(changed, state)
    return replace(changed, seq=event.seq)


class _State(Frozen, frozen=True, kw_only=True):
    signal: Signal | msgspec.UnsetType = msgspec.UNSET
    report: Report | msgspec.UnsetType = msgspec.UNSET
    report_due_at: dt.datetime | msgspec.UnsetType | None = msgspec.UNSET
    supervision: Literal["none", "proposed"] | msgspec.UnsetType = msgspec.UNSET
    escalation_proposed: int | msgspec.UnsetType | None = msgspec.UNSET
    overdue: bool | msgspec.UnsetType = msgspec.UNSET
    due_at: dt.datetime | msgspec.UnsetType | None = msgspec.UNSET
    level: Literal["general", "major_proposed"] | msgspec.UnsetType = msgspec.UNSET
    repeat_of: str | msgspec.UnsetType | None = msgspec.UNSET
    repeat_no: int | msgspec.UnsetType = msgspec.UNSET


def _with_state(record: Record, state: dict[str, Any]) -> Record:
    read = msgspec.structs.asdict(msgspec.convert(state, _State))
    return replace(record, **{name: value for name, value in read.items() if value is not msgspec.UNSET})


def _instant(text: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _signed(event: Said) -> dict[str, Any]:
    if event.by is None:
        raise ValueError(f"{event.kind} is a person's act")
    return {"at": event.at, "by": event.by}


_DONE: tuple[Status, ...] = ("rectified", "reviewed")
_WORSE = {"general": 0, "major_proposed": 1, "major": 2}


def _opened(record: Record, event: Said) -> Record:
    body = event.body
    known = ("site", "device", "mode", "source", "source_detail", "level", "repeat_of", "repeat_no")
    fields = {name: body[name] for name in known if body.get(name) is not None}
    category = body.get("category", "")
    if isinstance(category, dict):
        category = category["zh"]
    monitored = event.kind == "opened"
    record = replace(
        record,
        **fields,
        category=category,
        detected_at=_instant(body["detected_at"]) if body.get("detected_at") else event.at,
        opened_at=event.at,
        signal=body.get("signal", "active" if monitored else "none"),
        episodes=1 if monitored else 0,
        filed=None if event.by is None else Signed(at=event.at, by=event.by),
    )
    # A signed finding of whoever may judge is judged already.
    return _confirmed(record, event) if body.get("status") == "confirmed" else record


def _episode(record: Record, event: Said) -> Record:
    level = event.body.get("level", record.level)
    level = max(level, record.level, key=lambda name: _WORSE[name])
    return replace(record, level=level, episodes=record.episodes + 1)


def _signal(record: Record, event: Said) -> Record:
    return replace(record, signal=event.body["to"])


def _suspected(record: Record, _: Said) -> Record:
    return replace(record, level="major_proposed") if record.level == "general" else record


def _signal_returned(record: Record, _: Said) -> Record:
    return _sent_back(replace(record, signal="active"))


def _sent_back(record: Record) -> Record:
    """Rectified it is not: nothing that was found of it holds any longer."""
    return replace(record, status="rectifying", verified_at=None)


def _confirmed(record: Record, event: Said) -> Record:
    body = event.body
    clause = body.get("clause")
    judgement = Judgement(
        **_signed(event),
        level=body["level"],
        reason=body.get("reason", ""),
        clause=None if clause is None else ClauseNamed(edition=clause["edition"], id=clause["id"]),
        handled=body.get("handled"),
    )
    status: Status = "confirmed" if record.status == "candidate" else record.status
    return replace(
        record, status=status, level=body["level"], judgements=[*record.judgements, judgement], downgrade=None
    )


def _upgraded(record: Record, event: Said) -> Record:
    judged = _confirmed(record, replace(event, body={**event.body, "level": "major"}))
    # A major hazard asks for more than a general one did: an accepted plan, a cause, an authority's review.
    was_asked = record.is_major and record.plan is not None and record.plan.accepted is not None
    return judged if was_asked or record.status not in _DONE else _sent_back(judged)


def _downgraded(record: Record, event: Said) -> Record:
    given = Reason(**_signed(event), reason=event.body["reason"])
    first = record.downgrade
    if first is None and not _expert_agrees(record):
        return replace(record, downgrade=given)
    return _confirmed(record, replace(event, body={**event.body, "level": "general"}))


def _expert_agrees(record: Record) -> bool:
    """Whether the last expert who was heard thinks it no major hazard."""
    heard = [opinion.reason_code for opinion in record.opinions if opinion.is_expert]
    return bool(heard) and heard[-1] not in ("is_hazard", "is_major")


def _opinion(record: Record, event: Said) -> Record:
    body = event.body
    given = Opinion(
        **_signed(event),
        reason_code=body["reason_code"],
        text=body["text"],
        is_expert=bool(body.get("is_expert")),
    )
    return replace(record, opinions=[*record.opinions, given])


def _rejected(record: Record, event: Said) -> Record:
    body = event.body
    given = Rejection(
        **_signed(event),
        reason_code=body["reason_code"],
        reason=body["reason"],
        evidence=body.get("evidence", []),
    )
    return replace(record, status="rejected", rejection=given, ended_at=event.at)


def _merged(record: Record, event: Said) -> Record:
    return replace(record, status="merged", merged_into=event.body["into"], ended_at=event.at, overdue=False)


def _absorbed(record: Record, event: Said) -> Record:
    body = event.body
    earlier = _instant(body["detected_at"]) if body.get("detected_at") else event.at
    level = max(record.level, body.get("level", "general"), key=lambda name: _WORSE[name])
    if level == "major" and record.level != "major":
        # What was judged of another record is a suspicion in this one.
        level = "major_proposed"
    record = _ordered_too(record, event)
    if body.get("is_sent_back"):
        record = _sent_back(record)
    return replace(
        record,
        level=level,
        detected_at=earlier if record.detected_at is None else min(record.detected_at, earlier),
        episodes=record.episodes + body.get("episodes", 0),
        absorbed=[*record.absorbed, body["hazard"]],
    )


def _ordered_too(record: Record, event: Said) -> Record:
    """Orders over the work outlive the record in which they were given; in this one they hold since now."""
    told = msgspec.convert(event.body.get("orders", []), list[Ordered])
    given = [replace(order, at=event.at) for order in told]
    control = max([record.control, *(order.control for order in given)], key=CONTROLS.index)
    # The strictest stands last.
    orders = given + record.orders if control == record.control else record.orders + given
    return replace(record, control=control, orders=orders)


def _planned(record: Record, event: Said) -> Record:
    body = event.body
    due = _instant(body["due"])
    plan = Plan(
        **_signed(event),
        type=body["type"],
        person=body["person"],
        measures=body["measures"],
        due=due,
        funds_wan=body.get("funds_wan"),
        emergency_plan=body.get("emergency_plan", ""),
    )
    record = replace(record, plan=plan)
    return record if record.is_major else _begun(record, due, event.at)


def _plan_accepted(record: Record, event: Said) -> Record:
    if record.plan is None:
        return record
    plan = replace(record.plan, accepted=Signed(**_signed(event)))
    return _begun(replace(record, plan=plan), plan.due, event.at)


def _begun(record: Record, due: dt.datetime, at: dt.datetime) -> Record:
    original = due if record.due_original is None else record.due_original
    return replace(
        record, status="rectifying", due_at=due, due_original=original, due_since=at, overdue=False
    )


def _plan_returned(record: Record, event: Said) -> Record:
    given = Returned(**_signed(event), reason=event.body["reason"])
    return replace(record, plan=None, returned=[*record.returned, given])


def _extension_requested(record: Record, event: Said) -> Record:
    given = Extension(**_signed(event), due=_instant(event.body["due"]), reason=event.body["reason"])
    return replace(record, extensions=[*record.extensions, given])


def _extension_decided(record: Record, event: Said) -> Record:
    asked = record.pending_extension
    if asked is None:
        return record
    granted = event.kind == "grant_extension"
    decided = replace(
        asked,
        outcome="granted" if granted else "refused",
        decided=Signed(**_signed(event)),
        decision=event.body.get("reason", ""),
    )
    record = replace(record, extensions=[*record.extensions[:-1], decided])
    return replace(record, due_at=asked.due, overdue=asked.due < event.at) if granted else record


def _submitted(record: Record, event: Said) -> Record:
    body = event.body
    given = Submission(
        **_signed(event),
        followup_measures=body.get("followup_measures", ""),
        cause=body.get("cause", ""),
        rectified_at=_instant(body["rectified_at"]),
        evidence=body.get("evidence", []),
    )
    return replace(record, status="rectified", submissions=[*record.submissions, given])


def _review(record: Record, event: Said, *, is_passed: bool) -> Record:
    body = event.body
    given = Review(
        **_signed(event),
        round=len(record.submissions),
        is_passed=is_passed,
        note=body.get("note", body.get("reason", "")),
        onsite=bool(body.get("onsite")),
        evidence=body.get("evidence", []),
    )
    return replace(record, reviews=[*record.reviews, given])


def _review_passed(record: Record, event: Said) -> Record:
    record = _review(record, event, is_passed=True)
    if not reviews_complete(record):
        return record
    return replace(record, status="reviewed", verified_at=event.at, overdue=False)


def _review_failed(record: Record, event: Said) -> Record:
    return _sent_back(_review(record, event, is_passed=False))


def reviews_complete(record: Record) -> bool:
    """Whether everybody who must look at the last submission has passed it."""
    if not record.is_major:
        return any(review.is_passed for review in record.round_reviews)
    return record.passed_by("supervision") is not None and record.passed_by("authority") is not None


def _closed(record: Record, event: Said) -> Record:
    given = Closing(**_signed(event), document=event.body.get("document", ""))
    return replace(
        record,
        status="closed",
        closed_at=event.at,
        ended_at=event.at,
        overdue=False,
        escalation_proposed=None,
        closings=[*record.closings, given],
    )


def _reopened(record: Record, event: Said) -> Record:
    given = Reason(**_signed(event), reason=event.body["reason"])
    record = replace(record, reopenings=[*record.reopenings, given], closed_at=None, ended_at=None)
    return _sent_back(record)


def _listed(record: Record, event: Said) -> Record:
    body = event.body
    given = Listing(
        **_signed(event),
        authority_level=body["authority_level"],
        document=body["document"],
        due=_instant(body["due"]),
    )
    return replace(record, supervision="listed", listings=[*record.listings, given])


def _delisted(record: Record, event: Said) -> Record:
    listing = record.listing
    if listing is None:
        return record
    over = replace(listing, delisted=Closing(**_signed(event), document=event.body["document"]))
    return replace(record, supervision="delisted", listings=[*record.listings[:-1], over])


def _refused(record: Record, event: Said) -> Record:
    given = Refusal(**_signed(event), reason=event.body["reason"], evidence=event.body.get("evidence", []))
    return replace(record, refused=True, refusal=given)


def _ordered(record: Record, event: Said) -> Record:
    given = Ordered(**_signed(event), control=event.body["control"], reason=event.body["reason"])
    return replace(record, control=given.control, orders=[*record.orders, given])


def _lifted(record: Record, event: Said) -> Record:
    given = Reason(**_signed(event), reason=event.body["reason"])
    return replace(record, control="none", lifted=[*record.lifted, given])


def _step_taken(record: Record, event: Said) -> Record:
    body = event.body
    given = StepTaken(
        **_signed(event), step=body["step"], document=body["document"], text=body.get("text", "")
    )
    proposed = record.escalation_proposed
    still = None if proposed is None or proposed <= given.step else proposed
    step = max(record.escalation_step, given.step)
    return replace(
        record,
        escalation_step=step,
        escalation_proposed=still,
        steps=[*record.steps, given],
        postponed=None,
    )


def _postponed(record: Record, event: Said) -> Record:
    given = Postponed(**_signed(event), reason=event.body["reason"], until=_instant(event.body["until"]))
    return replace(record, postponed=given, escalation_proposed=None)


def _acknowledged(record: Record, event: Said) -> Record:
    return replace(record, acknowledged=[*record.acknowledged, Signed(**_signed(event))])


def _incident(record: Record, event: Said) -> Record:
    return replace(record, incidents=[*record.incidents, str(event.body["incident"])])


def _overdue(record: Record, _: Said) -> Record:
    return replace(record, overdue=True)


def _reported(record: Record, event: Said) -> Record:
    state = event.body.get("state")
    return replace(record, report=state) if isinstance(state, str) else record


def _step_proposed(record: Record, event: Said) -> Record:
    return replace(record, escalation_proposed=event.body["step"])


def _listing_proposed(record: Record, _: Said) -> Record:
    return record if record.supervision == "listed" else replace(record, supervision="proposed")


_CHANGES: dict[str, Callable[[Record, Said], Record]] = {
    "opened": _opened,
    "filed": _opened,
    "episode": _episode,
    "signal": _signal,
    "handling_expired": _suspected,
    "signal_returned": _signal_returned,
    "overdue": _overdue,
    "report": _reported,
    "escalation_proposed": _step_proposed,
    "supervision_proposed": _listing_proposed,
    "absorbed": _absorbed,
    "incident": _incident,
    "reject": _rejected,
    "confirm": _confirmed,
    "merge": _merged,
    "opinion": _opinion,
    "plan": _planned,
    "accept_plan": _plan_accepted,
    "return_plan": _plan_returned,
    "request_extension": _extension_requested,
    "grant_extension": _extension_decided,
    "refuse_extension": _extension_decided,
    "submit": _submitted,
    "pass_review": _review_passed,
    "fail_review": _review_failed,
    "close": _closed,
    "reopen": _reopened,
    "upgrade": _upgraded,
    "downgrade": _downgraded,
    "list": _listed,
    "delist": _delisted,
    "mark_refused": _refused,
    "order_control": _ordered,
    "lift_control": _lifted,
    "take_step": _step_taken,
    "postpone_step": _postponed,
    "acknowledge": _acknowledged,
}
"""By the kind of event: a person's act has the kind of its name. Other kinds tell only what was noted."""
KINDS = frozenset(_CHANGES)
