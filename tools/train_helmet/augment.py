"""Batches for training, made on the device that trains: scaled, turned, joined, pasted onto, recoloured.

Four photos in one (mosaic) show heads in other surroundings and sizes. A pasted head takes the place of
another head, so that it sits on a body: workers get bare heads that way, of which photos have few. A head of
which too little is left to be judged becomes an ignored area rather than background.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as fn

from tools.train_helmet.collection import HEAD, HELMET
from tools.train_helmet.photos import GREY, IGNORED, MARGIN, NOTHING, Canvases, Crops
from tools.train_helmet.recipes import Augmentation

SMALLEST = 4.0
"""A head below this side in the network's input is ignored, in pixels."""
VISIBLE = 0.45
"""A head of which less than this share is in the picture is ignored."""
TURN = math.radians(6)
MOSAIC_ZOOM = 1.6
"""A photo in a quarter of the image is shown larger than just fitting, or its heads would be lost."""
LUMA = ((0.114, 0.587, 0.299), (-0.3216, -0.2745, 0.5961), (0.3112, -0.5227, 0.2115))
"""BGR to brightness and two axes of colour (YIQ)."""


class Batch:
    """Images BGR 0..255 and their heads; rows of kind NOTHING fill up."""

    def __init__(self, images: Tensor, kinds: Tensor, boxes: Tensor) -> None:
        """Rows without anything are dropped as far as all images have them."""
        order = kinds.lt(0).to(torch.uint8).argsort(dim=1, stable=True)
        rows = max(1, int((kinds >= 0).sum(1).max()))
        self.images = images
        self.kinds = kinds.gather(1, order)[:, :rows]
        self.boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))[:, :rows]


