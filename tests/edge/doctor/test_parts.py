"""Serial lines, service, outputs and outbox, each looked at and none touched."""

import os
import pty
import sqlite3
import stat
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge import mediafiles
from edge.config import Gateway, load_gateway
from edge.doctor import service
from edge.doctor.outbox import lane_result, outbox_results
from edge.doctor.outputs import output_results
from edge.doctor.pictures import picture_results, waiting_result
from edge.doctor.serial import holders_of, line_results
from edge.doctor.service import Account, agent_account, service_results, understood
from edge.doubts import doubts
from edge.glance import Glance, glance
from edge.mediafiles import seen
from edge.settings import GpioOutput, LogOutput
from sitewarden.doctor.model import Result
from tests.edge.conftest import WriteGateway
from tests.edge.test_config_cameras import with_camera
from tests.edge.test_media import put
from tests.edge.test_outbox import batch, lane_file

ROOT = Account("root", 0, frozenset({0}))
STRANGER = Account("stranger", 54321, frozenset({54321}))


@pytest.fixture
def line() -> Iterator[Path]:
    """A serial line that nobody but its far end has open."""
    far, near = pty.openpty()
    tty.setraw(near)
    path = Path(os.ttyname(near))
    os.close(near)
    yield path
    os.close(far)


def by_check(results: Iterator[Result]) -> dict[str, Result]:
    return {result.check: result for result in results}


def test_a_line_that_the_account_may_use_and_nobody_has_open_is_well(line: Path, tmp_path: Path) -> None:
    results = by_check(line_results(line, ROOT, tmp_path / "agent.lock"))
    assert {result.status for result in results.values()} <= {"ok", "unknown"}


def test_a_line_that_is_not_there_is_found(tmp_path: Path) -> None:
    (result,) = line_results(tmp_path / "ttyUSB7", ROOT, tmp_path / "agent.lock")
    assert (result.check, result.status) == ("serial.line", "finding")
    (tmp_path / "ttyUSB7").touch()
    (result,) = line_results(tmp_path / "ttyUSB7", ROOT, tmp_path / "agent.lock")
    assert "no device" in result.what


def test_a_line_that_the_agents_account_may_not_use_is_found(line: Path, tmp_path: Path) -> None:
    line.chmod(0o600)
    result = by_check(line_results(line, STRANGER, tmp_path / "agent.lock"))["serial.line"]
    assert result.status == "finding"
    assert "--groups dialout stranger" in result.mend
    group = line.stat().st_gid
    line.chmod(0o660)
    member = Account("member", 54321, frozenset({group}))
    assert by_check(line_results(line, member, tmp_path / "x"))["serial.line"].status == "ok"


