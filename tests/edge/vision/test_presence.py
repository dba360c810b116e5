"""Who is a person and what a thing, in scenes with exact truth; the tracker exchanges them where it can."""

import math

import numpy as np
import pytest

from firmware_sim.camera.scene import Scene
from tests.edge.vision.acting import FORBIDDEN, Acted, cap, somebody
from tests.edge.vision.walking import BARE, HELMET, Seen, Watched, along, camera

SEEDS = range(4)
UNTIL_S = 100.0
STONE_M = 1.0001
"""Somebody who does not stir, as a path must go somewhere."""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("missed", [0.0, 0.6])
def test_what_lay_there_from_the_first_look_on_is_nobody_though_the_light_moves_its_box(
    seed: int, missed: float
) -> None:
    acted = Acted(Scene(things=[cap(0, 13)]), seed=seed, until_s=UNTIL_S, missed=missed)
    assert acted.alarms == []
    assert acted.intruders(0, UNTIL_S) == {0}


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_walked_in_and_stands_like_a_stone_is_an_intruder_for_as_long_as_he_is_there(
    seed: int,
) -> None:
    """Also where he is hidden for a while, so that a new track begins that never moves."""
    stands = somebody("one", (0, -3, 13), (6, 1, 13), (150, STONE_M, 13))
    hidden = (40.0, 44.0), (60.0, 75.0)
    acted = Acted(
        Scene(figures=[stands]),
        seed=seed,
        until_s=150,
        missed=0.05,
        hidden=lambda _, at_s: any(since <= at_s < until for since, until in hidden),
    )
    assert acted.track_at("one", 39) != acted.track_at("one", 50) != acted.track_at("one", 100)
    assert acted.intruders(5, 40) == acted.intruders(46, 60) == acted.intruders(77, 150) == {1}
    assert [alarm for alarm in acted.alarms if alarm[0] < 60] == acted.alarms[:1]


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_stood_there_at_the_first_look_is_somebody_once_he_shifts_his_weight(seed: int) -> None:
    stirs = somebody("one", (0, 1, 13), (40, STONE_M, 13), (41, 1.05, 13), (UNTIL_S, 1.0501, 13))
    acted = Acted(Scene(figures=[stirs]), seed=seed, until_s=UNTIL_S)
    assert acted.intruders(48, UNTIL_S) == {1}
    assert len(acted.alarms) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_sways_where_he_stands_is_somebody(seed: int) -> None:
    def x_m(at_s: float) -> float:
        return 1 + 0.042 * math.sin(0.7 * at_s) + 0.02 * math.sin(0.13 * at_s)

    sways = somebody("one", *((at_s, x_m(at_s), 13) for at_s in np.arange(0, UNTIL_S, 0.5).tolist()))
    acted = Acted(Scene(figures=[sways]), seed=seed, until_s=UNTIL_S - 1)
    assert acted.intruders(30, UNTIL_S - 1) == {1}
    assert len(acted.alarms) == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "bent_s", [0.0, 0.6, 1.0, 3.0], ids=["seen", "bent shortly", "bent", "bent for long"]
)
def test_a_cap_that_is_put_down_is_nobody_once_who_wore_it_walks_on(seed: int, bent_s: float) -> None:
    """Nobody's head is found while he bends: his track then goes on with the cap, and his alarm must not."""
    puts = somebody("one", (0, -3, 13), (6, 1.0, 13), (19, 1.05, 13), (26, 6, 13))
    acted = Acted(
        Scene(figures=[puts], things=[cap(1.0, 13, from_s=18.2, up_m=1.2)]),
        seed=seed,
        until_s=80,
        hidden=lambda who, at_s: who == "one" and 18.2 <= at_s < 18.2 + bent_s,
    )
    if bent_s:
        assert acted.track_at("cap", 25) == acted.track_at("one", 17)
    assert len(acted.alarms) == 1
    assert acted.intruders(40, 80) == {0}
    assert acted.held(40, 80) == {0}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_bare", [False, True])
def test_whoever_walked_up_and_stopped_keeps_his_alarm_where_somebody_else_comes_out_and_walks_on(
    seed: int, *, is_bare: bool
) -> None:
    """He stands like a stone, as what was left lying would."""
    stops = somebody("one", (0, -6, 13), (4, -2, 13), (80, -2.0001, 13))
    comes_out = somebody("other", (6, -1, 13.5), (12, 6, 13.5), bare=is_bare)
    acted = Acted(Scene(figures=[stops, comes_out]), seed=seed, until_s=80)
    assert len(acted.alarms) == 1 + is_bare
    assert acted.intruders(15, 80) == {1}
    assert acted.held(20, 80) == {1}


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_makes_room_is_not_left_lying_by_one_who_was_hidden_and_comes_out_again(seed: int) -> None:
    makes_room = somebody("one", (0, -3, 13), (3, 0, 13), (20, 0.001, 13), (20.4, 0.3, 13), (80, 0.3001, 13))
    passes = somebody("other", (14, -5, 13.6), (19, -1.5, 13.6), (23, 1, 13.6), (29, 6, 13.6))
    acted = Acted(
        Scene(figures=[makes_room, passes]),
        seed=seed,
        until_s=80,
        hidden=lambda who, at_s: who == "other" and 18.5 <= at_s < 21.6,
    )
    assert len(acted.alarms) == 2
    assert acted.intruders(36, 80) == {1}
    assert acted.held(36, 80) == {1}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stirs_s", [30.0, 48.0], ids=["soon", "when he already counts as a thing"])
