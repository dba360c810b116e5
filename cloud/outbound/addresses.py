"""Addresses that packages can be posted to. Pure; which of them may be reached, `notices.networks` says."""

from urllib.parse import urlsplit


def can_be_sent_to(url: str) -> bool:
    """Whether it says host, port and path as they go over the wire.

    Plain letters only: what is none is written by percent signs, and a name as `xn--`. No password: it would
    stand in the clear beside the address; packages are signed instead.
    """
    if not url.isascii() or any(letter <= " " or letter == "\x7f" for letter in url):
        return False
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and "@" not in parts.netloc
