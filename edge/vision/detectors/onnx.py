"""A model in onnxruntime, which is the faster one on every processor that was measured."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from edge.vision.card import Card, Model
from edge.vision.detectors import DetectorFailedError
from edge.vision.letterbox import Tensor

ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(kind for kind in vars(native).values() if isinstance(kind, type) and issubclass(kind, Exception)),
)
"""The library's errors have no root of their own."""
_ERRORS_ONLY = 3


class Session:
    """A model that is ready to compute."""

    def __init__(self, model: Model, threads: int) -> None:
        """Raises `DetectorFailedError` where the bytes are no such model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = _ERRORS_ONLY
        # Threads that wait do so asleep: the cores also decode, judge and send.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model.onnx, options, providers=["CPUExecutionProvider"]
            )
        except ERRORS as exc:
            raise DetectorFailedError(f"onnxruntime cannot load it: {first_line(exc)}") from exc
        self._input, self._output = model.card.input.name, model.card.output.name

    def __call__(self, given: Tensor) -> NDArray[np.float32]:
        """The answer to one input."""
        try:
            answer = self._session.run([self._output], {self._input: given})[0]
        except ERRORS as exc:
            raise DetectorFailedError(f"onnxruntime cannot compute it: {first_line(exc)}") from exc
        return np.asarray(answer[0], np.float32)

    def mismatch(self, card: Card) -> str:
        """Where the model is not what its card says, in words; empty where it is."""
        takes = {given.name: (given.shape, given.type) for given in self._session.get_inputs()}
        gives = {answer.name: (answer.shape, answer.type) for answer in self._session.get_outputs()}
        number = "tensor(float)"
        wanted = ([1, 3, card.input.size, card.input.size], number)
        if takes != {card.input.name: wanted}:
            return f"takes {_said(takes)}, and the card says {_said({card.input.name: wanted})}"
        rows = [card.output.points, 4 + len(card.kinds)]
        wanted = ([1, *(rows if card.output.layout == "rows" else reversed(rows))], number)
        if gives.get(card.output.name) != wanted:
            return f"gives {_said(gives)}, and the card says {_said({card.output.name: wanted})}"
        return ""


def _said(tensors: dict[str, tuple[list[Any], str]]) -> str:
    return ", ".join(
        f"{name} {shape}" + ("" if kind == "tensor(float)" else f" of {kind}")
        for name, (shape, kind) in tensors.items()
    )


def first_line(exc: Exception) -> str:
    """What a library complains of, without where in its sources it does."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
