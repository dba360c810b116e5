"""Which act there is in which state, who may do it, and what must hold: one table. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cloud.hazards import guards as g
from cloud.hazards.guard_words import Unmet
from cloud.hazards.record import Level, Record, Status

OPEN: tuple[Status, ...] = ("candidate", "confirmed", "rectifying", "rectified", "reviewed")
JUDGED: tuple[Status, ...] = OPEN[1:]
_LEVELS: tuple[Level, ...] = ("general", "major_proposed", "major")
_MAJOR: tuple[Level, ...] = ("major_proposed", "major")


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One act."""

    since: tuple[Status, ...]
    """The states in which there is such an act."""
    to: Status | None = None
    """The state that it leads to; `None`: it stays, or the guards' page says when it does not."""
    levels: tuple[Level, ...] = _LEVELS
    general: str
    """The permission for a general hazard."""
    major: str
    """And for a major one, suspected or judged."""
    guards: tuple[g.Guard, ...] = ()


def _row(
    since: Iterable[Status], to: Status | None, general: str, major: str = "", **more: Any
) -> Transition:
    return Transition(since=tuple(since), to=to, general=general, major=major or general, **more)


TRANSITIONS: Mapping[str, Transition] = {
    "reject": _row(
        ["candidate"],
        "rejected",
        "hazards.reject",
        "hazards.reject_major",
        levels=("general", "major_proposed"),
        guards=(
            g.outside_the_enterprise,
            g.quiet_or_in_maintenance,
            g.no_order,
            g.evidence_known,
            g.some_evidence,
        ),
    ),
    "confirm": _row(
        ["candidate"],
        "confirmed",
        "hazards.confirm",
        "hazards.confirm_major",
        levels=("general", "major_proposed"),
        guards=(g.not_to_its_own_relief, g.basis, g.handling_answered),
    ),
    "merge": _row(
        ["candidate"],
        "merged",
        "hazards.reject",
        "hazards.reject_major",
        levels=("general", "major_proposed"),
        guards=(g.outside_the_enterprise, g.target_fits),
    ),
    "opinion": _row(OPEN, None, "hazards.advise"),
    "plan": _row(
        ["confirmed", "rectifying"],
        "rectifying",
        "rectification.plan",
        guards=(*g.ELEMENTS, g.plan_due_fits, g.no_later_by_a_new_plan),
    ),
    "accept_plan": _row(
        ["confirmed", "rectifying"],
        "rectifying",
        "rectification.approve",
        levels=_MAJOR,
        guards=(g.by_supervision, g.plan_waits),
    ),
    "return_plan": _row(
        ["confirmed", "rectifying"],
        None,
        "rectification.approve",
        levels=_MAJOR,
        guards=(g.by_supervision, g.plan_waits),
    ),
    "request_extension": _row(
        ["rectifying"],
        None,
        "rectification.plan",
        guards=(g.extension_may_be_asked, g.extension_is_later),
    ),
    "grant_extension": _row(
        ["rectifying"],
        None,
        "rectification.extend",
        guards=(
            g.extension_waits,
            g.extension_by_authority_if_major,
            g.decides_for_another,
            g.of_listing_level,
            g.superior_only_if_listed,
        ),
    ),
    "refuse_extension": _row(
        ["rectifying"],
        None,
        "rectification.extend",
        guards=(
            g.extension_waits,
            g.extension_by_authority_if_major,
            g.decides_for_another,
            g.of_listing_level,
            g.superior_only_if_listed,
        ),
    ),
    "submit": _row(
        ["rectifying"],
        "rectified",
        "rectification.submit",
        guards=(
            g.plan_holds,
            g.cleared,
            g.evidence_known,
            g.before_and_after,
            g.followup_said,
            g.cause_said,
            g.rectified_in_the_past,
        ),
    ),
    "pass_review": _row(
        ["rectified"],
        "reviewed",
        "rectification.review",
        guards=(
            g.reviewer_is_another,
            g.outside_the_enterprise,
            g.contractor_reviews_only_immediate,
            g.supervision_first,
            g.not_passed_already,
            g.cleared,
            g.somebody_was_there,
            g.evidence_known,
        ),
    ),
    "fail_review": _row(
        ["rectified", "reviewed"],
        "rectifying",
        "rectification.review",
        guards=(
            g.reviewer_is_another,
            g.outside_the_enterprise,
            g.contractor_reviews_only_immediate,
            g.evidence_known,
            g.some_evidence,
        ),
    ),
    "close": _row(
        ["reviewed"],
        "closed",
        "hazards.close",
        "hazards.close_major",
        guards=(
            g.closer_is_another,
            g.outside_the_enterprise,
            g.of_listing_level,
            g.superior_only_if_listed,
            g.judged,
            g.reviews_stand,
            g.signal_is_over,
            g.nothing_open,
            g.cause_known,
            g.document_if_major,
        ),
    ),
    "reopen": _row(["closed"], "rectifying", "rectification.review", guards=(g.by_controller,)),
    "upgrade": _row(
        JUDGED,
        None,
        "hazards.confirm_major",
        levels=("general", "major_proposed"),
        guards=(g.by_authority, g.basis),
    ),
    "downgrade": _row(
        JUDGED,
        None,
        "hazards.downgrade",
        levels=_MAJOR,
        guards=(g.by_head, g.outside_the_enterprise, g.of_listing_level, g.second_signs_too),
    ),
    "list": _row(
        JUDGED,
        None,
        "hazards.supervise",
        levels=("major",),
        guards=(g.not_listed, g.lists_at_its_level, g.due_in_future),
    ),
    "delist": _row(["closed"], None, "hazards.supervise", guards=(g.is_listed, g.of_listing_level)),
    "mark_refused": _row(
        JUDGED,
        None,
        "hazards.escalate",
        guards=(
            g.by_authority,
            g.not_refused_yet,
            g.overdue_and_told,
            g.evidence_known,
            g.some_evidence,
        ),
    ),
    "order_control": _row(OPEN, None, "hazards.control", guards=(g.stricter,)),
    "lift_control": _row(OPEN, None, "hazards.control", guards=(g.lifted_by_its_peer,)),
    "take_step": _row(
        JUDGED,
        None,
        "hazards.escalate",
        levels=("major",),
        guards=(g.by_authority, g.by_head, g.step_is_next, g.step_at_its_level, g.of_listing_level),
    ),
    "postpone_step": _row(
        JUDGED,
        None,
        "hazards.escalate",
        levels=("major",),
        guards=(g.by_authority, g.step_is_proposed, g.until_in_future),
    ),
    "acknowledge": _row(JUDGED, None, "hazards.acknowledge", guards=(g.acknowledges_once,)),
}
"""By the name of the act."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looks at a record."""

    record: Record
    actors: Sequence[g.Actor]
    """He, in each of the roles that he holds at the site."""
    facts: g.Facts
    now: dt.datetime


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An act that the record's state has, and whether one may do it."""

    act: str
    permitted: bool
    """Whether any role of his has the permission; what is unmet stands beside it either way."""
    unmet: list[Unmet] = []
    actor: g.Actor | None = None
    """In which role; `None` where he has none that permits it."""


