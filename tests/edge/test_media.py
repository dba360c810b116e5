"""Pictures on their way to the cloud: named by alarms, brought after them, each once, and never too many."""

import asyncio
import base64
import contextlib
import errno
import hashlib
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge import media as of_media
from edge import mediafiles
from edge.agent import Agent
from edge.clock import Clock, now_ms
from edge.config import Gateway, load_gateway
from edge.media import Media
from edge.mediafiles import MediaNote
from edge.uploading import Upload
from sitewarden import boxes
from sitewarden.errors import UnreachableError
from sitewarden.messages import Alarm, MediaAnswer, MediaAnswers, MediaOffer, PictureAbout, decode
from sitewarden.readings import Reading
from sitewarden.rules.model import Basis
from sitewarden.text import Text
from tests.edge.conftest import WriteGateway
from tests.edge.test_config_cameras import with_camera
from tests.support.certificates import Certificate, make_certificate
from tests.support.visited import VisitedServer
from tests.support.waiting import until

ALARM = Alarm(
    boot="b",
    seq=1,
    at=0,
    change="raised",
    episode="e" * 32,
    device="gate",
    point="gate/hook.bare_1",
    kind="vision.bare_head.hook",
    rule="helmet-missing-hook",
    rule_version=1,
    family="helmet",
    level=3,
    label=Text("未戴安全帽", "No helmet"),
    unit="",
    value=1,
    limit=1,
    peak=1,
    raised_at=0,
    basis=Basis(clause="c", source="s", confidence="practice"),
)


