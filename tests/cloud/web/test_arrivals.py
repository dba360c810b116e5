"""What became of a gateway's readings: counts of today, and what nobody can believe, one by one."""

from tests.cloud.site import now_ms, readings

MINUTE, DAY = 60_000, 86_400_000


def arrivals(web, gateway="gw-1"):
    answer = web.get(f"/sites/demo/gateways/{gateway}/arrivals")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_outcome_is_counted_and_what_is_set_aside_is_shown_the_newest_first(site, web):
    now = now_ms()
    site.born().deliver(readings(1.0, at=now))
    site.deliver(readings(1.0, at=now))
    site.deliver(readings(2.0, at=now - 5 * MINUTE))
    site.deliver(readings(3.15, at=now + 30 * MINUTE))
    site.deliver(readings(4.0, at=now - 500 * DAY))
    shown = arrivals(web)
    assert shown["counts"] == {"accepted": 2, "late": 1, "duplicate": 1, "future": 1, "ancient": 1}
    assert [
        (one["point"], one["at_ms"], one["value"], one["unit"], one["reason"]) for one in shown["set_aside"]
    ] == [
        ("crane-1/load", now - 500 * DAY, 4.0, "t", "ancient"),
        ("crane-1/load", now + 30 * MINUTE, 3.15, "t", "future"),
    ]


def test_of_a_gateway_that_said_nothing_nothing_is_counted_and_one_that_is_not_there_is_not_found(site, web):
    assert site
    assert arrivals(web, "gw-2")["counts"]["accepted"] == 0
    assert web.get("/sites/demo/gateways/gw-9/arrivals").status_code == 404
