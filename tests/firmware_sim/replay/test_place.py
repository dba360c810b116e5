"""Where a history is played back: as the gateway's file said, but nothing sounds or leaves the machine."""

import argparse
import json
from pathlib import Path

import msgspec
import pytest
import yaml

from edge.config import load_gateway
from firmware_sim.replay.cast import cast_of
from firmware_sim.replay.command import register, register_devices
from firmware_sim.replay.place import out_of_service, place_of
from firmware_sim.replay.run import Playback, Settings, header_for, read_timeline
from firmware_sim.replay.site import ReplayingSite
from firmware_sim.replay.source import UNENDING
from sitewarden.backtest.judging import Span, judge
from sitewarden.errors import ConfigurationError
from sitewarden.history import DevicePast, read_history, write_history
from sitewarden.profiles import ModbusProfile, load_profiles
from sitewarden.quality import Quality
from sitewarden.rules.model import LimitChange
from tests.edge.test_grouping import BRAKING, BUILD, LAYOUT, STREET
from tests.support.histories import T0, ZONE, camera_past, camera_tracks, crane_past, crane_tracks, history_of

GATEWAY = {
    "site": "east",
    "gateway": "gw-7",
    "mode": "live",
    "data_dir": "/var/lib/sitewarden",
    "broker": {"host": "broker.example", "username": "east/gw-7", "password_file": "secret"},
    "outputs": [{"driver": "gpio", "siren_pin": 17, "lamp_pin": 27}],
    "page": {"host": "127.0.0.1"},
    "siren": {"max_on_s": 60},
    "rules": ["tower-crane", "own.yaml"],
    "buses": [
        {
            "bus": "rs485",
            "modbus": {"transport": "rtu", "serial": "/dev/ttyUSB0"},
            "devices": [
                {
                    "device": "crane-1",
                    "profile": "reference-tower-crane",
                    "unit": 9,
                    "load_chart": "chart.yaml",
                    "unused": ["slew"],
                    "history": "memory.csv",
                }
            ],
        }
    ],
}
OWN = """\
pack: own
source: this test
rules: []
"""
CHART = """\
chart: own
source: this test
falls: {4: [[10, 6], [50, 1]]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tracks = {**crane_tracks("crane-1", [1.0] * 4), **crane_tracks("crane-2", [1.0] * 4)}
    history = tmp_path / "history.parquet"
    write_history(history, history_of(tracks, crane_past(), crane_past("crane-2", 2)))
    return history


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "own.yaml").write_text(OWN, encoding="utf-8")
    (folder / "chart.yaml").write_text(CHART, encoding="utf-8")
    (folder / "gateway.yaml").write_text(yaml.safe_dump(GATEWAY), encoding="utf-8")
    return folder / "gateway.yaml"


def written(tmp_path: Path, file: Path, config: Path | None, rules: list[str] | None = None):
    """The gateway that a replay would run."""
    folder = tmp_path / "stack"
    folder.mkdir()
    place = place_of(file, config, rules or [])
    site = ReplayingSite(folder, place, Playback(file=file, speed=UNENDING))
    site.files.write_accounts(observer=False)
    site.files.write_scenario()
    site.files.write_cloud(broker_port=1883, web_port=8090)
    ports = {bus: 5000 + i for i, bus in enumerate(cast_of(place.header, load_profiles(), file).buses)}
    site.files.write_gateway(broker_port=1883, web_port=8080, simulated=ports)
    return load_gateway(site.files.gateway), site


def test_the_gateways_file_is_played_without_what_sounds_or_leaves_the_machine(tmp_path, file, config):
    gateway, _ = written(tmp_path, file, config)
    assert (gateway.site, gateway.name, gateway.mode) == ("east", "gw-7", "replay")
    assert (gateway.broker.host, gateway.broker.username) == ("127.0.0.1", "replay")
    assert [type(output).__name__ for output in gateway.outputs] == ["LogOutput"]
    assert gateway.page is None
    assert gateway.siren.max_on_s == 60
    assert gateway.data_dir.is_relative_to(tmp_path / "stack")
    (crane,) = gateway.devices
    assert (crane.unit, crane.chart.chart, crane.history) == (9, "own", None)
    assert "slew" not in crane.profile.points


def test_a_history_that_knows_everything_needs_no_file(tmp_path, file):
    gateway, site = written(tmp_path, file, None)
    assert [device.name for device in gateway.devices] == ["crane-1", "crane-2"]
    assert {device.chart.chart for device in gateway.devices} == {"tc5610-like"}
    assert any(rule.rule.rule == "crane-load-110" for device in gateway.devices for rule in device.rules)
    cloud = yaml.safe_load(site.files.cloud.read_text())
    assert cloud["replay"] == {"control": "replay.sock"}


def as_json(content: object) -> object:
    """Tuples are lists there."""
    return json.loads(json.dumps(content))


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A crane and a camera, the camera first."""
    tracks = {**crane_tracks("crane-1", [1.0] * 4), **camera_tracks()}
    history = tmp_path / "seen.parquet"
    rules = ["tower-crane", "helmets"]
    write_history(history, history_of(tracks, camera_past(), crane_past(), rules=rules))
    return history


