"""Scenes: everybody's place follows from metres, and a judge of their heads tells what the truth is."""

import asyncio
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import vision_scene
from firmware_sim import scenario
from firmware_sim.camera.drawing import Drawing
from firmware_sim.camera.feed import Feed
from firmware_sim.camera.model import Camera
from firmware_sim.camera.scene import Change, Figure, Lens, Light, Scene, Thing, View, heads, load
from firmware_sim.camera.truth import Area, bare_heads, moments
from sitewarden.errors import ConfigurationError

WIDTH, HEIGHT = 640, 360
LENS = Lens(height_m=4, down_deg=15, view_deg=60)
AREA = Area("yard", [(-5, 5), (5, 5), (5, 15), (-5, 15)])


def standing(x: float, y: float, **given: object) -> Figure:
    return Figure(figure="one", path=[(0, x, y), (60, x, y)], **given)  # type: ignore[arg-type]


def test_a_point_straight_ahead_is_in_the_middle_and_nearer_ground_lower() -> None:
    view = View(LENS, WIDTH, HEIGHT)
    ahead = 4 / math.tan(math.radians(15))
    assert view.pixel(0, ahead) == pytest.approx((WIDTH / 2, HEIGHT / 2))
    assert view.pixel(0, 6)[1] > view.pixel(0, 12)[1]
    assert view.pixel(1, 12)[0] > WIDTH / 2


def test_a_lens_that_faces_east_sees_the_east_ahead_and_the_south_to_the_right() -> None:
    view = View(Lens(facing_deg=90, down_deg=0), WIDTH, HEIGHT)
    assert view.pixel(20, 0, 5)[0] == pytest.approx(WIDTH / 2)
    assert view.pixel(20, -5, 5)[0] > WIDTH / 2


def test_a_head_twice_as_far_is_half_as_large() -> None:
    view = View(Lens(height_m=1.6, down_deg=0), WIDTH, HEIGHT)
    near, far = (heads(Scene(figures=[standing(0, y)]), view, 1)[0].box for y in (8.0, 16.0))
    assert near[3] - near[1] == pytest.approx(2 * (far[3] - far[1]), rel=0.01)


def test_whoever_is_behind_a_crate_or_another_is_not_seen() -> None:
    view = View(LENS, WIDTH, HEIGHT)
    crate = Thing(thing="crate", kind="crate", path=[(0, 0, 9)], size_m=2.5)
    assert not heads(Scene(figures=[standing(0, 10)], things=[crate]), view, 1)[0].is_seen
    assert heads(Scene(figures=[standing(4, 10)], things=[crate]), view, 1)[0].is_seen


def test_the_truth_tells_a_bare_head_once_and_again_after_a_helmet() -> None:
    changes = [Change(at_s=20, wears="helmet"), Change(at_s=40, wears="cap")]
    scene = Scene(lens=LENS, figures=[standing(0, 10, wears="bare", changes=changes)])
    found = bare_heads(moments(scene, View(LENS, WIDTH, HEIGHT)), [AREA], 5)
    assert [(bare.area, round(bare.since_s)) for bare in found] == [("yard", 0), ("yard", 40)]


def test_a_picture_is_the_same_every_time_and_its_heads_are_where_the_truth_says() -> None:
    scene = Scene(lens=LENS, noise=0, figures=[standing(0, 8, colour="red")])
    drawing = Drawing(scene, WIDTH, HEIGHT)
    picture = drawing.picture(1)
    assert np.array_equal(picture, Drawing(scene, WIDTH, HEIGHT).picture(1))
    empty = Drawing(Scene(lens=LENS, noise=0), WIDTH, HEIGHT).picture(1)
    is_red = (picture[..., 2].astype(int) - picture[..., 1] > 100) & (picture[..., 1] < 75)
    rows, columns = np.nonzero(is_red & (picture != empty).any(axis=2))
    left, top, right, bottom = heads(scene, drawing.view, 1)[0].box
    assert top - 3 <= rows.min() <= rows.max() <= bottom
    assert left - 4 <= columns.min() <= columns.max() <= right + 4


def test_light_changes_the_picture() -> None:
    scene = Scene(lens=LENS, lights=[Light(at_s=10, gain=0.5)])
    drawing = Drawing(scene, WIDTH, HEIGHT)
    assert drawing.picture(11).mean() == pytest.approx(drawing.picture(9).mean() / 2, rel=0.02)


def test_a_camera_shows_a_scene(tmp_path: Path) -> None:
    (tmp_path / "yard.yaml").write_text("figures: [{figure: a, path: [[0, 0, 8], [60, 0, 8]]}]")
    feed = Feed(Camera(camera="gate", source="scene:yard.yaml"), tmp_path)
    asyncio.run(feed.show())
    shown = cv2.imdecode(np.frombuffer(feed.picture, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (360, 640, 3)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("figures: [{figure: a, path: [[5, 0, 8], [1, 0, 8]]}]", "figures.0.path"),
        ("figures: [{figure: a, wears: crown, path: [[0, 0, 8], [1, 0, 8]]}]", "wears"),
    ],
)
def test_a_scene_that_cannot_be_is_refused_with_its_field(tmp_path: Path, text: str, field: str) -> None:
    (tmp_path / "yard.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=field):
        load(tmp_path / "yard.yaml")
    site = tmp_path / "site.yaml"
    site.write_text("scenario: s\nseed: 1\nbuses: []\ncameras: [{camera: gate, source: 'scene:yard.yaml'}]")
    with pytest.raises(ConfigurationError, match=field):
        scenario.read_scenario(site)


def test_the_events_that_are_told_are_those_of_the_truth() -> None:
    account = vision_scene.with_script(1)
    assert account.wrong == []
    assert account.events == 13
