"""Structures, forbidden zones and power lines around a crane: by hand, and by another way of computing."""

import math
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sitewarden.collision.bodies import bodies_of, motion_of
from sitewarden.collision.clearances import NotGivenError, clearances, for_voltage
from sitewarden.collision.model import (
    Clearance,
    Corner,
    Crane,
    ForbiddenZone,
    Pose,
    PowerLine,
    Structure,
)
from sitewarden.collision.surroundings import Nearest, Surroundings, path_of
from tests.sitewarden.collision import REAL, THIN, Part, between, crane, parts, pose


class Seen(NamedTuple):
    structures: Nearest | None = None
    tail_m: float = math.inf
    zones: Nearest | None = None
    lines: Nearest | None = None


def look(one: Crane, at: Pose, *obstacles: Structure | ForbiddenZone | PowerLine) -> Seen:
    structures = [o for o in obstacles if isinstance(o, Structure)]
    zones = [o for o in obstacles if isinstance(o, ForbiddenZone)]
    lines = [(o, o.clearance or for_voltage(o.kilovolts)) for o in obstacles if isinstance(o, PowerLine)]
    around, bodies = Surroundings(structures, zones, lines), bodies_of([one])
    path = path_of(bodies, motion_of(bodies, [at]), 0)
    near, tail_m = around.structures(bodies, 0, path) if structures else (None, math.inf)
    return Seen(
        near,
        tail_m,
        around.zones(bodies, 0, path) if zones else None,
        around.lines(bodies, 0, path) if lines else None,
    )


