"""What time it is, and how far the machine believes so itself."""

import ctypes
import errno
import time

from sitewarden.messages import ClockState

LEAST_STEP_S = 0.5
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """`struct timex` of Linux up to the field that is read; the rest is room for the kernel to write into."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def now_ms() -> int:
    """Wall clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Steps:
    """Notices that the wall clock was set, by comparing it with a clock that nobody sets."""

    def __init__(self) -> None:
        """From now on."""
        self._offset_s = time.time() - time.monotonic()

    def since_last_s(self) -> float:
        """By how much the wall clock was set since the last call; 0 where it only drifted."""
        offset_s = time.time() - time.monotonic()
        step_s, self._offset_s = offset_s - self._offset_s, offset_s
        return step_s if abs(step_s) >= LEAST_STEP_S else 0.0


def clock_state() -> ClockState:
    """Whether something disciplines the wall clock, as the kernel sees it; changes nothing."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return "unknown"  # not Linux
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return "unknown" if ctypes.get_errno() in (errno.EPERM, errno.ENOSYS) else "unsynced"
    return "unsynced" if state == _TIME_ERROR or timex.status & _STA_UNSYNC else "synced"
