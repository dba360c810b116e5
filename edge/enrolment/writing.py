"""Where what a gateway was given is put down: each file at once, what is secret for one account only."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from edge.enrolment import gateway_file
from edge.enrolment.asking import Enrolled
from edge.enrolment.gateway_file import NEW_FILE, Told
from edge.login import before
from sitewarden.errors import UsageError

_CREDENTIALS = "/run/credentials/"
"""Where systemd shows a service its secrets; what it shows lies elsewhere, beside the configuration."""
PASSWORD_FILE, CA_FILE, CLOUD_CA_FILE = "broker.password", "broker-ca.crt", "cloud-ca.crt"
CERTIFICATE_FILE = "broker.pem"
_ANY: gateway_file.Values = {
    "site": "any",
    "gateway": "any",
    "broker": {"host": "any"},
}


class Owner(NamedTuple):
    """Whose a file is."""

    uid: int
    gid: int


class Renewed(NamedTuple):
    """Where a certificate is renewed."""

    address: str
    ca: str | None
    """Certificates that the cloud's is checked against, as PEM."""


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
    certificate: Path
    """Where a certificate and its key are written: in the agent's own folder, where it can renew them."""
    certificate_named: str
    data_dir: Path
    """Whose owner is the account that the agent runs as."""

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
    data_dir = config.parent / (told.data_dir or yaml.safe_load(NEW_FILE)["data_dir"])
    kept = told.broker.certificate_file if told.broker is not None else None
    certificate = config.parent / kept if kept is not None else _home(data_dir, config) / CERTIFICATE_FILE
    for folder in {config.parent, password.parent, _nearest(certificate.parent)}:
        _check_writable(folder)
    # Also that it can be rewritten, with whatever values.
    gateway_file.rewritten(text, _ANY, config)
    return Places(
        config=config,
        text=text,
        told=told,
        password=password,
        password_named=named,
        certificate=certificate,
        certificate_named=kept or str(certificate),
        data_dir=data_dir,
    )


def write(places: Places, enrolled: Enrolled, renewed_at: Renewed, identity: str | None) -> None:
    """What is secret first: a configuration never names a file that is not there.

    `identity` is the certificate and its key, where the cloud gave one; `renewed_at` where it is renewed.
    """
    broker: dict[str, str | int] = {"host": enrolled.broker.host, "port": enrolled.broker.port}
    if enrolled.broker.ca is not None:
        replace(places.ca, enrolled.broker.ca, _PUBLIC)
        broker["ca_file"] = CA_FILE
    if identity is not None:
        broker |= _certificate(places, renewed_at, identity)
    elif enrolled.password is not None:
        broker |= {"username": enrolled.username, "password_file": places.password_named}
        replace(places.password, enrolled.password + "\n", _SECRET, _owner(places.data_dir))
    values: gateway_file.Values = {
        "site": enrolled.site,
        "gateway": enrolled.gateway,
        "broker": broker,
        **places.handing_over,
    }
    replace(places.config, gateway_file.rewritten(places.text, values, places.config), _PUBLIC)


def _certificate(places: Places, renewed_at: Renewed, identity: str) -> dict[str, str | int]:
    """Write it, and what the configuration says of it."""
    broker: dict[str, str | int] = {"certificate_file": places.certificate_named, "cloud": renewed_at.address}
    if renewed_at.ca is not None:
        replace(places.config.parent / CLOUD_CA_FILE, renewed_at.ca, _PUBLIC)
        broker["cloud_ca_file"] = CLOUD_CA_FILE
    if not places.certificate.parent.exists():
        # systemd gives it to the agent's account when the service starts.
        places.certificate.parent.mkdir(mode=0o700, parents=True)
    before(places.certificate).unlink(missing_ok=True)
    write_identity(places.certificate, identity, _owner(places.data_dir))
    return broker


def write_identity(file: Path, pem: str, owner: Owner | None = None) -> None:
    """A certificate and its key, at once: both are of one another or the old ones."""
    replace(file, pem, _SECRET, owner)


def keep_before(file: Path) -> None:
    """A copy of a certificate that is about to be replaced, for the case that the next one does not work."""
    replace(before(file), file.read_text(encoding="utf-8"), _SECRET)


def replace(file: Path, text: str, rights: _Rights, owner: Owner | None = None) -> None:
    """Write a file at once: whoever reads it has the old one or the new one.

    It stays its owner's; a new one, or one of root's, is `owner`'s, where we may give it away.
    """
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            kept = file.stat() if file.exists() else None
            os.fchmod(new.fileno(), rights.new if kept is None else kept.st_mode & rights.most)
            if kept is not None and (owner is None or kept.st_uid != 0):
                owner = Owner(kept.st_uid, kept.st_gid)
            if owner is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(new.fileno(), *owner)
            os.fsync(new.fileno())
        Path(name).replace(file)
        _sync_folder(file.parent)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _owner(folder: Path) -> Owner | None:
    """Whose the folder is; only root may give files away, and nobody else has to."""
    if os.geteuid() != 0 or not folder.exists():
        return None
    found = folder.stat()
    return Owner(found.st_uid, found.st_gid)


def _home(data_dir: Path, config: Path) -> Path:
    """Where the agent can write; where we cannot, beside the configuration, as whoever tries things out."""
    return data_dir if os.access(_nearest(data_dir), os.W_OK) else config.parent


def _nearest(folder: Path) -> Path:
    """It, or what is above it and there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


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
