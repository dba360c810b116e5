"""Where pictures come from: network cameras, a camera at the machine, films, folders of pictures.

A source is used by one process that may hang in it: whoever started that process kills it. So nothing here
has a thread, and every wait that can have an end has one.
"""

from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from edge.vision.model import Picture
from sitewarden.errors import SiteWardenError
from sitewarden.quality import Quality

OPEN_S, READ_S = 5.0, 5.0
"""So long a camera may take to let us in, and then from one picture to the next."""
LOCKS_S = 300.0
"""So long a camera that refused a login is left alone: after some wrong ones many let nobody in any more."""
REFUSED = Quality.EXCEPTION
"""Of a camera that answers, and says no."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which pictures are wanted."""

    camera: str
    url: str
    """Without name and password."""
    address: str | None = None
    """With those that belong into it, where some do; never shown."""
    username: str | None = None
    password: str | None = None
    folder: str = ""
    """Where names of files begin that do not begin at the root."""
    pace: Literal["own", "fast"] = "own"
    looks_per_s: float = 5.0
    """The own timing of a folder, whose pictures have none."""
    masks: list[list[tuple[float, float]]] = []
    """Outlines, as shares of the picture, that nobody may see."""

    def __repr__(self) -> str:
        """Without the password, for a struct may end in a log."""
        return f"Order({self.camera})"

    @property
    def has_login(self) -> bool:
        """Whether the camera is told who asks."""
        return self.username is not None or self.address is not None

    @property
    def asked(self) -> str:
        """The address as the camera is asked by; never shown."""
        return self.address or self.url

    @property
    def way(self) -> str:
        """What its address begins with."""
        return urlsplit(self.url).scheme

    @property
    def path(self) -> Path:
        """Of a device, film or folder."""
        return Path(self.folder, self.url.partition(":")[2])


class SourceFailedError(SiteWardenError):
    """No picture comes, and why; holds neither name nor password."""

    def __init__(
        self, message: str, quality: Quality = Quality.DISCONNECTED, *, rests_s: float = 0.0
    ) -> None:
        """`quality` is what the camera's points have meanwhile; it is left alone for at least `rests_s`."""
        super().__init__(message)
        self.quality, self.rests_s = quality, rests_s


class SourceEndedError(SiteWardenError):
    """A film or folder that was shown once has been."""


class Source(Protocol):
    """The pictures of one camera, one after the other."""

    def grab(self) -> float:
        """Wait for the next picture and take it off the line; of when it is, on the monotonic clock.

        That is when it came, unless the source knows that it was late.

        Cheap where it can be, for most pictures are never looked at. Raises `SourceFailedError`,
        `SourceEndedError`.
        """
        ...

    def picture(self) -> Picture | None:
        """The picture grabbed last; `None` where it is broken."""
        ...

    def close(self) -> None:
        """Let go of the camera."""
        ...


def open_source(order: Order) -> Source:
    """The source that an address names; raises `SourceFailedError`."""
    # Each loads what it needs: a process has one camera.
    match order.way:
        case "http" | "https":
            from edge.vision.sources.mjpeg import Mjpeg  # noqa: PLC0415

            return Mjpeg(order)
        case "rtsp" | "rtsps":
            from edge.vision.sources.rtsp import open_rtsp  # noqa: PLC0415

            return open_rtsp(order)
        case "v4l2":
            from edge.vision.sources.video import open_device  # noqa: PLC0415

            return open_device(order)
        case "file":
            from edge.vision.sources.video import Film  # noqa: PLC0415

            return Film(order)
        case "folder":
            from edge.vision.sources.pictures import Folder  # noqa: PLC0415

            return Folder(order)
        case _:
            raise SourceFailedError(
                "the address begins in no known way: begin it with rtsp://, rtsps://, http://, https://, "
                "v4l2:, file: or folder:"
            )
