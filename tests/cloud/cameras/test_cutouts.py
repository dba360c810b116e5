"""What people judged is taken out as a collection that the trainer reads, and nothing else with it."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest

from cloud.accounts.permissions import COOKIE
from cloud.cameras import exporting
from cloud.cameras.cutouts import Judged, area_of, cut_of, split_of
from cloud.cameras.cutting import Cutter
from cloud.exports import answers
from sitewarden.messages import PictureAbout
from tests.cloud.media.test_pictures import DAY_MS, bare, born, bring, keep  # noqa: F401  a camera is there
from tests.cloud.site import TestSite, now_ms
from tests.cloud.web.serving import Web, assign, change_role, changing, new_account, new_session
from tools.train_helmet import collection, photos
from tools.train_helmet.collection import HEAD, HELMET, Photo

cv2 = pytest.importorskip("cv2")

EXPORT = "/sites/demo/camera-alarms/export"
WIDTH, HEIGHT = 640, 360
OWN, OTHER = (300, 150, 340, 190), (362, 150, 402, 190)
GREEN, RED = (40, 200, 40), (40, 40, 200)


def shares(box: tuple[int, ...]) -> tuple[float, ...]:
    return box[0] / WIDTH, box[1] / HEIGHT, box[2] / WIDTH, box[3] / HEIGHT


ABOUT = PictureAbout(box=shares(OWN), others=[shares(OTHER)])


def photo(seed: int) -> bytes:
    """The alarmed head is green, the other one red."""
    drawn = np.full((HEIGHT, WIDTH, 3), 120 + seed % 9, np.uint8)
    drawn[:8, : 8 * (seed + 1)] = 255  # no two alike
    for box, colour in ((OWN, GREEN), (OTHER, RED)):
        cv2.rectangle(drawn, box[:2], box[2:], colour, -1)
    return bytes(cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def judged(site: TestSite, web: Web, number: int, **given) -> str:
    """An alarm with its picture, and what somebody says of it."""
    episode = f"{number:032x}"
    more = {"about": ABOUT, **given.pop("picture", {})}
    site.deliver(bare(episode=episode, at=now_ms() + number))
    bring(site, web, photo(number), episode=episode, **more)
    answer = web.post(f"/sites/demo/camera-alarms/{episode}/reviews", json=given)
    assert answer.status_code == 201, answer.text
    return episode


def taken_out(web: Web, folder: Path, path: str = EXPORT) -> dict[str, Photo]:
    """What the trainer reads of it, by its names."""
    answer = web.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    loaded = [one for split in ("train", "val", "test") for one in collection.load([folder], split)]
    return {one.name: one for one in loaded}


def manifest(folder: Path) -> list[dict]:
    return json.loads((folder / "manifest.json").read_bytes())


def within(pixels: np.ndarray, corners: collection.Corners) -> np.ndarray:
    height, width = pixels.shape[:2]
    left, top, right, bottom = corners
    return pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def holds(ignore: collection.Corners, x: float, y: float) -> bool:
    return ignore[0] < x < ignore[2] and ignore[1] < y < ignore[3]


def test_the_trainer_reads_the_heads_that_people_judged(site, web: Web, tmp_path: Path) -> None:
    said = {
        "bare": judged(site, web, 1, verdict="right"),
        "helmet": judged(site, web, 2, verdict="wrong", shows="helmet"),
        "nothing": judged(site, web, 3, verdict="wrong", shows="nothing"),
        "nobody knows": judged(site, web, 4, verdict="wrong"),
    }
    loaded = taken_out(web, tmp_path)
    assert len(loaded) == 4
    by_file = {one["episode"].replace("-", ""): one["file"] for one in manifest(tmp_path)}
    found = {what: loaded[Path(by_file[episode]).stem] for what, episode in said.items()}
    assert [label.kind for label in found["bare"].labels] == [HEAD]
    assert [label.kind for label in found["helmet"].labels] == [HELMET]
    assert found["nothing"].labels == found["nobody knows"].labels == ()
    pixels = photos.picture(found["bare"])
    assert pixels.shape == (200, 200, 3), "five sides of the head"
    own = within(pixels, found["bare"].labels[0].corners)
    assert own.shape[:2] == (40, 40)
    assert np.abs(own[2:-2, 2:-2].astype(int) - GREEN).max() < 30, "the label lies on the head"
    for what in ("bare", "nothing"):
        ignored = found[what].ignore
        assert any(holds(area, 0.5 + 0.31, 0.5) for area in ignored), "the other head"
        assert any(holds(area, 0.05, 0.5) for area in ignored), "where somebody may stand unlabelled"
        assert not any(holds(area, 0.5, 0.5) for area in ignored)
    assert any(holds(area, 0.5, 0.5) for area in found["nobody knows"].ignore), "nothing is learned of it"
    assert photos.canvases(list(loaded.values()), 96).pixels.shape == (4, 96, 96, 3)
    assert collection.licensed(loaded.values(), ["CC0-1.0", "CC-BY-4.0"]) == [], "it stays in the house"
    assert len(collection.licensed(loaded.values(), ["internal"])) == 4


def test_what_is_left_out_is_said_and_by_whom_it_was_taken(site, web: Web, tmp_path: Path) -> None:
    judged(site, web, 1, verdict="unclear")
    judged(site, web, 2, verdict="right", picture={"about": None})
    judged(site, web, 3, verdict="right", picture={"unredacted": True})
    judged(site, web, 4, verdict="right", picture={"at": now_ms() - DAY_MS})
    site.deliver(bare(episode="e" * 32))
    web.post(f"/sites/demo/camera-alarms/{'e' * 32}/reviews", json={"verdict": "right"})
    keep(site, now_ms() + 29 * DAY_MS + DAY_MS // 2)  # number 4 is erased, the others are not
    judged(site, web, 5, verdict="wrong")
    web.post(f"/sites/demo/camera-alarms/{5:032x}/reviews", json={"verdict": "right"})  # the last word counts
    assert len(taken_out(web, tmp_path)) == 1
    said = (tmp_path / "README.txt").read_text(encoding="utf-8-sig")
    author = site.value("SELECT author FROM camera_review LIMIT 1")
    assert f"由 {author} 于" in said
    assert f"exported by {author} at" in said
    assert "1 in all: 1 bare, 0 with a helmet" in said
    assert "- judged as unclear: 1" in said
    assert "- without a picture: not brought yet, erased in time, or none: 2" in said
    assert "- unredacted, people can be recognised: 1" in said
    assert "- 网关没有给出人头位置：1" in said


def test_it_is_bounded_and_says_so(site, web: Web, tmp_path: Path, monkeypatch) -> None:
    newest = [judged(site, web, number, verdict="right") for number in (1, 2, 3)][1:]
    monkeypatch.setattr(exporting, "MOST", 2)
    taken_out(web, tmp_path)
    assert {one["episode"].replace("-", "") for one in manifest(tmp_path)} == set(newest)
    assert "- beyond the most of one export, the earlier ones: 1" in (tmp_path / "README.txt").read_text()


def test_who_judges_takes_out_what_he_sees_and_nobody_else_does(site, web: Web, tmp_path: Path) -> None:
    judged(site, web, 1, verdict="right")
    assert taken_out(web, tmp_path / "other", f"{EXPORT}?device=crane-1") == {}
    role = site.value("SELECT role FROM assignment LIMIT 1")
    change_role(site.connection, "construction_owner")
    assert web.get(EXPORT).status_code == 403
    change_role(site.connection, role)
    with changing(site.connection):
        site.connection.execute("UPDATE assignment SET site = 'demo', devices = '{crane-1}'")
    assert taken_out(web, tmp_path / "crane", EXPORT) == {}


def test_what_cannot_be_read_ends_nothing() -> None:
    with Cutter() as cutter:
        assert cutter.cut(b"\xff\xd8\xff no picture", ABOUT.box) is None
        # It says that it is 65,500 pixels wide and high: more than the memory that it gets.
        vast = photo(1).replace(b"\x01\x68\x02\x80", b"\xff\xdc\xff\xdc", 1)
        assert cutter.cut(vast, ABOUT.box) is None
        cut = cutter.cut(photo(1), ABOUT.box)
        assert cut is not None
        assert (cut.width, cut.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 0.02, 0.04), (0.98, 0.9, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 0.501, 0.501)]
)
def test_a_head_at_the_edge_is_cut_as_far_as_there_is_picture(box) -> None:
    left, top, right, bottom = area_of(box, WIDTH, HEIGHT)
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    at = dt.datetime(2026, 5, 1, 15, 59, tzinfo=dt.UTC)
    one = Judged("demo", "gate", "e" * 32, at, "right", None, box, [box])
    kind, *label = cut_of(one, WIDTH, HEIGHT, ZoneInfo("Asia/Shanghai")).labels.split()
    x, y, width, height = map(float, label)
    assert kind == "1"
    assert x - width / 2 >= -1e-4
    assert x + width / 2 <= 1 + 1e-4
    assert height > 0
    assert 0 < y < 1


def test_a_cameras_day_at_the_site_is_one_split() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    start = dt.datetime(2026, 5, 1, tzinfo=zone)

    def split(hours: int) -> str:
        at = start + dt.timedelta(hours=hours)
        return split_of(Judged("demo", "gate", "e", at, "right", None, ABOUT.box, []), zone)

    assert all(len({split(24 * day + hour) for hour in range(24)}) == 1 for day in range(20))
    drawn = [split(24 * day) for day in range(400)]
    assert 0.7 < drawn.count("train") / 400 < 0.9
    assert min(drawn.count("val"), drawn.count("test")) > 20


@pytest.mark.parametrize("left", ["crane-1", "gate"])
def test_who_loses_the_camera_while_he_saves_gets_no_further_part(
    site, web: Web, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    for number in (1, 2, 3):
        judged(site, web, number, verdict="right")
    account = new_account(site.connection, "队长", "safety_officer", site="demo", devices=["gate"])
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    parts_for = answers._parts_for

    async def sent_slowly(*given):
        parts = parts_for(*given)
        yield await anext(parts)
        assign(site.connection, account, "safety_officer", site="demo", devices=[left])
        with changing(site.connection):
            ended = "UPDATE assignment SET valid_until = now() WHERE account_id = %s AND devices = '{gate}'"
            if left != "gate":
                site.connection.execute(ended, [account])
        async for part in parts:
            yield part

    monkeypatch.setattr(answers, "_parts_for", sent_slowly)
    monkeypatch.setattr(answers, "_PART", 5_000)
    monkeypatch.setattr("cloud.live.permits.AGAIN_S", 0.0)
    if left == "gate":
        assert web.get(EXPORT).status_code == 200
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            web.get(EXPORT)


def test_who_loses_the_camera_while_it_is_made_gets_none_of_it(
    site, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(site, web, 1, verdict="right")
    account = new_account(site.connection, "队长", "safety_officer", site="demo", devices=["gate"])
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    passed_s = [0.0]
    monkeypatch.setattr("cloud.live.permits.clock_s", lambda: passed_s[0])

    def made_slowly(*given, **more):
        written = exporting.export(*given, **more)
        passed_s[0] += 60
        with changing(site.connection):
            ended = "UPDATE assignment SET valid_until = now() WHERE account_id = %s"
            site.connection.execute(ended, [account])
        return written

    monkeypatch.setattr("cloud.cameras.routes.export", made_slowly)
    assert web.get(EXPORT).status_code == 404
