"""Which squares are looked at: heads large enough, nothing left out for ever, never more than can be done."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.letterbox import whole
from edge.vision.model import Region, Track
from edge.vision.regions import HEARTBEAT_S, WANTED_PX, Planner, tiles

SIZE = 416
HD = (720, 1280)
NOTHING = np.empty((0, 4), np.float32)
SHAPES = st.sampled_from([HD, (1080, 1920), (2160, 3840), (1920, 1080), (240, 320), (416, 416)])


def track(x: float, y: float, head: float = 30, number: int = 1) -> Track:
    return Track(number, 0, 0, (x, y, x + head, y + head), (0, 1), 20, 5)


def holds(region: Region, box: tuple[float, float, float, float]) -> bool:
    x1, y1, x2, y2 = box
    inside = region.x <= x1 and region.y <= y1
    return inside and x2 <= region.x + region.side and y2 <= region.y + region.side


CORNERS = [track(x, y, 24, number) for number, (x, y) in enumerate(itertools.product((0, 1200), (0, 650)))]


def planned(planner: Planner, at_s: float, tracks=(), *, motion=NOTHING, shape=HD, most: int = 4):
    return planner.plan(shape, at_s, motion, tracks, size=SIZE, most=most)


@st.composite
def scenes(draw):
    shape = draw(SHAPES)
    heads = draw(st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(8, 200)), max_size=12))
    fitting = [
        (min(x * shape[1], shape[1] - head), min(y * shape[0], shape[0] - head), head) for x, y, head in heads
    ]
    return shape, [track(x, y, head, number) for number, (x, y, head) in enumerate(fitting, 1)]


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_every_followed_head_is_looked_at_whole_and_large_enough(scene) -> None:
    shape, tracks = scene
    regions = planned(Planner(), 0.0, tracks, shape=shape, most=50)
    for one in tracks:
        head = one.box[2] - one.box[0]
        # Never enlarged, so that a head cannot become larger than the frame has it.
        enough = min(head, WANTED_PX) - 0.1
        assert any(
            holds(region, one.box) and head * min(1, SIZE / region.side) >= enough for region in regions
        )


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(0, 6))
def test_never_more_squares_than_can_be_looked_at_and_all_of_them_in_the_frame(scene, most: int) -> None:
    shape, tracks = scene
    regions = planned(Planner(), 0.0, tracks, shape=shape, most=most)
    assert len(regions) <= most
    assert len(set(regions)) == len(regions)
    for region in regions:
        assert region.side <= max(shape)
        assert 0 <= region.x <= max(0, shape[1] - region.side)
        assert 0 <= region.y <= max(0, shape[0] - region.side)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.sampled_from([320, 416]))
def test_tiles_leave_no_pixel_out_and_share_their_edges(shape: tuple[int, int], size: int) -> None:
    parts = tiles(shape, size)
    seen = np.zeros(shape, np.uint8)
    for part in parts:
        seen[part.y : part.y + part.side, part.x : part.x + part.side] += 1
    assert not parts or (seen > 0).all()
    assert len(parts) <= 24


def test_a_still_picture_is_seen_all_over_once_a_heartbeat_and_no_more() -> None:
    planner = Planner()
    seen = [planned(planner, look / 5) for look in range(round(3 * HEARTBEAT_S * 5))]
    assert all(len(regions) <= 1 for regions in seen)
    every = [region for regions in seen for region in regions]
    for part in (whole(HD), *tiles(HD, SIZE)):
        assert every.count(part) in {3, 4}


def test_heads_near_each_other_share_a_square() -> None:
    crowd = [track(400 + 60 * at, 300, number=at) for at in range(4)]
    regions = [region for region in planned(Planner(), 0.0, crowd, most=10) if region not in tiles(HD, SIZE)]
    close = [region for region in regions if region != whole(HD)]
    assert len(close) == 1


def test_large_heads_everywhere_need_the_whole_picture_only() -> None:
    crowd = [track(x, y, 100, number) for number, (x, y) in enumerate([(0, 0), (600, 300), (1180, 620)])]
    planner = Planner()
    planned(planner, 0.0, crowd, most=20)
    assert planned(planner, 0.2, crowd) == [whole(HD)]


def test_with_one_square_a_look_everybody_is_looked_at_in_turn() -> None:
    planner = Planner()
    last = dict.fromkeys(range(4), 0)
    for look in range(1, 300):
        (region,) = planned(planner, look / 5, CORNERS, most=1)
        for one in CORNERS:
            if holds(region, one.box) and region.side == SIZE:
                last[one.number] = look
        assert all(look - seen <= 15 for seen in last.values())


def test_followed_heads_do_not_keep_the_rest_from_being_seen() -> None:
    planner, seen = Planner(), set()
    for look in range(round(5 * 4 * HEARTBEAT_S)):
        seen.update(planned(planner, look / 5, CORNERS, most=1))
    assert {whole(HD), *tiles(HD, SIZE)} <= seen


def test_what_moves_is_looked_at_as_large_as_the_frame_has_it() -> None:
    person = np.array([[600, 300, 640, 430]], np.float32)
    region = planned(Planner(), 0.0, motion=person)[0]
    assert region.side == SIZE
    assert holds(region, (600, 300, 640, 430))


def test_a_motion_all_across_the_picture_is_looked_at_in_parts() -> None:
    hoist = np.array([[0, 300, 1280, 400]], np.float32)
    regions = planned(Planner(), 0.0, motion=hoist, most=20)
    parts = [region for region in regions if region.side == SIZE and region not in tiles(HD, SIZE)]
    columns = np.zeros(1280, bool)
    for part in parts:
        columns[part.x : part.x + part.side] = True
    assert columns.all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 4000)], ids=str)
def test_odd_pictures_have_squares_too(shape: tuple[int, int]) -> None:
    assert planned(Planner(), 0.0, shape=shape)


def test_a_smaller_input_has_its_own_parts() -> None:
    planner = Planner()
    planned(planner, 0.0)
    assert planner.plan(HD, 0.2, NOTHING, (), size=320, most=4)[0].side in {320, 1280}
