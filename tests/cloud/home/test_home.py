"""The home of a site: one answer with all that its page shows at first."""

import msgspec

from cloud.accounts.permissions import COOKIE
from sitewarden.messages import BusHealth, Health, Series
from sitewarden.quality import Quality
from tests.cloud.registry.records import CRANE, OPERATOR, Registry, day
from tests.cloud.site import birth, delivery, heartbeat, now_ms, raised, readings
from tests.cloud.web.serving import new_account, new_session

LIFE = (
    ("filed", 400),
    ("installed", 90),
    ("inspected", 80),
    ("accepted", 70),
    ("registered", 60),
    ("in_use", 50),
)


def home(web):
    answer = web.get("/sites/demo/home")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_it_tells_what_four_questions_would(web, site):
    site.born().deliver(readings(3.1, 3.2))
    site.deliver(raised())
    told = home(web)
    for own, path in (("site", ""), ("values", "/values")):
        same = web.get(f"/sites/demo{path}").json()
        assert {**told[own], "now": 0, "now_ms": 0} == {**same, "now": 0, "now_ms": 0}
    assert told["alarms"] == web.get("/sites/demo/alarms").json()["items"]
    assert told["hazards"] == web.get("/sites/demo/hazards").json()["items"]
    assert len(told["alarms"]) == len(told["hazards"]) == 1


def test_a_machine_shows_its_registration_its_life_and_its_operators(web, site):
    records = Registry(web)
    records.make("devices", CRANE)
    for step, ago in LIFE:
        document = f"文号-{step}"
        until = day(-1) if step == "inspected" else None
        given = {"device": "crane-1", "step": step, "done_on": day(-ago), "body": "某单位"}
        records.make("steps", {**given, "document_no": document, "valid_until": until})
    records.make("operators", OPERATOR, devices=["crane-1"])
    records.make("operators", OPERATOR, devices=["crane-1"], certificate_no="T-2", valid_until=day(-1))
    crane = home(web)["machines"]["crane-1"]
    assert crane["registration_no"] == "文号-registered"
    assert (crane["standing"], crane["is_in_use"], crane["expired"]) == ("in_use", True, ["inspected"])
    stand = [(one["name"], one["certificate_no"], one["validity"]) for one in crane["operators"]]
    assert stand == [("张三", "T-0001", "valid"), ("张三", "T-2", "expired")]


def test_a_machine_taken_down_is_registered_no_longer(web, site):
    records = Registry(web)
    records.make("devices", CRANE)
    for step, ago in (*LIFE, ("dismantled", 1)):
        given = {"device": "crane-1", "step": step, "done_on": day(-ago), "body": "某单位"}
        records.make("steps", {**given, "document_no": step})
    assert home(web)["machines"]["crane-1"]["registration_no"] == ""


def test_a_device_without_a_file_has_no_facts_rather_than_good_ones(web, site):
    site.born()
    assert home(web)["machines"] == {}


def test_another_projects_home_is_not_there(web):
    assert web.get("/sites/elsewhere/home").status_code == 404


def test_what_fell_silent_keeps_what_it_said_last_that_was_good(web, site):
    site.born()
    at = now_ms()
    quality = [Quality.GOOD, Quality.TIMEOUT, Quality.TIMEOUT]
    series = Series(p="crane-1/load", t=[0, 200, 400], x=[3.25, None, None], q=quality)
    site.deliver(readings(at=at, series=[series]))
    value = home(web)["values"]["values"]["crane-1/load"]
    assert (value["value"], value["quality"]) == (None, "timeout")
    assert value["last"] == {"at_ms": at, "value": 3.25}
    # Silence in a batch of its own forgets nothing either.
    site.deliver(
        readings(at=at + 600, series=[msgspec.structs.replace(series, t=[0], x=[None], q=quality[1:2])])
    )
    with web.stream() as stream:
        live = stream.next("values")["values"]["crane-1/load"]
    assert live == {"at_ms": at + 600, "value": None, "quality": "timeout", "last": value["last"]}
    site.deliver(readings(4.0, at=at + 800))
    assert home(web)["values"]["values"]["crane-1/load"]["last"] is None


