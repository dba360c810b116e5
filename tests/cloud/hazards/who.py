"""Which role may do what to records of which level, where everything else is as it should be."""

from collections.abc import Callable
from typing import Any

import msgspec

from cloud.accounts.roles import roles
from cloud.hazards.record import Level, Record
from cloud.hazards.transitions import TRANSITIONS, choose, fits
from tests.cloud.hazards.lives import (
    CLAUSE,
    COUNTY,
    FACTS,
    PM,
    SUPERVISOR,
    asked,
    done,
    form,
    life,
    machine,
    opened,
    person,
)

replace = msgspec.structs.replace
LEVELS: tuple[Level, ...] = ("general", "major_proposed", "major")


def _at(level: Level, status: str) -> Record:
    """Of that level in that state, the way there being of no interest."""
    if status == "candidate":
        return opened(level=level)
    return replace(life("general" if level == "general" else "major", status), level=level)


def ready(name: str, level: Level) -> Record | None:
    """A record to which whoever may can do the act; `None` where there is no such act at that level."""
    transition = TRANSITIONS[name]
    if level not in transition.levels:
        return None
    lead_up = _LEADING_UP.get(name)
    return _at(level, transition.since[0]) if lead_up is None else lead_up(level)


def _planned(level: Level) -> Record:
    return done(_at(level, "confirmed"), form("plan"), PM)


def _extension_asked(level: Level) -> Record:
    return done(_at(level, "rectifying"), form("request_extension"), PM)


def _listed_and_closed(level: Level) -> Record:
    listings = done(_at("major", "confirmed"), form("list"), COUNTY).listings
    return replace(_at(level, "closed"), supervision="listed", listings=listings)


def _overdue_and_told(level: Level) -> Record:
    late = machine(_at(level, "rectifying"), "overdue")
    return done(late, form("acknowledge"), person("enterprise_principal"))


_LEADING_UP: dict[str, Callable[[Level], Record]] = {
    "accept_plan": _planned,
    "return_plan": _planned,
    "grant_extension": _extension_asked,
    "refuse_extension": _extension_asked,
    "delist": _listed_and_closed,
    "mark_refused": _overdue_and_told,
    "lift_control": lambda level: done(_at(level, "candidate"), form("order_control"), PM),
    "postpone_step": lambda level: machine(_at(level, "confirmed"), "escalation_proposed", step=1),
}
"""What else must have happened before."""


def may(role: str, name: str, level: Level, wanted: dict[str, Any]) -> bool:
    """Whether a holder of the role can do it, with a form that lacks nothing."""
    record = ready(name, level)
    if record is None or not fits(record, name):
        return False
    given = form(name, **wanted)
    records = [record]
    if name == "pass_review" and level != "general":
        records.append(done(record, form("pass_review"), SUPERVISOR))
    facts = replace(FACTS, target=opened())
    tried = (choose(name, asked(one, person(role, 500), facts=facts), given) for one in records)
    return any(choice.permitted and not choice.unmet for choice in tried)


VARIANTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "confirm": [
        ("confirm as general", {"level": "general"}),
        ("confirm as major", {"level": "major", "clause": CLAUSE}),
    ],
    "list": [(f"list by {rank}", {"authority_level": rank}) for rank in ("county", "city", "province")],
    "take_step": [(f"take_step {step}", {"step": step}) for step in range(1, 6)],
}
"""Acts of which not everybody may do every sort."""


def reckoned() -> dict[str, dict[str, str]]:
    """By act and level: the roles, in the order of `roles.yaml`."""
    return {
        label: {
            level: " ".join(role for role in roles().roles if may(role, name, level, wanted))
            for level in LEVELS
            if ready(name, level) is not None
        }
        for name in TRANSITIONS
        for label, wanted in VARIANTS.get(name, [(name, {})])
    }