def box(x: float, y: float, width: float, depth: float) -> list[Corner]:
    return [(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]


def structure(outline: list[Corner], top: float, bottom: float = 0.0) -> Structure:
    return Structure(obstacle="house", outline_m=outline, top_m=top, bottom_m=bottom)


def zone(outline: list[Corner], top: float | None = None) -> ForbiddenZone:
    return ForbiddenZone(obstacle="street", outline_m=outline, top_m=top)


def line(kilovolts: float, x: float, *, lowest: float = 10.0, half_width: float = 0.0) -> PowerLine:
    """It runs from south to north at `x`, its wires within 2 m of height."""
    points = [(x, -200.0, lowest, lowest + 2), (x, 0.0, lowest, lowest + 2), (x, 200.0, lowest, lowest + 2)]
    return PowerLine(obstacle="line", kilovolts=kilovolts, points_m=points, half_width_m=half_width)


def now(found: Nearest | None) -> float:
    assert found is not None
    return found.now


def test_a_jib_before_a_tall_house() -> None:
    # The tip at (50, 0), the wall at x = 53.
    seen = look(crane(0, 0), pose(90), structure(box(53, -10, 20, 20), top=60))
    assert now(seen.structures) == pytest.approx(3.0)
    # The counter-jib begins at the mast.
    assert seen.tail_m == pytest.approx(53.0)


def test_a_jib_over_a_low_house() -> None:
    # The jib's bottom at 40 m, the hook at 35 m but at (5, 0), the roof at 30 m.
    seen = look(crane(0, 0), pose(90), structure(box(20, -10, 20, 20), top=30))
    assert now(seen.structures) == pytest.approx(10.0)


def test_a_hook_behind_a_wall_lower_than_the_jib() -> None:
    # The jib passes 40 - 30 = 10 m over the roof; the rope hangs 2 m before the wall.
    seen = look(crane(0, 0), pose(90, radius=18, hook=5), structure(box(20, -10, 20, 20), top=30))
    assert now(seen.structures) == pytest.approx(2.0)


def test_a_tail_keeps_its_distance_of_its_own() -> None:
    # Jib to the east, the counter-jib's end at x = -12; then a house beside it, and 1 m of half its width.
    build = msgspec.structs.replace(THIN, counter_jib_width_m=0.0)
    seen = look(crane(0, 0, build=build), pose(90), structure(box(-32.5, -10, 20, 20), top=60))
    assert seen.tail_m == pytest.approx(0.5)
    build = msgspec.structs.replace(THIN, counter_jib_width_m=2.0)
    beside = look(crane(0, 0, build=build), pose(90), structure(box(-11, 1.6, 5, 5), top=60))
    assert beside.tail_m == pytest.approx(0.6)


def test_a_jib_through_a_house_and_one_wholly_inside_are_both_at_it() -> None:
    through = look(crane(0, 0), pose(90), structure(box(20, -10, 20, 20), top=60))
    assert now(through.structures) == 0.0
    inside = look(crane(0, 0), pose(90), structure(box(-100, -100, 200, 200), top=60))
    assert now(inside.structures) == 0.0


def test_a_bridge_is_passed_under() -> None:
    # From 20 to 30 m of height; the hook is at 5 m, its rope comes down from the jib beside the bridge.
    bridge = structure(box(20, -10, 20, 20), top=30, bottom=20)
    assert now(look(crane(0, 0), pose(90, radius=19, hook=5), bridge).structures) == pytest.approx(1.0)


def test_a_hook_beside_inside_and_over_a_zone() -> None:
    school = zone(box(30, -10, 20, 20))
    assert now(look(crane(0, 0), pose(90, radius=28), school).zones) == pytest.approx(2.0)
    assert now(look(crane(0, 0), pose(90, radius=30), school).zones) == 0.0
    assert now(look(crane(0, 0), pose(90, radius=40), school).zones) == 0.0
    assert now(look(crane(0, 0), pose(90, radius=50), school).zones) == 0.0
    assert now(look(crane(0, 0), pose(270, radius=40), school).zones) == pytest.approx(70.0)


def test_a_jib_may_pass_over_a_zone_while_its_hook_is_elsewhere() -> None:
    assert now(look(crane(0, 0), pose(90, radius=10), zone(box(30, -10, 10, 20))).zones) == pytest.approx(
        20.0
    )


def test_over_a_zone_with_a_top_a_load_may_pass() -> None:
    build = msgspec.structs.replace(THIN, hook_block_m=1, load_height_m=4)
    low_roofs = zone(box(30, -10, 20, 20), top=20)
    # The load's lowest part at 35 - 5 = 30 m.
    seen = look(crane(0, 0, build=build), pose(90, radius=40, hook=35), low_roofs)
    assert now(seen.zones) == pytest.approx(10.0)


def test_a_zone_with_a_bay_is_left_in_the_bay() -> None:
    # A U open to the north; the hook at (40, 5) is between its arms, 5 m from either.
    bay: list[Corner] = [(30, -10), (50, -10), (50, 10), (45, 10), (45, -5), (35, -5), (35, 10), (30, 10)]
    at = pose(math.degrees(math.atan2(40, 5)), radius=math.hypot(40, 5))
    assert now(look(crane(0, 0), at, zone(bay)).zones) == pytest.approx(5.0)


def test_the_nearest_of_several_is_named() -> None:
    far, near = zone(box(100, 100, 5, 5)), zone(box(30, -10, 20, 20))
    assert look(crane(0, 0), pose(90, radius=28), far, near).zones == (
        pytest.approx(2.0),
        1,
        pytest.approx(2.0),
    )


def test_a_load_carried_towards_a_zone_is_seen_in_it_before_it_can_stop() -> None:
    found = look(crane(0, 0), pose(90, radius=28, trolley_m_s=1.0), zone(box(30, -10, 20, 20))).zones
    assert found is not None
    assert found.now == pytest.approx(2.0)
    # 1 m in the reaction and 1 m of braking at 0.5 m/s².
    assert found.ahead == pytest.approx(0.0, abs=1e-3)


# The hook hangs at (20, 0) from the jib down to 5 m, beside wires at 10..12 m: what counts is sideways alone.
@pytest.mark.parametrize(
    ("kilovolts", "horizontal"), [(0.4, 1.0), (1, 1.5), (10, 1.5), (35, 2.0), (110, 4.0), (220, 6.0)]
)
def test_a_rope_beside_a_line_of_each_voltage(kilovolts: float, horizontal: float) -> None:
    for short in (0.25, -0.25):
        beside = line(kilovolts, 20 + horizontal - short)
        seen = look(crane(0, 0, jib_m=20), pose(90, radius=20, hook=5), beside)
        assert now(seen.lines) == pytest.approx(-short)


# A short jib at 40 m under wires: what counts is upright alone.
@pytest.mark.parametrize(
    ("kilovolts", "vertical"), [(0.4, 1.5), (1, 3.0), (10, 3.0), (35, 4.0), (110, 5.0), (220, 6.0)]
)
def test_an_apex_under_a_line_of_each_voltage(kilovolts: float, vertical: float) -> None:
    for short in (0.25, -0.25):
        over = line(kilovolts, 0, lowest=46 + vertical - short)
        assert now(look(crane(0, 0), pose(90), over).lines) == pytest.approx(-short)


def test_a_line_has_a_width() -> None:
    seen = look(crane(0, 0, jib_m=20), pose(90, radius=20, hook=5), line(10, 24, half_width=1.0))
    assert now(seen.lines) == pytest.approx(4.0 - 1.0 - 1.5)


def test_what_the_owner_of_a_line_asks_for_wins_over_the_table() -> None:
    asked = msgspec.structs.replace(line(10, 24), clearance=Clearance(vertical_m=9, horizontal_m=7))
    seen = look(crane(0, 0, jib_m=20), pose(90, radius=20, hook=5), asked)
    assert now(seen.lines) == pytest.approx(4.0 - 7.0)


@pytest.mark.parametrize("kilovolts", [17, 50, 150, 330, 500, 1000])
def test_a_voltage_that_the_table_does_not_give_is_refused(kilovolts: float) -> None:
    with pytest.raises(NotGivenError, match=f"no distance for {kilovolts} kV"):
        for_voltage(kilovolts)


def test_every_number_says_where_it_comes_from() -> None:
    assert clearances().power_lines.basis.confidence == "one-source"
    assert clearances().erected.basis.confidence == "agreed"
    assert [row.to_kv for row in clearances().power_lines.rows] == [1, 15, 40, 110, 220]


def beside_area(part: Part, outline: list[Corner]) -> float:
    """By another way: the winding of the corners about a point tells whether it is inside."""
    turned = 0.0
    for a, b in zip(outline, [*outline[1:], outline[0]], strict=True):
        first = math.atan2(a[1] - part[1][1], a[0] - part[1][0])
        turned += (math.atan2(b[1] - part[1][1], b[0] - part[1][0]) - first + math.pi) % math.tau - math.pi
    if abs(turned) > math.pi:
        return 0.0
    edges = zip(outline, [*outline[1:], outline[0]], strict=True)
    return max(0.0, min(between(part[0], part[1], a, b) for a, b in edges) - part[4])


stars = st.builds(
    lambda x, y, lengths: [
        (x + r * math.cos(math.tau * i / len(lengths)), y + r * math.sin(math.tau * i / len(lengths)))
        for i, r in enumerate(lengths)
    ],
    st.floats(-70, 70),
    st.floats(-70, 70),
    st.lists(st.floats(1, 40), min_size=3, max_size=9),
)
"""Outlines with bays, about a middle."""


@example(
    [
        (24.250373556131105, 2.0),
        (1.4000000000000001, 2.866025403784439),
        (-6.340010703985284, -12.272117194213887),
    ],
    1.0,
    0.0,
    2.0,
    0.0,
    THIN,
)
@given(
    stars,
    st.floats(1, 60),
    st.floats(0, 360),
    st.floats(2, 50),
    st.floats(0, 39),
    st.sampled_from([THIN, REAL]),
)
@settings(deadline=None)
def test_areas_are_as_far_as_plain_python_finds(  # noqa: PLR0917  hypothesis gives them so
    outline: list[Corner], top: float, slew: float, radius: float, hook: float, build: object
) -> None:
    one, at = crane(0, 0, build=build), pose(slew, radius, hook)
    jib, tail, _, rope, load = parts(one, at)

    def away(part: Part) -> float:
        return math.hypot(beside_area(part, outline), max(0.0, part[2] - top, -part[3]))

    seen = look(one, at, structure(outline, top), zone(outline))
    assert now(seen.structures) == pytest.approx(min(map(away, (jib, tail, rope, load))), abs=1e-6)
    assert seen.tail_m == pytest.approx(away(tail), abs=1e-6)
    assert now(seen.zones) == pytest.approx(min(beside_area(p, outline) for p in (rope, load)), abs=1e-6)


@given(st.floats(0, 360), st.floats(-5, 5), st.floats(-2, 2))
def test_ahead_is_never_more_than_now(slew: float, slew_deg_s: float, trolley_m_s: float) -> None:
    at = pose(slew, 20.0, slew_deg_s=slew_deg_s, trolley_m_s=trolley_m_s)
    seen = look(crane(0, 0), at, structure(box(20, 5, 9, 9), 60), zone(box(5, 20, 9, 9)), line(10, -30))
    for found in (seen.structures, seen.zones, seen.lines):
        assert found is not None
        assert found.ahead <= found.now


def test_where_a_line_is_level_with_nothing_it_is_still_measured() -> None:
    assert np.isfinite(now(look(crane(0, 0), pose(0), line(10, 30, lowest=0.0)).lines))
