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


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a share is worth where several places are compared."""

    weight: float
    good: float
    """From there on it has all points,"""
    bad: float
    """and from there on none."""

    def points(self, value: float) -> float:
        """From 0 to 100."""
        return round(100 * min(1.0, max(0.0, (value - self.bad) / (self.good - self.bad))), 1)


class Ranking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How places are compared, and of how much must be known for it."""

    source: Text
    records: int
    weight: float
    components: dict[str, Component]
    """By the id of an indicator, or `indicator/part`."""


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a figure of alarms should be."""

    label: Text
    unit: Literal["count", "share", "seconds", "hours"] = "count"
    good: float
    most: float
    source: Text
    confidence: str


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`indicators.yaml`."""

    source: Text
    indicators: dict[str, Indicator]
    parts: dict[str, Text]
    """The numbers beside them."""
    missing: dict[str, Text]
    """Why a number is unknown."""
    ranking: Ranking
    alarm_figures: dict[str, Figure]

    def label(self, name: str) -> Text:
        """Of an indicator, or of `indicator/part`."""
        indicator, _, part = name.partition("/")
        return self.parts[part] if part else self.indicators[indicator].label


@cache
def descriptions() -> File:
    """What `indicators.yaml` says."""
    with resources.as_file(resources.files("cloud.indicators") / "indicators.yaml") as file:
        return documents.load(file, File)
