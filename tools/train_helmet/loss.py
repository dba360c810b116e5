"""What is right and wrong in an answer: which points answer for which head, and how far off they are.

A point that already scores and frames a head well is the one to learn it (task-aligned assignment); its
target score is how well its box fits. A student learns from its teacher's answers at all points as well.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as fn

from tools.train_helmet.net import Answer, Grid
from tools.train_helmet.photos import IGNORED

POINTS_PER_HEAD = 9
REACH = 1.2
"""A point answers for heads that contain it, or whose middle is this near, in strides."""
SMALLEST, LARGEST = 0.6, 14.0
"""Heads that a level is for, in strides."""
LEAST_HEADS = 4.0
"""Batches with almost no head are not blown up by the division through their heads."""
BOX_WEIGHT = 2.0
BACKGROUND_WEIGHT = 0.75
SURE = 0.1
"""Below this score a teacher's box says nothing."""


class Targets(NamedTuple):
    """What each point should say."""

    scores: Tensor  # image, point, kind
    boxes: Tensor  # image, point
    strength: Tensor  # image, point: how much the box counts; 0 in the background
    ignored: Tensor  # image, point: neither head nor background


def overlap(left: Tensor, right: Tensor, *, generalised: bool = False) -> Tensor:
    """Intersection over union of boxes pair by pair; generalised, it also says how far apart they are."""
    low, high = torch.maximum(left[..., :2], right[..., :2]), torch.minimum(left[..., 2:], right[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = _area(left) + _area(right) - shared + 1e-7
    if not generalised:
        return shared / union
    outer_low = torch.minimum(left[..., :2], right[..., :2])
    outer_high = torch.maximum(left[..., 2:], right[..., 2:])
    outer = (outer_high - outer_low).clamp(min=0).prod(-1) + 1e-7
    return shared / union - (outer - union) / outer


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


@torch.no_grad()
def assign(answer: Answer, grid: Grid, kinds: Tensor, boxes: Tensor) -> Targets:
    """Which point answers for which head, by what the network says now."""
    heads = (kinds >= 0) & (kinds < IGNORED)
    fit = overlap(answer.boxes[:, None], boxes[:, :, None])
    kind = kinds.clamp(0, IGNORED - 1)
    score = answer.logits.sigmoid().transpose(1, 2).gather(1, kind[..., None].expand_as(fit))
    allowed = _allowed(grid, boxes) & heads[..., None]
    merit = (score + 1e-4).sqrt() * (fit + 1e-3) ** 4 * allowed
    best = merit.topk(min(POINTS_PER_HEAD, merit.shape[2]), 2)
    chosen = torch.zeros_like(allowed).scatter_(2, best.indices, best.values > 0)
    owner = (fit + 1e-4).mul(chosen).max(1)
    taken = owner.values > 0
    chosen &= owner.indices[:, None] == torch.arange(kinds.shape[1], device=kinds.device)[None, :, None]
    merit, fit = merit * chosen, fit * chosen
    peak, fit_peak = merit.amax(2, keepdim=True), fit.amax(2, keepdim=True).clamp(min=0.1)
    strength = (merit / (peak + 1e-9) * fit_peak).amax(1) * taken
    scores = torch.zeros_like(answer.logits)
    scores.scatter_(2, kind.gather(1, owner.indices)[..., None], strength[..., None])
    target = boxes.gather(1, owner.indices[..., None].expand(-1, -1, 4))
    inside = _inside(grid, boxes) & (kinds == IGNORED)[..., None]
    return Targets(scores, target, strength, inside.any(1) & ~taken)


def _inside(grid: Grid, boxes: Tensor) -> Tensor:
    low = grid.points[None, None] - boxes[:, :, None, :2]
    high = boxes[:, :, None, 2:] - grid.points[None, None]
    return torch.minimum(low, high).amin(-1) > 0


def _allowed(grid: Grid, boxes: Tensor) -> Tensor:
    """Image, head, point: the point lies well for the head and its level is for heads of that size."""
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    away = (grid.points[None, None] - middles[:, :, None]).abs().amax(-1)
    size = _area(boxes).clamp(min=1).sqrt()[..., None] / grid.strides
    near = away < REACH * grid.strides
    return (near | _inside(grid, boxes)) & (size > SMALLEST) & (size < LARGEST)


def loss(answer: Answer, grid: Grid, kinds: Tensor, boxes: Tensor) -> Tensor:
    """How far the answer is from the labels."""
    targets = assign(Answer(answer.logits.detach(), answer.boxes.detach()), grid, kinds, boxes)
    total = targets.scores.sum().clamp(min=LEAST_HEADS)
    background = BACKGROUND_WEIGHT * answer.logits.detach().sigmoid() ** 2 * ~targets.ignored[..., None]
    weight = torch.where(targets.scores > 0, targets.scores, background)
    kind_loss = _entropy(answer.logits, targets.scores, weight) / total
    miss = 1 - overlap(answer.boxes, targets.boxes, generalised=True)
    return kind_loss + BOX_WEIGHT * (miss * targets.strength).sum() / total


def imitation(answer: Answer, teacher: Answer) -> Tensor:
    """How far the answer is from the teacher's, weighed by how far scores are apart and how sure it is."""
    scores = teacher.logits.sigmoid()
    sure = scores.amax(-1)
    sure = sure * (sure > SURE)
    total = sure.sum().clamp(min=LEAST_HEADS)
    weight = (scores - answer.logits.detach().sigmoid()).abs() ** 1.5 + 0.25 * scores
    kind_loss = _entropy(answer.logits, scores, weight) / total
    miss = 1 - overlap(answer.boxes, teacher.boxes, generalised=True)
    return kind_loss + BOX_WEIGHT * (miss * sure).sum() / total


def _entropy(logits: Tensor, scores: Tensor, weight: Tensor) -> Tensor:
    return (fn.binary_cross_entropy_with_logits(logits, scores, reduction="none") * weight).sum()
