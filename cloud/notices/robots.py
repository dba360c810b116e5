"""Notices to the robots of DingTalk, WeCom and Feishu, and to a receiver of one's own.

The robots answer 200 whatever they think of a message: what became of it stands in the body, and is read.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, urlsplit

import msgspec

from cloud.instants import rfc3339
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.reaching import dial, encrypt, within
from cloud.settings import Network

_MOST_ANSWER = 64 * 1024
_WECOM_MOST_BYTES = 2000
"""A text of WeCom has 2048 bytes, and what is longer is refused whole."""
_MOST_TEXT = 4000
_LEFT_OUT = "…".encode()

_MAY_PASS = {
    # Too fast or overloaded, in each one's own numbers; whatever else they complain of stays as it is.
    "dingtalk": frozenset({-1, 130101, 130102, 410100, 660026}),
    "wecom": frozenset({-1, 45009, 45033, 6000}),
    "feishu": frozenset({9499, 11232, 11233, 99991400}),
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted, and where."""

    url: str
    body: bytes
    headers: dict[str, str] = {}


def request_of(route: Route, notice: Outgoing, now_ms: int) -> Request:
    """The notice as the other side wants it; pure."""
    return _SHAPES[route.kind](route.secret["url"], route.secret.get("key", ""), notice, now_ms)


def _dingtalk(url: str, key: str, notice: Outgoing, now_ms: int) -> Request:
    if key:
        signed = _mac(key.encode(), f"{now_ms}\n{key}".encode())
        url += f"{'&' if '?' in url else '?'}timestamp={now_ms}&sign={quote_plus(signed)}"
    return Request(url=url, body=_json({"msgtype": "text", "text": {"content": _plain(notice)}}))


def _wecom(url: str, _key: str, notice: Outgoing, _now_ms: int) -> Request:
    text = shortened(_plain(notice), _WECOM_MOST_BYTES)
    return Request(url=url, body=_json({"msgtype": "text", "text": {"content": text}}))


def shortened(text: str, most_bytes: int) -> str:
    """At most so many bytes: what is said at length gives way, and the links behind it stay; pure."""
    lines = [line.encode() for line in text.split("\n")]
    while (over := sum(map(len, lines)) + len(lines) - 1 - most_bytes) > 0:
        longest = max(range(len(lines)), key=lambda place: 0 if b"://" in lines[place] else len(lines[place]))
        if b"://" in lines[longest] or len(lines[longest]) <= len(_LEFT_OUT):
            break
        kept = lines[longest][: max(0, len(lines[longest]) - over - len(_LEFT_OUT))]
        lines[longest] = kept.decode("utf-8", "ignore").encode() + _LEFT_OUT
    return b"\n".join(lines)[:most_bytes].decode("utf-8", "ignore")


