"""The broker's files of who gets in and who does not, kept as the registry says, and the broker told."""

import contextlib
import datetime as dt
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cloud.database import Connection, instant
from cloud.enrolment import revoked_list
from cloud.enrolment.authority import Authority
from cloud.enrolment.disconnecting import disconnect_due
from cloud.enrolment.store import put_due_in_force
from cloud.looking import Looking
from cloud.settings import Certificates, Enrolment
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

LOOK_S = 1.0
_AS_IT_IS = "surrogateescape"
"""Whatever bytes others have written into the file come out of it again."""
_RELOAD_S = 10.0
_PUBLIC = 0o644
"""Rights of a new list of revoked certificates: nothing in it is secret, and the broker has to read it."""
_LOCK = 0x5357_524F
"""Any number that nothing else in the database locks."""

_Told = tuple[int, tuple[tuple[int, int, int], ...]]
"""Number of the registry, and which files those were."""


class RosterError(SiteWardenError):
    """The broker could not be told."""


def projected(text: str, gateways: Mapping[str, str | None]) -> str:
    """The file with each of the gateways under its hash, or not at all; other lines stay. Pure."""
    lines, seen = [], set()
    # Not splitlines, which would also take other users' lines apart at stranger letters.
    for line in text.removesuffix("\n").split("\n") if text else ():
        user = line.partition(":")[0]
        if user not in gateways:
            lines.append(line)
        elif user not in seen and gateways[user] is not None:
            lines.append(f"{user}:{gateways[user]}")
        seen.add(user)
    lines += [f"{user}:{hashed}" for user, hashed in sorted(gateways.items()) if hashed and user not in seen]
    return "".join(f"{line}\n" for line in lines)


class Roster(Looking):
    """A thread of ingest."""

    def __init__(self, settings: Enrolment, dsn: str) -> None:
        """Nothing is read yet."""
        super().__init__(dsn, name="ingest-roster", every_s=LOOK_S)
        self._settings = settings
        self._files = [settings.password_file]
        if settings.certificates is not None:
            self._files.append(settings.certificates.crl_file)
        self._authority: Authority | None = None
        self._told: _Told | None = None
        self._noted: tuple[int, str | None] | None = None
        """Number of the registry and complaint, as they stand in the database for people."""

    def look(self, connection: Connection, now_ms: int) -> None:
        """Put in force what is due, and tell the broker where anything has changed: here, or in its file."""
        now = instant(now_ms)
        put_due_in_force(connection, now)
        row = connection.execute("SELECT version FROM registry_version").fetchone()
        version = 0 if row is None else int(row[0])
        try:
            self._tell(connection, version, now)
            if self._settings.certificates is not None:
                disconnect_due(connection, self._settings, self._signing(self._settings.certificates), now_ms)
        except (OSError, SiteWardenError) as exc:
            self._note(connection, version, now_ms, complaint=str(exc))
        else:
            self._note(connection, version, now_ms, complaint=None)

    def _tell(self, connection: Connection, version: int, now: dt.datetime) -> None:
        """Write what has changed and have the broker read it; raises `OSError`, `SiteWardenError`."""
        if self._told == (version, self._identities()):
            return
        with connection.transaction():
            # Several programs may do the same; one after the other they write the same.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            has_written = self._write(_gateways(connection))
            if self._settings.certificates is not None:
                try:
                    self._write_list(self._settings.certificates, connection, now)
                except (OSError, SiteWardenError):
                    # Whoever lost his password must be out also where nothing can be signed.
                    if has_written:
                        self._reload()
                    raise
            told = version, self._identities()
        self._reload()
        self._told = told

    def _identities(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_identity(file) for file in self._files)

    def _signing(self, settings: Certificates) -> Authority:
        if self._authority is None:
            self._authority = Authority.read(settings.ca_file, settings.key_file)
        return self._authority

    def _write_list(self, settings: Certificates, connection: Connection, now: dt.datetime) -> None:
        wanted = revoked_list.ended(connection, now)
        made = revoked_list.make(settings, self._signing(settings), wanted, now)
        if made is not None:
            if not settings.crl_file.exists():
                settings.crl_file.touch()
                settings.crl_file.chmod(_PUBLIC)
            _replace(settings.crl_file, made.decode())
            log.info("revoked certificates written file=%s certificates=%d", settings.crl_file, len(wanted))

    def _write(self, gateways: Mapping[str, str | None]) -> bool:
        """Whether the file had to be written."""
        file = self._settings.password_file
        before = file.read_text(encoding="utf-8", errors=_AS_IT_IS)
        after = projected(before, gateways)
        if after == before:
            return False
        _replace(file, after)
        log.info("passwords written file=%s gateways=%d", file, len(gateways))
        return True

    def _reload(self) -> None:
        """Also where the file was right already: whoever wrote it may have died before it said so."""
        if self._settings.reload_command:
            _run_reload(self._settings.reload_command)
        elif self._settings.pid_file is not None:
            _send_hup(self._settings.pid_file)

    def _note(self, connection: Connection, version: int, now_ms: int, *, complaint: str | None) -> None:
        """For people; once, and not every second."""
        if (version, complaint) == self._noted:
            return
        if complaint is not None and (self._noted is None or complaint != self._noted[1]):
            log.error("the broker was not told of its users, trying on cause=%s", complaint)
        self._noted = version, complaint
        connection.execute(
            """
            INSERT INTO broker_roster (version, told_at, complaint)
                VALUES (%(version)s, %(at)s, %(complaint)s)
                ON CONFLICT (one) DO UPDATE
                   SET version = excluded.version, told_at = excluded.told_at, complaint = excluded.complaint
            """,
            {
                "version": version,
                "at": None if complaint else instant(now_ms),
                "complaint": complaint,
            },
        )


