"""What pictures say of their camera: drawn sites with a sensor's noise, spoilt in every way that we know."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.vision.sanity import BACK_S, FROZEN_S, LEARN_S, MOVED_S, TURNED_S, Sanity, State, view_of

WIDTH, HEIGHT = 320, 180
Spoil = Callable[[np.ndarray], np.ndarray]


def site(seed: int = 1, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Sky, ground, and things of many sizes on it."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), (200, 185, 170), np.uint8)
    picture[height // 3 :] = (90, 115, 130)
    for _ in range(60):
        x, y = rng.integers(0, width), rng.integers(height // 4, height)
        w, h = rng.integers(5, 45), rng.integers(5, 35)
        colour = tuple(int(part) for part in rng.integers(30, 230, 3))
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return picture


class Camera:
    """Shows a site, with a sensor's noise."""

    per_s = 1

    def __init__(self, picture: np.ndarray | None = None) -> None:
        self.sanity, self.at_s = Sanity(), 100.0
        self.picture = site() if picture is None else picture
        self._rng = np.random.default_rng(7)

    def show(self, for_s: float, spoil: Spoil = lambda picture: picture, *, noise: bool = True) -> State:
        state = State.SEES
        for _ in range(round(self.per_s * for_s)):
            picture = spoil(self.picture.copy())
            if noise:
                grain = self._rng.normal(0, 3, picture.shape[:2])[..., None]
                picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
            state = self.sanity.look(self.at_s, np.ascontiguousarray(picture))
            self.at_s += 1 / self.per_s
        return state


@pytest.fixture
def camera() -> Camera:
    camera = Camera()
    assert camera.show(LEARN_S + 5) is State.SEES
    return camera


def black(picture: np.ndarray) -> np.ndarray:
    return np.zeros_like(picture)


def night(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.08).astype(np.uint8)


def cloth(picture: np.ndarray) -> np.ndarray:
    """Something stands so near before the lens that nothing of it is sharp."""
    return cv2.GaussianBlur(picture, (0, 0), 45)


def one_shade(picture: np.ndarray) -> np.ndarray:
    return np.full_like(picture, 128)


def green(picture: np.ndarray) -> np.ndarray:
    return np.full_like(picture, (0, 135, 0))


def green_below(picture: np.ndarray) -> np.ndarray:
    picture[100:] = (0, 135, 0)
    return picture


def smeared(picture: np.ndarray) -> np.ndarray:
    """What a decoder shows that lost the rest: the last row again and again."""
    picture[90:] = picture[90]
    return picture


def grey_below(picture: np.ndarray) -> np.ndarray:
    """What a JPEG shows that was cut off."""
    picture[125:] = 128
    return picture


@pytest.mark.parametrize(
    ("spoil", "state", "noise"),
    [
        (black, State.DARK, False),
        (night, State.DARK, True),
        (cloth, State.COVERED, True),
        (one_shade, State.CONSTANT, False),
        (green, State.CONSTANT, False),
        (green_below, State.TORN, False),
        (smeared, State.TORN, False),
        (grey_below, State.TORN, False),
    ],
)
def test_a_picture_that_shows_nothing_is_named_and_so_is_its_end(
    camera: Camera, spoil: Spoil, state: State, *, noise: bool
) -> None:
    assert camera.show(1, spoil, noise=noise) is State.SEES  # a single picture is no state
    assert camera.show(4, spoil, noise=noise) is state
    assert camera.show(4) is State.SEES


@pytest.mark.parametrize("spoil", [one_shade, green, green_below, smeared])
def test_of_a_single_spoilt_picture_no_head_is_read(camera: Camera, spoil: Spoil) -> None:
    camera.show(1, spoil, noise=False)
    assert camera.sanity.is_spoilt
    camera.show(1)
    assert not camera.sanity.is_spoilt


def test_the_same_picture_for_long_is_an_old_one(camera: Camera) -> None:
    assert camera.show(FROZEN_S - 5, noise=False) is State.SEES
    assert camera.show(10, noise=False) is State.FROZEN
    assert camera.show(3) is State.SEES


