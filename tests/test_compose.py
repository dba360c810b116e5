"""docker-compose.yml is checked without a container engine, so that it cannot rot where nobody has one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud.settings import read_settings
from edge.config import load_gateway
from firmware_sim.scenario import read_scenario
from tests.cloud.ingest.over_mqtt import wait_for
from tests.support.authority import TestAuthority
from tests.support.broker import (
    ACCEPTED,
    Broker,
    Credentials,
    configuration,
    connack,
    free_port,
    password_hash,
)

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
CONFIGURATION = ROOT / "deploy" / "compose"
PROGRAM = Path(sys.executable).with_name("sitewarden")
MEANT_TO_BE_PUBLIC: set[str] = set()
NOT_AUTHORISED = 5
MADE_BY_INIT = {ROOT / "deploy" / "secrets" / "broker"}


def read(name: str) -> dict[str, Any]:
    """One of the installation's configuration files."""
    loaded: dict[str, Any] = yaml.safe_load((CONFIGURATION / name).read_text(encoding="utf-8"))
    return loaded


def bind_mounts(service: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where a service's mounted files lie here, and where they appear in the container."""
    for volume in service.get("volumes", []):
        source, target = volume.split(":")[:2]
        if source.startswith("."):
            yield ROOT / source, target


def strings(node: object) -> Iterator[tuple[str, str]]:
    """Every text value in a document with its key."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if isinstance(value, str):
            yield str(key), value
        yield from strings(value)


@pytest.mark.parametrize("name", SERVICES)
def test_everything_a_service_mounts_or_builds_from_exists(name: str) -> None:
    service = SERVICES[name]
    missing = [
        str(source)
        for source, _ in bind_mounts(service)
        if source not in MADE_BY_INIT and not source.is_file()
    ]
    build = service.get("build")
    if build:
        dockerfile = (ROOT / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")
        assert re.search(rf"^FROM \S+ AS {build['target']}$", dockerfile, re.MULTILINE)
    assert not missing


def test_everything_the_images_are_built_from_exists() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    assert copied
    assert [path for line in copied for path in line.split() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", BUILT)
def test_the_command_of_our_services_exists_and_its_configuration_is_mounted(name: str) -> None:
    *command, configuration = BUILT[name]["command"]
    asked = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert f"sitewarden {' '.join(command)}" in asked.stdout
    assert configuration in [target for _, target in bind_mounts(BUILT[name])]


def test_every_image_is_pinned_to_a_version() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r" AS (\S+)$", dockerfile, re.MULTILINE))
    images = [image for image in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) if image not in stages]
    images += [service["image"] for service in SERVICES.values() if "image" in service]
    assert [image for image in images if not re.search(r":\d+[.\d]*(-|$)", image)] == []


def test_ports_are_open_to_this_machine_only() -> None:
    ports = [(name, port) for name, service in SERVICES.items() for port in service.get("ports", [])]
    assert ports
    assert [
        port for name, port in ports if not port.startswith("127.0.0.1:") and name not in MEANT_TO_BE_PUBLIC
    ] == []


def test_no_password_is_written_anywhere() -> None:
    documents = [COMPOSE, *(yaml.safe_load(path.read_text()) for path in CONFIGURATION.glob("*.yaml"))]
    secret = re.compile(r"password|passwd|secret|token", re.IGNORECASE)
    named = [(key, value) for document in documents for key, value in strings(document) if secret.search(key)]
    assert named
    assert [pair for pair in named if not re.search(r"/secrets/", pair[1]) and not pair[0].isdigit()] == []
    assert "password=" not in "".join(value for document in documents for _, value in strings(document))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_healthy_and_gains_no_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", [*BUILT, "broker"])
def test_our_services_run_as_an_ordinary_user_on_a_read_only_system(name: str) -> None:
    assert SERVICES[name]["user"].startswith("${SITEWARDEN_UID:?")
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_every_secret_a_configuration_reads_is_given_to_that_service() -> None:
    for name, file in (("cloud", "cloud.yaml"), ("gateway", "gateway.yaml")):
        given = {
            secret if isinstance(secret, str) else secret["target"] for secret in SERVICES[name]["secrets"]
        }
        read_there = set(re.findall(r"/run/secrets/([\w.-]+)", (CONFIGURATION / file).read_text()))
        assert read_there == given


def test_the_gateway_logs_in_under_the_name_that_the_broker_grants_its_branch_to() -> None:
    gateway = read("gateway.yaml")
    assert gateway["broker"]["username"] == f"{gateway['site']}/{gateway['gateway']}"
    assert f"{gateway['site']}_{gateway['gateway']}.password" in COMPOSE["secrets"]


def test_the_gateway_asks_the_simulated_site_for_what_stands_there() -> None:
    scenario = read_scenario(CONFIGURATION / "scenario.yaml").scenario
    stands = {(bus.port, device.unit, device.profile) for bus in scenario.buses for device in bus.devices}
    buses = read("gateway.yaml")["buses"]
    asked = {
        (bus["modbus"]["port"], device["unit"], device["profile"])
        for bus in buses
        for device in bus["devices"]
    }
    assert asked == stands
    assert {bus["modbus"]["host"] for bus in buses} == {"site"}


def test_the_programs_take_their_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("for this test\n")
    (tmp_path / "secret").chmod(0o600)
    for file in ("cloud.yaml", "gateway.yaml"):
        content = re.sub(
            r"/run/secrets/(cloud|gateway)\.password|/secrets/broker/passwords",
            str(tmp_path / "secret"),
            (CONFIGURATION / file).read_text(),
        )
        (tmp_path / file).write_text(re.sub(r"/data\b", str(tmp_path), content))
    gateway = load_gateway(tmp_path / "gateway.yaml")
    assert {device.name for device in gateway.devices} == {"crane-1", "pit-1"}
    assert gateway.name in read_settings(tmp_path / "cloud.yaml").sites[gateway.site].gateways


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A folder in which the secrets have been made."""
    (tmp_path / "deploy").mkdir()
    make_secrets(tmp_path)
    return tmp_path


def make_secrets(root: Path, *gateways: str) -> None:
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "compose-init", "--root", root, *gateways],
        check=True,
        capture_output=True,
    )


