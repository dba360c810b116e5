"""Devices that push JSON over HTTP: one path and one token for each, bodies of a decent size."""

import asyncio
import hmac
import logging
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from edge.boundedserver import BoundedHandler, BoundedServer, LoopBusyError
from edge.drivers.speaking import Heard, Hearing

log = logging.getLogger(__name__)

HEADER_BYTES = 8 * 1024
RETRY_S = 10.0
"""So often a port that is taken is tried again."""
_PATH = re.compile(r"/push/([A-Za-z0-9_-]{1,128})")
_NO_TOKEN = "no device has this one"  # noqa: S105  compared with, so that a stranger costs the same time


class PushServer(BoundedServer):
    """Takes what the devices of one ear push."""

    def __init__(
        self,
        address: tuple[str, int],
        hearing: Hearing,
        tokens: Mapping[str, str],
        *,
        connections: int,
        max_body_bytes: int,
    ) -> None:
        """`tokens` by identity. Listens from now on; raises `OSError` where it cannot."""
        self.hearing, self.tokens, self.max_body_bytes = hearing, tokens, max_body_bytes
        self.request_bytes = HEADER_BYTES + max_body_bytes
        super().__init__(address, _Handler, name="push", connections=connections)


class _Handler(BoundedHandler):
    """One body of one device."""

    server: PushServer

    def do_POST(self) -> None:  # noqa: N802  the base class names it so
        """A device speaks."""
        try:
            status = self._taken()
        except LoopBusyError:
            status = HTTPStatus.SERVICE_UNAVAILABLE
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _taken(self) -> HTTPStatus:
        path = _PATH.fullmatch(self.path)
        if path is None:
            return HTTPStatus.NOT_FOUND
        identity = path[1]
        if not self._is_allowed(identity):
            self.server.in_loop(partial(self.server.hearing.refuse, identity, "unknown, or a wrong token"))
            return HTTPStatus.UNAUTHORIZED
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            return HTTPStatus.LENGTH_REQUIRED
        if int(length) > self.server.max_body_bytes:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        heard = Heard(identity, self.rfile.read(int(length)))
        outcome = self.server.in_loop(partial(self.server.hearing.hear, heard))
        return HTTPStatus.NO_CONTENT if outcome.is_understood else HTTPStatus.UNPROCESSABLE_ENTITY

    def _is_allowed(self, identity: str) -> bool:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        expected = self.server.tokens.get(identity, _NO_TOKEN)
        is_right = hmac.compare_digest(expected.encode(), token.strip().encode("utf-8", "replace"))
        return is_right and scheme.lower() == "bearer" and identity in self.server.tokens


class Pushes:
    """Listens on one port for as long as `run` runs."""

    def __init__(
        self,
        address: tuple[str, int],
        hearing: Hearing,
        tokens: Mapping[str, str],
        *,
        connections: int,
        max_body_bytes: int,
    ) -> None:
        """As `PushServer`; nothing is open yet."""
        self._address, self._hearing, self._tokens = address, hearing, tokens
        self._connections, self._max_body_bytes = connections, max_body_bytes
        self.port = 0
        """Where it listens; 0 before it does."""

    async def run(self) -> None:
        """Listen until cancelled; a port that is taken is no reason to leave the site unwatched."""
        server = await self._opened()
        self.port = server.port
        log.info("listening host=%s port=%d", self._address[0], server.port)
        for identity in self._tokens:
            self._hearing.came(identity)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _opened(self) -> PushServer:
        is_news = True
        while True:
            try:
                return PushServer(
                    self._address,
                    self._hearing,
                    self._tokens,
                    connections=self._connections,
                    max_body_bytes=self._max_body_bytes,
                )
            except OSError as exc:
                if is_news:
                    log.error("cannot listen host=%s port=%d: %s", *self._address, exc.strerror)  # noqa: TRY400  the cause is said
                is_news = False
            await asyncio.sleep(RETRY_S)
