"""A few of a picture's pixels, where all of them cost more than they tell."""

import math

import cv2
import numpy as np

from edge.vision.model import Picture


def thinned(picture: Picture, step: int) -> Picture:
    """Every `step`th pixel of every `step`th row, as nearly as its size can be divided."""
    if step <= 1:
        return picture
    height, width = picture.shape[:2]
    # Copying them by a slice takes numpy five times as long.
    size = math.ceil(width / step), math.ceil(height / step)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)
