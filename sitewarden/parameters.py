"""What a site gives to rules and derivations: for a whole device, and for one point of it, which wins."""

from collections.abc import Mapping
from types import MappingProxyType

Parameters = Mapping[str, float | str]
"""By the names that rule packs and derivations ask for: control values of the design, classes, a depth."""
ByPoint = Mapping[str, Parameters]
"""The same by point of one device, named as `point_key` names it."""

NO_POINTS: ByPoint = MappingProxyType({})


def point_key(point: str) -> str:
    """`strut_3` of `logger-1/strut_3.strut_force`: what is derived from a sensor is the sensor's."""
    return point.partition("/")[2].partition(".")[0]


def parameters_at(point: str, parameters: Parameters, by_point: ByPoint) -> Parameters:
    """What holds at this point: its own, and for every other name its device's."""
    own = by_point.get(point_key(point))
    return {**parameters, **own} if own else parameters
