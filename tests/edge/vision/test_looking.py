"""What one camera's points say when a picture, the detector or the machine is not as it should be."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge.vision import wire
from edge.vision.capture import Failed
from edge.vision.covering import AFTER_S
from edge.vision.detectors import FAINTEST, Detector, DetectorFailedError
from edge.vision.detectors.scripted import Script, Scripted, drawn
from edge.vision.evidence import Evidence, Kept
from edge.vision.looking import Circumstances, Looker
from edge.vision.model import Boxes, Confirmed, Frame, Heads, Region, Scores
from edge.vision.sanity import HOLDS_S, Known, State, view_of
from edge.vision.settings import CameraEntry, PictureSettings
from edge.vision.shedding import Shed
from edge.vision.views import Shelf
from sitewarden.quality import Quality
from tests.edge.vision.walking import BARE, HELMET

ENTRY = msgspec.convert(
    {
        "camera": "gate",
        "url": "folder:x",
        "zones": [{"zone": "hook", "outline": [[0, 0], [1, 0], [1, 1], [0, 1]], "kind": "hook"}],
    },
    CameraEntry,
)
GROUND = np.random.default_rng(1).integers(60, 180, (240, 320, 3)).astype(np.uint8)
SEEING = Scripted(drawn)


class Broken:
    """A detector that gives no answer."""

    name, size = "broken", 416

    def find(self, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:  # noqa: ARG002
        raise DetectorFailedError("out of memory")


class Watched:
    """A camera whose clock goes as the test lets it, two pictures a second."""

    def __init__(self, evidence: Evidence | None = None, shelf: Shelf | None = None) -> None:
        self.now_s = 100.0
        self.said: list[wire.Up] = []
        self.looker = Looker(ENTRY, evidence, self.said.append, shelf=shelf, clock=lambda: self.now_s)
        self.number = 0

    def show(self, circumstances: Circumstances, for_s: float = 0.5, *, black: bool = False) -> None:
        for _ in range(max(1, round(2 * for_s))):
            self.number += 1
            pixels = np.zeros_like(GROUND) if black else np.roll(GROUND, self.number % 2, axis=0)
            self.looker.look(Frame(self.now_s, self.number, pixels), circumstances)
            self.now_s += 0.5
            self.looker.turn(self.now_s)

    def newest(self, key: str) -> tuple[float | None, Quality]:
        told = [one for one in self.said if isinstance(one, wire.Points) and key in one.values]
        return told[-1].values[key], told[-1].quality


def walking(scores: tuple[float, float]) -> Script:
    """A head that goes to the right."""
    places = iter(range(100, 200, 4))

    def script(_: Frame) -> tuple[Boxes, Scores]:
        x = next(places)
        return np.array([[x, 50, x + 30, 80]], np.float32), np.array([scores], np.float32)

    return script


@pytest.fixture
def camera() -> Watched:
    return Watched()


def test_without_a_detector_the_camera_says_so_and_nobody_is_counted(camera: Watched) -> None:
    camera.show(Circumstances(None, Shed.NOTHING, None))
    assert camera.newest("state") == (State.NO_DETECTOR, Quality.GOOD)
    assert camera.newest("hook.people") == (None, Quality.BAD_INPUT)
    camera.show(Circumstances(SEEING, Shed.NOTHING, None))
    assert camera.newest("state") == (0, Quality.GOOD)
    assert camera.newest("hook.people") == (0, Quality.GOOD)


def test_a_detector_that_fails_is_told_once_and_over_once_it_finds_again(camera: Watched) -> None:
    camera.show(Circumstances(Broken(), Shed.NOTHING, None), 3)
    assert camera.newest("state") == (State.NO_DETECTOR, Quality.GOOD)
    told = [one.text for one in camera.said if isinstance(one, wire.Told)]
    assert told == ["no head can be found: out of memory"]
    camera.show(Circumstances(SEEING, Shed.NOTHING, None))
    assert camera.newest("state") == (0, Quality.GOOD)


def test_a_machine_that_cannot_keep_up_is_a_state_of_its_cameras_which_go_on(camera: Watched) -> None:
    camera.show(Circumstances(SEEING, Shed.OVERLOADED, None))
    assert camera.newest("state") == (State.OVERLOADED, Quality.GOOD)
    assert camera.newest("hook.bare_1") == (0, Quality.GOOD)


def test_a_dark_camera_counts_nobody_until_there_is_light(camera: Watched) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    camera.show(seeing, 2)
    camera.show(seeing, HOLDS_S + 1, black=True)
    assert camera.newest("state") == (State.DARK, Quality.GOOD)
    assert camera.newest("hook.people") == (None, Quality.BAD_INPUT)
    camera.show(seeing, HOLDS_S + 1)
    assert camera.newest("hook.people") == (0, Quality.GOOD)


def test_no_picture_is_no_number_in_any_point_and_pictures_that_are_none_are_torn(camera: Watched) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    camera.show(seeing)
    camera.looker.fail(Failed(text="the camera hung up", quality=Quality.DISCONNECTED))
    assert {camera.newest(key) for key in ("state", "fps", "hook.people", "hook.bare_1")} == {
        (None, Quality.DISCONNECTED)
    }
    for _ in range(8):
        camera.looker.broken()
        camera.now_s += 0.5
    assert camera.newest("state") == (State.TORN, Quality.GOOD)
    camera.show(seeing, HOLDS_S + 1)
    assert camera.newest("state") == (0, Quality.GOOD)


def test_a_look_that_goes_wrong_by_our_own_mistake_is_no_silence(camera: Watched) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    camera.show(seeing)
    camera.looker.stumbled()
    assert camera.newest("state") == (State.NO_DETECTOR, Quality.GOOD)
    camera.show(seeing)
    assert camera.newest("state") == (0, Quality.GOOD)


def test_who_was_there_before_the_camera_failed_is_not_told_of_a_picture_that_shows_nothing() -> None:
    camera = Watched()
    camera.show(Circumstances(Scripted(walking(HELMET)), Shed.NOTHING, None), 5)
    assert camera.newest("hook.people") == (1, Quality.GOOD)
    camera.looker.fail(Failed(text="the camera hung up", quality=Quality.DISCONNECTED))
    green = np.full_like(GROUND, (0, 135, 0))
    camera.looker.look(Frame(camera.now_s, 99, green), Circumstances(SEEING, Shed.NOTHING, None))
    assert camera.newest("hook.people") == (None, Quality.DISCONNECTED)


class Forgetful(Evidence):
    """Evidence that can remember nothing."""

    def add(self, *_: object) -> None:
        raise RuntimeError("no memory")

    def confirm(self, confirmed: Confirmed, at_s: float, detector: Detector | None = None) -> Kept:  # noqa: ARG002
        raise RuntimeError("no memory")


def test_a_camera_whose_pictures_cannot_be_kept_alarms_all_the_same(tmp_path: Path) -> None:
    camera = Watched(Forgetful(tmp_path, "gate", PictureSettings()))
    camera.show(Circumstances(Scripted(walking(BARE)), Shed.NOTHING, None), 5)
    assert camera.newest("hook.bare_1") == (1, Quality.GOOD)
    kept = [one for one in camera.said if isinstance(one, wire.Kept)]
    assert [(one.key, one.pictures, one.why) for one in kept] == [("hook.bare_1", [], "no_frame")]


def test_a_picture_that_came_late_is_old_and_what_it_shows_is_of_then(camera: Watched) -> None:
    for number in range(30):
        picture = np.roll(GROUND, number % 2, axis=0)
        frame = Frame(camera.now_s - 3.0, number, picture, late_s=3.0)
        camera.looker.look(frame, Circumstances(SEEING, Shed.NOTHING, None))
        camera.now_s += 0.5
        camera.looker.turn(camera.now_s)
    told = [one for one in camera.said if isinstance(one, wire.Points)]
    ages = [one.values["age"] for one in told if "age" in one.values]
    assert ages
    assert all(age == pytest.approx(3000, abs=1) for age in ages)
    instants = [one.at_s for one in told]
    assert instants == sorted(instants)
    assert instants[-1] <= camera.now_s - 3.0


def test_whoever_keeps_a_view_says_so_for_it_took_long(tmp_path: Path) -> None:
    camera = Watched(Evidence(tmp_path, "gate", PictureSettings(still_every_s=30)))
    took = []
    for number in range(80):
        picture = np.roll(GROUND, number % 2, axis=0)
        camera.looker.look(Frame(camera.now_s, number, picture), Circumstances(SEEING, Shed.NOTHING, None))
        camera.now_s += 0.5
        took.append(camera.looker.turn(camera.now_s))
    assert took.count(True) == sum(isinstance(one, wire.Still) for one in camera.said) == 2


def test_of_pictures_that_come_late_a_clip_has_the_seconds_after_the_alarm_as_well(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, "gate", PictureSettings(still_every_s=0))
    camera = Watched(evidence)
    seeing, script = Circumstances(SEEING, Shed.NOTHING, None), Scripted(walking(BARE))
    for number in range(50):
        picture = np.roll(GROUND, number % 2, axis=0)
        frame = Frame(camera.now_s - 8.0, number, picture, late_s=8.0)
        camera.looker.look(frame, seeing._replace(detector=script) if number < 20 else seeing)
        camera.now_s += 0.5
        camera.looker.turn(camera.now_s)
    evidence.close()
    camera.looker.turn(camera.now_s)
    [kept] = [one for one in camera.said if isinstance(one, wire.Kept)]
    [clip] = [one for one in camera.said if isinstance(one, wire.Clip)]
    content = (tmp_path / f"{clip.picture.sha256}.webp").read_bytes()
    _, played = cv2.imdecodeanimation(np.frombuffer(content, np.uint8))
    assert clip.at_s == kept.at_s
    assert sum(played.durations) > 1000 * (kept.at_s - 92.0 + AFTER_S - 1.0)


def test_what_is_over_is_told_once_more_so_that_rules_see_it_through(camera: Watched) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    camera.show(seeing)
    camera.show(Circumstances(SEEING, Shed.OVERLOADED, None), 8)
    camera.said.clear()
    camera.show(seeing, 9)
    over = [one.at_s for one in camera.said if isinstance(one, wire.Points) and one.values.get("state") == 0]
    assert any(5 < later - over[0] < 6 for later in over)


def test_every_point_is_told_again_and_again_and_a_change_at_once(camera: Watched) -> None:
    camera.show(Circumstances(SEEING, Shed.NOTHING, None), 31)
    told = [one for one in camera.said if isinstance(one, wire.Points)]
    assert 3 <= sum("fps" in one.values for one in told) <= 5
    assert all(one.values["fps"] == pytest.approx(2, abs=0.5) for one in told[3:] if "fps" in one.values)
    assert len(told) < 12  # what does not change is told no oftener


def test_a_moved_view_stays_one_over_a_start_until_somebody_has_looked_and_says_that_it_is_right(
    tmp_path: Path,
) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    coarse = cv2.resize(GROUND, (16, 12), interpolation=cv2.INTER_AREA)
    view = cv2.resize(3 * (coarse.astype(np.int16) - 120) + 120, (320, 240), interpolation=cv2.INTER_NEAREST)
    view = np.clip(view, 0, 255).astype(np.uint8)

    def accept(watched: Watched, asked: int) -> None:
        """Somebody has looked at its newest still."""
        *_, still = (one for one in watched.said if isinstance(one, wire.Still))
        watched.looker.accept_view(asked, still.picture.sha256)

    def begun(entry: CameraEntry = ENTRY) -> Watched:
        evidence = Evidence(tmp_path / "media", "gate", PictureSettings())
        return Watched(evidence, Shelf(tmp_path / "views", entry))

    def show(watched: Watched, for_s: float, aside: int = 0) -> float | None:
        for _ in range(round(2 * for_s)):
            watched.number += 1
            pixels = np.roll(np.roll(view, watched.number % 2, axis=0), aside, axis=1)
            watched.looker.look(Frame(watched.now_s, watched.number, pixels), seeing)
            watched.now_s += 0.5
            watched.looker.turn(watched.now_s)
        return watched.newest("state")[0]

    watched = begun()
    assert show(watched, 15) == State.SEES
    watched.looker.close()
    watched = begun()
    assert show(watched, 15, aside=50) == State.MOVED, "the power was cut meanwhile"
    assert sum(isinstance(one, wire.Still) for one in watched.said) == 2, "what is to be accepted is shown"
    accept(watched, 1)
    assert watched.newest("state")[0] == State.SEES, "that is told at once"
    accept(watched, 1)  # said twice
    assert show(watched, 15, aside=50) == State.SEES
    assert show(watched, 15) == State.MOVED
    accept(watched, 1)
    assert watched.newest("state")[0] == State.MOVED, "nobody has looked at what it shows since"
    accept(watched, 2)
    assert show(watched, 15) == State.SEES
    assert show(watched, 15, aside=50) == State.MOVED
    accept(watched, 3)
    assert show(watched, 15, aside=50) == State.SEES
    watched.looker.close()
    watched = begun()
    assert show(watched, 15, aside=50) == State.SEES
    assert show(watched, 15) == State.MOVED
    watched.looker.close()
    # Outlines that are drawn anew are drawn in what is seen then; so is where the file is spoilt.
    [zone] = ENTRY.zones
    drawn_anew = msgspec.structs.replace(zone, outline=[(0, 0), (1, 0), (1, 0.5)])
    assert show(begun(msgspec.structs.replace(ENTRY, zones=[drawn_anew])), 15) == State.SEES
    (tmp_path / "views" / "gate.npz").write_bytes(b"PK nothing")
    assert show(begun(), 15) == State.SEES


def test_the_view_on_the_picture_that_was_looked_at_is_taken_and_no_other(tmp_path: Path) -> None:
    seeing = Circumstances(SEEING, Shed.NOTHING, None)
    watched = Watched(
        Evidence(tmp_path / "media", "gate", PictureSettings()), Shelf(tmp_path / "views", ENTRY)
    )
    coarse = cv2.resize(GROUND, (16, 12), interpolation=cv2.INTER_AREA)
    view = np.clip(3 * (coarse.astype(np.int16) - 120) + 120, 0, 255).astype(np.uint8)
    view = cv2.resize(view, (320, 240), interpolation=cv2.INTER_NEAREST)

    def show(for_s: float, aside: int) -> list[str]:
        """The stills that came of it."""
        before = len(watched.said)
        for _ in range(round(2 * for_s)):
            watched.number += 1
            pixels = np.roll(np.roll(view, watched.number % 2, axis=0), aside, axis=1)
            watched.looker.look(Frame(watched.now_s, watched.number, pixels), seeing)
            watched.now_s += 0.5
            watched.looker.turn(watched.now_s)
        return [one.picture.sha256 for one in watched.said[before:] if isinstance(one, wire.Still)]

    [drawn_in] = show(15, 0)
    [moved] = show(30, 50)
    [again] = show(20, 120)
    assert watched.newest("state")[0] == State.MOVED
    for picture in (drawn_in, moved, "0" * 64):
        watched.looker.accept_view(1, picture)
        assert watched.newest("state")[0] == State.MOVED, "that is not what it shows now"
    complaints = [one.text for one in watched.said if isinstance(one, wire.Told) and one.level == "warning"]
    assert [text.split(";")[0] for text in complaints] == [
        "the view that was accepted is not what it shows now",
        "the view that was accepted is not what it shows now",
        "the view that was accepted is not known here",
    ]
    show(3, 120)
    watched.looker.accept_view(1, again)
    assert watched.newest("state")[0] == State.SEES, "the same ask, once it can be obeyed"
    watched.looker.turn(watched.now_s)
    kept = Shelf(tmp_path / "views", ENTRY).read()
    assert kept is not None
    content = (tmp_path / "media" / f"{again}.jpg").read_bytes()
    on_it = view_of(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))
    assert np.corrcoef(kept.view.ravel(), on_it.view.ravel())[0, 1] > 0.98, "the view on that picture"
    assert show(15, 120) == []
    assert watched.newest("state")[0] == State.SEES
    assert show(12, 50), "the view before it has moved again"
    assert watched.newest("state")[0] == State.MOVED


def test_no_spoilt_file_of_a_view_keeps_the_eyes_from_beginning(tmp_path: Path) -> None:
    shelf, rng = Shelf(tmp_path, ENTRY), np.random.default_rng(1)
    shelf.write(Known(rng.random((60, 80)).astype(np.float32), 1.0))
    file = tmp_path / "gate.npz"
    whole = np.frombuffer(file.read_bytes(), np.uint8)
    known = shelf.read()
    assert known is not None
    for _ in range(300):
        spoilt = whole.copy()
        spoilt[rng.integers(0, min(400, len(whole)), 3)] ^= rng.integers(1, 256, 3).astype(np.uint8)
        file.write_bytes(spoilt.tobytes())
        found = shelf.read()
        assert found is None or found.view.shape == known.view.shape
    file.write_bytes(whole[:-100].tobytes())
    assert shelf.read() is None
