"""Nobody is known by what is kept, and whether a helmet is worn can be seen: in pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.redaction import CELLS, blacken, redact

HEIGHT, WIDTH = 240, 320
NONE = np.zeros((0, 4), np.float32)


def boxes(*rows: tuple[float, float, float, float]):
    return np.array(rows, np.float32).reshape(-1, 4)


def noise(seed: int = 1):
    """Every pixel tells something: whatever is left of a head would be seen."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def colours(picture, left: int, top: int, right: int, bottom: int) -> int:
    return len(np.unique(picture[top:bottom, left:right].reshape(-1, 3), axis=0))


def detail(picture, left: int, top: int, right: int, bottom: int) -> float:
    """How much neighbours differ."""
    part = picture[top:bottom, left:right].astype(float)
    return float(np.abs(np.diff(part, axis=1)).mean())


def test_of_another_head_a_few_cells_are_left() -> None:
    picture = noise()
    redact(picture, boxes((100, 60, 160, 130)), NONE)
    assert colours(picture, 100, 60, 160, 130) <= (CELLS + 2) ** 2


def test_what_is_beside_a_head_stays_as_it_was() -> None:
    picture, before = noise(), noise()
    redact(picture, boxes((100, 60, 160, 130)), NONE)
    changed = np.argwhere((picture != before).any(axis=2))
    assert changed.min(axis=0).tolist() >= [51, 92]
    assert changed.max(axis=0).tolist() <= [153, 168]


def test_of_the_own_head_the_lower_part_is_smeared_and_the_helmet_is_as_it_was() -> None:
    picture, before = noise(), noise()
    redact(picture, NONE, boxes((100, 60, 160, 160)))
    assert (picture[60:105, 100:160] == before[60:105, 100:160]).all()
    assert detail(picture, 100, 105, 160, 160) < detail(before, 100, 105, 160, 160) / 8


@pytest.mark.parametrize(
    "box",
    [
        (-30, -40, 30, 40),
        (290, 200, 350, 280),
        (-20, 100, 40, 170),
        (130, 215, 190, 300),
        (-50, -50, 400, 300),
    ],
    ids=str,
)
def test_heads_at_the_edge_of_the_picture_are_covered_as_far_as_they_are_in_it(box: tuple[int, ...]) -> None:
    picture, before = noise(), noise()
    redact(picture, boxes(box), NONE)
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(WIDTH, box[2]), min(HEIGHT, box[3])
    assert colours(picture, left, top, right, bottom) <= (CELLS + 2) ** 2

    own = before.copy()
    redact(own, NONE, boxes(box))
    split = max(0, int(box[3] - 0.55 * (box[3] - box[1])))
    if split < bottom:
        assert detail(own, left, split, right, bottom) < detail(before, left, top, right, bottom) / 8
    assert (own[top:split, left:right] == before[top:split, left:right]).all()


def test_a_head_behind_the_own_one_is_covered_and_the_helmet_before_it_is_seen() -> None:
    own, behind = (100, 60, 160, 160), (140, 20, 200, 100)
    picture, before = noise(), noise()
    redact(picture, boxes(behind), boxes(own))
    # The helmet where no face of the other lies.
    assert (picture[60:105, 100:132] == before[60:105, 100:132]).all()
    # Its face, also that part of it before which the helmet is.
    assert colours(picture, 140, 60, 160, 100) <= CELLS**2
    assert colours(picture, 160, 20, 200, 60) <= (CELLS + 2) ** 2


def test_two_heads_that_overlap_are_both_covered() -> None:
    picture = noise()
    redact(picture, boxes((100, 60, 160, 130), (130, 80, 190, 150)), NONE)
    assert detail(picture, 100, 60, 160, 130) < 25
    assert detail(picture, 130, 80, 190, 150) < 25
    assert detail(noise(), 100, 60, 160, 130) > 80


@settings(max_examples=60, deadline=None)
@given(
    left=st.floats(-400, 700, width=32),
    top=st.floats(-400, 700, width=32),
    wide=st.floats(0, 500, width=32),
    high=st.floats(0, 500, width=32),
)
def test_any_box_whatsoever_is_covered(left: float, top: float, wide: float, high: float) -> None:
    picture, before = noise(), noise()
    redact(picture, boxes((left, top, left + wide, top + high)), boxes((200, 20, 260, 100)))
    x1, y1 = max(0, int(left)), max(0, int(top))
    x2, y2 = min(WIDTH, int(left + wide)), min(HEIGHT, int(top + high))
    if x2 - x1 > 16 and y2 - y1 > 16:
        split = int(top + 0.45 * high)
        if min(HEIGHT, y2) - max(0, split + 1) > 16:
            assert detail(picture, x1, max(0, split + 1), x2, y2) < 40 < detail(before, x1, y1, x2, y2)


def test_masks_are_black_to_their_edges() -> None:
    picture = noise()
    blacken(picture, [[(0.5, 0.0), (1.0, 0.0), (1.0, 0.5), (0.5, 0.5)]])
    assert (picture[:121, 160:] == 0).all()
    assert picture[125:, :155].any(axis=2).mean() > 0.99
