"""Notices by services that the apprise library knows. It is imported where one is sent, and only there."""

import ipaddress
import socket
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec

from cloud.notices.guarding import Guard, guarded
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.reaching import PATIENCE_S, UnreachedError, may_reach
from cloud.settings import Network
from sitewarden import documents


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of its services are used, and which are believed."""

    source: str
    checks: list[str]
    own: list[str]
    local: list[str]


@cache
def rules() -> Rules:
    """What `apprise.yaml` says."""
    with resources.as_file(resources.files("cloud.notices") / "apprise.yaml") as file:
        return documents.load(file, Rules)


def scheme_of(url: str) -> str:
    """Which service an address is of, such as `tgram`."""
    return url.partition("://")[0].lower()


def send_by_apprise(route: Route, notice: Outgoing, networks: Sequence[Network]) -> Outcome:
    """Hand it over once; raises `UnreachedError` where it may not or cannot be sent.

    The library opens its connections itself. Where an address names a server, that name is judged beforehand,
    so that the answer says what is wrong with it; each connection is judged all the same.
    """
    import apprise  # noqa: PLC0415  a large library, which most never need

    url = route.secret["url"]
    scheme = scheme_of(url)
    if scheme in {*rules().own, *rules().local}:
        raise UnreachedError("refused", f"{scheme}:// is not sent by apprise here", is_final=True)
    asset = apprise.AppriseAsset(plugin_paths=[], secure_logging=True, async_mode=False, http_redirects=False)
    plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        raise UnreachedError(
            "no-such-service", f"apprise does not understand this {scheme}://", is_final=True
        )
    host = getattr(plugin, "host", None)
    templates: tuple[str, ...] = plugin.templates
    if host and any("{host}" in template for template in templates):
        _judge(str(host), networks)
    with guarded(networks, PATIENCE_S) as guard:
        taken = plugin.notify(
            body=notice.body,
            title=notice.title,
            notify_type=apprise.NotifyType.WARNING,
            body_format=apprise.NotifyFormat.TEXT,
        )
    if not taken:
        return _not_taken(str(plugin.service_name), guard)
    if scheme in rules().checks:
        return Outcome(state="sent", code="apprise", text=f"{plugin.service_name} says that it was taken")
    text = f"{plugin.service_name}: handed over; whether it was taken its answer does not surely say"
    return Outcome(state="unknown", code="apprise", text=text)


def _not_taken(service: str, guard: Guard) -> Outcome:
    if guard.refused is not None:
        text = f"{service}: it leads to {guard.refused}, which may not be reached"
        return Outcome(state="rejected", code="blocked", text=text)
    if guard.is_over:
        text = f"{service} took it and gave no answer in time"
        return Outcome(state="unknown", code="no-answer", text=text, silent=True)
    return Outcome(state="rejected", code="apprise", text=f"{service}: not taken, or not reached")


def _judge(host: str, networks: Sequence[Network]) -> None:
    try:
        found = {str(where[0]) for *_, where in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as exc:
        raise UnreachedError("dns", f"the name {host} is not known: {exc}") from exc
    refused = sorted(address for address in found if not may_reach(address, networks))
    if refused:
        where = ipaddress.ip_address(refused[0].partition("%")[0])
        text = (
            f"{host} is {where}, an address within a network of its own: see `notices.networks` in cloud.yaml"
        )
        raise UnreachedError("blocked", text, is_final=True)
