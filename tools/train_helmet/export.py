"""The network as an ONNX file: normalisation folded in, boxes decoded in the graph."""

import copy
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sitewarden.errors import ConfigurationError
from tools.train_helmet.net import Detector, grid

OPSET = 17


class Deployed(nn.Module):
    """A trained detector for one input size: `[1,3,S,S]` BGR 0..255 in, `[1,N,4+kinds]` out."""

    def __init__(self, detector: Detector, size: int) -> None:
        super().__init__()
        self.detector = folded(detector)
        self.grid = grid(size)

    def forward(self, image: Tensor) -> Tensor:
        """Of each point the box `x1 y1 x2 y2` in input pixels, then the score of each kind."""
        logits, boxes = self.detector(image, self.grid)
        return torch.cat((boxes, logits.sigmoid()), -1)


def folded(detector: Detector) -> Detector:
    """The same function in fewer steps: normalisation and the pixels' scale go into the convolutions."""
    detector = copy.deepcopy(detector).eval()
    for module in list(detector.modules()):
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            fused = fuse_conv_bn_eval(module[0], module[1])
            module[0], module[1] = fused, nn.Identity()
    stem = detector.backbone.stem[0]
    with torch.no_grad():
        stem.weight.mul_(detector.scale)
    detector.scale = torch.ones_like(detector.scale)
    return detector


def load(file: Path) -> Detector:
    """The detector that a training left."""
    detector = Detector()
    try:
        weights = torch.load(file, weights_only=True, map_location="cpu")
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name the detector.pt of a training."
        ) from exc
    detector.load_state_dict(weights)
    return detector.eval()


def write(detector: Detector, size: int, file: Path) -> None:
    """Export for one input size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # extents are constants on purpose, and the tracing exporter is chosen
        torch.onnx.export(
            Deployed(detector, size).eval(),
            (torch.zeros(1, 3, size, size),),
            str(file),
            opset_version=OPSET,
            input_names=["image"],
            output_names=["heads"],
            dynamo=False,
        )
