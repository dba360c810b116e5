"""The web process: uvicorn, with streams that end before it waits for them."""

import socket

import uvicorn
from fastapi import FastAPI

from cloud.app import make_app
from cloud.settings import Settings

_GRACE_S = 5


class Server(uvicorn.Server):
    """Uvicorn waits for open answers before the application stops; a live stream would keep it for ever."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams end first."""
        application = self.config.app
        application.state.serving.hub.close()  # type: ignore[union-attr]  # the application that `serve` gave it
        await super().shutdown(sockets)


def serve(settings: Settings, dsn: str, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    make_server(make_app(settings, dsn)).run(sockets=[listening])


def make_server(app: FastAPI) -> Server:
    """The server of an application, not yet running."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        # Addresses that a client claims in headers decide nothing here.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
        lifespan="on",
        ws="none",
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `OSError` where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)
    return listening