def test_a_camera_is_asked_for_what_it_said_and_its_zones_are_those_of_the_day(tmp_path, seen):
    gateway, site = written(tmp_path, seen, None)
    assert (gateway.cameras, gateway.vision.detector) == ((), "helmet-416")
    line, camera = gateway.buses[-1], gateway.buses[-1].devices[0]
    assert (line.modbus.port, camera.name, camera.unit, camera.label.zh) == (5001, "yard", 1, "堆场")
    assert list(camera.points) == camera_past().points
    assert as_json(camera.layout) == as_json(camera_past().layout)
    assert ("yard/hook.bare_2", "helmet-missing-hook") in {(r.point, r.rule.rule) for r in camera.rules}
    cast = cast_of(site.files.place.header, load_profiles(), seen)
    assert cast.buses == ("cranes", "cameras")
    assert cast.devices[-1].keys == tuple(camera.profile.points)


def test_a_part_of_a_camera_s_points_is_played_with_all_that_its_zones_have(tmp_path, seen):
    history = read_history(seen)
    camera, crane = history.header.devices
    kept = [point for point in camera.points if point.p in ("yard/state", "yard/hook.intruders")]
    part = msgspec.structs.replace(camera, points=kept, layout={})
    header = msgspec.structs.replace(history.header, devices=[part, crane])
    write_history(seen, history._replace(header=header))
    gateway, _ = written(tmp_path, seen, None)
    keys = {point.p for point in gateway.buses[-1].devices[0].points}
    assert "yard/hook.intruders" in keys
    assert "yard/hook.bare_1" not in keys


@pytest.fixture
def watched(config: Path) -> Path:
    """The gateway's file, with a camera."""
    camera = {
        "camera": "yard",
        "url": "rtsp://10.0.0.9/stream",
        "username": "viewer",
        "password_file": "yard.password",
        "zones": [msgspec.to_builtins(ZONE)],
    }
    content = {**GATEWAY, "rules": ["tower-crane", "helmets"], "cameras": [camera]}
    config.write_text(yaml.safe_dump(content | {"vision": {"detector": "own.json"}}), encoding="utf-8")
    return config


def test_the_camera_of_a_gateways_file_loses_what_leads_to_the_real_one(tmp_path, seen, watched):
    gateway, site = written(tmp_path, seen, watched)
    said = site.files.gateway.read_text(encoding="utf-8")
    assert not any(word in said for word in ("10.0.0.9", "viewer", "yard.password", "own.json"))
    (camera,) = gateway.buses[-1].devices
    assert {point.p for point in camera.points} == {point.p for point in camera_past().points}
    header, _ = header_for(seen, None, watched)
    cast, _ = read_timeline(Settings(playback=Playback(file=seen, speed=1), header=header))
    assert [(played.name, played.unit) for played in cast.devices] == [("crane-1", 9), ("yard", 1)]
    assert cast.devices[-1].keys == tuple(camera.profile.points)


