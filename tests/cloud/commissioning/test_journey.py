"""A vendor's device becomes used step by step, and nothing that is missing or wrong lets it pass."""

import psycopg
import pytest
import yaml

from cloud.accounts.permissions import COOKIE
from cloud.trials.service import look
from sitewarden.trials import FrameSeen, TrialTold
from tests.cloud.commissioning.journey import FILE, Journey
from tests.cloud.profiles.vendor import PROFILE, bring, version
from tests.cloud.registry.records import Registry, day, problem, words
from tests.cloud.registry.test_scope import become
from tests.cloud.site import now_ms, raised
from tests.cloud.web.serving import new_account, new_session


@pytest.fixture
def journey(web, site) -> Journey:
    return Journey(web, site)


def entry(journey: Journey) -> dict:
    """The crane in the newest configuration."""
    main = yaml.safe_load(journey.configuration()["files"]["gateway.yaml"])
    return next(its for its in main["buses"][0]["devices"] if its["device"] == "crane-9")


def test_from_a_profile_to_a_crane_in_use(journey, web):
    assert set(journey.standing().values()) <= {"open", "done", "blocked"}
    bring(web)
    assert journey.bind().status_code == 200
    assert journey.standing()["profile"] == "done"
    journey.tried(kind="read")
    assert journey.standing()["read"] == "done"
    journey.tried()
    shown = journey.see()
    assert shown["conformance"]["report"]["is_sound"]
    assert journey.standing()["conformance"] == "done"
    journey.registered()
    assert journey.standing()["file"] == "done"

    assert journey.on_trial().status_code == 200
    proposed = journey.configuration()
    assert proposed["files"]["profiles/acme-crane.yaml"] == PROFILE
    assert "# RS-485 on the mast" in proposed["files"]["gateway.yaml"]
    assert (proposed["author"], proposed["reason"]) == ("安全员", "安装完毕")
    crane = entry(journey)
    assert (crane["profile"], crane["unit"], crane["commissioning"]) == ("acme-crane", 9, "trial")
    assert crane["load_chart"] in proposed["files"], "what the registry says of it goes along"
    assert journey.standing()["trial"] == "waiting"
    journey.became("in_force")
    journey.runs()
    assert journey.standing()["trial"] == "done"

    assert journey.codes() == ["no-check"]
    journey.checked()
    assert journey.see()["may_be_commissioned"]
    assert journey.commission().status_code == 200
    assert entry(journey)["commissioning"] == "in_use"
    assert journey.standing()["commission"] == "waiting"
    journey.became("in_force")
    journey.runs(commissioning="in_use")
    shown = journey.see()
    assert set(journey.standing().values()) == {"done"}
    assert (shown["commissioned_by"], shown["commissioned_profile"]) == ("安全员", "acme-crane 1")
    listed = {its["device"]: its for its in web.get("/sites/demo/commissioning").json()["items"]}
    assert listed["crane-9"]["state"] == "in_use"


def test_everything_that_is_in_the_way_is_told_at_once(journey, web):
    bring(web)
    journey.bind()
    refused = journey.commission()
    assert refused.status_code == 409
    assert [its["code"] for its in refused.json()["errors"]] == [
        "no-read",
        "no-conformance",
        "no-registration",
        "no-chart",
        "not-on-trial",
        "no-check",
    ]
    assert "缺使用登记证号" in refused.json()["detail"]


def test_words_in_the_wrong_order_keep_it_out_until_a_new_version_reads_them_right(journey, web):
    journey.ready()
    journey.tried(swapped=True)
    assert "hint" in journey.codes()
    assert "finding" in journey.codes()
    assert journey.standing()["conformance"] == "blocked"
    hints = [its for point in journey.see()["conformance"]["report"]["points"] for its in point["hints"]]
    assert {"word_order": "little"} in [its["change"] for its in hints]
    assert problem(journey.commission())[:2] == (409, "not-ready")
    mended = version(2).replace("transports: [tcp, rtu]", "transports: [tcp, rtu], word_order: little")
    assert bring(web, mended, "字序更正").status_code == 201
    assert journey.bind(2).status_code == 200
    assert journey.standing()["conformance"] == "open", "what was found of another version counts no more"
    journey.tried(swapped=True)
    assert journey.standing()["conformance"] == "done"


