"""A drawn scene with exact truth, judged by the shipped votes: its events are to be those of the truth.

The truth comes from places in metres (`firmware_sim/camera/truth.py`). A scripted detector tells the judge of
the truth's heads as a network does: now and then it misses one or calls it by the other kind, its boxes
tremble, it sees heads where none are, and caps on shelves: in all of the picture, and as a gateway looks, in
squares where something moves or is followed. The shipped network looks at the drawn pictures.
"""

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.vision.detectors import Detector
from edge.vision.detectors.scripted import Scripted
from edge.vision.judging import Judge
from edge.vision.model import Boxes, Frame, Heads, Look, Region
from edge.vision.motion import MotionGate
from edge.vision.places import FEET_HEADS
from edge.vision.projection import LOWEST_HOOK_M, Hook
from edge.vision.regions import Planner
from edge.vision.settings import CameraEntry, GroundPoint, HookSettings
from firmware_sim.camera.drawing import Drawing
from firmware_sim.camera.scene import Head, Scene, View, load, thing_box
from firmware_sim.camera.truth import LOOK_S, Area, Bare, Moment, bare_heads, counts, moments
from sitewarden.cameras import CameraZone

WIDTH, HEIGHT = 1920, 1080
HOOK_ZONE = Area("hook", [(1, 9), (7, 9), (7, 17), (1, 17)])
YARD = Area("yard", [(-8, 8), (0, 8), (0, 18), (-8, 18)])
STRIP = Area("strip", [(-5, 20), (5, 20), (5, 26), (-5, 26)])
LIFT = Area("lift", [(-9, 8), (12, 8), (12, 30), (-9, 30)])
HANGS_AT, RADIUS_M = (4.0, 13.0), 2.0
HANGS_S = (60.0, 77.0)
"""From when until when a load hangs there."""
NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
LATE_S = 3.0
"""So long after it could be seen an alarm begins at the latest."""
SETTLES_S = 1.6
"""A count that changes back within so long is a border's, not an event."""
SAME = 1.5
"""A track whose box is off by no more than so many of its heights is that head's."""
MISSED, MISTAKEN, PHANTOMS, TREMBLE = 0.08, 0.06, 0.05, 0.04
CAP_SEEN = 0.5

SMALLEST_PX = 12.0
"""What a zone asks for by itself."""
INPUT_PX, SQUARES = 416, 6
"""Of the network; and how many it looks at, a look."""
STEP_PX = 2.0
"""Who has gone so far since the last look is motion."""

Eyes = Callable[[float, Judge], tuple[Heads, Sequence[Region] | None]]
"""What a detector says of the scene at an instant, and at which squares it looked for this judge."""


class Event(NamedTuple):
    """Something that the truth knows or a judge told."""

    what: str
    who: str


class Told(NamedTuple):
    """What a judge made of a scene."""

    alarms: Sequence[tuple[float, Event]]
    strip: Sequence[int]
    lift: Sequence[int]


def scene(name: str = "vision_scene.yaml") -> tuple[Scene, View]:
    """A scene of the bench and the lens that looks at it."""
    read = load(Path(__file__).with_name(name))
    return read, View(read.lens, WIDTH, HEIGHT)


def entry(view: View) -> CameraEntry:
    """The camera, set up as an installer would: outlines on the ground, marks, the hook."""
    zones = [
        CameraZone(zone="hook", kind="hook", outline=clipped(HOOK_ZONE.outline(view))),
        CameraZone(zone="yard", outline=clipped(YARD.outline(view))),
        CameraZone(zone="strip", duties=("keep_out",), outline=clipped(STRIP.outline(view))),
        CameraZone(zone="lift", duties=("under_load",), outline=clipped(LIFT.outline(view))),
    ]
    marks = [
        GroundPoint(pixel=view.shares(*place), ground_m=place)
        for place in ((-4.0, 12.0), (4.0, 12.0), (7.0, 24.0), (-7.0, 24.0))
    ]
    return CameraEntry(
        camera="bench",
        url="scene:vision_scene.yaml",
        zones=zones,
        ground=marks,
        hook=HookSettings(crane="t1", radius_m=RADIUS_M),
    )


