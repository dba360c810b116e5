"""What must hold before an act: each guard a pure function that says in words what is missing, or nothing."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cloud.accounts.roles import Rank, Side
from cloud.hazards.guard_words import Unmet, unmet
from cloud.hazards.record import CONTROLS, RANKS, Person, Record, reviews_complete
from cloud.instants import local
from cloud.jurisdictions.model import Jurisdiction
from sitewarden.rules.clauses import Edition, editions, standing


class Clearance(Protocol):
    """Whether the measured danger is over (cloud/hazards/clearance.py)."""

    @property
    def met(self) -> bool:
        """Quiet for long enough, with enough data to say so."""


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record, as guards ask for it."""

    id: str
    at: dt.datetime
    stage: str
    """`found`, `before`, `after`, `review` or `judgement`."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around a record when somebody acts."""

    limits: Jurisdiction
    """What the circulars of the site's territory fix."""
    zone: str
    """The site's time zone."""
    clearance: Clearance | None = None
    """`None`: no device measures it."""
    evidence: Sequence[EvidenceItem] = ()
    maintenance: bool = False
    """Whether the device is in maintenance that was asked for and approved: its signal may stay active."""
    open_tasks: int = 0
    """What was begun because of it and is not done, such as the mending of a sensor."""
    target: Record | None = None
    """The record that it is to be merged into."""
    editions: Mapping[str, Edition] = msgspec.field(default_factory=editions)


class Actor(Person, frozen=True, kw_only=True):
    """A person in one of the roles that he holds at the site."""

    rank: Rank | None = None
    """Of an authority's role."""
    sides: frozenset[Side] = frozenset()
    """Of all roles that he holds there: whoever is of the enterprise stays so in whatever role."""
    permissions: frozenset[str] = frozenset()
    """Of this role."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to do something to a record."""

    record: Record
    act: Any
    """One of `acts.Act`; `None`: whether he could at all. Then what a form must say is passed over."""
    actor: Actor
    facts: Facts
    now: dt.datetime


Guard = Callable[[Case], Unmet | None]


# Who


def has_a_part(case: Case) -> Unmet | None:
    """Who runs the platform, or audits it, acts on no hazard: he takes no side in it."""
    return unmet("no-part") if case.actor.side in ("platform", "audit") else None


def outside_the_enterprise(case: Case) -> Unmet | None:
    """Of a major hazard, suspected or judged, nobody of the enterprise under check decides."""
    return unmet("of-enterprise") if case.record.is_major and "contractor" in case.actor.sides else None


def not_to_its_own_relief(case: Case) -> Unmet | None:
    """What is suspected major is judged a general one by nobody of the enterprise."""
    if case.act is None or case.act.level == "major":
        return None
    return outside_the_enterprise(case)


def by_authority(case: Case) -> Unmet | None:
    """Only the authority."""
    return None if case.actor.side == "authority" else unmet("not-authority")


def by_supervision(case: Case) -> Unmet | None:
    """The plan of a major hazard is the supervision's to accept."""
    return None if case.actor.side == "supervision" else unmet("not-supervision")


def extension_by_authority_if_major(case: Case) -> Unmet | None:
    """More time for a major hazard is the authority's to give."""
    return by_authority(case) if case.record.is_major else None


def by_controller(case: Case) -> Unmet | None:
    """The authority or the supervision."""
    return None if case.actor.side in ("authority", "supervision") else unmet("not-outside")


def _rank(rank: Rank | None) -> int:
    return -1 if rank is None else RANKS.index(rank)


def by_head(case: Case) -> Unmet | None:
    """The authority itself, not one of its officers alone."""
    if _rank(case.actor.rank) >= _rank("county"):
        return None
    return unmet("rank-too-low", level="county")


def of_listing_level(case: Case) -> Unmet | None:
    """What an authority has listed, no lower one decides."""
    listing = case.record.listing
    if listing is None or _rank(case.actor.rank) >= _rank(listing.authority_level):
        return None
    return unmet("listing-level", level=listing.authority_level)


