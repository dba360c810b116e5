from collections.abc import Iterable

import pytest

from bench.counting import Column, Tally, compare, delivered, due, largest_gap_ms, median, percent, tally


def column(*readings: tuple[int, float]) -> Column:
    found = Column()
    found.add([at_ms for at_ms, _ in readings], [value for _, value in readings])
    return found


def counted(values: Iterable[float]) -> Column:
    """The answers of these numbers, a second apart."""
    return column(*((1000 * n, value) for n, value in enumerate(values)))


def test_every_answer_at_its_instant_is_nothing_lost_and_nothing_doubled():
    assert tally(counted(range(10)), 10) == Tally(heard=10)


@pytest.mark.parametrize(
    ("heard", "lost"),
    [
        pytest.param([0, 1, 2, 5, 6, 7, 8, 9], 2, id="in the middle"),
        pytest.param([3, 4, 5, 6, 7, 8, 9], 3, id="at the beginning"),
        pytest.param([0, 1, 2, 3, 4, 5], 4, id="at the end"),
        pytest.param([], 10, id="all"),
    ],
)
def test_an_answer_that_is_at_no_instant_is_lost(heard: list[float], lost: int):
    assert tally(counted(heard), 10).lost == lost


def test_the_answer_under_way_when_the_gateway_ended_is_not_lost():
    assert tally(counted(range(9)), 10, unheard_last=1).lost == 0
    assert tally(counted(range(8)), 10, unheard_last=1).lost == 1


def test_a_counter_that_begins_again_loses_nothing():
    assert tally(counted([*range(100), *range(100), *range(50)]), 250, modulus=100) == Tally(heard=250)


def test_a_reading_sent_twice_is_counted_once():
    assert tally(column((0, 0), (1000, 1), (1000, 1), (2000, 2)), 3) == Tally(heard=3, repeated=1)


def test_one_answer_told_at_two_instants_is_doubled():
    assert tally(column((0, 0), (1000, 1), (1001, 1), (2000, 2)), 3) == Tally(heard=4, doubled=1)


def test_one_instant_with_two_values_is_doubled():
    assert tally(column((0, 0), (1000, 1), (1000, 7), (2000, 2)), 3) == Tally(heard=3, doubled=1)


def test_a_backlog_that_arrives_in_another_order_is_counted_by_its_instants():
    assert tally(column((3000, 3), (0, 0), (2000, 2), (1000, 1)), 4) == Tally(heard=4)


def test_a_doubled_answer_does_not_hide_a_lost_one():
    found = tally(column((0, 0), (1000, 1), (1500, 1), (3000, 3)), 4)

    assert (found.lost, found.doubled) == (1, 1)


def test_known_instants_are_looked_for_one_by_one():
    heard = column((0, 5.0), (200, 5.0), (200, 5.0), (600, 5.0), (700, 5.0))

    assert compare(heard, range(0, 1000, 200)) == Tally(heard=4, lost=2, doubled=1, repeated=1)


def test_tallies_of_points_add_up():
    assert Tally(1, 2, 3, 4).plus(Tally(10, 20, 30, 40)) == Tally(11, 22, 33, 44)


def test_a_gap_reaches_to_the_ends_of_the_window():
    assert largest_gap_ms([1000, 2000, 3000], 500, 3500) == 1000
    assert largest_gap_ms([1000, 2000], 500, 9000) == 7000
    assert largest_gap_ms([], 0, 9000) == 9000


def test_readings_outside_the_window_are_not_counted():
    assert delivered([900, 1000, 1100, 2000], 1000, 2000, 100) == 2


def test_a_second_reading_within_an_interval_makes_up_for_none():
    assert delivered([0, 1000, 1010, 3000], 0, 4000, 1000) == 3
    assert due(0, 4000, 1000) == 4


def test_a_poll_a_little_early_or_late_is_the_one_that_was_due():
    assert delivered([40, 110, 249, 300, 420], 0, 500, 100) == 5


def test_of_nothing_due_everything_came():
    assert percent(0, 0) == 100.0


def test_the_median_of_an_even_number_lies_between_two():
    assert (median([3, 1, 2]), median([4, 1, 2, 3])) == (2, 2.5)