HOLD_ON = """\
import os, sys
held = [os.open(name, os.O_RDWR | os.O_NOCTTY) for name in sys.argv[1:]]
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_agent", [False, True])
def test_another_program_on_the_line_is_named_and_the_agent_is_none(
    line: Path, tmp_path: Path, *, is_agent: bool
) -> None:
    lock = tmp_path / "agent.lock"
    lock.touch()
    held = [str(line), *([str(lock)] if is_agent else [])]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_ON, *held], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert other.pid in holders_of(line).pids
        result = by_check(line_results(line, ROOT, lock))["serial.held"]
        other.communicate()
    if is_agent:
        assert result.status in {"ok", "unknown"}
    else:
        assert result.status == "finding"
        assert f"pid {other.pid}" in result.what


WELL = """\
LoadState=loaded
UnitFileState=enabled
ActiveState=active
SubState=running
NeedDaemonReload=no
NRestarts=0
Type=notify
WatchdogUSec=30s
User=sitewarden
SupplementaryGroups=dialout gpio
"""


def statuses(text: str) -> dict[str, str]:
    return {result.check: result.status for result in service_results(understood(text))}


def test_a_service_that_runs_is_watched_and_starts_again_is_well() -> None:
    assert statuses(WELL) == dict.fromkeys(("service.active", "service.watchdog", "service.restarts"), "ok")


@pytest.mark.parametrize(
    ("was", "becomes", "check", "mend"),
    [
        ("LoadState=loaded", "LoadState=not-found", "service.active", "systemctl enable --now"),
        ("ActiveState=active", "ActiveState=failed", "service.active", "systemctl start"),
        ("UnitFileState=enabled", "UnitFileState=disabled", "service.active", "systemctl enable"),
        ("NeedDaemonReload=no", "NeedDaemonReload=yes", "service.active", "daemon-reload"),
        ("WatchdogUSec=30s", "WatchdogUSec=0", "service.watchdog", "WatchdogSec=30"),
        ("WatchdogUSec=30s", "WatchdogUSec=infinity", "service.watchdog", "WatchdogSec=30"),
        ("Type=notify", "Type=simple", "service.watchdog", "Type=notify"),
        ("NRestarts=0", "NRestarts=7", "service.restarts", "journalctl"),
    ],
)
def test_what_is_wrong_with_the_service_is_found(was: str, becomes: str, check: str, mend: str) -> None:
    results = by_check(service_results(understood(WELL.replace(was, becomes))))
    assert results[check].status == "finding"
    assert mend in results[check].mend


def test_without_systemd_nothing_is_claimed() -> None:
    (result,) = service_results(None)
    assert result.status == "unknown"


@pytest.mark.parametrize(
    "answer", ["cat <<'E'\n" + WELL + "E", "echo System has not been booted >&2; exit 1"]
)
def test_systemctl_is_asked(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    told = service.ask_systemd()
    assert told == (understood(WELL) if answer.startswith("cat") else None)


def test_the_agent_runs_as_the_unit_says_with_its_groups_or_else_as_the_folders_owner(tmp_path: Path) -> None:
    as_unit = agent_account(understood(WELL.replace("User=sitewarden", "User=daemon")), tmp_path)
    assert as_unit.name == "daemon"
    assert len(as_unit.groups) >= 2, "not only its own group"
    assert agent_account(None, tmp_path).uid == tmp_path.stat().st_uid


@pytest.mark.parametrize("is_running", [True, False])
def test_a_glance_counts_what_waits_and_leaves_the_folder_as_it_was(
    tmp_path: Path, *, is_running: bool
) -> None:
    lane = lane_file(tmp_path)
    lane.append([batch(1.0), batch(2.0)], {})
    if not is_running:
        lane.close()
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    seen = glance(tmp_path / "readings.db")
    assert (seen.depth, seen.dropped, seen.damaged) == (2, 0, 0)
    assert seen.oldest_at_ms is not None
    assert {file.name for file in tmp_path.iterdir()} == set(before)
    if is_running:
        lane.append([batch(3.0)], {})
        assert glance(tmp_path / "readings.db").depth == 3
        lane.close()


def test_what_waits_too_long_is_found_and_what_is_on_its_way_is_not() -> None:
    assert lane_result("alarms", Glance(3, 1_000_000, 0, 0), 1_010.0).status == "ok"
    late = lane_result("alarms", Glance(3, 1_000_000, 0, 0), 2_000.0)
    assert (late.status, late.what) == ("finding", "3 waiting, the oldest for 1000 s")
    assert lane_result("alarms", None, 0.0).status == "unknown"


def test_files_that_were_set_aside_are_found_and_broken_ones_are_borne(tmp_path: Path) -> None:
    (tmp_path / "readings.db").write_bytes(b"no database" * 1000)
    (tmp_path / "readings.db.broken-17").touch()
    (tmp_path / "readings.db.broken-17-wal").touch()
    results = list(outbox_results(tmp_path))
    assert [result.status for result in results] == ["unknown", "unknown", "finding"]
    assert results[2].what == "1 files, 0 records"
    with pytest.raises(sqlite3.DatabaseError):
        glance(tmp_path / "readings.db")


WithOutputs = Callable[..., Gateway]


@pytest.fixture
def with_outputs(gateway: Gateway) -> WithOutputs:
    """The sound configuration with these outputs."""
    return lambda *outputs: msgspec.structs.replace(gateway, outputs=outputs)


def test_pins_need_a_library_a_chip_and_the_right_to_use_it(
    with_outputs: WithOutputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, devices = with_outputs(GpioOutput(siren_pin=17, lamp_pin=27)), tmp_path / "dev"
    devices.mkdir()
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "fakes"))
    (tmp_path / "lib").mkdir()
    (result,) = output_results(gateway, ROOT, devices)
    if "missing" not in result.what:
        assert "no pins" in result.what
    (tmp_path / "lib" / "lgpio.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    (result,) = output_results(gateway, ROOT, devices)
    assert "no pins" in result.what
    (devices / "gpiochip0").touch(mode=0o600)
    (result,) = output_results(gateway, STRANGER, devices)
    assert "--groups gpio stranger" in result.mend
    (result,) = output_results(gateway, ROOT, devices)
    assert result.status == "ok"


def test_a_diary_that_cannot_be_written_is_found(with_outputs: WithOutputs, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRWXU)
    gateway = with_outputs(LogOutput(file=str(tmp_path / "outputs.jsonl")))
    (result,) = output_results(gateway, STRANGER)
    assert result.status == "finding"
    (result,) = output_results(gateway, ROOT)
    assert result.status == "ok"


def test_pictures_that_have_no_way_or_wait_for_too_long_are_found(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    assert list(picture_results(load_gateway(write_gateway(gateway_dict)))) == []
    gateway = load_gateway(write_gateway(with_camera(gateway_dict)))
    results = by_check(picture_results(gateway))
    assert (results["pictures.way"].status, results["pictures.waiting"].status) == ("finding", "ok")
    assert "broker" in results["pictures.way"].mend
    gateway_dict["broker"] |= {"cloud": "http://127.0.0.1:1"}
    gateway = load_gateway(write_gateway(with_camera(gateway_dict)))
    assert by_check(picture_results(gateway))["pictures.way"].status == "unreachable"


def test_where_pictures_are_to_be_unredacted_the_doctor_looks_for_the_cloud_s_key(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["broker"] |= {"cloud": "http://127.0.0.1:1"}
    gateway = load_gateway(write_gateway(with_camera(gateway_dict, pictures={"unredacted": True})))
    assert by_check(picture_results(gateway))["pictures.sealed"].status == "finding"
    key = mediafiles.CloudKey(cloud="http://127.0.0.1:1", key=bytes(32))
    mediafiles.keep_cloud_key(gateway.data_dir / mediafiles.FOLDER, key)
    assert by_check(picture_results(gateway))["pictures.sealed"].status == "ok"
    del gateway_dict["broker"]["cloud"]
    gateway = load_gateway(write_gateway(with_camera(gateway_dict, pictures={"unredacted": True})))
    assert any("redacted in spite" in doubt for doubt in doubts(gateway))


def test_of_pictures_that_wait_it_is_said_how_many_and_since_when(tmp_path: Path) -> None:
    note = put(tmp_path, at_ms=1000)
    soon, late = waiting_result([note], 3601.0), waiting_result([note], 2 * 86_401.0)
    assert (soon.status, late.status) == ("ok", "finding")
    assert "1 waiting" in soon.what
    left = list(tmp_path.iterdir())
    for path in left:
        os.utime(path, (1.0, 1.0))
    (tmp_path / "half.jpg.part").touch()
    assert list(seen(tmp_path)) == [note]
    assert len(list(tmp_path.iterdir())) == len(left) + 1, "the doctor takes nothing away"