def fits(record: Record, name: str) -> bool:
    """Whether the record is in a state and of a level that have this act."""
    transition = TRANSITIONS[name]
    return record.status in transition.since and record.level in transition.levels


def permissions_for(record: Record, name: str, act: Any = None) -> frozenset[str]:
    """Any of these permits the act; for a confirmation the level decides that is confirmed."""
    row = TRANSITIONS[name]
    if name != "confirm":
        return frozenset({row.major if record.is_major else row.general})
    # To call a suspected major hazard a general one is to reject the suspicion.
    lesser = "hazards.reject_major" if record.is_major else row.general
    by_level = {"general": lesser, "major": row.major}
    return frozenset(by_level.values() if act is None else [by_level[act.level]])


def choose(name: str, asked: Asked, act: Any = None) -> Choice:
    """Whether the act may be done, in which of his roles, and what is unmet: in the role that lacks least."""
    wanted = permissions_for(asked.record, name, act)
    permitted = [actor for actor in asked.actors if actor.permissions & wanted]
    tried = [(_unmet(name, asked, act, actor), actor) for actor in permitted or asked.actors]
    if not tried:
        return Choice(act=name, permitted=False)
    lacking, actor = min(tried, key=lambda one: len(one[0]))
    return Choice(act=name, permitted=bool(permitted), unmet=lacking, actor=actor if permitted else None)


def _unmet(name: str, asked: Asked, act: Any, actor: g.Actor) -> list[Unmet]:
    case = g.Case(record=asked.record, act=act, actor=actor, facts=asked.facts, now=asked.now)
    answers = (guard(case) for guard in (g.has_a_part, *TRANSITIONS[name].guards))
    return [found for found in answers if found is not None]


def available(asked: Asked) -> list[Choice]:
    """Every act that the record's state has, in the order of the table."""
    return [choose(name, asked) for name in TRANSITIONS if fits(asked.record, name)]
