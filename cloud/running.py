"""`cloud run`: the database, the two programs over it, and the order in which they start and stop."""

import logging
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psycopg

from cloud.accounts.setup_link import has_account, new_setup_link
from cloud.database import connect
from cloud.embedded import EmbeddedError, EmbeddedPostgres
from cloud.migrate import migrate
from cloud.registry.seeding import seed_sites
from cloud.server import listen
from cloud.settings import Settings
from cloud.supervisor import Child
from sitewarden.errors import UnreachableError

log = logging.getLogger(__name__)

_TEND_S = 0.1
_ASK_TIMEOUT_S = 2.0
_BIND_TIMEOUT_S = 5.0
_BIND_RETRY_S = 0.1
_START_AGAIN_S = 5.0


class Cloud:
    """Everything that one `cloud run` keeps going."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """`say` prints a line for whoever started it."""
        self._settings, self._say = settings, say
        self._postgres = EmbeddedPostgres(settings.data_dir) if settings.dsn is None else None
        self._tending = None if self._postgres is None else Tending(self._postgres)
        self._children: list[Child] = []

    def run(self, stopping: threading.Event) -> None:
        """Start, tend until told to stop, stop in order: web, ingest, PostgreSQL."""
        try:
            self._start_database()
            with self._listen(stopping) as listening:
                self._start_children(listening)
                self._tend(stopping, address_of(self._settings, listening.getsockname()[1]))
        finally:
            for child in reversed(self._children):
                child.stop()
            if self._postgres is not None:
                self._postgres.stop()
                log.info("postgres stopped")

    def _start_database(self) -> None:
        if self._postgres is not None:
            self._postgres.start()
            log.info("postgres started pid=%s folder=%s", self._postgres.pid, self._postgres.folder)
        try:
            migrate(owner_dsn(self._settings), wish=self._settings.storage.mode)
            with connect(app_dsn(self._settings)) as connection:
                seed_sites(connection, self._settings.sites)
        except psycopg.OperationalError as exc:
            raise UnreachableError(f"the database does not answer: {exc}") from exc

    def _listen(self, stopping: threading.Event) -> socket.socket:
        """The address is held here, so that browsers wait in line while the web program is restarted."""
        deadline = time.monotonic() + _BIND_TIMEOUT_S
        while True:
            try:
                return listen(self._settings.host, self._settings.port)
            except OSError as exc:
                # A killed run's web program may need a moment to notice.
                if time.monotonic() > deadline or stopping.wait(_BIND_RETRY_S):
                    where = f"{self._settings.host}:{self._settings.port}"
                    raise UnreachableError(f"cannot listen on {where}: {exc.strerror}") from exc

    def _start_children(self, listening: socket.socket) -> None:
        config = str(self._settings.file)
        fd = listening.fileno()
        self._children = [
            *ingest_children(self._settings),
            Child("web", ["web", config, "--fd", str(fd)], pass_fds=[fd]),
        ]

    def _tend(self, stopping: threading.Event, address: str) -> None:
        ready = False
        while not stopping.is_set():
            if self._tending is not None:
                self._tending()
            for child in self._children:
                child.tend()
            ready = ready or (is_ready(address) and self._welcome(address))
            stopping.wait(_TEND_S)

    def _welcome(self, address: str) -> bool:
        """Say where it is reached; false where the database went away just now."""
        folder = self._settings.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ADDRESS_FILE).write_text(address + "\n")
        try:
            with connect(app_dsn(self._settings)) as connection:
                if not self._settings.demo and not has_account(connection):
                    link = new_setup_link(connection, address, time.time_ns() // 1_000_000)
                    self._say(
                        f"设置链接，30 分钟内有效，只能用一次 · set-up link, for 30 minutes and once: {link}"
                    )
        except psycopg.OperationalError:
            return False
        self._say(f"ready {address}")
        return True


class Tending:
    """Called again and again, starts the embedded server whenever it has ended, until it stays.

    Where it does not start, the disk of its log being full, nothing else ends for that: pages say 503, what
    comes in waits at the broker and at the gateways.
    """

    def __init__(self, postgres: EmbeddedPostgres, *, again_s: float = _START_AGAIN_S) -> None:
        """It has been started once."""
        self._postgres, self._again_s = postgres, again_s
        self._next = 0.0

    def __call__(self) -> None:
        """Start it, where that is due."""
        if self._postgres.is_running or time.monotonic() < self._next:
            return
        log.error("postgres died, starting it again")
        try:
            self._postgres.start()
        except EmbeddedError as exc:
            log.error("postgres does not start again_s=%.0f cause=%s", self._again_s, exc)  # noqa: TRY400
            self._next = time.monotonic() + self._again_s


def ingest_children(settings: Settings, *, stderr: IO[bytes] | None = None) -> list[Child]:
    """The processes of ingest, none started; their logs go to `stderr`, else where ours goes."""
    # Alarms have a process of their own: whatever the others have to do, no alarm waits for it.
    command = ["ingest", str(settings.file), "--part"]
    alarms = Child("alarms", [*command, "alarms"], stderr=stderr)
    numbers = range(1, settings.ingest.workers + 1)
    readings = [
        Child(f"readings-{n}", [*command, "readings", "--number", str(n)], stderr=stderr) for n in numbers
    ]
    return [alarms, *readings]


ADDRESS_FILE = "address"
"""In the data folder: where the running cloud is reached, for `cloud setup-link`."""


def address_of(settings: Settings, port: int) -> str:
    """Where a browser on this machine reaches the pages."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    scheme = "http" if settings.tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host and host[0] != "[" else f"{scheme}://{host}:{port}"


def owner_dsn(settings: Settings) -> str:
    """For migrations."""
    return EmbeddedPostgres(settings.data_dir).owner_dsn() if settings.dsn is None else settings.dsn


def app_dsn(settings: Settings) -> str:
    """For the programs."""
    return EmbeddedPostgres(settings.data_dir).app_dsn() if settings.dsn is None else settings.dsn


def last_address(data_dir: Path) -> str | None:
    """Where the cloud was last reached."""
    file = data_dir / ADDRESS_FILE
    return file.read_text().strip() if file.exists() else None


def is_ready(address: str) -> bool:
    """Whether the web program answers and has its database."""
    # A proxy that the environment names is for the world outside; our own child needs no certificate for us.
    unchecked = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323, SLF001
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), unchecked)
    try:
        with opener.open(f"{address}/readyz", timeout=_ASK_TIMEOUT_S) as response:
            return bool(response.status == 200)  # noqa: PLR2004  OK
    except (urllib.error.URLError, OSError):
        return False
