"""Whose next look may wait for a moment, because it would change nothing.

That is a head which is surely a helmet by its last looks, one that none of them saw clearly enough for an
opinion, and what stands so long already that it is a thing. Nobody waits where the rules ask for his feet at
each look or soon may, at a border that he crosses, near somebody who does not wait and with whom he could be
mixed up, or faster than one walks. Whoever is bare, or whose votes are not counted yet, never does.
"""

import math
from collections.abc import Sequence

from edge.vision.model import Standing
from edge.vision.places import contains, foot
from edge.vision.tracking import WALKING
from sitewarden.cameras import CameraZone

Box = tuple[float, float, float, float]

ASKED = frozenset({"keep_out", "under_load"})
"""Duties by which it counts at each look where somebody stands."""
APART = 3.0
"""Head heights: nobody who does not wait is nearer."""
STRAYS = 4.0
"""Head heights: so far somebody may be from where he is expected before he is looked at again."""


def resting(
    standing: Sequence[Standing],
    settled: frozenset[int],
    things: frozenset[int],
    zones: Sequence[CameraZone],
    size: tuple[int, int],
) -> frozenset[int]:
    """Tracks that may wait: of those that are `settled` by their votes, and of `things`, which are nobody.

    `size` is the frame's, width and height.
    """
    others = [one for one in standing if one.track.number not in settled | things]
    return frozenset(
        one.track.number
        for one in standing
        if one.track.number in things or (one.track.number in settled and _is_nowhere_asked(one, zones, size))
        if not any(_are_near(one, other) for other in others)
    )


def _is_nowhere_asked(one: Standing, zones: Sequence[CameraZone], size: tuple[int, int]) -> bool:
    x1, y1, x2, y2 = one.track.box
    high = max(1.0, y2 - y1)
    if math.hypot(*one.track.speed) > WALKING * high:
        return False
    for zone in zones:
        if contains(zone.outline, foot(one.track.box, *size)) != (zone.zone in one.zones):
            return False
        if ASKED.isdisjoint(zone.duties):
            continue
        by = STRAYS * high
        boxes = ((x1 + x * by, y1 + y * by, x2 + x * by, y2 + y * by) for x in (-1, 0, 1) for y in (-1, 0, 1))
        if any(contains(zone.outline, foot(box, *size)) for box in boxes):
            return False
    return True


def _are_near(one: Standing, other: Standing) -> bool:
    ours, theirs = one.track.box, other.track.box
    x, y = (ours[0] + ours[2] - theirs[0] - theirs[2]) / 2, (ours[1] + ours[3] - theirs[1] - theirs[3]) / 2
    return math.hypot(x, y) < APART * max(ours[3] - ours[1], theirs[3] - theirs[1])
