"""Distances between cranes: by hand, by properties, and against another way of computing them."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitewarden.collision import pairs
from sitewarden.collision.bodies import bodies_of, motion_of
from sitewarden.collision.model import PARTS, Crane, Pose
from tests.sitewarden.collision import REAL, THIN, apart, braked, crane, least, parts, pose

Placed = tuple[Crane, Pose]


def present(one: Placed, other: Placed) -> pairs.Present:
    bodies = bodies_of([one[0], other[0]])
    motion = motion_of(bodies, [one[1], other[1]])
    return pairs.present(bodies, motion, np.array([0]), np.array([1]))


def ahead(one: Placed, other: Placed) -> tuple[float, float]:
    bodies = bodies_of([one[0], other[0]])
    motion = motion_of(bodies, [one[1], other[1]])
    a, b = np.array([0]), np.array([1])
    found = pairs.ahead(bodies, motion, a, b, pairs.present(bodies, motion, a, b))
    return float(found.distance[0]), float(found.at_s[0])


def named(found: pairs.Present) -> tuple[str, str]:
    return PARTS[found.part_a[0]], PARTS[found.part_b[0]]


# The usual crane: jib 50 m at 40..42 m, counter-jib 12 m at 38..42, apex 46, trolley at 5 m, hook at 35.
CASES = {
    # Jibs cross at (0, 30), the upper one 55 - 42 = 13 m over the lower.
    "jibs crossing at different heights": (
        (crane(0, 0), pose(0)),
        (crane(30, 30, raised=15), pose(270, hook=52)),
        (13.0, "jib", "jib", 30.0, 13.0),
    ),
    # They cross at (0, 30) and their heights meet.
    "jibs crossing at one height": (
        (crane(0, 0), pose(0)),
        (crane(30, 30), pose(270)),
        (0.0, "jib", "jib", 30.0, 0.0),
    ),
    # The tip at (50, 0) before a mast at (53, 0) up to 61 m; the other's hook is 52 - 42 = 10 m higher.
    "a low jib's tip before a higher mast": (
        (crane(0, 0), pose(90)),
        (crane(53, 0, raised=15), pose(0, hook=52)),
        (3.0, "jib", "mast", 3.0, 10.0),
    ),
    # The upper jib points away to the east; its tail at (18, 0) and its mast are over the lower jib.
    "a counter-jib over a jib": (
        (crane(0, 0), pose(90)),
        (crane(30, 5, raised=20), pose(90, radius=40, hook=55)),
        # Its mast is 5 m from the jib; the tail's bottom at 58 is 16 m over the jib's top at 42.
        (5.0, "jib", "mast", 5.0, math.nan),
    ),
    # The upper trolley at (30, 1), its hook at 20 m: the rope hangs 1 m beside the lower jib along y = 0.
    # The upper jib runs along x = 30, 30 m beside the lower mast.
    "a rope beside a lower jib": (
        (crane(0, 0), pose(90)),
        (crane(30, 31, raised=20), pose(180, radius=30, hook=20)),
        (1.0, "jib", "rope", 30.0, 1.0),
    ),
    # The hook over the lower jib at (30, 0), 45 - 42 = 3 m over it.
    "a hook over a lower jib": (
        (crane(0, 0), pose(90)),
        (crane(30, 30, raised=20), pose(180, radius=30, hook=45)),
        (3.0, "jib", "rope", 30.0, 3.0),
    ),
    # 3 m beside and 4 m over: 5 m in space, and 4 m of it are what the two-metre rule looks at.
    "beside and over": (
        (crane(0, 0), pose(90)),
        (crane(30, 33, raised=20), pose(180, radius=30, hook=46)),
        (5.0, "jib", "rope", 30.0, 4.0),
    ),
    # Jibs point away to west and east along y = 0; the tails end at x = 12 and x = 22.
    "counter-jibs in one line": (
        (crane(0, 0), pose(270)),
        (crane(34, 0), pose(90)),
        (10.0, "counter-jib", "counter-jib", 22.0, 10.0),
    ),
    # Both jibs point north; jibs, counter-jibs and masts are all 6 m apart, and the first is named.
    "parallel all along": (
        (crane(0, 0), pose(0)),
        (crane(6, 0), pose(0)),
        (6.0, "jib", "jib", 6.0, 6.0),
    ),
    # Short jibs point away to north and south; the counter-jibs come towards one another, end beside end.
    "counter-jibs side by side": (
        (crane(0, 0, jib_m=1), pose(0, radius=1)),
        (crane(7, -24, jib_m=1), pose(180, radius=1)),
        (7.0, "counter-jib", "counter-jib", math.hypot(7, 12), 7.0),
    ),
    # All of the second lies behind the first: its tip at (-20, 0) is 8 m from the tail at (-12, 0).
    "behind": (
        (crane(0, 0), pose(90)),
        (crane(-70, 0), pose(90)),
        (8.0, "counter-jib", "jib", 20.0, 8.0),
    ),
    # Tips at (50, 0) and (54, 0).
    "tip to tip": (
        (crane(0, 0), pose(90)),
        (crane(104, 0), pose(270)),
        (4.0, "jib", "jib", 54.0, 4.0),
    ),
    # One in the other: nonsense, but not without an answer.
    "at one place": (
        (crane(0, 0), pose(0)),
        (crane(0, 0, name="other"), pose(0)),
        (0.0, "jib", "jib", 0.0, 0.0),
    ),
    # Over the other's apex at (40, 0): its jib's bottom 55 over 46.
    "a jib over an apex": (
        (crane(0, 0, raised=15), pose(90, radius=5, hook=50)),
        (crane(40, 0), pose(0)),
        (9.0, "jib", "mast", 9.0, 13.0),
    ),
    # A base 10 m lower takes 10 m off every height: jibs meet that would be 10 m apart.
    "on lower ground": (
        (crane(0, 0), pose(0)),
        (crane(30, 30, raised=10, ground_m=-10.0), pose(270, hook=45)),
        (0.0, "jib", "jib", 30.0, 0.0),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_distance_worked_out_by_hand(
    case: tuple[Placed, Placed, tuple[float, str, str, float, float]],
) -> None:
    one, other, (distance, part, other_part, mast, vertical) = case
    found = present(one, other)
    assert found.distance[0] == pytest.approx(distance, abs=1e-9)
    assert named(found) == (part, other_part)
    assert found.mast[0] == pytest.approx(mast, abs=1e-9)
    if not math.isnan(vertical):
        assert found.vertical[0] == pytest.approx(vertical, abs=1e-9)


def test_widths_are_taken_off_sideways() -> None:
    build = msgspec.structs.replace(THIN, jib_width_m=1.4, mast_width_m=1.8)
    found = present(
        (crane(0, 0, build=build), pose(90)), (crane(53, 0, raised=15, build=build), pose(0, hook=52))
    )
    assert found.distance[0] == pytest.approx(3.0 - 0.7 - 0.9)


def test_block_slings_and_load_hang_below_the_hook() -> None:
    build = msgspec.structs.replace(THIN, hook_block_m=1, load_height_m=4)
    high = crane(30, 30, raised=20, build=build)
    assert present((crane(0, 0), pose(90)), (high, pose(180, radius=30, hook=52))).distance[
        0
    ] == pytest.approx(5.0)


def test_a_wide_load_is_nearer_than_its_rope() -> None:
    build = msgspec.structs.replace(THIN, load_width_m=3, load_height_m=4)
    high = crane(30, 33, raised=20, build=build)
    found = present((crane(0, 0), pose(90)), (high, pose(180, radius=30, hook=44)))
    assert named(found) == ("jib", "load")
    assert found.distance[0] == pytest.approx(3.0 - 1.5)


@pytest.mark.parametrize(
    ("slew", "radius", "is_reached"),
    [(90.0, 5.0, True), (270.0, 5.0, False), (0.0, 5.0, False)],
)
def test_what_an_unseen_crane_could_reach_is_its_whole_circle(
    slew: float, radius: float, is_reached: bool
) -> None:
    # The other's circle of 50 m about (90, 0) begins at x = 40; where its jib points does not matter.
    for elsewhere in (0.0, 90.0, 270.0):
        found = present((crane(0, 0), pose(slew, radius)), (crane(90, 0), pose(elsewhere)))
        assert bool(found.within_reach[0]) is is_reached


def test_a_jib_over_the_top_of_an_unseen_crane_is_not_in_its_reach_but_its_hook_is() -> None:
    low = (crane(90, 0), pose(0))
    assert not present((crane(0, 0, raised=30), pose(90, radius=45, hook=60)), low).within_reach[0]
    assert present((crane(0, 0, raised=30), pose(90, radius=45, hook=30)), low).within_reach[0]


coordinates = st.floats(-80, 80)
builds = st.sampled_from([THIN, REAL])
poses = st.builds(
    Pose,
    at_ms=st.just(0),
    slew_deg=st.floats(-360, 360),
    radius_m=st.floats(2, 50),
    hook_m=st.floats(0, 39),
    slew_deg_s=st.floats(-4, 4),
    trolley_m_s=st.floats(-1.5, 1.5),
    hoist_m_s=st.floats(-1.5, 1.5),
)
placed = st.tuples(
    st.builds(
        lambda x, y, raised, build, ground: crane(x, y, raised=raised, build=build, ground_m=ground),
        coordinates,
        coordinates,
        st.floats(0, 30),
        builds,
        st.floats(-5, 5),
    ),
    poses,
)


@given(placed, placed)
def test_it_is_the_same_from_either_side(one: Placed, other: Placed) -> None:
    there, back = present(one, other), present(other, one)
    for forth, again in zip(there[:1] + there[3:5], back[:1] + back[3:5], strict=True):
        assert forth[0] == pytest.approx(again[0], abs=1e-6)
    assert ahead(one, other)[0] == pytest.approx(ahead(other, one)[0], abs=1e-3)


@given(placed, placed, st.floats(-180, 180), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_it_is_the_same_wherever_the_grid_begins_and_however_it_lies(
    one: Placed, other: Placed, turn: float, dx: float, dy: float
) -> None:
    def moved(placed: Placed) -> Placed:
        made, at = placed
        angle = math.radians(turn)
        x = made.x_m * math.cos(angle) + made.y_m * math.sin(angle) + dx
        y = -made.x_m * math.sin(angle) + made.y_m * math.cos(angle) + dy
        return msgspec.structs.replace(made, x_m=x, y_m=y), at._replace(slew_deg=at.slew_deg + turn)

    before, after = present(one, other), present(moved(one), moved(other))
    assert after.distance[0] == pytest.approx(before.distance[0], abs=1e-4)
    assert after.mast[0] == pytest.approx(before.mast[0], abs=1e-4)
    assert after.vertical[0] == pytest.approx(before.vertical[0], abs=1e-4)
    assert ahead(moved(one), moved(other))[0] == pytest.approx(ahead(one, other)[0], abs=0.01)


@given(placed, placed)
def test_it_is_what_plain_python_finds(one: Placed, other: Placed) -> None:
    found = present(one, other)
    mine, theirs = parts(*one), parts(*other)
    assert found.distance[0] == pytest.approx(least(*one, *other), abs=1e-6)
    beams = [apart(a, theirs[2]) for a in mine[:2]] + [apart(mine[2], b) for b in theirs[:2]]
    assert found.mast[0] == pytest.approx(min(map(max, beams)), abs=1e-6)
    pair = mine[found.part_a[0]], theirs[found.part_b[0]]
    assert math.hypot(*apart(*pair)) == pytest.approx(found.distance[0], abs=1e-6)


@given(st.lists(placed, min_size=2, max_size=5))
@settings(max_examples=30)
def test_all_pairs_at_once_are_each_pair_alone(many: Sequence[Placed]) -> None:
    bodies = bodies_of([made for made, _ in many])
    motion = motion_of(bodies, [at for _, at in many])
    a, b = np.triu_indices(len(many), 1)
    now = pairs.present(bodies, motion, a, b)
    later = pairs.ahead(bodies, motion, a, b, now)
    for row, (i, j) in enumerate(zip(a, b, strict=True)):
        assert now.distance[row] == pytest.approx(least(*many[i], *many[j]), abs=1e-6)
        assert later.distance[row] == pytest.approx(ahead(many[i], many[j])[0], abs=1e-3)


@given(placed, placed)
def test_looking_ahead_never_finds_more_than_now(one: Placed, other: Placed) -> None:
    distance, at_s = ahead(one, other)
    assert distance <= present(one, other).distance[0]
    assert at_s >= 0.0


@given(placed, placed)
@settings(max_examples=25, deadline=None)
def test_looking_ahead_finds_what_a_fine_scan_finds(one: Placed, other: Placed) -> None:
    # Nothing turns faster than 4 degrees a second and brakes slower than 0.5 m/s²: after 9 s all stand.
    paths = braked(*one, 9.0), braked(*other, 9.0)
    scan = min(least(one[0], at, other[0], there) for at, there in zip(*paths, strict=True))
    # Between two instants of ours tips pass at most 0.4 m of one another.
    assert scan - 0.05 <= ahead(one, other)[0] <= scan + 0.25


def test_a_crane_that_stands_is_as_near_ahead_as_now() -> None:
    one, other = (crane(0, 0), pose(90)), (crane(104, 0), pose(270))
    assert ahead(one, other) == (pytest.approx(4.0), 0.0)


def test_a_jib_that_turns_towards_another_is_seen_to_pass_before_it_can_stop() -> None:
    # Tips are 4 m apart in line; at 2 °/s it turns 2 ° in the reaction and 2 ° more while it brakes.
    turning = (crane(0, 0), pose(86, slew_deg_s=2.0))
    distance, at_s = ahead(turning, (crane(104, 0), pose(270)))
    assert distance == pytest.approx(4.0, abs=0.01)
    # The last metres to 90 ° are gone at the end of braking, after 1 s + 2 s.
    assert at_s == pytest.approx(3.0, abs=0.15)
    # A degree earlier it stands before it is in line.
    assert ahead((crane(0, 0), pose(80, slew_deg_s=2.0)), (crane(104, 0), pose(270)))[0] > 5.0


def test_a_rope_that_a_jib_sweeps_through_between_two_instants_is_seen() -> None:
    # The upper crane's rope hangs at (35, 0) down to 20 m; the lower jib sweeps over it at full speed.
    high = (crane(35, 30, raised=20), pose(180, radius=30, hook=20))
    distance, at_s = ahead((crane(0, 0), pose(80, slew_deg_s=4.0)), high)
    assert distance < 0.2
    assert at_s == pytest.approx(3.1, abs=0.5)


def test_a_falling_hook_comes_near_a_jib_below_it() -> None:
    high = crane(30, 30, raised=20)
    low = (crane(0, 0), pose(90))
    # 45 m at 0.5 m/s for 1 s and then braking for 1 s: 0.5 + 0.25 m lower.
    distance, _ = ahead(low, (high, pose(180, radius=30, hook=45, hoist_m_s=-0.5)))
    assert distance == pytest.approx(3.0 - 0.75, abs=1e-3)


def test_a_trolley_going_out_comes_near_a_mast() -> None:
    # A wide load on the trolley goes towards the other's mast on the same line.
    build = msgspec.structs.replace(THIN, load_width_m=2)
    high = (crane(0, 0, raised=20, build=build), pose(90, radius=30, hook=20, trolley_m_s=1.0))
    low = (crane(40, 0), pose(0))
    # 1 m at 1 m/s in the reaction, then 1²/(2·0.5) = 1 m.
    assert ahead(high, low)[0] == pytest.approx(40 - 30 - 1 - 2, abs=1e-3)
