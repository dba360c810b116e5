"""The sender is killed where it hurts most: no notice is lost, none claimed to be sent, none comes twice."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.cloud.notices.others import Robot
from tests.cloud.site import raised
from tests.support.waiting import PATIENCE_S

ANSWERS = {
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
    "feishu": b'{"code":0,"msg":"success"}',
    "webhook": b"taken",
}
LIVES = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid <> pg_backend_pid()"
)
"""A sender's lock, held for as long as its connection is there."""


class Held:
    """Holds up whoever comes as far as a point, until he is let go."""

    def __init__(self, point: str, robots: list[Robot]) -> None:
        self._point, self._let_go = point, threading.Event()
        self.n = 0
        self._lock = threading.Lock()
        for robot in robots:
            robot.reached = self._reached

    def _reached(self, point: str) -> None:
        if point == self._point:
            with self._lock:
                self.n += 1
            self._let_go.wait(PATIENCE_S)

    def let_go(self) -> None:
        self._let_go.set()


@pytest.fixture
def robots(channel) -> Iterator[dict[str, Robot]]:
    made = {kind: Robot() for kind in ANSWERS}
    for kind, robot in made.items():
        robot.says = ANSWERS[kind]
        channel(kind=kind, name=kind, url=robot.url)
    yield made
    for robot in made.values():
        robot.close()


@pytest.fixture
def sender(site, tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.cloud.notices.sender", site.dsn, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def wait_until(condition: Callable[[], object], within_s: float = 45.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.01)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def kill_and_see(process: subprocess.Popen[bytes], site) -> None:
    """Its connection is found to be gone."""
    kill(process)
    wait_until(lambda: site.value(LIVES) == 0)


def states(site) -> dict[str, tuple[str, str]]:
    rows = site.rows("SELECT channel.kind, state, code FROM notice JOIN channel USING (channel)")
    return {kind: (state, code) for kind, state, code in rows}


def known(robots: dict[str, Robot]) -> dict[str, int]:
    """How often each got it; to a receiver of one's own the same number is the same notice."""
    numbers = {headers["X-SiteWarden-Notice"] for _, headers, _ in robots["webhook"].asked}
    return {kind: len(numbers) if kind == "webhook" else len(robot.asked) for kind, robot in robots.items()}


STUCK = "SELECT count(*) FROM pg_locks WHERE NOT granted"
SENT = {
    "dingtalk": ("sent", "0"),
    "wecom": ("sent", "0"),
    "feishu": ("sent", "0"),
    "webhook": ("sent", "http 200"),
}
UNKNOWN = {
    **dict.fromkeys(("dingtalk", "wecom", "feishu"), ("unknown", "lost")),
    "webhook": ("sent", "http 200"),
}
Point = Callable[..., None]


def test_killed_before_it_has_taken_a_notice_up(site, robots, sender, notify):
    os.kill(sender.pid, signal.SIGSTOP)
    site.born().deliver(raised())
    kill_and_see(sender, site)
    notify()
    assert states(site) == SENT
    assert known(robots) == dict.fromkeys(ANSWERS, 1)


@pytest.mark.parametrize("point", ["connected", "halfway"])
def test_killed_while_a_notice_is_on_its_way(site, robots, sender, notify, point):
    held = Held(point, list(robots.values()))
    site.born().deliver(raised())
    wait_until(lambda: held.n == len(robots))
    notify()
    assert {state for state, _ in states(site).values()} == {"sending"}, "he lives, and may still send it"
    kill_and_see(sender, site)
    held.let_go()
    notify()
    notify(later_ms=60_000)
    assert states(site) == UNKNOWN, "whether it arrived nobody knows, and so it is said"
    assert all(n <= 1 for n in known(robots).values())


def test_killed_after_the_answer_and_before_it_is_noted(site, robots, sender, notify):
    held = Held("read", list(robots.values()))
    site.born().deliver(raised())
    wait_until(lambda: held.n == len(robots))
    os.kill(sender.pid, signal.SIGSTOP)
    answered = threading.Semaphore(0)
    for robot in robots.values():
        robot.reached = lambda point: answered.release() if point == "answered" else None
    held.let_go()
    for _ in robots:
        assert answered.acquire(timeout=45)
    kill_and_see(sender, site)
    notify()
    assert states(site) == UNKNOWN
    assert known(robots) == dict.fromkeys(ANSWERS, 1)


def test_killed_while_it_notes_the_answer(site, robots, sender, notify):
    held = Held("read", list(robots.values()))
    site.born().deliver(raised())
    wait_until(lambda: held.n == len(robots))
    with psycopg.connect(site.dsn) as other, contextlib.closing(other.cursor()) as cursor:
        cursor.execute("SELECT FROM notice FOR UPDATE")
        held.let_go()
        wait_until(lambda: site.value(STUCK) == 1)
        kill(sender)
    # What it had begun is undone when its connection is found to be gone.
    wait_until(lambda: site.value(LIVES) == 0)
    notify()
    assert states(site) == UNKNOWN
    assert known(robots) == dict.fromkeys(ANSWERS, 1)
