"""Heads that walk through a camera's looks as a test scripts them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from edge.vision.judging import Judge
from edge.vision.model import Heads, Look
from edge.vision.projection import Hook
from edge.vision.settings import CameraEntry
from sitewarden.cameras import CameraZone

WIDTH, HEIGHT = 1280, 720
LOOK_S = 0.2
NOON = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
"""A Friday; noon at the site."""
ALL = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
HELMET, BARE, UNCLEAR = (0.9, 0.1), (0.1, 0.9), (0.2, 0.2)


class Seen(NamedTuple):
    """One head of one look, in pixels."""

    x: float
    y: float
    scores: tuple[float, float] = HELMET
    side: float = 40.0


def heads(*seen: Seen | None) -> Heads:
    """What a detector says of them."""
    there = [head for head in seen if head is not None]
    boxes = [
        (head.x - head.side / 2, head.y - head.side / 2, head.x + head.side / 2, head.y + head.side / 2)
        for head in there
    ]
    return Heads(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([head.scores for head in there], np.float32).reshape(-1, 2),
        np.array([head.side for head in there], np.float32),
    )


def camera(*zones: CameraZone, **given: object) -> CameraEntry:
    """A camera with zones; one over the whole picture where none is given."""
    return CameraEntry(
        camera="gate",
        url="scene:none",
        zones=list(zones) or [CameraZone(zone="yard", outline=ALL)],
        **given,  # type: ignore[arg-type]
    )


class Watched:
    """A camera that is looked at, look by look."""

    def __init__(self, entry: CameraEntry | None = None) -> None:
        self.judge = Judge(entry or camera())
        self.at_s = 100.0
        self.looks: list[Look] = []
        self.now = NOON
        self.hook: Hook | None = None

    def see(self, *seen: Seen | None) -> Look:
        look = self.judge.look(
            self.at_s, heads(*seen), width=WIDTH, height=HEIGHT, now=self.now, hook=self.hook
        )
        self.looks.append(look)
        self.at_s += LOOK_S
        return look

    def walk(self, count: int, *paths: Callable[[int], Seen | None]) -> Look:
        """So many looks at heads that are where `paths` say, look by look."""
        for number in range(count):
            self.see(*(path(number) for path in paths))
        return self.looks[-1]

    @property
    def alarms(self) -> Sequence[tuple[str, int]]:
        """Every alarm that began: its point and its track."""
        return [(one.key, one.track) for look in self.looks for one in look.confirmed]

    @property
    def values(self) -> Mapping[str, float]:
        """As of the last look."""
        return self.looks[-1].values


def along(
    x: float, y: float = 200.0, step: float = 8.0, scores: tuple[float, float] = BARE
) -> Callable[[int], Seen]:
    """A head that walks to the right."""
    return lambda number: Seen(x + step * number, y, scores)
