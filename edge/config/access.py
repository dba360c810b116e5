"""Who may come in and where we log in: broker, page, secrets and certificates."""

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from edge.config.addresses import is_loopback
from edge.config.model import Broker, Page
from edge.config.source import Source
from edge.settings import BrokerAddress, PageSettings

LEAST_TOKEN = 16
"""Characters of a device's token."""
LEAST_PIN = 6
"""Characters: at one try in five seconds and more, guessing takes months."""


def broker_of(source: Source) -> Broker:
    """The broker with its password read."""
    settings = source.file.broker
    if settings.password_file is not None and settings.username is None:
        raise source.error("broker.username", "is missing beside a password file", "Add `username:`.")
    _check_ways(source, settings)
    return Broker(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=secret_in(source, "broker.password_file", settings.password_file),
        ca_file=certificates(source, "broker.ca_file", settings.ca_file),
        password_file=None if settings.password_file is None else secret_file(source, settings.password_file),
        certificate_file=_own_certificate(source, settings.certificate_file),
        cloud=settings.cloud,
        cloud_ca_file=certificates(source, "broker.cloud_ca_file", settings.cloud_ca_file),
    )


def _check_ways(source: Source, settings: BrokerAddress) -> None:
    """A password or a certificate, a certificate over TLS only, and pictures so too."""
    _check_cloud(source, settings)
    if settings.certificate_file is None:
        return
    if settings.password_file is not None:
        mend = "Keep the one by which the broker knows this gateway."
        raise source.error("broker.password_file", "stands beside a certificate", mend)
    if settings.ca_file is None:
        mend = "Name the certificates that the broker's is checked against."
        raise source.error("broker.ca_file", "is missing beside a certificate", mend)


def _check_cloud(source: Source, settings: BrokerAddress) -> None:
    if settings.cloud is None:
        return
    has_cameras = bool(source.file.cameras) or source.file.configuration.owner == "cloud"
    if settings.certificate_file is None and not has_cameras:
        mend = "Remove it, or enrol the gateway: sitewarden edge enrol."
        message = "renews a certificate and takes pictures of cameras, and there are neither"
        raise source.error("broker.cloud", message, mend)
    if source.file.cameras and not is_private(settings.cloud):
        message = f"pictures would travel to {settings.cloud} in the clear"
        raise source.error("broker.cloud", message, "Write its address with https://.")


def is_private(address: str) -> bool:
    """Whether nobody on the way can read what goes to that address."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _own_certificate(source: Source, name: str | None) -> Path | None:
    """The file with certificate and key, which nobody else may read; unread without secrets."""
    if name is None:
        return None
    file, field = source.home / name, "broker.certificate_file"
    if not source.with_secrets:
        return file
    try:
        mode = file.stat().st_mode
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file)
    except ssl.SSLError as exc:
        message = f"`{name}` does not hold a certificate and its key: {exc.reason or exc}"
        raise source.error(field, message, "Enrol the gateway: sitewarden edge enrol.") from exc
    except OSError as exc:
        mend = "Enrol the gateway: sitewarden edge enrol; the file must belong to the agent's account."
        raise source.error(field, f"`{name}` cannot be read: {exc.strerror}", mend) from exc
    if mode & 0o007:
        raise source.error(field, f"everybody on this machine can use `{name}`", f"chmod 600 {name}")
    return file


def page_of(source: Source, settings: PageSettings) -> Page:
    """Whoever reaches the page can silence a siren, so others than this machine need a PIN."""
    if settings.pin_file is None and not is_loopback(settings.host):
        message = f"others can reach {settings.host}, and nothing asks who they are"
        mend = f"Add `pin_file:`, a file with a PIN of at least {LEAST_PIN} digits, or use 127.0.0.1."
        raise source.error("page.host", message, mend)
    pin = secret_in(source, "page.pin_file", settings.pin_file)
    if pin is not None and len(pin) < LEAST_PIN:
        message = f"the PIN has {len(pin)} characters"
        raise source.error("page.pin_file", message, f"Write one of {LEAST_PIN} or more.")
    return Page(host=settings.host, port=settings.port, pin=pin)


def certificates(source: Source, field: str, name: str | None) -> Path | None:
    """The file of certificates that is named, which must be there."""
    file = None if name is None else source.home / name
    if file is not None and not _is_file(file):
        raise source.error(field, f"`{name}` is not a file", "Check the path.")
    return file


def secret_in(source: Source, field: str, name: str | None) -> str | None:
    """The one line of a file that nobody else may read; nothing where secrets stay unread."""
    if name is None or not source.with_secrets:
        return None
    file = secret_file(source, name)
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise source.error(field, f"`{name}` cannot be read: {reason}", "Check the path.") from exc
    if mode & 0o007:
        raise source.error(field, f"everybody on this machine can use `{name}`", f"chmod 600 {name}")
    password = text.rstrip("\r\n")
    if not password or "\n" in password:
        raise source.error(field, f"`{name}` does not hold one line", "Write the secret only.")
    return password


def secret_file(source: Source, name: str) -> Path:
    """Where a secret of that name lies."""
    return _shown_by_systemd(name) or source.home / name


def _shown_by_systemd(name: str) -> Path | None:
    """A secret of that name that the service was given (`LoadCredential=`): it wins over one beside us."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    shown = None if folder is None else Path(folder) / name
    return shown if shown is not None and Path(name).name == name and shown.is_file() else None


def _is_file(file: Path) -> bool:
    """Whether it is a file that can be seen."""
    try:
        return file.is_file()
    except PermissionError:
        return False
