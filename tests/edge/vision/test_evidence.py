"""What is kept of an alarm: written before it is told, nobody to be known on it, and never in its way."""

import errno
import hashlib
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge import mediafiles
from edge.vision.bodies import head_places
from edge.vision.covering import joined
from edge.vision.detectors import DetectorFailedError
from edge.vision.detectors.scripted import Scripted
from edge.vision.evidence import MOST_MAKING, Clip, Evidence, Kept
from edge.vision.model import Boxes, Confirmed, Frame, Heads, Scores, Track
from edge.vision.searching import maybe_heads
from edge.vision.settings import PictureSettings
from sitewarden import boxes
from sitewarden.cameras import CameraZone
from tests.support.waiting import PATIENCE_S

HEIGHT, WIDTH = 360, 640
ASKED = Confirmed("yard.bare_1", "yard", 1)
SIDE = 60


def box_of(number: int, at_s: float) -> tuple[float, float, float, float]:
    """Two people who walk: the first has an alarm to come, the second crosses behind."""
    left = 100 + 40 * at_s if number == 1 else 420 - 30 * at_s
    return left, 120.0, left + SIDE, 120.0 + SIDE


def frame(at_s: float, *, seed: int = 7) -> Frame:
    """Heads of noise on a grey ground: all that may be seen of them is seen."""
    rng = np.random.default_rng(seed)
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for number in (1, 2):
        x, y = (round(edge) for edge in box_of(number, at_s)[:2])
        pixels[y : y + SIDE, x : x + SIDE] = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return Frame(at_s, round(at_s * 100), pixels)


def track(number: int, at_s: float, *, seen_s: float | None = None) -> Track:
    seen_s = at_s if seen_s is None else seen_s
    return Track(number, 0.0, seen_s, box_of(number, at_s), (0.1, 0.9 if number == 1 else 0.2), 30.0, 5)


def heads(at_s: float, *numbers: int) -> Heads:
    found = np.array([box_of(number, at_s) for number in numbers], np.float32).reshape(-1, 4)
    return Heads(found, np.full((len(numbers), 2), 0.5, np.float32), np.full(len(numbers), 30, np.float32))


def watched(evidence: Evidence, until_s: float, *, from_s: float = 0.0, look_every: int = 1) -> None:
    """Five frames a second, of which every n-th is looked at; tracks are reckoned between."""
    for i in range(round(from_s * 5), round(until_s * 5) + 1):
        at_s = i / 5
        is_looked_at = i % look_every == 0
        seen_s = at_s if is_looked_at else (i // look_every * look_every) / 5
        tracks = [track(1, at_s, seen_s=seen_s), track(2, at_s, seen_s=seen_s)] if look_every == 1 else []
        evidence.add(frame(at_s), heads(at_s, 1, 2) if is_looked_at else None, tracks)


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    made = Evidence(tmp_path / "media", "gate", PictureSettings(), stamp=lambda at_s: round(1000 * at_s))
    yield made
    made.close()


def detail(
    picture: np.ndarray, box: tuple[float, ...], from_share: float = 0.0, to_share: float = 1.0
) -> float:
    left, top, right, bottom = box
    high = bottom - top
    part = picture[
        math.ceil(top + from_share * high) : math.floor(top + to_share * high),
        math.ceil(left) : math.floor(right),
    ]
    return float(np.abs(np.diff(part.astype(float), axis=1)).mean())


VISIBLE, COVERED = 40.0, 25.0
"""The noise as it is has 85, after JPEG some 60; smeared, blocks of some ten pixels."""


def stored(folder: Path, kept: Kept) -> np.ndarray:
    [told] = kept.pictures
    content = (folder / "media" / f"{told.sha256}.jpg").read_bytes()
    assert hashlib.sha256(content).hexdigest() == told.sha256
    assert len(content) == told.bytes
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def test_on_a_snapshot_the_helmet_area_is_seen_and_no_face(tmp_path: Path, evidence: Evidence) -> None:
    watched(evidence, 2.0)
    kept = evidence.confirm(ASKED, 2.0)
    assert (kept.key, kept.track, kept.why) == ("yard.bare_1", 1, None)
    picture = stored(tmp_path, kept)
    note = mediafiles.notes(tmp_path / "media")[0]
    own, other = box_of(1, note.at_ms / 1000), box_of(2, note.at_ms / 1000)
    assert detail(picture, own, 0.0, 0.4) > VISIBLE
    assert detail(picture, own, 0.47) < COVERED
    assert detail(picture, other) < COVERED


def test_what_a_snapshot_shows_is_noted_beside_it(tmp_path: Path, evidence: Evidence) -> None:
    watched(evidence, 2.0)
    evidence.confirm(ASKED, 2.0)
    [note] = mediafiles.notes(tmp_path / "media")
    assert note.about is not None
    own, other = (np.array(box_of(n, note.at_ms / 1000)) for n in (1, 2))
    size = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
    assert np.allclose(np.array(note.about.box) * size, own, atol=0.1)
    [area] = note.about.others  # one, though it was found in many frames around
    area = np.array(area) * size
    assert (area[:2] <= other[:2]).all()
    assert (area[2:] >= other[2:]).all()


def test_where_many_heads_are_their_areas_are_put_together_and_none_is_lost() -> None:
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 600, (200, 2)).astype(np.float32)
    boxes = np.concatenate((corners, corners + 30), axis=1)
    areas = joined(boxes, 48)
    assert 1 <= len(areas) <= 48
    inside = (areas[None, :, :2] <= boxes[:, None, :2]) & (areas[None, :, 2:] >= boxes[:, None, 2:])
    assert inside.all(axis=2).any(axis=1).all()
    assert len(joined(boxes[:0], 48)) == 0


