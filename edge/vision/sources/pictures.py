"""A folder of pictures, in the order of their names."""

import cv2
import numpy as np

from edge.vision.model import Picture
from edge.vision.sources import Order, SourceEndedError, SourceFailedError
from edge.vision.sources.pace import Pace

KINDS = {".jpg", ".jpeg", ".png", ".bmp"}


class Folder:
    """One picture a look; over and over by its own pace, once through where it goes fast."""

    def __init__(self, order: Order) -> None:
        """Raises `SourceFailedError` where the folder holds no picture."""
        try:
            found = (file for file in order.path.iterdir() if file.suffix.lower() in KINDS)
            self._files = sorted(found)
        except OSError as exc:
            raise SourceFailedError(f"the folder cannot be read: {exc.strerror}") from exc
        if not self._files:
            raise SourceFailedError("the folder holds no .jpg, .png or .bmp")
        self._ends = order.pace == "fast"
        self._pace, self._every_s = Pace(fast=self._ends), 1 / order.looks_per_s
        self._at = -1

    def grab(self) -> float:
        """The next file's turn has come."""
        self._at += 1
        if self._ends and self._at == len(self._files):
            raise SourceEndedError("every picture of the folder was shown")
        return self._pace.wait(self._at * self._every_s)

    def picture(self) -> Picture | None:
        """The file's picture; `None` where it holds none."""
        try:
            content = self._files[self._at % len(self._files)].read_bytes()
        except OSError:
            return None
        return decoded(content)

    def close(self) -> None:
        """Nothing is open."""


def decoded(content: bytes) -> Picture | None:
    """A JPEG, PNG or BMP as pixels; `None` where it is none."""
    if not content:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None  # sizes that nobody can mean
    return None if picture is None else np.asarray(picture, np.uint8)
