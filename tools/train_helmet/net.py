"""The network: a small anchor-free detector that a gateway's processor can run.

A ShuffleNetV2 backbone (batch normalisation folded, so that published weights of NanoDet-m can start it), a
light feature pyramid that passes down and up once, and per level one branch for kinds and one for sides of
boxes. Wide and with dense convolutions the same network is the teacher.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from tools.train_helmet.collection import KINDS

STRIDES = (8, 16, 32)
MEAN = (103.53, 116.28, 123.675)
DEVIATION = (57.375, 57.12, 58.395)
"""Of ImageNet's pixels, BGR; the backbone's start weights expect them."""
RARE = -4.6
"""At first every point says 1 % for every kind, since almost all of them show no head."""


class Shape(NamedTuple):
    """How large a network is."""

    width: int = 72  # channels of the pyramid
    dense: bool = False  # full convolutions instead of depthwise ones
    channels: tuple[int, int, int, int] = (24, 116, 232, 464)
    units: tuple[int, int, int] = (4, 8, 4)


class Grid(NamedTuple):
    """The points that a network looks from, for one input size."""

    points: Tensor  # point: x, y in input pixels
    strides: Tensor  # point: how far its neighbours are


class Answer(NamedTuple):
    """What a network says of every point of every image."""

    logits: Tensor  # image, point, kind
    boxes: Tensor  # image, point: x1 y1 x2 y2 in input pixels


def grid(size: int, device: torch.device | str = "cpu") -> Grid:
    """The points of all levels, in the order of the answers."""
    points, strides = [], []
    for stride in STRIDES:
        steps = (torch.arange(size // stride, device=device) + 0.5) * stride
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2))
        strides.append(torch.full((len(points[-1]),), float(stride), device=device))
    return Grid(torch.cat(points), torch.cat(strides))


def convolution(
    before: int,
    after: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    active: bool = True,
    norm: bool = True,
) -> nn.Sequential:
    """A convolution, its normalisation and its activation, each where wanted."""
    parts: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=not norm)
    ]
    if norm:
        parts.append(nn.BatchNorm2d(after, momentum=0.03, eps=1e-3))
    if active:
        parts.append(nn.LeakyReLU(0.1, inplace=True))
    return nn.Sequential(*parts)


class Unit(nn.Module):
    """A unit of ShuffleNetV2: half of the channels pass by, or all are halved in size; then a shuffle."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        half, self.halves = after // 2, stride == 2  # noqa: PLR2004
        inner = before if self.halves else half
        if self.halves:
            self.beside = nn.Sequential(
                convolution(before, before, 3, stride=2, groups=before, active=False, norm=False),
                convolution(before, half, 1, norm=False),
            )
        self.through = nn.Sequential(
            convolution(inner, half, 1, norm=False),
            convolution(half, half, 3, stride=stride, groups=half, active=False, norm=False),
            convolution(half, half, 1, norm=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The next features."""
        first, second = (self.beside(x), x) if self.halves else x.split(x.shape[1] // 2, 1)
        joined = torch.cat((first, self.through(second)), 1)
        images, channels, height, width = (int(extent) for extent in joined.shape)
        paired = joined.view(images, 2, channels // 2, height, width).transpose(1, 2)
        return paired.reshape(images, channels, height, width)


class Backbone(nn.Module):
    """From pixels to features at an eighth, a sixteenth and a thirty-second of the size."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.stem = convolution(3, shape.channels[0], 3, stride=2, norm=False)
        self.stages = nn.ModuleList(
            nn.Sequential(Unit(before, after, 2), *(Unit(after, after, 1) for _ in range(units - 1)))
            for before, after, units in zip(shape.channels, shape.channels[1:], shape.units, strict=False)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """The features of the three levels, finest first."""
        x = fn.max_pool2d(self.stem(x), 3, 2, 1)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels


def block(width: int, *, dense: bool) -> nn.Sequential:
    """Looks around: a depthwise 5x5 and a mix of channels, or a full 3x3 in their place."""
    if dense:
        return convolution(width, width, 3)
    return nn.Sequential(convolution(width, width, 5, groups=width), convolution(width, width, 1))


class Detector(nn.Module):
    """Pixels BGR 0..255 in, kinds and boxes of every point out."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        width, dense = self.shape.width, self.shape.dense
        self.backbone = Backbone(self.shape)
        self.lateral = nn.ModuleList(convolution(channels, width, 1) for channels in self.shape.channels[1:])
        self.down = nn.ModuleList(block(width, dense=dense) for _ in range(2))
        self.halve = nn.ModuleList(convolution(width, width, 3, stride=2, groups=width) for _ in range(2))
        self.up = nn.ModuleList(block(width, dense=dense) for _ in range(2))
        self.kind_branches = nn.ModuleList(
            nn.Sequential(block(width, dense=dense), block(width, dense=dense)) for _ in STRIDES
        )
        self.side_branches = nn.ModuleList(block(width, dense=dense) for _ in STRIDES)
        self.kinds = nn.ModuleList(nn.Conv2d(width, len(KINDS), 1) for _ in STRIDES)
        self.sides = nn.ModuleList(nn.Conv2d(width, 4, 1) for _ in STRIDES)
        for kinds, sides in zip(self.kinds, self.sides, strict=True):
            nn.init.constant_(kinds.bias, RARE)
            nn.init.constant_(sides.bias, 0.5)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor, grid: Grid) -> Answer:
        """The answer of every point of `grid`, which must fit the images' size."""
        logits, sides = [], []
        for at, features in enumerate(self._pyramid((images - self.mean) * self.scale)):
            logits.append(self.kinds[at](self.kind_branches[at](features)).flatten(2))
            sides.append(self.sides[at](self.side_branches[at](features)).flatten(2))
        distances = fn.softplus(torch.cat(sides, 2).transpose(1, 2).float()) * grid.strides[:, None]
        boxes = torch.cat((grid.points - distances[..., :2], grid.points + distances[..., 2:]), -1)
        return Answer(torch.cat(logits, 2).transpose(1, 2).float(), boxes)

    def _pyramid(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        levels = zip(self.lateral, self.backbone(images), strict=True)
        fine, middle, coarse = (lateral(features) for lateral, features in levels)
        middle = self.down[0](middle + fn.interpolate(coarse, scale_factor=2.0))
        fine = self.down[1](fine + fn.interpolate(middle, scale_factor=2.0))
        middle = self.up[0](middle + self.halve[0](fine))
        return fine, middle, self.up[1](coarse + self.halve[1](middle))
