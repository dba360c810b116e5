"""Who may come in and where we log in: broker, page, secrets and certificates."""

import os
from pathlib import Path

from edge.config.addresses import is_loopback
from edge.config.model import Broker, Page
from edge.config.source import Source
from edge.settings import PageSettings

LEAST_TOKEN = 16
"""Characters of a device's token."""
LEAST_PIN = 6
"""Characters: at one try in five seconds and more, guessing takes months."""


def broker_of(source: Source) -> Broker:
    """The broker with its password read."""
    settings = source.file.broker
    if settings.password_file is not None and settings.username is None:
        raise source.error("broker.username", "is missing beside a password file", "Add `username:`.")
    return Broker(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=secret_in(source, "broker.password_file", settings.password_file),
        ca_file=certificates(source, "broker.ca_file", settings.ca_file),
    )


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
    file = _shown_by_systemd(name) or source.home / name
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
