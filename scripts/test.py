"""Run every test: the web pages' unit tests first, then pytest, whose closing lines are the last word."""

import subprocess
import sys

from setup import BIN, ROOT, SetupError, find_npm, run_npm, step


def main(arguments: list[str]) -> int:
    """The web tests are no use to somebody who selects tests of pytest; both must pass otherwise."""
    web = 0 if arguments else run_web_tests()
    python = subprocess.run([BIN / "python", "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode
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