def superior_only_if_listed(case: Case) -> Unmet | None:
    """A superior authority decides on what is listed; on all else the responsible one does."""
    if case.record.supervision == "listed" or _rank(case.actor.rank) <= _rank("county"):
        return None
    return unmet("not-responsible-authority")


def lists_at_its_level(case: Case) -> Unmet | None:
    """Nobody lists in a higher authority's name."""
    if case.act is None or _rank(case.actor.rank) >= _rank(case.act.authority_level):
        return None
    return unmet("rank-too-low", field="authority_level", level=case.act.authority_level)


def step_at_its_level(case: Case) -> Unmet | None:
    """Each step of the ladder has the lowest authority that takes it."""
    if case.act is None:
        return None
    lowest: Rank = case.facts.limits.ladder[case.act.step - 1].by
    if lowest == "county":
        # That it is no officer alone is asked of every step.
        return None
    return None if _rank(case.actor.rank) >= _rank(lowest) else unmet("rank-too-low", level=lowest)


def reviewer_is_another(case: Case) -> Unmet | None:
    """Nobody reviews his own work."""
    submission, plan = case.record.submission, case.record.plan
    if submission is not None and submission.by.account == case.actor.account:
        return unmet("reviewer-is-submitter")
    if plan is not None and plan.person == case.actor.name:
        return unmet("reviewer-is-responsible")
    return None


def contractor_reviews_only_immediate(case: Case) -> Unmet | None:
    """The enterprise's safety director reviews a general hazard that was rectified at once, and no other."""
    if case.actor.side != "contractor":
        return None
    is_immediate = case.record.plan is not None and case.record.plan.type == "immediate"
    return None if is_immediate and not case.record.is_major else unmet("contractor-reviews-immediate-only")


def closer_is_another(case: Case) -> Unmet | None:
    """Nobody closes what he submitted."""
    submission = case.record.submission
    if submission is None or submission.by.account != case.actor.account:
        return None
    return unmet("closer-is-submitter")


def decides_for_another(case: Case) -> Unmet | None:
    """Nobody gives himself more time."""
    asked = case.record.pending_extension
    return (
        unmet("decides-own-request") if asked is not None and asked.by.account == case.actor.account else None
    )


def second_signs_too(case: Case) -> Unmet | None:
    """Two signatures are two persons'."""
    first = case.record.downgrade
    return unmet("signed-already") if first is not None and first.by.account == case.actor.account else None


def acknowledges_once(case: Case) -> Unmet | None:
    """Whoever has said so has said so."""
    again = any(one.by.account == case.actor.account for one in case.record.acknowledged)
    return unmet("acknowledged-already") if again else None


_MIGHT: dict[Side, int] = {"contractor": 0, "supervision": 1, "authority": 2}


def lifted_by_its_peer(case: Case) -> Unmet | None:
    """An order is lifted by who gave it, or who stands above him."""
    orders = case.record.standing_orders
    if not orders:
        return unmet("no-control")
    # One that somebody below made stricter is not his to lift.
    side = max((order.by.side for order in orders), key=lambda side: _MIGHT.get(side, 0))
    enough = _MIGHT.get(case.actor.side, -1) >= _MIGHT.get(side, 0)
    return None if enough else unmet("order-of-another", side=side)


def no_order(case: Case) -> Unmet | None:
    """What is no danger stops no work: whoever ordered it lifts it first."""
    control = case.record.control
    return None if control == "none" else unmet("control-in-force", control=control)


# What is measured


def quiet_or_in_maintenance(case: Case) -> Unmet | None:
    """While the signal says so there is a danger; of a device in maintenance it may stay."""
    return unmet("signal-active") if case.record.signal == "active" and not case.facts.maintenance else None


def cleared(case: Case) -> Unmet | None:
    """What is measured must have been quiet for long enough; no data is not quiet."""
    if case.record.signal == "none":
        return None
    if case.record.signal in ("active", "unknown"):
        return unmet(f"signal-{case.record.signal}")
    return None if case.facts.clearance is not None and case.facts.clearance.met else unmet("not-cleared")