def _feishu(url: str, key: str, notice: Outgoing, now_ms: int) -> Request:
    # In a text of theirs `<at …>` calls people; a gateway's words must not.
    text = _plain(notice).replace("<", "\N{FULLWIDTH LESS-THAN SIGN}")
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if key:
        second = str(now_ms // 1000)
        # Their rule: what is signed is nothing, and the text is the key.
        body |= {"timestamp": second, "sign": _mac(f"{second}\n{key}".encode(), b"")}
    return Request(url=url, body=_json(body))


def _webhook(url: str, key: str, notice: Outgoing, now_ms: int) -> Request:
    told = {
        "id": str(notice.id),
        "kind": notice.kind,
        "mode": "test" if notice.kind == "test" else "live",
        "site": notice.site,
        "level": notice.level,
        "title": notice.title,
        "text": notice.body,
        "created_at": rfc3339(notice.created_at),
    }
    body = _json(told)
    headers = {"X-SiteWarden-Notice": str(notice.id)}
    if key:
        headers["X-SiteWarden-Signature"] = signature_of(key, body, now_ms)
    return Request(url=url, body=body, headers=headers)


def signature_of(key: str, body: bytes, now_ms: int) -> str:
    """By which a receiver of one's own sees that it is ours, and of when."""
    second = now_ms // 1000
    digest = hmac.new(key.encode(), f"{second}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={second},v1={digest}"


_SHAPES: dict[str, Callable[[str, str, Outgoing, int], Request]] = {
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "feishu": _feishu,
    "webhook": _webhook,
}


def judge(kind: str, status: int, body: bytes) -> Outcome:
    """What an answer means; pure."""
    if not 200 <= status <= 299:  # noqa: PLR2004  RFC 9110, 15.3
        may_pass = status in {408, 425, 429} or status >= 500  # noqa: PLR2004
        return Outcome(state="rejected", code=f"http {status}", text=said_of(body), again=may_pass)
    if kind == "webhook":
        return Outcome(state="sent", code=f"http {status}", text=said_of(body))
    code, text = _code_of(body)
    if code is None:
        return Outcome(
            state="unknown", code="unreadable", text=f"answered {status} without a code: {said_of(body)}"
        )
    if code == 0:
        return Outcome(state="sent", code="0", text=text)
    return Outcome(state="rejected", code=str(code), text=text, again=code in _MAY_PASS[kind])


def post(
    route: Route, notice: Outgoing, networks: Sequence[Network], trusted: ssl.SSLContext, now_ms: int
) -> Outcome:
    """Send it once; raises `UnreachedError` where nothing has gone out."""
    request = request_of(route, notice, now_ms)
    # A receiver of one's own knows the notice by its number: it may come twice.
    again = route.kind == "webhook"
    return deliver(
        request, networks, trusted, lambda status, body: judge(route.kind, status, body), again=again
    )


def deliver(
    request: Request,
    networks: Sequence[Network],
    trusted: ssl.SSLContext,
    judge_answer: Callable[[int, bytes], Outcome],
    *,
    again: bool = False,
) -> Outcome:
    """POST it once and judge the answer; raises `UnreachedError` where nothing has gone out.

    `again`: whether it may be sent once more where no answer came.
    """
    parts = urlsplit(request.url)
    host, is_safe = parts.hostname or "", parts.scheme == "https"
    connection = dial(host, parts.port or (443 if is_safe else 80), networks)
    if is_safe:
        connection = encrypt(connection, host, trusted)
    speaking = http.client.HTTPConnection(host, parts.port)
    speaking.sock = connection
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "SiteWarden",
        "Connection": "close",
        **{name: value for name, value in request.headers.items() if name.lower() != "host"},
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with within(lambda: connection):
            status, body = _asked(speaking, path, request.body, headers)
    except (OSError, http.client.HTTPException) as exc:
        # Whether it arrived, nobody here knows.
        text = f"{host} took it and gave no answer: {type(exc).__name__} {exc}".strip()
        return Outcome(state="unknown", code="no-answer", text=text, again=again, silent=True)
    finally:
        speaking.close()
    return judge_answer(status, body)


def _asked(
    speaking: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    speaking.request("POST", path, body, dict(headers))
    answer = speaking.getresponse()
    return answer.status, answer.read(_MOST_ANSWER)


def _code_of(body: bytes) -> tuple[int | None, str]:
    """Code and words of an answer: `errcode` of DingTalk and WeCom, `code` or `StatusCode` of Feishu."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(said, dict):
        return None, ""
    code = next((said[name] for name in ("errcode", "code", "StatusCode") if name in said), None)
    text = next((said[name] for name in ("errmsg", "msg", "StatusMessage") if name in said), "")
    return (code if isinstance(code, int) and not isinstance(code, bool) else None), str(text)


def _plain(notice: Outgoing) -> str:
    return f"{notice.title}\n{notice.body}"[:_MOST_TEXT]


def _mac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def said_of(body: bytes) -> str:
    """An answer as text."""
    return body.decode("utf-8", "replace").strip()
