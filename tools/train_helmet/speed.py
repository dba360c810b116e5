"""How long one frame takes, beside another network on the same machine at the same time."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime

from sitewarden.errors import ConfigurationError

ROUNDS = 60
WARM_UP = 8


class Speed(msgspec.Struct, frozen=True):
    """Median milliseconds of processor time a frame on one thread of onnxruntime, and their ratio."""

    model_ms: float
    yardstick_ms: float
    ratio: float  # the median of the rounds' ratios, in which both ran one right after the other


def session(file: Path) -> onnxruntime.InferenceSession:
    """The network on one thread."""
    if not file.is_file():
        raise ConfigurationError(file, 0, "", "is not there", "Name an ONNX file.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def compare(model: Path, yardstick: Path) -> Speed:
    """Time the two in turn."""
    runs = [_runner(model), _runner(yardstick)]
    for run in runs * WARM_UP:
        run()
    rounds = [[_timed(run) for run in runs] for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    return Speed(round(mine * 1000, 2), round(theirs * 1000, 2), round(ratio, 3))


def _runner(file: Path) -> Callable[[], object]:
    network = session(file)
    given = network.get_inputs()[0]
    image = np.random.default_rng(0).uniform(0, 255, given.shape).astype(np.float32)
    return lambda: network.run(None, {given.name: image})


def _timed(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
