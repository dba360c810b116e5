"""Checks of serial lines: there, allowed to the agent, and nobody else's. None is ever opened."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge.config import Gateway
from edge.doctor.service import Account
from edge.settings import ModbusRtu
from sitewarden.doctor.model import Check, Result

SERIAL = Check(
    "serial.line",
    "whether each serial line of the configuration is there, and the agent's account may use it",
    "No device on that line is read.",
)
HELD = Check(
    "serial.held",
    "whether another program has the line open",
    "Two programs on one line take each other's answers: readings go missing, or are another unit's.",
)
PROC = Path("/proc")


class Holders(NamedTuple):
    """Who has a file open."""

    pids: list[int]
    is_complete: bool
    """Whether every process could be looked at."""


def serial_results(gateway: Gateway, account: Account) -> Iterator[Result]:
    """Of every serial line."""
    for bus in gateway.buses:
        if isinstance(bus.modbus, ModbusRtu):
            yield from line_results(Path(bus.modbus.serial), account, gateway.data_dir / "agent.lock")


def line_results(line: Path, account: Account, lock: Path) -> Iterator[Result]:
    """Of one; whoever holds `lock` is the agent, which may have it open."""
    subject = str(line)
    try:
        mode = line.stat().st_mode
        may_use = account.may_use(line)
    except OSError as exc:
        mend = "is the adapter plugged in? ls -l /dev/serial/by-id/ shows what there is; dmesg | tail"
        yield SERIAL.finding(f"cannot be seen: {exc.strerror}", mend, subject=subject)
        return
    if not stat.S_ISCHR(mode):
        yield SERIAL.finding("is no device", "ls -l /dev/serial/by-id/ shows the lines", subject=subject)
        return
    if may_use:
        yield SERIAL.ok(f"`{account.name}` may use it", subject=subject)
    else:
        mend = (
            f"sudo usermod --append --groups dialout {account.name}; sudo systemctl restart sitewarden-edge"
        )
        yield SERIAL.finding(f"`{account.name}` may not use it ({_owned(line)})", mend, subject=subject)
    yield _held(line, lock)


def _held(line: Path, lock: Path) -> Result:
    subject = str(line)
    holders = holders_of(line)
    agents = _agents(lock)
    others = [pid for pid in holders.pids if pid not in agents and pid != os.getpid()]
    if others:
        named = ", ".join(f"{_name(pid)} (pid {pid})" for pid in others)
        mend = f"find its service and stop that: systemctl status {others[0]}"
        return HELD.finding(f"open in {named}", mend, subject=subject)
    if not holders.is_complete:
        told = "only this account's processes can be seen"
        return HELD.unknown(told, "run the doctor as root", subject=subject)
    return HELD.ok("open in the agent" if holders.pids else "nobody has it open", subject=subject)


def _agents(lock: Path) -> set[int]:
    """The agent's process, where one runs and we may see its lock."""
    try:
        return set(holders_of(lock).pids)
    except OSError:
        return set()


def holders_of(file: Path) -> Holders:
    """The processes that have a file or device open, as far as we may see."""
    wanted = file.stat()
    pids, is_complete = [], True
    for process in PROC.iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if any(_is_same(handle, wanted) for handle in (process / "fd").iterdir()):
                pids.append(int(process.name))
        except PermissionError:
            is_complete = False
        except OSError:
            continue  # it ended meanwhile
    return Holders(sorted(pids), is_complete)


def _is_same(handle: Path, wanted: os.stat_result) -> bool:
    try:
        found = handle.stat()
    except FileNotFoundError:
        return False  # closed meanwhile
    if stat.S_ISCHR(wanted.st_mode):  # it may be there under several names
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == wanted.st_rdev
    return os.path.samestat(found, wanted)


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "a program that has just ended"


def _owned(file: Path) -> str:
    found = file.stat()
    try:
        return f"{file.owner()}:{file.group()} {stat.filemode(found.st_mode)}"
    except KeyError:
        return f"{found.st_uid}:{found.st_gid} {stat.filemode(found.st_mode)}"
