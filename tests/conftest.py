"""Fixtures that every package's tests share, and the account of what a run left out and why."""

import gc
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.broker import Broker, find_mosquitto
from tests.support.chromium import find_chromium
from tests.support.left_out import OPTIONAL, REQUIRE_ALL, everything_is_required, leave_out

if TYPE_CHECKING:
    from tests.support.postgres import Postgres

# How fast a machine is, no test says: a busy one is no mistake.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Using a fixture sets the marker; nobody writes these by hand.
MARKERS_OF_FIXTURE = {
    "broker": ("broker", "service"),
    "fresh_broker": ("broker", "service"),
    "postgres": ("postgres", "service"),
    "chromium": ("browser", "service"),
}


# Longest first: what is begun last is waited for alone.
LONG = (
    "tests/browser",
    "tests/system",
    "tests/firmware_sim",
    "tests/edge/test_failpoints.py",
    "tests/cloud/cameras/test_cameras.py",
    "tests/edge/test_watching.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays to the end: looking through it for garbage, again and again, finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            for marker in MARKERS_OF_FIXTURE.get(fixture, ()):
                item.add_marker(marker)
        item.add_marker(pytest.mark.xdist_group(_together_with(item)))
    items.sort(key=_rank)


def _together_with(item: pytest.Item) -> str:
    """Which tests one worker runs after one another: a file's, and all that drive a browser."""
    file = item.nodeid.partition("::")[0]
    return LONG[0] if file.startswith(LONG[0]) else file


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything is required, a skip of any origin (also of a whole module) fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if (
        everything_is_required()
        and reporter is not None
        and any(not _is_optional(report) for report in reporter.stats.get("skipped", []))
        and exitstatus == 0
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not left_out:
        return
    terminalreporter.section("left out")
    for reason, count in sorted(left_out.items()):
        fails = everything_is_required() and not reason.startswith(OPTIONAL)
        said = f" ({REQUIRE_ALL}=1: this fails the run)" if fails else ""
        terminalreporter.write_line(f"{count:4d}  {reason}{said}")


def _is_optional(report: pytest.TestReport | pytest.CollectReport) -> bool:
    return _reason(report).startswith(OPTIONAL)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """A skip carries (file, line, "Skipped: reason")."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Path of the Mosquitto program."""
    program = find_mosquitto()
    if program is None:
        leave_out("Mosquitto is not installed (Debian: apt install mosquitto)")
    return program


@pytest.fixture(scope="session")
def session_broker(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker a session; take `broker`, which sees that it runs."""
    broker = Broker(tmp_path_factory.mktemp("broker"), program=mosquitto)
    yield broker
    broker.stop()


@pytest.fixture
def broker(session_broker: Broker) -> Broker:
    """The session's Mosquitto, running; use a site name of your own to stay clear of other tests."""
    session_broker.start()
    return session_broker


@pytest.fixture
def fresh_broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto of the test's own, running, to be stopped, killed and restarted at will."""
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder, program=mosquitto)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """One PostgreSQL a session; make a database of your own in it (`postgres.create_database()`)."""
    from tests.support.postgres import running  # noqa: PLC0415  # a gateway's installation has no psycopg

    # Not below pytest's folder: started by root the server has an account of its own, from which every other
    # session of root's locks that folder again.
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as folder, running(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium."""
    path = find_chromium()
    if path is None:
        leave_out("Chromium is not on PATH (Debian: apt install chromium fonts-noto-cjk)")
    return path
