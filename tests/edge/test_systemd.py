"""Word to systemd over a real datagram socket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import systemd
from edge.agent import Agent
from edge.config import Gateway
from edge.lane import open_lane
from sitewarden.quality import Quality
from sitewarden.readings import Reading
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
    task = asyncio.create_task(systemd.feed_watchdog(lambda: {"bus-1": systemd.Work(lambda: late[0])}))
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


def test_work_is_late_from_its_first_failure_until_it_goes_well_once() -> None:
    pulse = systemd.Pulse()
    assert pulse.late_s() == 0
    pulse.begin()
    assert pulse.late_s() == 0, "a device that seldom speaks is not stuck by one failure"
    pulse.begin()
    first = pulse.late_s()
    pulse.begin()
    assert pulse.late_s() > first > 0
    pulse.done()
    assert pulse.late_s() == 0


async def test_a_disk_that_does_not_answer_is_seen_and_one_that_refuses_is_not(tmp_path: Path) -> None:
    lane, hangs = open_lane("alarms", tmp_path, boot="b"), threading.Event()
    hanging = asyncio.create_task(lane._in_thread(hangs.wait))
    await until(lambda: lane.silent_s() > 0)
    waits = asyncio.create_task(lane.fetch(1, 1, 1))
    seen = lane.silent_s()
    await until(lambda: lane.silent_s() > seen)
    hangs.set()
    await hanging
    await waits
    assert lane.silent_s() == 0
    with contextlib.suppress(OSError):
        await lane._in_thread(_refused)
    assert lane.silent_s() == 0
    lane.close()


def _refused() -> None:
    raise OSError("read-only file system")


async def test_rules_that_fail_for_everybody_are_stuck_and_those_of_one_device_are_not(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(gateway)
    watched = agent._watched()
    assert set(watched) == {"rules", "silence", "outbox alarms", "outbox readings"}
    crane = next(gateway.devices)
    soundly = agent._judge.take_at_once

    def fails(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(agent._judge, "take_at_once", fails)
    monkeypatch.setattr(agent._judge, "tick", fails)
    for attempt in 2 * (lambda: agent.take(crane, []), lambda: agent.tick(0)):
        with pytest.raises(ValueError, match="mistake"):
            attempt()
    assert watched["rules"].late_s() > 0
    assert watched["silence"].late_s() > 0
    monkeypatch.setattr(agent._judge, "take_at_once", soundly)
    agent.take(crane, [Reading("crane-1/load", 1_800_000_000_000, 1.0, Quality.GOOD)])
    assert watched["rules"].late_s() == 0
    assert watched["silence"].late_s() > 0
    agent.close()
