"""A model in OpenCV's own library: slower, and a second opinion on what a model computes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.card import Model
from edge.vision.detectors import DetectorFailedError
from edge.vision.letterbox import Tensor

# Named, so that a model which only the old engine understands is an error and not three times slower.
_ENGINE = getattr(cv2.dnn, "ENGINE_NEW", None)


class Net:
    """A model that is ready to compute."""

    def __init__(self, model: Model) -> None:
        """Raises `DetectorFailedError` where the bytes are no such model."""
        content = np.frombuffer(model.onnx, np.uint8)
        try:
            if _ENGINE is None:
                self._net = cv2.dnn.readNetFromONNX(content)
            else:
                self._net = cv2.dnn.readNetFromONNX(content, _ENGINE)
        except cv2.error as exc:
            raise DetectorFailedError(f"OpenCV cannot load it: {exc.err or exc.msg}") from exc
        self._input, self._output = model.card.input.name, model.card.output.name

    def __call__(self, given: Tensor) -> NDArray[np.float32]:
        """The answer to one input."""
        try:
            self._net.setInput(given, self._input)
            answer = self._net.forward(self._output)
        except cv2.error as exc:
            raise DetectorFailedError(f"OpenCV cannot compute it: {exc.err or exc.msg}") from exc
        return np.array(answer[0], np.float32)
