"""How long before its control value a failing wall is warned of, how often not, and how often for nothing.

Each law runs with many seeds; a seed draws the law's own numbers and the site's: noise 0.02 to 0.4 mm a
reading, a daily cycle of up to 1.2 mm that no day repeats, weather of up to 0.3 mm that lasts for half a day
to days. One reading an hour (of faster ones the median counts, which only helps), a control value of 30 mm,
failing walls until they reach it, stable ones for 20 days. A warning is the first `hours_to_failure` below
its horizon. `either` also counts the first time that `time_to_limit` fell to 72 h: that is what warns where
no law of failure can be proven.

The baseline of each lead is a fixed limit of 70 % of the control value, as practice has it.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from bench.creep_motion import DAY_H, FAILING, STABLE, readings
from bench.report import Result, percentile
from sitewarden.derived.creep import HORIZON_H, HOUR_MS, Creep
from sitewarden.readings import Reading

SEEDS, SEEDS_QUICK = 40, 5
DAYS, EVERY_H = 20, 1.0
CONTROL_MM, PRACTICE = 30.0, 0.7
SOON_H = 72.0
POINT = "pit/h1.cumulative"
START_MS = 1_763_650_000_000


class Course(NamedTuple):
    """What was said in the course of one wall; hours since its first reading, `None` where never."""

    ended_h: float
    creep_h: float | None = None
    limit_h: float | None = None
    practice_h: float | None = None


def run(quick: bool) -> Sequence[Result]:
    """Measure on all cores."""
    seeds = range(SEEDS_QUICK if quick else SEEDS)
    laws = [(law, n) for law in (*FAILING, *STABLE) for n in seeds]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        courses = list(pool.map(_course, laws, chunksize=4))
    of: dict[str, list[Course]] = {}
    for (law, _), course in zip(laws, courses, strict=True):
        of.setdefault(law, []).append(course)
    failing = [result for law in FAILING for result in _failing(law, of[law])]
    return [*failing, *(_stable(law, of[law]) for law in STABLE)]


def _failing(law: str, courses: Sequence[Course]) -> list[Result]:
    early = [c.ended_h - c.practice_h if c.practice_h is not None else 0.0 for c in courses]
    creep = [c.ended_h - c.creep_h if c.creep_h is not None else 0.0 for c in courses]
    limit = [c.ended_h - c.limit_h if c.limit_h is not None else 0.0 for c in courses]
    either = [max(pair) for pair in zip(creep, limit, strict=True)]
    missed = 100.0 * sum(c.creep_h is None for c in courses) / len(courses)
    return [
        Result(
            name=f"{law}: lead of creep, median",
            value=percentile(creep, 50),
            unit="h",
            goal=12,
            at_least=True,
            baseline=percentile(early, 50),
        ),
        Result(name=f"{law}: no law proven in time", value=missed, unit="%"),
        Result(
            name=f"{law}: lead of either, least",
            value=min(either),
            unit="h",
            goal=6,
            at_least=True,
            baseline=min(early),
        ),
    ]


def _stable(law: str, courses: Sequence[Course]) -> Result:
    wrong = sum(c.creep_h is not None for c in courses)
    days = sum(c.ended_h for c in courses) / DAY_H
    # One warning among few seeds is no rate yet.
    return Result(
        name=f"{law}: false warnings of failure",
        value=1000.0 * wrong / days,
        unit="/1000d",
        goal=max(5.0, 1000.0 / days),
    )


def _course(what: tuple[str, int]) -> Course:
    law, seed = what
    until_mm = CONTROL_MM if law in FAILING else float("inf")
    maker = FAILING.get(law) or STABLE[law]
    creep = Creep(POINT, CONTROL_MM)
    course = Course(0.0)
    for hour, mm in readings(maker, f"bench/{law}/{seed}", DAYS, EVERY_H, until_mm):
        course = course._replace(ended_h=hour)
        if course.practice_h is None and mm >= PRACTICE * CONTROL_MM:
            course = course._replace(practice_h=hour)
        for said in creep.take([Reading(POINT, START_MS + round(hour * HOUR_MS), mm)]):
            course = _heard(course, hour, said)
    return course


def _heard(course: Course, hour: float, said: Reading) -> Course:
    if said.value is None or said.value >= HORIZON_H:
        return course
    if said.point.endswith(".hours_to_failure") and course.creep_h is None:
        return course._replace(creep_h=hour)
    if said.point.endswith(".time_to_limit") and course.limit_h is None and said.value <= SOON_H:
        return course._replace(limit_h=hour)
    return course
