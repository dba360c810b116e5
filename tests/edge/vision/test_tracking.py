"""Who of this look is who of the last."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.model import Region, Track
from edge.vision.regions import Planner
from edge.vision.tracking import Tracker
from tests.edge.vision.walking import BARE, HEIGHT, HELMET, LOOK_S, WIDTH, Seen, heads


class Followed:
    """A tracker that looks five times a second."""

    def __init__(self) -> None:
        self.tracker, self.at_s = Tracker(), 0.0

    def see(self, *seen: Seen | None, regions: list[Region] | None = None) -> dict[int, Track]:
        tracks = self.tracker.look(self.at_s, heads(*seen), regions)
        self.at_s += LOOK_S
        return {track.number: track for track in tracks}


def test_a_head_that_walks_faster_than_its_own_width_a_look_is_one_track() -> None:
    followed = Followed()
    for number in range(20):
        tracks = followed.see(Seen(100 + 45 * number, 200, BARE))
    assert list(tracks) == [1]
    assert tracks[1].hits == 20


def test_two_who_cross_keep_their_numbers() -> None:
    followed = Followed()
    for number in range(40):
        there, back = 200 + 16 * number, 824 - 16 * number
        tracks = followed.see(Seen(there, 200, BARE), Seen(back, 214, HELMET))
    assert list(tracks) == [1, 2]
    assert {track.scores[1] > 0.5: track.box[0] > 500 for track in tracks.values()} == {
        True: True,
        False: False,
    }


def test_whoever_is_hidden_for_a_second_goes_on_as_the_same() -> None:
    followed = Followed()
    for number in range(30):
        is_hidden = 12 <= number < 17
        tracks = followed.see(None if is_hidden else Seen(100 + 20 * number, 200, BARE))
    assert list(tracks) == [1]


@pytest.mark.parametrize(("x", "y"), [(-9, 0), (9, 0), (0, -9), (0, 9)])
def test_whoever_walks_out_of_the_picture_is_followed_no_more(x: int, y: int) -> None:
    tracker, planner, at_s = Tracker(), Planner(), 100.0
    nothing, shape = np.empty((0, 4), np.float32), (HEIGHT, WIDTH, 3)
    tracks: Sequence[Track] = []
    for number in range(100):
        head = Seen(WIDTH / 2 + x * number, HEIGHT / 2 + y * number, BARE)
        is_seen = 0 < head.x < WIDTH and 0 < head.y < HEIGHT
        regions = planner.plan(shape, at_s, nothing, tracks, size=416, most=2)
        tracks = tracker.look(at_s, heads(head if is_seen else None), regions, (WIDTH, HEIGHT))
        assert len(tracks) == 1 or not is_seen
        at_s += LOOK_S
    assert not tracks


def test_whoever_was_not_found_for_half_a_minute_is_another_though_nobody_looked() -> None:
    tracker = Tracker()
    tracker.look(100.0, heads(Seen(300, 200, BARE)), [])
    assert [track.number for track in tracker.look(131.0, heads(Seen(300, 200, BARE)), [])] == [2]


def test_whoever_is_gone_for_two_seconds_is_no_longer_followed_and_comes_back_as_another() -> None:
    followed = Followed()
    for number in range(5):
        followed.see(Seen(100 + 5 * number, 200))
    for _ in range(10):
        tracks = followed.see()
    assert not tracks
    assert list(followed.see(Seen(130, 200))) == [2]


def test_where_nobody_looked_nobody_is_missed() -> None:
    followed = Followed()
    followed.see(Seen(100, 200))
    for _ in range(30):
        tracks = followed.see(regions=[Region(600, 0, 416)])
    assert list(tracks) == [1]
    for _ in range(10):
        tracks = followed.see(regions=[Region(0, 0, 416)])
    assert not tracks


def test_a_faint_head_goes_on_with_a_track_and_begins_none() -> None:
    followed = Followed()
    assert not followed.see(Seen(100, 200, (0.05, 0.2)))
    followed.see(Seen(100, 200, BARE))
    for _ in range(12):
        tracks = followed.see(Seen(100, 200, (0.05, 0.2)))
    assert tracks[1].hits == 13


def test_a_track_that_finds_nothing_clear_for_long_is_over() -> None:
    followed = Followed()
    followed.see(Seen(100, 200, BARE))
    for _ in range(14):
        assert followed.see(Seen(100, 200, (0.05, 0.2)))
    for _ in range(3):
        tracks = followed.see(Seen(100, 200, (0.05, 0.2)))
    assert not tracks


def test_a_head_that_is_seen_twice_in_one_look_is_one_track() -> None:
    followed = Followed()
    followed.see(Seen(100, 200, BARE))
    tracks = followed.see(Seen(100, 200, BARE), Seen(104, 196, HELMET, side=28))
    assert list(tracks) == [1]


def test_a_much_larger_box_at_the_same_place_is_somebody_else() -> None:
    followed = Followed()
    followed.see(Seen(100, 200, side=20))
    assert list(followed.see(Seen(100, 200, side=90))) == [1, 2]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1280), st.floats(0, 720), st.floats(4, 200)), max_size=5),
        max_size=15,
    )
)
def test_whatever_is_seen_numbers_rise_boxes_are_finite_and_no_head_is_given_twice(
    looks: list[list[tuple[float, float, float]]],
) -> None:
    followed, highest = Followed(), 0
    for look in looks:
        tracks = followed.see(*(Seen(x, y, BARE, side) for x, y, side in look))
        found = [track for track in tracks.values() if track.seen_s == followed.at_s - LOOK_S]
        assert len(found) <= len(look)
        assert all(np.isfinite(track.box).all() for track in tracks.values())
        new = [number for number in tracks if number > highest]
        assert new == sorted(new)
        highest = max([highest, *new])


def test_the_same_looks_give_the_same_tracks() -> None:
    def once() -> list[Track]:
        followed, random = Followed(), np.random.default_rng(3)
        for _ in range(30):
            places = random.uniform(0, 400, (4, 2))
            tracks = followed.see(*(Seen(float(x), float(y), BARE) for x, y in places))
        return list(tracks.values())

    assert once() == once()
