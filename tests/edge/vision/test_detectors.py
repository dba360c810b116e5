"""What networks say of squares becomes heads of the frame, one each."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.vision import card
from edge.vision.boxes import covers
from edge.vision.detectors import Adapted, DetectorFailedError, NetworkDetector
from edge.vision.detectors.dnn import Net
from edge.vision.detectors.onnx import Session
from edge.vision.detectors.scripted import HEAD_BGR, HELMET_BGR, Scripted, drawn
from edge.vision.letterbox import Tensor, tensor, whole
from edge.vision.model import Frame, Region

MODELS = Path(card.__file__).with_name("models")
CARD = card.load(MODELS / "helmet-320.json")
SIZE = CARD.input.size


def frame(height: int = 720, width: int = 1280) -> Frame:
    return Frame(0.0, 1, np.full((height, width, 3), 90, np.uint8))


class Answers:
    """A network that gives one answer after another: rows of box and scores."""

    def __init__(self, *answers: Sequence[Sequence[float]]) -> None:
        self._answers = iter(answers)

    def __call__(self, _: Tensor):
        return np.array(next(self._answers), np.float32).reshape(-1, 6)


def found(regions: Sequence[Region], *answers: Sequence[Sequence[float]], at: Frame | None = None):
    return NetworkDetector(CARD, Answers(*answers)).find(at or frame(), regions)


def test_a_head_is_told_in_pixels_of_the_frame_and_with_both_scores() -> None:
    heads = found([Region(100, 50, 640)], [(10, 20, 30, 50, 0.2, 0.8)])
    assert heads.boxes.tolist() == [[120, 90, 160, 150]]
    assert heads.scores == pytest.approx(np.array([[0.2, 0.8]]))
    assert heads.input_px == pytest.approx([np.sqrt(20 * 30)])


def test_one_head_has_one_box_whichever_kind_it_was_taken_for() -> None:
    heads = found([Region(0, 0, SIZE)], [(10, 10, 40, 40, 0.3, 0.5), (11, 10, 41, 41, 0.7, 0.2)])
    assert heads.scores == pytest.approx(np.array([[0.7, 0.2]]))


def test_heads_beside_each_other_stay_two() -> None:
    rows = [(10, 10, 40, 40, 0.9, 0.1), (32, 10, 62, 40, 0.1, 0.9)]
    assert len(found([Region(0, 0, SIZE)], rows).boxes) == 2


def test_a_head_that_two_squares_show_is_one() -> None:
    heads = found(
        [Region(0, 0, SIZE), Region(100, 0, SIZE)],
        [(200, 60, 240, 100, 0.9, 0.1)],
        [(101, 61, 141, 100, 0.8, 0.1)],
    )
    assert heads.boxes.tolist() == [[200, 60, 240, 100]]


def test_the_half_of_a_head_at_a_squares_edge_gives_way_to_the_whole_one() -> None:
    heads = found(
        [Region(0, 0, SIZE), Region(220, 0, SIZE)],
        [(200, 60, 240, 100, 0.6, 0.1)],
        [(0, 60, 20, 100, 0.1, 0.95)],
    )
    assert heads.boxes.tolist() == [[200, 60, 240, 100]]
    assert heads.scores == pytest.approx(np.array([[0.6, 0.1]]))


def test_a_head_at_the_frames_own_edge_is_not_taken_for_the_half_of_one() -> None:
    heads = found([Region(0, 0, SIZE)], [(0, 60, 20, 100, 0.1, 0.95)])
    assert len(heads.boxes) == 1


def test_enlarging_does_not_make_a_head_larger_than_the_frame_has_it() -> None:
    heads = found([Region(0, 0, 160)], [(0, 0, 40, 40, 0.9, 0.1)], at=frame(160, 160))
    assert heads.input_px == pytest.approx([20])


def test_where_nothing_is_looked_at_nothing_is_found() -> None:
    heads = found([])
    assert heads.boxes.shape == (0, 4)
    assert heads.scores.shape == (0, 2)
    assert heads.input_px.shape == (0,)


def test_faint_scores_are_nobody() -> None:
    assert len(found([Region(0, 0, SIZE)], [(10, 10, 40, 40, 0.09, 0.02)]).boxes) == 0


def test_scores_that_are_no_numbers_are_a_failure_and_not_an_empty_site() -> None:
    with pytest.raises(DetectorFailedError, match="no numbers"):
        found([Region(0, 0, SIZE)], [(10, 10, 40, 40, float("nan"), 0.5)])


def test_kinds_stand_where_the_card_says() -> None:
    swapped = msgspec.structs.replace(CARD, kinds=CARD.kinds[::-1])
    detector = NetworkDetector(swapped, Answers([(10, 10, 40, 40, 0.8, 0.2)]))
    heads = detector.find(frame(), [Region(0, 0, SIZE)])
    assert heads.scores == pytest.approx(np.array([[0.2, 0.8]]))


def test_colours_and_boxes_of_other_makes_are_understood() -> None:
    takes = msgspec.structs.replace(CARD.input, colours="rgb", brightest=1.0)
    gives = msgspec.structs.replace(CARD.output, layout="columns", boxes="middle")
    shown = []

    def network(given: Tensor):
        shown.append(given)
        return np.array([[20, 25, 10, 20, 0.7, 0.2]], np.float32).T

    adapted = Adapted(msgspec.structs.replace(CARD, input=takes, output=gives), network)
    canvas = np.zeros((SIZE, SIZE, 3), np.uint8)
    canvas[:] = 255, 51, 0
    assert adapted(tensor(canvas)) == pytest.approx(np.array([[15, 15, 25, 35, 0.7, 0.2]]))
    assert shown[0][0, :, 0, 0] == pytest.approx([0, 0.2, 1])


def test_both_libraries_compute_the_same_from_a_shipped_model() -> None:
    model = card.load_model(MODELS / "helmet-320.json")
    given = np.random.default_rng(7).uniform(0, 255, (1, 3, SIZE, SIZE)).astype(np.float32)
    assert Session(model, 1)(given) == pytest.approx(Net(model)(given), abs=1e-3)


@pytest.mark.parametrize("library", [lambda model: Session(model, 1), Net], ids=["onnxruntime", "opencv"])
def test_half_a_model_is_refused_and_nothing_breaks(library) -> None:
    model = card.load_model(MODELS / "helmet-320.json")
    with pytest.raises(DetectorFailedError, match="cannot load"):
        library(model._replace(onnx=model.onnx[: len(model.onnx) // 2]))


def test_a_scripted_head_is_seen_where_it_is_looked_for() -> None:
    boxes = np.array([[500, 300, 540, 340], [10, 10, 50, 50]], np.float32)
    scores = np.array([[0.9, 0.1], [0.1, 0.9]], np.float32)
    detector = Scripted(lambda _: (boxes, scores))
    heads = detector.find(frame(), [Region(400, 200, 416)])
    assert heads.boxes.tolist() == [[500, 300, 540, 340]]
    assert heads.input_px.tolist() == [40]


def test_a_scripted_head_is_too_small_in_the_shrunken_whole() -> None:
    boxes, scores = np.array([[500, 300, 516, 316]], np.float32), np.array([[0.1, 0.9]], np.float32)
    detector = Scripted(lambda _: (boxes, scores))
    assert len(detector.find(frame(), [whole((720, 1280))]).boxes) == 0
    assert len(detector.find(frame(), [whole((720, 1280)), Region(400, 200, 416)]).boxes) == 1


def test_heads_of_a_drawn_scene_are_known_by_their_colours() -> None:
    at = frame()
    at.pixels[100:140, 200:230] = HELMET_BGR
    at.pixels[300:330, 700:730] = HEAD_BGR
    heads = Scripted(drawn).find(at, [whole((720, 1280))])
    assert heads.boxes.tolist() == [[200, 100, 230, 140], [700, 300, 730, 330]]
    assert heads.scores.argmax(axis=1).tolist() == [0, 1]


def test_how_much_of_a_part_lies_in_the_whole() -> None:
    assert covers(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 5, 10, 20]])) == pytest.approx(1 / 3)
