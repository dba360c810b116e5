"""Models of a site's own, for tests: the shipped card with other bytes."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from edge.vision import card
from tests.support import onnx

SIZE, POINTS = 320, 2100
SHIPPED_320 = card.SHIPPED / "helmet-320.json"


def answer(points: int = POINTS, kinds: int = 2) -> np.ndarray:
    """Nobody anywhere: small boxes with scores of nothing."""
    rows = np.zeros((1, points, 4 + kinds), np.float32)
    rows[0, :, 2:4] = 10
    return rows


def written(folder: Path, content: bytes | None = None, name: str = "own", **changes: object) -> Path:
    """A card and its model in `folder`; without `content` the shipped model under another name."""
    shipped = card.load_model(SHIPPED_320)
    given = shipped.onnx if content is None else content
    if content is not None:
        changes = {"golden": (), **changes}
    read = msgspec.structs.replace(
        shipped.card, name=name, file=f"{name}.onnx", sha256=hashlib.sha256(given).hexdigest(), **changes
    )
    (folder / read.file).write_bytes(given)
    file = folder / f"{name}.json"
    file.write_bytes(msgspec.json.encode(read))
    return file


def standing(folder: Path, rows: np.ndarray, **changes: object) -> Path:
    """A model that always gives these rows, and its card."""
    return written(folder, onnx.model(rows, size=SIZE), **changes)
