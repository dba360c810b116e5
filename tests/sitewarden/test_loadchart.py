"""Rated loads by the chart, with the vectors of the synthetic charts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.charts import load_chart
from sitewarden.errors import ConfigurationError
from sitewarden.loadchart import UnknownFallsError

HERE = Path(__file__).parent
TC5610 = load_chart("tc5610-like", HERE)


@pytest.mark.parametrize(
    ("radius_m", "falls", "rated_t"),
    [
        (3, 4, 6.0),
        (13.7, 4, 6.0),
        (14, 4, 5.85),
        (25, 4, 2.94),
        (56, 4, 1.0),
        (56.01, 4, 0.0),
        (24.6, 2, 3.0),
    ],
)
def test_the_chart_is_exact_at_its_points_and_its_ends(radius_m: float, falls: int, rated_t: float) -> None:
    assert TC5610.rated_load(radius_m, falls) == rated_t


def test_between_two_points_the_load_is_linear() -> None:
    assert TC5610.rated_load(27.5, 4) == pytest.approx((2.94 + 2.35) / 2)


@given(st.floats(0, 70), st.floats(0, 70))
def test_further_out_never_allows_more(one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert TC5610.rated_load(far, 4) <= TC5610.rated_load(near, 4)


def test_falls_the_crane_does_not_have_are_refused() -> None:
    with pytest.raises(UnknownFallsError, match="3 falls"):
        TC5610.rated_load(20, 3)


@pytest.mark.parametrize(
    ("line", "field"),
    [("[[10, 5], [10, 4]]", "falls.2.1"), ("[[10, 5], [20, 6]]", "falls.2.1"), ("[]", "falls.2")],
)
def test_a_chart_out_of_order_is_refused_with_its_line(tmp_path: Path, line: str, field: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"chart: own\nsource: test\nfalls:\n  2: {line}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_chart("own.yaml", tmp_path)
    assert (caught.value.line, caught.value.field) == (4, field)


def test_an_unknown_chart_lists_the_shipped_ones() -> None:
    with pytest.raises(ConfigurationError, match="tc6013-like"):
        load_chart("tc5000", HERE)
