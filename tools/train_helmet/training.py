"""The training: a teacher first where the plan has one, then the detector; validation's best is kept."""

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from tools.train_helmet import answers, collection
from tools.train_helmet.augment import Album
from tools.train_helmet.collection import KINDS, Photo
from tools.train_helmet.loss import imitation, loss
from tools.train_helmet.measures import Found, average_precision, means, rank
from tools.train_helmet.net import Answer, Detector, Shape, grid
from tools.train_helmet.photos import canvases, crops
from tools.train_helmet.recipes import Plan, Recipe
from tools.train_helmet.start import load_backbone

TEACHER = Shape(width=160, dense=True)
BACKBONE_RATE = 0.3
"""The backbone starts from published weights and moves more slowly."""
WARM_UP = 150
LEAST_RATE = 0.02
CALM_AFTER = 0.85
"""At the end photos are shown as cameras show them: no mosaics, no pasted heads."""
CHECKS = 10
"""How often validation is looked at."""
SMOOTHING = 0.999
IMITATION = 1.0
LAYOUT = torch.channels_last
"""Of images and weights: a step takes two thirds of the time on a processor as well."""


class Run(NamedTuple):
    """One network's training: how long, how fast, and whom it imitates."""

    name: str
    steps: int
    minutes: float
    teacher: Detector | None = None


class Validation:
    """The photos that choices are made on, ready for the network."""

    def __init__(self, photos: Sequence[Photo], size: int, device: str) -> None:
        """`size` is that of the training."""
        ready = canvases(photos, size)
        self.images = torch.from_numpy(ready.pixels).to(device).permute(0, 3, 1, 2).contiguous()
        self.truths = answers.truths(photos, ready.extents)
        self.grid = grid(size, device)

    def precisions(self, detector: Detector) -> list[float]:
        """Average precision at half overlap, by kind."""
        found = list(self._found(detector))
        return [average_precision(rank(found, self.truths, kind)) for kind in range(len(KINDS))]

    @torch.no_grad()
    def _found(self, detector: Detector) -> Iterator[Found]:
        detector.eval()
        for images in self.images.split(32):
            logits, boxes = detector(images.float(), self.grid)
            for output in torch.cat((boxes, logits.sigmoid()), -1).cpu().numpy():
                yield answers.heads(output)


def train(recipe: Recipe, plan: Plan, folders: Sequence[Path], start: Path, out: Path) -> Path:
    """Train as the recipe says; the weights, the curve and what was learned from lie in `out` afterwards."""
    torch.manual_seed(recipe.seed)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    photos = collection.load_licensed(folders, "train", recipe.licences)
    choosing = collection.load_licensed(folders, "val", recipe.licences)
    out.mkdir(parents=True, exist_ok=True)
    _write_lesson(out / "lesson.json", photos)
    album = _album(photos, recipe, plan)
    validation = Validation(choosing, plan.size, plan.device)
    with (out / "curve.jsonl").open("w", encoding="utf-8") as curve:
        trainer = _Trainer(album, validation, plan, _Record(curve, out))
        teacher = None
        if plan.teacher_steps:
            run = Run("teacher", plan.teacher_steps, plan.teacher_minutes)
            teacher = trainer.run(_started(TEACHER, start, plan.device), run)
        run = Run("detector", plan.steps, plan.minutes, teacher)
        trainer.run(_started(Shape(), start, plan.device), run)
    return out / "detector.pt"


def _album(photos: Sequence[Photo], recipe: Recipe, plan: Plan) -> Album:
    shown = canvases(photos, plan.canvas)
    return Album(
        shown, crops(shown), recipe.augmentation, size=plan.size, device=plan.device, seed=recipe.seed
    )


def _write_lesson(file: Path, photos: Sequence[Photo]) -> None:
    """What was learned from, for the model card."""
    heads = [label.kind for photo in photos for label in photo.labels]
    origins = sorted({photo.origin for photo in photos})
    lesson = {
        "sha256": collection.fingerprint(photos),
        "photos": {name: sum(photo.origin == name for photo in photos) for name in origins},
        "heads": {name: heads.count(kind) for kind, name in enumerate(KINDS)},
    }
    file.write_text(json.dumps(lesson, indent=2) + "\n", encoding="utf-8")


class _Record:
    """What is kept of the trainings: a curve for people, and the best weights of each."""

    def __init__(self, curve: TextIO, folder: Path) -> None:
        self.curve, self.folder = curve, folder

    def row(self, row: dict[str, object]) -> None:
        """One more point of the curve."""
        line = json.dumps(row)
        print(line, flush=True)
        self.curve.write(line + "\n")
        self.curve.flush()

    def file(self, run: Run) -> Path:
        """Where the weights of a training are kept."""
        return self.folder / f"{run.name}.pt"


