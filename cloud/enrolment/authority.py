"""The authority whose certificates the broker believes: issuing, and the list of those no longer good.

Pure but for reading two files and the dice; every instant is told.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sitewarden.errors import SiteWardenError

LONGEST_NAME = 64
"""Characters of a certificate's common name (X.520), in which `{site}/{gateway}` must find room."""
BACK = dt.timedelta(hours=1)
"""Everything is dated so far back: broker and gateway may have clocks that are behind ours."""
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


Address = IPv4Address | IPv6Address


class AuthorityError(SiteWardenError):
    """The authority's files cannot be used, or its own time is over."""


class RequestError(SiteWardenError):
    """A request for a certificate that is none, or that nobody should sign."""


class Key(NamedTuple):
    """A key and its certificate, as PEM."""

    key: bytes
    certificate: bytes


def username_of(site: str, gateway: str) -> str:
    """What the broker takes out of the certificate as the user's name."""
    return f"{site}/{gateway}"


def new_authority(name: str, now: dt.datetime, years: int) -> Key:
    """A key, and a certificate by which it may sign gateways' certificates and nothing below them."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = _named(name)
    made = (
        _begun(named, named, key.public_key(), now - BACK, now + dt.timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Key(_key_pem(key), made.public_bytes(serialization.Encoding.PEM))


class Authority:
    """Key and certificate of whoever signs."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """They belong together."""
        self.certificate, self._key = certificate, key

    @classmethod
    def read(cls, ca_file: Path, key_file: Path) -> Self:
        """Raises `AuthorityError` where the files are none, or none of one another."""
        try:
            certificate = x509.load_pem_x509_certificate(ca_file.read_bytes())
            key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise AuthorityError(f"{ca_file} or {key_file} cannot be read: {exc}") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError(
                f"{key_file} is no key on an elliptic curve, as `sitewarden cloud ca create` makes"
            )
        if key.public_key() != certificate.public_key():
            raise AuthorityError(f"{key_file} is not the key of {ca_file}")
        return cls(certificate, key)

    def issue(
        self,
        public_key: ec.EllipticCurvePublicKey,
        site: str,
        gateway: str,
        now: dt.datetime,
        life: dt.timedelta,
    ) -> x509.Certificate:
        """What the gateway logs in by at the broker, for that key; raises `AuthorityError`."""
        until = self._until(now, life)
        username = username_of(site, gateway)
        alternative = x509.UniformResourceIdentifier(f"urn:sitewarden:gateway:{username}")
        return (
            _begun(_named(username), self.certificate.subject, public_key, now - BACK, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(self._identifier(), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def login(self, site: str, gateway: str, now: dt.datetime, life: dt.timedelta) -> Key:
        """Key and certificate by which the cloud itself can be that gateway to the broker, for a moment."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.issue(key.public_key(), site, gateway, now, life)
        return Key(_key_pem(key), made.public_bytes(serialization.Encoding.PEM))

    def for_broker(self, hosts: Iterable[str | Address], now: dt.datetime, life: dt.timedelta) -> Key:
        """Key and certificate by which a broker shows gateways that it is the one."""
        names = [x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host) for host in hosts]
        key = ec.generate_private_key(ec.SECP256R1())
        until = self._until(now, life)
        made = (
            _begun(_named("broker"), self.certificate.subject, key.public_key(), now - BACK, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(is_authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(self._identifier(), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Key(_key_pem(key), made.public_bytes(serialization.Encoding.PEM))

    def list_of(self, ended: Mapping[int, dt.datetime], now: dt.datetime, older: "Listed | None") -> bytes:
        """The list of certificates that are no longer good (PEM), by serial number since when.

        OpenSSL takes the newest of the lists that it was ever shown, so each is dated after the `older`. It
        holds as long as the authority does: to a broker a list that has run out means that nobody gets in.
        """
        self._until(now, BACK)
        dated = now - BACK
        if older is not None:
            dated = max(dated, older.dated + dt.timedelta(seconds=1))
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(dated)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(self._identifier(), critical=False)
        )
        for serial, since in sorted(ended.items()):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
            made = made.add_revoked_certificate(entry.build())
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def listed(self, file: Path) -> "Listed | None":
        """What a list says, if it is one of ours; raises `OSError` but for a file that is not there."""
        try:
            found = x509.load_pem_x509_crl(file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not found.is_signature_valid(self._key.public_key()):
            return None
        return Listed(frozenset(entry.serial_number for entry in found), found.last_update_utc)

    def _until(self, now: dt.datetime, life: dt.timedelta) -> dt.datetime:
        """What it signs outlives no authority; raises `AuthorityError` where it has ended itself."""
        ends = self.certificate.not_valid_after_utc
        if ends <= now:
            raise AuthorityError(
                f"the authority's certificate has ended, at {ends:%Y-%m-%d %H:%M} UTC: make another with "
                "`sitewarden cloud ca create`, and enrol the gateways again"
            )
        return min(now + life, ends)

    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())


class Listed(NamedTuple):
    """What a list of certificates that are no longer good says."""

    serials: frozenset[int]
    dated: dt.datetime


def asked_key(pem: str) -> ec.EllipticCurvePublicKey:
    """The key of a request for a certificate; raises `RequestError`. What name it asks for does not count."""
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        is_signed = request.is_signature_valid
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as exc:
        raise RequestError(f"It is no request for a certificate (PKCS #10, PEM): {exc}") from exc
    if not is_signed:
        raise RequestError("Its signature is not of its own key.")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    raise RequestError("Its key must be on the curve P-256, P-384 or P-521.")


def key_hash(key: ec.EllipticCurvePublicKey) -> str:
    """By which a key is found again."""
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(encoded)
    return digest.finalize().hex()


def serial_text(certificate: x509.Certificate) -> str:
    """As openssl prints it."""
    return f"{certificate.serial_number:X}"


def has_signed(certificate_pem: str, signature: str, said: bytes) -> bool:
    """Whether whoever has the certificate's key has signed these bytes; the signature in base64."""
    key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    try:
        raw = base64.b64decode(signature, validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(raw, said, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
