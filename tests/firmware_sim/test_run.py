"""The simulator as its user starts it: a process, its ports file, its registers, its ledger, its end."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from firmware_sim.scenario import read_scenario
from tests.firmware_sim.conftest import SCENARIO, STEPS

pytestmark = pytest.mark.service
Write = Callable[[str], Path]
SITEWARDEN = Path(sys.executable).with_name("sitewarden")


def _control(file: Path) -> Path:
    return file.with_name("control")


@contextmanager
def _playing(file: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    ports_file = file.with_name("ports.json")
    process = subprocess.Popen(
        [
            SITEWARDEN,
            "sim",
            "run",
            file,
            "--ledger",
            file.with_name("ledger.jsonl"),
            "--ports-file",
            ports_file,
            "--control",
            _control(file),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 45
        while not ports_file.exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process, json.loads(ports_file.read_text())
    finally:
        process.kill()
        process.communicate()


def test_a_scenario_is_served_with_its_units_and_ends_in_good_order(scenario_file: Path) -> None:
    with _playing(scenario_file) as (process, ports):
        assert list(ports) == ["north"]
        with ModbusTcpClient("127.0.0.1", port=ports["north"]) as client:
            crane = client.read_holding_registers(0, count=7, device_id=1)
            pit = client.read_input_registers(0, count=12, device_id=2)
        assert crane.registers[4] == 4
        assert 10500 < pit.registers[5] < 12500  # h3 in 0.01 mm: zero of 100 mm and what two stages moved it
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=45)
        assert process.returncode == 0, said
        assert "Traceback" not in said


def test_serial_lines_are_named_beside_the_ports(write_scenario: Write, tmp_path: Path) -> None:
    link = tmp_path / "line"
    serial = f"bus: north\n    transport: rtu\n    baudrate: 115200\n    link: {link}"
    server = STEPS.partition("buses:\n")[2].replace("bus: b", "bus: b\n    transport: rtu-over-tcp")
    file = write_scenario(SCENARIO.replace("bus: north", serial) + server)
    with _playing(file) as (process, ports):
        assert ports["north"] == str(link)
        with ModbusSerialClient(str(ports["north"]), baudrate=115_200) as client:
            crane = client.read_holding_registers(0, count=7, device_id=1)
            pit = client.read_input_registers(0, count=12, device_id=2)
        with ModbusTcpClient("127.0.0.1", port=ports["b"], framer=FramerType.RTU) as client:
            steps = client.read_holding_registers(0, count=5, device_id=9)
        assert (crane.registers[4], steps.registers[4]) == (4, 4)
        assert 10500 < pit.registers[5] < 12500
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=45)
        assert process.returncode == 0, said
        assert "Traceback" not in said
    assert not link.is_symlink()


def _say(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [SITEWARDEN, "sim", "fault", _control(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_faults_are_switched_by_hand_while_it_runs(write_scenario: Write) -> None:
    file = write_scenario(STEPS)
    with _playing(file) as (process, ports), ModbusTcpClient("127.0.0.1", port=ports["b"]) as client:
        assert _say(file).stdout == "no faults\n"
        on = _say(file, "crane-9", "exception", "code=6", "--for", "60")
        assert on.stdout.startswith("crane-9/exception on at_s=")
        assert on.stdout.endswith("for_s=60.0 code=6\n")
        _until(lambda: client.read_holding_registers(0, count=1, device_id=9).isError())
        assert client.read_holding_registers(0, count=1, device_id=9).exception_code == 6
        wrong = _say(file, "crane-9", "frozen", "--points", "lod")
        assert wrong.returncode == 1
        assert "has no point `lod`. Its points are load, radius" in wrong.stderr
        assert _say(file, "crane-9", "exception", "--off").stdout.startswith("crane-9/exception off")
        _until(lambda: not client.read_holding_registers(0, count=1, device_id=9).isError())
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=45)
        assert process.returncode == 0, said
        assert "by hand at" in said
    assert not _control(file).exists()
    gone = _say(file)
    assert gone.returncode == 3
    assert "no simulator listens on" in gone.stderr


def _until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 45
    while not is_so():
        assert time.monotonic() < ends


def test_a_control_that_another_simulator_has_ends_with_status_3(write_scenario: Write) -> None:
    file = write_scenario(STEPS)
    with _playing(file):
        command = [SITEWARDEN, "sim", "run", file, "--control", _control(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert "another simulator listens on" in done.stderr
        assert _say(file).returncode == 0


def test_a_name_that_cannot_be_given_to_a_line_ends_with_status_3(write_scenario: Write) -> None:
    file = write_scenario(STEPS.replace("bus: b", "bus: b\n    transport: rtu\n    link: /nowhere/line"))
    done = subprocess.run([SITEWARDEN, "sim", "run", file], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "bus b: cannot listen on /nowhere/line" in done.stderr


def test_the_ledger_says_when_a_value_beyond_the_limit_could_first_be_read(write_scenario: Write) -> None:
    file = write_scenario(STEPS)
    reads: list[tuple[int, int, bool]] = []  # asked, answered, beyond
    with _playing(file) as (_, ports), ModbusTcpClient("127.0.0.1", port=ports["b"]) as client:
        ends = time.monotonic() + 4
        while time.monotonic() < ends:
            asked = time.time_ns() // 1_000_000
            load = client.read_holding_registers(0, count=1, device_id=9).registers[0]
            reads.append((asked, time.time_ns() // 1_000_000, load == 2700))
    lines = [json.loads(line) for line in file.with_name("ledger.jsonl").read_text().splitlines()]
    # Between asking for the last old value and having the first new one, however slow this machine is today.
    changes = [(old[0], new[1]) for old, new in pairwise(reads) if old[2] != new[2]]
    told = [line["at_ms"] for line in lines if reads[0][1] < line["at_ms"] < reads[-1][0]]
    assert len(told) == len(changes) >= 2
    assert all(asked <= at <= answered for at, (asked, answered) in zip(told, changes, strict=True))
    assert lines[0]["device"] == "crane-9"
    assert lines[0]["limit"] == 100


def test_a_port_that_is_taken_ends_with_status_3_and_says_which(write_scenario: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = write_scenario(STEPS.replace("bus: b", f"bus: b\n    port: {port}"))
        done = subprocess.run([SITEWARDEN, "sim", "run", file], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"bus b: cannot listen on 127.0.0.1:{port}" in done.stderr


def test_a_wrong_scenario_ends_with_status_2_and_names_the_line(write_scenario: Write) -> None:
    file = write_scenario(SCENARIO.replace("seed: 7", "sed: 7"))
    done = subprocess.run([SITEWARDEN, "sim", "run", file], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{file}:2" in done.stderr
    assert "Did you mean `seed`?" in done.stderr


def test_the_past_is_written_by_a_command_of_its_own(scenario_file: Path) -> None:
    out = scenario_file.with_name("past.csv")
    arguments: list[str | Path] = ["--device", "pit-1", "--out", out, "--until", "2026-11-20T18:00:00+08:00"]
    done = subprocess.run(
        [SITEWARDEN, "sim", "history", scenario_file, *arguments], capture_output=True, text=True, check=True
    )
    assert "2017 rows" in done.stdout
    assert out.read_text().splitlines()[-1].startswith("2026-11-20T10:00:00.000Z,")
    late = subprocess.run(
        [SITEWARDEN, "sim", "history", scenario_file, *arguments[:-1], "yesterday"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert late.returncode == 2
    assert "`yesterday` is no instant" in late.stderr


def test_the_scenario_of_the_compose_installation_can_be_played() -> None:
    site = read_scenario(Path(__file__).parents[2] / "deploy" / "compose" / "scenario.yaml")
    assert "crane-1" in site.cast
