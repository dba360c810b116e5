"""Films, and cameras at the machine itself, by OpenCV."""

import time

import cv2
import numpy as np

from edge.vision.model import Picture
from edge.vision.sources import Order, SourceEndedError, SourceFailedError
from edge.vision.sources.lag import Lag
from edge.vision.sources.pace import Pace
from sitewarden.quality import Quality

MOST_LATE_S = 10.0
"""Pictures of so long ago warn nobody: what piled up is given up, and the stream begins with what is now."""
_USUAL_FPS = 25.0
_MOST_FPS = 240.0
"""What a film says beyond that it does not mean."""


class Live:
    """A camera that shows what is now; the newest picture is the one that comes next."""

    def __init__(self, capture: cv2.VideoCapture, ended: str, *, has_stamps: bool = False) -> None:
        """`ended` is what is said once no picture comes any more; stamps say how late pictures are."""
        self._capture, self._ended = capture, ended
        self._lag = Lag() if has_stamps else None

    def grab(self) -> float:
        """Decoded here, for later pictures hang on this one; colours are made only of those wanted."""
        if not self._capture.grab():
            raise SourceFailedError(self._ended, Quality.TIMEOUT)
        came_s = time.monotonic()
        if self._lag is None:
            return came_s
        late_s = self._lag.of(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, came_s)
        if late_s > MOST_LATE_S:
            message = f"pictures come {late_s:.0f} s late: the stream is begun anew"
            raise SourceFailedError(message, Quality.TIMEOUT)
        return came_s - late_s

    def picture(self) -> Picture | None:
        """In colours."""
        return retrieved(self._capture)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def open_device(order: Order) -> Live:
    """A camera at this machine, such as `v4l2:/dev/video0`; raises `SourceFailedError`."""
    device = order.path
    if not device.exists():
        raise SourceFailedError(f"there is no {device}")
    capture = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceFailedError(f"{device} is no camera, is in use, or may not be opened by this account")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return Live(capture, f"{device} gives no picture any more")


class Film:
    """A film: over and over by its own pace, once through where it goes fast."""

    def __init__(self, order: Order) -> None:
        """Raises `SourceFailedError` where it is none."""
        self._file, self._ends = order.path, order.pace == "fast"
        self._pace = Pace(fast=self._ends)
        self._capture = self._opened()
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self._every_s = 1 / (told if 0 < told <= _MOST_FPS else _USUAL_FPS)
        self._shown = 0

    def _opened(self) -> cv2.VideoCapture:
        if not self._file.is_file():
            raise SourceFailedError("there is no such film")
        capture = cv2.VideoCapture(str(self._file), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise SourceFailedError("is no film that can be read")
        return capture

    def grab(self) -> float:
        """The next picture; those whose time is over already are grabbed as fast as can be."""
        if not self._capture.grab():
            self._begin_again()
        self._shown += 1
        return self._pace.wait((self._shown - 1) * self._every_s)

    def _begin_again(self) -> None:
        if self._shown == 0:
            raise SourceFailedError("the film holds no picture that can be read", Quality.TIMEOUT)
        if self._ends:
            raise SourceEndedError("the film was shown to its end")
        self._capture.release()
        self._capture = self._opened()
        self._pace.begin_again(self._shown * self._every_s)
        self._shown = 0
        if not self._capture.grab():
            raise SourceFailedError("the film cannot be read any more", Quality.TIMEOUT)

    def picture(self) -> Picture | None:
        """In colours."""
        return retrieved(self._capture)

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()


def retrieved(capture: cv2.VideoCapture) -> Picture | None:
    """What was grabbed, as three columns of colour; `None` where that failed."""
    try:
        is_there, picture = capture.retrieve()
    except cv2.error:
        return None
    if not is_there or picture.ndim != 3:  # noqa: PLR2004  height, width, colours
        return None
    return np.asarray(picture, np.uint8)