def shifted(by: int) -> Spoil:
    return lambda picture: np.roll(picture, by, axis=1)


def test_a_camera_that_was_pushed_or_turned_away_is_moved_until_it_looks_there_again(camera: Camera) -> None:
    assert camera.show(MOVED_S - 2, shifted(30)) is State.SEES  # somebody may only have bumped into it
    assert camera.show(10, shifted(30)) is State.MOVED
    assert camera.show(200, shifted(30)) is State.MOVED
    assert camera.show(BACK_S - 2) is State.MOVED, "somebody may only have pulled it past"
    assert camera.show(5) is State.SEES
    assert camera.show(TURNED_S + 10, lambda _: site(2)) is State.MOVED
    assert camera.show(BACK_S + 2) is State.SEES


def test_a_view_that_somebody_accepts_is_the_right_one_from_then_on(camera: Camera) -> None:
    assert camera.show(MOVED_S + 2, shifted(30)) is State.MOVED
    assert camera.sanity.known is None, "the wrong view is not put by"
    moved = view_of(shifted(30)(camera.picture.copy()))
    assert not camera.sanity.accept(view_of(camera.picture)), "that it does not show"
    assert camera.sanity.accept(moved)
    assert camera.show(TURNED_S + 10, shifted(30)) is State.SEES
    assert camera.show(MOVED_S + 2) is State.MOVED, "the old one is a moved one now"


def test_a_start_makes_no_moved_view_the_right_one(camera: Camera) -> None:
    known = camera.sanity.known
    assert known is not None
    camera.sanity = Sanity(known=known)
    assert camera.show(MOVED_S + 2, shifted(30)) is State.MOVED
    camera.sanity = Sanity(known=known)
    assert camera.show(MOVED_S + 2) is State.SEES
    # In another light it is the same view.
    camera.sanity = Sanity(known=known)
    assert camera.show(TURNED_S + 5, infrared) is State.SEES
    # Of pictures of another shape nothing is known.
    camera.sanity, camera.picture = Sanity(known=known), site(3, 180, 320)
    assert camera.show(TURNED_S + 5) is State.SEES


def passing(picture: np.ndarray) -> np.ndarray:
    """A machine fills a third of the picture."""
    picture[60:, 100:210] = (40, 160, 210)
    cv2.circle(picture, (150, 150), 25, (20, 20, 20), -1)
    return picture


def sunny(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture * 1.4 + 10, 0, 255).astype(np.uint8)


def hazy(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.45 + 110).astype(np.uint8)


def dusk(picture: np.ndarray) -> np.ndarray:
    return (picture * 0.3).astype(np.uint8)


def infrared(picture: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return cv2.cvtColor((grey * 0.6).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def trembling(picture: np.ndarray) -> np.ndarray:
    return np.roll(picture, int(np.random.default_rng().integers(-2, 3)), axis=1)


@pytest.mark.parametrize("change", [passing, sunny, hazy, dusk, infrared, trembling])
def test_what_a_site_does_all_day_is_no_fault_of_the_camera(camera: Camera, change: Spoil) -> None:
    assert camera.show(TURNED_S + 30, change) is State.SEES


@pytest.mark.parametrize(("width", "height"), [(180, 320), (100, 80)])
def test_any_shape_is_looked_at_and_another_one_is_another_view(width: int, height: int) -> None:
    camera = Camera(site(3, width, height))
    assert camera.show(LEARN_S + 5) is State.SEES
    camera.picture = site(4)
    assert camera.show(TURNED_S + 5) is State.SEES


def test_a_flat_scene_from_the_start_is_not_called_torn() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), (200, 185, 170), np.uint8)
    picture[120:] = (90, 115, 130)
    assert Camera(picture).show(40) is State.SEES


def test_pictures_that_cannot_be_decoded_are_torn(camera: Camera) -> None:
    assert camera.sanity.broken(camera.at_s) is State.SEES
    assert camera.sanity.broken(camera.at_s + 3) is State.TORN
    camera.at_s += 4
    assert camera.show(5) is State.SEES