def _gateways(connection: Connection) -> dict[str, str | None]:
    """By user name what the broker asks for; `None` shuts it out, as who has a certificate.

    Whoever was never enrolled is not named.
    """
    rows = connection.execute(
        """
        SELECT its.site || '/' || its.gateway,
               CASE WHEN its.retired_on IS NULL AND access.revoked_at IS NULL THEN access.password_hash END
          FROM site_gateway AS its
               LEFT JOIN gateway_access AS access ON access.site = its.site AND access.gateway = its.gateway
         WHERE its.retired_on IS NOT NULL OR access.revoked_at IS NOT NULL OR access.password_hash IS NOT NULL
            OR EXISTS (SELECT FROM gateway_certificate AS c
                        WHERE c.site = its.site AND c.gateway = its.gateway AND c.seen_at IS NOT NULL)
        """
    )
    return {username: hashed for username, hashed in rows}  # noqa: C416  a dict of its own types


def _identity(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0, 0  # whoever writes it makes it, or complains
    return found.st_ino, found.st_mtime_ns, found.st_size


def _replace(file: Path, text: str) -> None:
    """At once, with owner and rights as they were: whoever reads it has the old file or the new one."""
    before = file.stat()
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors=_AS_IT_IS) as new:
            new.write(text)
            new.flush()
            os.fchmod(new.fileno(), before.st_mode & 0o777)
            # Only root may give a file away; others share a group with the broker.
            with contextlib.suppress(PermissionError):
                os.fchown(new.fileno(), before.st_uid, before.st_gid)
            os.fsync(new.fileno())
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _send_hup(pid_file: Path) -> None:
    text = pid_file.read_text(encoding="utf-8").strip()
    if not text.isdecimal() or int(text) <= 1:
        raise RosterError(f"{pid_file} holds no process id")
    os.kill(int(text), signal.SIGHUP)


def _run_reload(command: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(  # noqa: S603  the operator's own command, from cloud.yaml
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_RELOAD_S, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise RosterError(f"`{command[0]}` did not end within {_RELOAD_S:g} s") from exc
    if done.returncode:
        raise RosterError(f"`{command[0]}` ended with {done.returncode}: {done.stderr.strip()[-300:]}")
