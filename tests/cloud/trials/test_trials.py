"""A trial asked for at the cloud: sent to the gateway until it answers, kept with what came of it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud.trials.service import GRACE_S, RESEND_MS, look
from sitewarden import profiles
from sitewarden.profiles import load_profiles, parse_profile
from sitewarden.profiles.conformance import report
from sitewarden.profiles.hints import usual_spans
from sitewarden.profiles.trial import Counts, GroupTime, Look, Trial
from sitewarden.quality import Quality
from sitewarden.text import Text
from sitewarden.trials import BEGINS_WITHIN_S, TAKES_S, FrameSeen, TrialAsked, TrialTold, ValueSeen
from tests.cloud.site import TestSite, now_ms
from tests.cloud.web.serving import Web

PROFILE = """
profile: fx20
version: 1
device_kind: weather
driver: modbus
products: [{brand: Example, model: FX-20}]
source: FX-20 manual, page 14.
verified: bench
modbus: {transports: [tcp], function: 4, base: 1}
groups: {weather: {interval_ms: 1000}}
points:
  pressure:
    {kind: weather.pressure, register: 4, type: float32, unit: hPa, range: [600, 1100], group: weather}
"""
PATH = "/sites/demo/gateways/gw-1/trials"


def wanted(**changes) -> dict[str, Any]:
    return {"bus": "mast", "unit": 5, "profile": PROFILE, **changes}


def ask(web: Web, **changes) -> dict[str, Any]:
    answer = web.post(PATH, json=wanted(**changes))
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def sent(site: TestSite, after_ms: int = 0) -> list[TrialAsked]:
    return [asked for _, asked in look(site.connection, now_ms() + after_ms)]


def told(asked: TrialAsked, state: Any, **more) -> TrialTold:
    return TrialTold(request=asked.request, at=now_ms(), state=state, **more)


def read(web: Web, trial: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = web.get(f"{PATH}/{trial['id']}").json()
    return shown


def swapped() -> Trial:
    """A device that sends the words of its pressure in the other order."""
    return Trial(
        looks={"pressure": [Look((0x5000, 0x447D), Quality.GOOD, "\x00 as devices write")]},
        times={"weather": [GroupTime(1, 0.01)]},
        counts=Counts(requests=1, timeouts=0, late=0, broken=0),
        was_reconnected=False,
    )


@pytest.fixture(autouse=True)
def born(site: TestSite) -> None:
    site.born()


def test_raw_words_stand_beside_what_they_mean_and_a_hint_says_what_is_likely_wrong(site, web) -> None:
    trial = ask(web)
    assert (trial["state"], trial["by"]) == ("asked", "安全员")
    (asked,) = sent(site)
    assert (asked.bus, asked.unit, asked.profile, asked.seconds) == ("mast", 5, PROFILE, 0)
    site.deliver(told(asked, "running"))
    assert read(web, trial)["state"] == "running"
    found = report(parse_profile(PROFILE, site.settings.file), swapped(), usual_spans(load_profiles()))
    site.deliver(told(asked, "done", report=found))
    shown = read(web, trial)
    (point,) = shown["report"]["points"]
    assert (point["registers"], point["quality"]) == ([0x5000, 0x447D], "out_of_range")
    assert point["hints"][0]["change"] == {"word_order": "little"}
    assert not shown["report"]["is_sound"]
    assert sent(site, RESEND_MS + 1) == [], "what has ended is asked no more"
    assert [one["id"] for one in web.get(PATH).json()["items"]] == [trial["id"]]


def test_it_is_sent_again_until_it_is_answered_and_lapses_where_nobody_does(site, web) -> None:
    trial = ask(web)
    assert len(sent(site)) == 1
    assert sent(site) == []
    assert len(sent(site, RESEND_MS + 1)) == 1
    sent(site, (BEGINS_WITHIN_S + GRACE_S + 1) * 1000)
    assert read(web, trial)["state"] == "lapsed"
    second = ask(web)
    (asked,) = sent(site)
    site.deliver(told(asked, "running"))
    sent(site, (BEGINS_WITHIN_S + TAKES_S + GRACE_S + 1) * 1000)
    assert read(web, second)["state"] == "lapsed"


def test_a_gateway_has_one_trial_at_a_time(site, web) -> None:
    ask(web)
    answer = web.post(PATH, json=wanted())
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/trial-under-way")
    (asked,) = sent(site)
    site.deliver(told(asked, "refused", why=Text("无此总线", "no such bus")))
    assert ask(web)["state"] == "asked"


def test_what_another_gateway_or_a_late_answer_says_changes_nothing(site, web) -> None:
    trial = ask(web)
    (asked,) = sent(site)
    site.deliver(told(asked, "failed", why=Text("假", "forged")), gateway="gw-2")
    assert read(web, trial)["state"] == "asked"
    site.deliver(told(asked, "refused", why=Text("无此总线", "no such bus")))
    site.deliver(told(asked, "running"))
    shown = read(web, trial)
    assert (shown["state"], shown["why"]["en"]) == ("refused", "no such bus")
    outcome = site.deliver(msgspec.json.encode({"v": 1}), channel="trial")
    assert [letter.reason for letter in outcome.dead] == ["garbage"]


def test_of_a_device_that_speaks_by_itself_its_newest_messages_stand_beside_what_they_mean(site, web) -> None:
    speaking = Path(str(profiles._BUILT_IN), "hj212-dust-noise.yaml").read_text(encoding="utf-8")
    trial = ask(web, unit=None, identity="MN-0001", profile=speaking)
    (asked,) = sent(site)
    assert (asked.unit, asked.identity) == (None, "MN-0001")
    values = [ValueSeen(point="noise", value=68.3, unit="dB", quality="good")]
    frames = [
        FrameSeen(at=now_ms(), raw="QN=\x00", values=values),
        FrameSeen(at=now_ms(), raw="##", detail="?"),
    ]
    site.deliver(told(asked, "done", heard=frames))
    first, second = read(web, trial)["heard"]
    assert (first["values"][0]["value"], second["detail"]) == (68.3, "?")
    for changes in ({}, {"identity": "MN-0001"}, {"unit": 5, "identity": "MN-0001", "profile": speaking}):
        answer = web.post(PATH, json=wanted(**{"unit": None, **changes}))
        assert answer.status_code == 422, changes


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        (PROFILE.replace("function: 4", "function: 6"), "it never writes to a device"),
        (PROFILE.replace("unit: hPa", "unit: Pa"), "profile.yaml:13: points.pressure.unit"),
        ("profile: [", "is not YAML"),
    ],
)
def test_a_profile_that_no_gateway_could_try_is_refused_with_line_field_and_mend(web, profile, says) -> None:
    answer = web.post(PATH, json=wanted(profile=profile))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-profile")
    assert says in answer.json()["detail"]


def test_what_is_not_there_is_not_found(web) -> None:
    other = ask(web)["id"]
    assert web.post("/sites/demo/gateways/gw-9/trials", json=wanted()).status_code == 404
    assert web.get(f"/sites/demo/gateways/gw-2/trials/{other}").status_code == 404
    assert web.get("/sites/elsewhere/gateways/gw-1/trials").status_code == 404
