"""All cameras of a scenario, served until the scenario ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from firmware_sim.camera import film
from firmware_sim.camera.feed import Feed
from firmware_sim.camera.mjpeg import MjpegServer
from firmware_sim.camera.model import FILM, Camera
from firmware_sim.camera.rtsp import RtspServer
from firmware_sim.camera.rtsp_film import FilmServer
from sitewarden.errors import UnreachableError


async def serve(cameras: Iterable[Camera], folder: Path, stack: AsyncExitStack) -> dict[str, str]:
    """Serve the cameras for as long as `stack` is open; the URL of each.

    Raises `SiteWardenError` where a source has no picture or RTSP is not installed, `UnreachableError` where
    a port cannot be had.
    """
    return {camera.camera: await stack.enter_async_context(serving(camera, folder)) for camera in cameras}


@contextlib.asynccontextmanager
async def serving(camera: Camera, folder: Path) -> AsyncIterator[str]:
    """One camera; its URL."""
    async with AsyncExitStack() as stack:
        if camera.source is not None and camera.source.startswith(FILM):
            films = FilmServer(camera, film.load(folder / camera.source.removeprefix(FILM)))
            await _opened(films, camera, stack)
            yield films.address
            return
        feed = Feed(camera, folder)
        await feed.show()
        server = MjpegServer(feed) if camera.transport == "mjpeg" else RtspServer(feed)
        await _opened(server, camera, stack)
        running = asyncio.create_task(feed.run(), name=f"camera {camera.camera}")
        try:
            yield server.address
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _opened(server: AbstractAsyncContextManager[object], camera: Camera, stack: AsyncExitStack) -> None:
    """Open its port for as long as `stack` is open."""
    try:
        await stack.enter_async_context(server)
    except OSError as exc:
        where = f"{camera.host}:{camera.port}"
        raise UnreachableError(f"camera {camera.camera}: cannot listen on {where}: {exc.strerror}") from exc
