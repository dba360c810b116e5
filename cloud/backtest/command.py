"""`sitewarden backtest`: what other rules would have done; `cloud export`: history as a file."""

import argparse
import contextlib
import datetime as dt
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from cloud.backtest.asked import Asked
from cloud.backtest.gateway_file import GatewayFacts, read_gateway
from cloud.settings import Settings, read_settings
from sitewarden.errors import UnreachableError, UsageError
from sitewarden.rules.packs import load_pack

if TYPE_CHECKING:
    from cloud.backtest.service import DatabaseSource
    from cloud.database import Connection
    from cloud.registry.known import SiteEntry
    from sitewarden.backtest.files import FileSource
    from sitewarden.backtest.trial import Report

_PACK = "a rule pack's file or name; its rules replace those in force of the same name"
_IN_FORCE = "a rule pack in force, where the history does not name them or others are meant"
_WHEN = "RFC 3339; without an offset on the site's clocks"


def register(subparsers: Any) -> None:
    """Add `backtest`."""
    parser = subparsers.add_parser("backtest", help="what other rules would have done over a history")
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a history: .parquet or .csv")
    parser.add_argument("--config", type=Path, help="cloud.yaml: take the history from its database")
    parser.add_argument("--rules", action="append", required=True, metavar="PACK", help=_PACK)
    parser.add_argument("--only", action="store_true", help="no other rules than those of --rules")
    parser.add_argument("--in-force", action="append", default=[], metavar="PACK", help=_IN_FORCE)
    parser.add_argument("--json", action="store_true", help="the whole report as JSON")
    add_range(parser, required=False)
    parser.set_defaults(run=_backtest)


def register_export(commands: Any) -> None:
    """Add `cloud export`."""
    parser = commands.add_parser("export", help="write a site's history to a file")
    parser.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    parser.add_argument("--out", type=Path, required=True, help="history.parquet or history.csv")
    add_range(parser, required=True)
    parser.set_defaults(run=_export)


def register_pack(commands: Any) -> None:
    """Add `cloud pack`."""
    parser = commands.add_parser("pack", help="make a case pack of a hazard record")
    parser.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    parser.add_argument("--hazard", required=True, metavar="NUMBER", help="the record's number or id")
    parser.add_argument("--out", type=Path, required=True, help="the .swpack to write")
    parser.add_argument("--gateway", type=Path, help="gateway.yaml: its rules and parameters win")
    parser.set_defaults(run=_pack)


