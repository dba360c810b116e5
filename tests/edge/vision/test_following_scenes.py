"""Who is followed in scenes with exact truth: runners, people who cross, who stand and then walk off."""

from collections.abc import Sequence

import numpy as np
import pytest

from edge.vision.model import Heads
from edge.vision.tracking import Tracker
from firmware_sim.camera.scene import Figure, Head, Lens, Scene, Step, View, heads

VIEW = View(Lens(height_m=6, down_deg=16, view_deg=62), 1920, 1080)
TREMBLE = 0.04


def numbers(
    *figures: Figure, seconds: float, looks_per_s: float = 5.0, missed: float = 0.0
) -> dict[str, set[int]]:
    """The tracks of each figure, its heads told as they are seen, trembling, and `missed` now and then."""
    scene, tracker, random = Scene(figures=list(figures)), Tracker(), np.random.default_rng(5)
    found: dict[str, set[int]] = {figure.figure: set() for figure in figures}
    for number in range(round(seconds * looks_per_s)):
        at_s = number / looks_per_s
        there = [head for head in heads(scene, VIEW, at_s) if head.is_seen and random.random() >= missed]
        told = _told(there, random)
        tracks = [track for track in tracker.look(at_s, told, size=(1920, 1080)) if track.seen_s == at_s]
        assert len(tracks) == len(there)
        for head in there:
            apart = [float(np.abs(np.array(track.box) - np.array(head.box)).max()) for track in tracks]
            found[head.figure].add(tracks[int(np.argmin(apart))].number)
    return found


def _told(there: Sequence[Head], random: np.random.Generator) -> Heads:
    boxes = np.array([head.box for head in there], np.float32).reshape(-1, 4)
    high = (boxes[:, 3] - boxes[:, 1])[:, None]
    boxes = (boxes + random.normal(0, TREMBLE, boxes.shape) * high).astype(np.float32)
    scores = np.array([(0.1, 0.8) if head.is_bare else (0.8, 0.1) for head in there], np.float32)
    return Heads(boxes, scores.reshape(-1, 2), np.full(len(there), 20, np.float32))


def walker(name: str, *path: Step, helmet: bool = True) -> Figure:
    return Figure(figure=name, path=list(path), wears="helmet" if helmet else "bare")


@pytest.mark.parametrize("m_s", [1.4, 2.0, 3.0, 4.0])
def test_whoever_runs_across_is_one_track(m_s: float) -> None:
    ends_s = 12 / m_s
    assert numbers(walker("runner", (0, -6, 12), (ends_s, 6, 12)), seconds=ends_s) == {"runner": {1}}


def test_whoever_runs_up_to_the_camera_is_one_track() -> None:
    assert numbers(walker("runner", (0, 1, 34), (6, 0, 12)), seconds=6) == {"runner": {1}}


@pytest.mark.parametrize("looks_per_s", [5.0, 2.5, 1.0])
def test_whoever_stands_and_then_walks_off_is_one_track_though_looks_are_rare(looks_per_s: float) -> None:
    path = (0, -2, 12), (8, -2, 12), (13, 4.0, 12)
    assert numbers(walker("one", *path), seconds=13, looks_per_s=looks_per_s) == {"one": {1}}


@pytest.mark.parametrize(
    ("there", "back"),
    [(1.4, 1.4), (3.5, 1.4), (3.5, 3.5)],
    ids=["both walk", "one runs", "both run"],
)
@pytest.mark.parametrize("missed", [0.0, 0.05])
def test_two_who_cross_are_two_tracks_and_each_keeps_its_own(
    there: float, back: float, missed: float
) -> None:
    """They meet in the middle at the same time, the same worn, one a step behind the other."""
    meet_s = max(6 / there, 6 / back)
    one = walker("one", (meet_s - 6 / there, -6, 12.6), (meet_s + 6 / there, 6, 12.6))
    other = walker("other", (meet_s - 6 / back, 6, 11.4), (meet_s + 6 / back, -6, 11.4))
    found = numbers(one, other, seconds=2 * meet_s, missed=missed)
    assert len(found["one"]) == len(found["other"]) == 1
    assert found["one"] != found["other"]


def test_a_runner_passes_people_who_stand_and_all_keep_their_own() -> None:
    stand = [walker(f"stands{at}", (0, at, 12 + at % 2), (5, at, 12 + at % 2)) for at in range(-3, 4, 2)]
    found = numbers(*stand, walker("runs", (0.4, -6, 11.5), (4, 6, 11.5)), seconds=4)
    assert all(len(tracks) == 1 for tracks in found.values())
    assert len(set().union(*found.values())) == len(found)