def test_a_wrong_unit_leaves_the_range_and_keeps_it_out(journey, web):
    """It speaks in kilograms, the profile reads tonnes."""
    journey.ready()
    journey.tried(load=3000.0)
    assert problem(journey.commission())[:2] == (409, "not-ready")
    said = [r["says"]["en"] for s in journey.see()["steps"] for r in s["reasons"] if r["code"] == "finding"]
    assert said == ["out_of_range: load"]


def test_without_a_registration_it_runs_on_trial_and_is_not_put_into_use(journey, web):
    bring(web)
    journey.bind()
    journey.tried()
    assert journey.on_trial().status_code == 200
    journey.became("in_force")
    journey.runs()
    journey.checked()
    refused = journey.commission()
    codes = [its["code"] for its in refused.json()["errors"]]
    assert codes == ["no-registration", "no-chart"]
    journey.registered()
    assert journey.commission().status_code == 200


def test_a_registration_that_has_expired_is_none(journey, web):
    journey.ready()
    step = Registry(web).items("steps", of="crane-9")
    registered = next(its for its in step if its["step"] == "registered")
    fields = ("device", "step", "done_on", "body", "document_no")
    given = {**{name: registered[name] for name in fields}, "valid_until": day(-1)}
    assert Registry(web).change("steps", registered["id"], given, registered["version"]).status_code == 200
    assert journey.codes() == ["registration-expired"]


def test_a_model_that_is_denied_at_the_site_is_neither_bound_nor_put_into_use(journey, web):
    journey.ready()
    entry = {"brand": "Acme", "model": "TC9", "site": "demo", "reason": "淘汰", "source": "目录第3页"}
    web.post("/denied-models", json={**entry, "listed_on": "2026-01-01"})
    refused = journey.commission()
    assert [its["code"] for its in refused.json()["errors"]] == ["model-denied"]
    assert problem(journey.bind())[:2] == (409, "model-denied")
    assert problem(journey.on_trial())[:2] == (409, "model-denied")


def test_a_check_takes_the_live_reading_and_needs_another_to_approve_it(journey, web, site):
    journey.ready()
    journey.says(3.05)
    shown = journey.check().json()["checks"][0]
    assert (shown["value"], shown["is_passed"], shown["author"]) == (3.05, True, "安全员")
    assert 0 <= shown["age_ms"] < 2000
    assert problem(journey.approve(shown["id"])) == (409, "own-check", [])
    assert journey.codes() == ["check-unapproved"]
    with pytest.raises(psycopg.errors.CheckViolation):
        site.connection.execute(
            "INSERT INTO check_approval (check_id, site, witness_id, account_id, author, at) "
            "SELECT check_id, site, account_id, account_id, author, now() FROM witnessed_check"
        )
    with pytest.raises(psycopg.errors.Error):
        site.connection.execute("UPDATE witnessed_check SET is_passed = true")
    with journey.another():
        assert journey.approve(shown["id"]).status_code == 200
    assert journey.codes() == []


def test_a_check_that_failed_keeps_it_out_and_is_never_approved(journey):
    journey.ready()
    journey.says(3.4)
    failed = journey.check().json()["checks"][0]
    assert not failed["is_passed"]
    assert journey.codes() == ["check-failed"]
    with journey.another():
        assert problem(journey.approve(failed["id"]))[1] == "check-failed"
    assert problem(journey.commission())[1] == "not-ready"
    journey.checked()
    assert journey.commission().status_code == 200


def test_a_check_that_would_prove_nothing_is_refused_at_its_field(journey):
    journey.ready()
    journey.says()
    for changes in ({"reference": 0}, {"tolerance": 2.0}, {"point": "crane-9/nothing"}):
        status, _, fields = problem(journey.check(**changes))
        assert (status, fields) == (422, [*changes])


def test_an_old_or_bad_reading_witnesses_nothing(journey):
    journey.ready()
    assert problem(journey.check(point="crane-9/wind"))[1] == "reading-stale"
    journey.site.connection.execute("UPDATE newest SET at = at - interval '5 s'")
    assert problem(journey.check())[1] == "reading-stale"
    journey.site.connection.execute("UPDATE newest SET at = at + interval '1 h'")
    assert problem(journey.check())[1] == "reading-stale", "its clock runs ahead"


