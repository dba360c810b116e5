"""What the gateway logs in with, as it lies on the disk at this moment: renewed, no agent is restarted."""

import logging
import ssl
from pathlib import Path

import msgspec

from edge.config import Broker
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""So long a newer password or certificate that did not work is left alone, while an older one does."""
BEFORE = ".before"
"""After the name of the certificate that the one beside it has replaced, until the new one was used."""

_Stamp = tuple[tuple[int, int, int] | None, ...]
"""Which files those were."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in; never printed."""

    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    file: Path | None = None
    """That holds the certificate; `None` where it is a password."""
    serial: str | None = None
    """Of the certificate."""
    ends_s: float | None = None
    """Until when the certificate holds, Unix seconds."""
    ends_at: str = ""
    """The same for people."""


class Logins:
    """The newest way to log in, and those that worked before it."""

    def __init__(self, broker: Broker) -> None:
        """Nothing is read yet."""
        self._broker = broker
        self._stamp: _Stamp | None = None
        self._newest: Login | None = None
        self._good: Login | None = None
        """That the broker has accepted last."""
        self._before: Login | None = None
        self._turn = 0
        self._again_s = 0.0

    def choose(self) -> Login:
        """The next to try: the newest, and where that is refused those before it in turn."""
        self._look()
        known = [login for login in (self._newest, self._good, self._before) if login is not None]
        if not known:
            raise SiteWardenError("there is neither a password nor a certificate that can be read")
        distinct = list({id(login): login for login in known}.values())
        return distinct[self._turn % len(distinct)]

    def refused(self) -> None:
        """The one that was chosen did not work."""
        self._turn += 1

    def accepted(self, login: Login, now_s: float) -> None:
        """The broker has let it in; `now_s` by a clock that nobody sets."""
        self._good, self._turn = login, 0
        self._again_s = now_s + AGAIN_S

    def newer(self, now_s: float) -> Login | None:
        """One that has come since the connection that holds, if it is time to try it."""
        if self._look():
            self._again_s = now_s
        is_newer = self._newest is not None and self._newest is not self._good
        return self._newest if is_newer and now_s >= self._again_s else None

    def not_yet(self, now_s: float) -> None:
        """The newer one does not work; the connection that holds goes on."""
        self._again_s = now_s + AGAIN_S

    def _look(self) -> bool:
        """Read what is new; whether there was anything. What cannot be read leaves the last in its place."""
        broker = self._broker
        stamp = tuple(map(_stamp, (broker.password_file, broker.certificate_file, broker.ca_file)))
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._newest = read_login(broker, broker.certificate_file)
        except (OSError, ValueError, SiteWardenError) as exc:
            log.warning("the new password or certificate cannot be used, going on with the last: %s", exc)
            return False
        finally:
            self._before = self._read_before()
        return True

    def _read_before(self) -> Login | None:
        file = self._broker.certificate_file
        if file is None or not before(file).exists():
            return None
        try:
            return read_login(self._broker, before(file))
        except (OSError, ValueError, SiteWardenError):
            return None


def before(file: Path) -> Path:
    """Where the certificate lies that a newer one has replaced."""
    return file.with_name(file.name + BEFORE)


def read_login(broker: Broker, certificate_file: Path | None) -> Login:
    """What the files hold; raises `OSError`, `ValueError` or an error of ours where they cannot be used."""
    tls = None if broker.ca_file is None else ssl.create_default_context(cafile=broker.ca_file)
    if certificate_file is None or tls is None:
        password = broker.password
        if broker.password_file is not None:
            password = broker.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        return Login(username=broker.username, password=password, tls=tls)
    from edge.enrolment.keys import Identity  # noqa: PLC0415  takes memory; most gateways have a password

    identity = Identity.read(certificate_file)
    tls.load_cert_chain(certificate_file)
    return Login(
        username=broker.username,
        password=None,
        tls=tls,
        file=certificate_file,
        serial=identity.serial,
        ends_s=identity.ends_s,
        ends_at=identity.ends_at,
    )


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
