"""How alarms fare: how many an hour, floods, those that chatter or stand for days, the commonest. Pure."""

import bisect
import collections
import datetime as dt
import statistics
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cloud.database import Row
from cloud.indicators.description import descriptions

_TEN_MINUTES, _MINUTE, _HOUR = dt.timedelta(minutes=10), dt.timedelta(minutes=1), dt.timedelta(hours=1)
_TOP = 10
Key = tuple[str, str, str]
"""Site, point, rule: what makes two alarms the same one again."""


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which more came than anybody can follow."""

    site: str
    since: dt.datetime
    until: dt.datetime
    alarms: int


class Frequent(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that came again and again."""

    site: str
    device: str
    device_name: dict[str, str] | None
    point: str
    rule: str
    label: dict[str, str]
    level: int
    times: int
    share: float
    chatters: int
    """How often it was raised three times or more within a minute."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a span of time comes to."""

    alarms: int
    by_level: Mapping[int, int]
    hours: Sequence[tuple[dt.datetime, int]]
    per_ten_minutes: float
    """On average, of a site."""
    most_in_ten_minutes: int
    floods: Sequence[Flood]
    flood_share: float
    """Of the time, of the site that has it worst."""
    frequent: Sequence[Frequent]
    top_ten_share: float | None
    chattering: Sequence[Frequent]
    stale: Sequence[Row]
    acknowledged: int
    acknowledged_in_time: int
    median_acknowledged_s: float | None


def figures(rows: Sequence[Row], since: dt.datetime, until: dt.datetime, sites: int) -> Figures:
    """Of alarms raised from `since` to before `until`, at that many sites."""
    wanted = descriptions().alarm_figures
    ordered = sorted(rows, key=lambda row: row["raised_at"])
    raised = [row for row in ordered if since <= row["raised_at"] < until]
    by_site: dict[str, list[dt.datetime]] = collections.defaultdict(list)
    for row in raised:
        by_site[row["site"]].append(row["raised_at"])
    floods = [flood for site, times in by_site.items() for flood in _floods(site, times)]
    frequent = _frequent(raised, int(wanted["chattering"].most))
    span = max((until - since) / _TEN_MINUTES, 1)
    waits = [wait for row in raised if (wait := _wait(row, until)) is not None]
    return Figures(
        alarms=len(raised),
        by_level=collections.Counter(row["level"] for row in raised),
        hours=_hours(raised, since, until),
        per_ten_minutes=len(raised) / span / max(sites, 1),
        most_in_ten_minutes=max((_most(times) for times in by_site.values()), default=0),
        floods=sorted(floods, key=lambda flood: flood.since, reverse=True),
        flood_share=_flood_share(floods, until - since),
        frequent=frequent[:_TOP],
        top_ten_share=sum(one.times for one in frequent[:_TOP]) / len(raised) if raised else None,
        chattering=[one for one in frequent if one.chatters],
        stale=[row for row in ordered if _is_stale(row, until, wanted["stale_hours"].most)],
        acknowledged=len(waits),
        acknowledged_in_time=sum(wait <= wanted["acknowledged_s"].most for wait in waits),
        median_acknowledged_s=statistics.median(waits) if waits else None,
    )


def _wait(row: Row, until: dt.datetime) -> float | None:
    """Seconds until somebody said that he knows of it; `None` where nobody had by then."""
    at = row["acknowledged_at"]
    return None if at is None or at >= until else max(0.0, (at - row["raised_at"]).total_seconds())


def _is_stale(row: Row, until: dt.datetime, hours: float) -> bool:
    stands = row["cleared_at"] is None or row["cleared_at"] >= until
    return bool(stands and until - row["raised_at"] > hours * _HOUR)


def _hours(rows: Sequence[Row], since: dt.datetime, until: dt.datetime) -> list[tuple[dt.datetime, int]]:
    first = since.replace(minute=0, second=0, microsecond=0)
    count = collections.Counter((row["raised_at"] - first) // _HOUR for row in rows)
    return [(first + n * _HOUR, count[n]) for n in range(-(-(until - first) // _HOUR))]


def _most(times: Sequence[dt.datetime]) -> int:
    """The most within any ten minutes; `times` ascend."""
    return max(
        (n + 1 - bisect.bisect_right(times, at - _TEN_MINUTES) for n, at in enumerate(times)), default=0
    )


def _floods(site: str, times: Sequence[dt.datetime]) -> Iterator[Flood]:
    """From where more than ten came in ten minutes to where fewer than five did."""
    wanted = descriptions().alarm_figures
    begins, ends = wanted["flood"].most, wanted["flood_ends"].most
    since: int | None = None
    for n, at in enumerate(times):
        first = bisect.bisect_right(times, at - _TEN_MINUTES)
        within = n + 1 - first
        if since is None and within > begins:
            since = first
        elif since is not None and within < ends:
            yield _flood(site, times, since, n - 1)
            since = None
    if since is not None:
        yield _flood(site, times, since, len(times) - 1)


def _flood(site: str, times: Sequence[dt.datetime], first: int, last: int) -> Flood:
    return Flood(site=site, since=times[first], until=times[last], alarms=last - first + 1)


def _flood_share(floods: Sequence[Flood], span: dt.timedelta) -> float:
    took: dict[str, dt.timedelta] = collections.defaultdict(dt.timedelta)
    for flood in floods:
        took[flood.site] += flood.until - flood.since
    return max((one / span for one in took.values()), default=0.0) if span else 0.0


def _frequent(rows: Sequence[Row], chatter: int) -> list[Frequent]:
    groups: dict[Key, list[Row]] = collections.defaultdict(list)
    for row in rows:
        groups[row["site"], row["point"], row["rule"]].append(row)
    found = [
        Frequent(
            site=site,
            device=group[-1]["device"],
            device_name=group[-1]["device_name"],
            point=point,
            rule=rule,
            label=group[-1]["label"],
            level=group[-1]["level"],
            times=len(group),
            share=len(group) / len(rows),
            chatters=_chatters([row["raised_at"] for row in group], chatter),
        )
        for (site, point, rule), group in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.times, one.site, one.point, one.rule))


def _chatters(times: Sequence[dt.datetime], least: int) -> int:
    """Runs of so many raises within a minute, each raise in one of them."""
    runs, n = 0, 0
    while n + least - 1 < len(times):
        if times[n + least - 1] - times[n] <= _MINUTE:
            runs, n = runs + 1, n + least
        else:
            n += 1
    return runs
