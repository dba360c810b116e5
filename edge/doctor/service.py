"""Checks of the agent's service, as systemd tells of it; and as whom the agent runs."""

import contextlib
import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sitewarden.doctor.model import Check, Result

UNIT = "sitewarden-edge.service"
PATIENCE_S = 5.0
_ASKED = (
    *("LoadState", "UnitFileState", "ActiveState", "SubState", "NeedDaemonReload", "NRestarts"),
    *("Type", "WatchdogUSec", "User", "SupplementaryGroups"),
)

SERVICE = Check(
    "service.active",
    f"whether `{UNIT}` is there, runs now, and starts again after a power cut",
    "A gateway whose agent does not run is a site that nobody watches.",
)
WATCHDOG = Check(
    "service.watchdog",
    "whether systemd restarts an agent that makes no progress any more",
    "An agent that hangs looks alive, and no alarm comes.",
)
RESTARTS = Check(
    "service.restarts",
    "how often systemd had to start the agent again since somebody started it",
    "For a moment at each of them nobody watched the site, and something is the cause.",
)

Properties = Mapping[str, str]


class Account(NamedTuple):
    """As whom the agent runs."""

    name: str
    uid: int
    groups: frozenset[int]

    def may_use(self, file: Path) -> bool:
        """Whether it may read and write a file, as owner, group and others go; raises `OSError`."""
        found = file.stat()
        if self.uid == 0:
            return True
        if found.st_uid == self.uid:
            wanted = 0o600
        elif found.st_gid in self.groups:
            wanted = 0o060
        else:
            wanted = 0o006
        return found.st_mode & wanted == wanted


def ask_systemd() -> Properties | None:
    """What systemd says of the unit; `None` where no systemd runs."""
    program = shutil.which("systemctl")
    if program is None:
        return None
    command = [program, "show", UNIT, f"--property={','.join(_ASKED)}"]
    try:
        asked = subprocess.run(  # noqa: S603  no word of it comes from outside
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return understood(asked.stdout) if asked.returncode == 0 else None


def understood(text: str) -> Properties:
    """The properties, one a line."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in pairs if name}


def service_results(told: Properties | None) -> Iterator[Result]:
    """What that means."""
    if told is None:
        yield SERVICE.unknown("no systemd here; whatever starts the agent must start it again, too")
        return
    if told.get("LoadState") != "loaded":
        mend = f"sudo cp deploy/systemd/{UNIT} /etc/systemd/system/; sudo systemctl enable --now {UNIT}"
        yield SERVICE.finding(f"the unit is {told.get('LoadState', 'unknown')}", mend)
        return
    yield _active(told)
    is_watched = told.get("Type") == "notify" and told.get("WatchdogUSec", "0") not in {"0", "infinity"}
    if is_watched:
        yield WATCHDOG.ok(f"an agent that hangs is started anew after {told['WatchdogUSec']}")
    else:
        mend = f"the unit needs Type=notify and WatchdogSec=30: systemctl cat {UNIT}"
        yield WATCHDOG.finding("nobody notices an agent that hangs", mend)
    restarts = told.get("NRestarts", "0")
    if restarts == "0":
        yield RESTARTS.ok("none")
    else:
        yield RESTARTS.finding(
            f"{restarts}", f"journalctl --unit {UNIT} --grep 'stuck|Traceback|Main process'"
        )


def _active(told: Properties) -> Result:
    state = f"{told.get('ActiveState')} ({told.get('SubState')})"
    if told.get("ActiveState") != "active":
        return SERVICE.finding(state, f"sudo systemctl start {UNIT}; journalctl --unit {UNIT} --lines 50")
    if told.get("UnitFileState") != "enabled":
        return SERVICE.finding(f"{state}, but not after a power cut", f"sudo systemctl enable {UNIT}")
    if told.get("NeedDaemonReload") == "yes":
        mend = f"sudo systemctl daemon-reload; sudo systemctl restart {UNIT}"
        return SERVICE.finding(f"{state}, by an older unit than the file", mend)
    return SERVICE.ok(f"{state}, enabled")


def agent_account(told: Properties | None, data_dir: Path) -> Account:
    """As whom the agent runs: as the unit says, else as the owner of its folder, else as we do."""
    uid = os.geteuid()
    with contextlib.suppress(OSError):
        uid = data_dir.stat().st_uid
    if told and told.get("LoadState") == "loaded" and told.get("User"):
        with contextlib.suppress(KeyError):
            uid = pwd.getpwnam(told["User"]).pw_uid
    names = (told or {}).get("SupplementaryGroups", "").split()
    try:
        known = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, frozenset(_numbers(names)))
    groups = {*os.getgrouplist(known.pw_name, known.pw_gid), *_numbers(names)}
    return Account(known.pw_name, uid, frozenset(groups))


def _numbers(names: list[str]) -> Iterator[int]:
    for name in names:
        with contextlib.suppress(KeyError):
            yield grp.getgrnam(name).gr_gid
