"""What the kernel knows about the wall clock: whether anything disciplines it, and how far it may be off."""

import ctypes
import errno
from typing import NamedTuple

from sitewarden.messages import ClockState

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


class KernelClock(NamedTuple):
    """The kernel's word on its wall clock."""

    state: ClockState
    most_off_s: float | None
    """The most that it may be off, as whoever disciplines it told; `None` where nobody does."""


def ask_kernel() -> KernelClock:
    """What the kernel says now; changes nothing."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return KernelClock("unknown", None)  # not Linux
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        is_kept_from_us = ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)
        return KernelClock("unknown" if is_kept_from_us else "unsynced", None)
    if state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        return KernelClock("unsynced", None)
    return KernelClock("synced", timex.maxerror / 1_000_000)


def clock_state() -> ClockState:
    """Whether something disciplines the wall clock, as the kernel sees it; changes nothing."""
    return ask_kernel().state