def signal_is_over(case: Case) -> Unmet | None:
    """Nothing is closed while the signal stands, or while nobody knows."""
    return unmet(f"signal-{case.record.signal}") if case.record.signal in ("active", "unknown") else None


# Evidence


def _named(act: Any, facts: Facts) -> list[EvidenceItem]:
    if act is None:
        return list(facts.evidence)
    return [item for item in facts.evidence if item.id in act.evidence]


def _fresh(items: Sequence[EvidenceItem], facts: Facts, now: dt.datetime) -> Unmet | None:
    allowed_s = facts.limits.evidence_fresh_s
    newest = max(item.at for item in items)
    if now - newest <= dt.timedelta(seconds=allowed_s):
        return None
    return unmet("evidence-stale", hours=round(allowed_s / 3600))


def evidence_known(case: Case) -> Unmet | None:
    """What is named as evidence is on this record."""
    if case.act is None:
        return None
    lacking = sorted(set(case.act.evidence) - {item.id for item in case.facts.evidence})
    return unmet("evidence-unknown", items=lacking) if lacking else None


def some_evidence(case: Case) -> Unmet | None:
    """One item at least, and a fresh one."""
    items = _named(case.act, case.facts)
    return _fresh(items, case.facts, case.now) if items else unmet("evidence-missing", needed=1, have=0)


def before_and_after(case: Case) -> Unmet | None:
    """How it was and how it is, and that lately."""
    items = _named(case.act, case.facts)
    if len(items) < len(("before", "after")):
        return unmet("evidence-missing", needed=2, have=len(items))
    stages = {item.stage for item in items}
    if "after" not in stages or not stages & {"found", "before"}:
        return unmet("evidence-before-after")
    return _fresh(items, case.facts, case.now)


# Judgement


def basis(case: Case) -> Unmet | None:
    """A major hazard is one by an item of the standard that held when it was found."""
    if case.act is None or getattr(case.act, "level", "major") != "major":
        return None
    if case.act.clause is None:
        return unmet("clause-missing", field="clause")
    edition = case.facts.editions.get(case.act.clause.edition)
    if edition is None or all(item.id != case.act.clause.id for item in edition.items):
        return unmet("clause-unknown", field="clause", edition=case.act.clause.edition, id=case.act.clause.id)
    detected = local(case.record.detected_at or case.now, case.facts.zone).date()
    if standing(edition.edition, detected, case.facts.editions) in ("not_yet", "replaced"):
        return unmet("edition-not-in-force", edition=edition.edition, day=detected.isoformat())
    return None


def handling_answered(case: Case) -> Unmet | None:
    """Under '… and not handled in time' somebody must say whether it was."""
    if case.act is None or case.act.level != "major" or case.act.clause is None:
        return None
    edition = case.facts.editions.get(case.act.clause.edition)
    items = [] if edition is None else [item for item in edition.items if item.id == case.act.clause.id]
    if not items or not items[0].two_part:
        return None
    if case.act.handled is None:
        return unmet("handled-missing", field="handled")
    return unmet("handled-in-time", field="handled") if case.act.handled.in_time else None


def judged(case: Case) -> Unmet | None:
    """What is only suspected must be judged before anything is the end of it."""
    return (
        unmet("not-judged")
        if case.record.level == "major_proposed" or case.record.judgement is None
        else None
    )


def target_fits(case: Case) -> Unmet | None:
    """Merged into an open record of the same site, category and mode."""
    if case.act is None:
        return None
    target = case.facts.target
    if target is None:
        return unmet("target-unknown", field="into")
    if not target.is_open:
        return unmet("target-ended", field="into")
    same = (target.site, target.category, target.mode) == (
        case.record.site,
        case.record.category,
        case.record.mode,
    )
    return None if same else unmet("target-other", field="into")


# Plan and time


