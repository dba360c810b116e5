"""What each indicator is, in words and with the values from which on it is amber or red. Read once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Light = Literal["green", "amber", "red", "unknown"]


class Lights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which value on a figure is amber, and from which red."""

    worse: Literal["more", "less"]
    amber: float
    red: float

    def of(self, value: float | None) -> Light:
        """The colour; unknown where there is no value. `more`: from that value; `less`: below it."""
        if value is None:
            return "unknown"
        if self.worse == "more":
            return "red" if value >= self.red else "amber" if value >= self.amber else "green"
        return "red" if value < self.red else "amber" if value < self.amber else "green"


class Indicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of them."""

    no: str
    label: Text
    formula: Text
    unit: Literal["count", "share"]
    light: Lights
    source: Text


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a figure of alarms should be."""

    label: Text
    good: float
    most: float
    source: Text
    confidence: str


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`indicators.yaml`."""

    source: Text
    indicators: dict[str, Indicator]
    alarm_figures: dict[str, Figure]


@cache
def descriptions() -> File:
    """What `indicators.yaml` says."""
    with resources.as_file(resources.files("cloud.indicators") / "indicators.yaml") as file:
        return documents.load(file, File)
