"""A model is taken into use only where everything that can be tried of it holds; the reason is said."""

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.vision import card, golden
from edge.vision.detectors.onnx import Session
from edge.vision.examining import examine, examined_apart, parity, write_golden
from sitewarden.cli import main
from sitewarden.errors import ConfigurationError
from tests.edge.vision.own import POINTS, SHIPPED_320, SIZE, answer, standing, written
from tests.support import onnx

PLENTY_MS = 1e6
CARDS = sorted(card.SHIPPED.glob("*.json"))


def refused(file: Path, **wishes: object) -> str:
    with pytest.raises(ConfigurationError) as raised:
        examine(file, **{"budget_ms": PLENTY_MS, **wishes})
    assert raised.value.mend
    return str(raised.value)


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
def test_what_ships_passes_and_both_libraries_agree_on_it(file: Path) -> None:
    found = examine(file, budget_ms=PLENTY_MS)
    assert found.golden_off is not None
    assert found.witness_off is not None
    assert max(found.golden_off, found.witness_off) <= golden.FARTHEST
    assert found.notes == ()
    assert found.sha256 == card.load(file).sha256


def test_opencv_may_compute_it_in_place_of_onnxruntime() -> None:
    assert examine(SHIPPED_320, provider="opencv", budget_ms=PLENTY_MS).golden_off < golden.FARTHEST


def test_a_model_of_a_sites_own_passes(tmp_path: Path) -> None:
    assert examine(standing(tmp_path, answer()), budget_ms=PLENTY_MS).witness_off == 0


def test_points_may_stand_in_columns_where_the_card_says_so(tmp_path: Path) -> None:
    columns = msgspec.structs.replace(card.load(SHIPPED_320).output, layout="columns")
    turned = answer().transpose(0, 2, 1)
    assert examine(standing(tmp_path, turned, output=columns), budget_ms=PLENTY_MS).size == SIZE
    assert "gives heads [1, 6, 2100], and the card says heads [1, 2100, 6]" in refused(
        standing(tmp_path, turned)
    )


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    content = card.load_model(SHIPPED_320).onnx
    assert "cannot load" in refused(written(tmp_path, content[: len(content) // 2]))


def test_a_file_that_was_cut_after_its_card_was_written_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    model = file.with_suffix(".onnx")
    model.write_bytes(model.read_bytes()[:-1])
    assert "is not that of own.onnx" in refused(file)


def given_to(name: str = "image", size: int = SIZE) -> card.Input:
    return card.Input(name=name, size=size, padding=114)


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        (answer(kinds=3), {}, "gives heads [1, 2100, 7], and the card says heads [1, 2100, 6]"),
        (answer(points=99), {}, "gives heads [1, 99, 6]"),
        (
            answer(),
            {"input": card.Input(name="image", size=416, padding=114)},
            "takes image [1, 3, 320, 320]",
        ),
        (answer(), {"input": card.Input(name="photo", size=320, padding=114)}, "the card says photo"),
        (answer(), {"kinds": ()}, "names the kind `helmet` 0 times"),
    ],
    ids=["kinds", "points", "size", "name", "nothing it tells"],
)
def test_another_shape_than_the_cards_is_refused(tmp_path: Path, rows, changes, said: str) -> None:
    assert said in refused(standing(tmp_path, rows, **changes))


def test_more_than_heads_in_other_order_is_fine(tmp_path: Path) -> None:
    known = card.load(SHIPPED_320).kinds
    vest = msgspec.structs.replace(known[0], name="vest")
    examine(standing(tmp_path, answer(kinds=3), kinds=(vest, *known[::-1])), budget_ms=PLENTY_MS)


def changed(place: tuple[int, ...], value: float) -> np.ndarray:
    rows = answer()
    rows[place] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (changed((0, 7, 5), np.nan), "no number"),
        (changed((0, 7, 5), 80.0), "scores from 0.00 to 80.00"),
        (changed((0, 7, 5), 0.9), "sees `head` in an empty picture"),
        (
            np.concatenate((answer()[..., 2:4], answer()[..., :2], answer()[..., 4:] + 0.2), axis=-1),
            "x1 y1 x2 y2",
        ),
    ],
    ids=["nan", "percent", "ghost", "inside out"],
)
def test_answers_without_sense_are_refused(tmp_path: Path, rows, said: str) -> None:
    assert said in refused(standing(tmp_path, rows))


