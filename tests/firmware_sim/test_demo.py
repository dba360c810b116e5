"""The pieces of the demo: its files fit the programs, its broker grants what the deployed one does."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cloud.settings import read_settings
from edge.config import load_gateway
from firmware_sim.demo import broker, rights
from firmware_sim.demo.listeners import BrokerListener, events, plain
from firmware_sim.demo.processes import Program, ProgramDiedError
from firmware_sim.demo.running import MARKER, free_port, is_free, prepare_folder
from firmware_sim.demo.site import SiteFolder, demo_site
from firmware_sim.player import Player
from firmware_sim.scenario import read_scenario
from sitewarden import topics
from sitewarden.errors import UnreachableError
from sitewarden.messages import Receipt, encode
from tests.support import broker as support
from tests.support.broker import Credentials, connack
from tests.support.left_out import leave_out

SIMULATED = {"cranes": 1502, "pit": 1503, "yard": "http://127.0.0.1:1504/yard"}
DEPLOYED = Path(__file__).parents[2] / "deploy" / "mosquitto"


def _meant(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture
def files(tmp_path: Path) -> SiteFolder:
    return SiteFolder(folder=tmp_path, configuration=demo_site())


def test_the_demos_files_are_what_the_programs_read(files: SiteFolder) -> None:
    files.write_accounts(observer=False)
    files.write_scenario()
    files.write_cloud(broker_port=1234, web_port=5678)
    files.write_gateway(broker_port=1234, web_port=8080, simulated=SIMULATED)
    gateway, cloud = load_gateway(files.gateway), read_settings(files.cloud)
    assert gateway.broker.password
    assert cloud.broker_password
    assert cloud.port == 5678
    assert cloud.demo
    assert gateway.name in cloud.sites[gateway.site].gateways
    site = read_scenario(files.scenario)
    played = site.cast
    assert [camera.name for camera in gateway.cameras] == [one.camera for one in site.scenario.cameras]
    read = [device for bus in gateway.buses for device in bus.devices]
    assert {device.name: device.profile.profile for device in read} == {
        name: cast.profile.profile for name, cast in played.items()
    }
    charts = {device.name: device.chart for device in read}
    assert charts == {name: cast.chart for name, cast in played.items()}
    for device in gateway.devices:
        assert device.layout
        if device.history is not None:
            assert len(device.history.read_text().splitlines()) == 2018


def test_a_past_that_was_imported_is_not_written_anew(files: SiteFolder) -> None:
    files.write_scenario()
    history = files.folder / "pit-1-history.csv"
    history.write_text("at,h1\n")
    files.write_gateway(broker_port=1, web_port=8080, simulated=SIMULATED)
    assert history.read_text() == "at,h1\n"


def test_the_demo_grants_exactly_what_the_deployed_broker_grants() -> None:
    assert _meant(rights.ACL) == _meant((DEPLOYED / "acl").read_text())
    ours, theirs = _meant(broker.MOSQUITTO_CONF), _meant((DEPLOYED / "mosquitto.conf").read_text())
    own = {"listener", "password_file", "acl_file", "{account}persistence", "persistence"}
    assert [line for line in ours if line.split()[0] not in own] == [
        line for line in theirs if line.split()[0] not in own
    ]


def test_secrets_are_for_the_owner_alone_and_differ_every_time(files: SiteFolder) -> None:
    first = files.write_accounts(observer=True)
    for name in ("passwords", "cloud.password", "gw-1.password"):
        assert (files.folder / name).stat().st_mode & 0o077 == 0
    assert set(first) == {"cloud", "demo/gw-1", "observer"}
    assert first["cloud"] not in (files.folder / "passwords").read_text()
    assert files.write_accounts(observer=True)["cloud"] != first["cloud"]


def test_a_password_is_hashed_as_mosquitto_passwd_does() -> None:
    salt = bytes(range(12))
    hashed = rights.hash_password("secret", salt)
    assert hashed == support.password_hash("secret", salt)
    assert hashed.startswith("$7$101$AAECAwQFBgcICQoL$")
    assert rights.password_fits("secret", hashed)
    assert not rights.password_fits("Secret", hashed)


@pytest.mark.parametrize(
    ("user", "access", "topic", "granted"),
    [
        ("demo/gw-1", "write", "sw/1/live/demo/gw-1/up/alarms", True),
        ("demo/gw-1", "write", "sw/1/live/demo/gw-2/up/alarms", False),
        ("demo/gw-1", "write", "sw/1/replay/demo/gw-1/up/alarms", False),
        ("demo/gw-1", "read", "sw/1/live/demo/gw-1/down/receipts", True),
        ("demo/gw-1", "read", "sw/1/live/demo/gw-1/up/alarms", False),
        ("cloud", "read", "sw/1/live/demo/gw-1/up/status", True),
        ("cloud", "write", "sw/1/live/demo/gw-1/up/status", False),
        ("observer", "read", "sw/1/live/demo/gw-1/up/status", True),
        ("observer", "write", "sw/1/live/demo/gw-1/up/status", False),
        ("", "read", "sw/1/live/demo/gw-1/up/status", False),
        ("cloud", "read", "sw/1", False),
    ],
)
def test_rights_are_read_as_mosquitto_reads_them(
    user: str, access: rights.Access, topic: str, *, granted: bool
) -> None:
    parsed = rights.read_rights(rights.ACL + rights.OBSERVER_ACL)
    assert rights.may(parsed, user, access, topic) is granted


@contextmanager
def _running_broker(kind: str, files: SiteFolder) -> Iterator[tuple[int, dict[str, str]]]:
    mosquitto = broker.find_mosquitto() if kind == "mosquitto" else None
    if kind == "mosquitto" and mosquitto is None:
        leave_out("Mosquitto is not installed (Debian: apt install mosquitto)")
    passwords, port = files.write_accounts(observer=True), free_port()
    files.write_broker(port)
    program = Program("broker", broker.command(files.folder, port, mosquitto), files.folder / "broker.log")
    try:
        deadline = time.monotonic() + 45
        while connack(port, Credentials(username="cloud", password=passwords["cloud"])) != 0:
            program.check()
            assert time.monotonic() < deadline, program.tail()
            time.sleep(0.05)
        yield port, passwords
    finally:
        assert program.stop(10), program.tail()


@pytest.mark.service
@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
def test_either_broker_lets_in_who_it_should_and_the_observer_sees_what_gateways_say(
    kind: str, files: SiteFolder
) -> None:
    import paho.mqtt.client as paho  # noqa: PLC0415
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

    with _running_broker(kind, files) as (port, passwords):
        assert connack(port, Credentials(username="cloud", password=passwords["observer"])) != 0
        assert connack(port, Credentials(username="nobody", password=passwords["cloud"])) != 0
        with closing(_Listening(port, passwords["observer"])) as heard:
            gateway = paho.Client(CallbackAPIVersion.VERSION2)
            gateway.username_pw_set("demo/gw-1", passwords["demo/gw-1"])
            gateway.connect("127.0.0.1", port)
            gateway.loop_start()
            for name in ("gw-2", "gw-1"):
                gateway.publish(topics.up("live", "demo", name, "alarms"), b"not ours", qos=1)
            deadline = time.monotonic() + 45
            while not heard.listener.failures and time.monotonic() < deadline:
                time.sleep(0.02)
            gateway.disconnect()
            gateway.loop_stop()
            assert len(heard.listener.failures) == 1
            assert "gw-1" in heard.listener.failures[0]


class _Listening:
    def __init__(self, port: int, password: str) -> None:
        self.listener = BrokerListener("127.0.0.1", port, password)
        self.listener.start()

    def close(self) -> None:
        self.listener.stop()


def test_a_receipt_for_an_alarm_that_was_never_seen_is_no_arrival() -> None:
    listener = BrokerListener("127.0.0.1", 1, "x")
    receipt = Receipt(boot="b", lane="alarms", seqs=[(1, 3)])
    listener.hear(topics.down("live", "demo", "gw-1", "receipts"), encode(receipt), 5)
    assert listener.receipts == {}
    assert listener.failures == []


def test_a_live_stream_is_cut_into_its_events() -> None:
    stream = [
        ": heartbeat\n",
        "\n",
        "id: 7\r\n",
        "event: alarm\r\n",
        "data: {\r\n",
        'data: "id":1}\r\n',
        "\r\n",
        "data: x\n",
        "\n",
        "data: cut off",
    ]
    assert list(events(iter(stream))) == [("alarm", '{\n"id":1}'), ("message", "x")]


def test_an_episode_is_the_same_with_and_without_dashes() -> None:
    assert plain("0189d2f4-aaaa-bbbb-cccc-000000000001") == "0189d2f4aaaabbbbcccc000000000001"


def test_a_program_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('last words', flush=True); raise SystemExit(3)"]
    program = Program("gateway", command, tmp_path / "gateway.log")
    deadline = time.monotonic() + 45
    while program.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(ProgramDiedError, match=r"gateway ended with status 3(.|\n)*last words"):
        program.check()


def test_a_program_that_will_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    program = Program("gateway", [sys.executable, "-c", stubborn], tmp_path / "gateway.log")
    deadline = time.monotonic() + 45
    while not program.log.read_text().strip() and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(program.log.read_text())
    assert program.stop(0.2) is False
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(UnreachableError, match="not a demo"):
        prepare_folder(tmp_path, wipe=True)
    assert (tmp_path / "thesis.doc").exists()


def test_a_demos_folder_is_emptied_only_where_that_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    prepare_folder(folder, wipe=False)
    (folder / "kept").touch()
    prepare_folder(folder, wipe=False)
    assert (folder / "kept").exists()
    prepare_folder(folder, wipe=True)
    assert [entry.name for entry in folder.iterdir()] == [MARKER]
    assert folder.stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not is_free(taken.getsockname()[1])
    assert is_free(free_port())


def test_json_needs_seconds() -> None:
    command = [str(Path(sys.executable).with_name("sitewarden")), "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--seconds" in done.stderr


def test_the_demos_site_shows_its_dangers_within_40_seconds_and_its_gust_within_two_minutes(
    files: SiteFolder,
) -> None:
    files.write_scenario()
    site = read_scenario(files.scenario)
    first: dict[tuple[str, float], float] = {}
    for cast in site.cast.values():
        player = Player(site.scenario, cast)
        for step in range(1, 120 * 20 + 1):
            player.step()
            for crossing in player.show():
                first.setdefault((crossing.point, crossing.limit), step / 20)
    assert 5 < first["pit-1/h3.cumulative", 14.0] < first["pit-1/h3.cumulative", 20.0] < 40
    assert ("pit-1/h6.cumulative", 14.0) not in first
    assert [first["crane-2/load_ratio", limit] < 40 for limit in (90.0, 100.0, 110.0)] == [True] * 3
    assert first["crane-1/wind_speed", 10.8] > 60
    assert ("crane-1/load_ratio", 90.0) not in first, "the other crane works safely meanwhile"
