"""The one command `sitewarden`: every program brings its sub-commands, and may be absent."""

import argparse
import os
import sys
from collections.abc import Sequence

from sitewarden import __version__, plugins
from sitewarden.errors import ConfigurationError, SiteWardenError, UnreachableError, UsageError

FOUND, USAGE, UNREACHABLE = 1, plugins.USAGE, 3
_STATUS = {ConfigurationError: USAGE, UsageError: USAGE, UnreachableError: UNREACHABLE}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; exit status 0 ok, 1 findings, 2 usage or configuration, 3 unreachable."""
    parser = argparse.ArgumentParser(
        prog="sitewarden", description="Construction-site safety monitoring (工地卫士)."
    )
    parser.add_argument("--version", action="version", version=f"sitewarden {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plugins.add(subparsers, "sitewarden.commands", sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except SiteWardenError as exc:
        print(f"sitewarden: {exc}", file=sys.stderr)
        return _STATUS.get(type(exc), FOUND)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read along (`| head`) has seen enough; nothing may be written at the end any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
