"""The models that ship, and the cards beside them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision import card
from sitewarden.errors import ConfigurationError
from tools.train_helmet import collection

MODELS = Path(card.__file__).with_name("models")
CARDS = sorted(MODELS.glob("*.json"))
LARGEST = 4_000_000
"""What a gateway is willing to load over a mobile link, in bytes."""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of one model and its card that a test may damage."""
    read = card.load(CARDS[0])
    for name in (read.file, CARDS[0].name):
        (tmp_path / name).write_bytes((MODELS / name).read_bytes())
    return tmp_path / CARDS[0].name


def test_two_sizes_ship_and_every_model_has_a_card() -> None:
    cards = [card.load(file) for file in CARDS]
    assert {read.input.size for read in cards} == {320, 416}
    assert {read.file for read in cards} == {file.name for file in MODELS.glob("*.onnx")}
    assert all((MODELS / read.file).stat().st_size <= LARGEST for read in cards)


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
def test_a_shipped_model_learned_only_from_photos_that_may_be_used_for_it(file: Path) -> None:
    read = card.load(file)
    origins = collection.load_origins()
    assert {origins[name].licence for name in read.lesson.photos} <= {"CC0-1.0", "CC-BY-4.0"}
    assert {origins[name].attribution for name in read.lesson.photos} == set(read.lesson.attribution)


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
def test_a_card_tells_both_kinds_and_what_they_reach(file: Path) -> None:
    read = card.load(file)
    assert [kind.name for kind in read.kinds] == list(collection.KINDS)
    assert {measured.labels for measured in read.measured} == {"as collected", "corrected"}
    for measured in read.measured:
        assert measured.map50.low <= measured.map50.value <= measured.map50.high
        assert set(measured.ap50) == set(measured.at_threshold) == set(collection.KINDS)


def test_other_bytes_than_the_cards_are_refused(shipped: Path) -> None:
    model = shipped.with_name(card.load(shipped).file)
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(ConfigurationError, match="one release"):
        card.load(shipped)


def test_a_card_without_its_model_is_refused(shipped: Path) -> None:
    shipped.with_name(card.load(shipped).file).unlink()
    with pytest.raises(ConfigurationError, match="not there"):
        card.load(shipped)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": "x", "surprise": 1}'])
def test_what_is_no_card_is_refused(shipped: Path, text: str) -> None:
    shipped.write_text(text)
    with pytest.raises(ConfigurationError, match="no model card"):
        card.load(shipped)


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.json"):
        card.load(tmp_path / "missing.json")


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
def test_a_shipped_model_gives_what_its_card_says_and_sees_nobody_in_an_empty_picture(file: Path) -> None:
    read = card.load(file)
    network = cv2.dnn.readNetFromONNX(str(MODELS / read.file))
    network.setInput(np.full((1, 3, read.input.size, read.input.size), read.input.padding, np.float32))
    answer = network.forward(read.output.name)
    assert answer.shape == (1, read.output.points, 4 + len(read.kinds))
    scores = answer[0, :, 4:]
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (scores.max(axis=0) < [kind.threshold for kind in read.kinds]).all()
