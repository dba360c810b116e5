"""A configuration that cannot be meant is refused with file, line, field and mend."""

import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from edge.birth import birth_of
from edge.busload import load_of
from edge.config import Gateway, load_gateway
from edge.derivation import derived_points
from edge.doubts import doubts
from sitewarden.errors import ConfigurationError
from tests.edge.conftest import WriteGateway
from tests.support.waiting import PATIENCE_S

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
Change = Callable[[dict[str, Any]], object]


def first_bus(gateway: dict[str, Any]) -> dict[str, Any]:
    bus: dict[str, Any] = gateway["buses"][0]
    return bus


def device(gateway: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = first_bus(gateway)["devices"][number]
    return found


def put(place: dict[str, Any], **values: object) -> None:
    place.update(values)


def changed(rule: str, limit: float, **more: object) -> dict[str, object]:
    by = {"author": "Li Wei", "reason": "a test", "on": "2026-11-20", "version": 9}
    return {"rule": rule, "limit": limit, **by, **more}


# change, field, a word of the message, a word of the mend
BROKEN: dict[str, tuple[Change, str, str, str]] = {
    "a device named as the gateway": (
        lambda g: put(device(g, 0), device="gw-1"),
        "buses.0.devices.0.device",
        "already the gateway",
        "another name",
    ),
    "a profile named as the gateway's own": (
        lambda g: put(device(g, 0), profile="gateway"),
        "buses.0.devices.0.profile",
        "says of itself",
        "another name",
    ),
    "a control value below nothing": (
        lambda g: put(device(g, 1)["parameters"], control_cumulative_mm=-20),
        "buses.0.devices.1.parameters",
        "every value passes",
        "above 0",
    ),
    "a rate of nothing for one point": (
        lambda g: put(device(g, 1), point_parameters={"h1": {"control_rate_mm_per_day": 0}}),
        "buses.0.devices.1.parameters",
        "the site's control_rate_mm_per_day for h1",
        "above 0",
    ),
    "a silence longer than a year": (
        lambda g: put(g, limit_changes=[changed("crane-silent", 1e308)]),
        "limit_changes.0.limit",
        "cannot be meant",
        "to a year",
    ),
    "a silence shorter than nothing": (
        lambda g: put(g, limit_changes=[changed("crane-silent", -5)]),
        "limit_changes.0.limit",
        "cannot be meant",
        "from 0.1",
    ),
    "a band turned over": (
        lambda g: put(g, limit_changes=[changed("gateway-clock-step", 5, low=10)]),
        "limit_changes.0.low",
        "lets nothing through",
        "below `limit:`",
    ),
    "a lower end where there is none": (
        lambda g: put(g, limit_changes=[changed("crane-load-110", 95, low=3)]),
        "limit_changes.0.low",
        "no lower end",
        "Remove",
    ),
    "a displacement beyond less than nothing": (
        lambda g: put(g, limit_changes=[changed("pit-horizontal-cumulative-100", -3)]),
        "limit_changes.0.limit",
        "passed by every value",
        "above 0",
    ),
    "an unknown key": (
        lambda g: put(g["broker"], hots="x"),
        "broker.hots",
        "unknown key",
        "Did you mean `host`?",
    ),
    "a missing key": (lambda g: g.pop("site"), "site", "is missing", "Add `site:`"),
    "a wrong unit": (
        lambda g: put(device(g, 0), unit=248),
        "buses.0.devices.0.unit",
        "<= 247",
        "unit number from 1 to 247",
    ),
    "a port that is none": (
        lambda g: put(g["broker"], port=70000),
        "broker.port",
        "<= 65535",
        "1 to 65535",
    ),
    "a name with a slash": (
        lambda g: put(device(g, 0), device="crane/1"),
        "buses.0.devices.0.device",
        "",
        "a-z, 0-9 and -",
    ),
    "a device twice": (
        lambda g: put(device(g, 1), device="crane-1"),
        "buses.0.devices.1.device",
        "already a device `crane-1`",
        "its own name",
    ),
    "a unit twice": (
        lambda g: put(device(g, 1), unit=1),
        "buses.0.devices.1.unit",
        "already a device",
        "check the number",
    ),
    "a bus twice": (
        lambda g: g["buses"].append({**first_bus(g), "devices": [{**device(g, 0), "device": "crane-2"}]}),
        "buses.1.bus",
        "already a bus `bus-1`",
        "its own name",
    ),
    "a button on the siren's pin": (
        lambda g: put(
            g, outputs=[{"driver": "gpio", "siren_pin": 17, "lamp_pin": 27, "acknowledge_pin": 17}]
        ),
        "outputs.0.acknowledge_pin",
        "already drives",
        "its own pin",
    ),
    "a siren that ends before anybody came": (
        lambda g: put(g, siren={"max_on_s": 5}),
        "siren.max_on_s",
        ">= 60",
        "60 to 86400",
    ),
    "a page for others without a PIN": (
        lambda g: put(g, page={"host": "0.0.0.0"}),  # noqa: S104
        "page.host",
        "others can reach 0.0.0.0",
        "`pin_file:`",
    ),
    "a page under a name that may lead anywhere": (
        lambda g: put(g, page={"host": "gw.example.org"}),
        "page.host",
        "others can reach",
        "127.0.0.1",
    ),
    "a PIN that is not there": (
        lambda g: put(g, page={"pin_file": "none.pin"}),
        "page.pin_file",
        "cannot be read",
        "Check the path",
    ),
    "an unknown profile": (
        lambda g: put(device(g, 0), profile="reference-tower-crain"),
        "buses.0.devices.0.profile",
        "no profile",
        "Did you mean `reference-tower-crane`?",
    ),
    "an unknown rule pack": (
        lambda g: put(g, rules=["tower"]),
        "rules.0",
        "not a shipped rule pack",
        "tower-crane",
    ),
    "a rule pack twice": (
        lambda g: put(g, rules=["weather", "weather"]),
        "rules.1",
        "is already in `weather`",
        "Name each pack once",
    ),
    "a crane without its chart": (
        lambda g: device(g, 0).pop("load_chart"),
        "buses.0.devices.0.load_chart",
        "needs its load chart",
        "Add `load_chart:`",
    ),
    "a chart for a pit": (
        lambda g: put(device(g, 1), load_chart="tc5610-like"),
        "buses.0.devices.1.load_chart",
        "is no crane",
        "Remove",
    ),
    "an unknown chart": (
        lambda g: put(device(g, 0), load_chart="tc9999"),
        "buses.0.devices.0.load_chart",
        "not a shipped load chart",
        "tc5610-like",
    ),
    "a parameter that a rule needs": (
        lambda g: device(g, 1)["parameters"].pop("control_rate_mm_per_day"),
        "buses.0.devices.1.parameters",
        "rule `pit-horizontal-rate-100` asks for `control_rate_mm_per_day`",
        "Add `control_rate_mm_per_day:`",
    ),
    "a parameter that no rule asks for": (
        lambda g: put(device(g, 1)["parameters"], control_cumulativ_mm=3),
        "buses.0.devices.1.parameters.control_cumulativ_mm",
        "no rule asks",
        "Did you mean `control_cumulative_mm`?",
    ),
    "a zero of no point": (
        lambda g: put(device(g, 1)["zero"], h9=1.0),
        "buses.0.devices.1.zero.h9",
        "not a displacement point",
        "h1",
    ),
    "a missing zero": (
        lambda g: device(g, 1)["zero"].pop("h4"),
        "buses.0.devices.1.zero",
        "the zero reading of h4 is missing",
        "unused",
    ),
    "an unused point that is none": (
        lambda g: put(device(g, 1), unused=["h7"]),
        "buses.0.devices.1.unused.0",
        "not a point",
        "h1",
    ),
    "a layout naming no point": (
        lambda g: put(
            device(g, 1),
            layout={"kind": "pit", "outline_m": [[0, 0]], "depth_m": 12, "points_m": {"x1": [0, 1]}},
        ),
        "buses.0.devices.1.layout.points_m.x1",
        "not a point",
        "",
    ),
    "siren and lamp on one pin": (
        lambda g: put(g, outputs=[{"driver": "gpio", "siren_pin": 4, "lamp_pin": 4}]),
        "outputs.0.lamp_pin",
        "already drives the siren",
        "a pin each",
    ),
    "an unknown output driver": (
        lambda g: put(g, outputs=[{"driver": "gpoi", "siren_pin": 4, "lamp_pin": 5}]),
        "outputs.0.driver",
        "gpoi",
        "",
    ),
    "an output file nowhere": (
        lambda g: put(g, outputs=[{"driver": "log", "file": "no/such/folder.jsonl"}]),
        "outputs.0.file",
        "does not exist",
        "Make the folder",
    ),
    "a password file that is not there": (
        lambda g: g["broker"].update({"username": "test-site/gw-1", "password_file": "none"}),
        "broker.password_file",
        "cannot be read",
        "Check the path",
    ),
    "a profile folder that is not there": (
        lambda g: put(g, profiles=["none"]),
        "profiles.0",
        "is not a folder",
        "Name a folder",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_meant_is_refused_with_line_field_and_mend(
    name: str, gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    change, field, message, mend = BROKEN[name]
    change(gateway_dict)
    file = write_gateway(gateway_dict)
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(file)
    error = refused.value
    assert (error.file, error.field) == (file, field)
    assert message in error.message
    assert mend in error.mend
    assert error.mend
    # The line shown holds the last word of the field, or (where that is missing) something around it.
    assert 1 <= error.line <= len(file.read_text().splitlines())


def test_the_line_is_the_one_to_mend(gateway_dict: dict[str, Any], write_gateway: WriteGateway) -> None:
    device(gateway_dict, 1)["unit"] = 300
    file = write_gateway(gateway_dict)
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(file)
    assert file.read_text().splitlines()[refused.value.line - 1].strip() == "unit: 300"


def test_a_password_that_everybody_can_read_is_refused(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    gateway_dict["broker"] |= {"username": "test-site/gw-1", "password_file": "secret"}
    password = "hunter2"  # opens nothing
    (tmp_path / "secret").write_text(f"{password}\n")
    (tmp_path / "secret").chmod(0o644)
    file = write_gateway(gateway_dict)
    with pytest.raises(ConfigurationError, match="chmod 600") as refused:
        load_gateway(file)
    assert password not in str(refused.value)
    (tmp_path / "secret").chmod(0o600)
    assert load_gateway(file).broker.password == password


def test_a_secret_that_systemd_gives_the_service_wins_over_the_one_beside_the_file(
    gateway_dict: dict[str, Any],
    write_gateway: WriteGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway_dict["broker"] |= {"username": "test-site/gw-1", "password_file": "broker.password"}
    given = tmp_path / "credentials"
    given.mkdir()
    for folder, password in ((tmp_path, "beside"), (given, "given")):
        (folder / "broker.password").write_text(f"{password}\n")
        (folder / "broker.password").chmod(0o400)
    file = write_gateway(gateway_dict)
    assert load_gateway(file).broker.password == "beside"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert load_gateway(file).broker.password == "given"
    (given / "broker.password").unlink()
    assert load_gateway(file).broker.password == "beside"


def test_a_profile_that_speaks_no_tcp_is_refused(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "serial.yaml").write_text(
        "profile: serial-only\nversion: 1\ndevice_kind: other\nproducts: []\nsource: none\n"
        "verified: simulator\ndriver: modbus\nmodbus: {transports: [rtu]}\n"
        "groups: {main: {interval_ms: 1000}}\n"
        "points: {t: {kind: weather.temperature, unit: °C, register: 0}}\n"
    )
    gateway_dict["profiles"] = ["own"]
    first_bus(gateway_dict)["devices"] = [{"device": "x", "profile": "serial-only", "unit": 3}]
    with pytest.raises(ConfigurationError, match="only over rtu"):
        load_gateway(write_gateway(gateway_dict))


def test_an_unused_point_needs_no_zero_and_is_not_declared(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    device(gateway_dict, 1)["unused"] = ["h5", "h6"]
    for key in ("h5", "h6"):
        del device(gateway_dict, 1)["zero"][key]
    *_, pit = load_gateway(write_gateway(gateway_dict)).devices
    assert [birth.p for birth in pit.points if birth.p.endswith(("h4", "h5", "h6"))] == ["pit-1/h4"]


def test_an_interval_over_the_profiles_moves_staleness_along(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    device(gateway_dict, 0)["interval_ms"] = 5000
    crane, *_ = load_gateway(write_gateway(gateway_dict)).devices
    assert {birth.stale_after_ms for birth in crane.points} == {15000}


# change to the instruments, field, a word of the message, a word of the mend
UNFIT: dict[str, tuple[str, dict[str, Any], dict[str, float], str, str, str]] = {
    "an element that is no tilt": (
        "reference-hydrostatic-level",
        {"inclinometers": {"wall": {"toe_m": 9, "elements": [{"point": "c1", "length_m": 1}]}}},
        {},
        "inclinometers.wall.elements.0.point",
        "not a point of kind `tilt.x` or `tilt.y`",
        "Use a device",
    ),
    "an element twice": (
        "reference-inclinometer-chain",
        {"inclinometers": {"wall": {"toe_m": 9, "elements": [{"point": "a1", "length_m": 1}] * 2}}},
        {"a1": 0.1},
        "inclinometers.wall.elements.1.point",
        "already stands at `inclinometers.wall.elements.0.point`",
        "once",
    ),
    "a chain that is longer than its toe is deep": (
        "reference-inclinometer-chain",
        {"inclinometers": {"wall": {"toe_m": 1.5, "elements": [{"point": "a1", "length_m": 2}]}}},
        {"a1": 0.1},
        "inclinometers.wall.toe_m",
        "2 m long together, the toe is only 1.5 m deep",
        "depth",
    ),
    "an element without its zero": (
        "reference-inclinometer-chain",
        {"inclinometers": {"wall": {"toe_m": 9, "elements": [{"point": "a1", "length_m": 1}]}}},
        {},
        "zero",
        "the zero reading of a1 is missing",
        "unused",
    ),
    "a cell on no pipe": (
        "reference-hydrostatic-level",
        {"levellings": {"north": {"reference": "c0", "cells": ["c1"]}}},
        {"c0": 50.0, "c1": 50.0},
        "levellings",
        "the cell `c2` is on no pipe",
        "`unused:`",
    ),
    "a wire without its certificate": (
        "vibrating-wire-logger-16",
        {},
        {},
        "vibrating_wires",
        "the certificate of `f1` is missing",
        "gives, g, r0, k and t0",
    ),
    "a certificate without its T0": (
        "vibrating-wire-logger-16",
        {"vibrating_wires": {"f1": {"gives": "pit.strain", "g": 4.06, "r0": 6250, "k": 0}}},
        {},
        "vibrating_wires.f1.t0",
        "is missing",
        "Add `t0:`",
    ),
    "a certificate that asks for a warmth nobody measures": (
        "vibrating-wire-logger-16",
        {"vibrating_wires": {"f1": {"gives": "pit.strain", "g": 4.06, "r0": 6250, "k": 2.2, "t0": 20}}},
        {},
        "vibrating_wires.f1.temperature",
        "is missing",
        "Add `temperature:`",
    ),
    "a control value where it counted for forecasts only": (
        "reference-inclinometer-chain",
        {"control_mm": {"a1": 30}},
        {},
        "control_mm.a1",
        "for rules as well",
        "point_parameters: {a1: {control_deep_mm: 30}}",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_instruments_that_cannot_be_meant_are_refused(
    name: str, gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    profile, instruments, zero, field, message, mend = UNFIT[name]
    first_bus(gateway_dict)["devices"] = [
        {"device": "pit-2", "profile": profile, "unit": 7, "zero": zero, "instruments": instruments}
    ]
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(gateway_dict))
    place = "zero" if field == "zero" else f"instruments.{field}"
    assert refused.value.field == f"buses.0.devices.0.{place}"
    assert refused.value.line > 0
    assert message in refused.value.message
    assert mend in refused.value.mend


def test_instruments_add_their_points_and_what_they_lead_to(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    elements = [{"point": f"a{i}", "length_m": 2.0} for i in range(1, 9)]
    first_bus(gateway_dict)["devices"] = [
        {
            "device": "wall-1",
            "profile": "reference-inclinometer-chain",
            "unit": 7,
            "zero": {f"a{i}": 0.1 for i in range(1, 9)},
            "instruments": {"inclinometers": {"wall": {"toe_m": 18, "elements": elements}}},
            "point_parameters": {"a8": {"control_deep_mm": 40}},
        }
    ]
    (device,) = load_gateway(write_gateway(gateway_dict)).devices
    kinds = {birth.p: birth.kind for birth in device.points}
    assert kinds["wall-1/a8.cumulative"] == "pit.displacement.deep.cumulative"
    assert kinds["wall-1/wall.greatest"] == "pit.displacement.deep.greatest"
    assert kinds["wall-1/a8.time_to_limit"] == "pit.time_to_limit"
    assert kinds["wall-1/a7.hours_to_failure"] == "pit.creep.hours_to_failure"
    assert "wall-1/a7.time_to_limit" not in kinds


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SITEWARDEN, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_command_says_what_would_run(gateway_dict: dict[str, Any], write_gateway: WriteGateway) -> None:
    done = command("edge", "check", str(write_gateway(gateway_dict)))
    assert done.returncode == 0
    assert "device crane-1: reference-tower-crane, unit 1, 5 requests/s" in done.stdout
    assert "crane-load-110: crane-1/load_ratio >= 110 %, level 4" in done.stdout
    assert "pit-horizontal-cumulative-70: pit-1/h1.cumulative >= 14 mm, either way, level 2" in done.stdout


def test_the_command_says_how_far_apart_the_requests_of_a_slow_poll_are(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    device(gateway_dict, 0)["interval_ms"] = 1_800_000
    done = command("edge", "check", str(write_gateway(gateway_dict)))
    assert "device crane-1: reference-tower-crane, unit 1, a request every 1800 s" in done.stdout


@pytest.mark.parametrize("action", ["check", "run"])
def test_the_command_ends_with_2_and_names_line_field_and_mend(
    action: str, gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    device(gateway_dict, 0)["unit"] = 0
    file = write_gateway(gateway_dict)
    done = command("edge", action, str(file))
    assert done.returncode == 2
    assert f"{file}:" in done.stderr
    assert "buses.0.devices.0.unit" in done.stderr
    assert "a unit number from 1 to 247" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_register_of_70000_in_a_profile_is_named_with_its_own_file(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    profile = own / "anemometer.yaml"
    profile.write_text(
        "profile: anemometer\nversion: 1\ndevice_kind: weather\nproducts: []\nsource: none\n"
        "verified: simulator\ndriver: modbus\nmodbus: {transports: [tcp]}\n"
        "groups: {main: {interval_ms: 1000}}\n"
        "points:\n  wind:\n    kind: weather.wind_speed\n    unit: m/s\n    register: 70000\n"
    )
    gateway_dict["profiles"] = ["own"]
    done = command("edge", "check", str(write_gateway(gateway_dict)))
    assert done.returncode == 2
    assert f"{profile}:14: points.wind.register" in done.stderr
    assert "a register number from 0 to 65535" in done.stderr


def test_a_history_that_is_missing_is_found_by_the_check(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    device(gateway_dict, 1)["history"] = "none.csv"
    done = command("edge", "check", str(write_gateway(gateway_dict)))
    assert done.returncode == 2
    assert f"{tmp_path / 'none.csv'}: cannot be read" in done.stderr


def test_what_was_decided_in_a_test_never_goes_out_as_live(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    folders = set()
    for mode in ("live", "test", "drill", "replay"):
        gateway_dict["mode"] = mode
        folders.add(load_gateway(write_gateway(gateway_dict)).data_dir)
    assert len(folders) == 4


def test_the_check_doubts_what_leaves_somebody_unheard(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    gateway_dict["outputs"] = []
    said = "\n".join(doubts(load_gateway(write_gateway(gateway_dict))))
    assert "neither heard nor seen" in said
    assert "no rule watches crane-1/hook_height, crane-1/slew" in said
    # Load, radius and falls are watched through the ratio, the pit's points through what follows from them.
    assert "crane-1/load" not in said
    assert "pit-1" not in said
    gateway_dict["rules"] = []
    del gateway_dict["buses"][0]["devices"][1]["parameters"]
    assert "there will be no alarm" in "\n".join(doubts(load_gateway(write_gateway(gateway_dict))))


def wire(gives: str) -> dict[str, Any]:
    return {"gives": gives, "g": 0.7, "r0": 6250, "k": 0, "t0": 20}


def mixed_logger(gateway_dict: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Two struts and an anchor on one logger, the rest of its channels unused."""
    keys = [f"f{i}" for i in range(1, 17)] + [f"t{i}" for i in range(1, 17)]
    gateway_dict["rules"] = ["gb50497"]
    gateway_dict["buses"][0]["devices"] = [
        {
            "device": "logger-1",
            "profile": "vibrating-wire-logger-16",
            "unit": 7,
            "unused": [key for key in keys if key not in ("f1", "f2", "f3")],
            "parameters": {"pit_class": 1, "f2_kn": 2500},
            "instruments": {
                "vibrating_wires": {
                    "f1": wire("pit.strut.force"),
                    "f2": wire("pit.strut.force"),
                    "f3": wire("pit.anchor.force"),
                }
            },
            **more,
        }
    ]
    return gateway_dict


def limits_of(gateway: Gateway, rule: str) -> dict[str, float]:
    (device,) = gateway.devices
    return {bound.point: bound.limit for bound in device.rules if bound.rule.rule == rule}


def test_a_point_of_a_mixed_logger_is_judged_by_its_own_parameters(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    own = {"f2": {"f2_kn": 1800}, "f3": {"f2_kn": 900, "prestress_kn": 400}}
    gateway = load_gateway(write_gateway(mixed_logger(gateway_dict, point_parameters=own)))
    assert limits_of(gateway, "gb50497-strut-high") == {
        "logger-1/f1.strut_force": 1500,
        "logger-1/f2.strut_force": 1080,
    }
    assert limits_of(gateway, "gb50497-anchor-high") == {"logger-1/f3.anchor_force": 540}
    # Only where a prestress is given is there one to fall short of.
    assert limits_of(gateway, "gb50497-anchor-low") == {"logger-1/f3.anchor_force": 320}
    assert limits_of(gateway, "gb50497-strut-low") == {}
    (device,) = gateway.devices
    assert device.setup.point_parameters == own
    origins = {bound.point: bound.origin for bound in device.rules if bound.rule.rule == "gb50497-strut-high"}
    assert origins["logger-1/f2.strut_force"].endswith("of f2_kn for f2")
    assert origins["logger-1/f1.strut_force"].endswith("of f2_kn")


POINTS_UNFIT: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a point that is none": (
        {"f33": {"f2_kn": 1}},
        "f33",
        "is not a point of this device",
        "Did you mean `f3`?",
    ),
    "a parameter that no rule asks for there": (
        {"f3": {"f1_kpa": 3}},
        "f3.f1_kpa",
        "no rule asks for this parameter here",
        "Parameters are control_force_max_kn, control_force_min_kn, f2_kn, pit_class, prestress_kn.",
    ),
    "a choice that is none": (
        {"f1": {"pit_class": 4}},
        "f1.pit_class",
        "4 is no choice",
        "Choices are 1, 2, 3.",
    ),
    "a word for a number": (
        {"f1": {"f2_kn": "much"}},
        "",
        "`much` is no number",
        "here or for `f1` under `point_parameters:`",
    ),
}


@pytest.mark.parametrize("name", POINTS_UNFIT)
def test_parameters_of_points_that_cannot_be_meant_are_refused(
    name: str, gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    own, field, message, mend = POINTS_UNFIT[name]
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(mixed_logger(gateway_dict, point_parameters=own)))
    where = f"point_parameters.{field}" if field else "parameters"
    assert refused.value.field == f"buses.0.devices.0.{where}"
    assert refused.value.line > 0
    assert message in refused.value.message
    assert mend in refused.value.mend


def test_the_design_value_of_a_point_is_the_limit_of_its_rules_and_of_its_forecasts(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["rules"] = ["gb50497"]
    entry = gateway_dict["buses"][0]["devices"].pop(1)
    entry["parameters"] = {
        "pit_class": 1,
        "support": "diaphragm-wall",
        "depth_m": 12,
        "horizontal_of": "wall-top",
        "vertical_of": "ground",
    }
    entry["point_parameters"] = {"h2": {"control_cumulative_mm": 45}}
    gateway_dict["buses"][0]["devices"] = [entry]
    gateway = load_gateway(write_gateway(gateway_dict))
    limits = limits_of(gateway, "gb50497-horizontal")
    assert limits["pit-1/h1.cumulative"] == 20
    assert limits["pit-1/h2.cumulative"] == 45
    (device,) = gateway.devices
    how = {point.point: point.how for point in derived_points(device)}
    assert "until 45 mm" in how["pit-1/h2.time_to_limit"]
    assert "pit-1/h1.time_to_limit" not in how


def test_a_change_of_one_point_leaves_the_others_as_they_are(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    change = {
        "rule": "gb50497-strut-high",
        "device": "logger-1",
        "point": "f1",
        "limit": 1200.0,
        "author": "Li",
        "reason": "a damaged flange",
        "on": "2026-11-20",
        "version": 2,
    }
    gateway = load_gateway(write_gateway({**mixed_logger(gateway_dict), "limit_changes": [change]}))
    assert limits_of(gateway, "gb50497-strut-high") == {
        "logger-1/f1.strut_force": 1200,
        "logger-1/f2.strut_force": 1500,
    }
    with pytest.raises(ConfigurationError, match=r"watches no point `f3`.*f1, f2"):
        load_gateway(
            write_gateway({**mixed_logger(gateway_dict), "limit_changes": [change | {"point": "f3"}]})
        )
    del change["device"]
    with pytest.raises(ConfigurationError, match="Name the device of the point"):
        load_gateway(write_gateway({**mixed_logger(gateway_dict), "limit_changes": [change]}))


def test_the_load_of_a_serial_line_follows_from_its_speed(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    bus = gateway_dict["buses"][0]
    bus["modbus"] = {"transport": "rtu", "serial": "/dev/ttyUSB0", "baudrate": 9600}
    bus["devices"] = [{**bus["devices"][0], "interval_ms": 1000}]
    gateway = load_gateway(write_gateway(gateway_dict))
    load = load_of(gateway.buses[0])
    # Seven registers: 8 + 5 + 14 bytes and 7 of silence, 11 bits each at 9600 a second, and 20 ms to think.
    assert load.requests_per_s == 1
    assert load.percent == pytest.approx(100 * (34 * 11 / 9600 + 0.02))
    assert not any("poll slower" in doubt for doubt in doubts(gateway))
    bus["devices"][0]["interval_ms"] = 50
    assert any("poll slower" in doubt for doubt in doubts(load_gateway(write_gateway(gateway_dict))))


def test_a_logger_that_measures_for_minutes_needs_a_bus_of_its_own(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    shipped = resources.files("sitewarden.profiles") / "reference-pit-displacement.yaml"
    slow = shipped.read_text(encoding="utf-8").replace("function: 4,", "function: 4, answer_ms: 120000,")
    slow = slow.replace("profile: reference-pit-displacement", "profile: slow-logger")
    (tmp_path / "own" / "slow.yaml").write_text(slow, encoding="utf-8")
    gateway_dict["profiles"] = ["own"]
    devices = gateway_dict["buses"][0]["devices"]
    devices[1]["profile"] = "slow-logger"
    with pytest.raises(ConfigurationError, match=r"may take 120 s to answer.*Give it a bus of its own"):
        load_gateway(write_gateway(gateway_dict))
    del devices[0]
    assert load_gateway(write_gateway(gateway_dict)).buses[0].devices[0].name == "pit-1"


def test_a_page_on_loopback_needs_no_pin_and_elsewhere_has_the_one_in_its_file(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    gateway_dict["page"] = {}
    page = load_gateway(write_gateway(gateway_dict)).page
    assert page is not None
    assert (page.host, page.port, page.pin) == ("127.0.0.1", 8089, None)
    pin = tmp_path / "page.pin"
    pin.touch(mode=0o600)
    pin.write_text("246810\n")
    gateway_dict["page"] = {"host": "::", "pin_file": "page.pin"}
    page = load_gateway(write_gateway(gateway_dict)).page
    assert page is not None
    assert (page.host, page.pin) == ("::", "246810")
    pin.write_text("1234\n")
    with pytest.raises(ConfigurationError, match="4 characters"):
        load_gateway(write_gateway(gateway_dict))


def test_one_line_is_one_bus(write_gateway: WriteGateway, gateway_dict: dict[str, Any]) -> None:
    first = gateway_dict["buses"][0]
    first["modbus"] = {"transport": "rtu-over-tcp", "host": "10.0.0.9", "port": 4001}
    crane, pit = first["devices"]
    first["devices"] = [crane]
    gateway_dict["buses"].append({"bus": "bus-2", "modbus": dict(first["modbus"]), "devices": [pit]})
    with pytest.raises(ConfigurationError, match="two masters on one line"):
        load_gateway(write_gateway(gateway_dict))
    gateway_dict["buses"][1]["modbus"]["port"] = 4002
    assert len(load_gateway(write_gateway(gateway_dict)).buses) == 2


def test_rules_on_any_device_mean_those_that_are_read_and_the_gateway_has_its_own(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    any_silent = """\
pack: any
source: made for this test
rules:
  - rule: any-silent
    family: silence
    version: 1
    watch: "*"
    condition: {when: stale, after_s: 5}
    level: 3
    label: {zh: 无数据, en: Silent}
    basis: {clause: none, source: test, confidence: synthetic}
"""
    (tmp_path / "any.yaml").write_text(any_silent, encoding="utf-8")
    change = {"rule": "gateway-clock-step", "limit": 30, "version": 2, "author": "Li Wei", "reason": "drift"}
    gateway_dict["limit_changes"] = [{**change, "on": "2026-01-05"}]
    gateway_dict["rules"] = ["tower-crane", "pit-displacement", "any.yaml", "gateway"]
    itself = load_gateway(write_gateway(gateway_dict)).itself
    assert itself is not None
    assert [(bound.rule.rule, bound.limit) for bound in itself.rules] == [
        ("gateway-clock-step", 30),
        ("gateway-clock-first-set", 2),
    ]


def test_a_replay_says_nothing_of_a_clock_that_nobody_sets(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["mode"] = "replay"
    assert load_gateway(write_gateway(gateway_dict)).itself is None


def test_the_birth_tells_how_a_device_is_read_and_judged(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    put(device(gateway_dict, 0), interval_ms=1000)
    first = next(load_gateway(write_gateway(gateway_dict)).devices)
    setup = birth_of(first).setup
    told = device(gateway_dict, 0)
    assert (setup.bus, setup.unit) == (first_bus(gateway_dict)["bus"], told["unit"])
    assert setup.load_chart == told["load_chart"]
    assert set(setup.intervals_ms.values()) == {1000}


@pytest.mark.parametrize(
    "data", [b"", "chart: mine\n".encode("utf-16"), b"chart: \x07\n"], ids=["empty", "UTF-16", "bell"]
)
def test_a_chart_that_cannot_be_read_is_named_and_not_the_gateways_file(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], data: bytes
) -> None:
    gateway_dict["buses"][0]["devices"][0]["load_chart"] = "mine.yaml"
    file = write_gateway(gateway_dict)
    file.with_name("mine.yaml").write_bytes(data)
    with pytest.raises(ConfigurationError) as caught:
        load_gateway(file)
    assert (caught.value.file.name, caught.value.line) == ("mine.yaml", 1)
