"""What goes wrong by script on simulated machines, under a gateway's decoding, derivation and shipped rules.

In virtual time: an hour of a hoist or of two cranes takes seconds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import Gateway, load_gateway
from edge.judge import Judge
from firmware_sim.scenario import Site, read_scenario
from sitewarden.messages import Alarm
from sitewarden.readings import Reading
from tests.faults.virtual import START_MS, read

HOIST: dict[str, Any] = {
    "device": "hoist-1",
    "profile": "reference-hoist",
    "unit": 1,
    "label": {"zh": "1号升降机", "en": "Hoist 1"},
    "parameters": {
        "hoist_rated_load_t": 2.0,
        "hoist_people_too_many": 10,
        "hoist_speed_max": 0.8,
        "hoist_tilt_max_deg": 0.2,
    },
}
STATION: dict[str, Any] = {
    "device": "dust-1",
    "profile": "reference-dust-noise",
    "unit": 1,
    "label": {"zh": "扬尘站", "en": "Dust station"},
    "parameters": {"noise_limit_db": 80, "pm10_limit": 400},
}


def _site(
    folder: Path, devices: dict[str, tuple[dict[str, Any], dict[str, Any]]], **more: dict[str, Any]
) -> tuple[Site, Gateway]:
    """Devices by name: as the simulator has them and as the gateway has them."""
    scenario = {
        "scenario": "machines",
        "seed": 3,
        "step_ms": 50,
        "buses": [{"bus": "line", "devices": [played for played, _ in devices.values()]}],
        **more.get("scenario", {}),
    }
    gateway = {
        "site": "machines",
        "gateway": "gw-1",
        "data_dir": "data",
        "broker": {"host": "127.0.0.1", "port": 1},
        "outputs": [],
        "buses": [
            {
                "bus": "line",
                "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": 1},
                "devices": [read_ for _, read_ in devices.values()],
            }
        ],
        **more["gateway"],
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    (folder / "gateway.yaml").write_text(yaml.safe_dump(gateway), encoding="utf-8")
    return read_scenario(folder / "scenario.yaml"), load_gateway(folder / "gateway.yaml")


def _alone(folder: Path, device: dict[str, Any], pack: str, physics: dict[str, Any]) -> tuple[Site, Gateway]:
    played = {"device": device["device"], "profile": device["profile"], "unit": 1, "physics": physics}
    return _site(folder, {device["device"]: (played, device)}, gateway={"rules": [pack]})


def _polls(site: Site, gateway: Gateway, seconds: float, poll_ms: int) -> Iterator[tuple[str, list[Reading]]]:
    """The polls of all devices, in turn."""
    polls = {device.name: read(site, device, seconds, poll_ms) for device in gateway.devices}
    for together in zip(*polls.values(), strict=True):
        yield from zip(polls, together, strict=True)


def _alarms(site: Site, gateway: Gateway, seconds: float, poll_ms: int) -> list[Alarm]:
    judge, alarms = Judge(gateway.devices, lambda: "synced", gateway.groups), list[Alarm]()
    devices = {device.name: device for device in gateway.devices}
    for name, readings in _polls(site, gateway, seconds, poll_ms):
        alarms += judge.take(devices[name], readings).alarms
        alarms += judge.tick(max(reading.at_ms for reading in readings))
    return alarms


def _raised(alarms: list[Alarm]) -> set[str]:
    return {alarm.rule for alarm in alarms if alarm.change == "raised"}


def test_a_hoists_working_hour_raises_nothing(tmp_path: Path) -> None:
    site, gateway = _alone(tmp_path, HOIST, "construction-hoist", {"kind": "hoist"})
    assert _raised(_alarms(site, gateway, 3600, 500)) == set()


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        ({"event": "overload", "at_s": 60, "percent": 115}, {"hoist-load-110"}),
        ({"event": "overload", "at_s": 60, "percent": 104, "hold_s": 10}, {"hoist-load-100"}),
        ({"event": "overspeed", "at_s": 60}, {"hoist-anti-fall"}),
        ({"event": "overspeed", "at_s": 60, "anti_fall": "fails"}, {"hoist-speed"}),
        ({"event": "open_door", "at_s": 60, "for_s": 200, "door": "exit"}, {"hoist-exit-door-moving"}),
        ({"event": "open_door", "at_s": 60, "for_s": 200, "door": "entry"}, {"hoist-entry-door-moving"}),
    ],
    ids=lambda value: f"{value['event']}" if isinstance(value, dict) else "",
)
def test_what_goes_wrong_on_a_hoist_raises_its_own_rule(
    tmp_path: Path, event: dict[str, Any], rules: set[str]
) -> None:
    physics = {"kind": "hoist", "floors": 30, "events": [event]}
    site, gateway = _alone(tmp_path, HOIST, "construction-hoist", physics)
    alarms = _alarms(site, gateway, 900, 500)
    assert _raised(alarms) >= rules
    assert min(alarm.at for alarm in alarms) >= START_MS + 60_000


def test_dusty_work_that_lasts_is_told_and_an_ordinary_morning_is_not(tmp_path: Path) -> None:
    burst = {"at_s": 600, "for_s": 3600, "factor": 20, "noise_db": 90}
    quiet: dict[str, Any] = {"kind": "dust", "wind": {"mean_mps": 1}}
    site, gateway = _alone(tmp_path, STATION, "dust-noise", quiet)
    assert _raised(_alarms(site, gateway, 3600, 2000)) == set()
    site, gateway = _alone(tmp_path, STATION, "dust-noise", {**quiet, "bursts": [burst]})
    assert _raised(_alarms(site, gateway, 3600, 2000)) >= {"noise", "dust-pm10"}


LOW = {"jib_m": 50, "mast_m": 40, "at_m": [0, 0], "sector_deg": [0, 180], "start": {"slew_deg": 180}}
HIGH = {"jib_m": 50, "mast_m": 55, "at_m": [60, 10], "sector_deg": [180, 360]}


def _crane(name: str, unit: int, machine: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    one = {"device": name, "profile": "reference-tower-crane", "unit": unit, "load_chart": "tc5610-like"}
    x_m, y_m = machine["at_m"]
    layout = {"kind": "crane", "x_m": x_m, "y_m": y_m, "jib_m": 50.0, "counter_jib_m": 12.0}
    as_read = {**one, "label": {"zh": name, "en": name}, "layout": {**layout, "mast_m": machine["mast_m"]}}
    return {**one, "physics": {"kind": "crane", **machine}}, as_read


def _two_cranes(folder: Path, meetings: list[dict[str, Any]]) -> tuple[Site, Gateway]:
    cranes = {"low": _crane("low", 1, LOW), "high": _crane("high", 2, HIGH)}
    grouped = [
        {"crane": name, "ground_m": 0.0, "build": _build(machine["mast_m"]), "braking": BRAKING}
        for name, machine in (("low", LOW), ("high", HIGH))
    ]
    return _site(
        folder,
        cranes,
        scenario={"crane_groups": [{"group": "g", "cranes": ["low", "high"], "meetings": meetings}]},
        gateway={"rules": ["crane-group"], "crane_groups": [{"group": "g", "cranes": grouped}]},
    )


BRAKING = {"reaction_s": 0.5, "slew_deg_s2": 0.6, "trolley_m_s2": 0.25, "hoist_m_s2": 0.35}


def _build(mast_m: float) -> dict[str, float]:
    """Slim: what a gateway measures is between bodies, what the simulator keeps is between lines."""
    return {
        "jib_bottom_m": mast_m,
        "jib_top_m": mast_m + 1,
        "jib_width_m": 0.2,
        "counter_jib_bottom_m": mast_m,
        "counter_jib_top_m": mast_m + 1,
        "counter_jib_width_m": 0.2,
        "apex_m": mast_m + 6,
        "mast_width_m": 1.6,
        "hook_block_m": 0.5,
        "load_height_m": 0.5,
        "load_width_m": 0.2,
    }


def test_cranes_that_keep_clear_raise_no_two_metre_alarm_and_those_that_meet_do_both(tmp_path: Path) -> None:
    close = {"crane-group-vertical", "crane-group-mast"}
    site, gateway = _two_cranes(tmp_path, [])
    assert not _raised(_alarms(site, gateway, 500, 500)) & close
    meeting = {"at_s": 200, "cranes": ["low", "high"], "gap_m": 1.5, "hold_s": 12}
    site, gateway = _two_cranes(tmp_path, [meeting])
    alarms = [alarm for alarm in _alarms(site, gateway, 420, 500) if alarm.rule == "crane-group-vertical"]
    raised = {alarm.device for alarm in alarms if alarm.change == "raised"}
    assert raised == {"low", "high"}
    assert all(alarm.at > START_MS + 200_000 for alarm in alarms)
    assert {alarm.device for alarm in alarms if alarm.change == "cleared"} == raised