def grouped(tmp_path: Path, *names: str) -> Path:
    """A history of these of two cranes that can reach one another."""
    cranes = [
        {"crane": name, "ground_m": 0.0, "build": BUILD, "braking": BRAKING}
        for name in ("crane-1", "crane-2")
    ]
    whole = {"group": "towers", "cranes": cranes, "obstacles": [STREET]}
    devices = [
        msgspec.structs.replace(
            crane_past(name, i + 1),
            crane_group=whole,
            layout={**LAYOUT, "x_m": 104.0 * i, "mast_m": 40.0},
        )
        for i, name in enumerate(names)
    ]
    tracks = {point: track for name in names for point, track in crane_tracks(name, [1.0] * 4).items()}
    history = tmp_path / "group.parquet"
    write_history(history, history_of(tracks, *devices))
    return history


def test_a_group_is_played_where_all_of_its_cranes_are_there(tmp_path):
    gateway, _ = written(tmp_path, grouped(tmp_path, "crane-1", "crane-2"), None)
    (group,) = gateway.groups
    assert [member.crane.name for member in group.members] == ["crane-1", "crane-2"]
    assert [one.obstacle for one in group.obstacles] == ["street"]


def test_a_group_without_one_of_its_cranes_is_none(tmp_path):
    assert "crane_groups" not in place_of(grouped(tmp_path, "crane-1"), None, []).gateway


def test_a_group_that_is_none_is_refused(tmp_path):
    strange = msgspec.structs.replace(crane_past(), crane_group={"group": 7})
    file = tmp_path / "strange.parquet"
    write_history(file, history_of(crane_tracks("crane-1", [1.0] * 4), strange))
    with pytest.raises(ConfigurationError, match=r"devices\.0\.crane_group.*--config gateway.yaml"):
        place_of(file, None, [])


def test_only_devices_that_the_gateway_knows_are_played(file, config):
    header, profiles = header_for(file, None, config)
    cast, timeline = read_timeline(
        Settings(playback=Playback(file=file, speed=1), header=header, profiles=profiles)
    )
    assert [(played.name, played.unit) for played in cast.devices] == [("crane-1", 9)]
    assert "slew" not in cast.devices[0].keys
    assert set(timeline.device.tolist()) == {0}


def test_what_was_out_of_service_raises_no_alarm_in_a_replay_either(tmp_path, config):
    crane = msgspec.structs.replace(crane_past(), out_of_service=["wind_speed", "gone"])
    camera = msgspec.structs.replace(camera_past(), out_of_service=["hook.intruders"])
    tracks = {**crane_tracks("crane-1", [1.0] * 4), **camera_tracks()}
    history = tmp_path / "withheld.parquet"
    write_history(history, history_of(tracks, crane, camera))
    place = place_of(history, None, [])
    [bus] = place.gateway["buses"]
    assert bus["devices"][0]["out_of_service"] == ["wind_speed"]
    assert place.gateway["cameras"][0]["out_of_service"] == ["hook.intruders"]
    # A history that says nothing of it is played with every alarm, unless the gateway's file does.
    bare = tmp_path / "bare.csv"
    bare.write_text(f"point,at_ms,value\ncrane-1/load,{T0},1.0\n", encoding="utf-8")
    assert out_of_service(place_of(bare, config, []).header) == []
    told = yaml.safe_load((config).read_text(encoding="utf-8"))
    told["buses"][0]["devices"][0]["out_of_service"] = ["wind_speed"]
    (config).write_text(yaml.safe_dump(told), encoding="utf-8")
    played = place_of(bare, config, [])
    assert out_of_service(played.header) == ["crane-1/wind_speed"]
    assert played.gateway["buses"][0]["devices"][0]["out_of_service"] == ["wind_speed"]


def test_a_csv_of_another_program_is_played_with_the_gateways_file(tmp_path, config):
    file = tmp_path / "other.csv"
    file.write_text(f"point,at_ms,value\ncrane-1/load,{T0},3.1\n", encoding="utf-8")
    header, _ = header_for(file, None, config)
    _, timeline = read_timeline(Settings(playback=Playback(file=file, speed=1), header=header))
    assert timeline.instants.tolist() == [T0]


