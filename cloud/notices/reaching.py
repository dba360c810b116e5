"""Connections to where notices go: only to addresses that may be reached, and never for long.

Who may set a channel up need not be who runs the server. A channel must not become a way into the network
that the server stands in: to its database, to a neighbour's page, to what a data centre tells its machines.
"""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from cloud.settings import Network
from sitewarden.errors import SiteWardenError

PATIENCE_S = 15.0
"""A whole sending has so long, however slowly the other side answers."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class UnreachedError(SiteWardenError):
    """Nothing was sent: it may be tried again."""

    def __init__(self, code: str, text: str, *, is_final: bool = False) -> None:
        """`code` is one word; `is_final`: trying again without a change makes no sense."""
        super().__init__(text)
        self.code, self.text, self.is_final = code, text, is_final


def may_reach(address: str, networks: Sequence[Network]) -> bool:
    """Whether notices may go to that IP address: of the open internet, or of the operator's own networks."""
    found = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if any(found in network for network in networks):
        return True
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _inner(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, whatever the way of writing it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def dial(host: str, port: int, networks: Sequence[Network]) -> socket.socket:
    """A connection to `host`; raises `UnreachedError` where it may not or cannot be reached.

    The address that was judged is the one that is connected to: a name that points elsewhere a moment later
    gets nowhere.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise UnreachedError("dns", f"the name {host} is not known: {exc}") from exc
    refused = [str(where[0]) for *_, where in found if not may_reach(str(where[0]), networks)]
    if refused:
        raise UnreachedError(
            "blocked",
            f"{host} is {refused[0]}, an address within a network of its own; whoever runs the server may "
            "allow it under `notices.networks` in cloud.yaml",
            is_final=True,
        )
    last: OSError | None = None
    for family, kind, protocol, _, where in found[:3]:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(PATIENCE_S / 3)
        try:
            connection.connect(where)
        except OSError as exc:
            connection.close()
            last = exc
        else:
            connection.settimeout(PATIENCE_S)
            return connection
    code = "timeout" if isinstance(last, TimeoutError) else "unreachable"
    raise UnreachedError(code, f"{host}:{port} does not answer: {last}") from last


def encrypt(
    connection: socket.socket, host: str, trusted: ssl.SSLContext, seconds: float = PATIENCE_S
) -> ssl.SSLSocket:
    """The same connection by TLS, the other side's certificate checked, within so long."""
    safe: ssl.SSLSocket | None = None
    try:
        safe = trusted.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
        with within(lambda: safe, seconds):
            safe.do_handshake()
    except (OSError, ValueError) as exc:
        (safe or connection).close()
        raise UnreachedError("tls", f"no safe connection to {host}: {exc}") from exc
    return safe


@contextlib.contextmanager
def within(connection: Callable[[], socket.socket | None], seconds: float = PATIENCE_S) -> Iterator[None]:
    """End the connection when its time is over: one that trickles bytes would never run into a timeout."""

    def shut() -> None:
        found = connection()
        if found is not None:
            with contextlib.suppress(OSError):
                # The plain socket's: that of TLS would pull its state from under whoever reads just now.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def since_ms(started_s: float) -> int:
    """Milliseconds since `time.monotonic()` was so much."""
    return round((time.monotonic() - started_s) * 1000)
