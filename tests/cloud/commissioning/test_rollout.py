"""A new version goes to one gateway first, to the rest when it holds there, and back."""

import pytest
import yaml
from psycopg.types.json import Jsonb

from tests.cloud.commissioning.journey import FILE, GATEWAY_FILE, Journey
from tests.cloud.profiles.vendor import PROFILE, bring, version
from tests.cloud.registry.records import Registry, problem

SECOND = version(2).replace("[0, 20]", "[0, 25]")
PATH = "/sites/demo/profile-rollouts"


@pytest.fixture
def journey(web, site) -> Journey:
    """Two gateways, a crane of the vendor's in use at each."""
    journey = Journey(web, site)
    journey.ready()
    assert journey.commission().status_code == 200
    journey.became("in_force")
    return journey


@pytest.fixture
def second(journey, web, site):
    """The other crane, at gw-2, which reads by version 1 too."""
    site.connection.execute(
        "INSERT INTO gateway (site, mode, gateway, configuration) VALUES ('demo', 'live', 'gw-2', '{}')"
    )
    site.connection.execute("UPDATE gateway SET configuration = '{}'")
    site.connection.execute(
        "INSERT INTO gateway_own_file (site, gateway, files, told_at) VALUES ('demo', 'gw-2', %s, now())",
        [Jsonb({"gateway.yaml": GATEWAY_FILE, "profiles/acme-crane.yaml": PROFILE})],
    )
    Registry(web).make("devices", {**FILE, "id": "crane-8"})
    given = {"gateway": "gw-2", "bus": "mast", "unit": 8, "profile": "acme-crane", "profile_version": 1}
    answer = web.put(
        "/sites/demo/devices/crane-8/commissioning/binding", json=given, headers={"If-Match": '"0"'}
    )
    assert answer.status_code == 200, answer.text
    bring(web, SECOND, "量程更正")


def texts(site, gateway: str) -> str:
    """The profile in the newest configuration of a gateway."""
    query = "SELECT files FROM gateway_configuration WHERE gateway = %s ORDER BY version DESC LIMIT 1"
    files = site.value(query, gateway)
    assert "buses" in yaml.safe_load(files["gateway.yaml"])
    return files["profiles/acme-crane.yaml"]


def begin(web, **changes):
    given = {"profile": "acme-crane", "to_version": 2, "gateway": "gw-1", "reason": "量程更正"}
    return web.post(PATH, json={**given, **changes})


def act(web, rollout: dict, what: str, **body):
    headers = {"If-Match": f'"{rollout["version"]}"'}
    return web.post(f"{PATH}/{rollout['id']}/{what}", json=body or None, headers=headers)


def test_the_rest_waits_until_the_first_has_it_in_force(journey, second, web, site):
    begun = begin(web)
    assert begun.status_code == 201, begun.text
    rollout = begun.json()
    assert (rollout["stage"], rollout["left"]) == ("first", ["gw-2"])
    assert texts(site, "gw-1") == SECOND
    assert site.value("SELECT count(*) FROM gateway_configuration WHERE gateway = 'gw-2'") == 0
    assert problem(act(web, rollout, "rest"))[1] == "first-not-in-force"
    site.connection.execute("UPDATE gateway_configuration SET state = 'in_force'")
    assert act(web, {**rollout, "version": 99}, "rest").status_code == 412
    whole = act(web, rollout, "rest").json()
    assert (whole["stage"], [part["gateway"] for part in whole["parts"]]) == ("rest", ["gw-2", "gw-1"])
    assert texts(site, "gw-2") == SECOND
    assert problem(act(web, whole, "rest"))[1] == "rollout-over"


def test_what_is_in_use_stays_in_use_and_says_that_its_check_is_of_an_older_version(journey, second, web):
    begin(web)
    files = journey.configuration()["files"]
    main = yaml.safe_load(files["gateway.yaml"])
    crane = next(its for its in main["buses"][0]["devices"] if its["device"] == "crane-9")
    assert crane["commissioning"] == "in_use"
    shown = journey.see()
    assert shown["binding"]["profile_version"] == 2
    assert shown["commissioned_profile"] == "acme-crane 1"
    assert "check-outdated" in journey.codes()


def test_it_goes_back_to_what_each_gateway_had(journey, second, web, site):
    rollout = begin(web).json()
    site.connection.execute("UPDATE gateway_configuration SET state = 'in_force'")
    whole = act(web, rollout, "rest").json()
    back = act(web, whole, "back", reason="读数跳变").json()
    assert back["stage"] == "back"
    assert all(part["back"] for part in back["parts"])
    assert (texts(site, "gw-1"), texts(site, "gw-2")) == (PROFILE, PROFILE)
    assert journey.see()["binding"]["profile_version"] == 1
    assert problem(act(web, back, "back", reason="x"))[1] == "rollout-over"


def test_a_model_denied_meanwhile_is_brought_to_no_further_gateway(journey, second, web, site):
    rollout = begin(web).json()
    site.connection.execute("UPDATE gateway_configuration SET state = 'in_force'")
    entry = {"brand": "Acme", "model": "TC9", "site": "demo", "reason": "淘汰", "source": "目录第3页"}
    assert web.post("/denied-models", json={**entry, "listed_on": "2026-01-01"}).status_code == 201
    assert problem(act(web, rollout, "rest"))[:2] == (409, "model-denied")
    assert site.value("SELECT count(*) FROM gateway_configuration WHERE gateway = 'gw-2'") == 0


def test_what_cannot_be_rolled_out_is_refused(journey, second, web):
    assert problem(begin(web, to_version=1)) == (422, "invalid", ["gateway"])
    assert begin(web, to_version=9).status_code == 404
    assert problem(begin(web, profile="reference-tower-crane", to_version=1)) == (
        409,
        "shipped-profile",
        ["profile"],
    )
    listed = web.get(PATH, params={"profile": "acme-crane"}).json()["items"]
    assert listed == []
