"""Every shipped profile from the simulated device to its page: whatever it reads, somebody can look at."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page

from firmware_sim.demo.running import RunningSite, free_port, prepare_folder
from firmware_sim.demo.site import SiteConfiguration
from sitewarden.profiles import load_profiles
from sitewarden.profiles.model import FrameProfile, Hj212Profile, ModbusProfile, Profile
from tests.browser.visiting import Visit, until, visit
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.timeout(400)

PROFILES = {name: load_profiles()[name] for name in sorted(load_profiles())}
TOKEN = "no-secret-of-anybody"
PASSING = {"kind": "simple", "points": {"passage": {"form": "sine", "low": -1, "high": 1, "period_s": 4}}}
CLOUD = """\
listen: 127.0.0.1:${web_port}
data_dir: cloud-data
demo: true
broker: {host: 127.0.0.1, port: ${broker_port}, username: cloud, password_file: cloud.password}
sites:
  - {site: all, name: {zh: 全部, en: All}, time_zone: Asia/Shanghai, gateways: [gw-1]}
"""


def instruments_of(profile: Profile) -> dict[str, Any]:
    """What the certificates and drawings of a site say, without which some profiles' numbers say nothing."""
    by_kind: dict[str, list[str]] = {}
    for key, point in profile.points.items():
        by_kind.setdefault(point.kind, []).append(key)
    if wires := by_kind.get("pit.vibrating_wire.frequency"):
        certificate = {"gives": "pit.strut.force", "g": 0.05, "r0": 6000.0, "k": 0.8, "t0": 20.0}
        return {"vibrating_wires": {key: {**certificate, "temperature": f"t{key[1:]}"} for key in wires}}
    if cells := by_kind.get("pit.hydrostatic_level"):
        return {"levellings": {"north": {"reference": cells[0], "cells": cells[1:]}}}
    if profile.profile == "reference-inclinometer-chain":
        elements = [{"point": key, "length_m": 2} for key in by_kind["tilt.x"]]
        return {"inclinometers": {"wall": {"toe_m": 2 * len(elements), "elements": elements}}}
    return {}


def way_of(profile: Profile, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """How the simulator speaks, and how the gateway listens (on `port`) or asks."""
    listen = {"listen": f"127.0.0.1:{port}"}
    if isinstance(profile, ModbusProfile):
        return {}, {"modbus": {"transport": "tcp", "host": "127.0.0.1", "port": "PORT"}}
    if isinstance(profile, Hj212Profile):
        return {"transport": "hj212", "port": port}, {"hj212": listen}
    if isinstance(profile, FrameProfile):
        return {"transport": "frames", "port": port}, {
            "frames": {**listen, "protocol": profile.frames.protocol}
        }
    return {"transport": "http-push", "port": port}, {"http_push": listen}


def bus_of(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The profile's one device on a bus of its own, as scenario and gateway have it."""
    profile = PROFILES[name]
    simulated, heard = way_of(profile, free_port())
    device: dict[str, Any] = {"device": name, "profile": name}
    ours = dict(device)
    if isinstance(profile, ModbusProfile):
        device["unit"] = ours["unit"] = 1
        heard["modbus"]["port"] = f"${{bus_{name.replace('-', '_')}_port}}"
        # A logger is read every ten minutes: whose first answer is lost would be waited for so long.
        ours["interval_ms"] = 2_000
    else:
        device |= {"identity": "GY0017", "every_ms": 1000}
        ours["identity"] = "GY0017"
    if "http_push" in heard:
        device["token"], ours["token_file"] = TOKEN, "token"
    if name == "generic-access-gate":
        device["physics"] = PASSING
    if profile.device_kind == "crane":
        device["load_chart"] = ours["load_chart"] = "tc5610-like"
    zeros = {"pit.hydrostatic_level", "tilt.x", "pit.displacement.horizontal", "pit.displacement.vertical"}
    if profile.device_kind == "pit":
        ours["zero"] = {key: 0.0 for key, point in profile.points.items() if point.kind in zeros}
    if instruments := instruments_of(profile):
        ours["instruments"] = instruments
    return {"bus": name, **simulated, "devices": [device]}, {"bus": name, **heard, "devices": [ours]}


def configuration() -> SiteConfiguration:
    """A site with one device of each."""
    pairs = [bus_of(name) for name in PROFILES]
    gateway = {
        "site": "all",
        "gateway": "gw-1",
        "mode": "live",
        "data_dir": "gw-1-data",
        "broker": {
            "host": "127.0.0.1",
            "port": "${broker_port}",
            "username": "all/gw-1",
            "password_file": "gw-1.password",
        },
        "outputs": [{"driver": "log", "file": "outputs.jsonl"}],
        "rules": [],
        "buses": [heard for _, heard in pairs],
    }
    scenario = {"scenario": "all", "seed": 3, "buses": [simulated for simulated, _ in pairs]}
    return SiteConfiguration(
        site="all",
        gateway_id="gw-1",
        scenario=yaml.safe_dump(scenario, allow_unicode=True),
        gateway=yaml.safe_dump(gateway, allow_unicode=True).replace("'${", "${").replace("}'", "}"),
        cloud=CLOUD,
    )


@pytest.fixture
def visitor(browser: Browser, built_pages: Path) -> Iterator[Visit]:
    """Somebody at that site."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-profiles-") as made:
        folder = Path(made).resolve()
        prepare_folder(folder, wipe=False)
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        with RunningSite(folder, configuration()) as site:
            come = visit(browser, site.url)
            yield come
            come.close()


def test_whatever_a_shipped_profile_reads_is_on_its_device_s_page(visitor: Visit) -> None:
    page = visitor.open("/sites/all")
    wanted = {f"{name}/{key}" for name, profile in PROFILES.items() for key in profile.points}
    unread = set(wanted)

    def all_read() -> bool:
        # Each once: on a busy machine now this device answers too late, now that one.
        values = visitor.ask("/sites/all/values")["values"]
        unread.difference_update(point for point, value in values.items() if value["quality"] == "good")
        return not unread

    until(page, all_read, "a good value of every point", within_s=PATIENCE_S)
    for name in PROFILES:
        visitor.open(f"/sites/all/devices/{name}")
        own = {point for point in wanted if point.startswith(f"{name}/")}
        until(page, lambda own=own: own <= shown(page), f"every point of {name}")  # type: ignore[misc]


def shown(page: Page) -> set[str]:
    """The points that somebody sees with what they say."""
    return set(
        page.locator("[data-point]").evaluate_all(
            "all => all.filter((one) => one.checkVisibility()"
            " && one.querySelector('dd, .word')?.textContent.trim()).map((one) => one.dataset.point)"
        )
    )