class Album:
    """Photos and heads on the device, and batches made of them. One seed gives one sequence of batches."""

    def __init__(
        self,
        canvases: Canvases,
        crops: Crops,
        augmentation: Augmentation,
        *,
        size: int,
        device: str,
        seed: int,
    ) -> None:
        """`size` is the side of the batches' images."""
        self.size, self.device, self.augmentation = size, torch.device(device), augmentation
        self.random = torch.Generator(self.device).manual_seed(seed)
        self.full = torch.from_numpy(canvases.pixels).to(device).permute(0, 3, 1, 2).contiguous()
        self.half = _halved(self.full)
        self.extents = torch.from_numpy(canvases.extents).to(device)
        self.kinds = torch.from_numpy(canvases.kinds).to(device)
        self.boxes = torch.from_numpy(canvases.boxes).to(device)
        self.crops = torch.from_numpy(crops.pixels).to(device).permute(0, 3, 1, 2).contiguous()
        self.shapes = torch.from_numpy(crops.shapes).to(device)
        self.crop_kinds = torch.from_numpy(crops.kinds).to(device)
        self.weights = _weights(self.kinds, augmentation)
        self.steps = torch.arange(size, device=self.device) + 0.5

    def batch(self, images: int, *, calm: bool = False) -> Batch:
        """The next batch; a calm one has no mosaics and no pasted heads."""
        mosaics = 0 if calm else round(images * self.augmentation.mosaic)
        parts = [self._single(images - mosaics)] if mosaics < images else []
        if mosaics:
            parts.append(self._mosaic(mosaics))
        pixels = torch.cat([part[0] for part in parts])
        rows = max(part[1].shape[1] for part in parts)
        kinds = torch.cat([fn.pad(part[1], (0, rows - part[1].shape[1]), value=NOTHING) for part in parts])
        boxes = torch.cat([fn.pad(part[2], (0, 0, 0, rows - part[2].shape[1])) for part in parts])
        if not calm and len(self.crops):
            for _ in range(2):
                self._paste(pixels, kinds, boxes)
        return Batch(self._recoloured(pixels), kinds, boxes)

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.random, device=self.device) * (high - low) + low

    def _chance(self, share: float, *shape: int) -> Tensor:
        return self._uniform(0, 1, *shape) < share

    def _single(self, images: int) -> tuple[Tensor, Tensor, Tensor]:
        frames = torch.tensor([0.0, 0.0, self.size, self.size], device=self.device).expand(images, 4)
        return self._views(frames, 1.0)

    def _mosaic(self, images: int) -> tuple[Tensor, Tensor, Tensor]:
        """Four photos around a random middle."""
        middle = self._uniform(0.35, 0.65, images, 2) * self.size
        low = torch.zeros_like(middle)
        high = torch.full_like(middle, self.size)
        (x0, y0), (x1, y1), (x2, y2) = low.T, middle.T, high.T
        quarters = [(x0, y0, x1, y1), (x1, y0, x2, y1), (x0, y1, x1, y2), (x1, y1, x2, y2)]
        frames = torch.stack([torch.stack(quarter, -1) for quarter in quarters], 1)
        pixels, kinds, boxes = self._views(frames.reshape(-1, 4), MOSAIC_ZOOM)
        pixels = pixels.view(images, 4, 3, self.size, self.size)
        right = (self.steps > x1[:, None])[:, None, None, :]
        below = (self.steps > y1[:, None])[:, None, :, None]
        upper = torch.where(right, pixels[:, 1], pixels[:, 0])
        lower = torch.where(right, pixels[:, 3], pixels[:, 2])
        return torch.where(below, lower, upper), kinds.view(images, -1), boxes.view(images, -1, 4)

    def _views(self, frames: Tensor, zoom: float) -> tuple[Tensor, Tensor, Tensor]:
        """One random photo for each frame, randomly placed in it; its pixels are not cut at the frame."""
        which = torch.multinomial(self.weights, len(frames), replacement=True, generator=self.random)
        forward, scale = self._placed(self.extents[which], frames, zoom)
        kinds, boxes = _seen(self.kinds[which], self.boxes[which], forward, scale, frames)
        return self._rendered(which, forward, scale), kinds, boxes

    def _placed(self, extents: Tensor, frames: Tensor, larger: float) -> tuple[Tensor, Tensor]:
        """A matrix from canvas to image for each view, and how much it scales width and height."""
        views = len(frames)
        low, room = frames[:, :2], frames[:, 2:] - frames[:, :2]
        shares = self.augmentation
        zoom = self._uniform(math.log(shares.smallest), math.log(shares.largest), views, 1).exp()
        stretch = self._uniform(-0.12, 0.12, views, 1).exp()
        scale = room.amax(1, keepdim=True) / extents.amax(1, keepdim=True) * zoom * larger
        scale = torch.cat((scale * stretch, scale / stretch), 1)
        taken = extents.flip(1) * scale
        corner = low + self._uniform(0, 1, views, 2) * (room - taken)
        mirrored = self._chance(0.5, views)
        across = torch.where(mirrored, -scale[:, 0], scale[:, 0])
        corner[:, 0] += torch.where(mirrored, taken[:, 0], 0.0)
        angle = self._uniform(-TURN, TURN, views) * self._chance(0.3, views)
        cosine, sine, middle = angle.cos(), angle.sin(), low + room / 2
        turn = torch.stack((cosine, -sine, sine, cosine), -1).view(views, 2, 2)
        linear = turn * torch.stack((across, scale[:, 1]), -1)[:, None, :]
        shift = middle + (turn @ (corner - middle)[..., None])[..., 0]
        return torch.cat((linear, shift[..., None]), -1), scale

    def _rendered(self, which: Tensor, forward: Tensor, scale: Tensor) -> Tensor:
        """The pixels of each view; shrunken ones from the halved photos, so that detail does not flicker."""
        inverse = torch.linalg.inv(forward[..., :2].float())
        shift = forward[..., 2]
        views = torch.empty(len(which), 3, self.size, self.size, device=self.device)
        small = scale.amin(1) < 0.6  # noqa: PLR2004
        for source, mask in ((self.full, ~small), (self.half, small)):
            chosen = mask.nonzero()[:, 0]
            if len(chosen):
                views[chosen] = self._sampled(source, which[chosen], inverse[chosen], shift[chosen])
        return views

    def _sampled(self, source: Tensor, which: Tensor, inverse: Tensor, shift: Tensor) -> Tensor:
        x = self.steps[None, None, :, None] - shift[:, 0, None, None, None]
        y = self.steps[None, :, None, None] - shift[:, 1, None, None, None]
        across, along = inverse[:, None, None, :, 0], inverse[:, None, None, :, 1]
        lookup = (x * across + y * along) * (2 / self.full.shape[-1]) - 1
        pixels = source[which].float() - GREY
        return fn.grid_sample(pixels, lookup, align_corners=False) + GREY

    def _paste(self, pixels: Tensor, kinds: Tensor, boxes: Tensor) -> None:
        """Put a head of the bank in the place of one head in some of the images, in place."""
        sides = (boxes[..., 2:] - boxes[..., :2]).amin(-1)
        fit = (kinds >= 0) & (kinds < IGNORED) & (sides > self.augmentation.smallest_pasted)
        score = self._uniform(0, 1, *kinds.shape) * fit
        wanted = self._chance(self.augmentation.paste, len(kinds)) & fit.any(1)
        images = wanted.nonzero()[:, 0]
        if not len(images):
            return
        rows = score[images].argmax(1)
        heads = self._heads(len(images))
        target = _reshaped(boxes[images, rows], self.shapes[heads])
        kinds[images, rows] = self.crop_kinds[heads]
        boxes[images, rows] = target
        pixels[images] = self._covered(pixels[images], target, self.crops[heads].float())

    def _heads(self, count: int) -> Tensor:
        """Heads of the bank, bare ones as often as the recipe says."""
        wanted = torch.where(self._chance(self.augmentation.paste_bare, count), HEAD, HELMET)
        have = torch.stack([(self.crop_kinds == kind).float() for kind in (HELMET, HEAD)])
        have[have.sum(1) == 0] = 1.0
        return torch.multinomial(have[wanted], 1, generator=self.random)[:, 0]

    def _covered(self, pixels: Tensor, target: Tensor, heads: Tensor) -> Tensor:
        middle = (target[:, :2] + target[:, 2:]) / 2
        half = (target[:, 2:] - target[:, :2]) / 2 * MARGIN
        mirrored = torch.where(self._chance(0.5, len(target)), -1.0, 1.0)
        x = (self.steps[None, :] - middle[:, :1]) / half[:, :1] * mirrored[:, None]
        y = (self.steps[None, :] - middle[:, 1:]) / half[:, 1:]
        x, y = (axis.clamp(-4, 4) for axis in (x, y))
        lookup = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1)
        cover = ((1 - (lookup**4).sum(-1) ** 0.25) / 0.25).clamp(0, 1)[:, None]
        pasted = fn.grid_sample(heads, lookup, padding_mode="border", align_corners=False)
        pasted = pasted * self._uniform(0.75, 1.2, len(target), 1, 1, 1)
        return pixels + (pasted - pixels) * cover

    def _recoloured(self, pixels: Tensor) -> Tensor:
        """Other light and cameras: one matrix of colour for each image, then blur and noise for some."""
        images = len(pixels)
        luma = torch.tensor(LUMA, device=self.device)
        light = self._uniform(math.log(0.5), math.log(1.45), images).exp()
        colour = self._uniform(0.4, 1.6, images) * ~self._chance(0.06, images)
        hue = self._uniform(-0.25, 0.25, images)
        zero, one = torch.zeros_like(hue), torch.ones_like(hue)
        rows = (
            one,
            zero,
            zero,
            zero,
            colour * hue.cos(),
            -colour * hue.sin(),
            zero,
            colour * hue.sin(),
            colour * hue.cos(),
        )
        turn = torch.stack(rows, -1).view(images, 3, 3)
        matrix = light[:, None, None] * (torch.linalg.inv(luma) @ turn @ luma)
        pixels = torch.einsum("ncd,ndhw->nchw", matrix, pixels) + self._uniform(-16, 16, images, 1, 1, 1)
        blurred = self._chance(0.12, images).nonzero()[:, 0]
        if len(blurred):
            pixels[blurred] = fn.avg_pool2d(pixels[blurred], 3, 1, 1, count_include_pad=False)
        noise = self._chance(0.2, images).float() * self._uniform(0, 12, images)
        spread = torch.randn(pixels.shape, generator=self.random, device=self.device)
        return (pixels + spread * noise.view(-1, 1, 1, 1)).clamp(0, 255)


