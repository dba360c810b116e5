"""The motion gate on pictures whose motion is known."""

from collections.abc import Iterator

import numpy as np
import pytest

from edge.vision.model import Frame
from edge.vision.motion import LEARNING_S, Motion, MotionGate

HEIGHT, WIDTH = 360, 640
LOOK_S = 0.2
SCENE = np.kron(
    np.random.default_rng(3).integers(30, 180, (HEIGHT // 40, WIDTH // 40, 3)), np.ones((40, 40, 1), int)
)


class Camera:
    """Takes pictures of a scene of grey blocks, five a second, with the noise of a night."""

    def __init__(self, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
        self._scene = SCENE[: shape[0], : shape[1]].astype(float)
        noise = np.random.default_rng(5)
        self._noise = [noise.normal(0, 6, self._scene.shape) for _ in range(3)]
        self._number = 0

    def wait(self, seconds: float) -> None:
        self._number += round(seconds / LOOK_S)

    def take(self, *, light: float = 1.0, person: tuple[int, int] | None = None) -> Frame:
        seen = self._scene * light + self._noise[self._number % len(self._noise)]
        if person is not None:
            x, y = person
            seen[y : y + 100, x : x + 36] = 230
        self._number += 1
        return Frame(self._number * LOOK_S, self._number, np.clip(seen, 0, 255).astype(np.uint8))


def learned(gate: MotionGate, camera: Camera) -> None:
    for _ in range(round(3 * LEARNING_S / LOOK_S)):
        gate.look(camera.take())


def around(motion: Motion, x: int, y: int) -> bool:
    return any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in motion.boxes.tolist())


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def gate(camera: Camera) -> MotionGate:
    gate = MotionGate()
    learned(gate, camera)
    return gate


def test_a_still_scene_does_not_move_however_it_is_noisy(gate: MotionGate, camera: Camera) -> None:
    for _ in range(20):
        motion = gate.look(camera.take())
        assert not motion.learning
        assert len(motion.boxes) == 0


def test_a_person_who_walks_in_is_boxed(gate: MotionGate, camera: Camera) -> None:
    motion = gate.look(camera.take(person=(200, 120)))
    assert around(motion, 218, 170)
    assert not around(motion, 500, 170)


def test_at_first_nothing_can_be_said() -> None:
    camera, gate = Camera(), MotionGate()
    assert gate.look(camera.take()).learning


def test_a_light_that_goes_on_is_no_motion_and_soon_people_are_seen_again(
    gate: MotionGate, camera: Camera
) -> None:
    seen = [gate.look(camera.take(light=1.6)) for _ in range(round(2 * LEARNING_S / LOOK_S))]
    assert seen[0].learning
    assert not seen[-1].learning
    assert all(len(motion.boxes) == 0 for motion in seen)
    assert around(gate.look(camera.take(light=1.6, person=(200, 120))), 218, 170)


def test_clouds_are_no_motion(gate: MotionGate, camera: Camera) -> None:
    for light in (*np.linspace(1, 0.75, 10), *np.linspace(0.75, 1.1, 12)):
        motion = gate.look(camera.take(light=light))
        assert not motion.learning
        assert len(motion.boxes) == 0


def test_under_clouds_a_person_is_still_seen(gate: MotionGate, camera: Camera) -> None:
    gate.look(camera.take(light=0.85))
    assert around(gate.look(camera.take(light=0.85, person=(200, 120))), 218, 170)


def test_a_clock_in_a_still_part_is_no_motion(camera: Camera) -> None:
    gate = MotionGate([[(0.25, 0.25), (0.45, 0.25), (0.45, 0.75), (0.25, 0.75)]])
    learned(gate, camera)
    assert len(gate.look(camera.take(person=(200, 120))).boxes) == 0
    assert around(gate.look(camera.take(person=(500, 120))), 518, 170)


def test_what_stays_belongs_to_the_scene_in_time(gate: MotionGate, camera: Camera) -> None:
    def moves() -> Iterator[bool]:
        for _ in range(20):
            camera.wait(2)
            yield len(gate.look(camera.take(person=(200, 120))).boxes) > 0

    seen = list(moves())
    assert seen[0]
    assert not seen[-1]


def test_another_size_of_picture_is_learned_anew(gate: MotionGate) -> None:
    portrait = Camera((360, 200))
    assert gate.look(portrait.take()).learning
    learned(gate, portrait)
    motion = gate.look(portrait.take(person=(80, 120)))
    assert around(motion, 98, 170)
    assert (motion.boxes[:, 2] <= 200).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (2160, 3840)], ids=str)
def test_any_picture_can_be_looked_at(shape: tuple[int, int]) -> None:
    gate = MotionGate()
    for number in range(3):
        gate.look(Frame(number * 10.0, number, np.full((*shape, 3), 60 * number, np.uint8)))
