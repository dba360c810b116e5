"""People act on hazard records over HTTP, in one transaction each, signed, and never over another's head."""

import concurrent.futures
import datetime as dt

import msgspec
import pytest

from cloud.accounts.signing import verify
from cloud.hazards.record import fold
from sitewarden.rules.model import Clause
from tests.cloud.hazards.people import SIGNATURE, Somebody
from tests.cloud.site import PROPOSAL, raised

DUE = (dt.datetime.now(dt.UTC) + dt.timedelta(days=5)).isoformat()
PLAN = {
    "type": "timed",
    "person": "王五",
    "measures": "更换限制器",
    "funds_wan": 2.5,
    "due": DUE,
    "emergency_plan": "停用塔机",
}


@pytest.fixture
def hazard(site):
    site.born().deliver(raised())
    return site.value("SELECT id FROM hazard")


@pytest.fixture
def person(site, web):
    """A person by his role; closed at the end."""
    made = []

    def make(role, *also, name=None, **scope):
        made.append(Somebody(web, site.connection, name or role, role, *also, **scope))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


def test_an_act_changes_the_record_and_is_signed_by_whoever_did_it(site, hazard, person):
    officer = person("enforcement_officer", name="李四")
    answer = officer.act(hazard, "confirm", level="general", reason="属实")
    assert answer.status_code == 200, answer.text
    detail = answer.json()
    assert detail["status"] == "confirmed"
    assert answer.headers["ETag"] == f'"{detail["version"]}"'
    (event,) = [one for one in detail["events"] if one["kind"] == "confirm"]
    assert (event["actor"], event["role"], event["side"]) == ("李四", "enforcement_officer", "authority")
    assert event["signed"]
    hash_, signature, key = site.rows(
        "SELECT hash, signature, public_key FROM hazard_event JOIN hazard_signature USING (hazard_id, seq)"
        " JOIN signing_key USING (key) WHERE seq = %s",
        event["seq"],
    )[0]
    assert verify(key, hash_, signature)
    assert detail["record"]["judgements"][0]["by"]["account"] == officer.account
    assert site.value("SELECT status FROM hazard") == "confirmed"


def test_the_row_says_what_the_events_come_to(site, hazard, person):
    person("enforcement_officer").act(hazard, "confirm", level="general", reason="属实")
    answer = person("project_manager").act(hazard, "plan", **PLAN)
    assert answer.status_code == 200, answer.text
    events = [
        msgspec.json.decode(text) for (text,) in site.rows("SELECT record FROM hazard_event ORDER BY seq")
    ]
    record = fold(events)
    row = site.rows("SELECT status, level, due_at, verified_at FROM hazard")[0]
    assert row == (record.status, record.level, record.due_at, record.verified_at)
    assert record.status == "rectifying"


def test_of_those_who_act_at_the_same_moment_one_wins_and_the_others_are_told(hazard, person):
    officers = [person("enforcement_officer", name=f"officer {n}") for n in range(8)]
    seen = officers[0].see(hazard).headers["ETag"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda one: one.act(hazard, "confirm", etag=seen, level="general", reason="属实").status_code,
                officers,
            )
        )
    assert sorted(answers) == [200] + [412] * 7
    assert officers[0].see(hazard).json()["record"]["judgements"][1:] == []


def test_who_did_not_say_what_he_saw_is_asked(hazard, person):
    officer = person("enforcement_officer")
    body = {"act": "confirm", "level": "general", "reason": "属实", "signature": SIGNATURE}
    answer = officer.client.post(f"hazards/{hazard}/acts", json=body)
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/version-missing")


def test_without_the_right_password_nothing_is_done(hazard, person):
    officer = person("enforcement_officer")
    answer = officer.act(hazard, "confirm", level="general", reason="属实", signature={"password": "wrong"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-signed")
    assert officer.see(hazard).json()["status"] == "candidate"
    unsigned = officer.client.post(f"hazards/{hazard}/acts", json={"act": "accept_plan"})
    assert unsigned.status_code == 422


def test_the_same_request_sent_twice_is_done_once(hazard, person):
    officer = person("enforcement_officer")
    seen = officer.see(hazard).headers["ETag"]
    first = officer.act(hazard, "confirm", etag=seen, key="a", level="general", reason="属实")
    again = officer.act(hazard, "confirm", etag=seen, key="a", level="general", reason="属实")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["version"] == first.json()["version"]
    other = officer.act(hazard, "confirm", etag=seen, key="a", level="general", reason="其他")
    assert other.json()["type"] == "/problems/idempotency-key-reused"


def test_who_may_not_is_told_so_and_who_does_not_see_it_finds_nothing(hazard, person):
    assert (
        person("construction_owner").act(hazard, "opinion", reason_code="other", text="?").status_code == 403
    )
    stranger = person("enforcement_officer", name="elsewhere", site="demo", devices=["crane-9"])
    assert stranger.see(hazard).status_code == 404
    assert stranger.act(hazard, "confirm", level="general", reason="属实").status_code == 404


def test_whatever_is_in_the_way_is_said_in_words(hazard, person):
    officer = person("enforcement_officer")
    answer = officer.act(hazard, "reject", reason_code="misread", reason="看错了")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/unmet-guards")
    said = {error["code"]: error for error in answer.json()["errors"]}
    assert set(said) == {"signal-active", "evidence-missing"}
    assert said["signal-active"]["field"] == "reject"
    assert "报警仍在持续" in said["signal-active"]["message"]
    values = said["evidence-missing"]["values"]
    assert (values["needed"], values["have"]) == (1, 0)
    assert values["zh"] == "需要至少 1 项证据，现有 0 项"


def test_a_plan_that_lacks_elements_is_refused_field_by_field(hazard, person):
    person("enforcement_officer").act(hazard, "confirm", level="general", reason="属实")
    answer = person("project_manager").act(hazard, "plan", type="timed", person="王五", due=DUE)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [
        "body.plan.measures",
        "body.plan.funds_wan",
        "body.plan.emergency_plan",
    ]


def test_an_act_that_the_state_has_not_is_refused(hazard, person):
    answer = person("county_authority").act(hazard, "close")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-in-this-state")


def test_the_detail_says_what_one_may_do_and_what_is_still_unmet(hazard, person):
    acts = {one["act"]: one for one in person("project_manager").see(hazard).json()["acts"]}
    assert acts["confirm"]["permitted"]
    assert acts["confirm"]["unmet"] == []
    assert [one["code"] for one in acts["reject"]["unmet"]] == ["signal-active", "evidence-missing"]
    assert not acts["merge"]["permitted"] or acts["merge"]["unmet"] == []
    assert "plan" not in acts


def test_one_record_is_merged_into_another_with_all_that_belongs_to_it(site, hazard, person):
    graver = msgspec.structs.replace(
        PROPOSAL, level="major_proposed", clause=Clause(edition="2024", id="8-4", text="安全装置失效")
    )
    site.deliver(raised(family="another", hazard=graver, episode="e" * 32))
    other = site.value("SELECT id FROM hazard WHERE id <> %s", hazard)
    answer = person("enforcement_officer").act(other, "merge", into=str(hazard))
    assert answer.status_code == 200, answer.text
    assert answer.json()["record"]["merged_into"] == str(hazard)
    into = person("viewer").see(hazard).json()
    assert (into["level"], len(into["episodes"])) == ("major_proposed", 2)
    assert into["record"]["absorbed"] == [str(other)]
