"""A site's configuration in a folder: what an operator would write by hand, with passwords of its own."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from string import Template

from firmware_sim.demo.broker import CONFIGURATION, PASSWORDS, RIGHTS, mosquitto_conf
from firmware_sim.demo.rights import ACL, OBSERVER, OBSERVER_ACL, password_lines
from firmware_sim.history import write_history
from firmware_sim.scenario import read_scenario

SCENARIO, GATEWAY, CLOUD = "scenario.yaml", "gateway.yaml", "cloud.yaml"
SCENE = "camera.yaml"


@dataclass(frozen=True, kw_only=True)
class SiteConfiguration:
    """The texts of a site's files.

    `${broker_port}`, `${web_port}`, `${bus_NAME_port}` and `${camera_NAME_url}` are filled in.
    """

    site: str
    gateway_id: str
    scenario: str
    gateway: str
    """Logs in as `{site}/{gateway_id}` with the password in `{gateway_id}.password`."""
    cloud: str
    """Logs in as `cloud` with the password in `cloud.password`."""
    histories: Mapping[str, str] = field(default_factory=dict)
    """By device: the file in which its past is written."""
    scenes: Mapping[str, str] = field(default_factory=dict)
    """By name: what stands beside the scenario for its cameras."""

    @property
    def gateway_user(self) -> str:
        """The MQTT user name of the gateway."""
        return f"{self.site}/{self.gateway_id}"


def demo_site() -> SiteConfiguration:
    """The site that `sitewarden demo` shows."""
    here = resources.files("firmware_sim.demo")
    scenario, gateway, cloud = (
        here.joinpath(name).read_text(encoding="utf-8") for name in (SCENARIO, GATEWAY, CLOUD)
    )
    return SiteConfiguration(
        site="demo",
        gateway_id="gw-1",
        scenario=scenario,
        gateway=gateway,
        cloud=cloud,
        histories={"pit-1": "pit-1-history.csv"},
        scenes={SCENE: here.joinpath(SCENE).read_text(encoding="utf-8")},
    )


@dataclass(frozen=True, kw_only=True)
class SiteFolder:
    """Where a site's files lie; writes each when what it needs is known."""

    folder: Path
    configuration: SiteConfiguration

    @property
    def scenario(self) -> Path:
        """What the simulator plays."""
        return self.folder / SCENARIO

    @property
    def gateway(self) -> Path:
        """What the edge agent runs on."""
        return self.folder / GATEWAY

    @property
    def cloud(self) -> Path:
        """What the cloud runs on."""
        return self.folder / CLOUD

    @property
    def ledger(self) -> Path:
        """The simulator's truth."""
        return self.folder / "ledger.jsonl"

    @property
    def outputs(self) -> Path:
        """What siren and lamp were told."""
        return self.folder / "outputs.jsonl"

    @property
    def gateway_data(self) -> Path:
        """The agent's own folder."""
        return self.folder / f"{self.configuration.gateway_id}-data"

    def write_scenario(self) -> None:
        """The scenario, and no ledger or outputs of an earlier run."""
        for name, scene in self.configuration.scenes.items():
            (self.folder / name).write_text(scene, encoding="utf-8")
        self.scenario.write_text(self.configuration.scenario, encoding="utf-8")
        for left_over in (self.ledger, self.outputs):
            left_over.unlink(missing_ok=True)

    def write_accounts(self, *, observer: bool) -> dict[str, str]:
        """Passwords for everybody, in the broker's files and in each program's own; by user."""
        users = ["cloud", self.configuration.gateway_user, *([OBSERVER] if observer else [])]
        passwords = {user: secrets.token_urlsafe(24) for user in users}
        self._write_secret(PASSWORDS, password_lines(passwords))
        self._write_secret(RIGHTS, ACL + (OBSERVER_ACL if observer else ""))
        self._write_secret("cloud.password", passwords["cloud"] + "\n")
        own = passwords[self.configuration.gateway_user]
        self._write_secret(f"{self.configuration.gateway_id}.password", own + "\n")
        return passwords

    def write_broker(self, port: int) -> None:
        """Mosquitto's configuration."""
        (self.folder / CONFIGURATION).write_text(mosquitto_conf(self.folder, port), encoding="utf-8")

    def write_cloud(self, *, broker_port: int, web_port: int) -> None:
        """The cloud's configuration."""
        filled = Template(self.configuration.cloud).substitute(broker_port=broker_port, web_port=web_port)
        self.cloud.write_text(filled, encoding="utf-8")

    def write_gateway(self, *, broker_port: int, web_port: int, simulated: Mapping[str, int | str]) -> None:
        """The gateway's configuration, and the past that its devices remember.

        `simulated` has the port of each bus and the address of each camera.
        """
        filled = Template(self.configuration.gateway).substitute(
            broker_port=broker_port,
            web_port=web_port,
            **{_placeholder(name, where): where for name, where in simulated.items()},
        )
        site, now = read_scenario(self.scenario), datetime.now(UTC)
        for device, name in self.configuration.histories.items():
            # A folder that is used again has its past already, and the gateway has imported it.
            if not (self.folder / name).exists():
                with (self.folder / name).open("w", encoding="utf-8", newline="") as out:
                    write_history(site, device, now, out)
        self.gateway.write_text(filled, encoding="utf-8")

    def _write_secret(self, name: str, text: str) -> None:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")


def _placeholder(name: str, where: int | str) -> str:
    plain = name.replace("-", "_")
    return f"bus_{plain}_port" if isinstance(where, int) else f"camera_{plain}_url"
