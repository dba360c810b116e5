"""`sitewarden cloud …`: run everything, or one part of it."""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from cloud import logs
from cloud.backtest.command import register_export, register_pack, register_rules
from cloud.enrolment.command import register as register_ca
from cloud.hazards.command import register as register_audit
from cloud.media.command import register as register_media_key
from cloud.settings import Settings, read_settings
from cloud.storage.command import register as register_keeping
from cloud.supervisor import UNTIL_STDIN_CLOSES
from sitewarden.errors import UnreachableError

if TYPE_CHECKING:
    from cloud.database import Connection

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse names no public type


def register(subparsers: "Subparsers") -> None:
    """Add `cloud` and its commands."""
    parser = subparsers.add_parser("cloud", help="the server: ingest, hazard records, web pages")
    commands = parser.add_subparsers(dest="cloud_command", required=True, metavar="COMMAND")
    for name, run, text in (
        ("run", _run, "database, ingest and web, supervised"),
        ("ingest", _ingest, "only the ingest"),
        ("web", _web, "only the web server"),
        ("migrate", _migrate, "bring the database to this program's schema"),
        ("setup-link", _setup_link, "print a new link for making the first account"),
        ("reset-second-factor", _reset_second_factor, "take away the second factor of an account"),
        ("reset-link", _reset_link, "print a link with which an account's owner chooses a new password"),
    ):
        _add(commands, name, run, text)
    register_ca(commands)
    register_audit(commands)
    register_media_key(commands)
    register_keeping(commands)
    register_export(commands)
    register_pack(commands)
    register_rules(commands)
    document = commands.add_parser("openapi", help="print the description of the HTTP interface")
    document.set_defaults(run=_openapi)


def _add(commands: "Subparsers", name: str, run: Callable[[argparse.Namespace], int], text: str) -> None:
    parser = commands.add_parser(name, help=text)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    if name in {"ingest", "web"}:
        parser.add_argument("--dsn", help="another database than the configured one")
        parser.add_argument(UNTIL_STDIN_CLOSES, action="store_true", help=argparse.SUPPRESS)
    if name == "ingest":
        parser.add_argument(
            "--part",
            choices=("all", "alarms", "readings"),
            default="all",
            help="alarms, statuses and what is done in time; or readings, of which several share the work",
        )
        parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    if name in {"reset-link", "reset-second-factor"}:
        parser.add_argument("name", metavar="NAME", help="of the account")
    if name == "web":
        parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def _run(args: argparse.Namespace) -> int:
    from cloud.running import Cloud  # noqa: PLC0415  each command imports only what it runs

    logs.set_up("cloud")
    settings = read_settings(args.config)
    logs.set_up("cloud", settings.logs)
    Cloud(settings, _say).run(_stop_signals())
    return 0


def _ingest(args: argparse.Namespace) -> int:
    from cloud.ingest.service import Ingest  # noqa: PLC0415

    logs.set_up("ingest")
    settings = read_settings(args.config)
    logs.set_up("ingest", settings.logs)
    stopping = _stop_signals()
    _obey_stdin(args)
    Ingest(settings, args.dsn or _app_dsn(settings), args.part, args.number).run(stopping)
    return 0


def _web(args: argparse.Namespace) -> int:
    from cloud.server import listen, serve  # noqa: PLC0415

    logs.set_up("web")
    settings = read_settings(args.config)
    logs.set_up("web", settings.logs)
    _obey_stdin(args)
    if args.fd is not None:
        listening = socket.socket(fileno=args.fd)
    else:
        try:
            listening = listen(settings.host, settings.port)
        except OSError as exc:
            raise UnreachableError(
                f"cannot listen on {settings.host}:{settings.port}: {exc.strerror}"
            ) from exc
    serve(settings, args.dsn or _app_dsn(settings), listening)
    return 0


def _migrate(args: argparse.Namespace) -> int:
    from cloud.embedded import running  # noqa: PLC0415
    from cloud.migrate import migrate  # noqa: PLC0415

    logs.set_up("migrate")
    settings = read_settings(args.config)
    logs.set_up("migrate", settings.logs)
    if settings.dsn is not None:
        applied = migrate(settings.dsn, wish=settings.storage.mode)
    else:
        with running(settings.data_dir) as server:
            applied = migrate(server.owner_dsn(), wish=settings.storage.mode)
    _say("\n".join(migration.name for migration in applied) or "nothing to do")
    return 0


def _setup_link(args: argparse.Namespace) -> int:
    from cloud.accounts.setup_link import new_setup_link  # noqa: PLC0415

    return _say_link(args, new_setup_link)


def _reset_link(args: argparse.Namespace) -> int:
    from cloud.accounts.links import reset_link  # noqa: PLC0415

    return _say_link(args, lambda connection, address, now: reset_link(connection, address, args.name, now))


def _reset_second_factor(args: argparse.Namespace) -> int:
    from cloud.accounts.factors import reset_on_console  # noqa: PLC0415
    from cloud.database import connect  # noqa: PLC0415

    try:
        with connect(_app_dsn(read_settings(args.config))) as connection:
            removed = reset_on_console(connection, args.name)
    except psycopg.OperationalError as exc:
        raise _no_database(exc) from exc
    _say("taken away; the password alone signs in now" if removed else "the account has no second factor")
    return 0


def _no_database(exc: psycopg.OperationalError) -> UnreachableError:
    return UnreachableError(f"the database does not answer; is the cloud running? {exc}")


def _say_link(args: argparse.Namespace, made: "Callable[[Connection, str, int], str]") -> int:
    from cloud.database import connect  # noqa: PLC0415
    from cloud.running import address_of, last_address  # noqa: PLC0415

    settings = read_settings(args.config)
    address = last_address(settings.data_dir) or address_of(settings, settings.port)
    try:
        with connect(_app_dsn(settings)) as connection:
            _say(made(connection, address, time.time_ns() // 1_000_000))
    except psycopg.OperationalError as exc:
        raise _no_database(exc) from exc
    return 0


def _openapi(_: argparse.Namespace) -> int:
    from cloud.app import make_app, openapi  # noqa: PLC0415

    document = openapi(make_app(Settings.nowhere(), ""))
    _say(json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True))
    return 0


def _app_dsn(settings: Settings) -> str:
    from cloud.running import app_dsn  # noqa: PLC0415

    return app_dsn(settings)


def _say(line: str) -> None:
    print(line, flush=True)


def _stop_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _obey_stdin(args: argparse.Namespace) -> None:
    """End when the supervisor does, even where it was killed and could say nothing."""
    if not args.until_stdin_closes:
        return

    def wait_for_end() -> None:
        # Not through sys.stdin, whose lock would be held at the interpreter's end.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="until-stdin-closes", daemon=True).start()
