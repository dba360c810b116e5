"""Design values under the names that rule packs give their parameters: what may be given, and as what."""

import difflib
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cloud.complaints import complaint
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
    """The same; raises a complaint at the first that no pack asks for, or that it cannot be."""
    for name, value in parameters.items():
        _check(name, value)
    return parameters


def _check(name: str, value: float | str) -> None:
    asked = known_parameters().get(name)
    if asked is None:
        near = difflib.get_close_matches(name, known_parameters(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise complaint("no-such-parameter", f"no rule pack asks for `{name}`{hint}", name=name)
    if name in OF_THE_PIT:
        raise complaint("of-the-pit", f"`{name}` is said of the pit, not of a point", name=name)
    if asked.choices and value not in asked.choices:
        known = list(map(str, asked.choices))
        said = f"`{name}` is one of {', '.join(known)}"
        raise complaint("parameter-not-among", said, name=name, known=known)
    if not asked.choices and (isinstance(value, str) or not math.isfinite(value)):
        raise complaint("parameter-no-number", f"`{name}` is a number", name=name)
