"""The one command `sitewarden`: every program brings its sub-commands, and may be absent."""

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata

from sitewarden import __version__
from sitewarden.errors import ConfigurationError, SiteWardenError, UnreachableError, UsageError

FOUND, USAGE, UNREACHABLE = 1, 2, 3
_STATUS = {ConfigurationError: USAGE, UsageError: USAGE, UnreachableError: UNREACHABLE}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; exit status 0 ok, 1 findings, 2 usage or configuration, 3 unreachable."""
    parser = argparse.ArgumentParser(
        prog="sitewarden", description="Construction-site safety monitoring (工地卫士)."
    )
    parser.add_argument("--version", action="version", version=f"sitewarden {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for entry in _entries(sys.argv[1:] if argv is None else argv):
        try:
            register = entry.load()
        except ImportError as exc:
            _absent(subparsers, entry.name, exc)
        else:
            register(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except SiteWardenError as exc:
        print(f"sitewarden: {exc}", file=sys.stderr)
        return _STATUS.get(type(exc), FOUND)
    except KeyboardInterrupt:
        return 130


def _entries(argv: Sequence[str]) -> list[metadata.EntryPoint]:
    """The program that is asked for, or all: a gateway should not load what only the cloud needs."""
    entries = sorted(metadata.entry_points(group="sitewarden.commands"))
    asked = [entry for entry in entries if argv and entry.name == argv[0]]
    return asked or entries


def _absent(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, cause: ImportError
) -> None:
    """A program whose extra is not installed still answers, with the mend."""

    def explain(_: argparse.Namespace) -> int:
        print(
            f"sitewarden: {name}: {cause}; what it needs comes with: pip install 'sitewarden[{name}]'",
            file=sys.stderr,
        )
        return USAGE

    parser = subparsers.add_parser(name, add_help=False)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    parser.set_defaults(run=explain)