def test_a_gateway_tells_its_buses_its_version_and_how_far_its_clock_is_off(web, site):
    bus = BusHealth(bus="rs485", load_percent=42.5, p95_ms=38.0, requests=10, timeouts=2)
    at = now_ms() - 5000
    site.deliver(birth(software="0.9.1"))
    site.deliver(msgspec.structs.replace(heartbeat(), at=at, health=Health(buses=[bus], clock_steps=1)))
    gateway = home(web)["site"]["gateways"][0]
    assert gateway["software"] == "0.9.1"
    assert gateway["health"]["buses"][0]["load_percent"] == 42.5
    assert gateway["health"]["buses"][0]["timeouts"] == 2
    assert -8000 < gateway["clock_offset_ms"] <= -5000


def test_a_retained_birth_says_nothing_of_the_clock(web, site):
    old = birth(at=now_ms() - 3_600_000)
    site.deliver(delivery(old, retained=True))
    assert home(web)["site"]["gateways"][0]["clock_offset_ms"] is None


def test_a_name_that_the_database_cannot_hold_does_not_make_the_gateway_look_away(web, site):
    site.born().deliver(
        msgspec.structs.replace(heartbeat(), health=Health(buses=[BusHealth(bus="a\0b", load_percent=1)]))
    )
    gateway = home(web)["site"]["gateways"][0]
    assert (gateway["state"], gateway["health"]) == ("online", None)


def test_alarms_and_hazards_are_asked_for_by_device(web, site):
    site.born().deliver(raised())
    for what in ("alarms", "hazards"):
        assert len(web.get(f"/sites/demo/{what}?device=crane-1").json()["items"]) == 1
        assert web.get(f"/sites/demo/{what}?device=crane-2").json()["items"] == []


def become(web, site, /, *roles: str, **scope) -> None:
    """Go on as somebody with these roles."""
    account = new_account(site.connection, "某人", *roles, **scope)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))


POINTS = {f"crane-{n}/{key}": f"crane.{key}" for n in (1, 2) for key in ("load", "load_ratio")}


def test_whoever_is_there_for_one_crane_sees_that_one_alone(web, site):
    records = Registry(web)
    for crane in ("crane-1", "crane-2"):
        records.make("devices", CRANE, id=crane)
    site.deliver(birth(points=POINTS))
    for crane in ("crane-1", "crane-2"):
        site.deliver(readings(1.0, point=f"{crane}/load"))
        site.deliver(raised(device=crane, point=f"{crane}/load_ratio"))
    become(web, site, "viewer", site="demo", devices=["crane-2"])
    told = home(web)
    assert [device["id"] for device in told["site"]["devices"]] == ["crane-2"]
    assert list(told["values"]["values"]) == ["crane-2/load"]
    assert {one["device"] for one in told["alarms"] + told["hazards"]} == {"crane-2"}
    assert list(told["machines"]) == ["crane-2"]
    for what in ("readings", "alarms", "hazards"):
        table = web.get(f"/sites/demo/tables/{what}.csv")
        assert table.status_code == 200
        assert "crane-2" in table.text
        assert "crane-1" not in table.text
    assert web.get("/sites/demo/tables/devices.csv").status_code == 403


def test_whoever_runs_the_platform_sees_the_gateways_and_no_value(web, site):
    site.born().deliver(readings(1.0))
    site.deliver(raised())
    Registry(web).make("devices", CRANE)
    become(web, site, "platform_operator")
    told = home(web)
    assert told["site"]["gateways"][0]["state"] == "online"
    assert told["values"]["values"] == told["machines"] == {}
    assert told["alarms"] == told["hazards"] == []
    assert web.get("/sites/demo/tables/readings.csv").status_code == 403