def test_a_model_slower_than_the_budget_is_refused_and_both_figures_are_said(tmp_path: Path) -> None:
    said = refused(written(tmp_path), budget_ms=0.0001)
    assert "ms for one input here, and vision.budget_ms is 0.0001" in said


def test_a_machine_that_computes_otherwise_is_found_out(tmp_path: Path) -> None:
    known = card.load(SHIPPED_320).golden[0]
    rows = np.frombuffer(known.rows, "<f4").copy()
    rows[4] += 0.01  # a score
    file = written(tmp_path, golden=(msgspec.structs.replace(known, rows=rows.tobytes()),))
    assert "computes own.onnx otherwise: 1.0e-02 off" in refused(file)


@pytest.mark.parametrize("points", [(), (2**31 - 1,), (-1,)], ids=["none", "far", "negative"])
def test_golden_answers_of_no_use_are_refused(tmp_path: Path, points: tuple[int, ...]) -> None:
    rows = np.zeros(len(points) * 6, "<f4").tobytes()
    useless = card.Golden(picture=1, points=np.array(points, "<i4").tobytes(), rows=rows)
    assert "otherwise: nan off" in refused(written(tmp_path, golden=(useless,)))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"rows": np.full(24 * 6, np.nan, "<f4").tobytes()},
        {"rows": b"", "points": b"\0"},
        {"picture": 99},
    ],
    ids=["no numbers", "half a number", "no such picture"],
)
def test_golden_answers_that_were_spoilt_never_pass(tmp_path: Path, spoilt) -> None:
    known = card.load(SHIPPED_320).golden[0]
    assert "otherwise: nan off" in refused(
        written(tmp_path, golden=(known, msgspec.structs.replace(known, **spoilt)))
    )


def test_golden_answers_can_be_written_where_figures_are_measured(tmp_path: Path) -> None:
    file = standing(tmp_path, answer())
    write_golden(file)
    read = card.load(file)
    given = golden.answers(read, Session(card.load_model(file), 1))
    assert golden.off_golden(read, given) == 0
    assert examine(file, budget_ms=PLENTY_MS).golden_off == 0


def test_the_drawn_pictures_never_change() -> None:
    """A card's golden answers are of these; were they drawn otherwise, every card would be refused."""
    sums = [int(golden.drawn(number, 416).sum()) for number in golden.PICTURES]
    assert sums == SUMS


SUMS = [78834888, 74590119, 83455710]


def test_over_photos_libraries_are_held_against_each_other_in_pixels_and_scores() -> None:
    assert parity(SHIPPED_320, [golden.drawn(1, 640), golden.drawn(2, 200)]) <= 1e-3


def test_a_model_that_hangs_is_refused_in_time(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not examined within 0\.01 s"):
        examined_apart(written(tmp_path), budget_ms=PLENTY_MS, limit_s=0.01)


def test_a_model_that_wants_all_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="onnxruntime cannot"):
        examined_apart(written(tmp_path, onnx.glutton(answer())), budget_ms=PLENTY_MS)


def test_a_model_that_crashes_its_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ConfigurationError, match="ended with 1 and said nothing"):
        examined_apart(written(tmp_path), budget_ms=PLENTY_MS)


def test_the_installer_is_told_what_a_model_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edge", "camera", "model", str(SHIPPED_320), "--budget-ms", str(PLENTY_MS)]) == 0
    said = capsys.readouterr().out
    for part in (
        "helmet-320",
        "takes 320 px",
        "mAP50 0.807",
        "off the golden answers",
        "would be taken into use",
    ):
        assert part in said


def test_the_installer_is_told_why_a_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, onnx.model(answer(points=POINTS), size=SIZE // 2))
    assert main(["edge", "camera", "model", str(file)]) == 2
    said = capsys.readouterr().err
    assert "takes image [1, 3, 160, 160], and the card says image [1, 3, 320, 320]" in said