def register_rules(commands: Any) -> None:
    """Add `cloud rules`."""
    parser = commands.add_parser(
        "rules",
        help="the limits in force on a site, and where each comes from (also: `sitewarden rules show`)",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    parser.add_argument("--site", required=True)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(run=_rules)


def add_range(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add what says which history."""
    parser.add_argument("--site", required=required)
    parser.add_argument("--from", dest="since", required=required, metavar="INSTANT", help=_WHEN)
    parser.add_argument("--to", dest="until", required=required, metavar="INSTANT", help=_WHEN)
    parser.add_argument("--device", help="only this device")
    parser.add_argument("--gateway", type=Path, help="gateway.yaml: its rules and parameters win")


def _export(args: argparse.Namespace) -> int:
    from cloud.backtest.service import export  # noqa: PLC0415  each command imports only what it runs

    with _database(args) as source:
        written = export(source, args.out)
    print(f"{args.out}: {written} readings")
    return 0


def _pack(args: argparse.Namespace) -> int:
    from cloud.backtest.packing import pack_hazard, save  # noqa: PLC0415

    settings = read_settings(args.config)
    gateway = None if args.gateway is None else read_gateway(args.gateway)
    with _connected(settings) as connection:
        packed = pack_hazard(connection, args.hazard, gateway)
    save(packed, args.out)
    print(f"{args.out}: {packed.number}, {len(packed.pack.expected)} expected alarms")
    found = packed.against_recorded
    if not found.is_equal:
        print(
            f"recorded otherwise: {len(found.removed)} more were recorded, {len(found.added)} were not, "
            f"{len(found.moved)} at other instants"
        )
    return 0


def _rules(args: argparse.Namespace) -> int:
    from cloud.backtest.limits import in_words  # noqa: PLC0415
    from cloud.backtest.service import limits_in_force  # noqa: PLC0415

    settings = read_settings(args.config)
    with _connected(settings) as connection:
        found = limits_in_force(connection, _site(connection, args.site), settings.mode)
    if args.json:
        print(msgspec.json.encode(found).decode())
        return 0
    if not found.devices:
        print(f"{found.site}: no gateway has announced a device yet")
    print("\n".join(in_words(found)))
    return 0


def _backtest(args: argparse.Namespace) -> int:
    if (args.file is None) == (args.config is None):
        raise UsageError("give a history's FILE, or --config cloud.yaml with --site, --from and --to")
    if args.file is None and not (args.site and args.since and args.until):
        raise UsageError("from the database a back-test needs --site, --from and --to")
    if args.file is not None and args.site:
        raise UsageError("a file is of one site: leave --site out")
    report = _of_database(args) if args.file is None else _of_file(args)
    if args.json:
        print(msgspec.json.encode(report).decode())
        return 0
    from sitewarden.backtest.text import lines  # noqa: PLC0415

    print("\n".join(lines(report)))
    return 0


def _of_database(args: argparse.Namespace) -> "Report":
    with _database(args) as source:
        return _report(args, source, warm_ms=0)


def _of_file(args: argparse.Namespace) -> "Report":
    from sitewarden.backtest.files import FileSource  # noqa: PLC0415
    from sitewarden.history import read_header  # noqa: PLC0415

    header = read_header(args.file)
    since_ms = _instant(args.since, header.time_zone) if args.since else header.since_ms
    until_ms = _instant(args.until, header.time_zone) if args.until else header.until_ms
    source = FileSource(args.file, header, since_ms, until_ms, args.device)
    if args.gateway is not None:
        gateway = read_gateway(args.gateway)
        source.judge_as(gateway.packs, gateway.changes, gateway.setups)
    return _report(args, source, warm_ms=header.since_ms)


def _report(args: argparse.Namespace, source: "DatabaseSource | FileSource", *, warm_ms: int) -> "Report":
    from sitewarden.backtest.changes import put_upon  # noqa: PLC0415
    from sitewarden.backtest.judging import Span  # noqa: PLC0415
    from sitewarden.backtest.trial import backtest  # noqa: PLC0415

    header = source.header
    in_force = [load_pack(name, Path()) for name in args.in_force] or header.rules
    if not in_force:
        raise UsageError(
            "the history does not say which rules were in force: give them with --in-force, or --gateway"
        )
    changed = [load_pack(name, Path()) for name in args.rules]
    return backtest(
        source,
        in_force,
        changed if args.only else put_upon(in_force, changed),
        Span(warm_ms, header.since_ms, header.until_ms),
        notes=source.notes,
    )


@contextlib.contextmanager
def _database(args: argparse.Namespace) -> "Iterator[DatabaseSource]":
    """The history that the arguments ask for, while the connection lasts."""
    from cloud.backtest.service import open_history  # noqa: PLC0415

    settings = read_settings(args.config)
    gateway = _gateway(args)
    with _connected(settings) as connection:
        site = _site(connection, args.site)
        since_ms, until_ms = (_instant(text, site.time_zone) for text in (args.since, args.until))
        if since_ms >= until_ms:
            raise UsageError("--to must lie after --from")
        yield open_history(connection, Asked(site, args.device, since_ms, until_ms, settings.mode), gateway)


def _site(connection: "Connection", name: str) -> "SiteEntry":
    from cloud.registry.known import load_sites  # noqa: PLC0415

    sites = load_sites(connection)
    if name not in sites:
        raise UsageError(f"there is no site `{name}`; there are {', '.join(sites)}")
    return sites[name]


@contextlib.contextmanager
def _connected(settings: Settings) -> "Iterator[Connection]":
    from cloud.database import connect  # noqa: PLC0415
    from cloud.running import app_dsn  # noqa: PLC0415

    try:
        with connect(app_dsn(settings)) as connection:
            yield connection
    except psycopg.OperationalError as exc:
        raise UnreachableError(f"the database does not answer; is the cloud running? {exc}") from exc


def _gateway(args: argparse.Namespace) -> GatewayFacts | None:
    if args.gateway is None:
        return None
    found = read_gateway(args.gateway)
    if found.site != args.site:
        raise UsageError(f"{args.gateway} is of the site `{found.site}`, not of `{args.site}`")
    return found


def _instant(text: str, time_zone: str) -> int:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no instant; write 2026-11-20T10:00 or 2026-11-20T10:00:00Z") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zoneinfo.ZoneInfo(time_zone))
    return round(at.timestamp() * 1000)
