"""What is left out when a machine cannot keep up: in the declared order, and taken up without swinging."""

from edge.vision.figures import Figures
from edge.vision.model import Standing, Track
from edge.vision.shedding import LEAST_EASE, MOST_EASE, Shed, Shedding, percentile

ORDER = [Shed.LOOKS, Shed.SQUARES, Shed.LARGE_DETECTOR, Shed.SLOW, Shed.OVERLOADED]
YOUNG, OLD = [0.1] * 20, [0.1] * 15 + [0.9] * 5


def steps(shedding: Shedding, count: int, busy: float, ages_s: list[float]) -> list[Shed]:
    """Each step that was taken in so many intervals."""
    taken, before = [], shedding.shed
    for _ in range(count):
        if (shed := shedding.interval(busy, ages_s)) is not before:
            taken.append(shed)
            before = shed
    return taken


def test_more_and_more_is_left_out_in_the_declared_order_and_no_more_than_that() -> None:
    assert steps(Shedding(), 30, 1.0, YOUNG) == ORDER
    assert steps(Shedding(), 30, 0.2, OLD) == ORDER  # old pictures are as bad, whoever holds the machine


def test_a_machine_that_keeps_up_leaves_nothing_out_however_a_single_interval_went() -> None:
    shedding = Shedding()
    for _ in range(20):
        shedding.interval(1.0, OLD)
        assert shedding.interval(0.3, YOUNG) is Shed.NOTHING


def test_all_is_taken_up_again_step_by_step_once_there_is_room() -> None:
    shedding = Shedding()
    steps(shedding, 30, 1.0, OLD)
    assert steps(shedding, 20 * LEAST_EASE, 0.2, YOUNG) == [*reversed(ORDER[:-1]), Shed.NOTHING]


def test_what_was_taken_up_too_early_is_tried_again_later_and_later() -> None:
    shedding, tries = Shedding(), []
    for _ in range(1000):
        # Only with the smaller detector does this machine keep up.
        is_too_much = shedding.shed < Shed.LARGE_DETECTOR
        before = shedding.shed
        shed = shedding.interval(1.0 if is_too_much else 0.3, YOUNG)
        tries.append(shed < before)
    assert sum(tries[:200]) > sum(tries[-200:])
    assert sum(tries[-200:]) <= 200 // MOST_EASE + 1


def test_each_step_asks_for_less_than_the_one_before() -> None:
    looks = [shed.looks_per_s(5.0) for shed in Shed]
    assert looks == [5.0, 3.5, 3.5, 3.5, 2.5, 2.5]
    assert [shed.squares for shed in Shed] == [4, 4, 2, 2, 1, 1]
    assert Shed.SLOW.looks_per_s(1.0) == 1.0  # whoever asks for less keeps it
    assert Shed.LARGE_DETECTOR.word == "large detector"


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentile([], 95) == 0
    assert percentile(range(100), 95) == 95
    assert percentile([3.0], 95) == 3.0


def standing(state: str, px: float, seen_s: float) -> Standing:
    track = Track(1, 0.0, seen_s, (0, 0, 1, 1), (0.5, 0.5), px, 9)
    return Standing(track, state, ())  # type: ignore[arg-type]


def test_figures_are_of_the_last_interval_and_shares_of_the_last_minutes() -> None:
    figures = Figures(20.0, 100.0)
    assert figures.told(101.0) == {"fps": 0.0}
    heads = [standing("bare", 30, 102.0), standing("unknown", 10, 102.0), standing("helmet", 30, 99.0)]
    figures.look(102.0, 0.2, 0.012, heads)
    figures.look(103.0, 0.1, None, [])
    told = {"fps": 2.0, "age": 200.0, "infer": 12.0, "unknown": 50.0, "coverage": 50.0}
    assert figures.told(102.0) == told
    assert figures.told(112.0) == {"fps": 0.0, "unknown": 50.0, "coverage": 50.0}
    assert figures.told(1000.0) == {"fps": 0.0}
