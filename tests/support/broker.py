"""A real Mosquitto for tests, on the deployed configuration and ACL; it can be stopped, killed, restarted."""

import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"
HASH_ROUNDS = 101  # what mosquitto_passwd writes: "$7$101$salt$hash"
START_ATTEMPTS = 5
READY_TIMEOUT_S = 45.0
ACCEPTED = 0  # CONNACK return code


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a client logs in with."""

    username: str
    password: str


class BrokerError(Exception):
    """The broker did not do what was asked of it; the message carries the end of its log."""


def find_mosquitto() -> str | None:
    """Path of the broker's program, also where Debian keeps it away from an ordinary user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
    return shutil.which("mosquitto", path=path)


def password_hash(password: str, salt: bytes) -> str:
    """Hash `password` as mosquitto_passwd does: PBKDF2-HMAC-SHA512, salt and hash in base64."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return f"$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def free_port() -> int:
    """A loopback port that the system has just found free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """One Mosquitto process on loopback; `port` stays the same over restarts."""

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        program: str,
        instead: Mapping[str, str] | None = None,
        added: Sequence[str] = (),
    ) -> None:
        """`instead` replaces values of the deployed configuration by their names, `added` are more lines."""
        self.folder = folder
        self._instead, self._added = instead or {}, added
        self.port = 0
        self.password_file, self.pid_file = folder / "passwords", folder / "pid"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords: dict[str, str] = {}
        self._users: dict[str, Credentials] = {}
        # A name that is in no ACL line, used to see whether the broker answers.
        self._probe = self.add_user("probe/probe")
        self.cloud = self.add_user("cloud")

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def add_user(self, username: str, password: str | None = None) -> Credentials:
        """Let `username` log in (a gateway is "{site}/{gateway}"); a running broker knows it on return."""
        known = self._users.get(username)
        if known is not None and password in {None, known.password}:
            return known
        credentials = Credentials(username=username, password=password or secrets.token_urlsafe(18))
        self._users[username] = credentials
        self._passwords[username] = password_hash(credentials.password, secrets.token_bytes(12))
        self._write_passwords()
        if self.is_running:
            self._reload_until_known(credentials)
        return credentials

    def start(self) -> None:
        """Start and return when clients are served; the first start chooses the port."""
        if self.is_running:
            return
        chosen = self.port
        for _ in range(START_ATTEMPTS):
            self.port = chosen or free_port()
            self._launch()
            if self._answers_in_time():
                return
            self._end(signal.SIGKILL)
        raise BrokerError(f"mosquitto did not start:\n{self.log_tail()}")

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if running and start again on the same port."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Have it read its files again (SIGHUP); it does so soon."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the broker logged."""
        log = self.folder / "mosquitto.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def _launch(self) -> None:
        config = self.folder / "mosquitto.conf"
        lines = configuration(self.folder, self.port, self._instead)
        config.write_text("\n".join([lines, *self._added, ""]))
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.pid_file.write_text(f"{self._process.pid}\n")

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self.is_running and time.monotonic() < deadline:
            if connack(self.port, self._probe) == ACCEPTED:
                return True
            time.sleep(0.02)
        return False

    def _reload_until_known(self, credentials: Credentials) -> None:
        self.reload()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while connack(self.port, credentials) != ACCEPTED:
            if time.monotonic() > deadline:
                raise BrokerError(f"mosquitto does not know {credentials.username}:\n{self.log_tail()}")
            time.sleep(0.02)

    def _write_passwords(self) -> None:
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(
            "".join(f"{user}:{hashed}\n" for user, hashed in self._passwords.items())
        )

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            self._process.wait(timeout=READY_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def configuration(folder: Path, port: int, changed: Mapping[str, str] | None = None) -> str:
    """The deployed mosquitto.conf with only the address, the file locations and the account changed.

    And what a test wants otherwise.
    """
    instead: Mapping[str, str] = {
        "listener": f"{port} {Broker.host}",
        "password_file": str(folder / "passwords"),
        "acl_file": str(DEPLOYED / "acl"),
        **(changed or {}),
    }
    lines = [_replaced(line, instead) for line in (DEPLOYED / "mosquitto.conf").read_text().splitlines()]
    # As root, Mosquitto would become the user "mosquitto", who cannot read a test's folder.
    account = ["user root"] if os.geteuid() == 0 else []
    return "\n".join([*account, *lines, ""])


def _replaced(line: str, instead: Mapping[str, str]) -> str:
    name = line.partition(" ")[0]
    return f"{name} {instead[name]}" if name in instead else line


def connack(port: int, credentials: Credentials) -> int | None:
    """Log in over MQTT 3.1.1 and out again; the CONNACK's return code, None where nobody answers."""
    try:
        with socket.create_connection((Broker.host, port), timeout=1.0) as link:
            link.sendall(_connect_packet(credentials))
            answer = link.recv(4)
            link.sendall(b"\xe0\x00")  # DISCONNECT
    except OSError:
        return None
    return answer[3] if len(answer) == 4 and answer[0] == 0x20 else None


def _connect_packet(credentials: Credentials) -> bytes:
    fields = (f"probe-{secrets.token_hex(6)}", credentials.username, credentials.password)
    payload = b"".join(struct.pack("!H", len(part)) + part for part in (field.encode() for field in fields))
    flags_and_keep_alive = struct.pack("!BBH", 4, 0b11000010, 60)  # 3.1.1; user, password, clean session
    body = b"\x00\x04MQTT" + flags_and_keep_alive + payload
    return b"\x10" + bytes(_remaining_length(len(body))) + body


def _remaining_length(length: int) -> Iterator[int]:
    while True:
        length, digit = divmod(length, 128)
        yield digit | (0x80 if length else 0)
        if not length:
            return
