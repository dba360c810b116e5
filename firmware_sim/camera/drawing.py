"""A scene as a picture: people with heads, helmets and vests, machines, changing light; the same every time.

Drawn with shading and blur rather than photographed: good enough for a detector to find heads of some size,
and no face that anybody has.
"""

import math
from typing import Any

import cv2
import numpy as np

from firmware_sim.camera.scene import (
    NEAREST_M,
    Figure,
    Scene,
    Thing,
    View,
    body_box,
    head_box,
    lies,
    place,
    thing_box,
    wears,
)

Box = tuple[float, float, float, float]
COLOURS = {
    "yellow": (30, 200, 240),
    "white": (235, 235, 235),
    "red": (40, 40, 200),
    "blue": (190, 100, 30),
    "orange": (20, 120, 245),
}
"""Blue, green, red."""
SKIN, HAIR, CAP, EYES = (120, 160, 205), (35, 40, 50), (70, 60, 55), (40, 50, 70)
VEST, STRIPE, SLEEVE, LEGS, BOOTS = (
    (40, 140, 250),
    (210, 225, 225),
    (110, 80, 60),
    (95, 70, 55),
    (40, 40, 45),
)
SKY, EARTH, MACHINE, WOOD, STEEL = (
    (215, 200, 185),
    (118, 140, 155),
    (30, 170, 225),
    (80, 125, 165),
    (70, 70, 75),
)
ASIDE = 0.75
"""Whose face is turned further than this shows an ear and no eyes."""
FINE = 3
"""Fractional bits of OpenCV's coordinates."""


class Drawing:
    """Draws one scene at one size."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        """Pixels."""
        self.scene, self.view = scene, View(scene.lens, width, height)
        self._ground = self._grounded(width, height)

    def picture(self, t_s: float) -> Any:
        """What the camera shows `t_s` after the scene's beginning; BGR."""
        canvas = self._ground.copy()
        for _, draw, part in sorted(self._parts(t_s), key=lambda entry: -entry[0]):
            draw(canvas, part, t_s)
        lit = canvas.astype(np.float32) * self.scene.gain(t_s)
        if self.scene.noise:
            random = np.random.default_rng([self.scene.seed, round(t_s * 1000)])
            lit += random.normal(0, self.scene.noise, (*canvas.shape[:2], 1)).astype(np.float32)
        return np.clip(lit, 0, 255).astype(np.uint8)

    def _parts(self, t_s: float) -> list[tuple[float, Any, Any]]:
        parts: list[tuple[float, Any, Any]] = []
        for figure in self.scene.figures:
            where = place(figure.path, t_s)
            if where is not None and self.view.depth(*where, 1.0) > NEAREST_M:
                parts.append((self.view.depth(*where, 1.0), self._figure, figure))
        for thing in self.scene.things:
            depth = self.view.depth(*lies(thing, t_s), thing.up_m)
            if depth > NEAREST_M:
                parts.append((depth, self._thing, thing))
        return parts

    def _grounded(self, width: int, height: int) -> Any:
        """Sky and ground with a grain that stays."""
        canvas = np.empty((height, width, 3), np.uint8)
        far = self.view.lens
        turned = math.radians(far.facing_deg)
        horizon = self.view.pixel(far.at_m[0] + 1e4 * math.sin(turned), far.at_m[1] + 1e4 * math.cos(turned))[
            1
        ]
        canvas[:] = EARTH
        canvas[: max(0, min(height, round(horizon)))] = SKY
        random = np.random.default_rng(self.scene.seed)
        grain = random.normal(0, 12, (math.ceil(height / 4), math.ceil(width / 4), 1)).astype(np.float32)
        finer = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
        return np.clip(canvas + finer, 0, 255).astype(np.uint8)

    def _figure(self, canvas: Any, figure: Figure, t_s: float) -> None:
        where = place(figure.path, t_s)
        assert where is not None  # noqa: S101  # only those that are there are drawn
        head = head_box(self.view, figure.tall_m, where)
        _body(canvas, body_box(self.view, figure.tall_m, where), head, t_s)
        turned = self._turned(figure, where, t_s)
        _head(canvas, head, turned, wears(figure, t_s), COLOURS[figure.colour])

    def _turned(self, figure: Figure, where: tuple[float, float], t_s: float) -> float:
        """Where a face looks in the picture: -1 to the left, 1 to the right, 0 at us."""
        after = place(figure.path, min(t_s + 0.5, figure.path[-1][0])) or where
        gone = self.view.pixel(*after, 1.6)[0] - self.view.pixel(*where, 1.6)[0]
        return float(np.clip(gone / 12, -1, 1))

    def _thing(self, canvas: Any, thing: Thing, t_s: float) -> None:
        box = thing_box(self.view, thing, t_s)
        if thing.kind == "crate":
            _rectangle(canvas, box, WOOD)
            _rectangle(canvas, _within(box, 0.05, 0.05, 0.95, 0.95), tuple(c * 0.85 for c in WOOD))
        elif thing.kind == "excavator":
            _rectangle(canvas, _within(box, 0.0, 0.75, 1.0, 1.0), STEEL)
            _rectangle(canvas, _within(box, 0.1, 0.3, 0.75, 0.76), MACHINE)
            _rectangle(canvas, _within(box, 0.15, 0.36, 0.4, 0.62), (120, 110, 95))
            arm = [(0.7, 0.5), (0.9, 0.02), (0.97, 0.04), (0.8, 0.6)]
            _polygon(canvas, [_at(box, *point) for point in arm], MACHINE)
        else:
            is_cap = thing.kind == "cap"
            _shell(canvas, box, CAP if is_cap else COLOURS["yellow"], whole=0.98)


