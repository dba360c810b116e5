"""How well cameras' heads are judged: a drawn scene with exact truth always, photos where they are.

The scene (`bench/vision_scene.yaml`) is judged with a scripted detector that errs as networks do, in many
runs, and once with the shipped network looking at the drawn pictures; every event must be one of the truth,
and every one of the truth must be told. `SITEWARDEN_VISION` names the folder of labelled photos, which are
never part of the repository: with it, the shipped model is measured on the test photos, and the shipped votes
on shaken sequences of them (`bench/vision_sequences.py`), and it is counted how many heads stay uncovered in
pictures that are kept (`bench/vision_covering.py`). The votes and the least size of a head were chosen
on validation photos alone.
`SITEWARDEN_VISION_YARDSTICK` names NanoDet-m's ONNX file, beside which one frame is timed.
`SITEWARDEN_VISION_AGAINST` names the ONNX file of another helmet detector: by how much the shipped one is
better over the same photos, by kind and by size of head, with the 95 % interval of a paired bootstrap.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from bench import vision_covering, vision_scene, vision_sequences
from bench.report import Result
from bench.vision_sequences import Counted
from edge.vision.card import SHIPPED, load_model
from edge.vision.detectors import Detector, NetworkDetector
from edge.vision.detectors.dnn import Net
from edge.vision.detectors.onnx import Session
from tools.train_helmet import collection, corrections, evaluation, speed
from tools.train_helmet.measures import Gain, Interval

MODEL = SHIPPED / "helmet-416.json"
RUNS, RUNS_QUICK = 50, 10
PART_QUICK = 6
"""A quick run takes every sixth photo."""
LEAST_MAP50, LEAST_ALARMED, MOST_FALSE = 75.0, 85.0, 1.5
MOST_RATIO, FARTHEST = 0.9, 1e-3
SAMPLES = 6


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    cv2.setNumThreads(1)
    return [*_scene(quick), *_parity(), *_speed(), *_photos(quick)]


def detector() -> Detector:
    """The shipped one on one thread."""
    model = load_model(MODEL)
    return NetworkDetector(model.card, Session(model, threads=1))


def _scene(quick: bool) -> Iterator[Result]:
    scripted = vision_scene.with_script(RUNS_QUICK if quick else RUNS)
    _tell(scripted.wrong)
    yield Result(name="scene: events of the truth, scripted", value=scripted.events, unit="")
    yield Result(name="scene: events that differ, scripted", value=len(scripted.wrong), unit="", goal=0)
    yield Result(name="scene: judging a look", value=scripted.look_ms, unit="ms")
    planned = vision_scene.with_script(RUNS_QUICK if quick else RUNS, by_squares=True)
    _tell(planned.wrong)
    yield Result(
        name="scene: events that differ, scripted by squares", value=len(planned.wrong), unit="", goal=0
    )
    yield Result(name="scene: squares a look, scripted", value=planned.squares, unit="")
    drawn = vision_scene.with_network(detector())
    _tell(drawn.wrong)
    yield Result(name="scene: events of the truth, drawn", value=drawn.events, unit="")
    yield Result(name="scene: events that differ, drawn", value=len(drawn.wrong), unit="", goal=0)
    yield Result(name="scene: squares a look, drawn", value=drawn.squares, unit="")


def _parity() -> Iterator[Result]:
    model = load_model(MODEL)
    ours, theirs = Session(model, threads=1), Net(model)
    size = model.card.input.size
    random = np.random.default_rng(1)
    off = 0.0
    for _ in range(SAMPLES):
        given = random.uniform(0, 255, (1, 3, size, size)).astype(np.float32)
        off = max(off, float(np.abs(ours(given) - theirs(given)).max()))
    yield Result(name="onnxruntime beside OpenCV, farthest", value=off, unit="", goal=FARTHEST)


def _speed() -> Iterator[Result]:
    yardstick = _named("SITEWARDEN_VISION_YARDSTICK", "one frame beside NanoDet-m")
    if yardstick:
        timed = speed.compare(MODEL.with_suffix(".onnx"), yardstick)
        yield Result(
            name="one frame, one thread", value=timed.model_ms, unit="ms", baseline=timed.yardstick_ms
        )
        yield Result(name="as a share of NanoDet-m's time", value=timed.ratio, unit="", goal=MOST_RATIO)


def _named(variable: str, what: str) -> Path | None:
    """The file or folder that a variable names; without it, `what` is not measured."""
    named = os.environ.get(variable)
    if not named:
        _tell([f"{what}: not measured here: {variable} names nothing"])
    return Path(named) if named else None


def _photos(quick: bool) -> Iterator[Result]:
    folder = _named("SITEWARDEN_VISION", "photos")
    if not folder:
        return
    photos = collection.load([folder], "test")[:: PART_QUICK if quick else 1]
    fixes = corrections.load(Path(corrections.__file__).with_name("corrections.yaml"))
    sets = {
        evaluation.COLLECTED: photos,
        evaluation.CORRECTED: corrections.corrected(photos, fixes),
    }
    against = _named("SITEWARDEN_VISION_AGAINST", "gain over another model")
    measured = evaluation.evaluate(MODEL.with_suffix(".onnx"), photos, fixes, against=against)
    for labels, figures in measured.figures.items():
        goal = LEAST_MAP50 if labels == evaluation.COLLECTED else None
        yield _share(f"mAP50, labels {labels}", figures.map50, goal)
        for kind, average in figures.ap50.items():
            yield _share(f"AP50 {kind}, labels {labels}", average)
    for labels, gained in measured.gain.items():
        yield from _gained(labels, gained)
    for labels, found in vision_sequences.run(sets, detector()).items():
        yield from _sequences(labels, found, is_given=labels == evaluation.COLLECTED)
    for shown, account in vision_covering.run(sets[evaluation.CORRECTED], detector()).items():
        yield from _covering(shown, account)


def _covering(shown: str, account: vision_covering.Account) -> Iterator[Result]:
    """With a second look at what is kept, beside looks alone."""
    yield Result(
        name=f"heads uncovered, {shown}, of {account.heads}",
        value=100 * account.after.value,
        unit="%",
        baseline=100 * account.before.value,
    )
    bounds = account.after.low, account.after.high
    for name, bound in zip(("from", "to"), bounds, strict=True):
        yield Result(name=f"heads uncovered, {shown}, 95 % {name}", value=100 * bound, unit="%")
    yield Result(
        name=f"area covered, {shown}",
        value=100 * account.area_after,
        unit="%",
        baseline=100 * account.area_before,
    )


def _share(name: str, figure: Interval, goal: float | None = None, unit: str = "%") -> Result:
    low, high = 100 * figure.low, 100 * figure.high
    return Result(
        name=name, value=100 * figure.value, unit=unit, goal=goal, at_least=True, between=(low, high)
    )


def _gained(labels: str, gained: Gain) -> Iterator[Result]:
    """In points of a hundred; none is a goal, for each is as sure as its interval says."""
    yield _share(f"gain of mAP50, labels {labels}", gained.map50, unit="points")
    for kind, figure in gained.ap50.items():
        yield _share(f"gain of {kind}, labels {labels}", figure, unit="points")
        for size, some in gained.ap50_by_size[kind].items():
            if some is not None:
                yield _share(f"gain of {kind} {size}, {labels}", some, unit="points")


def _sequences(labels: str, found: Counted, *, is_given: bool) -> Iterator[Result]:
    """Goals count on the labels as collected."""
    yield Result(
        name=f"bare heads alarmed, labels {labels}",
        value=100 * found.alarmed / max(1, found.bare),
        unit="%",
        goal=LEAST_ALARMED if is_given else None,
        at_least=True,
    )
    yield Result(
        name=f"false a helmeted head, labels {labels}",
        value=100 * found.false / max(1, found.helmets),
        unit="%",
        goal=MOST_FALSE if is_given else None,
    )
    yield Result(name=f"bare where none is labelled, {labels}", value=found.unlabelled, unit="")


def _tell(wrong: Sequence[str]) -> None:
    for text in wrong[:20]:
        print(f"vision: {text}", file=sys.stderr)
