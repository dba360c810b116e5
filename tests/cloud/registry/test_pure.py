"""What needs no database: the order of a life, the scale of a work, images and tables of whatever bytes."""

import contextlib
import datetime as dt
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.registry.columns import CHART, TABLES
from cloud.registry.images import MAX_BYTES, NoImageError, image_of
from cloud.registry.lifecycle import ORDER, Done, OutOfOrderError, standing
from cloud.registry.sheets import SheetError, read_sheet
from cloud.registry.works import scale_of, works
from sitewarden.loadchart import faults

TODAY = dt.date(2026, 11, 20)
KINDS = st.sampled_from(["crane", "hoist", "pit", "other"])


def life(*steps: str) -> list[Done]:
    """A step a day."""
    return [Done(step, TODAY - dt.timedelta(days=len(steps) - n)) for n, step in enumerate(steps)]


class TestLife:
    """Any life that only ever takes steps that may follow is one; any other step is refused."""

    @given(kind=KINDS, data=st.data())
    def test_what_may_follow_may_follow_and_nothing_else(self, kind, data):
        steps: list[str] = []
        for _ in range(data.draw(st.integers(0, 14))):
            following = standing(kind, life(*steps), TODAY).following
            steps.append(data.draw(st.sampled_from(following)))
        found = standing(kind, life(*steps), TODAY)
        for step in set(ORDER) - set(found.following) - {"filed", "installed", "in_use"}:
            with pytest.raises(OutOfOrderError):
                standing(kind, life(*steps, step), TODAY)
        assert found.following, "a life never ends in nothing"

    @given(kind=KINDS, data=st.data())
    def test_the_order_in_which_steps_were_typed_changes_nothing(self, kind, data):
        steps = life("filed", "installed", "inspected", "accepted", "registered", "in_use", "maintained")
        shuffled = data.draw(st.permutations(steps))
        assert standing(kind, shuffled, TODAY) == standing(kind, steps, TODAY)

    @pytest.mark.parametrize("step", ["registered", "in_use"])
    def test_a_crane_is_not_used_before_it_was_accepted(self, step):
        with pytest.raises(OutOfOrderError, match="accepted"):
            standing("crane", life("filed", "installed", "inspected", step), TODAY)

    def test_a_crane_that_climbed_works_again_when_it_was_accepted_again(self):
        steps = ["filed", "installed", "inspected", "accepted", "registered", "in_use", "climbed"]
        assert not standing("crane", life(*steps), TODAY).is_in_use
        with pytest.raises(OutOfOrderError):
            standing("crane", life(*steps, "in_use"), TODAY)
        assert standing("crane", life(*steps, "accepted", "in_use"), TODAY).is_in_use

    def test_a_crane_put_up_elsewhere_begins_anew_but_for_its_filing(self):
        steps = ["filed", "installed", "inspected", "accepted", "registered", "in_use", "dismantled"]
        found = standing("crane", life(*steps), TODAY)
        assert (found.step, found.is_in_use, found.following) == ("dismantled", False, ["installed"])
        with pytest.raises(OutOfOrderError):
            standing("crane", life(*steps, "installed", "in_use"), TODAY)

    def test_a_renewed_inspection_ends_the_mark_of_the_old_one(self):
        old = Done("inspected", TODAY - dt.timedelta(days=400), TODAY - dt.timedelta(days=35))
        before = [
            Done("filed", TODAY - dt.timedelta(days=402)),
            Done("installed", TODAY - dt.timedelta(days=401)),
        ]
        assert standing("crane", [*before, old], TODAY).expired == ["inspected"]
        renewed = Done("inspected", TODAY - dt.timedelta(days=1), TODAY)
        found = standing("crane", [*before, old, renewed], TODAY)
        assert (found.expired, found.expires_on) == ([], TODAY)


class TestWorks:
    """The numbers are data; each is reached by reaching it."""

    def test_each_measure_has_its_scales_in_order(self):
        for category in works().categories.values():
            for measure in category.measures.values():
                if measure.dangerous is not None and measure.over_scale is not None:
                    assert measure.dangerous < measure.over_scale

    @pytest.mark.parametrize(
        ("category", "dimensions", "scale"),
        [
            ("pit", {}, "unknown"),
            ("pit", {"depth_m": 2.99}, "below"),
            ("pit", {"depth_m": 5}, "over_scale"),
            ("formwork", {"height_m": 4, "span_m": 18}, "over_scale"),
            ("formwork", {"height_m": 5, "span_m": 1}, "dangerous"),
            ("lifting", {"rated_load_kn": 60}, "dangerous"),
            ("demolition", {"height_m": 99}, "unknown"),
        ],
    )
    def test_the_largest_scale_that_a_dimension_reaches_counts(self, category, dimensions, scale):
        assert scale_of(works().categories[category], dimensions) == scale


class TestImages:
    """Nothing but a PNG or JPEG, and no bytes that make us stumble."""

    @given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\xff\xd8\xff" + tail))
    def test_any_bytes_are_an_image_or_refused(self, content):
        try:
            found = image_of(content)
        except NoImageError:
            return
        assert found.width > 0
        assert found.height > 0

    def test_a_jpeg_s_size_is_that_of_its_frame(self):
        app = b"\xff\xe0" + struct.pack(">H", 16) + b"\0" * 14
        frame = b"\xff\xc2" + struct.pack(">HBHH", 11, 8, 600, 800) + b"\1" * 4
        assert image_of(b"\xff\xd8" + app + frame) == ("image/jpeg", 800, 600)

    def test_one_too_large_is_refused(self):
        with pytest.raises(NoImageError, match="at most"):
            image_of(b"\x89PNG\r\n\x1a\n" + b"\0" * MAX_BYTES)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_refused(content):
    for columns in (CHART, TABLES["operators"]().columns):
        with contextlib.suppress(SheetError):
            assert read_sheet(content, columns).titles


@given(
    st.lists(
        st.tuples(st.floats(1, 100, allow_nan=False), st.floats(0, 50, allow_nan=False)),
        min_size=1,
        max_size=8,
    )
)
def test_a_chart_is_without_fault_only_where_it_never_rises(line):
    ascends = all(a[0] < b[0] and a[1] >= b[1] for a, b in pairwise(line))
    assert (not list(faults({2: line}))) == ascends
