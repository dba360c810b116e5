"""A crane that works before it may, or when it may no more, is found; one that may or stands still is not."""

import pytest

from cloud.registry.lifecycle import Standing
from cloud.registry.out_of_use import Sign, is_unready, rule, shown_sign
from sitewarden.points import vocabulary
from tests.cloud.registry.records import CRANE, Registry, day
from tests.cloud.site import TestSite, birth, now_ms, readings

POINTS = {"crane-1/load": "crane.load", "crane-1/radius": "crane.radius", "crane-1/slew": "crane.slew"}
PATH = "/sites/demo/registry/out-of-use"
LIFE = (("filed", -90), ("installed", -60), ("inspected", -50), ("accepted", -40), ("registered", -30))


@pytest.fixture
def registry(web, site):
    site.deliver(birth(points=POINTS))
    made = Registry(web)
    made.make("devices", CRANE)
    return made


def _live(registry: Registry, step: str, on: int, **more) -> None:
    registry.make("steps", {"device": "crane-1", "step": step, "done_on": day(on), "body": "某单位", **more})


def _tell(site: TestSite, point: str, *values: float, ago_s: int = 5) -> None:
    told = readings(*values, point=f"crane-1/{point}", at=now_ms() - ago_s * 1000)
    assert not site.deliver(told).dead


def _found(web) -> list[dict]:
    answer = web.get(PATH)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_crane_that_lifts_before_its_registration_is_found_until_it_is_in_use(web, site, registry):
    for step, on in LIFE[:2]:
        _live(registry, step, on)
    _tell(site, "load", 0.02, 0.04)
    _tell(site, "slew", 3.0, 250.0)
    assert _found(web) == [], "an empty hook, and a jib that turns with the wind"
    _tell(site, "radius", 20.0, 23.5)
    _tell(site, "load", 0.1, 2.4)
    (found,) = _found(web)
    assert (found["device"], found["standing"], found["is_in_use"]) == ("crane-1", "installed", False)
    assert {sign["point"]: (sign["how"], sign["value"]) for sign in found["signs"]} == {
        "crane-1/load": ("above", 2.4),
        "crane-1/radius": ("moved", 3.5),
    }
    assert "8-1" in found["basis"]["zh"]
    for step, on in (*LIFE[2:], ("in_use", -20)):
        _live(registry, step, on)
    assert _found(web) == []


def test_a_registration_that_has_ended_counts_as_none(web, site, registry):
    for step, on in LIFE[:4]:
        _live(registry, step, on)
    _live(registry, "registered", -30, valid_until=day(-1))
    _live(registry, "in_use", -20)
    _tell(site, "load", 2.4)
    (found,) = _found(web)
    assert (found["is_in_use"], found["expired"]) == (True, ["registered"])


def test_a_lift_that_lies_back_longer_than_the_window_is_none_of_now(web, site, registry):
    _live(registry, "filed", -90)
    _tell(site, "load", 2.4, ago_s=rule().window_s + 60)
    assert _found(web) == []


def test_every_sign_is_of_a_kind_that_there_is_and_says_one_thing():
    for sign in rule().signs:
        assert sign.kind in vocabulary()
        assert (sign.above is None) != (sign.moved is None)
    assert not any(sign.kind == "crane.slew" for sign in rule().signs)


def test_a_certificate_that_the_rule_does_not_ask_for_makes_no_machine_unready():
    life = Standing(step="in_use", is_in_use=True, following=[], expired=["accepted"], expires_on=None)
    assert not is_unready(life, ["registered"])
    assert is_unready(life, ["accepted"])


def test_a_size_that_is_just_reached_is_a_sign():
    row = {"name": "c/load", "least": 0.0, "most": 0.5, "last_at": "2026-01-01T00:00:00Z"}
    assert shown_sign(Sign(kind="crane.load", above=0.5), row) is not None
    assert shown_sign(Sign(kind="crane.load", above=0.51), row) is None
