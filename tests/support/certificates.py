"""Real certificates, made for a test."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.left_out import leave_out

NOW = ("20200101000000Z", "20491231000000Z")
"""From and until when; today lies in it."""


class Certificate(NamedTuple):
    """A certificate that is its own issuer, and its key."""

    file: Path
    key: Path


def make_certificate(folder: Path, *, days: int, address: str = "127.0.0.1") -> Certificate:
    """One for a host of that address, as PEM in `folder`."""
    made = Certificate(folder / "broker.crt", folder / "broker.key")
    names = f"subjectAltName=IP:{address}"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", made.key]
    subject = ["-subj", "/CN=broker", "-addext", names]
    command = [_openssl(), "req", "-x509", "-days", str(days), *key, *subject, "-out", made.file]
    subprocess.run(command, check=True, capture_output=True)
    return made


def certify(folder: Path, name: str, valid: tuple[str, str] = NOW) -> None:
    """Write `key.pem`, and `cert.pem` for a host of that name, which holds from and until when it is told."""
    openssl = _openssl()
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = itself\n[itself]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
        "default_md = sha256\npolicy = named\nx509_extensions = extended\n[named]\ncommonName = supplied\n"
        f"[extended]\nsubjectAltName = DNS:{name}\n"
    )
    new = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key.pem"]
    signing = ["-batch", "-selfsign", "-notext", "-config", "ca.cnf", "-keyfile", "key.pem", "-in", "csr.pem"]
    for command in (
        ["req", *new, "-out", "csr.pem", "-subj", f"/CN={name}"],
        ["ca", *signing, "-out", "cert.pem", "-startdate", valid[0], "-enddate", valid[1]],
    ):
        subprocess.run([openssl, *command], cwd=folder, check=True, capture_output=True)


def _openssl() -> str:
    openssl = shutil.which("openssl")
    if openssl is None:
        leave_out("openssl is not on PATH (Debian: apt install openssl)")
    return openssl
