"""Checks of the machine that every program has in common: its clock, its disk, its files."""

import errno
import os
import shutil
import stat
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sitewarden.doctor import sntp
from sitewarden.doctor.model import Check, Result
from sitewarden.kernelclock import ask_kernel

MIB = 1024 * 1024
WRITES = 20
WRITES_S = 3.0
"""So long at most the disk is tried."""
PAGE = b"\xa5" * 4096
SLOW_MS = 200.0
"""A sound card or disk is far quicker; one that is worn is not."""
MOST_OFF_S = 1.0
"""Half of the step that is an alarm."""

CLOCK = Check(
    "clock.sync",
    "whether the kernel says that something disciplines the clock",
    "Every reading and alarm is dated by this clock; where nothing keeps it right, no instant is evidence.",
)
OFFSET = Check(
    "clock.offset",
    f"whether the clock is within {MOST_OFF_S:g} s of that of the broker's host, where that answers NTP",
    "An alarm that is dated wrongly is looked for at the wrong minute of the site's day.",
)
ROOM = Check(
    "disk.free",
    "how much is free under `data_dir`",
    "What finds no room is given up, the oldest first, and an outage leaves a gap.",
)
WRITE = Check(
    "disk.write",
    f"how long {WRITES} writes of 4 KiB take until they are on the disk; 95 of 100 within {SLOW_MS:g} ms",
    "A record counts only when it is on the disk; a slow or worn card holds back what the cloud gets to see.",
)
PRIVATE = Check(
    "file.private",
    "whether others on this machine can read a secret or change the configuration",
    "Who has the password speaks for this site, and who can write the file can switch its alarms off.",
)


def clock_results(host: str, port: int = sntp.PORT) -> Iterator[Result]:
    """The kernel's word, and the offset to `host` where it can be known."""
    kernel = ask_kernel()
    start = "sudo systemctl enable --now systemd-timesyncd (or chrony), and let UDP port 123 out"
    if kernel.state == "synced":
        yield CLOCK.ok(f"the kernel says: disciplined, at most {kernel.most_off_s or 0:.3f} s off")
    elif kernel.state == "unsynced":
        yield CLOCK.finding("the kernel says that nothing disciplines the clock", start)
    else:
        yield CLOCK.unknown("the kernel does not tell", "run the doctor outside of a container")
    offset = sntp.ask(host, port)
    if offset is None:
        yield OFFSET.unknown("answers no NTP, so nothing is claimed", subject=host)
        return
    told = f"this clock is {-offset.seconds:+.3f} s from its, ± {offset.within_s:.3f} s"
    if abs(offset.seconds) - offset.within_s > MOST_OFF_S:
        yield OFFSET.finding(told, f"find out which of the two is wrong; then {start}", subject=host)
    else:
        yield OFFSET.ok(told, subject=host)


def disk_results(folder: Path, least_bytes: int, needs: str) -> Iterator[Result]:
    """Room and speed under `folder`; `needs` says what the least is for."""
    subject = str(folder)
    try:
        free = shutil.disk_usage(folder).free
    except FileNotFoundError:
        yield ROOM.unknown("the folder does not exist, the first start makes it", subject=subject)
        return
    except OSError as exc:
        yield ROOM.unknown(f"cannot be looked at: {exc.strerror}", "run the doctor as root", subject=subject)
        return
    told = f"{free / MIB:.0f} MiB free"
    if free < least_bytes:
        mend = f"make room or use a larger card: df -h {folder}; du -xh {folder} | sort -h | tail"
        yield ROOM.finding(f"{told}, {needs} {least_bytes / MIB:.0f} MiB", mend, subject=subject)
    else:
        yield ROOM.ok(told, subject=subject)
    yield write_result(folder)


def write_result(folder: Path) -> Result:
    """How long writes take; what is written has no name, and is gone with us."""
    subject = str(folder)
    try:
        times = _write_times_ms(folder)
    except PermissionError:
        return WRITE.unknown("may not be written by this account", "run the doctor as root", subject=subject)
    except OSError as exc:
        mend = "look for a dying card or a read-only file system: dmesg | tail -50; findmnt --target"
        return WRITE.finding(f"refuses a write: {exc.strerror}", f"{mend} {folder}", subject=subject)
    p95_ms = statistics.quantiles(times, n=20)[-1] if len(times) >= WRITES else max(times)
    told = f"write and fsync take {p95_ms:.1f} ms (p95 of {len(times)})"
    if p95_ms > SLOW_MS or len(times) < WRITES:
        mend = "use an industrial card or an SSD; dmesg | tail -50 shows whether this one is dying"
        return WRITE.finding(told, mend, subject=subject)
    return WRITE.ok(told, subject=subject)


def _write_times_ms(folder: Path) -> list[float]:
    """In a thread that is left behind where the disk does not come back; raises `OSError`."""
    times: list[float] = []
    refused: list[OSError] = []

    def write() -> None:
        try:
            with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                give_up_at = time.monotonic() + WRITES_S
                while len(times) < WRITES and time.monotonic() < give_up_at:
                    began = time.perf_counter()
                    file.write(PAGE)
                    os.fsync(file.fileno())
                    times.append(1000 * (time.perf_counter() - began))
        except OSError as exc:
            refused.append(exc)

    thread = threading.Thread(target=write, name="disk.write", daemon=True)
    thread.start()
    thread.join(2 * WRITES_S)
    if refused:
        raise refused[0]
    if not times:
        raise TimeoutError(errno.ETIMEDOUT, f"nothing written within {2 * WRITES_S:g} s")
    return list(times)


def file_result(file: Path, *, is_secret: bool) -> Result:
    """Whether others can read a secret, or write what is not secret."""
    subject = str(file)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return PRIVATE.finding("does not exist", f"make it, or correct the path to {file}", subject=subject)
    except OSError as exc:
        return PRIVATE.unknown(f"cannot be seen: {exc.strerror}", "run the doctor as root", subject=subject)
    if is_secret and mode & 0o007:
        return PRIVATE.finding(f"others can use it (mode {mode:04o})", f"chmod 600 {file}", subject=subject)
    if mode & 0o002:
        return PRIVATE.finding(f"all can write it (mode {mode:04o})", f"chmod o-w {file}", subject=subject)
    return PRIVATE.ok(f"mode {mode:04o}", subject=subject)
