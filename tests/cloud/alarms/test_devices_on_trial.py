"""A device on trial is watched and shown, and its alarms, marked, call nobody."""

import msgspec

from tests.cloud.registry.records import CRANE, Registry, day
from tests.cloud.site import birth, cleared, raised


def on_trial(status):
    devices = [msgspec.structs.replace(device, commissioning="trial") for device in status.devices]
    return msgspec.structs.replace(status, devices=devices)


def test_an_alarm_of_a_device_on_trial_is_marked_and_opens_no_hazard(site, web) -> None:
    site.deliver(on_trial(birth()))
    with web.stream() as stream:
        site.deliver(alarm := raised(test=True))
        assert stream.next("alarm")["test"] is True
    (shown,) = web.get("/sites/demo/alarms").json()["items"]
    assert (shown["test"], shown["hazard"]) == (True, None)
    site.deliver(cleared(alarm, ended="in_use"))
    assert web.get("/sites/demo/hazards").json()["items"] == []
    assert web.get("/sites/demo/statistics").json()["episodes"] == 0
    (shown,) = web.get("/sites/demo/alarms?state=all").json()["items"]
    assert (shown["test"], shown["ended"]) == (True, "in_use")


def test_a_clear_of_a_test_alarm_that_comes_before_its_raise_opens_no_hazard_either(site, web) -> None:
    site.deliver(on_trial(birth()))
    alarm = raised(test=True)
    site.deliver(cleared(alarm))
    site.deliver(alarm)
    assert web.get("/sites/demo/hazards").json()["items"] == []
    (shown,) = web.get("/sites/demo/alarms?state=all").json()["items"]
    assert shown["test"] is True


def test_the_site_says_which_devices_are_on_trial_until_they_are_put_into_use(site, web) -> None:
    site.deliver(on_trial(birth()))
    assert [d["commissioning"] for d in web.get("/sites/demo").json()["devices"]] == ["trial"]
    site.deliver(birth())
    assert [d["commissioning"] for d in web.get("/sites/demo").json()["devices"]] == ["in_use"]
    site.deliver(raised())
    assert len(web.get("/sites/demo/hazards").json()["items"]) == 1


def test_a_file_that_contradicts_its_gateway_is_a_finding_and_costs_no_alarm(site, web) -> None:
    registry = Registry(web)
    registry.make("devices", CRANE)

    def finding():
        return registry.read("devices", CRANE["id"])["finding"]

    assert finding() is None, "no gateway has it"
    site.deliver(birth())
    assert finding() == "in_use_unrecorded"
    site.deliver(raised())
    assert len(web.get("/sites/demo/hazards").json()["items"]) == 1
    site.deliver(on_trial(birth()))
    assert finding() is None
    for i, step in enumerate(("filed", "installed", "inspected", "accepted", "registered", "in_use")):
        taken = {"device": CRANE["id"], "step": step, "done_on": day(i - 9), "body": "某检验机构"}
        registry.make("steps", taken)
    assert finding() == "on_trial_in_use"
    site.deliver(birth())
    assert finding() is None
