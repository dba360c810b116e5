"""The small port of a process that has no web server: metrics, and whether it lives and is ready."""

import json
import logging
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from cloud.metrics.access import may_read
from cloud.metrics.exposing import MEDIA_TYPE, Exposed
from cloud.readiness import RETRY_AFTER_S, Parts
from cloud.settings import Metrics

log = logging.getLogger(__name__)

_JSON = "application/json"
_PATIENCE_S = 5.0


class Answer(NamedTuple):
    """Of one request."""

    status: int
    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Asked(NamedTuple):
    """What the port answers from."""

    exposed: Exposed
    lives: Callable[[], bool]
    parts: Callable[[], Parts]


class MetricsServer:
    """Threads of a process; an alarm waits for none of them."""

    def __init__(self, settings: Metrics, asked: Asked) -> None:
        """Nothing is bound yet."""
        self._settings, self._asked = settings, asked
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen; where the address is taken, say so and do without: records are taken in all the same."""
        where = self._settings.host, self._settings.port or 0
        kind = _ServerOf6 if ":" in where[0] else _Server
        try:
            self._server = kind(where, _handler(self._settings, self._asked))
        except OSError as exc:
            log.error("no metrics, cannot listen address=%s:%d cause=%s", *where, exc)  # noqa: TRY400
            return
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics are read at address=%s:%d", where[0], self._server.server_port)

    @property
    def port(self) -> int:
        """Where it listens; 0 where it does not."""
        return 0 if self._server is None else int(self._server.server_port)

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that breaks off is no error of ours."""
        if isinstance(sys.exc_info()[1], OSError):
            log.debug("a reader broke off address=%s", client_address)
        else:
            super().handle_error(request, client_address)


class _ServerOf6(_Server):
    address_family = socket.AF_INET6


def _handler(settings: Metrics, asked: Asked) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_S
        server_version, sys_version = "sitewarden", ""

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = _answer(asked, self.path, may_read(settings.token, self.client_address[0], headers))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the class has it
            """Somebody asks every few seconds; that is no event."""

    return Handler


def _answer(asked: Asked, path: str, may_see: bool) -> Answer:
    if path == "/metrics":
        if not may_see:
            return Answer(401, _JSON, b'{"status":"refused"}', (("WWW-Authenticate", "Bearer"),))
        return Answer(200, MEDIA_TYPE, asked.exposed.text())
    if path == "/healthz":
        lives = asked.lives()
        return _said(200 if lives else 503, {"status": "ok" if lives else "dead"})
    if path == "/readyz":
        parts = asked.parts()
        is_ready = all(parts.values())
        said = {"status": "ok" if is_ready else "not ready", "parts": parts}
        retry = () if is_ready else (("Retry-After", str(RETRY_AFTER_S)),)
        return _said(200 if is_ready else 503, said, retry)
    return _said(404, {"status": "not found"})


def _said(status: int, said: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, _JSON, json.dumps(said).encode(), headers)