def clipped(outline: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What of an outline lies in the picture (cut at one edge after the other)."""
    for axis, bound, sign in ((0, 0.0, 1), (0, 1.0, -1), (1, 0.0, 1), (1, 1.0, -1)):
        kept: list[tuple[float, float]] = []
        for here, after in zip(outline, [*outline[1:], outline[0]], strict=True):
            ours, theirs = sign * (here[axis] - bound), sign * (after[axis] - bound)
            if ours >= 0:
                kept.append(here)
            if ours * theirs < 0:
                share = ours / (ours - theirs)
                kept.append((here[0] + share * (after[0] - here[0]), here[1] + share * (after[1] - here[1])))
        outline = kept
    return [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in outline]


def hook(t_s: float) -> Hook:
    """What the crane says."""
    hangs = HANGS_S[0] <= t_s < HANGS_S[1]
    return Hook(t_s, *HANGS_AT, LOWEST_HOOK_M + 8, 2.0 if hangs else 0.0)


def truth(over: Sequence[Moment], until_s: float) -> tuple[list[Bare], list[int], list[int]]:
    """The alarms, and how many stood in the strip and under the load one after another."""

    def is_under(head: Head, t_s: float) -> bool:
        x, y = head.ground_m[0] - HANGS_AT[0], head.ground_m[1] - HANGS_AT[1]
        return hook(t_s).load_t > 0 and head.is_seen and x * x + y * y <= RADIUS_M**2

    strip = counts(over, lambda head, _: head.is_seen and STRIP.holds(head.ground_m))
    lift = counts(over, is_under)
    return (
        bare_heads(over, [HOOK_ZONE, YARD], SMALLEST_PX),
        settled([(level.since_s, level.people) for level in strip], until_s),
        settled([(level.since_s, level.people) for level in lift], until_s),
    )


def settled(levels: Sequence[tuple[float, int]], until_s: float) -> list[int]:
    """The counts that lasted, one after another."""
    ends = [*(since for since, _ in levels[1:]), until_s]
    lasting = [count for (since, count), end in zip(levels, ends, strict=True) if end - since >= SETTLES_S]
    return [count for count, _ in itertools.groupby(lasting)]


def judged(over: Sequence[Moment], view: View, eyes: Eyes) -> Told:
    """What the judge tells of the whole scene, looked at five times a second."""
    judge = Judge(entry(view))
    alarms, strip, lift = [], [(0.0, 0)], [(0.0, 0)]
    for t_s, there in over:
        found, squares = eyes(t_s, judge)
        look = judge.look(
            t_s,
            found,
            width=WIDTH,
            height=HEIGHT,
            now=NOW,
            regions=squares,
            input_px=INPUT_PX,
            hook=hook(t_s),
        )
        alarms += [(t_s, event) for event in _begun(look, there)]
        for levels, key in ((strip, "strip.intruders"), (lift, "lift.under_load")):
            count = round(look.values[key])
            if count != levels[-1][1]:
                levels.append((t_s, count))
    return Told(alarms, *(settled(levels, over[-1].t_s + LOOK_S) for levels in (strip, lift)))


def _begun(look: Look, there: Sequence[Head]) -> Iterator[Event]:
    """The alarms that begin with a look, each with the figure whose head it is."""
    boxes = np.array([head.box for head in there]).reshape(-1, 4)
    for confirmed in look.confirmed:
        if ".bare_" not in confirmed.key:
            continue  # counts are held against the truth by themselves
        box = next(one.track.box for one in look.standing if one.track.number == confirmed.track)
        apart = np.abs(boxes - np.array(box)).max(axis=1)
        nearest = int(apart.argmin()) if there else 0
        is_there = bool(there) and apart[nearest] <= SAME * (box[3] - box[1])
        yield Event(confirmed.zone, there[nearest].figure if is_there else "nobody")


def differences(told: Told, alarms: Sequence[Bare], strip: Sequence[int], lift: Sequence[int]) -> list[str]:
    """In what a judge's account differs from the truth; empty where it is identical."""
    waiting = {Event(bare.area, bare.figure): bare for bare in alarms}
    found = []
    for t_s, event in told.alarms:
        bare = waiting.pop(event, None)
        if bare is None:
            found.append(f"{t_s:.1f} s: {event.who} alarmed in {event.what}, but not in truth")
        elif not bare.first_s <= t_s <= bare.since_s + LATE_S:
            found.append(f"{t_s:.1f} s: {event.who} alarmed {t_s - bare.since_s:.1f} s after the truth")
    found += [
        f"{event.who} in {event.what} from {bare.since_s:.1f} s: no alarm" for event, bare in waiting.items()
    ]
    if list(told.strip) != list(strip):
        found.append(f"in the strip {told.strip}, in truth {strip}")
    if list(told.lift) != list(lift):
        found.append(f"under the load {told.lift}, in truth {lift}")
    return found


def scripted(read: Scene, view: View, over: Sequence[Moment], seed: int) -> list[Heads]:
    """What a detector says at each instant that is told the truth and errs as networks do."""
    random = np.random.default_rng([read.seed, seed])
    caps = [thing_box(view, thing, 0.0) for thing in read.things if thing.kind == "cap"]
    return [_scripted(random, moment.heads, caps) for moment in over]


def _scripted(random: np.random.Generator, there: Sequence[Head], caps: Sequence[tuple[float, ...]]) -> Heads:
    rows = [_seen(random, head) for head in there if head.is_seen]
    rows += [_lying(random, box) for box in caps]
    if random.random() < PHANTOMS:
        x, y, side = random.uniform(0, WIDTH), random.uniform(0, HEIGHT), random.uniform(12, 40)
        rows.append(((x, y, x + side, y + side), (0.2, random.uniform(0.2, 0.7))))
    found = [row for row in rows if row is not None]
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32).reshape(-1, 2)
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return Heads(boxes, scores, sides.astype(np.float32))


