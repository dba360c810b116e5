"""`sitewarden cloud status | backup | restore | verify`: keeping a database."""

import argparse
import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from cloud.settings import Settings, read_settings
from sitewarden.errors import UnreachableError

_BROKEN = 1
_MODES = ("plain", "timescale")


def register(commands: Any) -> None:
    """Add the four."""
    status = _add(commands, "status", _status, "what the database holds, and how far the work on it is")
    status.add_argument("--json", action="store_true", help="for a program to read")
    backup = _add(commands, "backup", _backup, "the whole database into one new file, while the cloud runs")
    backup.add_argument("file", type=Path, metavar="FILE", help="a new one, which its owner alone may read")
    backup.add_argument(
        "--mode", choices=_MODES, help="as a database of that mode has it; needs room for two"
    )
    restore = _add(commands, "restore", _restore, "a backup into an empty database, whole or not at all")
    restore.add_argument("file", type=Path, metavar="FILE", help="that backup has made")
    restore.add_argument("--mode", choices=_MODES, help="the mode that the database is to get")
    verify = _add(
        commands,
        "verify",
        _verify,
        f"whether ledgers, roll-ups and counters hold, or a backup is whole; exit status {_BROKEN} if not",
    )
    verify.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", help="a backup, which is not restored for that"
    )


def _add(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
    parser.add_argument("--dsn", help="another database than the configured one, as its owner")
    parser.set_defaults(run=run)
    return parser


def _status(args: argparse.Namespace) -> int:
    from cloud.migrate import shipped  # noqa: PLC0415  each command imports only what it runs
    from cloud.storage.state import lines, state_of  # noqa: PLC0415

    with _database(args) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        state = state_of(connection, len(shipped()))
    print(msgspec.json.encode(state).decode() if args.json else "\n".join(lines(state)))
    return 0


def _backup(args: argparse.Namespace) -> int:
    from cloud.storage.backup import back_up  # noqa: PLC0415

    with _database(args) as dsn:
        size = back_up(dsn, args.file, _say, args.mode)
    _say(f"written {args.file}, {size / 1e6:.1f} MB; keep it on another machine, and try restoring it")
    return 0


def _restore(args: argparse.Namespace) -> int:
    from cloud.storage.backup import restore  # noqa: PLC0415

    with _database(args) as dsn:
        contents = restore(dsn, args.file, _say, args.mode)
    _say(f"restored, schema {contents.schema}, mode {contents.mode}; sitewarden cloud verify looks at it")
    return 0


def _verify(args: argparse.Namespace) -> int:
    return _verify_database(args) if args.file is None else _verify_file(args.file)


def _verify_file(file: Path) -> int:
    from cloud.storage.backup import look_at  # noqa: PLC0415

    contents, broken = look_at(file)
    _say(
        "\n".join([f"schema {contents.schema}, mode {contents.mode}", *(f"BROKEN {what}" for what in broken)])
    )
    _say(f"{file}: {len(broken) or 'nothing'} amiss")
    return _BROKEN if broken else 0


def _verify_database(args: argparse.Namespace) -> int:
    from cloud.database import connect  # noqa: PLC0415
    from cloud.hazards.audit import verify  # noqa: PLC0415
    from cloud.hazards.command import lines  # noqa: PLC0415
    from cloud.storage.checks import check  # noqa: PLC0415

    with _database(args) as dsn, connect(dsn) as connection:
        verdict = verify(connection, dt.datetime.now(dt.UTC))
        broken = [f"BROKEN {what}" for what in check(connection)]
    _say("\n".join([*lines(verdict), *broken, f"readings: {len(broken) or 'nothing'} amiss"]))
    return _BROKEN if verdict.breaks or broken else 0


@contextlib.contextmanager
def _database(args: argparse.Namespace) -> Iterator[str]:
    """The owner's DSN; the embedded server is started for it where no cloud has it running."""
    settings = read_settings(args.config)
    try:
        with contextlib.ExitStack() as stack:
            yield args.dsn or settings.dsn or stack.enter_context(_embedded(settings))
    except psycopg.OperationalError as exc:
        raise UnreachableError(f"the database does not answer: {exc}") from exc


@contextlib.contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    from cloud.embedded import EmbeddedPostgres, running  # noqa: PLC0415

    dsn = EmbeddedPostgres(settings.data_dir).owner_dsn()
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        with running(settings.data_dir) as server:
            yield server.owner_dsn()
    else:
        yield dsn


def _say(line: str) -> None:
    print(line, flush=True)
