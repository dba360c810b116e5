"""Room for one picture that two processes share: the newest, never a queue.

It is memory without a name, which goes with the last process that has it. Who writes and who reads take
turns, and agree on whose turn it is over a pipe, so that nobody sees half a picture.
"""

import os

import numpy as np

from edge.vision.model import Picture

LARGEST = 128 << 20
"""Bytes: beyond 8K in colour."""


class Slot:
    """The room, by its open file."""

    def __init__(self, fd: int) -> None:
        """`fd` is that of `room`, here or inherited."""
        self.fd = fd

    def put(self, picture: Picture) -> None:
        """Write a picture over the one before."""
        view = np.ascontiguousarray(picture).data.cast("B")
        done = 0
        while done < len(view):
            done += os.pwrite(self.fd, view[done:], done)

    def take(self, height: int, width: int) -> Picture | None:
        """A copy of the picture of that size; `None` where there is none."""
        if not 0 < height * width * 3 <= LARGEST:
            return None
        picture = np.empty((height, width, 3), np.uint8)
        view, done = picture.data.cast("B"), 0
        while done < len(view):
            read = os.preadv(self.fd, [view[done:]], done)
            if not read:
                return None
            done += read
        return picture

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)


def room() -> Slot:
    """A new one."""
    return Slot(os.memfd_create("frame", os.MFD_CLOEXEC))
