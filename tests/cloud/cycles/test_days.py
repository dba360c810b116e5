"""A crane's lifts of a day by the clocks of its site: counted, by how hard they were, and as a table."""

import csv
import datetime as dt
import io

import pytest

from cloud.cycles.service import day_shown, days_span
from cloud.database import instant
from sitewarden.messages import HookPlace, WorkCycle
from tests.cloud.site import now_ms, readings

MINUTE_MS = 60_000
CHINA = dt.timezone(dt.timedelta(hours=8))
TODAY = dt.datetime.fromtimestamp(now_ms() / 1000, CHINA).date()
YESTERDAY = TODAY - dt.timedelta(days=1)


def lift(
    at: str, ratio: float | None = 55.0, *, day: dt.date = YESTERDAY, lasts_s: int = 90, **more
) -> WorkCycle:
    started = dt.datetime.combine(day, dt.time.fromisoformat(at), CHINA)
    started_at = round(started.timestamp() * 1000)
    return WorkCycle(
        device=more.pop("device", "crane-1"),
        started_at=started_at,
        ended_at=started_at + lasts_s * 1000,
        peak_load=more.pop("peak_load", 2.5),
        peak_moment_ratio=ratio,
        picked=HookPlace(radius=25.0),
        **more,
    )


@pytest.fixture
def day(site):
    """Yesterday's lifts, and some of the days and the crane beside."""
    cycles = [
        lift("00:00:00", 9.9),
        lift("08:05:00", 61.0, peak_load=4.0),
        lift("08:59:59.999", 61.0),
        lift("09:00:00", 100.0, broken_off=True),
        lift("23:59:59", None),
        lift("23:59:00", 130.0, day=YESTERDAY - dt.timedelta(days=1)),
        lift("00:00:00", 10.0, day=TODAY),
    ]
    site.born(points={"crane-1/load": "crane.load", "crane-2/load": "crane.load"})
    site.deliver(readings(0.0, cycles=[*cycles, lift("08:30:00", device="crane-2")]))
    return YESTERDAY


def test_a_day_is_counted_by_the_hours_of_the_site(web, day):
    shown = web.get(f"/sites/demo/work-cycles/day?device=crane-1&day={day}").json()
    assert (shown["cycles"], shown["broken_off"], shown["lifting_s"]) == (5, 1, 450)
    assert (shown["peak_load"], shown["peak_moment_ratio"], shown["without_ratio"]) == (4.0, 100.0, 1)
    counted = [hour["cycles"] for hour in shown["hours"]]
    assert len(counted) == 24
    assert {n: count for n, count in enumerate(counted) if count} == {0: 1, 8: 2, 9: 1, 23: 1}
    assert {span["low"]: span["cycles"] for span in shown["moment_ratios"] if span["cycles"]} == {
        0: 1,
        60: 2,
        100: 1,
    }
    assert shown["moment_ratios"][-1]["high"] is None


def test_a_day_without_lifts_is_a_day(web, site):
    site.born()
    shown = web.get("/sites/demo/work-cycles/day?device=crane-1&day=2026-01-01").json()
    assert (shown["cycles"], shown["peak_load"], shown["peak_moment_ratio"]) == (0, None, None)
    assert len(shown["hours"]) == 24


def test_the_list_and_the_table_have_the_same_lifts(web, day):
    listed = web.get(f"/sites/demo/work-cycles?device=crane-1&day={day}").json()["items"]
    answer = web.get(f"/sites/demo/work-cycles/table?device=crane-1&from={day}&to={day}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="work-cycles-{day}.csv"' in answer.headers["content-disposition"]
    title, *rows, mark = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert "exported by 安全员" in mark[0]
    assert title[0].startswith("开始")
    assert len(rows) == len(listed) == 5
    assert rows[1][:4] == [f"{day}T08:05:00+08:00", f"{day}T08:06:30+08:00", "90", "4.0"]
    assert [row[6] for row in rows] == ["9.9", "61.0", "61.0", "100.0", ""]


def test_a_table_has_a_month_at_most(web, site):
    for first, last in (("2026-01-01", "2026-02-01"), ("2026-01-02", "2026-01-01")):
        answer = web.get(f"/sites/demo/work-cycles/table?device=crane-1&from={first}&to={last}")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/empty-range")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_on_which_the_clocks_are_set_has_as_many_hours_as_it_lasts(day, hours):
    date = dt.date.fromisoformat(day)
    span = days_span(date, date, "Europe/Berlin")
    last = span.end - dt.timedelta(minutes=1)
    row = {
        "started_at": last,
        "ended_at": last,
        "peak_load": 1.0,
        "peak_moment_ratio": -0.1,
        "broken_off": False,
    }
    shown = day_shown(date, span, [row])
    assert len(shown.hours) == hours
    assert shown.hours[-1].cycles == 1
    assert shown.moment_ratios[0].cycles == 1
    assert instant(0) < span.start