def _body(canvas: Any, box: Box, head: Box, t_s: float) -> None:
    """Legs that walk, a vest with stripes, arms."""
    top = (head[3] - box[1]) / max(box[3] - box[1], 1.0)
    swing = 0.08 * math.sin(t_s * 7)
    neck = _within(box, 0.4, max(0.0, top - 0.05), 0.6, min(1.0, top + 0.04))
    _rectangle(canvas, neck, tuple(c * 0.85 for c in SKIN))
    for side, away in ((0.36, swing), (0.64, -swing)):
        leg = [(side - 0.1, 0.5), (side + 0.1, 0.5), (side + 0.09 + away, 0.97), (side - 0.09 + away, 0.97)]
        _polygon(canvas, [_at(box, *point) for point in leg], LEGS)
        _rectangle(canvas, _within(box, side - 0.1 + away, 0.95, side + 0.12 + away, 1.0), BOOTS)
    shoulders = top + 0.02
    for side, away in ((0.06, -swing), (0.94, swing)):
        arm = [(side - 0.07, shoulders + 0.03), (side + 0.07, shoulders + 0.02)]
        arm += [(side + 0.08 + away, 0.52), (side - 0.05 + away, 0.52)]
        _polygon(canvas, [_at(box, *point) for point in arm], SLEEVE)
    vest = [(0.22, shoulders), (0.78, shoulders), (0.92, shoulders + 0.04), (0.84, 0.54), (0.16, 0.54)]
    _polygon(canvas, [_at(box, *point) for point in [*vest, (0.08, shoulders + 0.04)]], VEST)
    for low in (0.36, 0.45):
        _rectangle(canvas, _within(box, 0.15, low, 0.85, low + 0.02), STRIPE)