def element(name: str) -> Guard:
    """That the plan says it."""

    def said(case: Case) -> Unmet | None:
        if case.act is None:
            return None
        only_timed = name in ("funds_wan", "emergency_plan")
        if only_timed and case.act.type == "immediate":
            return None
        return unmet("element-missing", field=name) if getattr(case.act, name) in (None, "") else None

    said.__name__ = f"plan_says_{name}"
    said.__doc__ = f"The plan says its {name}."
    return said


ELEMENTS = tuple(map(element, ("person", "measures", "funds_wan", "due", "emergency_plan")))
"""What a plan that takes time must name (五落实); one that is done at once names person, measures, date."""


def plan_due_fits(case: Case) -> Unmet | None:
    """In the future, today if it is done at once, and within what the circulars allow from the judgement."""
    if case.act is None or case.act.due is None:
        return None
    if case.act.due <= case.now:
        return unmet("due-past", field="due")
    if (
        case.act.type == "immediate"
        and local(case.act.due, case.facts.zone).date() > local(case.now, case.facts.zone).date()
    ):
        return unmet("due-not-today", field="due")
    days = (
        case.facts.limits.rectify_major_days
        if case.record.is_major
        else case.facts.limits.rectify_general_days
    )
    if case.act.due > _counted_from(case.record, case.now) + dt.timedelta(days=days):
        return unmet("due-too-far", field="due", days=days)
    return None


def _counted_from(record: Record, now: dt.datetime) -> dt.datetime:
    """When it was last judged, or found again not to be cured."""
    begun = [record.judgement.at] if record.judgement else []
    begun += [one.at for one in record.reopenings]
    return max(begun, default=now)


def no_later_by_a_new_plan(case: Case) -> Unmet | None:
    """Another plan moves no date: for that there are extensions. After a reopening the time begins anew."""
    due_at, since = case.record.due_at, case.record.due_since
    if case.act is None or case.act.due is None or case.record.status != "rectifying" or due_at is None:
        return None
    reopened = case.record.reopenings[-1].at if case.record.reopenings else None
    is_anew = reopened is not None and (since is None or since < reopened)
    return None if is_anew or case.act.due <= due_at else unmet("due-later-than-agreed", field="due")


def plan_waits(case: Case) -> Unmet | None:
    """There is a plan that nobody has accepted."""
    waits = case.record.plan is not None and case.record.plan.accepted is None
    return None if waits else unmet("no-plan-waiting")


def plan_holds(case: Case) -> Unmet | None:
    """It is rectified by a plan; that of a major hazard was accepted."""
    if case.record.plan is None:
        return unmet("no-plan")
    if case.record.is_major and case.record.plan.accepted is None:
        return unmet("plan-not-accepted")
    return None


def extension_may_be_asked(case: Case) -> Unmet | None:
    """One at a time, before the date, and not for ever."""
    if case.record.pending_extension is not None:
        return unmet("extension-pending")
    if case.record.due_at is None or case.now >= case.record.due_at:
        return unmet("extension-late")
    granted = sum(one.outcome == "granted" for one in case.record.extensions)
    most = case.facts.limits.most_extensions
    return unmet("extensions-used", most=most) if granted >= most else None


def extension_is_later(case: Case) -> Unmet | None:
    """The new date is later."""
    if case.act is None or case.record.due_at is None or case.act.due > case.record.due_at:
        return None
    return unmet("extension-not-later", field="due")


def extension_waits(case: Case) -> Unmet | None:
    """Somebody has asked."""
    return unmet("no-extension-pending") if case.record.pending_extension is None else None


def due_in_future(case: Case) -> Unmet | None:
    """The date is in the future."""
    return None if case.act is None or case.act.due > case.now else unmet("due-past", field="due")


def until_in_future(case: Case) -> Unmet | None:
    """The date until which it is put off is in the future."""
    return None if case.act is None or case.act.until > case.now else unmet("due-past", field="until")


# Submission and review


