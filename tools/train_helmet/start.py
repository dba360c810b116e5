"""Start weights: the backbone of a published NanoDet-m, read from its ONNX file as data."""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from sitewarden.errors import ConfigurationError
from tools.train_helmet.net import Backbone


def load_backbone(backbone: Backbone, file: Path) -> None:
    """Take over the convolutions of `file`, in the order of its graph, which is the order of ours."""
    try:
        graph = onnx.load(file).graph
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name the ONNX file of NanoDet-m."
        ) from exc
    weights = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    theirs = [node.input for node in graph.node if node.op_type == "Conv"]
    ours = [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]
    for convolution, (_, kernel, bias) in zip(ours, theirs, strict=False):
        if weights[kernel].shape != tuple(convolution.weight.shape):
            message = (
                f"has a convolution of shape {weights[kernel].shape}, not {tuple(convolution.weight.shape)}"
            )
            raise ConfigurationError(file, 0, "", message, "Name the ONNX file of NanoDet-m.")
        with torch.no_grad():
            convolution.weight.copy_(torch.tensor(weights[kernel]))
            convolution.bias.copy_(torch.tensor(weights[bias]))