def _head(canvas: Any, box: Box, turned: float, worn: str, colour: tuple[int, int, int]) -> None:
    """Face, ears and what is on top, shaded from the left above, blurred as a lens does."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    margin = max(4, round(wide * 0.4))
    x0, y0 = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
    area = canvas[y0 : math.ceil(bottom) + margin, x0 : math.ceil(right) + margin]
    if not area.size or left >= canvas.shape[1] or top >= canvas.shape[0] or right <= 0 or bottom <= 0:
        return
    face = (left - x0 + wide * 0.04, top - y0 + high * 0.12, right - x0 - wide * 0.04, bottom - y0)
    local = (left - x0, top - y0, right - x0, bottom - y0)
    _ellipse(area, face, tuple(c * 0.92 for c in SKIN))
    _ellipse(area, _within(face, 0.08, 0.05, 0.82, 0.9), SKIN)
    if abs(turned) < ASIDE:
        for eye in (0.3, 0.68):
            at = eye + 0.25 * turned
            _ellipse(area, _within(face, at - 0.07, 0.42, at + 0.07, 0.49), EYES)
        _ellipse(area, _within(face, 0.38 + 0.25 * turned, 0.72, 0.62 + 0.25 * turned, 0.77), (90, 95, 150))
    else:
        ear = 0.5 - 0.1 * turned
        _ellipse(area, _within(face, ear - 0.08, 0.4, ear + 0.08, 0.62), tuple(c * 0.8 for c in SKIN))
    if worn == "helmet":
        _shell(area, _within(local, -0.06, 0.0, 1.06, 0.62), colour, whole=0.8, turned=turned)
    elif worn == "cap":
        _shell(area, _within(local, 0.0, 0.05, 1.0, 0.5), CAP, whole=0.75, turned=turned)
    else:
        _hair(area, local, turned)
    blur = max(0.5, wide / 60)
    area[:] = cv2.GaussianBlur(area, (0, 0), blur)


def _hair(area: Any, box: Box, turned: float) -> None:
    mask = np.zeros(area.shape[:2], np.uint8)
    _ellipse(mask, _within(box, 0.0, 0.0, 1.0, 0.9), 255)
    bald = np.zeros_like(mask)
    _ellipse(bald, _within(box, 0.12 + 0.15 * turned, 0.28, 0.88 + 0.15 * turned, 1.1), 255)
    area[(mask > 0) & (bald == 0)] = HAIR


def _shell(area: Any, box: Box, colour: Any, *, whole: float, turned: float = 0.0) -> None:
    """The dome of a helmet or cap with its ridge, shine and brim; `whole` of the box's height is dome."""
    dome = _within(box, 0.0, 0.0, 1.0, 2 * whole)
    mask = np.zeros(area.shape[:2], np.uint8)
    _ellipse(mask, dome, 255)
    rim = round(_at(box, 0, whole)[1])
    mask[max(0, rim) :] = 0
    area[mask > 0] = colour
    shade = np.zeros_like(mask)
    _ellipse(shade, _within(box, 0.55, 0.1, 1.1, 2 * whole), 255)
    area[(mask > 0) & (shade > 0)] = tuple(c * 0.8 for c in colour)
    _ellipse(area, _within(box, 0.25, 0.12, 0.45, 0.3), tuple(min(255, c * 1.1 + 15) for c in colour))
    brim = _within(
        box, -0.08 + min(0, turned) * 0.15, whole - 0.12, 1.08 + max(0, turned) * 0.15, whole + 0.1
    )
    _ellipse(area, brim, tuple(c * 0.88 for c in colour))


def _at(box: Box, x: float, y: float) -> tuple[float, float]:
    return box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])


def _within(box: Box, left: float, top: float, right: float, bottom: float) -> Box:
    return *_at(box, left, top), *_at(box, right, bottom)


def _polygon(canvas: Any, points: list[tuple[float, float]], colour: Any) -> None:
    fine = np.round(np.array(points) * 2**FINE).astype(np.int32)
    cv2.fillPoly(canvas, [fine], colour, cv2.LINE_AA, FINE)


def _rectangle(canvas: Any, box: Box, colour: Any) -> None:
    left, top, right, bottom = box
    _polygon(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)


def _ellipse(canvas: Any, box: Box, colour: Any) -> None:
    left, top, right, bottom = box
    middle = round((left + right) / 2 * 2**FINE), round((top + bottom) / 2 * 2**FINE)
    axes = max(1, round((right - left) / 2 * 2**FINE)), max(1, round((bottom - top) / 2 * 2**FINE))
    cv2.ellipse(canvas, middle, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, FINE)
