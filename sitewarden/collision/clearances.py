"""The distances that standards ask for, as data: `clearances.yaml`."""

from functools import cache
from importlib import resources

import msgspec

from sitewarden.collision.model import Clearance
from sitewarden.errors import SiteWardenError
from sitewarden.rules.model import Basis


class NotGivenError(SiteWardenError):
    """The table has no distance for this voltage."""


class Erected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How cranes must stand to one another, however they turn."""

    jib_end_to_mast_m: float
    high_over_low_m: float
    basis: Basis


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of voltage, both ends included."""

    from_kv: float
    to_kv: float
    below: bool = False
    """The upper end is not included: 'below 1 kV'."""
    vertical_m: float
    horizontal_m: float

    def holds(self, kilovolts: float) -> bool:
        """Whether a line of this voltage is in the class."""
        return self.from_kv <= kilovolts and (
            kilovolts < self.to_kv if self.below else kilovolts <= self.to_kv
        )


class PowerLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table of voltages."""

    basis: Basis
    rows: list[Row]


class Clearances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    erected: Erected
    power_lines: PowerLines


@cache
def clearances() -> Clearances:
    """The shipped data, read once."""
    import yaml  # noqa: PLC0415  only this table needs it

    text = resources.files("sitewarden.collision").joinpath("clearances.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Clearances)


def for_voltage(kilovolts: float) -> Clearance:
    """What the table asks for; raises `NotGivenError` where it says nothing."""
    table = clearances().power_lines
    for row in table.rows:
        if row.holds(kilovolts):
            return Clearance(vertical_m=row.vertical_m, horizontal_m=row.horizontal_m)
    raise NotGivenError(f"{table.basis.clause} gives no distance for {kilovolts:g} kV")
