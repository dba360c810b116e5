"""Whether a model may be taken into use here: what its card says is tried, and what is wrong is said.

Run as a program, it examines a card in a process of its own (`examined_apart`): a model that crashes, hangs
or eats the memory does so there, and the eyes go on with the one they have.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.vision import golden
from edge.vision.boxes import Floats
from edge.vision.card import Model, load_model
from edge.vision.detectors import FAINTEST, Adapted, DetectorFailedError, Network
from edge.vision.detectors.dnn import Net
from edge.vision.detectors.onnx import Session
from edge.vision.letterbox import Tensor, letterbox, tensor, whole
from edge.vision.model import HEADS, Picture
from sitewarden.errors import ConfigurationError

LIMIT_S = 60.0
"""A model that cannot be examined within this time is refused."""
_MOST_MEMORY = 1 << 30
"""Bytes of its own for the process that examines; a shipped model takes a third of it."""
_SMALLEST, _LARGEST = 96, 1280
_ROUNDS = 7
Answers = Sequence[NDArray[np.float32]]
_MANUAL = "See docs/how-to/bring-your-own-detector.md."


class Findings(msgspec.Struct, frozen=True, kw_only=True, tag="findings"):
    """What was found of a model that may be taken into use."""

    name: str
    sha256: str
    size: int
    infer_ms: float
    """Median of one input, letterboxing and the like not counted."""
    golden_off: float | None
    """By how much it is off the card's golden answers; none where the card has none."""
    witness_off: float | None
    """By how much the other library computes otherwise; none where it cannot compute it at all."""
    notes: tuple[str, ...] = ()


def network_of(model: Model, *, provider: str, threads: int) -> Network:
    """The model, ready to compute; raises `DetectorFailedError`."""
    return Adapted(model.card, Net(model) if provider == "opencv" else Session(model, threads))


def examine(file: Path, *, provider: str = "onnxruntime", threads: int = 1, budget_ms: float) -> Findings:
    """Everything that is tried before a model is taken; raises `ConfigurationError` where it is refused."""
    model = load_model(file)
    _check_card(file, model)
    try:
        return _tried(file, model, provider, threads, budget_ms)
    except DetectorFailedError as exc:
        message = f"{model.card.file}: {exc}"
        raise ConfigurationError(file, 0, "file", message, f"Export it anew. {_MANUAL}") from exc


def _check_card(file: Path, model: Model) -> None:
    card = model.card
    names = [kind.name for kind in card.kinds]
    for name in HEADS:
        if names.count(name) != 1:
            message = f"names the kind `{name}` {names.count(name)} times"
            mend = f"A detector of heads tells {' and '.join(HEADS)} apart. {_MANUAL}"
            raise ConfigurationError(file, 0, "kinds", message, mend)
    if not _SMALLEST <= card.input.size <= _LARGEST:
        message = f"is {card.input.size}"
        mend = f"Export it for {_SMALLEST} to {_LARGEST} pixels."
        raise ConfigurationError(file, 0, "input.size", message, mend)


def _tried(file: Path, model: Model, provider: str, threads: int, budget_ms: float) -> Findings:
    card = model.card
    if wrong := Session(model, threads).mismatch(card):
        raise ConfigurationError(file, 0, "file", f"{card.file} {wrong}", f"Mend the card. {_MANUAL}")
    network = network_of(model, provider=provider, threads=threads)
    infer_ms = _timed(file, card.input.size, network, budget_ms)
    given = golden.answers(card, network)
    _check_sense(file, model, network, given)
    golden_off = golden.off_golden(card, given) if card.golden else None
    # `not ≤` also refuses what is not a number.
    if golden_off is not None and not golden_off <= golden.FARTHEST:
        message = f"this machine computes {card.file} otherwise: {golden_off:.1e} off"
        mend = "Try the other `provider`, or another release of its library."
        raise ConfigurationError(file, 0, "golden", message, mend)
    witness_off, notes = _witness(file, model, given, provider, trusted=golden_off is not None)
    return Findings(
        name=card.name,
        sha256=card.sha256,
        size=card.input.size,
        infer_ms=round(infer_ms, 1),
        golden_off=golden_off,
        witness_off=witness_off,
        notes=notes,
    )


def _check_sense(file: Path, model: Model, network: Network, given: Answers) -> None:
    """Answers are scores and boxes, and nobody is seen where nobody is."""
    card = model.card
    empty = network(np.full((1, 3, card.input.size, card.input.size), card.input.padding, np.float32))
    for answer in (empty, *given):
        if wrong := _senseless(answer):
            raise ConfigurationError(file, 0, "output", f"{card.file} {wrong}", _MANUAL)
    for column, kind in enumerate(card.kinds, 4):
        if (best := float(empty[:, column].max())) >= kind.threshold:
            message = f"{card.file} sees `{kind.name}` in an empty picture, with a score of {best:.2f}"
            raise ConfigurationError(file, 0, "kinds", message, "Raise its threshold, or train it further.")


