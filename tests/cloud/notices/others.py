"""The other side of a channel: a real HTTP server that answers as robots do, and a real mail server."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.support.visited import VisitedServer

Asked = tuple[str, dict[str, str], bytes]


class Robot:
    """Answers every POST with `status` and `says`, or hangs up if it `is_silent`; keeps what it was asked."""

    def __init__(self, trusted: ssl.SSLContext | None = None, *, at: str = "127.0.0.1") -> None:
        self.status, self.says, self.is_silent = 200, b'{"errcode":0,"errmsg":"ok"}', False
        self.location: str | None = None
        """Where it sends its visitors on to."""
        self.asked: list[Asked] = []
        self.reached: Callable[[str], None] = lambda _point: None
        """Called where a visitor is `connected`, `halfway`, `read` or `answered`; it may hold him up."""
        robot = self

        class Answering(BaseHTTPRequestHandler):
            def setup(self) -> None:
                robot.reached("connected")
                super().setup()

            def do_POST(self) -> None:
                robot.reached("halfway")
                body = self.rfile.read(int(self.headers["Content-Length"]))
                robot.asked.append((self.path, dict(self.headers), body))
                robot.reached("read")
                if robot.is_silent:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(robot.status)
                self.send_header("Content-Length", str(len(robot.says)))
                if robot.location is not None:
                    self.send_header("Location", robot.location)
                self.end_headers()
                self.wfile.write(robot.says)
                self.wfile.flush()
                robot.reached("answered")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = VisitedServer((at, 0), Answering)
        if trusted is not None:
            self._server.socket = trusted.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = (
            f"{'http' if trusted is None else 'https'}://127.0.0.1:{self.port}/robot?access_token=t0ken"
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()

    def answers(self, **said: Any) -> None:
        self.says = json.dumps(said, ensure_ascii=False).encode()

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(45)


class Letters:
    """Takes mail for anybody but `nobody@…`, whom it does not know."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.says = "250 OK queued as 4711"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802  the library's name
        if address.startswith("nobody@"):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.letters.append(envelope)
        return self.says


class _Loopback(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=False)


@contextlib.contextmanager
def mail_server() -> Iterator[tuple[Letters, int]]:
    """A real mail server on a port of its own."""
    letters = Letters()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = _Loopback(letters, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield letters, port
    finally:
        controller.stop()
