import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tools.train_helmet.boxes import letterbox_scale, overlaps, side, suppress

corners = arrays.arrays(
    float, st.tuples(st.integers(1, 8), st.just(4)), elements=st.floats(0, 400, allow_nan=False, width=32)
).map(lambda raw: np.concatenate((raw[:, :2], raw[:, :2] + raw[:, 2:] + 1), axis=1))


@given(corners, corners)
def test_two_boxes_overlap_the_same_from_either_side_and_by_a_share(left, right) -> None:
    shared = overlaps(left, right)
    assert shared == pytest.approx(overlaps(right, left).T)
    assert ((shared >= 0) & (shared <= 1 + 1e-9)).all()


@given(corners)
def test_a_box_is_all_of_itself(boxes) -> None:
    assert np.diag(overlaps(boxes, boxes)) == pytest.approx(np.ones(len(boxes)))


def test_half_of_a_box_beside_it_shares_a_third() -> None:
    assert overlaps(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10]])) == pytest.approx(1 / 3)


@given(corners)
def test_boxes_that_stay_are_apart_and_every_other_is_near_a_better_one(boxes) -> None:
    scores = np.linspace(1, 0.1, len(boxes))
    kept = suppress(boxes, scores)
    among = overlaps(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert among.max() <= 0.6
    dropped = [at for at in range(len(boxes)) if at not in kept]
    for at in dropped:
        better = [one for one in kept if scores[one] >= scores[at]]
        assert overlaps(boxes[at : at + 1], boxes[better]).max() > 0.6


def test_the_best_box_stands_first() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60], [1, 0, 11, 10]])
    assert suppress(boxes, np.array([0.4, 0.9, 0.8])) == [1, 2]


def test_no_boxes_are_no_trouble() -> None:
    assert suppress(np.empty((0, 4)), np.empty(0)) == []


def test_a_wide_photo_fits_by_its_width() -> None:
    assert letterbox_scale(480, 640, 416) == pytest.approx(0.65)


def test_the_size_of_a_head_is_the_side_of_a_square_as_large() -> None:
    assert side(np.array([[0.0, 0, 20, 5]])) == pytest.approx([10])
