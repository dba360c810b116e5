"""docker-compose.yml is checked without a container engine, so that it cannot rot where nobody has one."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cloud.ingest.link import SHARED
from cloud.metrics.every import EVERY
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
from tests.support.timescale import SERVER
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
CONFIGURATION = ROOT / "deploy" / "compose"
PROGRAM = Path(sys.executable).with_name("sitewarden")
MEANT_TO_BE_PUBLIC: set[str] = set()
NOT_AUTHORISED = 5
PROGRAMS = ("migrate", "ingest", "web")
"""Of the cloud: one configuration for all."""
SHARED_BY_BROKER = ROOT / "deploy" / "secrets" / "broker"
MADE_BY_INIT = {
    SHARED_BY_BROKER,
    *(ROOT / "deploy" / "state" / name for name in ("prometheus", "grafana")),
}


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
    assert [image for image in images if not re.search(r":v?\d+[.\d]*(-|$)", image)] == []


def test_ports_are_open_to_this_machine_only() -> None:
    ports = [(name, port) for name, service in SERVICES.items() for port in service.get("ports", [])]
    assert ports
    here = ("127.0.0.1:", "${SITEWARDEN_ADDRESS:-127.0.0.1}:")
    assert [
        port for name, port in ports if not port.startswith(here) and name not in MEANT_TO_BE_PUBLIC
    ] == []
    # Whatever may be opened to others speaks TLS: the web by its setting, the broker by its listener.
    opened = {port.rpartition(":")[2] for _, port in ports if port.startswith("${")}
    assert opened == {read("cloud.yaml")["listen"].rpartition(":")[2], "8884"}
    assert read("cloud.yaml")["tls"]


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
    # What ends when it is done has no health; who waits for it waits for its end.
    assert name == "migrate" or service["healthcheck"]["test"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", [*BUILT, "broker", "prometheus", "grafana"])
def test_our_services_run_as_an_ordinary_user_on_a_read_only_system(name: str) -> None:
    assert SERVICES[name]["user"].startswith("${SITEWARDEN_UID:?")
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_every_secret_a_configuration_reads_is_given_to_that_service() -> None:
    for name, file in (*((name, "cloud.yaml") for name in PROGRAMS), ("gateway", "gateway.yaml")):
        given = {
            secret if isinstance(secret, str) else secret["target"] for secret in SERVICES[name]["secrets"]
        }
        read_there = set(re.findall(r"/run/secrets/([\w.-]+)", (CONFIGURATION / file).read_text()))
        assert read_there == given
    for name, files in (
        ("prometheus", ["deploy/prometheus/prometheus.yaml"]),
        ("grafana", ["docker-compose.yml"]),
    ):
        text = "".join((ROOT / file).read_text() for file in files)
        assert set(SERVICES[name]["secrets"]) <= set(re.findall(r"/run/secrets/([\w.-]+)", text))


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
    make_secrets(tmp_path)
    made = tmp_path / "deploy" / "secrets"
    for file in ("cloud.yaml", "gateway.yaml"):
        content = re.sub(
            r"/run/secrets/(cloud|gateway)\.password|/secrets/broker/passwords",
            str(tmp_path / "secret"),
            (CONFIGURATION / file).read_text(),
        )
        content = re.sub(r"/run/secrets/((?:ca|web)\.\w+)", rf"{made}/tls/\1", content)
        content = content.replace("/run/secrets/metrics.token", str(made / "metrics.token"))
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
    shared = installation / SHARED_BY_BROKER.relative_to(ROOT)
    made += [shared / Path(read("cloud.yaml")["enrolment"]["password_file"]).name]
    broker = (ROOT / "deploy" / "mosquitto" / "tls.conf").read_text(encoding="utf-8")
    made += [shared / name for name in re.findall(r" /mosquitto/secrets/(\S+)", broker)]
    assert [path for path in made if not path.is_file()] == []
    assert [path for path in MADE_BY_INIT if not (installation / path.relative_to(ROOT)).is_dir()] == []
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
        assert started.wait(PATIENCE_S) == 0
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
    make_secrets(tmp_path)
    made = tmp_path / "deploy" / "secrets"
    text = re.sub(r"/run/secrets/(web\.\w+)", rf"{made}/tls/\1", text)
    text = text.replace("/run/secrets/metrics.token", str(made / "metrics.token")).replace(
        "/run/secrets/cloud.password", str(tmp_path / "cloud.password")
    )
    text = re.sub(r"(?<=[ :])/secrets/", f"{tmp_path}/secrets/", text)
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


def test_workers_can_be_added_and_one_of_all_brings_the_database_up_to_date() -> None:
    ingest = SERVICES["ingest"]
    assert not {"ports", "container_name"} & set(ingest), "two of them would stand in each other's way"
    assert SHARED.startswith("$share/")
    for name in ("web", "ingest"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert [name for name, service in SERVICES.items() if service.get("restart") != "unless-stopped"] == [
        "migrate"
    ]


def test_every_network_that_a_service_names_is_there_and_the_database_is_on_no_open_one() -> None:
    networks = COMPOSE["networks"]
    assert {net for service in SERVICES.values() for net in service["networks"]} == set(networks)
    assert [networks[net] for net in SERVICES["database"]["networks"]] == [{"internal": True}]
    for name, service in SERVICES.items():
        if "ports" in service:
            assert any(not (networks[net] or {}).get("internal") for net in service["networks"]), name


def test_the_broker_takes_gateways_over_tls_alone_where_others_reach_it(
    mosquitto: str, installation: Path, tmp_path: Path
) -> None:
    folder = installation / "deploy" / "secrets"
    plain, guarded = free_port(), free_port()
    told = SERVICES["broker"]["command"][-1]
    names = re.findall(r"/mosquitto/config/(\S+)", told.partition(">")[0])
    assert names == ["mosquitto.conf", "tls.conf"]
    text = "".join((ROOT / "deploy" / "mosquitto" / name).read_text(encoding="utf-8") for name in names)
    text = text.replace("/mosquitto/secrets", str(folder / "broker"))
    text = text.replace("/mosquitto/config/acl", str(ROOT / "deploy" / "mosquitto" / "acl"))
    text = text.replace("listener 1883", f"listener {plain}").replace("listener 8884", f"listener {guarded}")
    (tmp_path / "mosquitto.conf").write_text(f"{text}user root\n", encoding="utf-8")
    command = [mosquitto, "-c", tmp_path / "mosquitto.conf"]
    trusting = ssl.create_default_context(cafile=folder / "tls" / "ca.crt")
    stranger = Credentials(username="demo/gw-9", password=f"for {tmp_path.name}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as broker:
        try:
            wait_for(
                lambda: connack(plain, stranger) == NOT_AUTHORISED, "the broker, which takes nobody unnamed"
            )
            with (
                socket.create_connection(("127.0.0.1", guarded), 5) as raw,
                trusting.wrap_socket(raw, server_hostname="broker") as talking,
            ):
                assert talking.version() in {"TLSv1.2", "TLSv1.3"}
            assert connack(guarded, stranger) is None, "without TLS nobody is answered there"
        finally:
            broker.terminate()


RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yaml").read_text(encoding="utf-8"))
DASHBOARDS = sorted((ROOT / "dashboards" / "grafana").glob("*.json"))
KNOWN = {name for _, _, metrics in EVERY for metric in metrics for name in metric.series}
LABELS = {metric.name: set(metric.labels) for _, _, metrics in EVERY for metric in metrics}
FUNCTIONS = {
    "absent", "bottomk", "by", "histogram_quantile", "increase", "max", "min", "rate", "sum", "time", "topk",
    "up",
}  # fmt: skip
EVERYWHERE = {"instance", "job", "le"}


def check_query(expression: str) -> None:
    """It names metrics that there are, labels that they have, and functions of PromQL; its brackets close."""
    names = set(re.findall(r"sitewarden_\w+", expression))
    assert names <= KNOWN
    bare = re.sub(r"\"[^\"]*\"|\[[^\]]*\]|\d+(\.\d+)?(e\d+)?", "", expression)
    words = set(re.findall(r"[a-z_]+", bare)) - names
    labels = {label for name in names for label in LABELS[re.sub(r"_(bucket|sum|count)$", "", name)]}
    assert words <= FUNCTIONS | labels | EVERYWHERE, words
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)
    assert all(name.endswith("_total") or "_bucket" in name for name in names if "rate(" + name in expression)


def test_alarms_of_the_platform_ask_for_what_there_is() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        check_query(rule["expr"])
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        asked = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert (
            asked
            <= set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", rule["expr"])))) | EVERYWHERE
        )


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_asks_the_provisioned_source_for_what_there_is(file: Path) -> None:
    board = json.loads(file.read_text(encoding="utf-8"))
    sources = ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    (source,) = yaml.safe_load(sources.read_text(encoding="utf-8"))["datasources"]
    assert urlsplit(source["url"]).hostname in SERVICES
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(taken)) == len(taken)
    for panel in panels:
        assert panel["title"]
        for target in panel["targets"]:
            assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": source["uid"]}
            check_query(target["expr"])
    assert f"./{file.relative_to(ROOT)}:/var/lib/dashboards/{file.name}:ro" in SERVICES["grafana"]["volumes"]


def test_prometheus_asks_the_programs_where_they_answer() -> None:
    asked = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    ports = {
        job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"]
        for job in asked["scrape_configs"]
    }
    cloud = read("cloud.yaml")
    assert ports == {
        "web": int(cloud["listen"].rpartition(":")[2]),
        "ingest": int(cloud["metrics"]["listen"].rpartition(":")[2]),
    }
    mounted = {target for _, target in bind_mounts(SERVICES["prometheus"])}
    assert set(asked["rule_files"]) <= mounted
    # The port of the ingest is for neighbours alone, and they need the token.
    assert cloud["metrics"]["token_file"]


def test_the_suite_runs_against_timescaledb_in_anybody_s_ci() -> None:
    workflow = yaml.safe_load((ROOT / "deploy" / "ci" / "timescaledb.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    assert job["services"]["database"]["image"] == SERVICES["database"]["image"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert any("make test" in run for run in runs)
    assert all(re.search(r"@(v\d|[0-9a-f]{40})", step["uses"]) for step in job["steps"] if "uses" in step)
    given = set(job["env"]) | {name for step in job["steps"] for name in step.get("env", {})}
    assert SERVER in given, "the tests read the address of the database there"