def test_a_name_out_of_a_history_is_never_that_of_a_file(tmp_path, file):
    victim = tmp_path / "site-rules.yaml"
    victim.write_text("mine", encoding="utf-8")
    history = read_history(file)
    first, *others = history.header.rules
    packs = [msgspec.structs.replace(first, pack=str(tmp_path / "site-rules")), *others]
    strange = tmp_path / "strange.parquet"
    write_history(strange, history._replace(header=msgspec.structs.replace(history.header, rules=packs)))
    gateway, _ = written(tmp_path, strange, None)
    assert victim.read_text(encoding="utf-8") == "mine"
    assert sorted(entry.name for entry in tmp_path.glob("*.yaml")) == ["site-rules.yaml"]
    known = {rule.rule.rule for device in gateway.devices for rule in device.rules}
    assert known >= {"crane-load-110", "wind-stop"}


CHANGES = [
    LimitChange(
        rule=rule, device=device, limit=9.0, author="site", reason="as announced", on=on, version=version
    )
    for rule, device, version, on in [
        ("wind-stop", "crane-1", 9, ""),
        ("no-such-rule", None, 2, "2025-11-20"),
        ("wind-stop", "elsewhere", 9, "2025-11-20"),
    ]
]


def test_a_limit_that_the_site_changed_is_the_replays_as_it_is_the_back_tests(tmp_path, file):
    wind = {"wind_speed": dict.fromkeys(range(20, 200), (10.0, Quality.GOOD))}
    history = history_of(crane_tracks("crane-1", [1.0] * 200, other=wind), crane_past())
    header = msgspec.structs.replace(history.header, changes=CHANGES)
    write_history(file, history._replace(header=header))
    gateway, _ = written(tmp_path, file, None)
    (bound,) = [rule for rule in next(gateway.devices).rules if rule.rule.rule == "wind-stop"]
    span = Span(T0, T0, header.until_ms)
    found = judge(header.devices[0], header.rules, history.tracks, span, header.changes)
    (alarm,) = [episode for episode in found.episodes if episode.rule == "wind-stop"]
    assert (bound.limit, bound.version) == (alarm.limit, alarm.rule_version) == (9.0, 9)


def test_other_rules_stand_for_themselves(file):
    history = read_history(file)
    header = msgspec.structs.replace(history.header, changes=CHANGES)
    write_history(file, history._replace(header=header))
    assert "limit_changes" not in place_of(file, None, ["weather"]).gateway


def refused(tmp_path: Path, change, **how) -> str:
    file = tmp_path / "bad.parquet"
    write_history(file, change(history_of(crane_tracks("crane-1", [1.0]), crane_past())))
    with pytest.raises(ConfigurationError) as caught:
        place_of(file, None, how.get("rules", []))
    return str(caught.value)


def test_a_history_without_rules_asks_for_some(tmp_path):
    def without(history):
        return history._replace(header=msgspec.structs.replace(history.header, rules=[]))

    assert "--rules tower-crane" in refused(tmp_path, without)


def test_a_crane_without_its_chart_is_not_played(tmp_path):
    def without(history):
        devices = [msgspec.structs.replace(device, chart=None) for device in history.header.devices]
        return history._replace(header=msgspec.structs.replace(history.header, devices=devices))

    complaint = refused(tmp_path, without)
    assert "load chart of `crane-1`" in complaint
    assert "--config gateway.yaml" in complaint


