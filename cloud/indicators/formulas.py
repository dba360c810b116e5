"""The formulas of indicators over what became of each record. Pure; `indicators.yaml` says each in words."""

import collections
import datetime as dt
import statistics
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cloud.database import Row
from cloud.indicators.lives import Life
from cloud.indicators.measured import Measured, Part, counted, ids, light, share

OLD = dt.date(2024, 1, 1)
"""What was found before is stock (2023年及以前存量)."""
MONTHS = 12
_YEAR, _RECENT, _MISSED = dt.timedelta(days=365), dt.timedelta(days=30), dt.timedelta(days=7)
_TOP = 5


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the cut-off of the place that is looked at."""

    at: dt.datetime
    """Exclusive: what happened before counts."""
    zone: str
    lives: Sequence[Life] = ()
    days: Sequence[Row] = ()
    projects: int = 0
    """In progress."""
    generals: Row = msgspec.field(default_factory=dict)
    inspected: Row | None = None
    """Of the round; `None` where nobody has declared who keeps inspections."""
    self_checks: Mapping[str, Sequence[dt.datetime]] | None = None
    """By site, when signed self-checks ended; `None` where they have no source."""
    looked: Row = msgspec.field(default_factory=dict)
    monitoring: Row = msgspec.field(default_factory=dict)
    prevention: Row = msgspec.field(default_factory=dict)
    months: Sequence[Row] = ()
    """Of alarms."""


def months_before(at: dt.datetime, zone: str, count: int = MONTHS) -> list[str]:
    """The months that end with that of the cut-off's last moment, the oldest first."""
    day = (at - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(zone)).date()
    number = day.year * 12 + day.month - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(number - count + 1, number + 1)]


def _month(at: dt.datetime, zone: str) -> str:
    return f"{at.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m}"


def _at_month_ends(world: World, name: str) -> list[int]:
    """What the changes by day come to at the end of each month."""
    changes: dict[str, int] = collections.defaultdict(int)
    for row in world.days:
        changes[f"{row['day']:%Y-%m}"] += row[name]
    months = months_before(world.at, world.zone)
    so_far = sum(n for month, n in changes.items() if month < months[0])
    found = []
    for month in months:
        so_far += changes[month]
        found.append(so_far)
    return found


def _named(world: World, values: Iterable[float | None]) -> list[tuple[str, float | None]]:
    return list(zip(months_before(world.at, world.zone), values, strict=True))


def measure(world: World) -> list[Measured]:
    """All of them, in the order of `indicators.yaml`."""
    found = [life for life in world.lives if life.is_major]
    return [
        _stock(world, found),
        _increment(world, found),
        _coverage(world),
        _rectification(world, found),
        _reported(world),
        _supervision(world, found),
        _self_check(world, found),
        _repeats(world, found),
        _monitoring(world),
        _prevention(world),
    ]


def _stock(world: World, found: list[Life]) -> Measured:
    zone = zoneinfo.ZoneInfo(world.zone)
    old = [life for life in found if life.detected_at.astimezone(zone).date() < OLD]
    left = [life for life in old if life.is_open]
    return Measured(
        id="stock",
        value=len(left),
        light=light("stock", len(left)),
        records=ids(left),
        parts=[counted("all_old", old), counted("old_closed", old, lambda life: not life.is_open)],
    )


def _increment(world: World, found: list[Life]) -> Measured:
    late = [life for life in found if life.is_open and life.overdue]
    months = months_before(world.at, world.zone, 13)
    by_month: dict[str, list[Life]] = collections.defaultdict(list)
    for life in found:
        by_month[_month(life.major_at or life.opened_at, world.zone)].append(life)
    new, fixed = by_month[months[-1]], [life for life in found if life.is_fixed]
    warning = "fewer_looked" if is_less_looked(world, found) else ""
    value = len(late)
    shown = light("increment", value)
    return Measured(
        id="increment",
        value=value,
        light="amber" if warning and shown == "green" else shown,
        warning=warning,
        records=ids(late),
        parts=[
            counted("open", found, lambda life: life.is_open),
            counted("new_this_month", new),
            counted("new_same_month_last_year", by_month[months[0]]),
            Part(
                name="new_per_ten_projects",
                unit="count",
                value=len(new) * 10 / world.projects if world.projects else None,
                of=world.projects,
            ),
            Part(name="cleared", unit="share", value=share(len(fixed), len(found)), of=len(found)),
            Part(name="days_since_overdue", unit="days", value=_days_since(world, "overdue")),
            Part(name="days_since_open", unit="days", value=_days_since(world, "open")),
        ],
        trend=_named(world, _at_month_ends(world, "overdue")),
    )


def is_less_looked(world: World, found: Iterable[Life]) -> bool:
    """Fewer were found in the last 30 days than in those before, and there was less looking too."""
    recent = earlier = 0
    for life in found:
        since = world.at - (life.major_at or life.opened_at)
        recent += since <= _RECENT
        earlier += _RECENT < since <= 2 * _RECENT
    pairs = [(world.looked.get(f"{what}_now"), world.looked.get(f"{what}_before")) for what in LOOKS]
    return recent < earlier and any(
        now is not None and before is not None and now < before for now, before in pairs
    )


