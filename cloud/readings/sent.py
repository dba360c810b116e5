"""Columns as PostgreSQL sends them: arrays in binary, of one dimension and without nulls. Pure.

A handful of them is there several times as soon as the rows that they stand for.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

PG_EPOCH_MS = 946_684_800_000
"""The year 2000, from which PostgreSQL counts microseconds."""
NOTHING = np.iinfo(np.int64).min
"""What stands for a null among values: none of them is so far from zero, see `cloud.readings.columns`."""

_HEAD = 20
"""Bytes of an array before its elements."""
_FORMS = {
    form: np.dtype([("length", ">i4"), ("element", f">{form}")])
    for form in ("i2", "i4", "i8", "f8")
}  # fmt: skip
"""Each element after its length."""


def integers(sent: bytes | None, width: int) -> Numbers:
    """Integers of so many bytes each; none where no row was."""
    return _elements(sent, f"i{width}").astype(np.int64)


def floats(sent: bytes | None) -> Floats:
    """Likewise, of `double precision`."""
    return _elements(sent, "f8").astype(np.float64)


def instants_ms(sent: bytes | None) -> Numbers:
    """Likewise, of `timestamptz`: UTC milliseconds."""
    return integers(sent, 8) // 1000 + PG_EPOCH_MS


def _elements(sent: bytes | None, form: str) -> NDArray[np.void]:
    if sent is None:
        return np.empty(0, f">{form}")
    return np.frombuffer(sent, _FORMS[form], offset=_HEAD)["element"]