def test_the_best_picture_of_the_track_is_taken(tmp_path: Path, evidence: Evidence) -> None:
    for i in range(10):
        at_s = i / 5
        sharp = frame(at_s)
        pixels = sharp.pixels if i == 4 else cv2.GaussianBlur(sharp.pixels, (0, 0), 4)
        evidence.add(sharp._replace(pixels=pixels), heads(at_s, 1, 2), [track(1, at_s), track(2, at_s)])
    evidence.confirm(ASKED, 1.8)
    assert mediafiles.notes(tmp_path / "media")[0].at_ms == 800


def test_a_head_that_the_detector_missed_in_that_picture_is_covered_too(
    tmp_path: Path, evidence: Evidence
) -> None:
    for i in range(6):
        at_s = i / 50  # it hardly moves meanwhile
        is_missed = i == 5
        found = heads(at_s, 1) if is_missed else heads(at_s, 1, 2)
        own = track(1, at_s)._replace(scores=(0.1, 0.9 if is_missed else 0.3))
        evidence.add(frame(at_s), found, [own])
    picture = stored(tmp_path, evidence.confirm(ASKED, 0.1))
    assert mediafiles.notes(tmp_path / "media")[0].at_ms == 100
    assert detail(picture, box_of(2, 0.1)) < COVERED


def test_a_head_that_no_look_found_is_found_in_the_snapshot_and_covered_in_its_clip_too(
    tmp_path: Path, evidence: Evidence
) -> None:
    """Nobody ever saw the second head: a closer look at the whole picture does, though it is hardly one."""

    def script(_: Frame) -> tuple[Boxes, Scores]:
        beside_own = (106.0, 118.0, 160.0, 170.0)  # what else a low score makes of the own head
        boxes = np.array([box_of(1, 0.0), box_of(2, 0.0), beside_own], np.float32)
        return boxes, np.array([[0.1, 0.9], [0.06, 0.05], [0.07, 0.05]], np.float32)

    def stand(from_s: float, until_s: float) -> None:
        for i in range(round(from_s * 5), round(until_s * 5) + 1):
            shown = frame(0.0)._replace(at_s=i / 5)
            evidence.add(shown, heads(0.0, 1), [track(1, 0.0)._replace(seen_s=i / 5)])

    stand(0.0, 2.0)
    picture = stored(tmp_path, evidence.confirm(ASKED, 2.0, Scripted(script)))
    assert detail(picture, box_of(2, 0.0)) < COVERED
    assert detail(picture, box_of(1, 0.0), 0.0, 0.4) > VISIBLE
    assert detail(picture, box_of(1, 0.0), 0.47) < COVERED
    stand(2.2, 4.0)
    assert evidence.clips(9.2) == []  # it is being made
    evidence.close()
    [clip] = evidence.clips(9.4)
    assert all(detail(shown, box_of(2, 0.0)) < COVERED for shown in film(tmp_path, clip))


def test_a_second_look_that_fails_holds_no_snapshot_back(tmp_path: Path, evidence: Evidence) -> None:
    def broken(_: Frame) -> tuple[Boxes, Scores]:
        raise DetectorFailedError("out of memory")

    watched(evidence, 2.0)
    picture = stored(tmp_path, evidence.confirm(ASKED, 2.0, Scripted(broken)))
    assert detail(picture, box_of(1, 2.0), 0.47) < COVERED


