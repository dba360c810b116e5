"""A web server in threads beside the agent's loop: few visitors at a time, and none of them may be loud."""

import asyncio
import concurrent.futures
import io
import logging
import socket
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_S = 10.0
"""A visitor that is older gives way to a new one."""
SILENCE_S = 5.0
"""So long a visitor may say nothing."""
LOOP_S = 1.0
"""So long the agent's loop may take to answer; it has more important things to do."""
PAUSE_S = 0.5


class LoopBusyError(Exception):
    """The agent's loop has no time; nothing was done."""


class BoundedServer(ThreadingHTTPServer):
    """Serves from a thread of its own; the agent's loop is asked for moments, and never waits."""

    daemon_threads = True
    request_bytes: int
    """Of a whole request, its headers included."""

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], *, name: str, connections: int
    ) -> None:
        """Listens from now on, beside the running loop; raises `OSError` where it cannot."""
        self._loop = asyncio.get_running_loop()
        self.request_queue_size = self._most = connections
        self._since: dict[socket.socket, tuple[float, str]] = {}
        """When each visitor came, and from where."""
        self._lock = threading.Lock()
        self._is_closed = False
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """As a plain TCP server: the base class would ask a name server, which may be out of reach."""
        socketserver.TCPServer.server_bind(self)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def in_loop(self, act: Callable[[], T]) -> T:
        """Do it in the agent's loop; raises `LoopBusyError` where it has no time; then nothing is done."""
        future = concurrent.futures.Future[T]()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(act())
            except Exception as exc:  # noqa: BLE001  it is the visitor's thread that must hear of it
                future.set_exception(exc)

        try:
            self._loop.call_soon_threadsafe(do)
            return future.result(LOOP_S)
        except (TimeoutError, RuntimeError) as exc:
            if not future.cancel() and not future.cancelled():
                return future.result()
            raise LoopBusyError from exc

    def get_request(self) -> tuple[Any, Any]:
        """Where nothing more can be opened, wait a moment rather than ask the system without a pause."""
        try:
            return super().get_request()
        except OSError:
            if not self._is_closed:
                time.sleep(PAUSE_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Only so many at a time."""
        now = time.monotonic()
        with self._lock:
            host = str(client_address[0])
            if len(self._since) >= self._most:
                gone = self._who_gives_way(host, now)
                if gone is None:
                    request.close()
                    return
                del self._since[gone]
                # Its thread wakes from reading and ends.
                _hang_up(gone)
            self._since[request] = now, host
        super().process_request(request, client_address)

    def _who_gives_way(self, host: str, now: float) -> socket.socket | None:
        """The oldest of those that are old, or that are many from one address: such keep no other out."""
        held = Counter(other for _, other in self._since.values())
        ready = [
            visitor
            for visitor, (since, other) in self._since.items()
            if now - since >= LONGEST_S or held[other] > held[host] + 1
        ]
        return min(ready, key=lambda visitor: self._since[visitor][0], default=None)

    def shutdown_request(self, request: Any) -> None:
        """A visitor has gone."""
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that breaks off is no error of ours."""
        del request
        log.debug("request failed address=%s: %r", client_address, sys.exc_info()[1])

    def close(self) -> None:
        """Stop listening."""
        self._is_closed = True
        _hang_up(self.socket)
        self._thread.join(1.0)
        self.server_close()

    def _serve(self) -> None:
        """Without the base class's look at the clock twice a second."""
        while not self._is_closed:
            self.handle_request()


class BoundedHandler(BaseHTTPRequestHandler):
    """One request of one visitor, of a decent size."""

    server: BoundedServer
    server_version = "SiteWarden"
    sys_version = ""
    timeout = SILENCE_S

    def setup(self) -> None:
        """Read no more than a decent request."""
        super().setup()
        self.rfile = io.BufferedReader(_Bounded(self.connection, self.server.request_bytes))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Not in the journal of a gateway."""
        log.debug("address=%s %s", self.client_address[0], format % args)


class _Bounded(io.RawIOBase):
    """What a visitor sends, up to the size of a decent request; then it ends."""

    def __init__(self, connection: socket.socket, most: int) -> None:
        self._connection, self._left = connection, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._connection.recv_into(memoryview(buffer)[: self._left]) if self._left else 0
        self._left -= count
        return count


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("it had hung up already", exc_info=True)
