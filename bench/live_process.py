"""A process of `bench live`: the web process, the bare server beside it, or the viewers of either."""

import asyncio
import contextlib
import json
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.hazards import settings_of
from cloud.accounts.permissions import COOKIE
from cloud.server import listen, serve

_RAISED = re.compile(rb'"value":([0-9.]+)')
PAD = b"x"


class Web(msgspec.Struct, frozen=True, tag="web"):
    """The web process as it is served."""

    folder: str
    dsn: str
    port: int


class Bare(msgspec.Struct, frozen=True, tag="bare"):
    """A server that writes so many bytes to every socket so many times a second, and does nothing else."""

    port: int
    size: int
    every_s: float


class Viewers(msgspec.Struct, frozen=True, tag="viewers"):
    """Raw sockets that note when which change came."""

    port: int
    sites: list[str]
    """Of each viewer."""
    tokens: list[str]
    seconds: float
    deaf: int
    """So many more that never read."""


Role = Web | Bare | Viewers


def main() -> None:
    """Be what the argument says."""
    role = msgspec.json.decode(sys.argv[1], type=Role)
    if isinstance(role, Web):
        serve(settings_of(Path(role.folder)), role.dsn, listen("127.0.0.1", role.port))
    elif isinstance(role, Bare):
        asyncio.run(_bare(role))
    else:
        print(json.dumps(asyncio.run(_view(role))), flush=True)


async def _bare(role: Bare) -> None:
    writers: set[asyncio.StreamWriter] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await reader.readline():
            return
        writers.add(writer)
        await reader.read()
        writers.discard(writer)

    async with await asyncio.start_server(join, "127.0.0.1", role.port, backlog=1024):
        while True:
            await asyncio.sleep(role.every_s)
            head = b'event: values\ndata: {"value":%d}' % time.monotonic_ns()
            frame = head + PAD * (role.size - len(head) - 2) + b"\n\n"
            for writer in writers:
                writer.write(frame)


async def _view(role: Viewers) -> dict[str, Any]:
    """What came when, by the number that was its value; and how many bytes an event has."""
    arrivals: list[tuple[int, int]] = []
    sizes: list[int] = []
    deaf = [_deaf(role) for _ in range(role.deaf)]
    viewers, writers = [], []
    for site, token in zip(role.sites, role.tokens, strict=True):
        reader, writer = await asyncio.open_connection("127.0.0.1", role.port, limit=2**20)
        writer.write(_request(site, token))
        # One that nobody holds closes its connection.
        writers.append(writer)
        viewers.append(asyncio.create_task(_note(reader, arrivals, sizes)))
    await asyncio.sleep(role.seconds)
    ended = sum(viewer.done() for viewer in viewers)
    for viewer in viewers:
        viewer.cancel()
    await asyncio.gather(*viewers, return_exceptions=True)
    for one in deaf:
        one.close()
    return {"arrivals": arrivals, "size": max(sizes, default=0), "ended": ended}


async def _note(reader: asyncio.StreamReader, arrivals: list[tuple[int, int]], sizes: list[int]) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            event = await reader.readuntil(b"\n\n")
            now_ns = time.monotonic_ns()
            if b"event: values" in event and (found := _RAISED.search(event)):
                arrivals.append((int(float(found[1])), now_ns))
                sizes.append(len(event))


def _deaf(role: Viewers) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", role.port))
    one.sendall(_request(role.sites[0], role.tokens[0]))
    return one


def _request(site: str, token: str) -> bytes:
    return (
        f"GET /api/v1/sites/{site}/live HTTP/1.1\r\nHost: bench\r\nCookie: {COOKIE}={token}\r\n\r\n".encode()
    )


if __name__ == "__main__":
    main()
