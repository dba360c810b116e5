"""Real certificates, made for a test."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.left_out import leave_out


class Certificate(NamedTuple):
    """A certificate that is its own issuer, and its key."""

    file: Path
    key: Path


def make_certificate(folder: Path, *, days: int, address: str = "127.0.0.1") -> Certificate:
    """One for a host of that address, as PEM in `folder`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        leave_out("openssl is not on PATH (Debian: apt install openssl)")
    made = Certificate(folder / "broker.crt", folder / "broker.key")
    names = f"subjectAltName=IP:{address}"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", made.key]
    subject = ["-subj", "/CN=broker", "-addext", names]
    command = [openssl, "req", "-x509", "-days", str(days), *key, *subject, "-out", made.file]
    subprocess.run(command, check=True, capture_output=True)
    return made
