"""What a scenario has planned, in the order of time; some of it comes again and again."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Planned(Protocol):
    """Something that happens at an instant, perhaps repeatedly."""

    @property
    def at_s(self) -> float:
        """Seconds after the start."""

    @property
    def every_s(self) -> float | None:
        """It comes again after so many seconds; `None`: once only."""


P = TypeVar("P", bound=Planned)


def due(plans: Sequence[P], done: int) -> tuple[P, float] | None:
    """The plan number `done` (from 0) in the order of time, and its instant; `None` where no more come."""
    planned = [(plan, plan.at_s) for plan in plans]
    first = None
    for _ in range(done + 1):
        first = min(planned, key=lambda entry: entry[1], default=None)
        if first is None:
            return None
        planned.remove(first)
        if first[0].every_s is not None:
            planned.append((first[0], first[1] + first[0].every_s))
    return first


def since(at_s: float, every_s: float | None, t_s: float) -> float:
    """Seconds since what begins at `at_s`, and again every `every_s`, last began; below 0: not yet."""
    passed = t_s - at_s
    return passed % every_s if every_s is not None and passed > 0.0 else passed
