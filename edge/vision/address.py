"""Cameras' addresses that hold a login in their path or query, as cheap cameras want them.

`rtsp://10.0.0.9/user=admin&password=…&channel=1`, `http://10.0.0.9/video.cgi?user=…&pwd=…`. Whatever is shown
of such an address has `{username}` and `{password}` in their places; so may the address be written, and what
stands beside it is then filled in for the camera alone.
"""

import re
from urllib.parse import quote

USERNAME, PASSWORD = "{username}", "{password}"
_USERS = r"[a-z]*(?:user|usr)[a-z_]*|login|loginuse|account"
_SECRETS = r"[a-z]*(?:pass|pwd|psw|secret|token)[a-z_]*|loginpas|auth[a-z_]*|cred[a-z_]*|[a-z]*key"
_NEXT = r"(?=&|[_/?;][A-Za-z][A-Za-z0-9]*=|$)"
"""A value may hold nearly everything: more is hidden rather than less."""
_LOGIN = re.compile(
    rf"(?P<key>(?<=[/?&;_#])(?:(?P<user>{_USERS})|{_SECRETS})=)(?P<value>.*?){_NEXT}", re.IGNORECASE
)
_STANDS = "!$'()*,-.:;=@_~/"
"""What stands in an address as it is, also for cameras that decode nothing."""


def shown(url: str) -> str:
    """The address without its login, for everybody to see."""

    def hidden(found: re.Match[str]) -> str:
        return found["key"] + (USERNAME if found["user"] else PASSWORD)

    host, rest = _parted(url)
    return host + _LOGIN.sub(hidden, rest)


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


def _parted(url: str) -> tuple[str, str]:
    """An address up to its host, and what comes behind; films and folders have no host."""
    found = re.match(r"[^:/]+://[^/?]*", url)
    return (url, "") if found is None else (found[0], url[found.end() :])
