"""The gateway's own key and certificate: made, asked for, looked at. Who has a password loads none of it."""

import base64
import datetime as dt
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sitewarden.errors import SiteWardenError

RENEW_AFTER = 2 / 3
"""Of its life a certificate is renewed."""


class IdentityError(SiteWardenError):
    """A key or certificate that cannot be used."""


class NewKey:
    """A key that never leaves this machine, and what is asked with it."""

    def __init__(self) -> None:
        """A key on the curve P-256."""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def request(self) -> str:
        """For a certificate (PKCS #10, PEM). Whose it will be, the cloud says."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self._key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def with_certificate(self, pem: str) -> "Identity":
        """Both together; raises `IdentityError` where the certificate is of another key."""
        return Identity.of(_key_pem(self._key) + pem)


class Identity(NamedTuple):
    """A certificate and its key, of one file."""

    pem: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, pem: str) -> Self:
        """Raises `IdentityError` where it does not hold both."""
        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise IdentityError(f"there is no certificate with its key: {exc}") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise IdentityError("the certificate is not of that key")
        return cls(pem, certificate, key)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises `IdentityError`."""
        try:
            return cls.of(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as exc:
            raise IdentityError(f"{file} cannot be read: {exc}") from exc

    @property
    def serial(self) -> str:
        """In hexadecimal, as the cloud has it."""
        return f"{self.certificate.serial_number:X}"

    @property
    def username(self) -> str:
        """As whom the broker takes it."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    @property
    def ends_s(self) -> float:
        """Until when it holds, Unix seconds."""
        return self.certificate.not_valid_after_utc.timestamp()

    @property
    def due_s(self) -> float:
        """From when on it is to be renewed, Unix seconds."""
        begins_s = self.certificate.not_valid_before_utc.timestamp()
        return begins_s + RENEW_AFTER * (self.ends_s - begins_s)

    @property
    def ends_at(self) -> str:
        """Until when it holds, for people."""
        return dt.datetime.fromtimestamp(self.ends_s, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")

    def sign(self, said: str) -> str:
        """By the key, in base64."""
        return base64.b64encode(self.key.sign(said.encode(), ec.ECDSA(hashes.SHA256()))).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
