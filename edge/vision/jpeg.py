"""Pictures as they are kept: no larger than they must be, as JPEG."""

import cv2
import numpy as np

from edge.vision.model import Picture

LONGEST_PX = 1280
"""Of a picture that is kept, its longer side."""
QUALITY = 85
"""Of JPEG."""


def scale_of(pixels: Picture) -> float:
    """By how much a picture is made smaller before it is kept; 1 at most."""
    return min(1.0, LONGEST_PX / float(max(pixels.shape[:2])))


def shrunk(picture: Picture, scale: float) -> Picture:
    """The picture, smaller by that; itself where it need not be."""
    if scale >= 1.0:
        return picture
    height, width = picture.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def jpeg_of(picture: Picture) -> bytes:
    """As it is kept; raises `ValueError` where that cannot be made."""
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("OpenCV made no JPEG of the picture")
    return bytes(encoded)


def picture_of(jpeg: bytes) -> Picture:
    """The inverse of `jpeg_of`, as far as JPEG goes."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
