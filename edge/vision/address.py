"""Cameras' addresses that hold a login in their path or query, as cheap cameras want them.

`rtsp://10.0.0.9/user=admin&password=…&channel=1`, `http://10.0.0.9/video.cgi?user=…&pwd=…`. Whatever is shown
of such an address has `{username}` and `{password}` in their places; so may the address be written, and what
stands beside it is then filled in for the camera alone.

Where a password ends that is written out nobody can tell from outside: it may hold whatever stands between
two parameters. So it reaches to a parameter that cameras are known to have, with a value such as those have.
All else behind it is left out.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

USERNAME, PASSWORD = "{username}", "{password}"
LEFT_OUT = "…"
"""Stands where something may be part of a password, or of the address."""
_SECRETS = r"[a-z]*(?:pass|pwd|psw|secret|token)[a-z_]*|loginpas|auth[a-z_]*|cred[a-z_]*|[a-z]*key"
_USERS = r"[a-z]*(?:user|usr)[a-z_]*|login|loginuse|account"
_HARMLESS = (
    r"(?:app|audio|camera|ch|channel|chn|codec|fps|id|keyframe|media|mode|port|profile|proto|quality|rate|"
    r"resolution|size|stream|stream_?type|sub|subtype|track|trackid|transport|type|unicast|vcodec|video)"
    r"=[a-z0-9.]{0,12}|real_stream"
)
_BETWEEN = "/?&;_#"
_NAMED = re.compile(
    rf"(?P<key>[{_BETWEEN}]{{1,3}}(?:(?P<user>{_USERS})|{_SECRETS})=)"
    rf"|(?P<harmless>(?:/?\??&|_|\?(?=real_stream))(?:{_HARMLESS})(?=[{_BETWEEN}]|$))",
    re.IGNORECASE,
)
_HELD = re.compile(
    rf"(?:(?::|%3a)?(?:{{username}}|{{password}}))+(?=[{_BETWEEN}{LEFT_OUT}]|$)", re.IGNORECASE
)
"""A value that is only places to be filled in."""
_MORE = re.compile(r"[/?&;#]|_[a-z]\w*=", re.IGNORECASE)
"""Where a value may be over."""
_PLACES = ("file", "folder", "v4l2")
"""Ways to what is at the machine: no host, no login."""
_HOST = re.compile(r"(?:[^@:/?#\[\]%]*|\[[0-9a-f:.]*\])(?::[0-9]+)?", re.IGNORECASE)
_STANDS = "!$'()*,-.:;=@_~/"
"""What stands in an address as it is, also for cameras that decode nothing."""


def shown(url: str) -> str:
    """The address without its login, for everybody to see.

    Where a login stands before the host, or may, nothing is shown but the way: it may reach anywhere.
    """
    parts = _parted(url)
    if parts is None:
        return url
    way, host, rest = parts
    told = "".join(_told(rest))
    return way + LEFT_OUT if "@" in told or not _HOST.fullmatch(host) else way + host + told


def is_hidden(url: str) -> bool:
    """Whether nothing of it is shown: a login stands before the host, or may."""
    parts = _parted(url)
    return parts is not None and shown(url) == parts[0] + LEFT_OUT


def holds_login(url: str) -> bool:
    """Whether somebody's name or password stands in it."""
    return shown(url) != url


def wants(url: str) -> set[str]:
    """Which of `{username}` and `{password}` are to be filled in."""
    return {place for place in (USERNAME, PASSWORD) if place in url}


def filled(url: str, username: str | None, password: str | None) -> str:
    """The address as the camera is asked by; never shown to anybody."""
    for place, value in ((USERNAME, username), (PASSWORD, password)):
        url = url.replace(place, quote(value or "", safe=_STANDS))
    return url


def _told(rest: str) -> Iterator[str]:
    """What is shown of an address behind its host."""
    at, is_hiding, is_secret = 0, False, False
    for name in _NAMED.finditer(rest):
        is_key = name["harmless"] is None
        if name.start() < at or (is_secret and is_key):
            continue  # within a place to be filled in, or within what may be a password
        yield _between(rest[at : name.start()], is_hiding=is_hiding)
        yield name[0]
        at = name.end()
        if not is_key:
            continue
        held = _HELD.match(rest, at)
        is_hiding = held is None
        is_secret = is_hiding and name["user"] is None
        if held is None:
            yield USERNAME if name["user"] else PASSWORD
        else:
            yield held[0]
            at = held.end()
    yield _between(rest[at:], is_hiding=is_hiding)


def _between(text: str, *, is_hiding: bool) -> str:
    """What no name stands before, and values; of hidden ones whether more than a value may be hidden."""
    if not is_hiding:
        return text
    return LEFT_OUT if _MORE.search(text) else ""


def _parted(url: str) -> tuple[str, str, str] | None:
    """An address up to its host, the host with its port, and what comes behind; `None` where it has none."""
    found = re.match(r"([^:/]+)://([^/?#]*)", url)
    if found is None or found[1].lower() in _PLACES:
        return None
    return f"{found[1]}://", found[2], url[found.end() :]
