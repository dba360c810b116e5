"""The whole examination of a gateway, beside a running agent and without one."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.doctor import examine, secret_files
from sitewarden.cli import main
from sitewarden.doctor.model import Result
from tests.edge.conftest import Configure, WriteGateway
from tests.edge.test_agent import agent, site
from tests.support.broker import Broker
from tests.support.waiting import until

EXPECTED = {
    *("file.private", "configuration", "bus.load", "clock.sync", "clock.offset", "disk.free", "disk.write"),
    *("service.active", "output.usable", "outbox.waiting", "outbox.set-aside"),
    *("broker.reached", "broker.tls", "broker.login", "broker.own-branch", "broker.foreign-branch"),
    "broker.anonymous",
}


def statuses(results: list[Result]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for result in results:
        found.setdefault(result.check, set()).add(result.status)
    return found


async def test_beside_a_running_agent_all_is_looked_at_and_the_agent_notices_nothing(
    configured: Configure, broker: Broker
) -> None:
    async with site() as (server, crane):
        file = configured(server, broker)
        async with agent(file) as run:
            await until(lambda: crane.asked > 5 and "connected" in run.log())
            opened = server.connections
            found = statuses(await asyncio.to_thread(lambda: list(examine(file))))
            asked = crane.asked
            await until(lambda: crane.asked > asked)
            assert server.connections == opened, "the doctor asked a device"
            assert run.log().count("connected broker") == 1, "the agent's connection was taken over"
            assert await run.end() == 0
    assert set(found) >= EXPECTED
    never_known_here = {"clock.sync", "clock.offset", "service.active", "disk.free", "disk.write"}
    wrong = {check for check, said in found.items() if said & {"finding", "unreachable"}}
    assert wrong <= never_known_here
    assert found["broker.foreign-branch"] == {"ok"}


def test_a_file_that_cannot_be_meant_is_told_with_line_and_mend(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    gateway_dict["buses"][0]["devices"][0]["unit"] = 900
    results = {result.check: result for result in examine(write_gateway(gateway_dict))}
    told = results["configuration"]
    assert told.status == "finding"
    assert "buses.0.devices.0.unit" in told.what
    assert "1 to 247" in told.mend
    assert "service.active" in results


def test_a_credential_that_is_there_only_while_the_service_runs_is_no_wrong_password(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], broker: Broker, tmp_path: Path
) -> None:
    gateway_dict["broker"] = {
        "host": broker.host,
        "port": broker.port,
        "username": "test-site/gw-1",
        "password_file": "/run/credentials/sitewarden-edge.service/broker.password",
    }
    (tmp_path / "broker.password").write_text("secret\n")
    (tmp_path / "broker.password").chmod(0o644)
    results = list(examine(write_gateway(gateway_dict)))
    private = {
        result.subject.rpartition("/")[0]: result.status
        for result in results[1:]
        if result.check == "file.private"
    }
    assert private == {str(tmp_path): "finding", "/run/credentials/sitewarden-edge.service": "unknown"}
    assert statuses(results)["broker.login"] == {"unknown"}


def test_a_password_that_everybody_can_read_is_found(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "secret").chmod(0o644)
    gateway_dict["broker"] |= {"username": "test-site/gw-1", "password_file": "secret"}
    results = [result for result in examine(write_gateway(gateway_dict)) if result.check == "file.private"]
    assert results[-1].status == "finding"
    assert results[-1].mend == f"chmod 600 {tmp_path / 'secret'}"


def test_a_password_file_of_two_lines_is_told_as_the_agent_would(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\nanother\n")
    (tmp_path / "secret").chmod(0o600)
    gateway_dict["broker"] |= {"username": "test-site/gw-1", "password_file": "secret"}
    found = [r for r in examine(write_gateway(gateway_dict)) if r.status == "finding"]
    assert any("does not hold one line" in result.what for result in found)


def test_every_secret_of_a_file_is_looked_at(tmp_path: Path) -> None:
    written = {
        "broker": {"password_file": "a"},
        "page": {"pin_file": "/b"},
        "buses": [{"hj212": {"password_file": "c"}, "devices": [{"token_file": "d"}, {"token_file": None}]}],
    }
    assert list(secret_files(written, tmp_path)) == [
        tmp_path / "a",
        Path("/b"),
        tmp_path / "c",
        tmp_path / "d",
    ]


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's eyes."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_who_may_see_little_is_told_what_is_not_known_and_nothing_is_claimed(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], tmp_path: Path
) -> None:
    gateway_dict |= {"data_dir": "closed/data", "outputs": [{"driver": "log", "file": "closed/o.jsonl"}]}
    gateway_dict["broker"] |= {"username": "test-site/gw-1", "password_file": "closed/secret"}
    written = write_gateway(gateway_dict)
    # Not below pytest's folder, into which no other account is let.
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").mkdir(mode=0o000)
        shutil.copy(written, folder)
        with as_nobody():
            found = statuses(list(examine(folder / written.name)))
        (folder / "closed").chmod(0o700)
    for check in ("disk.free", "output.usable", "outbox.waiting", "outbox.set-aside"):
        assert found[check] == {"unknown"}
    assert "unknown" in found["file.private"]
    assert found["broker.reached"] == {"unreachable"}


DOCTOR = """
import sys
from pathlib import Path
from edge.doctor import examine
results = list(examine(Path(sys.argv[1])))
left = {"numpy", "cloud", "fastapi", "psycopg", "pyarrow", "asyncpg", "uvicorn"} & set(sys.modules)
sys.exit(f"loaded {left}" if left or not results else 0)
"""


def test_a_gateways_doctor_loads_nothing_of_the_clouds_and_no_numpy(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    command = [sys.executable, "-c", DOCTOR, write_gateway(gateway_dict)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert asked.returncode == 0, asked.stderr


def test_the_command_answers_in_json_with_its_exit_status(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_gateway(gateway_dict)
    status = main(["doctor", "--json", str(file)])
    report = json.loads(capsys.readouterr().out)
    assert status == report["exit"] == 3, "nobody answers on port 1"
    (examined,) = report["examined"]
    assert (examined["program"], examined["file"]) == ("edge", str(file))
    assert all(result["mend"] for result in examined["results"] if result["status"] == "finding")
    assert main(["doctor", str(file)]) == 3
    assert "NO ANSWER broker.reached" in capsys.readouterr().out