def test_every_secret_that_compose_names_is_made(installation: Path) -> None:
    made = [(installation / secret["file"]) for secret in COMPOSE["secrets"].values()]
    made += [
        installation / folder.relative_to(ROOT) / Path(password_file).name
        for folder in MADE_BY_INIT
        for password_file in [read("cloud.yaml")["enrolment"]["password_file"]]
    ]
    assert [path for path in made if not path.is_file()] == []
    assert {path.stat().st_mode & 0o077 for path in made} == {0}


def test_making_secrets_again_keeps_them_and_adds_a_gateway(installation: Path) -> None:
    folder = installation / "deploy" / "secrets"
    before = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    (folder / "broker" / "passwords").rename(folder / "passwords")  # where an earlier version kept them
    make_secrets(installation, "site-b/gw-7")
    after = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert set(after) - set(before) == {"site-b_gw-7.password"}
    assert after["passwords"].startswith(before["passwords"])
    assert {name: after[name] for name in before if name != "passwords"} == {
        name: before[name] for name in before if name != "passwords"
    }


def test_the_broker_accepts_the_secrets_that_were_made(installation: Path, fresh_broker: Broker) -> None:
    folder = installation / "deploy" / "secrets"
    fresh_broker.stop()
    ours = fresh_broker.folder / "passwords"
    probe = next(line for line in ours.read_text().splitlines() if line.startswith("probe/"))
    ours.write_text(f"{probe}\n{(folder / 'broker' / 'passwords').read_text()}")
    fresh_broker.start()
    for user, file in (("cloud", "cloud.password"), ("demo/gw-1", "demo_gw-1.password")):
        credentials = Credentials(username=user, password=(folder / file).read_text().strip())
        assert connack(fresh_broker.port, credentials) == ACCEPTED


def test_the_broker_s_start_lets_it_read_passwords_again(mosquitto: str, tmp_path: Path) -> None:
    """As in its container: nobody else can signal the broker there."""
    stranger = Credentials(username="demo/gw-9", password=f"for {tmp_path.name}")
    broker = Broker(tmp_path, program=mosquitto)
    broker.port = free_port()
    (tmp_path / "mosquitto.conf").write_text(configuration(tmp_path, broker.port))
    secrets = tmp_path / "passwords"
    environment = {**os.environ, "PATH": f"{Path(mosquitto).parent}:{os.environ['PATH']}"}
    command = ["sh", ROOT / "deploy" / "mosquitto" / "start", tmp_path / "mosquitto.conf", secrets]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as started:
        try:
            wait_for(lambda: connack(broker.port, stranger) == NOT_AUTHORISED, "the broker")
            line = f"{stranger.username}:{password_hash(stranger.password, b'twelve bytes')}\n"
            (tmp_path / "new").write_text(secrets.read_text() + line)
            (tmp_path / "new").replace(secrets)
            wait_for(lambda: connack(broker.port, stranger) == ACCEPTED, "the new password")
        finally:
            started.terminate()
        assert started.wait(10) == 0
    assert connack(broker.port, stranger) is None, "the broker ends with its shell"


def test_the_configuration_with_certificates_differs_in_them_alone_and_can_be_meant(tmp_path: Path) -> None:
    text = (CONFIGURATION / "cloud-certificates.yaml").read_text(encoding="utf-8")
    plain, certified = read("cloud.yaml"), read("cloud-certificates.yaml")
    assert {key for key in certified if certified[key] != plain.get(key)} == {"enrolment"}
    authority = TestAuthority(tmp_path / "secrets" / "ca")
    for name in ("broker/passwords", "broker/revoked.crl"):
        (tmp_path / "secrets" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "secrets" / name).touch()
    (tmp_path / "cloud.password").write_text("secret")
    text = text.replace("/secrets/", f"{tmp_path}/secrets/").replace("/run/secrets/", f"{tmp_path}/")
    text = text.replace(f"/run{tmp_path}/secrets/", f"{tmp_path}/")
    (tmp_path / "cloud.yaml").write_text(text, encoding="utf-8")
    enrolment = read_settings(tmp_path / "cloud.yaml").enrolment
    assert enrolment is not None
    assert enrolment.certificates is not None
    assert enrolment.ca == authority.ca.read_text()
    assert (enrolment.host, enrolment.certificates.host) == ("broker.example.org", "broker")


def test_with_certificates_the_broker_gets_every_file_but_the_authority_s_key() -> None:
    more = yaml.safe_load((ROOT / "docker-compose.certificates.yml").read_text(encoding="utf-8"))["services"]
    assert set(more) <= set(SERVICES)
    for service in more.values():
        for source, _ in bind_mounts(service):
            assert source.exists() or source == ROOT / "deploy" / "secrets" / "ca"
    assert not any("secrets/ca" in volume for volume in more["broker"]["volumes"])
    # What the listener names lies in the folder that broker and cloud share.
    listener = (ROOT / "deploy" / "mosquitto" / "certificates.conf").read_text(encoding="utf-8")
    named = re.findall(r"^(?:cafile|certfile|keyfile|crlfile) (.*)/", listener, re.MULTILINE)
    assert named == ["/mosquitto/secrets"] * 4