def test_a_second_look_takes_no_longer_than_an_alarm_can_wait() -> None:
    asked: list[float] = []

    def script(_: Frame) -> tuple[Boxes, Scores]:
        asked.append(0.4 * len(asked))
        return np.array([(10, 10, 60, 60)], np.float32), np.array([[0.06, 0.05]], np.float32)

    picture = np.zeros((720, 1280, 3), np.uint8)
    found = maybe_heads(picture, Scripted(script), clock=lambda: 0.4 * len(asked))
    assert len(asked) == 3  # of nine parts
    assert found[0].tolist() == [10, 10, 60, 60]
    # Of several pictures at once the later ones are looked at as a whole at least.
    maybe_heads(picture, Scripted(script), until_s=0.0, clock=lambda: 0.4 * len(asked))
    assert len(asked) == 4


def test_alarms_faster_than_clips_are_made_cost_clips_and_no_memory(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    usual = Evidence._film
    monkeypatch.setattr(Evidence, "_film", lambda *given: go_on.wait(PATIENCE_S) and usual(*given))
    watched(evidence, 1.0)
    for number in range(MOST_MAKING + 3):
        assert evidence.confirm(Confirmed(f"yard.bare_{number}", "yard", 1), 1.0).pictures
    assert evidence.clips(9.0) == []
    go_on.set()
    evidence.close()
    assert len(evidence.clips(9.2)) == MOST_MAKING
    assert caplog.text.count("wait to be made") == 3


def test_where_a_body_moves_in_a_forbidden_zone_its_head_is_covered_and_the_own_helmet_seen(
    tmp_path: Path, evidence: Evidence
) -> None:
    pit = CameraZone(
        zone="pit", outline=[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)], duties=("keep_out",)
    )
    moving = np.array([(410, 110, 490, 350), (90, 110, 170, 350), (300, 10, 330, 90), (200, 300, 400, 350)])
    bodies = head_places(moving, [pit], WIDTH, HEIGHT)
    assert bodies.tolist() == [[410, 110, 490, 170], [90, 110, 170, 170]]
    for i in range(5):
        evidence.add(
            frame(0.0)._replace(at_s=i / 5), heads(0.0, 1), [track(1, 0.0)._replace(seen_s=i / 5)], bodies
        )
    picture = stored(tmp_path, evidence.confirm(ASKED, 1.0))
    assert detail(picture, box_of(2, 0.0), 0.0, 0.8) < COVERED
    assert detail(picture, box_of(1, 0.0), 0.0, 0.4) > VISIBLE


def test_a_track_that_has_ended_is_covered_for_a_while(tmp_path: Path, evidence: Evidence) -> None:
    for i in range(14):
        at_s, is_there = i / 5, i < 3
        tracks = [track(1, 0.0)._replace(seen_s=at_s, scores=(0.1, 0.1 + at_s / 4))]
        if is_there:
            tracks.append(track(2, 0.0)._replace(seen_s=at_s))
        evidence.add(frame(0.0)._replace(at_s=at_s), heads(0.0, *((1, 2) if is_there else (1,))), tracks)
    picture = stored(tmp_path, evidence.confirm(ASKED, 2.6))
    [note] = mediafiles.notes(tmp_path / "media")
    assert note.at_ms == 2600
    assert detail(picture, box_of(2, 0.0)) < COVERED


def film(folder: Path, clip: Clip) -> list[np.ndarray]:
    content = (folder / "media" / f"{clip.picture.sha256}.webp").read_bytes()
    _, played = cv2.imdecodeanimation(np.frombuffer(content, np.uint8))
    assert len(played.frames) == len(played.durations)
    return [one[:, :, :3] for one in played.frames]


@pytest.mark.parametrize("look_every", [1, 3], ids=["every frame looked at", "every third, nothing tracked"])
def test_a_clip_shows_the_seconds_around_and_in_none_of_its_frames_a_face(
    tmp_path: Path, evidence: Evidence, look_every: int
) -> None:
    watched(evidence, 6.0, look_every=look_every)
    kept = evidence.confirm(ASKED, 6.0)
    watched(evidence, 11.6, from_s=6.2, look_every=look_every)
    assert evidence.clips(11.6) == []  # it is being made
    evidence.close()
    [clip] = evidence.clips(11.8)
    assert (clip.key, clip.track, clip.at_s) == ("yard.bare_1", 1, 6.0)
    frames = film(tmp_path, clip)
    assert len(frames) == 51
    for i, picture in enumerate(frames):
        at_s = 1.0 + i / 5
        own, other = box_of(1, at_s), box_of(2, at_s)
        assert detail(picture, other) < COVERED, at_s
        assert detail(picture, own, 0.47) < COVERED, at_s
        if look_every == 1 and own[2] < other[0] - 10:
            assert detail(picture, own, 0.0, 0.4) > 30, at_s
    note = next(n for n in mediafiles.notes(tmp_path / "media") if n.kind == "clip")
    assert note.of == kept.pictures[0].sha256