def followup_said(case: Case) -> Unmet | None:
    """How it is kept from coming back: of what was rectified at once, and of every major hazard."""
    is_immediate = case.record.plan is not None and case.record.plan.type == "immediate"
    if case.act is None or case.act.followup_measures or not (is_immediate or case.record.is_major):
        return None
    return unmet("element-missing", field="followup_measures")


def cause_said(case: Case) -> Unmet | None:
    """Why a major hazard came about."""
    if case.act is None or case.act.cause or not case.record.is_major:
        return None
    return unmet("element-missing", field="cause")


def rectified_in_the_past(case: Case) -> Unmet | None:
    """It is done already."""
    return (
        unmet("rectified-in-future", field="rectified_at")
        if case.act and case.act.rectified_at > case.now
        else None
    )


def supervision_first(case: Case) -> Unmet | None:
    """A major hazard is reviewed by the supervision, then by the authority."""
    if (
        not case.record.is_major
        or case.actor.side != "authority"
        or case.record.passed_by("supervision") is not None
    ):
        return None
    return unmet("supervision-first")


def not_passed_already(case: Case) -> Unmet | None:
    """Each side once."""
    return unmet("passed-already") if case.record.passed_by(case.actor.side) is not None else None


def somebody_was_there(case: Case) -> Unmet | None:
    """Of a major hazard one of the two reviews is made on site."""
    if case.act is None or not case.record.is_major or case.actor.side != "authority" or case.act.onsite:
        return None
    first = case.record.passed_by("supervision")
    return unmet("nobody-onsite", field="onsite") if first is not None and not first.onsite else None


def reviews_stand(case: Case) -> Unmet | None:
    """Everybody who must have passed it has."""
    is_so = case.record.verified_at is not None and reviews_complete(case.record)
    return None if is_so else unmet("reviews-incomplete")


# Closing


def nothing_open(case: Case) -> Unmet | None:
    """No request waits, no order holds, no task is left."""
    if case.record.pending_extension is not None:
        return unmet("extension-pending")
    tasks = unmet("tasks-open", count=case.facts.open_tasks) if case.facts.open_tasks else None
    return no_order(case) or tasks


def cause_known(case: Case) -> Unmet | None:
    """A major hazard whose cause nobody knows is not over."""
    if not case.record.is_major or (case.record.submission is not None and case.record.submission.cause):
        return None
    return unmet("cause-missing")


def document_if_major(case: Case) -> Unmet | None:
    """The end of a major hazard has a document."""
    if case.act is None or case.act.document or not case.record.is_major:
        return None
    return unmet("element-missing", field="document")


# Supervision and what follows


def not_listed(case: Case) -> Unmet | None:
    """It is not listed yet."""
    return unmet("already-listed") if case.record.supervision == "listed" else None


def is_listed(case: Case) -> Unmet | None:
    """What is taken off the list is on it."""
    return None if case.record.supervision == "listed" else unmet("not-listed")


def overdue_and_told(case: Case) -> Unmet | None:
    """Nobody refuses what he was not told; a letter served, or his own word that he knows."""
    if not case.record.overdue:
        return unmet("not-overdue")
    return None if case.record.steps or case.record.acknowledged else unmet("nothing-served")


def not_refused_yet(case: Case) -> Unmet | None:
    """It is marked already."""
    return unmet("refused-already") if case.record.refused else None


def stricter(case: Case) -> Unmet | None:
    """A milder order is a lifting, and that is another act."""
    if case.act is None or CONTROLS.index(case.act.control) > CONTROLS.index(case.record.control):
        return None
    return unmet("control-not-stricter", field="control", control=case.record.control)


def step_is_next(case: Case) -> Unmet | None:
    """The ladder goes up."""
    if case.act is None or case.act.step > case.record.escalation_step:
        return None
    return unmet("step-taken", field="step", step=case.record.escalation_step)


def step_is_proposed(case: Case) -> Unmet | None:
    """Put off is what was proposed."""
    return unmet("no-step-proposed") if case.record.escalation_proposed is None else None
