"""Series: every reading where they are few, peaks kept where they are many, gaps always gaps."""

import datetime as dt

import pytest

from cloud.database import instant
from sitewarden.messages import Series
from sitewarden.quality import Quality
from tests.cloud.site import now_ms, readings

SECOND, MINUTE = 1000, 60_000


@pytest.fixture
def begin():
    return now_ms() // MINUTE * MINUTE - 60 * MINUTE


def series(web, begin, length_ms=10 * MINUTE, **more):
    asked = {
        "point": "crane-1/load",
        "from": instant(begin).isoformat(),
        "to": (instant(begin) + dt.timedelta(milliseconds=length_ms)).isoformat(),
        **more,
    }
    answer = web.get("/sites/demo/series", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_few_readings_come_as_they_are(site, web, begin):
    site.born().deliver(readings(3.15, 0.0, 3.3, at=begin, step_ms=SECOND))
    shown = series(web, begin)
    assert shown["raw"] is True
    assert shown["bucket_ms"] == 0
    assert shown["unit"] == "t"
    assert shown["t"] == [begin, begin + SECOND, begin + 2 * SECOND]
    assert shown["min"] == shown["max"] == [3.15, 0.0, 3.3]


def test_the_end_of_the_range_is_left_out_and_its_begin_is_not(site, web, begin):
    site.born().deliver(readings(1.0, 2.0, at=begin, step_ms=SECOND))
    assert series(web, begin, length_ms=SECOND)["min"] == [1.0]


def test_readings_too_far_apart_are_not_joined(site, web, begin):
    site.born()
    site.deliver(readings(1.0, 2.0, at=begin, step_ms=SECOND), readings(3.0, at=begin + 30 * SECOND))
    shown = series(web, begin)
    assert shown["min"] == [1.0, 2.0, None, 3.0]
    assert shown["t"] == sorted(shown["t"])
    # The crane's points are stale after 2 s: that far apart is no gap yet.
    site.deliver(readings(4.0, at=begin + 32 * SECOND))
    assert series(web, begin)["min"] == [1.0, 2.0, None, 3.0, 4.0]


def test_a_loggers_past_of_one_reading_every_ten_minutes_is_a_line_and_no_row_of_gaps(site, web, begin):
    site.born()
    every = 10 * MINUTE
    begin -= 2 * 60 * MINUTE
    site.deliver(readings(1.0, 2.0, 3.0, 4.0, at=begin, step_ms=every))
    site.deliver(readings(5.0, 6.0, at=begin + 10 * every, step_ms=every))
    shown = series(web, begin, length_ms=12 * every)
    assert shown["min"] == [1.0, 2.0, 3.0, 4.0, None, 5.0, 6.0]


def test_without_a_beginning_it_is_since_the_first_reading(site, web, begin):
    long_ago = begin - 30 * 24 * 60 * MINUTE
    site.born().deliver(readings(0.5, at=long_ago))
    site.deliver(readings(1.0, at=begin))
    asked = {"point": "crane-1/load", "to": instant(begin + MINUTE).isoformat()}
    shown = web.get("/sites/demo/series", params=asked).json()
    assert shown["from_ms"] == shown["t"][0] == long_ago
    assert [x for x in shown["min"] if x is not None] == [0.5, 1.0]
    asked["point"] = "crane-1/load_ratio"
    assert web.get("/sites/demo/series", params=asked).json()["t"] == []


def test_a_bad_reading_is_a_gap(site, web, begin):
    bad = Series(
        p="crane-1/load",
        t=[0, 1000, 2000],
        x=[1.0, None, 2.0],
        q=[Quality.GOOD, Quality.TIMEOUT, Quality.GOOD],
    )
    site.born().deliver(readings(series=[bad], at=begin))
    assert series(web, begin)["min"] == [1.0, None, 2.0]


def test_in_buckets_the_peak_of_a_single_reading_survives(site, web, begin):
    values = [1.0] * 600
    values[333] = 9.99
    site.born().deliver(readings(*values, at=begin, step_ms=SECOND))
    shown = series(web, begin, max_points=20)
    assert shown["raw"] is False
    assert shown["bucket_ms"] == 30 * SECOND
    assert shown["t"] == [begin + n * 30 * SECOND for n in range(20)]
    assert shown["min"] == [1.0] * 20
    assert shown["max"] == [9.99 if n == 11 else 1.0 for n in range(20)]


def test_in_buckets_a_gap_stays_a_gap_also_between_neighbours(site, web, begin):
    site.born()
    # The first ends 5 s before the bucket does, the second begins 5 s into the next one.
    site.deliver(readings(*[1.0] * 25, at=begin, step_ms=SECOND))
    site.deliver(readings(*[2.0] * 25, at=begin + 35 * SECOND, step_ms=SECOND))
    shown = series(web, begin, max_points=20)
    assert shown["min"] == [1.0, None, 2.0]
    assert shown["t"] == sorted(set(shown["t"]))


def test_a_bucket_of_bad_readings_alone_is_empty(site, web, begin):
    bad = Series(
        p="crane-1/load",
        t=[n * SECOND for n in range(90)],
        x=[None if 30 <= n < 60 else 1.0 for n in range(90)],
        q=[Quality.TIMEOUT if 30 <= n < 60 else Quality.GOOD for n in range(90)],
    )
    site.born().deliver(readings(series=[bad], at=begin))
    assert series(web, begin, max_points=20)["max"] == [1.0, None, 1.0]


@pytest.mark.usefixtures("begin")
def test_a_point_that_was_never_announced_is_not_found(site, web):
    site.born()
    answer = web.get(
        "/sites/demo/series",
        params={"point": "crane-1/none", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    )
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
