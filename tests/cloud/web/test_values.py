"""The newest values of a site: as one point says them, and as thousands do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.readings.service import number_of, numbers_of
from sitewarden.messages import Series
from sitewarden.points import vocabulary
from sitewarden.quality import Quality
from tests.cloud.site import birth, now_ms, readings

RESOLUTIONS = sorted({kind.resolution for kind in vocabulary().values()})


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(-(2**35), 2**35), st.sampled_from(RESOLUTIONS)), min_size=1, max_size=50)
)
def test_many_numbers_are_written_as_each_of_them_is(given_ones):
    multiples, resolutions = zip(*given_ones, strict=True)
    shown = numbers_of(np.array(multiples), np.array(resolutions)).tolist()
    assert shown == [number_of(resolution)(multiple) for multiple, resolution in given_ones]


def test_of_many_points_each_says_its_own(web, site):
    """Those that are good and those that are not, with and without something good before, in one answer."""
    said = {
        "crane-1/load": [(1.5, Quality.GOOD), (2.25, Quality.GOOD)],
        "crane-1/load_ratio": [(None, Quality.TIMEOUT), (None, Quality.DISCONNECTED)],
        "crane-2/load": [(3.5, Quality.GOOD), (None, Quality.TIMEOUT)],
        "crane-2/load_ratio": [(40.0, Quality.GOOD), (41.0, Quality.STALE)],
    }
    at = now_ms()
    series = [
        Series(p=point, t=[0, 200], x=[x for x, _ in of], q=[quality for _, quality in of])
        for point, of in said.items()
    ]
    site.deliver(birth(points={point: f"crane.{point.partition('/')[2]}" for point in said}))
    site.deliver(readings(at=at, series=series))
    last = {"at_ms": at, "value": 3.5}
    shown = {
        "crane-1/load": (2.25, "good", None),
        "crane-1/load_ratio": (None, "disconnected", None),
        "crane-2/load": (None, "timeout", last),
        "crane-2/load_ratio": (41.0, "stale", {**last, "value": 40.0}),
    }
    expected = {
        point: {"at_ms": at + 200, "value": value, "quality": quality, "last": before}
        for point, (value, quality, before) in shown.items()
    }
    assert web.get("/sites/demo/values").json()["values"] == expected
    with web.stream() as stream:
        live = stream.next("values")["values"]
    assert live == {
        point: {key: part for key, part in value.items() if key != "last" or part}
        for point, value in expected.items()
    }
