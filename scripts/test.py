"""Run every test: the web pages' unit tests first, then pytest, whose closing lines are the last word."""

import os
import subprocess
import sys

from setup import BIN, ROOT, SetupError, find_npm, run_npm, step

# Most tests wait for real programs: a second worker works meanwhile. What is selected by hand runs in one.
WORKERS = ("-n", str(min(2, os.cpu_count() or 1)), "--dist", "loadgroup", "--no-loadscope-reorder")


def main(arguments: list[str]) -> int:
    """The web tests are no use to somebody who selects tests of pytest; both must pass otherwise."""
    web = 0 if arguments else run_web_tests()
    command = [BIN / "python", "-m", "pytest", *(arguments or WORKERS)]
    python = subprocess.run(command, cwd=ROOT, check=False).returncode
    if web:
        print("the web pages' unit tests failed (above)", file=sys.stderr)
    return python or web


def run_web_tests() -> int:
    """0 when they pass; their output is shown only when they do not."""
    try:
        with step("web pages' unit tests"):
            run_npm(find_npm(), "test")
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
