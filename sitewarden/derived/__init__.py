"""Derived points: what no sensor says but a rule needs; pure, the same live and over a history.

`derivations_of` finds them for a device. A derivation of one's own is a class that satisfies `Derivation`
and a maker in `sitewarden.derived.registry`.
"""

from sitewarden.derived.crane import (
    BEYOND_CHART_PERCENT,
    CRANE_DERIVED,
    CRANE_INPUTS,
    InputMissingError,
    crane_points,
)
from sitewarden.derived.creep import CONTROLS
from sitewarden.derived.displacement import DAY_MS, DISPLACEMENTS, SPACING_MS, Displacement
from sitewarden.derived.model import Derivation, DerivedPoint, Subject
from sitewarden.derived.registry import Derivations, derivations_of
from sitewarden.derived.thresholds import Threshold, thresholds
from sitewarden.derived.tilt import TILTS
from sitewarden.instruments import Instruments

__all__ = [
    "BEYOND_CHART_PERCENT",
    "CONTROLS",
    "CRANE_DERIVED",
    "CRANE_INPUTS",
    "DAY_MS",
    "DISPLACEMENTS",
    "SPACING_MS",
    "TILTS",
    "Derivation",
    "Derivations",
    "DerivedPoint",
    "Displacement",
    "InputMissingError",
    "Instruments",
    "Subject",
    "Threshold",
    "crane_points",
    "derivations_of",
    "thresholds",
]
