"""Serves the page from a thread of its own; the agent's loop is asked for moments, and never waits."""

import asyncio
import hmac
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from edge.boundedserver import BoundedHandler, BoundedServer, LoopBusyError
from edge.config import Page
from edge.outputs import OutputsBusyError
from edge.page.board import Snapshot
from sitewarden.messages import Alarm, EpisodeId, Shelf

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECTIONS = 8
"""At a time."""
REQUEST_BYTES = 16 * 1024
"""Of a whole request, its headers included."""
BODY_BYTES = 8 * 1024
EPISODES = 200
"""Acknowledged by one request."""
RETRY_S = 10.0
"""So often a port that is taken is tried again."""
FREE_TRIES, FIRST_WAIT_S, LONGEST_WAIT_S = 5, 5.0, 60.0
"""After so many wrong PINs in a row each next try has to wait, longer and longer."""

OWN_HEADER = "X-SiteWarden"
"""Another site's page cannot make a browser send it."""
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Hands(Protocol):
    """What the page may have the agent do, in the agent's loop."""

    def snapshot(self) -> Snapshot:
        """Everything at this moment."""

    def acknowledge(self, episode: str, by: str) -> list[Alarm]:
        """Acknowledge an alarm; what that changed."""

    def shelve(self, shelf: Shelf) -> bool:
        """Hold an alarm back, or no longer where its instant is past; whether there is such a rule."""

    def test_outputs(self) -> None:
        """Begin a test; raises `OutputsBusyError`."""


