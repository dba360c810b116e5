"""Random draws (双随机): the same from the same seed, by whoever draws again. Pure.

Each name is ranked by the SHA-256 of the seed, a line feed and the name; the first so many are drawn. Anybody
can do that with a pencil and `sha256sum`.
"""

import hashlib
import math
from collections.abc import Iterable

METHOD = "sha256(seed + LF + name), ascending; ceil(fraction x number)"


def draw(names: Iterable[str], fraction: float, seed: str) -> list[str]:
    """At least that share of them, in the order in which they are drawn; none of none."""
    known = set(names)
    # A share such as 0.1 of 10 is a little more than 1 in binary, and must not become 2.
    count = math.ceil(round(fraction * len(known), 9))
    return sorted(known, key=lambda name: (_rank(seed, name), name))[:count]


def _rank(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
