"""Squares of a frame, as the network was taught to see them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.letterbox import letterbox, tensor, to_frame, whole
from edge.vision.model import Region
from tools.train_helmet import photos

GREY = 114


def picture(height: int, width: int):
    rows, columns = np.mgrid[:height, :width]
    return np.stack((rows % 256, columns % 256, (rows + columns) % 256), axis=-1).astype(np.uint8)


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (90, 120), (416, 416)], ids=str)
def test_a_whole_frame_looks_as_it_did_in_training(shape: tuple[int, int]) -> None:
    seen = picture(*shape)
    assert (letterbox(seen, whole(shape), 416, GREY) == photos.letterbox(seen, 416)[0]).all()


def test_a_square_of_the_inputs_own_size_is_taken_as_it_is() -> None:
    seen = picture(720, 1280)
    assert (letterbox(seen, Region(300, 200, 416), 416, GREY) == seen[200:616, 300:716]).all()


def test_what_lies_beyond_the_frame_is_grey() -> None:
    canvas = letterbox(picture(100, 100), Region(-50, 60, 100), 200, GREY)
    assert (canvas[:, :100] == GREY).all()
    assert (canvas[80:] == GREY).all()
    assert (canvas[:80, 100:] != GREY).any()


@settings(max_examples=30, deadline=None)
@given(x=st.integers(-900, 2000), y=st.integers(-900, 1500), side=st.integers(1, 3000))
def test_any_square_whatsoever_gives_an_input(x: int, y: int, side: int) -> None:
    assert letterbox(picture(72, 128), Region(x, y, side), 64, GREY).shape == (64, 64, 3)


@settings(max_examples=30, deadline=None)
@given(x=st.integers(0, 600), y=st.integers(0, 300), side=st.integers(40, 1280))
def test_a_box_of_the_input_is_where_it_was_in_the_frame(x: int, y: int, side: int) -> None:
    region, shape = Region(x, y, side), (720, 1280)
    there = np.array([[x + 0.1 * side, y + 0.2 * side, x + 0.3 * side, y + 0.5 * side]])
    seen = (there - [x, y, x, y]) * 416 / side
    assert to_frame(seen, region, 416, shape) == pytest.approx(np.clip(there, 0, [1280, 720] * 2), abs=0.01)


def test_the_network_is_given_planes_of_blue_green_and_red() -> None:
    canvas = np.zeros((8, 8, 3), np.uint8)
    canvas[2, 5] = 10, 20, 30
    given_to = tensor(canvas)
    assert given_to.shape == (1, 3, 8, 8)
    assert given_to[0, :, 2, 5].tolist() == [10, 20, 30]
