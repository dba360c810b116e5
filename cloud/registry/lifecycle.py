"""The life of a device: which step may follow upon which. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from cloud.registry.model import DeviceKind, Finding, Step
from sitewarden.errors import SiteWardenError
from sitewarden.messages import Commissioning

ORDER: tuple[Step, ...] = get_args(Step)

_OF_A_MACHINE: Mapping[Step, tuple[Step, ...]] = {
    "filed": (),
    "installed": ("filed",),
    "inspected": ("installed",),
    "accepted": ("inspected",),
    "registered": ("accepted",),
    "in_use": ("registered", "accepted"),
    "climbed": ("in_use",),
    "maintained": ("installed",),
    "dismantled": ("installed",),
}
"""What must have been before, of a machine that lifts: filing, inspection and registration are the law's."""

_OF_AN_INSTRUMENT: Mapping[Step, tuple[Step, ...]] = {
    "filed": (),
    "installed": (),
    "inspected": ("installed",),
    "accepted": ("installed",),
    "registered": ("accepted",),
    "in_use": ("accepted",),
    "climbed": ("in_use",),
    "maintained": ("installed",),
    "dismantled": ("installed",),
}
"""The same of anything else: it is installed, accepted and used."""

_LASTS = frozenset({"filed"})
"""Stays with the machine from site to site; all else begins anew when it is put up again."""
_ONCE = frozenset({"filed", "installed", "in_use"})
"""Not again while it holds; an inspection or a registration is renewed."""
_UNDOES: Mapping[Step, frozenset[Step]] = {
    "dismantled": frozenset(ORDER) - _LASTS,
    # Raised or tied anew, it must be accepted again before it works.
    "climbed": frozenset({"accepted", "in_use"}),
}


class Done(NamedTuple):
    """A step that was taken."""

    step: Step
    done_on: dt.date
    valid_until: dt.date | None = None


class Standing(NamedTuple):
    """How far a life has gone."""

    step: Step | None
    """The last one; upkeep changes nothing."""
    is_in_use: bool
    following: list[Step]
    expired: list[Step]
    expires_on: dt.date | None


class OutOfOrderError(SiteWardenError):
    """A step whose time has not come."""

    def __init__(self, step: Step, missing: Sequence[Step]) -> None:
        """`missing`: what must have been before."""
        super().__init__(f"{step} comes after {' and '.join(missing)}")
        self.step, self.missing = step, missing


def commissioning_finding(life: Standing, announced: Commissioning | None) -> Finding | None:
    """Where the file and the gateway contradict each other; `announced`: what the gateway has, if it has it.

    What the gateway says goes: an alarm is not lost because a form was not filled in.
    """
    if announced == "trial" and life.is_in_use:
        return "on_trial_in_use"
    if announced == "in_use" and not life.is_in_use:
        return "in_use_unrecorded"
    return None


def in_order(steps: Sequence[Done]) -> list[Done]:
    """By their days; those of one day in the order of a life."""
    return sorted(steps, key=lambda done: (done.done_on, ORDER.index(done.step)))


def standing(kind: DeviceKind, steps: Sequence[Done], today: dt.date) -> Standing:
    """How far the life has gone; raises `OutOfOrderError` at the first step that could not have been."""
    needs = _OF_A_MACHINE if kind in {"crane", "hoist"} else _OF_AN_INSTRUMENT
    valid: dict[Step, Done] = {}
    last: Step | None = None
    for done in in_order(steps):
        missing = [step for step in needs[done.step] if step not in valid]
        if missing:
            raise OutOfOrderError(done.step, missing)
        for undone in _UNDOES.get(done.step, ()):
            valid.pop(undone, None)
        valid[done.step] = done
        if done.step != "maintained":
            last = done.step
    if last == "dismantled":
        valid.pop("dismantled")
    ends = {done.step: done.valid_until for done in valid.values() if done.valid_until is not None}
    return Standing(
        step=last,
        is_in_use="in_use" in valid,
        following=[
            step
            for step in ORDER
            if all(before in valid for before in needs[step]) and not (step in _ONCE and step in valid)
        ],
        expired=[step for step, until in ends.items() if until < today],
        expires_on=min((until for until in ends.values() if until >= today), default=None),
    )