def _senseless(answer: NDArray[np.float32]) -> str:
    boxes, scores = answer[:, :4], answer[:, 4:]
    if not np.isfinite(answer).all():
        return "gives what is no number"
    if scores.min() < -golden.FARTHEST or scores.max() > 1 + golden.FARTHEST:
        return f"gives scores from {scores.min():.2f} to {scores.max():.2f}, and they must be 0 to 1"
    told = boxes[scores.max(axis=1) >= FAINTEST]
    if len(told) and _inside_out(told).any():
        return "gives boxes whose right is left or whose bottom is top; they must be x1 y1 x2 y2"
    return ""


def _inside_out(boxes: Floats) -> NDArray[np.bool_]:
    return np.asarray((boxes[:, 2:] <= boxes[:, :2]).any(axis=1))


def _timed(file: Path, size: int, network: Network, budget_ms: float) -> float:
    """Median milliseconds of one input."""
    given = np.random.default_rng(0).uniform(0, 255, (1, 3, size, size)).astype(np.float32)
    network(given)
    took_ms = statistics.median(milliseconds(network, given) for _ in range(_ROUNDS))
    if took_ms > budget_ms:
        message = f"takes {took_ms:.0f} ms for one input here, and vision.budget_ms is {budget_ms:g}"
        mend = "Take a smaller network or input, or allow it more; heads are then looked at more seldom."
        raise ConfigurationError(file, 0, "file", message, mend)
    return took_ms


def milliseconds(network: Callable[[Tensor], object], given: Tensor) -> float:
    """What one input takes, by the clock on the wall."""
    began = time.perf_counter()
    network(given)
    return 1000 * (time.perf_counter() - began)


def _witness(
    file: Path, model: Model, given: Answers, provider: str, *, trusted: bool
) -> tuple[float | None, tuple[str, ...]]:
    """By how much the other library is off, and what is to be said of that.

    It decides only where the card has no golden answers: OpenCV computes some eight-bit networks wrongly.
    """
    other = "onnxruntime" if provider == "opencv" else "opencv"
    apart: float | None = None
    try:
        witness = network_of(model, provider=other, threads=1)
        theirs = golden.answers(model.card, witness)
        size = model.card.input.size
        apart = golden.farthest(golden.off(*pair, size) for pair in zip(given, theirs, strict=True))
        said = f"{provider} and {other} differ by {apart:.1e}"
    except DetectorFailedError as exc:
        said = str(exc)
    if apart is not None and apart <= golden.FARTHEST:
        return apart, ()
    if trusted:
        return apart, (f"{said}; the card's golden answers decide",)
    mend = "Add golden answers where its figures were measured: sitewarden edge camera model FILE --golden"
    raise ConfigurationError(file, 0, "golden", f"nothing shows that it is computed rightly: {said}", mend)


def parity(file: Path, pictures: Sequence[Picture]) -> float:
    """By how much onnxruntime and OpenCV differ at most over whole pictures, in pixels and scores."""
    model = load_model(file)
    left, right = (network_of(model, provider=name, threads=1) for name in ("onnxruntime", "opencv"))
    size = model.card.input.size
    squares = (letterbox(one, whole(one.shape), size, model.card.input.padding) for one in pictures)
    given = [tensor(square) for square in squares]
    return golden.farthest(np.abs(left(one) - right(one)).max() for one in given)


def write_golden(file: Path) -> None:
    """Keep in the card what this machine computes, so that others can be held against it."""
    model = load_model(file)
    _check_card(file, model)
    try:
        given = golden.answers(model.card, network_of(model, provider="onnxruntime", threads=1))
    except DetectorFailedError as exc:
        raise ConfigurationError(file, 0, "file", f"{model.card.file}: {exc}", _MANUAL) from exc
    card = msgspec.structs.replace(model.card, golden=golden.measured(given))
    file.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")


def examined_apart(
    file: Path, *, provider: str = "onnxruntime", threads: int = 1, budget_ms: float, limit_s: float = LIMIT_S
) -> Findings:
    """`examine` in a process of its own; raises `ConfigurationError` also where that does not come back."""
    command = [sys.executable, "-m", "edge.vision.examining", str(file), provider, str(threads)]
    try:
        done = subprocess.run(  # noqa: S603  our own program
            [*command, str(budget_ms)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        message = f"was not examined within {limit_s:g} s"
        raise ConfigurationError(file, 0, "file", message, "Take a smaller network.") from exc
    try:
        told = msgspec.json.decode(done.stdout, type=Findings | _Refusal)
    except msgspec.DecodeError as exc:
        message = f"the process that examined it ended with {done.returncode} and said nothing"
        raise ConfigurationError(
            file, 0, "file", message, "It crashes what computes it: take another."
        ) from exc
    if isinstance(told, _Refusal):
        raise ConfigurationError(file, 0, told.field, told.message, told.mend)
    return told


class _Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """How the process says no."""

    field: str
    message: str
    mend: str


def main(arguments: list[str]) -> int:
    """Examine one card and tell the findings, or why it is refused, as one line of JSON."""
    file, provider, threads, budget_ms = arguments
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    cv2.setNumThreads(int(threads))
    told: Findings | _Refusal
    try:
        told = examine(Path(file), provider=provider, threads=int(threads), budget_ms=float(budget_ms))
    except ConfigurationError as exc:
        told = _Refusal(exc.field, exc.message, exc.mend)
    sys.stdout.buffer.write(msgspec.json.encode(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
