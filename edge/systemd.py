"""Word to systemd, where it started us: ready, and alive only while every bus really makes progress."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

FEED_S = 5.0
STUCK_S = 20.0
"""A bus this far behind its deadlines is stuck: its longest timeout is far shorter than that."""


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


async def feed_watchdog(overdue_s: Mapping[str, Callable[[], float]]) -> None:
    """Say that we live for as long as no bus is stuck; `overdue_s` says of each by name how late it is."""
    while True:
        stuck = {name: late for name, how_late in overdue_s.items() if (late := how_late()) > STUCK_S}
        if stuck:
            log.critical("stuck, waiting for systemd to restart us: %s", stuck)
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(FEED_S)