LOOKS = ("inspections", "heard")
"""By what is seen whether people and devices looked: inspections, and the share of devices that spoke."""


def _days_since(world: World, name: str) -> int | None:
    """Days since it was last not 0; 0 while it is not, `None` where it never was."""
    level, last = 0, None
    for row in world.days:
        level += row[name]
        last = row["day"]
    if level:
        return 0
    # The last change is what made it 0, if it ever was something else.
    changed = [row["day"] for row in world.days if row[name]]
    if last is None or not changed:
        return None
    today = (world.at - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(world.zone)).date()
    return int((today - changed[-1]).days)


def _coverage(world: World) -> Measured:
    if world.inspected is None:
        return Measured(id="coverage", value=None, missing="inspections")
    row = world.inspected
    value = share(row["projects"], row["projects_all"])
    parts = [
        Part(name=name, unit="share", value=share(row[name], row[f"{name}_all"]), of=row[f"{name}_all"])
        for name in ("enterprises", "devices")
    ]
    left = Part(name="days_left", unit="days", value=row["days_left"])
    missing = Part(name="projects_missing", unit="count", value=row["projects_all"] - row["projects"])
    return Measured(
        id="coverage",
        value=value,
        count=row["projects"],
        of=row["projects_all"],
        light=light("coverage", value),
        parts=[*parts, missing, left],
    )


def _in_time(life: Life) -> bool:
    return bool(life.verified_at and life.due_original and life.verified_at <= life.due_original)


def _rectification(world: World, found: list[Life]) -> Measured:
    fixed = [life for life in found if life.is_fixed]
    due = [life for life in found if life.due_original is not None and life.due_original <= world.at]
    in_time = [life for life in due if _in_time(life)]
    # Nothing that is late by its first date becomes punctual by a later one.
    extended = [
        life for life in due if life.extended and life.is_fixed and not _in_time(life) and not life.overdue
    ]
    spans = [(life.verified_at - (life.major_at or life.opened_at)) for life in fixed if life.verified_at]
    reviewed = [life for life in found if life.first_review is not None]
    first = [life for life in reviewed if life.first_review == "pass_review"]
    reopened = [life for life in found if life.reopened]
    at_ends = zip(_at_month_ends(world, "fixed"), _at_month_ends(world, "found"), strict=True)
    value = share(len(fixed), len(found))
    generals = world.generals
    return Measured(
        id="rectification",
        value=value,
        count=len(fixed),
        of=len(found),
        light=light("rectification", value),
        records=ids(life for life in found if not life.is_fixed),
        parts=[
            Part(
                name="in_time",
                unit="share",
                value=share(len(in_time), len(due)),
                of=len(due),
                records=ids(in_time),
            ),
            counted("in_time_by_extension", extended),
            Part(
                name="median_days",
                unit="days",
                value=_median(span.total_seconds() / 86_400 for span in spans),
            ),
            Part(
                name="first_review_passed",
                unit="share",
                value=share(len(first), len(reviewed)),
                of=len(reviewed),
            ),
            Part(
                name="reopened",
                unit="share",
                value=share(len(reopened), len(found)),
                of=len(found),
                records=ids(reopened),
            ),
            Part(
                name="general",
                unit="share",
                value=share(generals.get("fixed", 0), generals.get("found", 0)),
                of=generals.get("found", 0),
            ),
        ],
        trend=_named(world, (share(fixed, found) for fixed, found in at_ends)),
    )


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return statistics.median(known) if known else None


def _reported(world: World) -> Measured:
    def due_of(life: Life) -> dt.datetime:
        return life.report_due_at or life.detected_at + dt.timedelta(days=1)

    owed = [
        life
        for life in world.lives
        if life.status != "merged" and (life.reported_at or due_of(life) <= world.at)
    ]
    good = [life for life in owed if life.reported_at and not life.late]
    spans = [life.reported_at - life.detected_at for life in owed if life.reported_at]
    by_month = _ratio_by_month(world, owed, good)
    value = share(len(good), len(owed))
    return Measured(
        id="reported",
        value=value,
        count=len(good),
        of=len(owed),
        light=light("reported", value),
        records=ids(life for life in owed if not life.reported_at or life.late),
        parts=[
            Part(
                name="median_minutes",
                unit="minutes",
                value=_median(span.total_seconds() / 60 for span in spans),
            )
        ],
        trend=by_month,
    )


def _ratio_by_month(world: World, whole: list[Life], part: list[Life]) -> list[tuple[str, float | None]]:
    """By the month in which each was found."""

    def by(lives: list[Life]) -> collections.Counter[str]:
        return collections.Counter(_month(life.detected_at, world.zone) for life in lives)

    of, so = by(whole), by(part)
    return [(month, share(so[month], of[month])) for month in months_before(world.at, world.zone)]


