"""Design values under the names that rule packs give their parameters: what may be given, and as what."""

import difflib
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sitewarden.rules.packs import Asked, built_in_packs, load_pack

OF_THE_PIT = frozenset({"pit_class", "support", "depth_m"})
"""Given once for the pit, never for a point of it."""


@cache
def known_parameters() -> Mapping[str, Asked]:
    """Every parameter that the shipped packs for pits ask for, by its name."""
    found: dict[str, Asked] = {}
    for pack in (load_pack(name, Path()) for name in built_in_packs()):
        if any(rule.watch.startswith("pit.") for rule in pack.rules):
            for name, asked in pack.parameters.items():
                found.setdefault(name, asked)
    return found


def support_types() -> tuple[str, ...]:
    """The retaining structures that the packs know."""
    return tuple(str(choice) for choice in known_parameters()["support"].choices)


def checked_parameters(parameters: dict[str, float | str]) -> dict[str, float | str]:
    """The same; raises `ValueError` at the first that no pack asks for, or that it cannot be."""
    for name, value in parameters.items():
        complaint = complaint_about(name, value)
        if complaint:
            raise ValueError(complaint)
    return parameters


def complaint_about(name: str, value: float | str) -> str:
    """What is wrong with a point's parameter; empty where nothing is."""
    asked = known_parameters().get(name)
    if asked is None:
        near = difflib.get_close_matches(name, known_parameters(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"no rule pack asks for `{name}`{hint}"
    if name in OF_THE_PIT:
        return f"`{name}` is said of the pit, not of a point"
    if asked.choices and value not in asked.choices:
        return f"`{name}` is one of {', '.join(map(str, asked.choices))}"
    if not asked.choices and (isinstance(value, str) or not math.isfinite(value)):
        return f"`{name}` is a number"
    return ""
