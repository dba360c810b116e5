"""Clock, disk and files as they are on this machine, and a time server that answers as it is told."""

import contextlib
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sitewarden.doctor import sntp
from sitewarden.doctor.machine import clock_results, disk_results, file_result, write_result
from tests.support.waiting import PATIENCE_S

SINCE_1900_S = 2_208_988_800


@contextlib.contextmanager
def time_server(ahead_s: float, *, head: int = 0b00_100_100, stratum: int = 2) -> Iterator[int]:
    """Whose clock is so far ahead of ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE_S)

        def serve() -> None:
            with contextlib.suppress(OSError):
                _, address = server.recvfrom(512)
                now = time.time() + ahead_s + SINCE_1900_S
                instant = [int(now), int(now % 1 * (1 << 32))]
                words = [0] * 7 + instant + instant
                server.sendto(struct.pack("!BBbb11I", head, stratum, 0, 0, *words), address)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(45)


@pytest.mark.parametrize(("ahead_s", "status"), [(0.0, "ok"), (30.0, "finding"), (-30.0, "finding")])
def test_the_offset_to_the_brokers_host_is_told_where_it_answers(ahead_s: float, status: str) -> None:
    with time_server(ahead_s) as port:
        offset = list(clock_results("127.0.0.1", port))[1]
    assert (offset.check, offset.status) == ("clock.offset", status)
    told = re.search(r"[-+]\d+\.\d+", offset.what)
    assert told, offset.what
    assert float(told[0]) == pytest.approx(-ahead_s, abs=1)


@pytest.mark.parametrize(("head", "stratum"), [(0b11_100_100, 2), (0b00_100_100, 0), (0b00_100_100, 16)])
def test_a_server_that_does_not_know_the_time_itself_is_not_believed(head: int, stratum: int) -> None:
    with time_server(0.0, head=head, stratum=stratum) as port:
        assert sntp.ask("127.0.0.1", port) is None


def test_where_nobody_answers_nothing_is_claimed() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    kernel, offset = clock_results("127.0.0.1", port)
    assert kernel.check == "clock.sync"
    assert offset.status == "unknown"
    assert sntp.understood(b"short", 0.0, 0.0) is None


def test_the_count_of_ntp_goes_on_after_2036() -> None:
    at_s = 2_100_000_000
    words = [0] * 7 + [(at_s + SINCE_1900_S) & 0xFFFF_FFFF, 0] * 2
    offset = sntp.understood(struct.pack("!BBbb11I", 0b00_100_100, 1, 0, 0, *words), at_s - 2.0, 0.0)
    assert offset is not None
    assert offset.seconds == pytest.approx(2.0)


def test_the_disk_is_tried_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    room, write = disk_results(tmp_path, 1, "needs")
    assert (room.status, write.check) == ("ok", "disk.write")
    assert "p95" in write.what
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_found(tmp_path: Path) -> None:
    room, _ = disk_results(tmp_path, 1 << 62, "the outbox may need")
    assert room.status == "finding"
    assert "the outbox may need" in room.what
    assert str(tmp_path) in room.mend


def test_a_folder_that_the_first_start_makes_is_no_finding(tmp_path: Path) -> None:
    (result,) = disk_results(tmp_path / "later", 1, "needs")
    assert result.status == "unknown"


def test_a_disk_that_refuses_is_found() -> None:
    assert write_result(Path("/proc")).status in {"finding", "unknown"}


@pytest.mark.parametrize(
    ("mode", "is_secret", "status"),
    [
        (0o600, True, "ok"),
        (0o640, True, "ok"),
        (0o644, True, "finding"),
        (0o644, False, "ok"),
        (0o666, False, "finding"),
    ],
)
def test_a_file_that_others_can_use_is_found_with_the_command_that_mends_it(
    tmp_path: Path, mode: int, status: str, *, is_secret: bool
) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    result = file_result(file, is_secret=is_secret)
    assert result.status == status
    if status == "finding":
        os.system(result.mend)  # noqa: S605  the very command
        assert file_result(file, is_secret=is_secret).status == "ok"


def test_a_secret_that_is_not_there_is_found(tmp_path: Path) -> None:
    assert file_result(tmp_path / "none", is_secret=True).status == "finding"