def _supervision(world: World, found: list[Life]) -> Measured:
    listed = [life for life in found if life.supervision in ("listed", "delisted")]
    fixed = [life for life in listed if life.is_fixed]
    value = share(len(fixed), len(listed))
    return Measured(
        id="supervision",
        value=value,
        count=len(fixed),
        of=len(listed),
        light=light("supervision", value),
        records=ids(life for life in listed if not life.is_fixed),
        parts=[counted("listed_overdue", listed, lambda life: life.is_open and life.overdue)],
        trend=_ratio_by_month(world, listed, fixed),
    )


def _self_check(world: World, found: list[Life]) -> Measured:
    own = [life for life in found if life.source == "self"]
    value = share(len(own), len(found))
    if world.self_checks is None:
        missed = Part(name="missed_by_self_check", unit="count", value=None, missing="enterprise_checks")
    else:
        missed = counted(
            "missed_by_self_check", [life for life in found if _was_missed(life, world.self_checks)]
        )
    return Measured(
        id="self_check",
        value=value,
        count=len(own),
        of=len(found),
        light=light("self_check", value),
        records=ids(life for life in found if life.source != "self"),
        parts=[missed],
        trend=_ratio_by_month(world, found, own),
    )


def _was_missed(life: Life, checks: Mapping[str, Sequence[dt.datetime]]) -> bool:
    return life.source != "self" and any(
        dt.timedelta() <= life.detected_at - at <= _MISSED for at in checks.get(life.site, ())
    )


def _repeats(world: World, found: list[Life]) -> Measured:
    recent = [life for life in found if life.opened_at >= world.at - _YEAR]
    again = [life for life in recent if life.repeat_no]
    closed = [life for life in found if life.closed_at and life.closed_at >= world.at - _YEAR]
    value = share(len(again), len(closed))
    return Measured(
        id="repeats",
        value=value,
        count=len(again),
        of=len(closed),
        light=light("repeats", value),
        records=ids(again),
        parts=list(_top(again)),
        trend=_named(world, _by_month(world, again)),
    )


def _by_month(world: World, lives: list[Life]) -> list[float | None]:
    count = collections.Counter(_month(life.opened_at, world.zone) for life in lives)
    return [count[month] for month in months_before(world.at, world.zone)]


def _top(again: list[Life]) -> Iterator[Part]:
    """The dangers that came back most often."""
    by_danger: dict[str, list[Life]] = collections.defaultdict(list)
    for life in again:
        by_danger[life.danger].append(life)
    for lives in sorted(by_danger.values(), key=lambda lives: -max(life.repeat_no for life in lives))[:_TOP]:
        worst = max(lives, key=lambda life: life.repeat_no)
        yield Part(name="top_repeater", unit="count", value=worst.repeat_no, records=ids(lives))


def _monitoring(world: World) -> Measured:
    row = world.monitoring
    of, value = row.get("gateways", 0), share(row.get("online", 0), row.get("gateways", 0))
    levels = [f"alarms_{n}" for n in (1, 2, 3, 4)]
    # Where there is no gateway nobody can say that there was no alarm.
    is_heard = bool(of) or any(row.get(name) for name in levels)
    by_level = [
        Part(
            name=name,
            unit="count",
            value=row.get(name, 0) if is_heard else None,
            missing="" if is_heard else "gateways",
        )
        for name in levels
    ]
    if row.get("is_past"):
        # Whether a gateway was there at an instant of the past, nobody has noted.
        value, of = None, 0
    return Measured(
        id="monitoring",
        value=value,
        count=None if value is None else row.get("online"),
        of=of,
        light=light("monitoring", value),
        missing="gateways_then" if row.get("is_past") else "" if of else "gateways",
        parts=[
            Part(
                name="complete",
                unit="share",
                value=None if row.get("is_past") else share(row.get("points_fresh", 0), row.get("points", 0)),
                of=row.get("points"),
            ),
            *by_level,
            Part(name="to_acknowledge", unit="seconds", value=_number(row.get("acknowledged_s"))),
            Part(name="to_clear", unit="seconds", value=_number(row.get("cleared_s"))),
            Part(
                name="false_alarms",
                unit="share",
                value=share(row.get("rejected", 0), row.get("judged", 0)),
                of=row.get("judged"),
            ),
            Part(name="to_cloud_p95", unit="seconds", value=_number(row.get("to_cloud_s"))),
            Part(name="unjudged_late", unit="count", value=row.get("unjudged_late", 0)),
        ],
        trend=_named(world, _of_months(world, lambda month: month["alarms"])),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _of_months(world: World, value: Any) -> list[float | None]:
    known = {row["month"]: value(row) for row in world.months}
    return [known.get(month) for month in months_before(world.at, world.zone)]


def _prevention(world: World) -> Measured:
    row = world.prevention
    value = share(row.get("stayed", 0), row.get("warnings", 0))
    return Measured(
        id="prevention",
        value=value,
        count=row.get("stayed", 0),
        of=row.get("warnings", 0),
        light=light("prevention", value),
        parts=[
            Part(name="caught_before_limit", unit="count", value=row.get("caught", 0)),
            Part(name="median_lead_minutes", unit="minutes", value=_number(row.get("lead_min"))),
        ],
        trend=_named(world, _of_months(world, lambda month: share(month["stayed"], month["warnings"]))),
    )
