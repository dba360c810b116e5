"""`sitewarden cloud media-key …`: the key under which unredacted pictures rest, and how it is changed."""

import argparse
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from cloud.settings import Settings, read_settings
from sitewarden.errors import SiteWardenError, UnreachableError

if TYPE_CHECKING:
    from cloud.database import Connection
    from cloud.media.resealing import Left
    from cloud.media.sealing import Vault

_DAY_S = 86_400


def register(commands: Any) -> None:
    """Add `media-key` and its actions."""
    parser = commands.add_parser("media-key", help="the key under which unredacted pictures rest")
    actions = parser.add_subparsers(dest="media_key_command", required=True, metavar="COMMAND")
    for name, run, text in (
        ("show", _show, "which keys there are, and what still rests under those from before"),
        ("change", _change, "make a new key; pictures are sealed under it anew while the cloud runs"),
        ("retire", _retire, "delete the keys from before, once nothing rests under them"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("config", type=Path, metavar="CONFIG", help="cloud.yaml")
        action.set_defaults(run=run)
        if name == "change":
            action.add_argument(
                "--lost",
                action="store_true",
                help="although the key that was made last is not here: what rests under it stays closed",
            )
        if name == "retire":
            action.add_argument(
                "--now",
                action="store_true",
                help="although gateways may still hold pictures that are sealed for them: those are lost",
            )


def _show(args: argparse.Namespace) -> int:
    from cloud.media.resealing import left  # noqa: PLC0415

    settings, vault = _of(args)
    number, *_ = _keys(vault)
    print(f"{number} seals: {vault.file}")
    for file in vault.earlier:
        print(f"opens what is left: {file}")
    with _connected(settings) as connection:
        print(_said(left(connection, vault)))
    return 0


def _change(args: argparse.Namespace) -> int:
    from cloud import keyfiles  # noqa: PLC0415  each command imports only what it runs
    from cloud.media.changing import alone, check_last, note_last  # noqa: PLC0415
    from cloud.media.sealing import number_of  # noqa: PLC0415

    settings, vault = _of(args)
    with _connected(settings) as connection, alone(connection):
        numbers = _keys(vault)  # where one of them is no key it says so
        if not args.lost:
            check_last(connection, numbers)
        try:
            before = keyfiles.change(vault.file, number_of)
        except (OSError, keyfiles.BadKeyError) as exc:
            raise SiteWardenError(
                f"{vault.file} could not be changed, the key is the one before: {exc}"
            ) from exc
        number = next(iter(vault.keys()))
        print(f"{number} seals: {vault.file}")
        print(f"opens what is left: {before}")
        # Where it breaks off before this is kept, the one before counts as the last, and that is here too.
        note_last(connection, number)
    print("back both up, apart from the database; where several machines serve it, bring them both files")
    return 0


def _retire(args: argparse.Namespace) -> int:
    from cloud.media.changing import alone, check_last, note_last  # noqa: PLC0415

    settings, vault = _of(args)
    earlier = vault.earlier
    if not earlier:
        print("there is no key from before")
        return 0
    with _connected(settings) as connection, alone(connection):
        numbers = vault.keys()
        check_last(connection, numbers)
        _check_retired(settings, connection, vault, is_now=args.now)
        # One of those that go may still count as that.
        note_last(connection, next(iter(numbers)))
    for file in earlier:
        file.unlink()
        print(f"deleted: {file}")
    print("backups from before the change are opened by it alone: keep its copy as long as them")
    return 0


def _check_retired(settings: Settings, connection: "Connection", vault: "Vault", *, is_now: bool) -> None:
    from cloud.media.resealing import left  # noqa: PLC0415

    rests = left(connection, vault)
    if any(rests):
        raise SiteWardenError(f"not yet: {_said(rests)}; the cloud seals them anew while it runs")
    since_s = max(file.stat().st_ctime for file in (vault.file, *vault.earlier))
    until_s = since_s + settings.media.keep_days * _DAY_S
    if time.time() < until_s and not is_now:
        until = time.strftime("%Y-%m-%d", time.gmtime(until_s))
        raise SiteWardenError(
            f"not yet: until {until} gateways may bring pictures that they have sealed for the key from "
            "before; --now gives those up"
        )


def _of(args: argparse.Namespace) -> "tuple[Settings, Vault]":
    from cloud.media.sealing import Vault  # noqa: PLC0415

    settings = read_settings(args.config)
    return settings, Vault.of(settings)


def _keys(vault: "Vault") -> dict[str, bytes]:
    """By number, the one that seals first; raises `SealError`, with the mend where there is none at all."""
    from cloud.media.sealing import SealError  # noqa: PLC0415

    if vault.has_no_key_yet:
        raise SealError(
            f"{vault.file} is no key: there is no such file. Where nothing was sealed yet, nothing need be "
            "done: it is made when it is first needed. Else bring it back from its copy"
        )
    return vault.keys()


@contextlib.contextmanager
def _connected(settings: Settings) -> "Iterator[Connection]":
    from cloud.database import connect  # noqa: PLC0415
    from cloud.running import app_dsn  # noqa: PLC0415

    try:
        with connect(app_dsn(settings)) as connection:
            yield connection
    except psycopg.OperationalError as exc:
        raise UnreachableError(f"the database does not answer; is the cloud running? {exc}") from exc


def _said(left: "Left") -> str:
    return f"{left.pictures} pictures and {left.evidence} files of evidence rest under keys from before"
