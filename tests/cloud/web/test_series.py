"""Series: every reading where they are few, peaks kept where they are many, gaps always gaps."""

import datetime as dt
from uuid import UUID

import pytest

from cloud.database import instant
from cloud.storage.keeping import keep
from cloud.storage.settings import StorageSettings
from sitewarden.messages import Gap, Readings, Series
from sitewarden.quality import Quality
from tests.cloud.site import BOOT, cleared, now_ms, raised, readings

SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000


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


def test_a_bucket_says_how_it_began_and_ended_and_of_how_many_readings_it_is(site, web, begin):
    site.born().deliver(readings(*[3.0, 1.0, 7.0, 4.0] * 150, at=begin, step_ms=SECOND))
    shown = series(web, begin, max_points=20)
    assert (shown["level"], shown["bucket_ms"]) == ("raw", 30 * SECOND)
    assert (shown["first"][0], shown["last"][0], shown["min"][0], shown["max"][0]) == (3.0, 1.0, 1.0, 7.0)
    assert (shown["n"], shown["good"]) == ([30] * 20, [30] * 20)


def test_a_long_span_is_drawn_from_minutes_and_hours(site, web, begin):
    site.born().deliver(readings(*[float(n % 10) for n in range(900)], at=begin, step_ms=SECOND))
    minutes = series(web, begin - 45 * MINUTE, length_ms=60 * MINUTE, max_points=100)
    assert (minutes["level"], minutes["bucket_ms"]) == ("minute", MINUTE)
    assert minutes["t"] == [begin + n * MINUTE for n in range(15)]
    assert (minutes["n"], minutes["max"]) == ([60] * 15, [9.0] * 15)
    hours = series(
        web, begin - 30 * 24 * 60 * MINUTE, length_ms=30 * 24 * 60 * MINUTE + 30 * MINUTE, max_points=800
    )
    assert (hours["level"], hours["bucket_ms"], sum(hours["n"])) == ("hour", 60 * MINUTE, 900)


def test_an_answer_that_is_still_the_same_is_not_sent_again(site, web, begin):
    site.born().deliver(readings(1.0, 2.0, at=begin, step_ms=SECOND))
    asked = {
        "point": "crane-1/load",
        "from": instant(begin).isoformat(),
        "to": instant(begin + MINUTE).isoformat(),
    }
    first = web.get("/sites/demo/series", params=asked)
    assert first.headers["cache-control"] == "private, no-cache"
    known = {"If-None-Match": first.headers["etag"]}
    again = web.get("/sites/demo/series", params=asked, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    site.deliver(readings(3.0, at=begin + 5 * SECOND))
    changed = web.get("/sites/demo/series", params=asked, headers=known)
    assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)


def test_what_is_over_a_browser_keeps_without_asking_until_something_comes_late(site, web):
    begin = now_ms() // DAY * DAY - 5 * DAY
    site.born().deliver(readings(1.0, 2.0, at=begin, step_ms=SECOND))
    list(keep(site.connection, StorageSettings(), now_ms()))
    span = {"from": instant(begin).isoformat(), "to": instant(begin + MINUTE).isoformat()}
    asked = {"point": "crane-1/load", **span}
    over = web.get("/sites/demo/series", params=asked)
    assert over.headers["cache-control"] == "private, max-age=3600, immutable"
    known = {"If-None-Match": f'"other", W/{over.headers["etag"]}'}
    assert web.get("/sites/demo/series", params=asked, headers=known).status_code == 304
    site.deliver(readings(9.0, at=begin + 30 * SECOND))
    late = web.get("/sites/demo/series", params=asked, headers=known)
    assert (late.status_code, late.headers["cache-control"]) == (200, "private, no-cache")
    assert [value for value in late.json()["max"] if value is not None] == [1.0, 2.0, 9.0]
    # Counted anew it is over once more, and not what it was.
    list(keep(site.connection, StorageSettings(), now_ms()))
    again = web.get("/sites/demo/series", params=asked, headers=known)
    assert (again.status_code, "immutable" in again.headers["cache-control"]) == (200, True)


def test_as_long_as_an_alarm_stands_in_it_nothing_is_over(site, web):
    begin = now_ms() // DAY * DAY - 5 * DAY
    site.born().deliver(readings(1.0, at=begin))
    site.deliver(up := raised(at=begin + SECOND, point="crane-1/load"))
    list(keep(site.connection, StorageSettings(), now_ms()))
    span = {"from": instant(begin).isoformat(), "to": instant(begin + MINUTE).isoformat()}
    asked = {"point": "crane-1/load", **span}
    standing = web.get("/sites/demo/series", params=asked)
    assert standing.headers["cache-control"] == "private, no-cache"
    assert [(one["id"], one["to_ms"]) for one in standing.json()["alarms"]] == [(as_id(up), None)]
    site.deliver(cleared(up))
    ended = web.get("/sites/demo/series", params=asked, headers={"If-None-Match": standing.headers["etag"]})
    assert (ended.status_code, "immutable" in ended.headers["cache-control"]) == (200, True)
    (alarm,) = ended.json()["alarms"]
    assert (alarm["level"], alarm["rule"], alarm["from_ms"]) == (up.level, up.rule, begin + SECOND)
    assert alarm["to_ms"] > begin + SECOND


def test_gaps_come_with_their_reason_and_only_those_of_the_point(site, web, begin):
    site.born().deliver(readings(1.0, at=begin))
    lost = [
        Gap(from_at=begin + n * SECOND, to_at=begin + (n + 1) * SECOND, count=n, reason=reason, points=points)
        for n, (reason, points) in enumerate(
            [("evicted", []), ("thinned", ["crane-1/load"]), ("disk", ["crane-1/load_ratio"])]
        )
    ]
    elsewhere = Gap(from_at=begin - 2 * MINUTE, to_at=begin - MINUTE, count=1, reason="damaged", points=[])
    site.deliver(Readings(boot=BOOT, seq=9001, at=begin, series=[], gaps=[*lost, elsewhere]))
    gaps = series(web, begin)["gaps"]
    assert [(gap["reason"], gap["lost"]) for gap in gaps] == [("evicted", 0), ("thinned", 1)]
    assert (gaps[1]["from_ms"], gaps[1]["to_ms"]) == (begin + SECOND, begin + 2 * SECOND)


def as_id(alarm) -> str:
    """As the interface writes it."""
    return str(UUID(alarm.episode))


@pytest.mark.usefixtures("begin")
def test_a_point_that_was_never_announced_is_not_found(site, web):
    site.born()
    answer = web.get(
        "/sites/demo/series",
        params={"point": "crane-1/none", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    )
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
