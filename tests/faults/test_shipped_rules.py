"""The shipped rules over a crane's work in virtual time: what each fault raises, and nothing else."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from edge.config import load_gateway
from edge.judge import Judge
from firmware_sim.scenario import read_scenario
from sitewarden.messages import Alarm
from tests.faults.virtual import START_MS, read

SCENARIO: dict[str, Any] = {
    "scenario": "ill",
    "seed": 4,
    "buses": [
        {
            "bus": "line",
            "devices": [
                {
                    "device": "crane-1",
                    "profile": "reference-tower-crane",
                    "unit": 1,
                    "load_chart": "tc5610-like",
                    "physics": {
                        "kind": "crane",
                        "jib_m": 56,
                        "mast_m": 40,
                        "wind": {"mean_mps": 4, "gust_sd_mps": 0.5},
                    },
                }
            ],
        }
    ],
}
GATEWAY: dict[str, Any] = {
    "site": "ill",
    "gateway": "gw-1",
    "data_dir": "data",
    "broker": {"host": "127.0.0.1", "port": 1},
    "outputs": [],
    "rules": ["tower-crane", "weather"],
    "buses": [
        {
            "bus": "line",
            "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": 1},
            "devices": [
                {
                    "device": "crane-1",
                    "profile": "reference-tower-crane",
                    "unit": 1,
                    "label": {"zh": "1号塔机", "en": "Tower crane 1"},
                    "load_chart": "tc5610-like",
                }
            ],
        }
    ],
}
POLL_MS = 200


class Case(NamedTuple):
    fault: dict[str, Any] | None
    seconds: float
    raises: list[str]
    """Rules in the order in which they are raised; each clears when the fault is over."""


CASES = {
    "sound": Case(None, 900, []),
    "silence": Case({"fault": "silence", "at_s": 60, "for_s": 60}, 150, ["crane-silent"]),
    "short silences": Case({"fault": "silence", "for_s": 10, "at_s": 30, "every_s": 40}, 300, []),
    "bypass": Case({"fault": "bypass", "at_s": 60, "for_s": 30}, 120, ["crane-limiter-bypass"]),
    "spikes": Case({"fault": "spike", "points": ["load"], "magnitude": 25, "per_min": 10}, 300, []),
    "no value": Case(
        {"fault": "sentinel", "points": ["load"], "at_s": 60, "for_s": 30}, 120, ["crane-blind-moving"]
    ),
    "frozen": Case(
        {"fault": "frozen", "points": ["load"], "at_s": 85, "for_s": 120}, 260, ["crane-load-frozen"]
    ),
}


def _alarms(case: Case, folder: Path, overloads: Sequence[dict[str, Any]] = ()) -> list[Alarm]:
    """Every transition in order."""
    scenario, gateway_file = folder / "scenario.yaml", folder / "gateway.yaml"
    played = copy.deepcopy(SCENARIO)
    played["faults"] = [{"device": "crane-1", **case.fault}] if case.fault else []
    played["buses"][0]["devices"][0]["physics"]["overloads"] = list(overloads)
    scenario.write_text(yaml.safe_dump(played), encoding="utf-8")
    gateway_file.write_text(yaml.safe_dump(GATEWAY), encoding="utf-8")
    gateway = load_gateway(gateway_file)
    (device,) = gateway.devices
    judge, alarms = Judge(gateway.devices, lambda: "synced", gateway.groups), list[Alarm]()
    for readings in read(read_scenario(scenario), device, case.seconds, POLL_MS):
        alarms += judge.take(device, readings).alarms
        alarms += judge.tick(max(reading.at_ms for reading in readings))
    return alarms


@pytest.mark.parametrize("name", CASES)
def test_a_fault_raises_its_rule_once_and_nothing_false(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    expected = [(change, rule) for rule in case.raises for change in ("raised", "cleared")]
    assert [(alarm.change, alarm.rule) for alarm in _alarms(case, tmp_path)] == expected


OVERLOAD = {"at_s": 40, "peak_percent": 115, "hold_s": 20, "limiter": "fails"}
OVERLOAD_RULES = {"crane-load-100", "crane-moment-100", "crane-load-110", "crane-moment-110"}


def _raised(alarms: list[Alarm]) -> set[str]:
    return {alarm.rule for alarm in alarms if alarm.change == "raised"}


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "sentinel", "points": ["wind_speed", "slew", "hook_height"]},
        {"fault": "frozen", "points": ["wind_speed", "slew", "limiter_cutoff"]},
        {"fault": "silence", "probability": 0.3},
        {"fault": "spike", "points": ["load"], "magnitude": -5, "per_min": 5},
    ],
    ids=["other points without a value", "other points frozen", "every third answer lost", "dips"],
)
def test_an_overload_is_told_whatever_else_is_ill(fault: dict[str, Any], tmp_path: Path) -> None:
    case = Case({"at_s": 10, **fault}, 120, [])
    assert _raised(_alarms(case, tmp_path, [OVERLOAD])) >= OVERLOAD_RULES


def test_a_silence_in_the_middle_of_an_overload_ends_no_alarm(tmp_path: Path) -> None:
    silence = {"fault": "silence", "at_s": 52, "for_s": 60}
    alarms = _alarms(Case(silence, 200, []), tmp_path, [OVERLOAD])
    rules = OVERLOAD_RULES & _raised(alarms)
    assert "crane-load-100" in rules
    ended = [alarm.at for alarm in alarms if alarm.change == "cleared" and alarm.rule in rules]
    assert len(ended) == len(rules)
    assert min(ended) > START_MS + 112_000