def test_where_nobody_found_the_head_its_place_is_known_from_its_track(
    tmp_path: Path, evidence: Evidence
) -> None:
    for i in range(60):
        at_s = i / 5
        is_looked_at = i % 10 == 0  # every two seconds, in which it goes further than it is wide
        found = heads(at_s, 1, 2) if is_looked_at else None
        tracks = [track(n, at_s, seen_s=i // 10 * 2.0) for n in (1, 2)]
        evidence.add(frame(at_s), found, tracks)
        if i == 30:
            evidence.confirm(ASKED, at_s)
    evidence.close()
    [clip] = evidence.clips(11.8)
    for i, picture in enumerate(film(tmp_path, clip)):
        assert detail(picture, box_of(2, 1.0 + i / 5)) < COVERED, i
        assert detail(picture, box_of(1, 1.0 + i / 5), 0.47) < COVERED, i


def test_of_two_heads_in_one_place_neither_face_is_seen(tmp_path: Path, evidence: Evidence) -> None:
    """The track lies between its own head and one beside it: it overlaps with both as one head would."""
    beside = (120.0, 120.0, 180.0, 180.0)
    rng = np.random.default_rng(3)
    for i in range(6):
        at_s = i / 50
        pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        pixels[120:180, 100:180] = rng.integers(0, 256, (60, 80, 3), np.uint8)
        found = Heads(
            np.array([(100, 120, 160, 180), beside], np.float32),
            np.full((2, 2), 0.5, np.float32),
            np.full(2, 30, np.float32),
        )
        own = track(1, at_s)._replace(box=(98.0, 120.0, 158.0, 180.0))
        evidence.add(Frame(at_s, i, pixels), found, [own])
    picture = stored(tmp_path, evidence.confirm(ASKED, 0.1))
    # What of the other reaches beyond the own face.
    assert detail(picture, (166.0, 120.0, 180.0, 180.0), 0.47) < COVERED


def test_masks_are_burnt_in_before_anything_is_kept(tmp_path: Path) -> None:
    masks = [[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]]
    evidence = Evidence(tmp_path / "media", "gate", PictureSettings(), masks)
    watched(evidence, 1.0)
    assert stored(tmp_path, evidence.confirm(ASKED, 1.0))[:, WIDTH // 2 :].max() < 16
    evidence.close()


PRIVATE = bytes(range(32))


def boxed(folder: Path, sha256: str) -> bytes:
    """What the cloud finds in the box."""
    note = mediafiles.note_of(folder, sha256)
    assert note is not None
    assert note.unredacted
    assert mediafiles.whole(folder, note)
    return boxes.opened((folder / note.name).read_bytes(), PRIVATE, bytes.fromhex(sha256))


def test_unredacted_pictures_are_on_the_disk_in_boxes_that_nobody_here_opens(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    key = mediafiles.CloudKey(cloud="https://cloud.example.org", key=boxes.public_of(PRIVATE))
    mediafiles.keep_cloud_key(folder, key)
    evidence = Evidence(
        folder, "gate", PictureSettings(unredacted=True), stamp=lambda at_s: round(1000 * at_s)
    )
    watched(evidence, 12.0)
    still = evidence.still(12.0)
    kept = evidence.confirm(ASKED, 12.0)
    assert evidence.clips(20.0) == []
    evidence.close()
    [clip] = evidence.clips(20.0)
    assert still is not None
    for sha256 in (still.picture.sha256, kept.pictures[0].sha256):
        picture = cv2.imdecode(np.frombuffer(boxed(folder, sha256), np.uint8), cv2.IMREAD_COLOR)
        note = mediafiles.note_of(folder, sha256)
        assert note is not None
        # Neither head is covered.
        assert min(detail(picture, box_of(number, note.at_ms / 1000)) for number in (1, 2)) > VISIBLE
    assert boxed(folder, clip.picture.sha256).startswith(b"RIFF")
    for file in folder.iterdir():
        content = file.read_bytes()
        assert b"\xff\xd8\xff" not in content
        assert b"RIFF" not in content
    assert len(list(mediafiles.seen(folder))) == 3


def test_before_the_cloud_has_told_its_key_pictures_are_redacted_whatever_is_wished(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "media"
    evidence = Evidence(
        folder, "gate", PictureSettings(unredacted=True), stamp=lambda at_s: round(1000 * at_s)
    )
    watched(evidence, 3.0)
    kept = evidence.confirm(ASKED, 3.0)
    evidence.clips(20.0)
    evidence.close()
    evidence.clips(20.0)
    note = mediafiles.note_of(folder, kept.pictures[0].sha256)
    assert note is not None
    assert detail(stored(tmp_path, kept), box_of(2, note.at_ms / 1000)) < COVERED
    assert [note.unredacted for note in mediafiles.seen(folder)] == [False, False]
    assert caplog.text.count("no key of the cloud") == 1
    with pytest.raises(ValueError, match="not written as it is"):
        mediafiles.store(
            folder, b"x", msgspec.structs.replace(next(mediafiles.seen(folder)), unredacted=True)
        )


def test_a_still_shows_the_view_and_nobody(tmp_path: Path, evidence: Evidence) -> None:
    watched(evidence, 1.0)
    # Not before every part of the picture was looked at: who stands still is found in the parts alone.
    assert evidence.still(1.0) is None
    watched(evidence, 10.0, from_s=9.0)
    still = evidence.still(10.0)
    assert still is not None
    content = (tmp_path / "media" / f"{still.picture.sha256}.jpg").read_bytes()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert detail(picture, box_of(1, 10.0)) < COVERED
    assert detail(picture, box_of(2, 10.0)) < COVERED
    assert evidence.still(200.0) is None
    assert evidence.still(311.0) is not None
    assert evidence.still(312.0) is None
    evidence.show_view()
    assert evidence.still(312.0) is not None, "at once, for the view has moved"


def test_without_a_frame_the_alarm_is_told_and_why_it_has_no_picture(evidence: Evidence) -> None:
    assert evidence.confirm(ASKED, 1.0) == Kept("yard.bare_1", 1, 1.0, [], "no_frame")


def test_frames_that_nobody_looked_at_are_not_kept_for_nobody_knows_who_is_in_them(
    tmp_path: Path, evidence: Evidence
) -> None:
    for i in range(20):
        evidence.add(frame(i / 5), None, [])
    assert evidence.still(4.0) is None
    assert evidence.confirm(ASKED, 4.0).why == "no_frame"
    watched(evidence, 8.0, from_s=4.2)  # then there is a detector, and then none any more
    assert evidence.confirm(ASKED, 8.0).why is None
    for i in range(41, 70):
        evidence.add(frame(8.0)._replace(at_s=i / 5), None, [])
    evidence.close()
    clips = evidence.clips(16.0)
    # Of the second one five seconds before and two after.
    assert len(film(tmp_path, clips[1])) in {35, 36}
    assert len(list((tmp_path / "media").glob("*.webp"))) == len(clips) == 2


def test_a_full_disk_is_said_and_leaves_nothing_half(
    tmp_path: Path, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(evidence, 1.0)

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(mediafiles.os, "fsync", full)
        assert evidence.confirm(ASKED, 1.0).why == "disk_full"
    assert list((tmp_path / "media").iterdir()) == []
    assert evidence.confirm(ASKED, 1.2).why is None


def test_what_was_left_half_by_a_kill_is_deleted(tmp_path: Path, evidence: Evidence) -> None:
    watched(evidence, 1.0)
    evidence.confirm(ASKED, 1.0)
    folder = tmp_path / "media"
    [note] = mediafiles.notes(folder)
    (folder / ("a" * 64 + ".jpg.part")).write_bytes(b"half")
    (folder / ("b" * 64 + ".jpg")).write_bytes(b"without a note")
    (folder / ("c" * 64 + ".json")).write_bytes(b"{")
    assert mediafiles.notes(folder) == [note]
    assert len(list(folder.iterdir())) == 5  # somebody may just be writing them
    for path in folder.iterdir():
        os.utime(path, (1.0, 1.0))
    assert mediafiles.notes(folder) == [note]
    assert len(list(folder.iterdir())) == 2


def test_a_large_frame_is_kept_small(tmp_path: Path, evidence: Evidence) -> None:
    pixels = cv2.resize(frame(0.0).pixels, (2560, 1440))
    evidence.add(Frame(0.0, 1, pixels), heads(0.0), [])
    assert stored(tmp_path, evidence.confirm(ASKED, 0.0)).shape == (720, 1280, 3)