class TheCloud:
    """Answers offers and takes pieces as the real one does; what it holds is looked at."""

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.offers: list[MediaOffer] = []
        self.is_calm = True
        self.behind_ms = 0
        """Its clock, by that of the gateway."""
        self.breaks_after: int | None = None
        """Pieces."""
        self.pieces: list[tuple[str, int]] = []
        self.media: Media | None = None
        self.private: bytes | None = bytes(range(32))
        """Opens what gateways seal; `None`: a cloud from before they did."""
        self.public: bytes | None = None
        """What it tells in place of the key that belongs to that."""
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                cloud._take(self)

            def do_GET(self) -> None:
                cloud._tell_key(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = VisitedServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate.file, certificate.key)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        scheme = "http" if certificate is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    async def tell(self, channel: str, offer: MediaOffer) -> None:
        assert channel == "media"
        self.offers.append(offer)
        for item in offer.media:
            is_box = item.sealed_for is not None
            self.sizes[item.sha256] = item.bytes + (boxes.OVERHEAD if is_box else 0)
        assert self.media is not None
        self.media.answered(MediaAnswers(media=[self._stand(item.sha256) for item in offer.media]))

    def _stand(self, sha256: str) -> MediaAnswer:
        have = len(self.files.get(sha256, b""))
        if have == self.sizes[sha256]:
            return MediaAnswer(sha256=sha256, state="kept")
        until_ms = round(time.time() * 1000) + 60_000 - self.behind_ms
        return MediaAnswer(sha256=sha256, state="wanted", offset=have, token="t" + sha256[:4], until=until_ms)

    def _tell_key(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/api/v1/media/box-key"
        public = self.public or (self.private and boxes.public_of(self.private))
        key = public and base64.b64encode(public).decode()
        body = msgspec.json.encode({"key": key})
        request.send_response(404 if key is None else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        sha256 = request.path.rpartition("/")[2]
        offset = int(request.headers["Upload-Offset"])
        piece = request.rfile.read(int(request.headers["Content-Length"]))
        self.pieces.append((sha256, offset))
        if self.breaks_after is not None and len(self.pieces) > self.breaks_after:
            request.connection.close()
            return
        assert request.headers["Authorization"] == f"Bearer t{sha256[:4]}"
        assert offset == len(self.files.get(sha256, b""))
        self.files[sha256] = self.files.get(sha256, b"") + piece
        body = msgspec.json.encode(self._stand(sha256))
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def cloud() -> Iterator[TheCloud]:
    made = TheCloud()
    yield made
    made.close()


@pytest.fixture
def gateway(gateway_dict: dict[str, Any], write_gateway: WriteGateway, cloud: TheCloud) -> Gateway:
    gateway_dict["broker"] |= {"cloud": cloud.address}
    gateway_dict["vision"] = {"media_mb": 16, "upload_kbit_s": 1_000_000}
    return load_gateway(write_gateway(with_camera(gateway_dict)))


@pytest.fixture
def make(
    gateway: Gateway, cloud: TheCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Media]:
    monkeypatch.setattr(of_media, "AGAIN_S", (0.05, 0.1))
    monkeypatch.setattr(of_media, "LOOK_S", 0.05)

    def made(**_: Any) -> Media:
        cloud.media = Media(
            gateway, tmp_path / "media", Clock(state=lambda: "synced"), boot="b", line=lambda: cloud
        )
        return cloud.media

    return made


@contextlib.asynccontextmanager
async def running(media: Media) -> AsyncIterator[None]:
    task = asyncio.create_task(media.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def put(folder: Path, size: int = 1000, **fields: Any) -> MediaNote:
    """As the eyes do."""
    note = {
        "media_type": "image/jpeg",
        "kind": "snapshot",
        "camera": "gate",
        "at_ms": round(time.time() * 1000),
    }
    content = os.urandom(size)
    return mediafiles.store(folder, content, MediaNote(**{"sha256": "0" * 64, "bytes": 0, **note, **fields}))


async def sent(media: Media) -> None:
    await until(lambda: media.waiting == 0)


async def test_an_alarm_goes_out_with_its_picture_and_the_picture_follows(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    async with running(media):
        about = PictureAbout(box=(0.1, 0.2, 0.3, 0.4), others=[(0.5, 0.5, 0.6, 0.6)])
        note = put(folder, 200_000, key="hook.bare_1", track=3, about=about)
        content = (folder / note.name).read_bytes()
        media.kept("gate", "hook.bare_1", [note.picture], None)
        alarm = media.pictured(ALARM)
        assert (alarm.pictures, alarm.no_picture) == ([note.picture], None)
        await until(lambda: cloud.files.get(note.sha256) == content)
        await sent(media)
    [offered] = [item for offer in cloud.offers for item in offer.media][:1]
    assert (offered.point, offered.episode, offered.about) == ("gate/hook.bare_1", "e" * 32, about)
    assert hashlib.sha256(content).hexdigest() == note.sha256
    # What the cloud keeps is deleted here.
    assert list(folder.iterdir()) == []


@pytest.fixture
def unredacted(gateway: Gateway) -> Gateway:
    [camera] = gateway.cameras
    pictures = msgspec.structs.replace(camera.entry.pictures, unredacted=True)
    entry = msgspec.structs.replace(camera.entry, pictures=pictures)
    return msgspec.structs.replace(gateway, cameras=(msgspec.structs.replace(camera, entry=entry),))


async def test_where_pictures_are_unredacted_the_cloud_s_key_is_learned_and_boxes_are_brought(
    make: Callable[..., Media], cloud: TheCloud, unredacted: Gateway, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    media.change(unredacted)
    async with running(media):
        await until(lambda: mediafiles.cloud_key(folder) is not None)
        told = mediafiles.cloud_key(folder)
        assert told is not None
        assert (told.cloud, told.key) == (cloud.address, boxes.public_of(cloud.private or b""))
        content = os.urandom(150_000)
        note = boxed(folder, content, told.key)
        media.stored([note.sha256])
        await until(lambda: len(cloud.files.get(note.sha256, b"")) == note.resting_bytes)
        await sent(media)
    assert cloud.private is not None
    assert boxes.opened(cloud.files[note.sha256], cloud.private, bytes.fromhex(note.sha256)) == content
    [offered] = cloud.offers[0].media
    assert (offered.bytes, offered.sealed_for) == (150_000, boxes.number_of(told.key))
    assert [file.name for file in folder.iterdir()] == [mediafiles.CLOUD_KEY]


async def test_what_lies_there_unsealed_from_before_is_sealed_once_the_key_is_known(
    make: Callable[..., Media], cloud: TheCloud, unredacted: Gateway, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm, cloud.private, private = False, None, cloud.private
    plain, gone = put(folder, 1000), put(folder, 1000)
    content = (folder / plain.name).read_bytes()
    for note in (gone, plain):
        mediafiles.write_note(folder, msgspec.structs.replace(note, unredacted=True))
    async with running(media):
        await until(lambda: media.waiting == 2)
        (folder / gone.name).unlink()
        cloud.private = private
        media.change(unredacted)
        await until(lambda: not (folder / plain.name).exists())
        await until(lambda: mediafiles.note_of(folder, gone.sha256) is None)
    sealed = mediafiles.note_of(folder, plain.sha256)
    assert sealed is not None
    assert mediafiles.whole(folder, sealed)
    assert all(content not in file.read_bytes() for file in folder.iterdir())
    cloud.is_calm = True
    async with running(again := make()):
        await until(lambda: cloud.files)
        await sent(again)
    assert cloud.private is not None
    assert boxes.opened(cloud.files[plain.sha256], cloud.private, bytes.fromhex(plain.sha256)) == content


async def test_what_lies_there_unsealed_is_sealed_also_where_pictures_are_redacted_now(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    folder, plain = tmp_path / "media", put(tmp_path / "media", 1000)
    cloud.is_calm = False
    mediafiles.write_note(folder, msgspec.structs.replace(plain, unredacted=True))
    async with running(make()):
        await until(lambda: not (folder / plain.name).exists())
    [sealed] = mediafiles.seen(folder)
    assert sealed.sealed_for is not None


def boxed(folder: Path, content: bytes, public: bytes, **fields: Any) -> MediaNote:
    """As the eyes do where pictures are unredacted."""
    note = MediaNote(
        sha256="0" * 64, bytes=0, media_type="image/jpeg", kind="snapshot", camera="gate", at_ms=now_ms()
    )
    return mediafiles.store(folder, content, msgspec.structs.replace(note, unredacted=True, **fields), public)


def test_two_alarms_of_one_frame_have_one_box(tmp_path: Path) -> None:
    public, other = (boxes.public_of(bytes(range(first, first + 32))) for first in (0, 1))
    content = os.urandom(1000)
    one = boxed(tmp_path, content, public, key="hook.bare_1")
    two = boxed(tmp_path, content, public, key="hook.bare_2")
    # Whoever is bringing the first has the note of that, and does not take its box for damaged.
    assert mediafiles.whole(tmp_path, one)
    assert mediafiles.whole(tmp_path, two)
    assert mediafiles.note_of(tmp_path, two.sha256) == two
    (tmp_path / two.name).write_bytes(bytes(two.resting_bytes))
    assert mediafiles.whole(tmp_path, boxed(tmp_path, content, public))
    for_other = boxed(tmp_path, content, other)
    assert mediafiles.whole(tmp_path, for_other)
    assert for_other.sealed_for == boxes.number_of(other)


def test_what_sealing_left_as_it_was_goes_with_the_next_start(tmp_path: Path) -> None:
    content = os.urandom(1000)
    note = boxed(tmp_path, content, boxes.public_of(bytes(range(32))))
    (tmp_path / f"{note.sha256}.jpg").write_bytes(content)
    assert mediafiles.notes(tmp_path) == [note]
    assert {file.name for file in tmp_path.iterdir()} == {note.name, note.sha256 + mediafiles.NOTE}


async def test_what_is_no_key_is_not_taken_for_one(
    make: Callable[..., Media],
    cloud: TheCloud,
    unredacted: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "media"
    cloud.public = b"short"
    async with running(media := make()):
        media.change(unredacted)
        await until(lambda: "a key of 5 bytes" in caplog.text)
    assert not (folder / mediafiles.CLOUD_KEY).exists()
    mediafiles.keep_cloud_key(folder, mediafiles.CloudKey(cloud=cloud.address, key=b"short"))
    assert mediafiles.cloud_key(folder) is None


async def test_where_the_disk_takes_no_key_pictures_are_brought_and_it_is_asked_again(
    make: Callable[..., Media],
    cloud: TheCloud,
    unredacted: Gateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, keep, tries = tmp_path / "media", mediafiles.keep_cloud_key, list[int]()

    def full(*told: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "no space left")
        keep(*told)

    monkeypatch.setattr(mediafiles, "keep_cloud_key", full)
    monkeypatch.setattr(of_media, "KEY_AGAIN_S", 0.05)
    monkeypatch.setattr(of_media, "TIDY_S", 0.05)
    put(folder)
    async with running(media := make()):
        media.change(unredacted)
        await until(lambda: cloud.files)
        await until(lambda: mediafiles.cloud_key(folder) is not None)


async def test_another_key_of_the_cloud_is_taken_and_said(
    make: Callable[..., Media],
    cloud: TheCloud,
    unredacted: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "media"
    before = mediafiles.CloudKey(cloud=cloud.address, key=boxes.public_of(bytes(range(1, 33))))
    mediafiles.keep_cloud_key(folder, before)
    async with running(media := make()):
        media.change(unredacted)
        await until(lambda: "has another key" in caplog.text)
    assert mediafiles.cloud_key(folder) != before


async def test_a_key_is_kept_over_outages_and_forgotten_where_pictures_go_to_another_cloud(
    make: Callable[..., Media],
    cloud: TheCloud,
    unredacted: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "media"
    mine = mediafiles.CloudKey(cloud=cloud.address, key=boxes.public_of(bytes(range(1, 33))))
    mediafiles.keep_cloud_key(folder, mine)
    cloud.private = None
    async with running(media := make()):
        media.change(unredacted)
        await until(lambda: "has no key" in caplog.text)
        assert mediafiles.cloud_key(folder) == mine
        broker = msgspec.structs.replace(unredacted.broker, cloud="http://127.0.0.1:9")
        media.change(msgspec.structs.replace(unredacted, broker=broker))
        await until(lambda: mediafiles.cloud_key(folder) is None)
    (folder / mediafiles.CLOUD_KEY).write_bytes(b"{")
    assert mediafiles.cloud_key(folder) is None


async def test_a_clip_is_of_the_alarm_that_its_snapshot_went_out_with(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm = False
    async with running(media):
        snapshot = put(folder, key="hook.bare_1")
        media.kept("gate", "hook.bare_1", [snapshot.picture], None)
        media.pictured(ALARM)
        clip = put(folder, media_type="image/webp", kind="clip", key="hook.bare_1", of=snapshot.sha256)
        media.stored([clip.sha256])
        await until(lambda: {n.episode for n in mediafiles.notes(folder)} == {"e" * 32})
    # Also after the agent has died.
    cloud.is_calm = True
    async with running(again := make()):
        await until(lambda: len(cloud.files) == 2)
        await sent(again)
    assert {item.episode for offer in cloud.offers for item in offer.media} == {"e" * 32}


async def test_an_alarm_of_a_replay_has_none(make: Callable[..., Media]) -> None:
    media = make()
    media.change(msgspec.structs.replace(media._gateway, mode="replay"))
    assert media.pictured(ALARM).no_picture == "replay"


async def test_an_alarm_without_a_picture_says_why(make: Callable[..., Media]) -> None:
    media = make()
    assert media.pictured(ALARM).no_picture == "eyes"
    media.kept("gate", "hook.bare_1", [], "disk_full")
    assert media.pictured(ALARM).no_picture == "disk_full"
    # Of others nobody expects one, and the end of an alarm has none of its own.
    for other in ({"kind": "crane.load"}, {"kind": "camera.state"}, {"change": "cleared"}):
        alarm = msgspec.structs.replace(ALARM, **other)
        assert media.pictured(alarm) is alarm


async def test_pictures_wait_for_alarms_also_between_two_pieces(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm = False
    put(folder, 300_000)
    async with running(media):
        await asyncio.sleep(0.2)
        assert cloud.offers == []
        cloud.breaks_after = 2
        cloud.is_calm = True
        await until(lambda: len(cloud.pieces) > 2)
        cloud.is_calm = False
        cloud.breaks_after = None
        count = len(cloud.pieces)
        await asyncio.sleep(0.2)
        assert len(cloud.pieces) <= count + 1
        cloud.is_calm = True
        await sent(media)


async def test_a_file_that_is_gone_from_the_disk_keeps_no_other_back(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm = False
    async with running(media):
        clip = put(folder, media_type="image/webp", kind="clip")
        gone = put(folder)  # more precious, and so the first
        media.stored([clip.sha256, gone.sha256])
        await until(lambda: media.waiting == 2)
        (folder / gone.name).unlink()
        cloud.is_calm = True
        await sent(media)
    assert list(cloud.files) == [clip.sha256]
    assert list(folder.iterdir()) == []


async def test_a_gateway_whose_clock_is_an_hour_ahead_brings_its_pictures(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, cloud.behind_ms = make(), 3_600_000
    put(tmp_path / "media", 150_000)
    async with running(media):
        await until(lambda: cloud.files)
        await sent(media)
    assert len(cloud.offers) <= 2, "at one go"


async def test_after_a_break_it_goes_on_from_where_the_cloud_says(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    note = put(folder, 300_000)
    content = (folder / note.name).read_bytes()
    cloud.breaks_after = 3
    async with running(media):
        await until(lambda: len(cloud.pieces) > 3)
        cloud.breaks_after = None
        await sent(media)
    assert cloud.files[note.sha256] == content
    taken = [offset for _, offset in cloud.pieces]
    # The piece that was lost goes again, and no other.
    assert sorted(set(taken)) == [i * of_media.PIECE_BYTES for i in range(5)]
    assert taken.count(0) == 1


async def test_pictures_go_no_faster_than_they_may(
    make: Callable[..., Media], gateway: Gateway, cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    slow = msgspec.structs.replace(gateway.vision, upload_kbit_s=4000)
    media.change(msgspec.structs.replace(gateway, vision=slow))
    put(folder, 200_000)
    began_s = time.monotonic()
    async with running(media):
        await until(lambda: cloud.files)
        await sent(media)
    # 1.6 Mbit, the last piece counted as none.
    assert time.monotonic() - began_s >= 3 * of_media.PIECE_BYTES * 8 / 4_000_000


async def test_a_note_with_a_spoilt_byte_keeps_no_other_picture_back(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    spoilt, good = put(folder), put(folder)
    note = folder / (spoilt.sha256 + mediafiles.NOTE)
    note.write_bytes(note.read_bytes().replace(b"gate", b"g\xe1te"))
    async with running(media):
        await until(lambda: good.sha256 in cloud.files)


async def test_a_picture_that_was_damaged_on_the_disk_is_not_sent(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    note, good = put(folder), put(folder)
    (folder / note.name).write_bytes(b"\0" * note.bytes)
    async with running(media):
        await until(lambda: good.sha256 in cloud.files)
        await sent(media)
    assert set(cloud.files) == {good.sha256}
    assert list(folder.iterdir()) == []


async def test_of_too_much_the_least_precious_go_first(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm = False
    now = round(time.time() * 1000)
    alarm = [put(folder, 6_000_000, at_ms=now - 9000 + i, episode="e" * 32) for i in range(2)]
    clip = put(folder, 6_000_000, kind="clip", at_ms=now)
    put(folder, 1_000_000, kind="still", at_ms=now)
    old = put(folder, 1000, at_ms=now - 31 * 86_400_000)
    async with running(media):
        await until(lambda: media.waiting == 2)
    left = {note.sha256 for note in mediafiles.notes(folder)}
    assert left == {note.sha256 for note in alarm}
    assert not left & {clip.sha256, old.sha256}


async def test_the_same_bytes_of_another_camera_are_not_deleted_because_the_cloud_has_those_of_the_first(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    first = put(folder, kind="still")
    content = (folder / first.name).read_bytes()
    take = cloud._take

    def take_late(request: BaseHTTPRequestHandler) -> None:
        if not cloud.pieces:
            mediafiles.store(folder, content, msgspec.structs.replace(first, camera="pit"))
        take(request)

    cloud._take = take_late  # type: ignore[method-assign]
    async with running(media):
        await until(lambda: len(cloud.offers) > 1)
        await sent(media)
    assert [item.camera for offer in cloud.offers for item in offer.media] == ["gate", "pit"]


async def test_of_a_view_the_newest_still_picture_alone_is_kept(
    make: Callable[..., Media], cloud: TheCloud, tmp_path: Path
) -> None:
    media, folder = make(), tmp_path / "media"
    cloud.is_calm = False
    async with running(media):
        for _ in range(3):
            newest = put(folder, kind="still").sha256
            media.stored([newest])
            await until(lambda newest=newest: [n.sha256 for n in mediafiles.notes(folder)] == [newest])


def test_pictures_go_to_whoever_has_the_clouds_certificate_alone(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, days=2)
    cloud = TheCloud(certificate)
    try:
        content = os.urandom(1000)
        sha256 = hashlib.sha256(content).hexdigest()
        cloud.sizes[sha256] = len(content)
        answer = MediaAnswer(sha256=sha256, state="wanted", token="t" + sha256[:4])
        stranger = Upload(cloud.address, None)
        with pytest.raises(UnreachableError, match="not trusted"):
            stranger.put(answer, 0, content)
        assert cloud.pieces == []
        known = Upload(cloud.address, certificate.file)
        assert known.put(answer, 0, content).state == "kept"
        known.close()
    finally:
        cloud.close()


def test_pictures_never_travel_in_the_clear() -> None:
    with pytest.raises(Exception, match="not encrypted"):
        Upload("http://cloud.example.org", None)


async def test_the_alarm_in_the_outbox_names_the_picture_that_was_there_before_it(
    gateway: Gateway, tmp_path: Path
) -> None:
    agent = Agent(gateway)
    writing = asyncio.create_task(agent.alarms.run())
    try:
        note = put(gateway.data_dir / mediafiles.FOLDER, key="hook.bare_1")
        agent.media.kept("gate", "hook.bare_1", [note.picture], None)
        [camera] = gateway.cameras
        agent.take(camera, [Reading("gate/hook.bare_1", agent.clock.now_ms(), 1.0)])
        await agent.alarms.flushed()
        [record] = await agent.alarms.take(1, 1, 1, size=1_000_000)
    finally:
        writing.cancel()
        agent.close()
    alarm = decode(record.body, Alarm)
    assert (alarm.change, alarm.point, alarm.pictures) == ("raised", "gate/hook.bare_1", [note.picture])
