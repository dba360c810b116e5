"""What a library that opens connections by itself may reach, and for how long.

It may follow a redirect, ask a name twice, or wait for a server that trickles bytes. So each of its
connections is judged where Python makes it, by the address that it goes to, and ended when the time of the
sending is over.
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from cloud.notices.reaching import may_reach
from cloud.settings import Network


class Guard:
    """Of one sending: where it may go, what it was refused, and its connections."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """Nothing is connected yet."""
        self.refused: str | None = None
        self.is_over = False
        self._networks = networks
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []

    def connecting(self, connection: socket.socket, where: object) -> None:
        """One is about to be made; raises `PermissionError` where it may not be, `TimeoutError` too late."""
        address = str(where[0]) if isinstance(where, tuple) and where else str(where)
        if not self._allows(address):
            self.refused = address
            raise PermissionError(f"{address} may not be reached")
        with self._lock:
            if self.is_over:
                raise TimeoutError("the time of the sending is over")
            # TLS takes the socket itself over: one of our own ends the same connection.
            self._open.append(connection.dup())

    def end(self) -> None:
        """Nothing goes on any longer."""
        with self._lock:
            self.is_over = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The sending has come to its end."""
        with self._lock:
            while self._open:
                self._open.pop().close()

    def _allows(self, address: str) -> bool:
        try:
            return may_reach(address, self._networks)
        except ValueError:
            # No address but a name, or a socket of this machine.
            return False


_here = threading.local()


@cache
def _watch() -> None:
    sys.addaudithook(_heard)


def _heard(event: str, values: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        guard: Guard | None = getattr(_here, "guard", None)
        if guard is not None:
            guard.connecting(*values)


@contextlib.contextmanager
def guarded(networks: Sequence[Network], seconds: float) -> Iterator[Guard]:
    """Judge and end whatever this thread connects to within."""
    _watch()
    guard = Guard(networks)
    timer = threading.Timer(seconds, guard.end)
    timer.daemon = True
    timer.start()
    _here.guard = guard
    try:
        yield guard
    finally:
        _here.guard = None
        timer.cancel()
        guard.close()
