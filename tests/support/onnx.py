"""ONNX files written byte by byte, for models that are wrong in one way each."""

from collections.abc import Iterable, Sequence

import numpy as np

FLOAT, INT64 = 1, 7
_VARINT, _BYTES = 0, 2


def model(answer: np.ndarray, *, size: int = 320, takes: str = "image", gives: str = "heads") -> bytes:
    """A network that gives `answer` for any picture of `size`: it adds the picture's mean, times nothing."""
    nodes = (
        _node("ReduceMean", [takes], "mean", keepdims=0),
        _node("Mul", ["mean", "nothing"], "zero"),
        _node("Add", ["answer", "zero"], gives),
    )
    return _file(nodes, takes, (1, 3, size, size), gives, answer)


def glutton(answer: np.ndarray, *, size: int = 320) -> bytes:
    """A network that wants four gigabytes to come to the same."""
    nodes = (
        _node("ReduceMean", ["image"], "mean", keepdims=0),
        _node("ConstantOfShape", ["shape"], "much"),
        _node("Add", ["much", "mean"], "more"),
        _node("ReduceMean", ["more"], "least", keepdims=0),
        _node("Mul", ["least", "nothing"], "zero"),
        _node("Add", ["answer", "zero"], "heads"),
    )
    return _file(nodes, "image", (1, 3, size, size), "heads", answer, _tensor("shape", np.array([1 << 30])))


def _file(
    nodes: Iterable[bytes], takes: str, shape: Sequence[int], gives: str, answer: np.ndarray, *more: bytes
) -> bytes:
    graph = b"".join(_field(1, node) for node in nodes)
    graph += _field(2, b"wrong-on-purpose")
    graph += _field(5, _tensor("answer", answer)) + _field(5, _tensor("nothing", np.zeros(())))
    graph += b"".join(_field(5, tensor) for tensor in more)
    graph += _field(11, _value(takes, shape)) + _field(12, _value(gives, answer.shape))
    operators = _field(8, _field(1, b"") + _number(2, 17))
    return _number(1, 8) + _field(7, graph) + operators


def _node(operator: str, takes: Sequence[str], gives: str, **attributes: int) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in takes)
    node += _field(2, gives.encode()) + _field(3, gives.encode()) + _field(4, operator.encode())
    for name, value in attributes.items():
        node += _field(5, _field(1, name.encode()) + _number(3, value) + _number(20, 2))
    return node


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_number(1, length) for length in values.shape)
    whole = values.dtype == np.int64
    content = values.astype("<i8" if whole else "<f4").tobytes()
    return dims + _number(2, INT64 if whole else FLOAT) + _field(8, name.encode()) + _field(9, content)


def _value(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_field(1, _number(1, length)) for length in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, FLOAT) + _field(2, dims)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
