"""One notice sent once by whatever channel, and what became of it in one shape."""

import functools
import logging
import re
import ssl
import time
from collections.abc import Sequence

import msgspec

from cloud.notices.calling import call
from cloud.notices.mail import send_mail
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.others import send_by_apprise
from cloud.notices.reaching import UnreachedError, since_ms
from cloud.notices.robots import post
from cloud.settings import Network

log = logging.getLogger(__name__)

_MOST_SAID = 300
_MOST_CODE = 40


def send(route: Route, notice: Outgoing, networks: Sequence[Network]) -> Outcome:
    """Send it; never raises, whatever the other side does. Holds its thread, at most some fifteen seconds."""
    started_s = time.monotonic()
    route = to_person(route)
    try:
        if route.kind == "mail":
            outcome = send_mail(route, notice, networks, _trusted())
        elif route.kind in {"sms", "voice"}:
            outcome = call(route, notice, networks, _trusted(), time.time_ns() // 1_000_000)
        elif route.kind == "apprise":
            outcome = send_by_apprise(route, notice, networks)
        else:
            outcome = post(route, notice, networks, _trusted(), time.time_ns() // 1_000_000)
    except UnreachedError as exc:
        may_pass = not exc.is_final
        outcome = Outcome(state="rejected", code=exc.code, text=exc.text, again=may_pass, away=may_pass)
    except Exception as exc:
        # The last resort: what nobody thought of in one channel must not silence the others.
        log.exception("a notice failed kind=%s", route.kind)
        outcome = Outcome(state="unknown", code="fault", text=f"it went wrong here: {type(exc).__name__}")
    return msgspec.structs.replace(
        outcome,
        code=outcome.code[:_MOST_CODE],
        text=told(outcome.text, route.secret),
        away=outcome.away or outcome.silent,
        took_ms=since_ms(started_s),
    )


def to_person(route: Route) -> Route:
    """Where the secret says whom it goes to (`to`): a person, in place of the server's people."""
    to = route.secret.get("to")
    if to is None or route.kind != "mail":
        return route
    return msgspec.structs.replace(route, target={**route.target, "recipients": [to]})


def told(text: str, secret: dict[str, str]) -> str:
    """What may be shown of an answer: one short line, without a secret that the other side repeats."""
    for value in sorted(secret.values(), key=len, reverse=True):
        text = text.replace(value, "***") if value else text
    # JSON may carry halves of letters, which no database takes.
    text = text.encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:_MOST_SAID]


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
