"""All cameras of a scenario, served until the scenario ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from firmware_sim.camera.feed import Feed
from firmware_sim.camera.mjpeg import MjpegServer
from firmware_sim.camera.model import Camera
from firmware_sim.camera.rtsp import RtspServer
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
    feed = Feed(camera, folder)
    await feed.show()
    server = MjpegServer(feed) if camera.transport == "mjpeg" else RtspServer(feed)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except OSError as exc:
            where = f"{camera.host}:{camera.port}"
            raise UnreachableError(
                f"camera {camera.camera}: cannot listen on {where}: {exc.strerror}"
            ) from exc
        running = asyncio.create_task(feed.run(), name=f"camera {camera.camera}")
        try:
            yield server.address
        finally:
            running.cancel()
            await asyncio.wait([running])
