"""Who may read metrics: whoever has the token; where there is none, whoever is on the same machine."""

import hmac
import ipaddress
import re
from collections.abc import Mapping

_FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def may_read(token: str | None, peer: str, headers: Mapping[str, str]) -> bool:
    """Whether these metrics are for that caller; `headers` by their names in small letters.

    A proxy on the same machine hands on what strangers ask, so whatever looks handed on is refused. One that
    hides that it is one cannot be told from a neighbour: there, a token belongs into the configuration.
    """
    if token is not None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(), token.encode())
        return is_right and scheme.lower() == "bearer"
    host = re.sub(r":\d+$", "", headers.get("host", ""))
    return is_local(peer) and not _FORWARDED & set(headers) and host in _NAMES


def is_local(address: str) -> bool:
    """Whether that is this very machine."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)