def test_whoever_makes_room_has_an_alarm_of_his_own_once_he_stirs_though_it_went_with_who_came_out(
    seed: int, stirs_s: float
) -> None:
    """He sways, as people do; a cap that was left lying would not."""

    def x_m(at_s: float) -> float:
        return (-2 if at_s <= 30 else -2.3) + (0.05 * math.sin(0.7 * at_s) if at_s >= stirs_s else 0.0)

    stands = ((at_s, x_m(at_s), 13) for at_s in np.arange(4.5, 80, 0.5).tolist())
    makes_room = somebody("one", (0, -6, 13), (4, -2, 13), *stands)
    comes_out = somebody("other", (30.4, -1.7, 13.2), (31, -1.6, 13.2), (38, 6, 13.2))
    acted = Acted(Scene(figures=[makes_room, comes_out]), seed=seed, until_s=79)
    assert len(acted.alarms) == 2
    assert acted.held(58, 79) == {1}
    assert acted.intruders(58, 79) == {1}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("begins_s", [3.0, 30.0])
@pytest.mark.parametrize("unseen_s", [3.2, 60.0], ids=["comes out again", "leaves unseen"])
@pytest.mark.parametrize("is_bare", [False, True])
def test_whoever_passes_a_cap_lends_it_neither_movement_nor_alarm_though_his_track_stays_with_it(
    seed: int, begins_s: float, unseen_s: float, *, is_bare: bool
) -> None:
    passes = somebody("one", (begins_s, -3, 12.8), (begins_s + 12, 3, 12.8), bare=is_bare)
    middle_s = begins_s + 6
    hidden = {"cap": (middle_s - 1, middle_s + 1), "one": (middle_s + 0.8, middle_s + 0.8 + unseen_s)}
    acted = Acted(
        Scene(figures=[passes], things=[cap(0, 13, up_m=1.5)]),
        seed=seed,
        until_s=begins_s + 60,
        hidden=lambda who, at_s: hidden[who][0] <= at_s < hidden[who][1],
    )
    assert acted.track_at("cap", middle_s + 3) == acted.track_at("one", middle_s - 2)
    assert len(acted.alarms) == is_bare
    assert acted.intruders(begins_s + 25, begins_s + 60) == {0}
    assert acted.held(begins_s + 25, begins_s + 60) == {0}


def test_a_cap_is_nobody_though_the_body_of_who_passes_hides_it_bit_by_bit() -> None:
    """What is seen of it beside him is a smaller head, half a side off."""
    left, right, side = 280.0, 320.0, 40.0

    def seen_of_cap(body_x: float) -> Seen | None:
        parts = (left, min(right, body_x - 32)), (max(left, body_x + 32), right)
        begins, ends = max(parts, key=lambda part: part[1] - part[0])
        wide = ends - begins
        return Seen((begins + ends) / 2, 300, BARE, math.sqrt(wide * side)) if wide >= 8 else None

    watched = Watched(camera(FORBIDDEN))
    watched.walk(100, lambda _: seen_of_cap(0))
    watched.walk(45, lambda number: seen_of_cap(90 + 9 * number), along(90, step=9, scores=HELMET))
    counted = {look.values["yard.intruders"] for look in watched.looks[110:]}
    watched.walk(40, lambda _: seen_of_cap(0))
    assert watched.alarms == [("yard.intruders", 2)]
    assert counted == {1}
    assert watched.values["yard.intruders"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_takes_over_the_track_of_a_cap_that_he_passes_has_no_second_alarm(seed: int) -> None:
    """What was seen of the cap is no finding about him, nor does he come from where it lies."""
    passes = somebody("one", (18, -3, 12.8), (28, 3, 12.8))
    hidden = {"cap": (23.4, 24.8), "one": (22.6, 24.2)}
    acted = Acted(
        Scene(figures=[passes], things=[cap(0, 13, up_m=1.5)]),
        seed=seed,
        until_s=48,
        looks_at_s=np.arange(0, 48, 0.25).tolist(),
        hidden=lambda who, at_s: hidden[who][0] <= at_s < hidden[who][1],
    )
    assert acted.track_at("one", 27) == acted.track_at("cap", 20)
    assert len(acted.alarms) == 1
    assert acted.held(26, 27) == {1}
    assert acted.intruders(42, 48) == {0}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cap_that_somebody_stood_before_for_a_minute_is_still_nobody(seed: int) -> None:
    stands = somebody("one", (20, -3, 12.9), (22, 0.15, 12.9), (90, 0.16, 12.9), (94, 5, 12.9), bare=False)
    acted = Acted(
        Scene(figures=[stands], things=[cap(0, 13, up_m=1.5)]),
        seed=seed,
        until_s=140,
        hidden=lambda who, at_s: who == "cap" and 21.5 <= at_s < 90.5,
        missed=0.03,
    )
    assert acted.alarms == []
    assert acted.intruders(30, 90) == {1}
    assert acted.intruders(110, 140) == {0}
