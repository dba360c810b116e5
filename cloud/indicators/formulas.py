"""The formulas of indicators over what became of each record. Pure; `indicators.yaml` says each in words."""

import collections
import datetime as dt
import statistics
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from cloud.database import Row
from cloud.duties.rounds import Coverage, Share
from cloud.indicators.lives import Life
from cloud.indicators.measured import (
    Measured,
    Part,
    counted,
    ids,
    measured,
    measured_share,
    share,
    shared,
    timed,
)

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
    coverage: Coverage | None = None
    """`None` where the rules know no round by then."""
    self_checks: Mapping[str, Sequence[dt.datetime]] | None = None
    """By site, when signed self-checks ended; `None` where they have no source."""
    looked: Row = msgspec.field(default_factory=dict)
    monitoring: Row = msgspec.field(default_factory=dict)
    prevention: Row = msgspec.field(default_factory=dict)
    months: Sequence[Row] = ()
    """Of alarms."""
    returns: Sequence[Row] = ()
    """Those that fell due in a year: `due_at`, when each was first sent, and how often it was put right."""


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
        _returns(world),
        _prevention(world),
    ]


def _stock(world: World, found: list[Life]) -> Measured:
    zone = zoneinfo.ZoneInfo(world.zone)
    old = [life for life in found if life.detected_at.astimezone(zone).date() < OLD]
    left = [life for life in old if life.is_open]
    parts = [counted("all_old", old), counted("old_closed", old, lambda life: not life.is_open)]
    return measured("stock", len(left), records=ids(left), parts=parts)


def _increment(world: World, found: list[Life]) -> Measured:
    late = [life for life in found if life.is_open and life.overdue]
    months = months_before(world.at, world.zone, 13)
    by_month: dict[str, list[Life]] = collections.defaultdict(list)
    for life in found:
        by_month[_month(life.major_at or life.opened_at, world.zone)].append(life)
    new, fixed = by_month[months[-1]], [life for life in found if life.is_fixed]
    per_ten = len(new) * 10 / world.projects if world.projects else None
    shown = measured(
        "increment",
        len(late),
        records=ids(late),
        parts=[
            counted("open", found, lambda life: life.is_open),
            counted("new_this_month", new),
            counted("new_same_month_last_year", by_month[months[0]]),
            Part(name="new_per_ten_projects", unit="count", value=per_ten, of=world.projects),
            shared("cleared", len(fixed), len(found)),
            timed("days_since_overdue", "days", _days_since(world, "overdue")),
            timed("days_since_open", "days", _days_since(world, "open")),
        ],
        trend=_named(world, _at_month_ends(world, "overdue")),
    )
    if not is_less_looked(world, found):
        return shown
    colour = "amber" if shown.light == "green" else shown.light
    return msgspec.structs.replace(shown, warning="fewer_looked", light=colour)


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
    if sum(row[name] for row in world.days):
        return 0
    # The last change is what made it 0, if it ever was something else.
    changed = [row["day"] for row in world.days if row[name] or row[f"{name}_moved"]]
    if not changed:
        return None
    today = (world.at - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(world.zone)).date()
    return int((today - changed[-1]).days)


def _coverage(world: World) -> Measured:
    found = world.coverage
    if found is None:
        return Measured(id="coverage", value=None, missing="round")
    projects = found.projects
    is_known = projects.source_declared
    value = share(projects.looked_at, projects.all) if is_known else None
    return measured(
        "coverage",
        value,
        # What was looked at was looked at, though others may have looked at more.
        count=projects.looked_at if is_known or projects.looked_at else None,
        of=projects.all,
        missing="" if is_known or not projects.all else "inspections",
        parts=[
            _looked_at("enterprises", found.enterprises, "enterprise_checks"),
            _looked_at("devices", found.devices, "inspections"),
            Part(name="projects_missing", unit="count", value=len(projects.missing) if is_known else None),
            timed("days_left", "days", found.days_left),
        ],
    )


