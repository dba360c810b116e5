"""From the frame to the hazard record: the gateway's own parts and the cloud's, over HTTP."""

import asyncio
import contextlib
import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from cloud import keyfiles
from cloud.media.keeping import PicturesKept
from cloud.media.sealing import Vault, number_of
from edge import media as of_media
from edge import mediafiles
from edge.clock import Clock
from edge.config import load_gateway
from edge.media import Media
from edge.vision.settings import PictureSettings
from sitewarden import boxes
from sitewarden.messages import DeviceBirth, MediaOffer, PointBirth, Status
from sitewarden.text import Text
from tests.cloud.media.test_pictures import POINT, bare
from tests.cloud.site import BOOT, TestSite, now_ms
from tests.cloud.web.serving import Web
from tests.edge.conftest import GATEWAY
from tests.support.waiting import until

pytest.importorskip("cv2")

from edge.vision.evidence import Evidence
from edge.vision.model import Confirmed, Frame, Heads, Track

BOX = (100.0, 100.0, 160.0, 170.0)
CAMERA = {
    "camera": "gate",
    "url": "rtsp://10.0.0.2/stream",
    "zones": [{"zone": "hook", "outline": [[0, 0], [1, 0], [1, 1], [0, 1]], "kind": "hook"}],
}


class Broker:
    """The way over MQTT, without one: the cloud's lane answers at once."""

    def __init__(self, site: TestSite) -> None:
        self.site, self.is_calm = site, True
        self.media: Media | None = None

    async def tell(self, channel: str, offer: MediaOffer) -> None:
        outcome = self.site.deliver(offer, channel=channel)
        for _, answers in outcome.answers:
            assert self.media is not None
            self.media.answered(answers)


def seen(folder: Path, *, unredacted: bool = False) -> Evidence:
    """A bare head, looked at for a second."""
    evidence = Evidence(folder, "gate", PictureSettings(unredacted=unredacted))
    noise = np.random.default_rng(1)
    for i in range(6):
        at_s = i / 5
        pixels = noise.integers(0, 256, (240, 320, 3), np.uint8)
        found = Heads(
            np.array([BOX], np.float32), np.full((1, 2), 0.9, np.float32), np.full(1, 60, np.float32)
        )
        evidence.add(Frame(at_s, i, pixels), found, [Track(1, 0.0, at_s, BOX, (0.1, 0.9), 60.0, 5)])
    return evidence


async def test_what_a_camera_saw_lies_beside_the_record_as_it_was_stored(
    site: TestSite, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_media, "LOOK_S", 0.05)
    monkeypatch.setattr(of_media, "PIECE_BYTES", 30_000)
    file = tmp_path / "gateway.yaml"
    broker = {**GATEWAY["broker"], "cloud": web.address}
    file.write_text(yaml.safe_dump({**GATEWAY, "site": "demo", "broker": broker, "cameras": [CAMERA]}))
    birth = DeviceBirth(
        device="gate",
        kind="camera",
        label=Text("大门", "Gate"),
        profile="camera",
        points=[PointBirth(p=POINT, kind="vision.bare_head.hook")],
    )
    site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[birth]))

    folder, line = tmp_path / "media", Broker(site)
    line.media = media = Media(load_gateway(file), folder, Clock(), boot=BOOT, line=lambda: line)
    evidence = seen(folder)
    kept = evidence.confirm(Confirmed("hook.bare_1", "hook", 1), 1.0)
    media.kept("gate", "hook.bare_1", kept.pictures, kept.why)
    evidence.clips(9.0)
    evidence.close()
    media.stored([clip.picture.sha256 for clip in evidence.clips(9.0)])
    content = (folder / f"{kept.pictures[0].sha256}.jpg").read_bytes()
    alarm = media.pictured(bare())
    task = asyncio.create_task(media.run())
    try:
        site.deliver(alarm)
        await until(lambda: len(site.rows("SELECT * FROM camera_media WHERE kept_at IS NOT NULL")) == 2)
        await until(lambda: media.waiting == 0)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert list(folder.iterdir()) == [], "what the cloud keeps is no longer at the gateway"

    PicturesKept(30, Vault.of(site.settings))(site.connection, now_ms())
    hazard = site.value("SELECT id FROM hazard")
    items = {item["kind"]: item for item in web.get(f"/hazards/{hazard}/evidence").json()["items"]}
    assert items.keys() >= {"still", "video"}
    got = web.get(f"/hazards/{hazard}/evidence/{items['still']['id']}/file").content
    assert got == content
    assert hashlib.sha256(got).hexdigest() == alarm.pictures[0].sha256
    moving = web.get(f"/hazards/{hazard}/evidence/{items['video']['id']}/file")
    assert moving.headers["content-type"] == "image/webp"
    assert moving.headers["content-disposition"].startswith("inline")


async def test_an_unredacted_picture_waits_and_travels_sealed_and_is_seen_by_who_may(
    site: TestSite, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_media, "LOOK_S", 0.05)
    monkeypatch.setattr(of_media, "PIECE_BYTES", 30_000)
    file, folder, line = tmp_path / "gateway.yaml", tmp_path / "media", Broker(site)
    broker = {**GATEWAY["broker"], "cloud": web.address}
    cameras = [{**CAMERA, "pictures": {"unredacted": True}}]
    file.write_text(yaml.safe_dump({**GATEWAY, "site": "demo", "broker": broker, "cameras": cameras}))
    birth = DeviceBirth(
        device="gate",
        kind="camera",
        label=Text("大门", "Gate"),
        profile="camera",
        points=[PointBirth(p=POINT, kind="vision.bare_head.hook")],
    )
    site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[birth]))
    line.media = media = Media(load_gateway(file), folder, Clock(), boot=BOOT, line=lambda: line)
    line.is_calm = False
    task = asyncio.create_task(media.run())
    try:
        await until(lambda: mediafiles.cloud_key(folder) is not None)
        evidence = seen(folder, unredacted=True)
        kept = evidence.confirm(Confirmed("hook.bare_1", "hook", 1), 1.0)
        media.kept("gate", "hook.bare_1", kept.pictures, kept.why)
        evidence.close()
        [note] = mediafiles.seen(folder)
        assert note.name.endswith(".sealed")
        box = (folder / note.name).read_bytes()
        alarm = media.pictured(bare())
        # The cloud's key is changed meanwhile: the one before opens what was sealed for it.
        vault = Vault.of(site.settings)
        keyfiles.change(vault.file, number_of)
        line.is_calm = True
        site.deliver(alarm)
        await until(lambda: site.rows("SELECT FROM camera_media WHERE kept_at IS NOT NULL"))
        await until(lambda: media.waiting == 0)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    [shown] = web.get(f"/sites/demo/alarms/{alarm.episode}/pictures").json()["items"]
    assert shown["unredacted"]
    got = web.get(f"/sites/demo/pictures/{shown['id']}/file").content
    assert hashlib.sha256(got).hexdigest() == alarm.pictures[0].sha256
    assert len(box) == len(got) + boxes.OVERHEAD
    resting = b"".join(bytes(content) for (content,) in site.rows("SELECT content FROM camera_media_part"))
    assert got[100:200] not in resting
    assert box[100:200] not in resting, "each picture rests under the key of the cloud alone"
    PicturesKept(30, vault)(site.connection, now_ms())
    hazard = site.value("SELECT id FROM hazard")
    items = {item["kind"]: item for item in web.get(f"/hazards/{hazard}/evidence").json()["items"]}
    assert web.get(f"/hazards/{hazard}/evidence/{items['still']['id']}/file").content == got
