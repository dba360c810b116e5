"""Floods, chatter, what stands for days and what comes most often, by the count of a hand."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.indicators.alarm_figures import figures
from cloud.indicators.formulas import World, measure
from tests.cloud.site import now_ms, raised
from tests.cloud.web.serving import new_account, new_session

SINCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
UNTIL = SINCE + dt.timedelta(days=1)


def alarm(at_s: float, *, rule: str = "overload", **changes) -> dict:
    fields = {
        "id": "e",
        "site": "demo",
        "device": "crane-1",
        "device_name": {"zh": "1号塔机", "en": "Crane 1"},
        "point": "crane-1/load",
        "rule": rule,
        "level": 2,
    }
    label = {"zh": "超载", "en": "Overload"}
    at = SINCE + dt.timedelta(seconds=at_s)
    return {**fields, "label": label, "raised_at": at, "acknowledged_at": None, "cleared_at": at, **changes}


def of(*rows: dict, sites: int = 1):
    return figures(rows, SINCE, UNTIL, sites)


def test_more_than_ten_in_ten_minutes_are_a_flood_until_fewer_than_five_are():
    ten = [alarm(60 * n, rule=str(n)) for n in range(10)]
    assert (of(*ten).floods, of(*ten).most_in_ten_minutes) == ([], 10)
    quiet_again = [alarm(3600, rule="later"), alarm(3700, rule="later still")]
    (flood,) = of(*ten, alarm(599, rule="x"), *quiet_again).floods
    assert (flood.alarms, flood.since, flood.until) == (11, SINCE, SINCE + dt.timedelta(seconds=599))
    elsewhere = [alarm(599, rule="x", site="north")]
    assert of(*ten, *elsewhere).floods == []


def test_three_raises_of_the_same_alarm_within_a_minute_chatter():
    (one,) = of(alarm(0), alarm(20), alarm(59), alarm(400)).chattering
    assert (one.chatters, one.times, one.share) == (1, 4, 1.0)
    assert of(alarm(0), alarm(20, rule="other"), alarm(59)).chattering == []


def test_what_has_stood_for_more_than_a_day_is_stale_also_where_it_is_older_than_what_is_looked_at():
    old = alarm(-3600, cleared_at=None)
    found = of(old, alarm(3600, cleared_at=None), alarm(-3600))
    assert (found.stale, found.alarms) == ([old], 1)


def test_an_acknowledgement_counts_from_the_raise_and_not_one_that_is_still_to_come():
    known = alarm(0, acknowledged_at=SINCE + dt.timedelta(minutes=5))
    late = alarm(0, acknowledged_at=SINCE + dt.timedelta(minutes=15))
    future = alarm(0, acknowledged_at=UNTIL)
    found = of(known, late, future)
    assert (found.acknowledged, found.acknowledged_in_time, found.median_acknowledged_s) == (2, 1, 600)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 86_399), max_size=60))
def test_every_alarm_is_in_one_hour_and_no_flood_has_more_than_there_are(times):
    found = of(*(alarm(at) for at in times))
    assert sum(count for _, count in found.hours) == found.alarms == len(times)
    assert sum(flood.alarms for flood in found.floods) <= len(times)
    assert found.most_in_ten_minutes <= len(times)


def test_the_pages_get_what_the_caller_sees(site, web):
    at = now_ms() - 1000
    site.born().deliver(*(raised(at=at + n, raised_at=at + n) for n in range(3)))
    shown = web.get("/alarm-figures?days=1").json()
    assert (shown["alarms"], shown["sites"], shown["by_level"]["3"]) == (3, 1, 3)
    assert (len(shown["chattering"]), shown["top_ten_share"]) == (1, 1)
    assert web.get("/alarm-figures?site=elsewhere").status_code == 404
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    theirs = new_account(site.connection, "邻区", "viewer", site="north")
    web.client.cookies.set("sitewarden_session", new_session(site.connection, theirs))
    assert web.get("/alarm-figures").json()["alarms"] == 0


def test_where_there_is_no_gateway_nobody_says_that_there_was_no_alarm():
    def alarms(**row) -> list:
        world = World(at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC), zone="Asia/Shanghai", monitoring=row)
        (found,) = [one for one in measure(world) if one.id == "monitoring"]
        return [(part.value, part.missing) for part in found.parts if part.name == "alarms_3"]

    assert alarms(gateways=0) == [(None, "gateways")]
    assert alarms(gateways=1) == [(0, "")]