def test_a_check_by_an_older_version_does_not_count_for_the_new_one(journey, web):
    journey.ready()
    bring(web, version(2))
    assert journey.bind(2).status_code == 200
    journey.tried()
    journey.says()
    assert problem(journey.check())[1] == "not-on-trial", "the gateway still runs the first"
    journey.on_trial()
    journey.became("in_force")
    journey.runs(2)
    assert journey.codes() == ["check-outdated"]
    journey.checked()
    assert journey.commission().status_code == 200


def test_what_the_gateway_refused_is_shown_and_a_new_proposal_begins_with_what_is_in_force(journey, web):
    bring(web)
    journey.bind()
    journey.on_trial()
    journey.became("rolled_back")
    assert "configuration-refused" in journey.codes()
    assert journey.standing()["trial"] == "blocked"
    assert journey.on_trial().status_code == 200
    assert len(yaml.safe_load(journey.configuration()["files"]["gateway.yaml"])["buses"][0]["devices"]) == 2


def test_a_gateway_that_is_not_configured_from_here_is_left_alone(journey, web, site):
    bring(web)
    journey.bind()
    site.connection.execute("UPDATE gateway SET configuration = NULL")
    assert problem(journey.on_trial()) == (409, "not-configured-here", ["gateway"])
    assert web.get("/sites/demo/commissioning/choices").json()["gateways"][0] == {
        "gateway": "gw-1",
        "buses": [],
        "is_configured_here": False,
    }


def test_a_bus_that_is_not_there_is_told(journey, web):
    bring(web)
    journey.bind(bus="roof")
    assert problem(journey.on_trial()) == (409, "configuration-uneditable", ["bus"])
    assert web.get("/sites/demo/commissioning/choices").json()["gateways"][0]["buses"] == ["mast"]


def test_a_binding_that_cannot_be_is_refused_at_its_field(journey, web):
    bring(web)
    for changes, field in (
        ({"profile": "nothing"}, "profile"),
        ({"profile_version": 7}, "profile"),
        ({"profile": "simple-water-level"}, "profile"),
        ({"unit": None, "identity": "MN1"}, "unit"),
        ({"gateway": "gw-7"}, "gateway"),
    ):
        status, _, fields = problem(journey.bind(**changes))
        assert (status, fields) == (422, [field])


def test_two_who_bind_at_once_do_not_overwrite_each_other(journey, web):
    bring(web)
    assert journey.bind().status_code == 200
    old = {"If-Match": '"1"'}
    given = {"gateway": "gw-1", "bus": "mast", "unit": 8, "profile": "acme-crane", "profile_version": 1}
    assert journey.call("PUT", "/binding", json=given, headers=old).status_code == 200
    assert journey.call("PUT", "/binding", json=given, headers=old).status_code == 412
    assert journey.call("PUT", "/binding", json=given).status_code == 428


def test_what_is_in_use_goes_back_on_trial_only_by_name_and_reason(journey, web):
    journey.ready()
    journey.commission()
    assert problem(journey.bind())[1] == "device-in-use"
    assert journey.on_trial().status_code == 200
    assert entry(journey)["commissioning"] == "trial"
    assert journey.see()["commissioned_at"] is None
    changes = Registry(web).changes(record="commissioning", key="crane-9")
    assert {its["author"] for its in changes} == {"安全员"}


def test_who_may_only_try_devices_does_not_silence_one_that_is_in_use(journey, web, site):
    journey.ready()
    journey.commission()
    before = journey.configuration()["version"]
    vendor = new_account(site.connection, "厂商", "vendor_integrator", site="demo")
    web.client.cookies.set(COOKIE, new_session(site.connection, vendor))
    assert problem(journey.on_trial())[:2] == (403, "silences-in-use")
    assert journey.configuration()["version"] == before, "nothing was proposed"


