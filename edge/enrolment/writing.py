"""Where what a gateway was given is put down: each file at once, the password for one account only."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.enrolment import gateway_file
from edge.enrolment.asking import Enrolled
from edge.enrolment.gateway_file import NEW_FILE, Told
from sitewarden.errors import UsageError

_CREDENTIALS = "/run/credentials/"
"""Where systemd shows a service its secrets; what it shows lies elsewhere, beside the configuration."""
PASSWORD_FILE, CA_FILE = "broker.password", "broker-ca.crt"
_ANY: gateway_file.Values = {
    "site": "any",
    "gateway": "any",
    "broker": {"host": "any"},
}


class _Rights(NamedTuple):
    """Of a file: those of a new one, and those that an earlier one may have had and keeps."""

    new: int
    most: int


_SECRET, _PUBLIC = _Rights(0o600, 0o660), _Rights(0o644, 0o664)


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one gateway, seen to be writable."""

    config: Path
    text: str
    """Of the configuration, as it is now or as a new one begins."""
    told: Told
    password: Path
    """Where the password is written."""
    password_named: str
    """As the configuration names it."""

    @property
    def handing_over(self) -> gateway_file.Values:
        """From now on the cloud configures the gateway, unless its file says who does."""
        return {} if self.told.configuration is not None else {"configuration": {"owner": "cloud"}}

    @property
    def ca(self) -> Path:
        """Where the broker's certificates are written."""
        return self.config.parent / CA_FILE


def places_of(config: Path, password_file: Path | None) -> Places:
    """Where everything goes; raises where the configuration cannot be read or a folder not be written.

    Looked at before a code is used up: it works once.
    """
    text = _text(config)
    told = gateway_file.told(text, config)
    named = told.broker.password_file if told.broker is not None else None
    if password_file is not None:
        password = password_file.resolve()
        named = named if named is not None and named.startswith(_CREDENTIALS) else str(password)
    else:
        named = named or PASSWORD_FILE
        password = config.parent / (Path(named).name if named.startswith(_CREDENTIALS) else named)
    for folder in {config.parent, password.parent}:
        _check_writable(folder)
    # Also that it can be rewritten, with whatever values.
    gateway_file.rewritten(text, _ANY, config)
    return Places(config=config, text=text, told=told, password=password, password_named=named)


def write(places: Places, enrolled: Enrolled) -> None:
    """The password first: a configuration never names one that is not there."""
    broker: dict[str, str | int] = {"host": enrolled.broker.host, "port": enrolled.broker.port}
    if enrolled.broker.ca is not None:
        replace(places.ca, enrolled.broker.ca, _PUBLIC)
        broker["ca_file"] = CA_FILE
    broker |= {"username": enrolled.username, "password_file": places.password_named}
    replace(places.password, enrolled.password + "\n", _SECRET)
    values: gateway_file.Values = {
        "site": enrolled.site,
        "gateway": enrolled.gateway,
        "broker": broker,
        **places.handing_over,
    }
    replace(places.config, gateway_file.rewritten(places.text, values, places.config), _PUBLIC)


def replace(file: Path, text: str, rights: _Rights) -> None:
    """Write a file at once: whoever reads it has the old one or the new one. It stays its owner's."""
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            before = file.stat() if file.exists() else None
            os.fchmod(new.fileno(), rights.new if before is None else before.st_mode & rights.most)
            if before is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(new.fileno(), before.st_uid, before.st_gid)
            os.fsync(new.fileno())
        Path(name).replace(file)
        _sync_folder(file.parent)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """The name too must be on the disk before the cloud hears that the password is safe."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _text(config: Path) -> str:
    try:
        return config.read_text(encoding="utf-8")
    except FileNotFoundError:
        return NEW_FILE
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{config} cannot be read: {exc}") from exc


def _check_writable(folder: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(prefix=".enrol.", dir=folder):
            pass
    except OSError as exc:
        raise UsageError(
            f"nothing can be written in {folder}: {exc.strerror}. Make the folder, or use sudo"
        ) from exc
