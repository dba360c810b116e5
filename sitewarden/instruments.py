"""What a site says of the instruments in its pit: what hangs where, and what the certificates give."""

from typing import Annotated, Literal

import msgspec

Key = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_]{0,62}$", description="a name of a-z, 0-9 and _")
]
"""As in a profile, whose package is not imported here: the wire carries instruments and needs no YAML."""
Length = Annotated[float, msgspec.Meta(gt=0, le=10, description="a length in m, above 0, to 10")]
Depth = Annotated[float, msgspec.Meta(gt=0, le=200, description="a depth in m, above 0, to 200")]
WireKind = Literal[
    "pit.strut.force",
    "pit.anchor.force",
    "pit.column.force",
    "pit.wall.moment",
    "pit.earth_pressure",
    "pit.pore_pressure",
    "pit.strain",
]


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every record here has in common: it does not change, and it knows its keys."""


class Element(_Checked, frozen=True, kw_only=True):
    """One tilt sensor of an in-place inclinometer and the piece of casing that it stands for."""

    point: Key
    """Of kind `tilt.x` or `tilt.y`; its zero reading (°) stands under `zero`."""
    length_m: Length
    """From its lower to its upper wheels."""


class Inclinometer(_Checked, frozen=True, kw_only=True):
    """A casing with a chain of tilt sensors, one axis."""

    toe_m: Depth
    """How deep the lower end is, which counts as fixed; it must stand in ground that does not move."""
    elements: Annotated[list[Element], msgspec.Meta(min_length=1, description="at least one element")]
    """From the toe up, without a gap."""


class Compensation(_Checked, frozen=True, kw_only=True):
    """What the warmth of a cell does to its reading, by its maker or by a trial on site."""

    temperature: Key
    """The point that is its temperature, of kind `pit.temperature`."""
    mm_per_c: float
    """How much more it reads for each °C."""
    zero_c: float
    """The temperature at the zero reading, °C."""


class Levelling(_Checked, frozen=True, kw_only=True):
    """Hydrostatic cells on one pipe, `pit.hydrostatic_level`; their zero readings (mm) under `zero`."""

    reference: Key
    """The cell on ground that does not move."""
    cells: Annotated[list[Key], msgspec.Meta(min_length=1, description="at least one cell")]
    """The others."""
    compensation: dict[Key, Compensation] = {}
    """By cell, the reference's too; a cell that is not named is taken as it reads."""


class Certificate(_Checked, frozen=True, kw_only=True):
    """One vibrating wire: G·(R - R0) + K·(T - T0), with R = f²/1000 digits; all four from its certificate."""

    gives: WireKind
    """What it measures, in kN, kN·m, kPa or µε, and G and K in that a digit and a °C."""
    g: float
    r0: Annotated[float, msgspec.Meta(ge=160, le=36_000, description="digits (Hz²/1000), 160 to 36000")]
    k: float
    t0: Annotated[float, msgspec.Meta(ge=-50, le=100, description="°C, -50 to 100")]
    temperature: Key | None = None
    """Its temperature, a point of kind `pit.vibrating_wire.temperature`; without one only where `k` is 0."""


class Instruments(_Checked, frozen=True, kw_only=True):
    """All of one device."""

    inclinometers: dict[Key, Inclinometer] = {}
    """By a name of their own."""
    levellings: dict[Key, Levelling] = {}
    """By a name of their own."""
    vibrating_wires: dict[Key, Certificate] = {}
    """By the key of the point that is the frequency, of kind `pit.vibrating_wire.frequency`."""
    control_mm: dict[Key, Annotated[float, msgspec.Meta(gt=0, description="mm, above 0")]] = {}
    """What older gateways say here, for forecasts only. Read, so that their births and histories are known,
    and never written: a control value is a parameter of its point, for rules and forecasts alike."""
