"""Word to systemd over a real datagram socket."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import systemd
from tests.support.waiting import ended, until


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield line


def words(line: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(line.recv(100).decode())
        except BlockingIOError:
            return found


def test_systemd_hears_what_is_said(heard: socket.socket) -> None:
    systemd.notify("READY=1")
    assert words(heard) == ["READY=1"]


def test_where_nobody_listens_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    systemd.notify("READY=1", {})
    assert not caplog.text
    systemd.notify("READY=1", {"NOTIFY_SOCKET": "/no/such/socket"})
    assert "does not hear us" in caplog.text


async def test_the_watchdog_is_fed_only_while_no_bus_is_stuck(
    heard: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(systemd, "FEED_S", 0.01)
    late = [-1.0]
    task = asyncio.create_task(systemd.feed_watchdog({"bus-1": lambda: late[0]}))
    await until(lambda: words(heard))
    late[0] = systemd.STUCK_S + 1
    await until(lambda: "stuck" in caplog.text)
    words(heard)
    caplog.clear()
    await until(lambda: caplog.text.count("stuck") >= 3)
    assert words(heard) == []
    late[0] = 0.0
    await until(lambda: words(heard))
    await ended(task)
