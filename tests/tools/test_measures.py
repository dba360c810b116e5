import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.train_helmet.answers import heads
from tools.train_helmet.measures import (
    Found,
    Truth,
    average_precision,
    best_point,
    draws,
    figures,
    gain,
    point_at,
    rank,
)

HELMET, HEAD = 0, 1
HERE, THERE = (0.0, 0.0, 30.0, 30.0), (100.0, 0.0, 130.0, 30.0)
SMALL = (200.0, 0.0, 208.0, 8.0)


def real(*rows: tuple[int, tuple[float, ...]]) -> Truth:
    return Truth(
        np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], float).reshape(-1, 4)
    )


def said(*rows: tuple[int, float, tuple[float, ...]]) -> Found:
    return Found(
        np.array([row[0] for row in rows], int),
        np.array([row[1] for row in rows], float),
        np.array([row[2] for row in rows], float).reshape(-1, 4),
    )


def precision(found: list[Found], truth: list[Truth], kind: int = HELMET) -> float:
    return average_precision(rank(found, truth, kind))


def test_all_found_and_nothing_else_is_one() -> None:
    assert (
        precision([said((HELMET, 0.9, HERE), (HELMET, 0.3, THERE))], [real((HELMET, HERE), (HELMET, THERE))])
        == 1
    )


def test_a_head_is_found_once_however_often_it_is_said() -> None:
    twice = [said((HELMET, 0.9, HERE), (HELMET, 0.8, HERE))]
    assert precision(twice, [real((HELMET, HERE), (HELMET, THERE))]) == pytest.approx(0.5)


def test_a_wrong_one_before_the_right_one_halves_the_precision() -> None:
    assert precision(
        [said((HELMET, 0.9, THERE), (HELMET, 0.8, HERE))], [real((HELMET, HERE))]
    ) == pytest.approx(0.5)


def test_a_bare_head_called_helmet_is_found_by_nobody() -> None:
    found, truth = [said((HELMET, 0.9, HERE))], [real((HEAD, HERE))]
    assert precision(found, truth, HEAD) == 0
    assert np.isnan(precision(found, truth, HELMET))


def test_a_box_that_is_half_beside_the_head_is_wrong() -> None:
    assert precision([said((HELMET, 0.9, (15.0, 0.0, 45.0, 30.0)))], [real((HELMET, HERE))]) == 0


def test_heads_of_other_sizes_neither_count_nor_count_against() -> None:
    truth = [real((HELMET, HERE), (HELMET, SMALL))]
    found = [said((HELMET, 0.9, SMALL), (HELMET, 0.8, HERE), (HELMET, 0.7, (300.0, 0.0, 308.0, 8.0)))]
    large = rank(found, truth, HELMET, 20, 40)
    assert average_precision(large) == 1
    assert int(large.heads.sum()) == 1
    assert list(rank(found, truth, HELMET, 0, 12).right) == [True, False]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6).filter(any))
def test_drawing_a_photo_twice_is_the_same_as_having_it_twice(times: list[int]) -> None:
    scores = np.linspace(0.9, 0.4, len(times))
    found = [said((HELMET, score, HERE), (HELMET, score / 2, THERE)) for score in scores]
    truth = [real((HELMET, HERE if at % 2 else SMALL)) for at in range(len(times))]
    drawn = average_precision(rank(found, truth, HELMET), np.array(times, float))
    again = [at for at, count in enumerate(times) for _ in range(count)]
    assert drawn == pytest.approx(precision([found[at] for at in again], [truth[at] for at in again]))


def test_draws_are_as_many_as_there_are_photos_and_the_same_every_time() -> None:
    assert (draws(7, 20).sum(axis=1) == 7).all()
    assert (draws(7, 20) == draws(7, 20)).all()


def test_the_interval_holds_the_figure_and_is_narrow_where_all_photos_agree() -> None:
    truth = [real((HELMET, HERE), (HEAD, THERE))] * 6
    perfect = figures([said((HELMET, 0.9, HERE), (HEAD, 0.8, THERE))] * 6, truth, times=50)
    assert (perfect.map50.low, perfect.map50.value, perfect.map50.high) == pytest.approx((1, 1, 1))
    half = figures([said((HELMET, 0.9, HERE))] * 3 + [said((HEAD, 0.8, THERE))] * 3, truth, times=200)
    assert half.ap50["helmet"].low < half.ap50["helmet"].value < half.ap50["helmet"].high
    assert half.ap50_by_size["helmet"]["under 12 px"] is None


def test_photos_without_bare_heads_are_judged_by_their_helmets_alone() -> None:
    alone = figures([said((HELMET, 0.9, HERE))] * 3, [real((HELMET, HERE))] * 3, times=20)
    assert (alone.map50.value, list(alone.ap50)) == (1, ["helmet"])


def test_the_gain_over_oneself_is_nothing_and_over_a_blind_one_everything() -> None:
    truth = [real((HELMET, HERE), (HEAD, THERE))] * 4
    good, blind = [said((HELMET, 0.9, HERE), (HEAD, 0.8, THERE))] * 4, [said()] * 4
    assert gain(good, good, truth, times=20).map50.high == 0
    assert gain(good, blind, truth, times=20).map50.low == 1


def test_a_gain_is_told_by_kind_and_size_and_is_that_of_the_figures() -> None:
    truth = [real((HELMET, HERE), (HEAD, SMALL))] * 4
    ours, theirs = [said((HELMET, 0.9, HERE), (HEAD, 0.8, SMALL))] * 4, [said((HELMET, 0.9, HERE))] * 4
    told = gain(ours, theirs, truth, times=20)
    assert (told.ap50["helmet"].value, told.ap50["head"].low) == (0, 1)
    assert told.map50.value == figures(ours, truth, 20).map50.value - figures(theirs, truth, 20).map50.value
    small, tall = told.ap50_by_size["head"]["under 12 px"], told.ap50_by_size["helmet"]["20 to 40 px"]
    assert small is not None
    assert tall is not None
    assert (small.low, tall.high) == (1, 0)
    assert told.ap50_by_size["head"]["over 40 px"] is None


def test_thresholds_tell_what_they_give() -> None:
    truth = [real((HELMET, HERE), (HELMET, THERE))]
    ranking = rank([said((HELMET, 0.9, HERE), (HELMET, 0.5, SMALL), (HELMET, 0.4, THERE))], truth, HELMET)
    assert point_at(ranking, 0.8).recall == 0.5
    assert point_at(ranking, 0.8).precision == 1
    assert best_point(ranking).threshold == pytest.approx(0.4)
    assert best_point(rank([said()], truth, HELMET)).recall == 0


def test_one_box_a_head_and_kind_is_read_from_a_networks_output() -> None:
    output = np.array(
        [[*HERE, 0.9, 0.1], [1, 0, 31, 30, 0.8, 0.3], [*THERE, 0.0, 0.7], [*SMALL, 0.001, 0.001]]
    )
    found = heads(output)
    assert [(int(kind), float(score)) for kind, score in zip(found.kinds, found.scores, strict=True)] == [
        (HELMET, 0.9),
        (HEAD, 0.7),
        (HEAD, 0.3),
    ]
