"""Sub-commands that the programs bring by entry points, each of which may be absent."""

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

USAGE = 2
_EXTRAS = {"edge": "edge", "cloud": "cloud", "firmware_sim": "sim"}
"""By package: what `pip install 'sitewarden[…]'` must name for it."""


def add(subparsers: Any, group: str, asked: Sequence[str] = ()) -> None:
    """Let every entry point of `group` register itself; of those named first in `asked`, only that one.

    A gateway should not load what only the cloud needs. What cannot be loaded answers with the mend.
    """
    entries = sorted(metadata.entry_points(group=group))
    for entry in [one for one in entries if asked and one.name == asked[0]] or entries:
        try:
            register = entry.load()
        except ImportError as exc:
            absent(subparsers, entry, exc)
        else:
            register(subparsers)


def absent(subparsers: Any, entry: metadata.EntryPoint, cause: ImportError) -> None:
    """A command whose extra is not installed still answers."""

    def explain(_: argparse.Namespace) -> int:
        print(f"sitewarden: {entry.name}: {missing(entry, cause)}", file=sys.stderr)
        return USAGE

    parser = subparsers.add_parser(entry.name, add_help=False)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    parser.set_defaults(run=explain)


def missing(entry: metadata.EntryPoint, cause: ImportError) -> str:
    """What is not installed of a program, and how to install it."""
    extra = _EXTRAS.get(program_of(entry), entry.name)
    return f"{cause}; what it needs comes with: pip install 'sitewarden[{extra}]'"


def program_of(entry: metadata.EntryPoint) -> str:
    """The package that brings it."""
    return entry.module.partition(".")[0]