def test_a_history_of_an_older_profile_is_not_misread(file):
    header = history_of(crane_tracks("crane-1", [1.0]), crane_past()).header
    older = [msgspec.structs.replace(device, version=99) for device in header.devices]
    settings = Settings(
        playback=Playback(file=file, speed=1), header=msgspec.structs.replace(header, devices=older)
    )
    with pytest.raises(ConfigurationError, match="recorded with version 99"):
        read_timeline(settings)


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (crane_past("crane-2", 1), "unit 1 of bus `cranes` is both `crane-1` and `crane-2`"),
        (crane_past("crane-1", 2), "`crane-1` is there twice"),
    ],
)
def test_two_gateways_whose_devices_would_answer_as_one_are_refused(file, second, complaint):
    history = read_history(file)
    header = msgspec.structs.replace(history.header, gateway="", devices=[crane_past(), second])
    settings = Settings(playback=Playback(file=file, speed=1), header=header)
    with pytest.raises(ConfigurationError) as caught:
        read_timeline(settings)
    assert complaint in str(caught.value)
    assert "--device" in str(caught.value)


def test_two_gateways_with_a_bus_of_one_name_and_other_units_are_played(file):
    history = read_history(file)
    header = msgspec.structs.replace(history.header, gateway="")
    cast, _ = read_timeline(Settings(playback=Playback(file=file, speed=1), header=header))
    assert [(played.bus, played.unit) for played in cast.devices] == [(0, 1), (0, 2)]


def test_a_part_without_a_reading_is_not_played(file):
    playback = Playback(file=file, speed=1, since_ms=T0 + 10**9)
    with pytest.raises(ConfigurationError, match="no reading to play"):
        read_timeline(Settings(playback=playback))


def test_the_simulator_is_told_what_the_command_was_told(tmp_path):
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    asked = ["replay", "h.csv", "--speed", "0.5", "--from", "2025-11-20T10:00:00+08:00", "--loop"]
    args = parser.parse_args(asked)
    playback = Playback(file=args.file, since_ms=args.since, speed=args.speed, is_looping=args.loop)
    again = parser.parse_args(["replay", "h.csv", *playback.options()])
    assert (again.speed, again.since, again.loop, again.until) == (0.5, T0, True, None)


@pytest.mark.parametrize("wrong", [["--speed", "0"], ["--speed", "fast"], ["--from", "2025-11-20T10:00:00"]])
def test_what_cannot_be_meant_is_refused_at_once(wrong, capsys):
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["replay", "h.csv", *wrong])
    assert "write" in capsys.readouterr().err


def test_a_scenario_is_recorded_without_waiting_for_it(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    register_devices(parser.add_subparsers())
    out = tmp_path / "recorded.csv"
    scenario = Path("firmware_sim/demo/scenario.yaml")
    args = parser.parse_args(["record", str(scenario), "--out", str(out), "--minutes", "0.5"])
    assert args.run(args) == 0
    history = read_history(out)
    assert {device.device for device in history.header.devices} == {"crane-1", "crane-2", "pit-1"}
    load = history.tracks["crane-2/load"]
    assert len(load.times) == 60
    assert load.values.max() > 1.0
    assert place_of(out, None, ["tower-crane"]).gateway["site"] == "demo"


def test_devices_that_speak_by_themselves_are_placed_like_those_that_are_asked(
    tmp_path: Path, file: Path, config: Path
) -> None:
    station = {"device": "dust-1", "profile": "hj212-dust-noise", "identity": "M1"}
    ear = {"bus": "dust", "hj212": {"listen": "0.0.0.0:9212"}, "devices": [station]}
    config.write_text(yaml.safe_dump({**GATEWAY, "buses": [*GATEWAY["buses"], ear]}))
    buses = place_of(file, config, ["tower-crane"]).gateway["buses"]
    assert buses[-1] == {
        "bus": "dust",
        "devices": [{"device": "dust-1", "profile": "hj212-dust-noise", "unit": 1}],
    }
    history = read_history(file)
    past = DevicePast(device="dust-1", profile="hj212-dust-noise")
    header = msgspec.structs.replace(history.header, devices=[*history.header.devices, past])
    both = tmp_path / "both.csv"
    write_history(both, history._replace(header=header))
    place = place_of(both, None, ["tower-crane"])
    assert place.header.devices[-1].device == "dust-1"
    played = cast_of(place.header, load_profiles(), both).devices[-1]
    assert isinstance(played.profile, ModbusProfile)
    assert played.keys == tuple(load_profiles()["hj212-dust-noise"].points)
