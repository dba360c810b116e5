"""Where the head of somebody is whose head no look found: at the upper end of what moves where nobody may be.

A body is told from other motion by its feet's place and its shape alone: some machines are covered as well.
"""

from collections.abc import Sequence

import numpy as np

from edge.vision.model import Boxes
from edge.vision.places import contains
from sitewarden.cameras import CameraZone

UPRIGHT = 1.0
"""What moves is a body where it is at least so many times as high as wide: also two people side by side."""
HEAD = 0.25
"""So much of it, from above, is head: an eighth of a body, and the gate's boxes are coarse."""


def head_places(motion: Boxes, zones: Sequence[CameraZone], width: int, height: int) -> Boxes:
    """Boxes that hold the heads of bodies that move in zones with the duty `keep_out`."""
    forbidden = [zone.outline for zone in zones if "keep_out" in zone.duties]
    found = [
        (x1, y1, x2, y1 + HEAD * (y2 - y1))
        for x1, y1, x2, y2 in motion.tolist()
        if y2 - y1 >= UPRIGHT * (x2 - x1)
        and any(contains(outline, ((x1 + x2) / 2 / width, min(y2 / height, 1.0))) for outline in forbidden)
    ]
    return np.array(found, np.float32).reshape(-1, 4)