def _started(shape: Shape, start: Path, device: str) -> Detector:
    detector = Detector(shape)
    load_backbone(detector.backbone, start)
    return detector.to(device=torch.device(device), memory_format=LAYOUT)


class _Trainer:
    """What the trainings of teacher and detector share."""

    def __init__(self, album: Album, validation: Validation, plan: Plan, record: _Record) -> None:
        self.album, self.validation, self.plan, self.record = album, validation, plan, record
        self.grid = grid(plan.size, plan.device)

    def run(self, detector: Detector, run: Run) -> Detector:
        """Train one network; returns its smoothed weights where validation liked them best."""
        optimizer = _optimizer(detector, self.plan)
        smooth = copy.deepcopy(detector).requires_grad_(requires_grad=False)
        watch = _Watch(self.validation, self.record, run)
        for step in range(run.steps + 1):
            progress = watch.look(smooth, step)
            if progress >= 1:
                break
            _set_rate(optimizer, step, progress)
            watch.total += self._step(detector, optimizer, run, calm=progress > CALM_AFTER)
            _smooth(smooth, detector, step)
        smooth.load_state_dict(torch.load(self.record.file(run), weights_only=True))
        return smooth.eval()

    def _step(self, detector: Detector, optimizer: torch.optim.Optimizer, run: Run, *, calm: bool) -> Tensor:
        batch = self.album.batch(self.plan.batch, calm=calm)
        detector.train()
        images = batch.images.contiguous(memory_format=LAYOUT)
        answer = self._answer(detector, images)
        value = loss(answer, self.grid, batch.kinds, batch.boxes)
        if run.teacher is not None:
            with torch.no_grad():
                taught = self._answer(run.teacher, images)
            value = value + IMITATION * imitation(answer, taught)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
        optimizer.step()
        return value.detach()

    def _answer(self, detector: Detector, images: Tensor) -> Answer:
        device = self.plan.device.split(":")[0]
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            answer: Answer = detector(images, self.grid)
        return answer


class _Watch:
    """Looks at validation now and then, and keeps the weights that did best there."""

    def __init__(self, validation: Validation, record: _Record, run: Run) -> None:
        self.validation, self.record, self.run = validation, record, run
        self.began, self.looks, self.best = time.monotonic(), 0, -1.0
        self.total: Tensor | float = 0.0  # of the losses since the last look
        self.step = 0

    def look(self, smooth: Detector, step: int) -> float:
        """How far the training is, 0 to 1, by what ends first."""
        minutes = (time.monotonic() - self.began) / 60
        progress = min(1.0, max(step / self.run.steps, minutes / self.run.minutes))
        if progress * CHECKS >= self.looks + 1:
            self.looks = int(progress * CHECKS)
            self._judge(smooth, step, minutes)
        return progress

    def _judge(self, smooth: Detector, step: int, minutes: float) -> None:
        precisions = self.validation.precisions(smooth)
        score = float(np.nan_to_num(means(np.array([precisions]))[0]))
        shown = [None if math.isnan(value) else round(value, 4) for value in precisions]
        values = {f"ap50_{name}": value for name, value in zip(KINDS, shown, strict=True)}
        mean = round(float(self.total) / max(step - self.step, 1), 3)
        self.record.row(
            {"run": self.run.name, "step": step, "minutes": round(minutes, 2), "loss": mean, **values}
        )
        self.step, self.total = step, 0.0
        if score >= self.best:
            self.best = score
            torch.save(smooth.state_dict(), self.record.file(self.run))


def _optimizer(detector: Detector, plan: Plan) -> torch.optim.Optimizer:
    backbone = list(detector.backbone.parameters())
    mine = {id(parameter) for parameter in backbone}
    rest = [parameter for parameter in detector.parameters() if id(parameter) not in mine]
    groups = [{"params": backbone, "peak": plan.rate * BACKBONE_RATE}, {"params": rest, "peak": plan.rate}]
    return torch.optim.AdamW(groups, lr=plan.rate, weight_decay=0.03, fused=plan.device != "cpu")


def _set_rate(optimizer: torch.optim.Optimizer, step: int, progress: float) -> None:
    """Up from nothing, then down along half a cosine."""
    down = LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * down * min(1.0, (step + 1) / WARM_UP)


@torch.no_grad()
def _smooth(smooth: Detector, detector: Detector, step: int) -> None:
    """The weights averaged over the last thousand steps or so, fewer in the beginning."""
    share = 1 - min(SMOOTHING, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(smooth.parameters()), list(detector.parameters()), share)
    for kept, new in zip(smooth.buffers(), detector.buffers(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, share)
        else:
            kept.copy_(new)
