"""Simulated devices that speak by themselves, heard by the gateway's own ears over real connections."""

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.drivers.hj212 import crc
from firmware_sim.ledger import Ledger
from firmware_sim.run import run
from firmware_sim.scenario import Site, read_scenario
from firmware_sim.speaking import hj212, speaker
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import ModbusProfile, load_profiles
from sitewarden.profiles.model import FrameProfile, Hj212Profile, Profile
from tests.edge.conftest import GATEWAY
from tests.edge.speaking import TOKEN, Heard, ear_of, listening
from tests.support.broker import Broker
from tests.support.waiting import ended, until

SPEAKING = {name: p for name, p in load_profiles().items() if not isinstance(p, ModbusProfile)}
IDENTITY = "GY0017"


def way_of(profile: Profile) -> tuple[str, dict[str, Any]]:
    """The simulator's transport, and the gateway's ear for it."""
    listen = {"listen": "127.0.0.1:0"}
    if isinstance(profile, Hj212Profile):
        return "hj212", {"hj212": listen}
    if isinstance(profile, FrameProfile):
        return "frames", {"frames": {**listen, "protocol": profile.frames.protocol}}
    return "http-push", {"http_push": listen}


@contextlib.asynccontextmanager
async def heard(folder: Path, name: str) -> AsyncIterator[Heard]:
    """A gateway's ear for one device of that profile."""
    profile = SPEAKING[name]
    device: dict[str, Any] = {"device": "d-1", "profile": name, "identity": IDENTITY}
    transport, way = way_of(profile)
    if transport == "http-push":
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        device["token_file"] = "token"
    if profile.device_kind == "crane":
        device["load_chart"] = "tc5610-like"
    gateway = {**copy.deepcopy(GATEWAY), "rules": []}
    async with listening(ear_of(folder, gateway, {**way, "devices": [device]})) as ear:
        yield ear


def scenario(folder: Path, name: str, port: int, **more: Any) -> Site:
    """One device of that profile that speaks to that port."""
    transport, _ = way_of(SPEAKING[name])
    device = {"device": "d-1", "profile": name, "identity": IDENTITY, "every_ms": 100}
    if transport == "http-push":
        device["token"] = TOKEN
    device |= more.pop("device", {})
    bus = {"bus": "ear", "transport": transport, "port": port, "devices": [device]} | more.pop("bus", {})
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump({"scenario": "spoken", "seed": 5, "buses": [bus], **more}))
    return read_scenario(file)


@contextlib.asynccontextmanager
async def playing(site: Site) -> AsyncIterator[None]:
    with Ledger(None) as ledger:
        task = asyncio.create_task(run(site, ledger, None))
        try:
            yield
        finally:
            await ended(task)


@pytest.mark.parametrize("name", SPEAKING)
async def test_what_a_simulated_device_says_is_what_a_gateway_hears(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, float | None]] = []
    voice_of = speaker.voice_of

    def overheard(cast: Any) -> Any:
        voice = voice_of(cast)
        say = voice.say

        def saying(values: Any, at: Any) -> Any:
            for utterance in say(values, at):
                said.append(dict(utterance.said))
                yield utterance

        voice.say = saying  # type: ignore[method-assign]
        return voice

    monkeypatch.setattr(speaker, "voice_of", overheard)
    passing = {"passage": {"form": "sine", "low": -1, "high": 1, "period_s": 2}}
    physics = {"physics": {"kind": "simple", "points": passing}} if name == "generic-access-gate" else {}
    async with heard(tmp_path, name) as ear, playing(scenario(tmp_path, name, ear.port, device=physics)):
        await until(lambda: len(ear.came.live) >= 5 * len(SPEAKING[name].points))
        await until(lambda: len({r.point for r in ear.came.live}) == len(SPEAKING[name].points))
        assert ear.traffic.broken == 0
        assert ear.traffic.exceptions == 0
        found = {r.point.removeprefix("d-1/"): set() for r in ear.came.live}  # type: ignore[var-annotated]
        for reading in ear.came.live:
            found[reading.point.removeprefix("d-1/")].add(reading.value)
        for key, values in found.items():
            assert values <= {one[key] for one in said if key in one}, key
        assert found.keys() == SPEAKING[name].points.keys()
        assert {r.quality.word for r in ear.came.live} == {"good"}


FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "wrong checksums": ({"fault": "crc"}, lambda ear: ear.traffic.broken > 2),
    "cut messages": ({"fault": "truncated", "lost_bytes": 9}, lambda ear: ear.traffic.broken > 2),
    "noise": ({"fault": "garbage", "bytes": 60}, lambda ear: ear.traffic.broken > 2),
    "everything twice": ({"fault": "duplicate"}, lambda ear: ear.traffic.late > 2),
    "a clock a day ahead": (
        {"fault": "clock_jump", "by_s": 86_400},
        lambda ear: (None, "clock") in ear.came.of("d-1/noise"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_wrong_is_counted_or_bad_and_never_a_wrong_value(fault: str, tmp_path: Path) -> None:
    keys, shows = FAULTS[fault]
    constant = {"noise": {"form": "constant", "value": 61.5}}
    async with heard(tmp_path, "hj212-dust-noise") as ear:
        site = scenario(
            tmp_path,
            "hj212-dust-noise",
            ear.port,
            device={"physics": {"kind": "simple", "points": constant}},
            faults=[{"device": "d-1", **keys}],
        )
        async with playing(site):
            await until(lambda: shows(ear))
            assert {value for value, _ in ear.came.of("d-1/noise")} <= {61.5, None}


async def test_a_crane_whose_clock_jumped_is_set_right_by_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker, "GREET_S", 4.0)
    async with heard(tmp_path, "goyo-tower-crane") as ear:
        jump = {"fault": "clock_jump", "device": "d-1", "by_s": -3600, "at_s": 0.5}
        async with playing(scenario(tmp_path, "goyo-tower-crane", ear.port, faults=[jump])):
            await until(lambda: ear.came.of("d-1/load")[-1:] == [(None, "clock")])
            await until(lambda: ear.came.of("d-1/load")[-1][1] == "good")


async def test_a_line_that_is_cut_comes_back(tmp_path: Path) -> None:
    async with heard(tmp_path, "hj212-dust-noise") as ear:
        cut = {"fault": "disconnect", "bus": "ear", "at_s": 0.5, "for_s": 0.5}
        async with playing(scenario(tmp_path, "hj212-dust-noise", ear.port, faults=[cut])):
            await until(lambda: ear.task._present)
            await until(lambda: not ear.task._present)
            before = len(ear.came.live)
            await until(lambda: len(ear.came.live) > before)


async def test_devices_publish_on_a_broker(tmp_path: Path, broker: Broker) -> None:
    user, cloud, topic = broker.add_user("devices/two"), broker.cloud, "sw/1/live/devices/two/up/tags"
    (tmp_path / "password").write_text(cloud.password)
    (tmp_path / "password").chmod(0o600)
    way = {
        "host": broker.host,
        "port": broker.port,
        "username": cloud.username,
        "password_file": "password",
    }
    device = {"device": "d-1", "profile": "generic-positioning", "identity": topic}
    gateway = {**copy.deepcopy(GATEWAY), "rules": []}
    account = {"transport": "mqtt-json", "username": user.username, "password": user.password}
    site = scenario(
        tmp_path, "generic-positioning", broker.port, bus=account, device={"identity": topic, "token": None}
    )
    async with listening(ear_of(tmp_path, gateway, {"mqtt_json": way, "devices": [device]})) as ear:
        await until(lambda: ear.task._present)
        async with playing(site):
            await until(lambda: len(ear.came.values("d-1/inside")) > 2)
        assert {quality for _, quality in ear.came.of("d-1/inside")} == {"good"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bus": {"transport": "tcp"}}, "buses.0.devices.0.unit"),
        ({"bus": {"port": 0}}, "buses.0.port"),
        ({"bus": {"transport": "http-push"}}, "buses.0.devices.0.profile"),
        ({"device": {"identity": None}}, "buses.0.devices.0.identity"),
        ({"faults": [{"fault": "exception", "device": "d-1"}]}, "faults.0.device"),
        ({"faults": [{"fault": "byte_swap", "device": "d-1"}]}, "faults.0.points"),
    ],
)
def test_a_scenario_that_cannot_be_meant_names_the_field(
    changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        scenario(tmp_path, "hj212-dust-noise", 9212, **changes)
    assert refused.value.field == field
    assert refused.value.mend


@pytest.mark.parametrize("text", [b"", b"\0", b"QN=1", bytes(range(256))])
def test_both_sides_of_the_wire_know_the_checksum_by_themselves(text: bytes) -> None:
    assert hj212.checksum(text) == crc(text)
