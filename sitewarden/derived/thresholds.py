"""Numbers that derivations work with: data with source and confidence, and a device may have its own."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A default, what it means, and where it comes from."""

    value: float | None
    """`None` where nobody but the site can know: left out, what needs it is not derived."""
    unit: str
    range: tuple[float, float]
    """What can be meant."""
    devices: tuple[str, ...]
    """The kinds of device whose parameter it may be."""
    points: frozenset[str] = frozenset()
    """The kinds of point that may have their own."""
    zh: str
    en: str
    source: str
    confidence: Literal["agreed", "one-source", "memory", "practice"]

    def allows(self, value: float) -> bool:
        """Whether the value can be meant."""
        return self.range[0] <= value <= self.range[1]


@cache
def thresholds() -> Mapping[str, Threshold]:
    """Every threshold by its name; read once from `thresholds.yaml`."""
    import yaml  # noqa: PLC0415  only this table and the vocabulary need YAML

    text = resources.files("sitewarden.derived").joinpath("thresholds.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Threshold])


def chosen(name: str, parameters: Mapping[str, float]) -> float:
    """The device's own value, or the default; `KeyError` where there is neither."""
    value = parameters[name] if name in parameters else thresholds()[name].value
    if value is None:
        raise KeyError(name)
    return value