def _halved(pixels: Tensor) -> Tensor:
    return torch.cat([fn.avg_pool2d(part.float(), 2).round().to(torch.uint8) for part in pixels.split(64)])


def _weights(kinds: Tensor, augmentation: Augmentation) -> Tensor:
    """How likely each photo is taken: bare heads more often, empty scenes less."""
    bare, empty = (kinds == HEAD).any(1), (kinds < 0).all(1)
    weights = torch.ones(len(kinds), device=kinds.device)
    return torch.where(bare, augmentation.bare, torch.where(empty, augmentation.empty, weights))


def _seen(
    kinds: Tensor, boxes: Tensor, forward: Tensor, scale: Tensor, frames: Tensor
) -> tuple[Tensor, Tensor]:
    """The heads of each view as far as its frame shows them. A turned head keeps its size, being round."""
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    middles = middles @ forward[..., :2].transpose(1, 2) + forward[:, None, :, 2]
    halves = (boxes[..., 2:] - boxes[..., :2]) / 2 * scale[:, None]
    low, high = frames[:, None, :2], frames[:, None, 2:]
    whole = torch.cat((middles - halves, middles + halves), -1)
    cut = torch.cat(((middles - halves).clamp(low, high), (middles + halves).clamp(low, high)), -1)
    sides = cut[..., 2:] - cut[..., :2]
    share = sides.prod(-1) / (whole[..., 2:] - whole[..., :2]).prod(-1).clamp(min=1e-6)
    judged = (share > VISIBLE) & (sides.amin(-1) > SMALLEST)
    kinds = torch.where((kinds >= 0) & ~judged, IGNORED, kinds)
    return torch.where(share > 0, kinds, NOTHING), cut


def _reshaped(boxes: Tensor, shapes: Tensor) -> Tensor:
    """Boxes as wide as before and standing on the same line, as high as the new heads are."""
    height = (boxes[:, 2] - boxes[:, 0]) * shapes
    return torch.stack((boxes[:, 0], boxes[:, 3] - height, boxes[:, 2], boxes[:, 3]), -1)
