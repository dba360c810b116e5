"""One camera's newest picture, at its rate, with whatever is wrong with it; viewers take from it."""

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from firmware_sim.camera.model import Camera, CameraFault, fault_at
from firmware_sim.camera.pictures import black, pictures_of
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)


class Feed:
    """The newest picture wins: a viewer that is too slow leaves pictures out, and nothing piles up."""

    def __init__(self, camera: Camera, folder: Path) -> None:
        """`folder` is where the camera's scenario stands."""
        self.camera = camera
        self.picture = b""
        self.number = 0
        """Goes up with every picture shown; 0 before the first."""
        self.is_cut = False
        """Nobody can connect, and who is connected is thrown out."""
        self._pictures: Iterator[bytes] = pictures_of(camera, folder)
        self._black = black(camera)
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Show pictures until cancelled; a camera whose source has none any more is cut."""
        started = due_s = time.monotonic()
        while True:
            fault = fault_at(self.camera, time.monotonic() - started)
            try:
                await self.show(fault)
            except SiteWardenError as exc:
                log.error("%s; its connection is cut", exc)  # noqa: TRY400  # the reason is enough
                return await self._put(self.picture, is_cut=True)
            due_s = max(due_s + self.pause_s(fault), time.monotonic() - self.pause_s(fault))
            await asyncio.sleep(due_s - time.monotonic())

    def pause_s(self, fault: CameraFault | None) -> float:
        """How long a picture stays."""
        return fault.slow_s if fault is not None and fault.fault == "slow" else 1.0 / self.camera.fps

    async def show(self, fault: CameraFault | None = None) -> None:
        """Show the next picture; raises `SiteWardenError` where the source has none."""
        what = fault.fault if fault is not None else None
        picture = self.picture
        if what == "black":
            picture = self._black
        elif what != "freeze" or not picture:
            # Also while it is cut: time goes on in front of the lens.
            picture = await asyncio.to_thread(next, self._pictures)
        await self._put(picture, is_cut=what == "cut")

    async def _put(self, picture: bytes, *, is_cut: bool) -> None:
        async with self._changed:
            self.picture, self.is_cut = picture, is_cut
            self.number += 1
            self._changed.notify_all()

    async def after(self, number: int) -> tuple[int, bytes]:
        """The newest picture once it is newer than `number`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.number > number)
            return self.number, self.picture
