"""Word to systemd, where it started us: ready, and alive only while buses, rules and outbox make progress."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

log = logging.getLogger(__name__)

FEED_S = 5.0
STUCK_S = 20.0
"""A bus this far behind its deadlines is stuck: its longest timeout is far shorter than that."""
DISK_STUCK_S = 300.0
"""A call to the disk that takes longer is stuck: saving what is left of a full file takes minutes on a card.
The kernel gives a dying card up sooner, with an error that the outbox bears; until then a fresh agent would
hang on the same card, and its siren with it."""


class Work(NamedTuple):
    """Something that must make progress."""

    late_s: Callable[[], float]
    """How late it is; 0 or less is fine."""
    most_s: float = STUCK_S
    """Later than this it is stuck."""


class Pulse:
    """Work that is begun again and again, and late while it is never once done.

    Counted from the first try to the last: a failure after which nobody tries again for long, as with a
    device that seldom speaks, is no work that is stuck.
    """

    def __init__(self) -> None:
        """Nothing was begun yet."""
        self._first_s: float | None = None
        self._last_s = 0.0

    def begin(self) -> None:
        """Somebody begins; whether it ends well remains to be seen."""
        self._last_s = time.monotonic()
        if self._first_s is None:
            self._first_s = self._last_s

    def done(self) -> None:
        """It went well, once: that is progress."""
        self._first_s = None

    def late_s(self) -> float:
        """For how long it has been tried without success."""
        return 0.0 if self._first_s is None else self._last_s - self._first_s


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Tell systemd `READY=1`, `WATCHDOG=1`, `STOPPING=1`; nothing where nobody listens."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the abstract namespace.
    path = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.sendto(state.encode(), path)
    except OSError as exc:
        log.warning("systemd does not hear us: %s", exc)


async def feed_watchdog(watched: Callable[[], Mapping[str, Work]]) -> None:
    """Say that we live for as long as no work is stuck; `watched` gives what there is now, by name."""
    while True:
        late = {name: (work.late_s(), work.most_s) for name, work in watched().items()}
        stuck = {name: round(late_s, 1) for name, (late_s, most_s) in late.items() if late_s > most_s}
        if stuck:
            log.critical("stuck, waiting for systemd to restart us: %s", stuck)
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(FEED_S)
