"""An authority of a test's own, and a broker that believes it, on the deployed configuration."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509

from cloud.enrolment.authority import Authority
from sitewarden.cli import main
from tests.support.broker import DEPLOYED, Broker, free_port

YEAR = dt.timedelta(days=365)


class TestAuthority:
    """Made by the command that operators use."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        assert main(["cloud", "ca", "create", str(folder)]) == 0
        assert main(["cloud", "ca", "broker", str(folder), Broker.host]) == 0
        self.folder = folder
        self.ca, self.key, self.crl = folder / "ca.crt", folder / "ca.key", folder / "revoked.crl"
        self.signing = Authority.read(self.ca, self.key)

    def identity(
        self,
        file: Path,
        gateway: str,
        *,
        site: str = "demo",
        life: dt.timedelta = YEAR,
        age: dt.timedelta = dt.timedelta(),
    ) -> Path:
        """Certificate and key of a gateway, issued so long ago, as its agent keeps them."""
        now = dt.datetime.now(dt.UTC)
        made = self.signing.login(site, gateway, now - age, age + life)
        file.touch(mode=0o600)
        file.write_bytes(made.key + made.certificate)
        return file

    def revoke(self, *files: Path) -> None:
        """Put certificates on the list; the broker is not told."""
        now = dt.datetime.now(dt.UTC)
        serials = {serial_of(file): now for file in files}
        self.crl.write_bytes(self.signing.list_of(serials, now, self.signing.listed(self.crl)))


def serial_of(file: Path) -> int:
    """Of the certificate in a file."""
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


def broker_with_certificates(folder: Path, program: str, authority: TestAuthority) -> tuple[Broker, int]:
    """One that is not started yet, and the port of its listener for certificates."""
    port = free_port()
    instead: Mapping[str, str] = {
        "listener": f"{port} {Broker.host}",
        "cafile": str(authority.ca),
        "certfile": str(authority.folder / "broker.crt"),
        "keyfile": str(authority.folder / "broker.key"),
        "crlfile": str(authority.crl),
    }
    lines = (DEPLOYED / "certificates.conf").read_text().splitlines()
    added = [
        f"{name} {instead[name]}" if (name := line.partition(" ")[0]) in instead else line for line in lines
    ]
    return Broker(folder, program=program, added=added), port
