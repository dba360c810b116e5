"""Scenes with exact truth before a judge, told by a detector that trembles: people and things."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from edge.vision.judging import Judge
from edge.vision.model import Heads, Look
from firmware_sim.camera.scene import Figure, Lens, Scene, Thing, View, heads, thing_box
from sitewarden.cameras import CameraZone
from tests.edge.vision.walking import ALL, NOON, camera

WIDTH, HEIGHT = 1280, 720
VIEW = View(Lens(height_m=4.5, down_deg=14, view_deg=42), WIDTH, HEIGHT)
TREMBLE, LIES_STILL = 0.04, 0.02
WANDER, LIGHT_S = 0.07, 4.0
"""The box of what lies there goes so far to and fro, in its sides, as often as the light changes."""
HELMET, BARE = (0.8, 0.1), (0.1, 0.8)
FORBIDDEN = CameraZone(zone="yard", outline=ALL, duties=("helmet", "keep_out"))

Box = tuple[float, float, float, float]


class Acted:
    """A scene that is acted out before a judge, look by look."""

    def __init__(
        self,
        scene: Scene,
        *,
        seed: int = 1,
        until_s: float,
        looks_at_s: Sequence[float] | None = None,
        hidden: Callable[[str, float], bool] = lambda _who, _at_s: False,
        missed: float = 0.0,
    ) -> None:
        """`hidden` names heads and things that the detector does not find then; it misses `missed` of all."""
        self._scene, self._hidden, self._missed = scene, hidden, missed
        self._random = np.random.default_rng([seed, 7])
        self.judge = Judge(camera(FORBIDDEN))
        self.looks: list[Look] = []
        instants = looks_at_s if looks_at_s is not None else np.arange(0, until_s, 0.2).tolist()
        for at_s in instants:
            self.looks.append(self.judge.look(at_s, self._told(at_s), width=WIDTH, height=HEIGHT, now=NOON))

    def _told(self, at_s: float) -> Heads:
        rows: list[tuple[Box, tuple[float, float]]] = [
            (self._trembling(head.box, TREMBLE), BARE if head.is_bare else HELMET)
            for head in heads(self._scene, VIEW, at_s)
            if head.is_seen and self._is_found(head.figure, at_s)
        ]
        rows += [
            (self._trembling(self.box(thing.thing, at_s), LIES_STILL), BARE)
            for thing in self._scene.things
            if thing.kind == "cap" and thing.path[0][0] <= at_s and self._is_found(thing.thing, at_s)
        ]
        boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score in rows], np.float32).reshape(-1, 2)
        sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        return Heads(boxes, scores, sides.astype(np.float32))

    def _is_found(self, who: str, at_s: float) -> bool:
        return not self._hidden(who, at_s) and self._random.random() >= self._missed

    def _trembling(self, box: Box, share: float) -> Box:
        side = box[3] - box[1]
        moved = np.array(box) + self._random.normal(0, share * side, 4)
        return tuple(moved.tolist())

    def box(self, who: str, at_s: float) -> Box:
        """Where a head or a thing is in truth; of a thing, as the light of that instant shows it."""
        thing = next((thing for thing in self._scene.things if thing.thing == who), None)
        if thing is None:
            return next(head.box for head in heads(self._scene, VIEW, at_s) if head.figure == who)
        left, top, right, bottom = thing_box(VIEW, thing, at_s)
        off = WANDER * (bottom - top) * (math.floor(at_s / LIGHT_S) % 2)
        return left + off, top, right + off, bottom

    @property
    def alarms(self) -> Sequence[tuple[float, str, int]]:
        """Every bare head that was alarmed: when, its point and its track."""
        return [
            (look.at_s, one.key, one.track)
            for look in self.looks
            for one in look.confirmed
            if ".bare_" in one.key
        ]

    def intruders(self, from_s: float, until_s: float) -> set[float]:
        """What was said of how many there are who may not, from an instant until before another."""
        return {look.values["yard.intruders"] for look in self.looks if from_s <= look.at_s < until_s}

    def held(self, from_s: float, until_s: float) -> set[float]:
        """How many alarms of bare heads stood at once."""
        keys = [f"yard.bare_{slot}" for slot in range(1, FORBIDDEN.slots + 1)]
        return {sum(look.values[key] for key in keys) for look in self.looks if from_s <= look.at_s < until_s}

    def track_at(self, who: str, at_s: float) -> int | None:
        """The track that lies on somebody or something."""
        look = min(self.looks, key=lambda look: abs(look.at_s - at_s))
        x1, y1, x2, y2 = self.box(who, look.at_s)
        near = [
            (math.hypot((left + right - x1 - x2) / 2, (top + bottom - y1 - y2) / 2), one.track.number)
            for one in look.standing
            for left, top, right, bottom in [one.track.box]
        ]
        apart, number = min(near, default=(math.inf, 0))
        return number if apart < (y2 - y1) / 2 else None


def somebody(name: str, *path: tuple[float, float, float], bare: bool = True) -> Figure:
    """Who walks from place to place: instants and metres."""
    return Figure(figure=name, path=list(path), wears="bare" if bare else "helmet")


def cap(x_m: float, y_m: float, *, from_s: float = 0.0, up_m: float = 0.9) -> Thing:
    """A cap that lies there from an instant on."""
    return Thing(thing="cap", kind="cap", path=[(from_s, x_m, y_m)], up_m=up_m, size_m=0.22)