Row = tuple[tuple[float, ...], tuple[float, float]]


def _seen(random: np.random.Generator, head: Head) -> Row | None:
    if random.random() < MISSED:
        return None
    side = head.box[3] - head.box[1]
    box = tuple(float(edge) for edge in np.array(head.box) + random.normal(0, TREMBLE * side, 4))
    right, wrong = random.uniform(0.45, 0.9), random.uniform(0.03, 0.3)
    is_bare = head.is_bare != (random.random() < MISTAKEN)
    return box, (wrong, right) if is_bare else (right, wrong)


def _lying(random: np.random.Generator, box: tuple[float, ...]) -> Row | None:
    """A cap on a shelf, often taken for a head; it lies still, so its box hardly trembles."""
    if random.random() > CAP_SEEN:
        return None
    trembling = np.array(box) + random.normal(0, 0.01 * (box[3] - box[1]), 4)
    return tuple(float(edge) for edge in trembling), (0.1, random.uniform(0.3, 0.7))


class _Squares:
    """Looks where a gateway would, at what a detector says that is told the truth and errs."""

    def __init__(self, read: Scene, view: View, over: Sequence[Moment], seen: Sequence[Heads]) -> None:
        self._read, self._view, self._over, self._seen = read, view, over, seen
        self._planner = Planner()
        self._detector = Scripted(self._script, INPUT_PX)
        self._pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.squares = 0

    def _script(self, frame: Frame) -> tuple[Boxes, np.ndarray]:
        return self._seen[frame.number].boxes, self._seen[frame.number].scores

    def look(self, t_s: float, judge: Judge) -> tuple[Heads, Sequence[Region]]:
        number = round(t_s / LOOK_S)
        squares = self._planner.plan(
            (HEIGHT, WIDTH),
            t_s,
            self._motion(number),
            judge.tracks,
            size=INPUT_PX,
            most=SQUARES,
            settled=judge.settled,
        )
        self.squares += len(squares)
        return self._detector.find(Frame(t_s, number, self._pixels), squares), squares

    def _motion(self, number: int) -> Boxes:
        """Around everybody who has gone a step, and around every machine, whose arms never rest."""
        now, before = (
            {head.figure: head for head in self._over[max(0, at)].heads if head.is_seen}
            for at in (number, number - 1)
        )
        gone = [
            head.box
            for figure, head in now.items()
            if figure not in before or np.abs(np.subtract(head.box, before[figure].box)).max() >= STEP_PX
        ]
        boxes = [_body(box) for box in gone]
        machines = [thing for thing in self._read.things if thing.kind == "excavator"]
        boxes += [thing_box(self._view, thing, number * LOOK_S) for thing in machines]
        found = np.array(boxes, np.float32).reshape(-1, 4)
        return np.clip(found, 0, np.array([WIDTH, HEIGHT] * 2, np.float32))


