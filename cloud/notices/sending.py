"""One notice sent once by whatever channel, and what became of it in one shape."""

import functools
import re
import ssl
import time
from collections.abc import Sequence

import msgspec

from cloud.notices.mail import send_mail
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.reaching import UnreachedError, since_ms
from cloud.notices.robots import post
from cloud.settings import Network

_MOST_SAID = 300


def send(route: Route, notice: Outgoing, networks: Sequence[Network]) -> Outcome:
    """Send it; never raises for what the other side does. Holds its thread, at most some fifteen seconds."""
    started_s = time.monotonic()
    try:
        if route.kind == "mail":
            outcome = send_mail(route, notice, networks, _trusted())
        else:
            outcome = post(route, notice, networks, _trusted(), time.time_ns() // 1_000_000)
    except UnreachedError as exc:
        outcome = Outcome(state="rejected", code=exc.code, text=exc.text, again=not exc.is_final)
    return msgspec.structs.replace(
        outcome, text=told(outcome.text, route.secret), took_ms=since_ms(started_s)
    )


def told(text: str, secret: dict[str, str]) -> str:
    """What may be shown of an answer: one short line, without a secret that the other side repeats."""
    for value in sorted(secret.values(), key=len, reverse=True):
        text = text.replace(value, "***") if value else text
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:_MOST_SAID]


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
