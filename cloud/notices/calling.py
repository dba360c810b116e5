"""Notices by text message and by telephone call, through whatever gateway is described."""

import json
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from cloud.instants import local
from cloud.notices import signing
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.providers import Answer, Provider, Where, providers
from cloud.notices.robots import Request, deliver, said_of, signature_of
from cloud.settings import Network

_MOST_OF_PARAMETER = 35
"""Letters of one parameter: what providers let a template's variable have."""
_PLACE = re.compile(r"\{(\w+)\}")
_EVERY = "*"


def call(
    route: Route, notice: Outgoing, networks: Sequence[Network], trusted: ssl.SSLContext, now_ms: int
) -> Outcome:
    """Hand it to the gateway once; raises `UnreachedError` where nothing has gone out."""
    if not numbers_of(route):
        return Outcome(state="rejected", code="no-number", text="this channel has no number of its own")
    answer = answer_of(route)
    request = request_of(route, notice, now_ms)
    return deliver(request, networks, trusted, lambda status, body: judge(answer, status, body))


def numbers_of(route: Route) -> list[str]:
    """Whom it goes to: a person's own number, or the channel's."""
    to = route.secret.get("to")
    return [to] if to else list(route.target.get("numbers", []))


def answer_of(route: Route) -> Answer:
    """How the gateway's answer is read."""
    provider, own = providers()[route.target["provider"]], route.target.get("own")
    if own is None:
        return provider.answer
    where = Where(code=own["code"].split("."), text=own["text"].split(".") if own["text"] else [])
    return Answer(paths=[where], accepted=own["accepted"])


def request_of(route: Route, notice: Outgoing, now_ms: int) -> Request:
    """The notice as the gateway wants it; pure."""
    provider = providers()[route.target["provider"]]
    if provider.signing == "own":
        return _own(route, notice, now_ms)
    words = _words(route, notice, provider)
    key_id, key = route.target["key_id"], route.secret["key"]
    if provider.signing == "acs3":
        url = f"{provider.url}?{signing.query_of({k: _text(v, words) for k, v in provider.query.items()})}"
        headers = signing.acs3(url, provider.headers, b"", f"{notice.id}-{now_ms}", now_ms)
        headers["Authorization"] = signing.acs3_authorization(url, headers, b"", key_id, key)
        return Request(url=url, body=b"", headers=headers)
    body = json.dumps(_filled(provider.json, words), ensure_ascii=False).encode()
    headers = {
        **provider.headers,
        "X-TC-Timestamp": str(now_ms // 1000),
        "Authorization": signing.tc3_authorization(provider.url, body, key_id, key, now_ms),
    }
    return Request(url=provider.url, body=body, headers=headers)


def _own(route: Route, notice: Outgoing, now_ms: int) -> Request:
    own, key = route.target["own"], route.secret.get("key", "")
    words = {**_words(route, notice, providers()[route.target["provider"]]), "key": key}
    body = json.dumps(_filled(json.loads(own["body"]), words), ensure_ascii=False).encode()
    headers = {name: _text(value, words) for name, value in own["headers"].items()}
    headers["X-SiteWarden-Notice"] = str(notice.id)
    if key:
        headers["X-SiteWarden-Signature"] = signature_of(key, body, now_ms)
    return Request(url=route.secret["url"], body=body, headers=headers)


def _words(route: Route, notice: Outgoing, provider: Provider) -> dict[str, Any]:
    target = route.target
    numbers = [f"{provider.prefix}{number}" for number in numbers_of(route)][: provider.most_numbers]
    known = {
        "title": " ".join(notice.title.split()),
        "time": _when(notice),
        "level": str(notice.level),
        "text": notice.body,
    }
    chosen = {name: known[name][:_MOST_OF_PARAMETER] for name in target.get("parameters", ["title"])}
    return {
        **known,
        **{name: target.get(name, "") for name in ("sign_name", "template", "app", "caller", "key_id")},
        "id": str(notice.id),
        "numbers": numbers,
        "joined": ",".join(numbers),
        "number": numbers[0],
        "parameters": list(chosen.values()),
        "object": json.dumps(chosen, ensure_ascii=False),
    }


def _when(notice: Outgoing) -> str:
    """By the clocks of its site, which a template's few letters need not name."""
    at = f"{local(notice.created_at, notice.time_zone):%Y-%m-%d %H:%M}"
    return f"{at} UTC" if notice.time_zone == "UTC" else at


def _filled(template: Any, words: Mapping[str, Any]) -> Any:
    """The template with its places filled; a place that is a whole text may become a list."""
    if isinstance(template, dict):
        return {name: _filled(value, words) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, words) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    return words.get(whole[1], template) if whole else _text(template, words)


def _text(template: str, words: Mapping[str, Any]) -> str:
    return _PLACE.sub(lambda found: str(words.get(found[1], found[0])), template)


def judge(answer: Answer, status: int, body: bytes) -> Outcome:
    """What an answer means; pure. Also refusals of these gateways may come with another status than 200."""
    found = _found(answer, body)
    if found is None:
        if not 200 <= status <= 299:  # noqa: PLR2004  RFC 9110, 15.3
            # Whether it has sent the message before it stumbled, nobody here knows.
            is_fault, is_too_fast = status >= 500, status == 429  # noqa: PLR2004
            return Outcome(
                state="unknown" if is_fault else "rejected",
                code=f"http {status}",
                text=said_of(body),
                again=is_too_fast,
                away=is_too_fast,
            )
        return Outcome(state="unknown", code="unreadable", text=f"answered {status}: {said_of(body)}")
    codes, texts, is_taken = found
    refused = [n for n, code in enumerate(codes) if not is_taken and code not in answer.accepted]
    if not refused:
        return Outcome(state="sent", code=codes[0], text=texts[0] if texts else "")
    code, text = codes[refused[0]], texts[refused[0]] if refused[0] < len(texts) else ""
    if len(refused) < len(codes):
        # Some have it: a second try would give it to them twice.
        return Outcome(state="rejected", code=code, text=f"the others have it: {text}")
    return Outcome(state="rejected", code=code, text=text, again=code in answer.may_pass)


def _found(answer: Answer, body: bytes) -> tuple[list[str], list[str], bool] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for where in answer.paths:
        codes = _at(said, where.code)
        if codes:
            is_taken = answer.any_of_last and where is answer.paths[-1]
            return codes, _at(said, where.text) if where.text else [], is_taken
    return None


def _at(said: Any, path: Sequence[str]) -> list[str]:
    """What stands at a path, as texts; nothing where it leads nowhere."""
    if not path:
        return [str(said)] if isinstance(said, str | int) else []
    if path[0] == _EVERY:
        found = [_at(one, path[1:]) for one in said] if isinstance(said, list) else []
        return [text for texts in found for text in texts]
    return _at(said[path[0]], path[1:]) if isinstance(said, dict) and path[0] in said else []
