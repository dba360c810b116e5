"""The web process: uvicorn, with streams that end before it waits for them."""

import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from cloud.app import make_app
from cloud.settings import Network, Settings, Tls

_GRACE_S = 5


class Server(uvicorn.Server):
    """Uvicorn waits for open answers before the application stops; a live stream would keep it for ever."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams end first."""
        application = self.config.app
        application.state.serving.hub.close()  # type: ignore[union-attr]  # the application that `serve` gave it
        await super().shutdown(sockets)


class Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # a class, chosen when imported
    """Lets its requests end it (`state["abort"]`), whatever waits to be sent."""

    def __init__(self, *, app_state: dict[str, Any], **more: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(app_state={**app_state, "abort": self._abort}, **more)

    def _abort(self) -> None:
        self.transport.abort()


def serve(settings: Settings, dsn: str, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    make_server(make_app(settings, dsn), settings.proxies, settings.tls).run(sockets=[listening])


def make_server(app: FastAPI, proxies: Sequence[Network] = (), tls: Tls | None = None) -> Server:
    """The server of an application, not yet running; `proxies`: who may say from where a request comes."""
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        # Addresses that anybody else claims in headers decide nothing here.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=[str(one) for one in proxies],
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        lifespan="on",
        ws="none",
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `OSError` where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by every connection: else an answer's body waits 40 ms for somebody to have seen its head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)
    return listening
