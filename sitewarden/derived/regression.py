"""Least squares for short series in plain Python: what lies beside a daily cycle, and how sure it is.

A gateway has no numpy, and two hundred samples need none. What disturbs a wall lasts for hours and days
(sun, rain, a cold front), so its residuals are no independent samples: their number is estimated from them.
"""

import math
from collections.abc import Sequence
from operator import mul
from statistics import NormalDist, median
from typing import NamedTuple

Column = Sequence[float]

DAY_H = 24.0
_DEPENDENT = 1e-9
"""Less of a column than this share left over, and it says nothing that the others do not."""
_NORMAL = NormalDist()


class Basis:
    """Columns that explain a series, made orthonormal: what they explain can be taken out of others."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """A column that follows from those before it is left out."""
        self._columns: list[list[float]] = []
        for column in columns:
            rest = self.freed(self.freed(column))  # twice, for once leaves dust
            norm = math.sqrt(dot(rest, rest))
            if norm > _DEPENDENT * math.sqrt(len(rest)):
                self._columns.append([x / norm for x in rest])

    def __len__(self) -> int:
        return len(self._columns)

    def freed(self, column: Column) -> list[float]:
        """What is left of a column without these."""
        rest = list(column)
        for own in self._columns:
            share = dot(own, rest)
            rest = [x - share * y for x, y in zip(rest, own, strict=True)]
        return rest

    def left_over(self, column: Column) -> float:
        """The sum of squares of what would be left, without making it."""
        return max(0.0, dot(column, column) - sum(dot(own, column) ** 2 for own in self._columns))


class Slope(NamedTuple):
    """A straight line's."""

    value: float
    """A hour."""
    error: float
    """Its standard error, with as many independent samples as the residuals are worth."""
    freedom: float
    """Degrees of freedom that are left."""


def dot(a: Column, b: Column) -> float:
    """The inner product."""
    total: float = sum(map(mul, a, b))
    return total


def daily(hours: Column, harmonics: int) -> list[Column]:
    """The columns of a level and a daily cycle with so many harmonics."""
    columns: list[Column] = [[1.0] * len(hours)]
    for n in range(1, harmonics + 1):
        turn = 2.0 * math.pi * n / DAY_H
        columns += [[math.cos(turn * t) for t in hours], [math.sin(turn * t) for t in hours]]
    return columns


def independent(residuals: Column) -> float:
    """So many independent samples the residuals are worth, by their first autocorrelation."""
    total = dot(residuals, residuals)
    if total <= 0.0:
        return float(len(residuals))
    alike = min(0.99, max(0.0, dot(residuals[:-1], residuals[1:]) / total))
    return len(residuals) * (1.0 - alike) / (1.0 + alike)


def slope(beside: Sequence[Column], along: Column, values: Column) -> Slope:
    """How much of `along` there is in the values, beside other columns."""
    others = Basis(beside)
    own, rest = others.freed(along), others.freed(values)
    spread = dot(own, own)
    steepness = dot(own, rest) / spread
    residuals = [y - steepness * x for x, y in zip(own, rest, strict=True)]
    asked = len(others) + 1
    worth = independent(residuals)
    variance = dot(residuals, residuals) / max(1.0, len(values) - asked)
    return Slope(steepness, math.sqrt(variance / spread * len(values) / worth), worth - asked)


def student(probability: float, freedom: float) -> float:
    """The quantile of Student's t, by the expansion of Cornish and Fisher: good from 3 degrees on."""
    z, v = _NORMAL.inv_cdf(probability), max(1.0, freedom)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def without_outliers(values: Column) -> list[float]:
    """Running medians of three with Tukey's rule at the ends: a lone outlier goes, what moves stays."""
    if len(values) < 3:  # noqa: PLR2004  a median of three needs three
        return list(values)
    middle = [median(values[i - 1 : i + 2]) for i in range(1, len(values) - 1)]
    if len(middle) == 1:
        return [values[0], *middle, values[-1]]
    first = median((values[0], middle[0], 3 * middle[0] - 2 * middle[1]))
    last = median((values[-1], middle[-1], 3 * middle[-1] - 2 * middle[-2]))
    return [first, *middle, last]