def _body(head: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = head
    high = y2 - y1
    return x1 - 0.8 * high, y1, x2 + 0.8 * high, y2 + FEET_HEADS * high


class Account(NamedTuple):
    """Of all runs with one kind of eyes."""

    events: int
    wrong: list[str]
    look_ms: float
    """What following, voting and judging cost a look, detection aside."""
    squares: float = 0.0
    """Looked at, a look."""


def with_script(runs: int, *, by_squares: bool = False) -> Account:
    """The scene with so many different errors of a detector."""
    read, view = scene()
    over = moments(read, view)
    known = truth(over, read.seconds)
    wrong, spent_s, squares = [], 0.0, 0
    for seed in range(runs):
        seen = scripted(read, view, over, seed)
        eyes = _Squares(read, view, over, seen) if by_squares else None
        began = time.process_time()
        told = judged(over, view, eyes.look if eyes else functools.partial(_all, seen))
        spent_s += time.process_time() - began
        squares += eyes.squares if eyes else 0
        wrong += [f"run {seed}: {text}" for text in differences(told, *known)]
    looks = runs * len(over)
    return Account(_count(*known) * runs, wrong, 1000 * spent_s / looks, squares / looks)


def _all(seen: Sequence[Heads], t_s: float, _: Judge) -> tuple[Heads, None]:
    return seen[round(t_s / LOOK_S)], None


def with_network(detector: Detector) -> Account:
    """A scene of larger heads drawn, looked at as a gateway does: motion, squares, network."""
    read, view = scene("vision_drawn.yaml")
    over = moments(read, view)
    known = truth(over, read.seconds)
    shown, gate, planner = Drawing(read, WIDTH, HEIGHT), MotionGate(), Planner()

    looked_at = 0

    def see(t_s: float, judge: Judge) -> tuple[Heads, Sequence[Region]]:
        nonlocal looked_at
        frame = Frame(t_s, round(t_s / LOOK_S), shown.picture(t_s))
        squares = planner.plan(
            frame.pixels.shape,
            t_s,
            gate.look(frame).boxes,
            judge.tracks,
            size=detector.size,
            most=SQUARES,
            settled=judge.settled,
        )
        looked_at += len(squares)
        return detector.find(frame, squares), squares

    began = time.process_time()
    wrong = differences(judged(over, view, see), *known)
    spent_s = time.process_time() - began
    return Account(_count(*known), wrong, 1000 * spent_s / len(over), looked_at / len(over))


def _count(alarms: Sequence[Bare], strip: Sequence[int], lift: Sequence[int]) -> int:
    """Alarms, and changes of counts."""
    return len(alarms) + len(strip) - 1 + len(lift) - 1