class PinGuard:
    """Compares PINs, slowly for who guesses. One for all visitors: addresses are cheap on a local network."""

    def __init__(self, pin: str | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`None` where no PIN is asked for."""
        self._pin = None if pin is None else pin.encode()
        self._monotonic = monotonic
        self._wrong = 0
        self._free_at = 0.0
        self._lock = threading.Lock()

    def refusal(self, pin: str) -> tuple[HTTPStatus, float] | None:
        """Why a try is refused and how many seconds the next one has to wait; `None` where it is right."""
        if self._pin is None:
            return None
        with self._lock:
            wait_s = self._free_at - self._monotonic()
            if wait_s > 0:
                return HTTPStatus.TOO_MANY_REQUESTS, wait_s
            if hmac.compare_digest(self._pin, pin.encode()):
                self._wrong = 0
                return None
            self._wrong += 1
            over = self._wrong - FREE_TRIES
            wait_s = 0.0 if over < 0 else min(FIRST_WAIT_S * 2.0 ** min(over, 16), LONGEST_WAIT_S)
            self._free_at = self._monotonic() + wait_s
            return HTTPStatus.FORBIDDEN, wait_s


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST."""

    pin: str = ""
    episodes: Annotated[list[EpisodeId], msgspec.Meta(max_length=EPISODES)] = []
    """Which alarms to acknowledge, each by name: nobody acknowledges what came since they looked."""
    shelf: Shelf | None = None
    """Which rule's alarm to hold back."""


class _RefusedError(Exception):
    """A request that is not done; `word` tells the page why."""

    def __init__(self, status: HTTPStatus, word: str, wait_s: float = 0.0) -> None:
        self.status, self.word, self.wait_s = status, word, wait_s
        super().__init__(word)


class PageServer(BoundedServer):
    """One page of one gateway."""

    request_bytes = REQUEST_BYTES

    def __init__(self, page: Page, hands: Hands) -> None:
        """Listens from now on, in the running loop's service; raises `OSError` where it cannot."""
        self._hands, self._host = hands, page.host
        self.guard = PinGuard(page.pin)
        self.files = {path: (_content(name), kind) for path, (name, kind) in FILES.items()}
        super().__init__((page.host, page.port), _Handler, name="page", connections=CONNECTIONS)

    def knows_host(self, host: str) -> bool:
        """Whether a browser that sends this `Host` means us, and was not led here by a name of others."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            own = socket.gethostname().lower()
            return name in {"localhost", self._host.lower(), own, f"{own}.local"}
        return True

    def by_hand(self, act: Callable[[Hands], T]) -> T:
        """Have the agent do it; raises `_RefusedError` where it has no time; then nothing is done."""
        try:
            return self.in_loop(lambda: act(self._hands))
        except LoopBusyError as exc:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "busy") from exc


class _Handler(BoundedHandler):
    """One request of one visitor."""

    server: PageServer

    def do_GET(self) -> None:  # noqa: N802  the base class names it so
        """The page, its parts, and the snapshot: nothing that changes anything."""
        self._try(self._get)

    def do_POST(self) -> None:  # noqa: N802  the base class names it so
        """What a person does here, after the PIN."""
        self._try(self._post)

    def _try(self, answer: Callable[[str], tuple[bytes, str]]) -> None:
        try:
            if not self.server.knows_host(self.headers.get("Host", "")):
                raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "unknown-host")  # noqa: TRY301
            body, kind = answer(self.path.partition("?")[0])
        except _RefusedError as exc:
            body = msgspec.json.encode({"error": exc.word, "wait_s": round(exc.wait_s, 1)})
            self._answer(exc.status, body, "application/json")
        else:
            self._answer(HTTPStatus.OK, body, kind)

    def _get(self, path: str) -> tuple[bytes, str]:
        if path == "/snapshot.json":
            snapshot = self.server.by_hand(lambda hands: hands.snapshot())
            return msgspec.json.encode(snapshot), "application/json"
        if path not in self.server.files:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "not-found")
        return self.server.files[path]

    def _post(self, path: str) -> tuple[bytes, str]:
        self._check_origin()
        asked = self._asked()
        acts = {
            "/acknowledge": self._acknowledge,
            "/shelve": self._shelve,
            "/test-outputs": self._test_outputs,
        }
        act = acts.get(path)
        if act is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "not-found")
        self._check_pin(asked.pin)
        return msgspec.json.encode(act(asked)), "application/json"

    def _acknowledge(self, asked: _Asked) -> dict[str, Any]:
        def each(hands: Hands) -> list[str]:
            return [alarm.episode for one in asked.episodes for alarm in hands.acknowledge(one, "local")]

        return {"acknowledged": self.server.by_hand(each)}

    def _shelve(self, asked: _Asked) -> dict[str, Any]:
        shelf = asked.shelf
        if shelf is None or not shelf.reason.strip():
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "no-reason")
        # Nobody on site confirms what was asked at the cloud.
        local = msgspec.structs.replace(shelf, by="local", request=None)
        if not self.server.by_hand(lambda hands: hands.shelve(local)):
            raise _RefusedError(HTTPStatus.NOT_FOUND, "not-found")
        return {"shelved": True}

    def _test_outputs(self, _asked: _Asked) -> dict[str, Any]:
        try:
            self.server.by_hand(lambda hands: hands.test_outputs())
        except OutputsBusyError as exc:
            raise _RefusedError(HTTPStatus.CONFLICT, "outputs-busy") from exc
        log.warning("outputs are tested from the page address=%s", self.client_address[0])
        return {"testing": True}

    def _check_origin(self) -> None:
        origin = self.headers.get("Origin")
        # A browser names the page that asks; other programs name none, and have no page to be misused by.
        is_ours = origin is None or origin.partition("://")[2] == self.headers.get("Host")
        if not is_ours or self.headers.get(OWN_HEADER) != "page":
            raise _RefusedError(HTTPStatus.FORBIDDEN, "not-from-the-page")

    def _check_pin(self, pin: str) -> None:
        refusal = self.server.guard.refusal(pin)
        if refusal is not None:
            log.warning("page refuses a PIN address=%s", self.client_address[0])
            status, wait_s = refusal
            word = "wrong-pin" if status is HTTPStatus.FORBIDDEN else "wait"
            raise _RefusedError(status, word, wait_s)

    def _asked(self) -> _Asked:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large")
        try:
            return msgspec.json.decode(self.rfile.read(int(length)), type=_Asked)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "not-understood") from exc

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def _content(name: str) -> bytes:
    return resources.files("edge.page").joinpath(name).read_bytes()


async def serve(page: Page, hands: Hands) -> None:
    """Serve until cancelled; a port that is taken is no reason to leave the site unwatched."""
    is_news = True
    while True:
        try:
            server = PageServer(page, hands)
        except OSError as exc:
            if is_news:
                log.error("page cannot be served host=%s port=%d: %s", page.host, page.port, exc.strerror)  # noqa: TRY400  the cause is said
            is_news = False
            await asyncio.sleep(RETRY_S)
            continue
        log.info("page served host=%s port=%d", page.host, server.port)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
