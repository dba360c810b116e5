"""What every request passes and every answer carries, whatever the route."""

import re
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.callers import NOBODY, calling
from cloud.evidence.media import MAX_BYTES
from cloud.metrics import web as metrics
from cloud.problems import ProblemError, answer, answer_fault
from cloud.registry.sheets import MAX_BYTES as SHEET_BYTES

MAX_BODY_BYTES = 64 * 1024
"""No request of ours is larger, but for those that carry a file."""
_WITH_FILE = {
    re.compile(r"/api/v1/sites/[^/]+/filing-photos/[0-9a-f]{64}"): MAX_BYTES,
    re.compile(r"/api/v1/duties/done/[^/]+/photos/[0-9a-f]{64}"): MAX_BYTES,
    re.compile(r"/api/v1/sites/[^/]+/registry/plans(/[^/]+)?"): 6 * 1024 * 1024,
    re.compile(r"/api/v1/sites/[^/]+/registry/imports/[^/]+"): 2 * 1024 * 1024,
    re.compile(r"/api/v1/profiles(/check)?"): 512 * 1024,
    re.compile(r"/api/v1/sites/[^/]+/gateways/[^/]+/configuration(/check)?"): 2 * 1024 * 1024,
    re.compile(r"/api/v1/sites/[^/]+/gateways/[^/]+/trials"): 512 * 1024,
    re.compile(r"/api/v1/hazards/[^/]+/(evidence|exposure-photos)"): MAX_BYTES,
    re.compile(r"/api/v1/intake/[^/]+"): SHEET_BYTES,
    re.compile(r"/api/v1/media/[0-9a-f]{64}"): 1024 * 1024,
    re.compile(r"/api/v1/public-reports/own/photos"): 4 * 1024 * 1024,
}
"""An image or a table, in base64; a text, each letter of which may be written as six; a photo, as it is."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    # The pages' framework sets style attributes; nothing else comes from anywhere but here.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guards:
    """Plain ASGI, so that a stream passes through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        """Around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what comes from a foreign page or is too large; add the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        has_begun, begun_s = False, time.monotonic()

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                metrics.note_answer(message["status"], time.monotonic() - begun_s)
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        problem = _refusal(scope["method"], scope["path"], Headers(scope=scope))
        if problem is not None:
            await answer(problem)(scope, receive, send_guarded)
            return
        try:
            with calling(NOBODY):
                await self._app(scope, receive, send_guarded)
        except Exception as exc:
            # The one broad catch of a request: here, so that this answer too carries the headers.
            response = answer_fault(scope["method"], scope["path"], exc)
            if has_begun:
                raise
            await response(scope, receive, send_guarded)


def _refusal(method: str, path: str, headers: Headers) -> ProblemError | None:
    if method not in _SAFE and not _is_own_origin(headers):
        return ProblemError(
            403, "foreign-origin", "Not allowed", "The request comes from another site's page."
        )
    # Bodies are small JSON with a length; one that comes in chunks of unknown size is none of ours.
    length, most = headers.get("content-length", "0"), _most_bytes(path)
    if headers.get("transfer-encoding") is not None or not (length.isdigit() and int(length) <= most):
        return ProblemError(
            413, "too-large", "Too large", f"A request has at most {most} bytes, and says how many."
        )
    return None


def _most_bytes(path: str) -> int:
    return next((most for way, most in _WITH_FILE.items() if way.fullmatch(path)), MAX_BODY_BYTES)


def _is_own_origin(headers: Headers) -> bool:
    """A browser names the page that a request comes from; a program that is no browser names none."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host")
    return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