def test_what_its_gateway_has_in_use_is_not_silenced_either(journey, web, site):
    bring(web)
    journey.bind()
    journey.runs(commissioning="in_use")
    become(web, site, "equipment_company", site="demo")
    assert problem(journey.on_trial())[:2] == (403, "silences-in-use")


def test_a_device_on_trial_changes_not_how_another_in_use_is_read(journey, web):
    journey.ready()
    journey.commission()
    journey.became("in_force")
    Registry(web).make("devices", {**FILE, "id": "crane-8", "serial_no": "A-8"})
    assert bring(web, version(2)).status_code == 201
    path = "/sites/demo/devices/crane-8/commissioning"
    given = {"gateway": "gw-1", "bus": "mast", "unit": 8, "profile": "acme-crane", "profile_version": 2}
    assert web.put(f"{path}/binding", json=given).status_code == 200
    before = journey.configuration()["version"]
    assert problem(web.post(f"{path}/trial-run", json={"reason": "x"}))[:2] == (409, "others-in-use")
    assert journey.configuration()["version"] == before, "crane-9 is read as it was checked"


def test_a_check_of_what_hung_elsewhere_does_not_count(journey):
    journey.ready()
    assert journey.codes() == []
    assert journey.bind(unit=4).status_code == 200
    journey.tried()
    journey.says()
    assert problem(journey.check())[1] == "not-on-trial", "the gateway still reads unit 9"
    assert {"check-elsewhere", "not-on-trial"} <= set(journey.codes())
    journey.on_trial()
    assert problem(journey.check())[1] == "not-on-trial"
    journey.became("in_force")
    assert journey.codes() == ["check-elsewhere"]
    journey.checked()
    assert journey.commission().status_code == 200


def test_out_of_scope_there_is_no_such_device(journey, web, site):
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    become(web, site, "admin", site="north")
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "/binding", {}),
        ("POST", "/use", {"reason": "x"}),
        ("POST", "/trial-run", {"reason": "x"}),
    ):
        assert journey.call(method, path, json=body).status_code in {404, 422}, path
    assert web.get("/sites/demo/commissioning").status_code == 404
    assert web.get("/sites/demo/profile-rollouts").status_code == 404


def test_a_file_that_is_bound_stays(journey, web):
    bring(web)
    journey.bind()
    seen = Registry(web).read("devices", "crane-9")
    assert problem(Registry(web).remove("devices", "crane-9", seen["version"]))[1] == "in-use"


def test_a_hazard_keeps_the_version_that_the_device_was_read_by(journey, web, site):
    journey.runs(1, "in_use")
    alarm = raised(device="crane-9", point="crane-9/load", kind="crane.load")
    site.deliver(alarm)
    journey.runs(2, "in_use")
    (hazard,) = web.get("/sites/demo/hazards").json()["items"]
    detail = web.get(f"/hazards/{hazard['id']}").json()
    assert (detail["profile"], detail["profile_version"]) == ("acme-crane", 1)


def test_a_device_that_speaks_is_judged_by_what_it_said(journey, web, site):
    """It is asked nothing: its messages are looked at, then its values on trial."""
    Registry(web).make(
        "devices", {"id": "dust-1", "kind": "dust", "name": words("扬尘", "Dust"), "serial_no": "D-1"}
    )
    base = "/sites/demo/devices/dust-1/commissioning"
    given = {
        "gateway": "gw-1",
        "bus": "air",
        "identity": "MN1",
        "profile": "hj212-dust-noise",
        "profile_version": 1,
    }
    assert web.put(f"{base}/binding", json=given).status_code == 200
    assert problem(web.post(f"{base}/trials", json={"kind": "conformance"}))[1] == "not-polled"
    asked = web.post(f"{base}/trials", json={"kind": "read"}).json()
    assert (asked["is_polled"], asked["read"]["identity"]) == (False, "MN1")
    (due,) = look(site.connection, now_ms())
    frame = FrameSeen(at=now_ms(), raw="##0101QN=…", values=[])
    site.deliver(TrialTold(request=due.asked.request, at=now_ms(), state="done", heard=[frame]))
    shown = web.get(base).json()
    assert shown["read"]["heard"][0]["raw"] == "##0101QN=…"
    assert {its["step"]: its["standing"] for its in shown["steps"]}["read"] == "done"
