"""Children of the agent and of the eyes: they yield to sensors, and never outlive whoever started them."""

import contextlib
import ctypes
import os
import signal
from pathlib import Path

YIELDS = 5
"""By how much they stand back (nice) behind whoever reads sensors."""
GOES_FIRST = 500
_PR_SET_PDEATHSIG = 1


def stand_back(parent: int) -> bool:
    """At the start of a child of the process `parent`; whether that is still there."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Whoever is asked to end ends its children itself; a terminal and systemd ask them all at once.
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # a host that forbids it runs us as we are
        os.nice(YIELDS)
    with contextlib.suppress(OSError):
        # Where memory runs short, one of us goes and not the agent.
        Path("/proc/self/oom_score_adj").write_text(f"{GOES_FIRST}", encoding="ascii")
    # It may have ended just before it was asked for.
    return os.getppid() == parent
