"""Sites, alarms, hazards and statistics as a page asks for them."""

from uuid import UUID

import pytest

from cloud.hazards.chain import digest
from tests.cloud.site import birth, cleared, delivery, heartbeat, now_ms, raised, readings


def test_sites_are_listed_with_both_names(web):
    assert web.get("/sites").json() == {
        "items": [
            {
                "id": "demo",
                "name": {"zh": "示范工地", "en": "Demo site"},
                "time_zone": "Asia/Shanghai",
                "demo": False,
            }
        ],
        "next": None,
    }


def test_a_site_shows_gateways_devices_points_and_limits(site, web):
    site.born()
    shown = web.get("/sites/demo").json()
    assert [(g["id"], g["state"]) for g in shown["gateways"]] == [("gw-1", "online"), ("gw-2", "unknown")]
    (device,) = shown["devices"]
    assert (device["id"], device["gateway"], device["kind"], device["layout"]["x_m"]) == (
        "crane-1",
        "gw-1",
        "crane",
        20,
    )
    assert [point["id"] for point in device["points"]] == ["crane-1/load", "crane-1/load_ratio"]
    load = device["points"][0]
    assert (load["key"], load["kind"], load["unit"], load["resolution"], load["label"]["zh"]) == (
        "load",
        "crane.load",
        "t",
        0.01,
        "起重量",
    )
    assert load["limits"][0]["limit"] == 100.0
    assert load["limits"][0]["direction"] == "high"


def test_points_that_a_newer_birth_does_not_name_are_gone(site, web):
    site.born().deliver(readings(1.0))
    site.deliver(birth(boot="new", points={"crane-2/slew": "crane.slew"}))
    assert [d["id"] for d in web.get("/sites/demo").json()["devices"]] == ["crane-2"]
    assert web.get("/sites/demo/values").json()["values"] == {}


def test_test_mode_is_not_shown_as_live(site, web):
    site.deliver(birth(boot="t"), mode="test")
    site.deliver(readings(1.0, boot="t"), mode="test")
    assert web.get("/sites/demo").json()["devices"] == []
    assert web.get("/sites/demo/values").json()["values"] == {}
    site.deliver(raised(boot="t"), mode="test")
    assert web.get("/sites/demo/alarms?state=all").json()["items"] == []
    assert len(web.get("/sites/demo/alarms?state=all&mode=test").json()["items"]) == 1


def test_a_gateway_silent_for_half_a_minute_is_offline(site, web):
    site.born()
    site.connection.execute("UPDATE gateway SET seen_at = now() - interval '29 s'")
    assert web.get("/sites/demo").json()["gateways"][0]["state"] == "online"
    site.connection.execute("UPDATE gateway SET seen_at = now() - interval '31 s'")
    assert web.get("/sites/demo").json()["gateways"][0]["state"] == "offline"
    site.deliver(readings(1.0))
    assert web.get("/sites/demo").json()["gateways"][0]["state"] == "online"


def test_a_heartbeat_tells_how_the_gateway_fares(site, web):
    site.born()
    site.deliver(
        heartbeat(outbox={"alarms": 1, "readings": 42}, oldest_at=now_ms(), disk_free_bytes=7, clock="synced")
    )
    gateway = web.get("/sites/demo").json()["gateways"][0]
    assert (gateway["outbox"]["alarms"], gateway["outbox"]["readings"]) == (1, 42)
    assert gateway["outbox"]["oldest_at"].endswith("Z")
    assert (gateway["disk_free_bytes"], gateway["clock"]) == (7, "synced")


@pytest.mark.parametrize("what", ["alarms", "hazards"])
def test_lists_go_on_where_they_ended_though_new_items_come(site, web, what):
    site.born()
    for n in range(7):
        site.deliver(raised(device=f"crane-{n}", at=now_ms() - 1000 + n))
    status = "state=all" if what == "alarms" else "status=all"
    first = web.get(f"/sites/demo/{what}?{status}&limit=3").json()
    site.deliver(raised(device="crane-new"))
    second = web.get(f"/sites/demo/{what}?{status}&limit=3&after={first['next']}").json()
    third = web.get(f"/sites/demo/{what}?{status}&limit=3&after={second['next']}").json()
    devices = [item["device"] for page in (first, second, third) for item in page["items"]]
    assert devices == [f"crane-{n}" for n in reversed(range(7))]
    assert third["next"] is None


def test_active_alarms_are_those_not_cleared(site, web):
    site.born().deliver(up := raised(), other := raised(device="crane-2"))
    site.deliver(cleared(up))
    assert [e["id"] for e in web.get("/sites/demo/alarms").json()["items"]] == [other.episode]
    assert len(web.get("/sites/demo/alarms?state=all").json()["items"]) == 2


def test_a_closed_hazard_is_listed_among_all_only(site, web):
    site.born().deliver(raised())
    site.connection.execute("UPDATE hazard SET ended_at = now(), status = 'rejected'")
    assert web.get("/sites/demo/hazards").json()["items"] == []
    assert len(web.get("/sites/demo/hazards?status=all").json()["items"]) == 1


def test_a_hazard_shows_its_alarms_history_and_what_was_measured(site, web):
    site.born().deliver(up := raised())
    site.deliver(cleared(up))
    listed = web.get("/sites/demo/hazards").json()["items"][0]
    shown = web.get(f"/hazards/{listed['id']}").json()
    assert UUID(shown["id"]).version == 4
    assert {**listed, "episodes": None} == {
        name: None if name == "episodes" else shown[name] for name in listed
    }
    assert [episode["id"] for episode in shown["episodes"]] == [up.episode]
    assert [(e["seq"], e["kind"], e["actor"]) for e in shown["events"]] == [
        (1, "opened", "sitewarden"),
        (2, "signal", "sitewarden"),
    ]
    record = site.value("SELECT record FROM hazard_event WHERE seq = 1")
    assert shown["events"][0]["hash"] == digest(b"", record).hex()
    (evidence,) = shown["evidence"]
    (series,) = evidence["series"]
    assert series == {
        "point": "crane-1/load_ratio",
        "t": [up.at - 200, up.at, up.at + 4800, up.at + 5000],
        "x": [99.0, 104.2, 98.2, 97.5],
        "q": ["good"] * 4,
    }


def test_statistics_count_what_came_in(site, web):
    site.born().deliver(up := raised())
    site.deliver(up)
    site.deliver(cleared(up))
    site.deliver(message := readings(1.0, 2.0, 3.0))
    site.deliver(message)
    site.deliver(readings(4.0, at=now_ms() - 3_600_000))
    site.deliver(delivery(b"nonsense", channel="readings"))
    site.deliver(delivery(b"nonsense", channel="readings", mode="replay"))
    site.deliver(heartbeat(written=4))
    assert web.get("/sites/demo/statistics").json() == {
        "readings": 4,
        "readings_late": 1,
        "alarm_transitions": 2,
        "episodes": 1,
        "hazards_open": 1,
        "dead_letters": {"garbage": 1},
        "readings_written": {"gw-1": 4},
    }
