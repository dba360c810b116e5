"""`sitewarden cloud ca …`: make the authority whose certificates the broker believes."""

import argparse
import datetime as dt
import ipaddress
import os
from pathlib import Path
from typing import Any

from sitewarden.errors import UsageError

CA_FILE, KEY_FILE, CRL_FILE = "ca.crt", "ca.key", "revoked.crl"
BROKER_FILE, BROKER_KEY_FILE = "broker.crt", "broker.key"
_YEARS = 20
_SECRET, _PUBLIC = 0o600, 0o644
_BROKER_LIFE = dt.timedelta(days=825)


def register(commands: Any) -> None:
    """Add `ca` and its actions."""
    parser = commands.add_parser("ca", help="make the authority that signs gateways' certificates")
    actions = parser.add_subparsers(dest="ca_command", required=True, metavar="COMMAND")
    create = actions.add_parser("create", help=f"make {KEY_FILE}, {CA_FILE} and an empty {CRL_FILE}")
    create.add_argument("folder", type=Path, help="where to; it is made if it is not there")
    create.add_argument("--name", default="SiteWarden", help="what the authority is called")
    create.add_argument("--years", type=int, default=_YEARS, help="so long it holds (%(default)s)")
    create.set_defaults(run=_create)
    broker = actions.add_parser("broker", help=f"make {BROKER_KEY_FILE} and {BROKER_FILE}, for TLS")
    broker.add_argument("folder", type=Path, help="where the authority's files are")
    broker.add_argument("hosts", nargs="+", metavar="HOST", help="names and addresses of the broker")
    broker.set_defaults(run=_broker)


def _create(args: argparse.Namespace) -> int:
    from cloud.enrolment.authority import Authority, new_authority  # noqa: PLC0415  only who signs loads it

    folder: Path = args.folder
    if not 1 <= args.years <= 99:  # noqa: PLR2004  no date of a certificate has more digits for it
        raise UsageError(f"an authority of {args.years} years cannot be made")
    present = [name for name in (KEY_FILE, CA_FILE, CRL_FILE) if (folder / name).exists()]
    if present:
        raise UsageError(
            f"{folder / present[0]} is there already. Whoever replaces it shuts out every gateway; "
            "move it away first if that is meant"
        )
    now = dt.datetime.now(dt.UTC)
    made = new_authority(args.name, now, args.years)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / KEY_FILE, made.key, _SECRET)
    _write(folder / CA_FILE, made.certificate, _PUBLIC)
    authority = Authority.read(folder / CA_FILE, folder / KEY_FILE)
    _write(folder / CRL_FILE, authority.list_of({}, now, None), _PUBLIC)
    print(f"{folder / KEY_FILE}  signs certificates: keep it secret, and a copy of it in a safe")
    print(f"{folder / CA_FILE}  the broker's `cafile`, and `ca_file` in cloud.yaml")
    print(f"{folder / CRL_FILE}  the broker's `crlfile`, and `crl_file` in cloud.yaml")
    return 0


def _broker(args: argparse.Namespace) -> int:
    from cloud.enrolment.authority import Authority  # noqa: PLC0415

    folder: Path = args.folder
    authority = Authority.read(folder / CA_FILE, folder / KEY_FILE)
    made = authority.for_broker([_host(name) for name in args.hosts], dt.datetime.now(dt.UTC), _BROKER_LIFE)
    _write(folder / BROKER_KEY_FILE, made.key, _SECRET)
    _write(folder / BROKER_FILE, made.certificate, _PUBLIC)
    print(f"{folder / BROKER_FILE} and {folder / BROKER_KEY_FILE} hold for {_BROKER_LIFE.days} days")
    print("the broker reads them anew on a HUP signal")
    return 0


def _host(name: str) -> str | ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return name


def _write(file: Path, content: bytes, rights: int) -> None:
    """At once, and never readable for more than it should be."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights)
    with os.fdopen(number, "wb") as opened:
        opened.write(content)
        os.fchmod(opened.fileno(), rights)
        os.fsync(opened.fileno())
    new.replace(file)