def _looked_at(name: str, found: Share, source: str) -> Part:
    is_known = found.source_declared
    return Part(
        name=name,
        unit="share",
        value=share(found.looked_at, found.all) if is_known else None,
        of=found.all,
        missing="" if is_known or not found.all else source,
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
    generals = world.generals
    return measured_share(
        "rectification",
        fixed,
        found,
        parts=[
            shared("in_time", len(in_time), len(due), ids(in_time)),
            counted("in_time_by_extension", extended),
            timed("median_days", "days", _median(span.total_seconds() / 86_400 for span in spans)),
            shared("first_review_passed", len(first), len(reviewed)),
            shared("reopened", len(reopened), len(found), ids(reopened)),
            shared("general", generals.get("fixed", 0), generals.get("found", 0)),
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
    minutes = _median(span.total_seconds() / 60 for span in spans)
    return measured_share(
        "reported",
        good,
        owed,
        parts=[timed("median_minutes", "minutes", minutes)],
        trend=_ratio_by_month(world, owed, good),
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
    late = counted("listed_overdue", listed, lambda life: life.is_open and life.overdue)
    trend = _ratio_by_month(world, listed, fixed)
    return measured_share("supervision", fixed, listed, parts=[late], trend=trend)


def _self_check(world: World, found: list[Life]) -> Measured:
    own = [life for life in found if life.source == "self"]
    checks = world.self_checks
    if checks is None:
        missed = Part(name="missed_by_self_check", unit="count", value=None, missing="enterprise_checks")
    else:
        missed = counted("missed_by_self_check", found, lambda life: _was_missed(life, checks))
    trend = _ratio_by_month(world, found, own)
    return measured_share("self_check", own, found, parts=[missed], trend=trend)


def _was_missed(life: Life, checks: Mapping[str, Sequence[dt.datetime]]) -> bool:
    return life.source != "self" and any(
        dt.timedelta() <= life.detected_at - at <= _MISSED for at in checks.get(life.site, ())
    )


def _repeats(world: World, found: list[Life]) -> Measured:
    recent = [life for life in found if life.opened_at >= world.at - _YEAR]
    again = [life for life in recent if life.repeat_no]
    closed = [life for life in found if life.closed_at and life.closed_at >= world.at - _YEAR]
    return measured(
        "repeats",
        share(len(again), len(closed)),
        count=len(again),
        of=len(closed),
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
        yield Part(
            name="top_repeater",
            key=worst.danger,
            about=worst.content,
            unit="count",
            value=worst.repeat_no,
            records=ids(lives),
        )


def _monitoring(world: World) -> Measured:
    row, is_past = world.monitoring, bool(world.monitoring.get("is_past"))
    gateways, judged = row.get("gateways", 0), row.get("judged", 0)
    # Whether a gateway was there at an instant of the past, nobody has noted.
    known = 0 if is_past else gateways
    return measured(
        "monitoring",
        share(row.get("online", 0), known),
        count=row.get("online") if known else None,
        of=known,
        missing="gateways_then" if is_past else "" if gateways else "gateways",
        parts=[
            shared("complete", row.get("points_fresh", 0), 0 if is_past else row.get("points", 0)),
            *_alarms(row, is_heard=bool(gateways)),
            timed("to_acknowledge", "seconds", row.get("acknowledged_s")),
            timed("to_clear", "seconds", row.get("cleared_s")),
            shared("false_alarms", row.get("rejected", 0), judged),
            timed("to_cloud_p95", "seconds", row.get("to_cloud_s")),
            Part(name="unjudged_late", unit="count", value=row.get("unjudged_late", 0)),
        ],
        trend=_named(world, _of_months(world, lambda month: month["alarms"])),
    )


def _alarms(row: Row, *, is_heard: bool) -> Iterator[Part]:
    """By level. Where there is no gateway nobody can say that there was no alarm."""
    counts = {name: row.get(name, 0) for name in ("alarms_1", "alarms_2", "alarms_3", "alarms_4")}
    is_known = is_heard or any(counts.values())
    for name, count in counts.items():
        value, missing = (count, "") if is_known else (None, "gateways")
        yield Part(name=name, unit="count", value=value, missing=missing)


def _of_months(world: World, value: Callable[[Row], float | None]) -> list[float | None]:
    known = {row["month"]: value(row) for row in world.months}
    return [known.get(month) for month in months_before(world.at, world.zone)]


def _returns(world: World) -> Measured:
    rows = world.returns
    sent = [row for row in rows if row["sent_at"] is not None]
    good = [row for row in sent if row["sent_at"] <= row["due_at"]]
    of = collections.Counter(_month(row["due_at"], world.zone) for row in rows)
    so = collections.Counter(_month(row["due_at"], world.zone) for row in good)
    return measured(
        "returns",
        share(len(good), len(rows)),
        count=len(good),
        of=len(rows),
        parts=[
            Part(name="returns_late", unit="count", value=len(sent) - len(good)),
            Part(name="returns_missing", unit="count", value=len(rows) - len(sent)),
            Part(name="corrections", unit="count", value=sum(row["corrections"] for row in rows)),
        ],
        trend=[(month, share(so[month], of[month])) for month in months_before(world.at, world.zone)],
    )


def _prevention(world: World) -> Measured:
    row = world.prevention
    stayed, warnings = row.get("stayed", 0), row.get("warnings", 0)
    return measured(
        "prevention",
        share(stayed, warnings),
        count=stayed,
        of=warnings,
        parts=[
            Part(name="caught_before_limit", unit="count", value=row.get("caught", 0)),
            timed("median_lead_minutes", "minutes", row.get("lead_min")),
        ],
        trend=_named(world, _of_months(world, lambda month: share(month["stayed"], month["warnings"]))),
    )
