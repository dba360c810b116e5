"""The simulator's own load chart arithmetic, against numbers worked out by hand."""

from pathlib import Path

import pytest

from firmware_sim.chart import load_ratio, radius_for, rated_load
from sitewarden.charts import load_chart

LINE = load_chart("tc5610-like", Path()).falls[4]


@pytest.mark.parametrize(
    ("radius", "rated"),
    [(5.0, 6.0), (13.7, 6.0), (25.0, 2.94), (27.5, 2.645), (56.0, 1.0), (56.01, 0.0)],
)
def test_the_rated_load_is_linear_between_points_and_nothing_beyond(radius: float, rated: float) -> None:
    assert rated_load(LINE, radius) == pytest.approx(rated)


@pytest.mark.parametrize(
    ("load", "radius", "percent"),
    [
        (2.80, 25.0, 95.238),
        (3.00, 25.0, 102.041),
        (2.60, 30.0, 110.638),
        (0.1, 57.0, 999.9),
        (0.0, 57.0, 0.0),
    ],
)
def test_the_ratio_is_of_the_rated_load_at_this_radius(load: float, radius: float, percent: float) -> None:
    assert load_ratio(LINE, load, radius) == pytest.approx(percent, abs=0.001)


@pytest.mark.parametrize("load", [1.0, 1.3, 2.0, 2.94, 5.99])
def test_the_farthest_radius_for_a_load_is_where_it_is_the_rated_one(load: float) -> None:
    assert rated_load(LINE, radius_for(LINE, load)) == pytest.approx(load)


def test_a_load_above_the_whole_chart_has_no_radius() -> None:
    assert radius_for(LINE, 6.1) == 0.0
