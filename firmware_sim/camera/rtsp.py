"""RTSP through Debian's GStreamer RTSP server, as a child process with the system's Python.

A camera whose connection is cut is a child that is gone; afterwards a new one listens on the same port.
"""

import asyncio
import contextlib
import functools
import json
import logging
import struct
import subprocess
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any, Self

from firmware_sim.camera.feed import Feed
from sitewarden.errors import SiteWardenError, UnreachableError

log = logging.getLogger(__name__)

SYSTEM_PYTHON = Path("/usr/bin/python3")
CHILD = Path(__file__).with_name("rtsp_child.py")
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
ELEMENTS = "appsrc", "jpegdec", "jpegparse", "videoconvert", "x264enc", "rtph264pay", "rtpjpegpay"
STARTS_S, TAKES_S = 20.0, 5.0
"""How long the child may take to listen, and to take a picture."""


@functools.cache
def missing() -> str | None:
    """What RTSP lacks on this machine; `None` where everything is there."""
    asked = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        f"assert all(map(Gst.ElementFactory.find, {ELEMENTS!r}))"
    )
    if not SYSTEM_PYTHON.exists():
        return f"RTSP needs {SYSTEM_PYTHON} and GStreamer (Debian: apt install {PACKAGES})"
    try:
        subprocess.run(  # noqa: S603  # both are ours
            [SYSTEM_PYTHON, "-c", asked], check=True, capture_output=True, timeout=STARTS_S
        )
    except (OSError, subprocess.SubprocessError):
        return f"RTSP needs GStreamer's RTSP server (Debian: apt install {PACKAGES})"
    return None


class RtspServer:
    """One camera's RTSP port; `async with` starts the child and ends it."""

    def __init__(self, feed: Feed) -> None:
        """The feed is run by somebody else."""
        self._feed = feed
        self._port = feed.camera.port
        self._child: Process | None = None
        self._feeding: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Its URL."""
        return f"rtsp://{self._feed.camera.host}:{self._port}/{self._feed.camera.camera}"

    @property
    def pid(self) -> int | None:
        """Of its child."""
        return None if self._child is None else self._child.pid

    @property
    def is_listening(self) -> bool:
        """Whether its child runs."""
        return self._child is not None

    async def __aenter__(self) -> Self:
        lacking = missing()
        if lacking is not None:
            raise SiteWardenError(f"camera {self._feed.camera.camera}: {lacking}")
        await self._start()
        self._feeding = asyncio.create_task(self._feed_child(), name=f"rtsp {self._feed.camera.camera}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._feeding is not None  # noqa: S101  # __aenter__ made it
        self._feeding.cancel()
        await asyncio.wait([self._feeding])
        await self._stop()

    async def _start(self) -> None:
        camera = self._feed.camera
        given: dict[str, Any] = {
            "host": camera.host,
            "port": self._port,
            "name": camera.camera,
            "codec": camera.codec,
            "width": camera.width,
            "height": camera.height,
            "rate": round(1000 * camera.fps),
            "viewers": camera.viewers,
        }
        if camera.login is not None:
            given["login"] = {key: getattr(camera.login, key) for key in ("way", "username", "password")}
        # -I: what the virtual environment says about Python's paths is not for the system's Python.
        child = await asyncio.create_subprocess_exec(SYSTEM_PYTHON, "-I", CHILD, stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None  # noqa: S101  # asked for
        port: int | None = None
        try:
            # Not by arguments, which everybody at the machine can read: a camera may have a login.
            child.stdin.write(json.dumps(given).encode() + b"\n")
            port = await _said_port(child)
        finally:
            # Also where whoever waits for it is stopped meanwhile.
            if port is None:
                await _end(child)
        if port is None:
            where = f"{camera.host}:{self._port}"
            raise UnreachableError(f"camera {camera.camera}: no RTSP server on {where}; is the port taken?")
        self._port, self._child = port, child

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await _end(child)

    async def _feed_child(self) -> None:
        """Hand every picture on; a child that died or takes none is replaced with the next picture."""
        number = 0
        while True:
            number, picture = await self._feed.after(number)
            if self._feed.is_cut:
                await self._stop()
                continue
            try:
                await self._hand(picture)
            except (ConnectionError, TimeoutError) as exc:
                log.warning("camera %s: starting its RTSP server anew: %s", self._feed.camera.camera, exc)
                await self._stop()
            except UnreachableError as exc:
                log.warning("%s", exc)

    async def _hand(self, picture: bytes) -> None:
        if self._child is None:
            await self._start()
        assert self._child is not None  # noqa: S101  # just started
        assert self._child.stdin is not None  # noqa: S101  # asked for at its start
        self._child.stdin.write(struct.pack(">I", len(picture)) + picture)
        await asyncio.wait_for(self._child.stdin.drain(), TAKES_S)


async def _said_port(child: Process) -> int | None:
    """The port that the child says it listens on; `None` where it ends or says nothing in time."""
    assert child.stdout is not None  # noqa: S101  # asked for at its start
    try:
        line = await asyncio.wait_for(child.stdout.readline(), STARTS_S)
    except TimeoutError:
        return None
    return int(line) if line else None


async def _end(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.communicate()
