"""A private stack that plays a history: the programs of a site, as the demo has them, but harmless."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from firmware_sim.demo.processes import sitewarden
from firmware_sim.demo.running import HOST, BrokerKind, RunningSite
from firmware_sim.demo.site import SiteConfiguration, SiteFolder
from firmware_sim.replay.cast import bus_of, is_camera
from firmware_sim.replay.place import Place, chart_file, rules_file
from firmware_sim.replay.run import Playback
from sitewarden.loadchart import LoadChart

USER = "replay"
"""On the broker: may write under `sw/1/replay/` and nowhere else."""
HEADER, CONTROL = "header.json", "replay.sock"
TIMEOUT_MS = 2000
"""A busy machine may take long; recorded time stands still meanwhile."""


class _Configuration(SiteConfiguration):
    """The gateway logs in as the replay's user."""

    @property
    def gateway_user(self) -> str:
        return USER


@dataclass(frozen=True, kw_only=True)
class _Folder(SiteFolder):
    place: Place

    def write_scenario(self) -> None:
        """What is played, in place of a scenario."""
        (self.folder / HEADER).write_bytes(msgspec.json.encode(self.place.header))

    def write_cloud(self, *, broker_port: int, web_port: int) -> None:
        """A cloud that shows nothing but this replay."""
        header = self.place.header
        site, gateway = self.place.gateway["site"], self.place.gateway["gateway"]
        name = {"zh": header.name.zh, "en": header.name.en} if header.name else {"zh": site, "en": site}
        cloud = {
            "listen": f"{HOST}:{web_port}",
            "data_dir": "cloud-data",
            "broker": {
                "host": HOST,
                "port": broker_port,
                "username": "cloud",
                "password_file": "cloud.password",
            },
            "demo": True,
            "replay": {"control": CONTROL},
            "sites": [{"site": site, "name": name, "time_zone": header.time_zone, "gateways": [gateway]}],
        }
        self.cloud.write_text(_yaml(cloud), encoding="utf-8")

    def write_gateway(self, *, broker_port: int, web_port: int, simulated: Mapping[str, int | str]) -> None:
        """The gateway's file as it was, but that nothing of it leaves this machine or sounds anywhere."""
        del web_port  # a replay takes no pictures there
        gateway: dict[str, Any] = {
            **self.place.gateway,
            "mode": "replay",
            "data_dir": f"{self.configuration.gateway_id}-data",
            "broker": {
                "host": HOST,
                "port": broker_port,
                "username": USER,
                "password_file": f"{self.configuration.gateway_id}.password",
            },
            "outputs": [{"driver": "log", "file": self.outputs.name}],
            "buses": [
                {**bus, "modbus": _line(int(simulated[bus["bus"]]))} for bus in self.place.gateway["buses"]
            ],
            "cameras": list(self._cameras(simulated)),
        }
        self.gateway.write_text(_yaml(gateway), encoding="utf-8")
        for i, pack in enumerate(self.place.packs):
            (self.folder / rules_file(i)).write_text(_yaml(msgspec.to_builtins(pack)), encoding="utf-8")
        for i, device in enumerate(self.place.header.devices):
            if device.chart is not None:
                chart = self.folder / chart_file(i)
                chart.write_text(_chart(device.chart), encoding="utf-8")

    def _cameras(self, simulated: Mapping[str, int | str]) -> Iterator[dict[str, Any]]:
        """Each where the replay serves what it said; its real address is nowhere."""
        seen = {device.device: device for device in self.place.header.devices if is_camera(device)}
        for camera in self.place.gateway["cameras"]:
            device = seen[camera["camera"]]
            yield {**camera, "url": f"replay://{HOST}:{simulated[bus_of(device)]}/{device.unit}"}


class ReplayingSite(RunningSite):
    """`with ReplayingSite(...)` plays a history and is there when the pages answer; leaving stops all."""

    def __init__(
        self,
        folder: Path,
        place: Place,
        playback: Playback,
        *,
        web_port: int = 0,
        broker_kind: BrokerKind | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """As `RunningSite`; `folder` should be empty: what was replayed in it before stays in its cloud."""
        configuration = _Configuration(
            site=place.gateway["site"],
            gateway_id=place.gateway["gateway"],
            scenario="",
            gateway="",
            cloud="",
        )
        super().__init__(folder, configuration, web_port=web_port, broker_kind=broker_kind, say=say)
        self.files = _Folder(folder=folder, configuration=configuration, place=place)
        self._playback, self._profiles = playback, place.profiles

    @property
    def control(self) -> Path:
        """The socket by which the replay is controlled."""
        return self.files.folder / CONTROL

    def _simulator(self, ports_file: Path) -> list[str]:
        played = self._playback.options()
        profiles = [option for folder in self._profiles for option in ("--profiles", str(folder))]
        return sitewarden(
            "sim",
            "replay",
            self._playback.file,
            *played,
            *profiles,
            *("--header", self.files.folder / HEADER),
            *("--control", self.control),
            *("--ports-file", ports_file),
        )


def _line(port: int) -> dict[str, Any]:
    return {"transport": "tcp", "host": HOST, "port": port, "timeout_ms": TIMEOUT_MS}


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _chart(chart: LoadChart) -> str:
    return _yaml(msgspec.to_builtins(chart, str_keys=False))
