"""`sitewarden cloud audit verify …`: whether the records are what they were."""

import argparse
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from cloud.settings import read_settings
from sitewarden.errors import UnreachableError

if TYPE_CHECKING:
    from cloud.hazards.audit import Break, Verdict

_BROKEN = 1
_SHOWN = 200


def register(commands: Any) -> None:
    """Add `audit` and its action."""
    parser = commands.add_parser("audit", help="look whether the records are what they were")
    actions = parser.add_subparsers(dest="audit_command", required=True, metavar="COMMAND")
    verify = actions.add_parser(
        "verify", help=f"walk every chain, signature and sum; exit status {_BROKEN} where one does not hold"
    )
    verify.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    verify.add_argument("--dsn", help="another database than the configured one, such as a restored copy")
    verify.add_argument("--head", help="what an earlier run printed, kept elsewhere since")
    verify.set_defaults(run=_verify)


def _verify(args: argparse.Namespace) -> int:
    # Each command imports only what it runs.
    from cloud.database import connect  # noqa: PLC0415
    from cloud.hazards.audit import read_head, verify  # noqa: PLC0415
    from cloud.running import app_dsn  # noqa: PLC0415

    kept = None if args.head is None else read_head(args.head)
    settings = read_settings(args.config)
    try:
        with connect(args.dsn or app_dsn(settings)) as connection:
            verdict = verify(connection, dt.datetime.now(dt.UTC), kept)
    except psycopg.OperationalError as exc:
        raise UnreachableError(f"the database does not answer; is the cloud running? {exc}") from exc
    print("\n".join(lines(verdict)))
    return _BROKEN if verdict.breaks else 0


def lines(verdict: "Verdict") -> list[str]:
    """What is said of it."""
    said = [_line(found) for found in verdict.breaks[:_SHOWN]]
    if (more := len(verdict.breaks) - _SHOWN) > 0:
        said.append(f"… and {more} more")
    said.append(
        f"{verdict.records} records, {verdict.events} events, {verdict.signatures} signatures: "
        + (f"{len(verdict.breaks)} do not hold" if verdict.breaks else "all hold")
    )
    return [*said, f"head {verdict.head}"]


def _line(found: "Break") -> str:
    where = "" if found.seq is None else f" event {found.seq}"
    return f"BROKEN {found.ledger} {found.of}{where}: {found.what}"
