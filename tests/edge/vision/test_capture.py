"""Capture children against cameras that are killed, stall, send rubbish or show something unusual."""

import asyncio
import os
import select
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from edge.vision.capture import Failed, Opened, Said, Shown
from edge.vision.capturing import Capture
from edge.vision.model import Frame
from edge.vision.slot import room
from edge.vision.sources import Order, SourceFailedError, open_source
from firmware_sim.camera.model import Camera, CameraFault
from firmware_sim.camera.rtsp import missing
from firmware_sim.camera.serving import serving
from sitewarden.conversations import Conversations, Talk
from sitewarden.quality import Quality
from tests.support.left_out import leave_out_optional

LONGEST_S = 45.0
Ends = Callable[[list[Said], list[Frame]], bool]


class Looker:
    """Asks a capture child for pictures as the eyes do."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.said: list[Said] = []
        self.frames: list[Frame] = []

    def until(self, ends: Ends) -> None:
        """Go on until `ends` of what was said and seen."""
        end_s = time.monotonic() + LONGEST_S
        while not ends(self.said, self.frames):
            assert time.monotonic() < end_s, (self.said[-5:], len(self.frames))
            self._turn()

    def _turn(self) -> None:
        capture, now_s = self.capture, time.monotonic()
        if (failed := capture.turn(now_s)) is not None:
            self.said.append(failed)
        capture.ask(now_s)
        if capture.fileno is not None:
            select.select([capture.fileno], [], [], 0.05)
        for said in capture.hear(time.monotonic()):
            self.said.append(said)
            if isinstance(said, Shown):
                frame = capture.frame(said)
                assert frame is not None
                self.frames.append(frame)


@asynccontextmanager
async def looking(url: str, **more: Any) -> AsyncIterator[Callable[[Ends], Any]]:
    limits = {key: more.pop(key) for key in ("silent_s", "begin_s") if key in more}
    looker = Looker(Capture(Order(camera="c", url=url, **more), **limits))
    try:
        yield looker  # type: ignore[misc]
    finally:
        looker.capture.close()


async def run(looker: Any, ends: Ends) -> None:
    await asyncio.to_thread(looker.until, ends)


def seen(count: int) -> Ends:
    return lambda _, frames: len(frames) >= count


def failed(said: list[Said], _: list[Frame]) -> bool:
    return any(isinstance(one, Failed) for one in said)


def why(looker: Any) -> Failed:
    return next(one for one in looker.said if isinstance(one, Failed))


async def test_pictures_come_whole_and_none_twice() -> None:
    camera = Camera(camera="c", fps=20, width=360, height=640)
    async with serving(camera, Path()) as url, looking(url) as looker:
        await run(looker, seen(3))
        assert isinstance(looker.said[0], Opened)
        numbers = [frame.number for frame in looker.frames]
        assert numbers == sorted(set(numbers))
        assert looker.frames[-1].pixels.shape == (640, 360, 3)
        assert not np.array_equal(looker.frames[-1].pixels, looker.frames[-2].pixels)


async def test_a_camera_of_one_picture_a_second_is_no_silent_one() -> None:
    async with serving(Camera(camera="c", fps=1), Path()) as url, looking(url, silent_s=2.0) as looker:
        await run(looker, seen(3))
        assert not failed(looker.said, [])
        assert looker.frames[2].at_s - looker.frames[1].at_s > 0.5


async def test_masks_are_black_before_anybody_sees_the_picture() -> None:
    masks = [[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]]
    async with serving(Camera(camera="c"), Path()) as url, looking(url, masks=masks) as looker:
        await run(looker, seen(1))
        pixels = looker.frames[0].pixels
    assert pixels[:, :319].max() == 0
    assert pixels[:, 325:].mean() > 20


async def test_a_child_that_is_killed_is_told_and_started_anew() -> None:
    async with serving(Camera(camera="c", fps=20), Path()) as url, looking(url) as looker:
        await run(looker, seen(1))
        os.kill(looker.capture.pid, signal.SIGKILL)
        await run(looker, failed)
        assert looker.capture.pid is None
        before = len(looker.frames)
        await run(looker, seen(before + 1))


async def test_a_child_that_hangs_is_killed_and_started_anew() -> None:
    async with serving(Camera(camera="c", fps=20), Path()) as url, looking(url, silent_s=0.5) as looker:
        await run(looker, seen(1))
        pid = looker.capture.pid
        os.kill(pid, signal.SIGSTOP)
        await run(looker, failed)
        assert why(looker).quality is Quality.TIMEOUT
        before = len(looker.frames)
        await run(looker, seen(before + 1))
        assert looker.capture.pid != pid


async def test_a_camera_that_is_cut_is_disconnected_and_comes_back() -> None:
    cut = CameraFault(fault="cut", at_s=1, for_s=1)
    async with serving(Camera(camera="c", fps=20, faults=[cut]), Path()) as url, looking(url) as looker:
        await run(looker, failed)
        assert why(looker).quality is Quality.DISCONNECTED
        before = len(looker.frames)
        await run(looker, seen(before + 1))


async def refused(url: str, **more: Any) -> SourceFailedError:
    """What a source says of a camera that gives no picture; without a child, which takes time to begin."""

    def first() -> None:
        source = open_source(Order(camera="c", url=url, **more))
        try:
            source.grab()
        finally:
            source.close()

    with pytest.raises(SourceFailedError) as told:
        await asyncio.to_thread(first)
    return told.value


@asynccontextmanager
async def answering(said: bytes, *, then_stall: bool = False) -> AsyncIterator[str]:
    """A port that says the same to everybody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if then_stall:
            await asyncio.get_running_loop().create_future()

    async with conversing(answer) as place:
        yield place


@asynccontextmanager
async def conversing(talk: Talk) -> AsyncIterator[str]:
    conversations = Conversations(talk)
    await conversations.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{conversations.port}"
    finally:
        await conversations.end()


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
NOISE = bytes(range(256)) * 400


def part(content: bytes, length: int | None = None) -> bytes:
    stated = len(content) if length is None else length
    return b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % stated + content + b"\r\n"


def jpeg(shade: int = 120) -> bytes:
    coded = cv2.imencode(".jpg", np.full((64, 96, 3), shade, np.uint8))[1]
    return bytes(coded)


@pytest.mark.parametrize(
    ("said", "quality", "words"),
    [
        (NOISE, Quality.TIMEOUT, "no HTTP"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Quality.EXCEPTION, "no stream of that name"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", Quality.DISCONNECTED, "one picture"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", Quality.DISCONNECTED, "text/html"),
        (STREAM + NOISE, Quality.TIMEOUT, "no stream of pictures"),
        (STREAM + part(jpeg())[:40], Quality.DISCONNECTED, "ended the stream"),
        (STREAM + part(jpeg(), 1 << 40), Quality.TIMEOUT, "no stream of pictures"),
    ],
)
async def test_what_is_no_stream_of_pictures_is_said(said: bytes, quality: Quality, words: str) -> None:
    async with answering(said) as place:
        refusal = await refused(f"http://{place}/s")
    assert words in str(refusal)
    assert refusal.quality is quality


async def test_pictures_that_are_torn_or_none_are_left_out_and_counted() -> None:
    whole = jpeg()
    said = STREAM + part(NOISE) + part(whole[: len(whole) // 2]) + part(whole)
    async with answering(said, then_stall=True) as place, looking(f"http://{place}/s") as looker:
        await run(looker, seen(1))
        assert next(one for one in looker.said if isinstance(one, Shown)).broken == 2


async def test_pictures_without_a_length_end_where_the_next_begins() -> None:
    said = STREAM + b"--b\r\n\r\n" + jpeg(50) + b"\r\n--b\r\n\r\n" + jpeg(200) + b"\r\n--b\r\n\r\n"
    async with answering(said, then_stall=True) as place, looking(f"http://{place}/s") as looker:
        await run(looker, seen(1))
    assert shades(looker.frames)[0] == 50


@pytest.mark.parametrize("way", ["http", "rtsp"])
async def test_a_camera_that_lets_in_and_then_says_nothing_is_told_in_time(way: str) -> None:
    async with answering(b"", then_stall=True) as place, looking(f"{way}://{place}/s", begin_s=1.0) as looker:
        await run(looker, failed)
        assert why(looker).quality is Quality.TIMEOUT


SECRET = "hush hush@/:%"


def public(pid: int) -> bytes:
    """What everybody at the machine can read of a process."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


@pytest.mark.parametrize("scheme", ["basic", "digest"])
async def test_the_login_goes_to_the_camera_and_nowhere_else(scheme: str) -> None:
    asked: list[bytes] = []
    challenge = {
        "basic": b'Basic realm="cam"',
        "digest": b'Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5',
    }[scheme]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        if b"Authorization:" in head:
            writer.write(STREAM + part(jpeg()) * 3)
        else:
            refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: "
            writer.write(refusal + challenge + b"\r\n\r\n")

    async with (
        conversing(answer) as place,
        looking(f"http://{place}/s", username="me", password=SECRET) as looker,
    ):
        await run(looker, seen(1))
        pid = looker.capture.pid
        if pid is not None:
            assert SECRET.encode() not in public(pid)
        await run(looker, failed)
    assert scheme.encode() in asked[-1].lower()
    assert SECRET not in repr(looker.said)
    assert SECRET not in repr(looker.capture.order)


async def test_a_login_that_the_camera_refuses_is_no_secret_told() -> None:
    refusal = b'HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm="c"\r\n\r\n'
    for way in ("http", "rtsp"):
        said = refusal if way == "http" else b"RTSP/1.0 401 No\r\nCSeq: 1\r\n\r\n"
        async with (
            answering(said) as place,
            looking(f"{way}://{place}/s", username="me", password=SECRET) as looker,
        ):
            await run(looker, failed)
        assert "password" in why(looker).text
        assert "hush" not in repr(looker.said)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, shade in (("1.png", 50), ("2.jpg", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((120, 160, 3), shade, np.uint8))
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    return tmp_path


def shades(frames: list[Frame]) -> list[float]:
    return [round(float(frame.pixels.mean()), -1) for frame in frames]


async def test_a_folder_goes_over_and_over_by_its_own_pace_and_once_where_it_is_fast(folder: Path) -> None:
    async with looking("folder:.", folder=str(folder), looks_per_s=20) as looker:
        await run(looker, seen(3))
        assert set(shades(looker.frames)) == {50, 200}
    async with looking("folder:.", folder=str(folder), pace="fast", looks_per_s=5) as looker:
        await run(looker, failed)
        assert why(looker).ended
        assert shades(looker.frames) == [50, 200]
        assert looker.frames[1].at_s - looker.frames[0].at_s == pytest.approx(0.2)


def film(file: Path, count: int = 5) -> Path:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for number in range(count):
        writer.write(np.full((120, 160, 3), 40 * number + 20, np.uint8))
    writer.release()
    return file


async def test_a_film_keeps_its_own_time_however_fast_it_is_shown(tmp_path: Path) -> None:
    film(tmp_path / "f.avi")
    async with looking("file:f.avi", folder=str(tmp_path), pace="fast") as looker:
        await run(looker, failed)
    assert shades(looker.frames) == pytest.approx([20, 60, 100, 140, 180], abs=10)
    assert looker.frames[4].at_s - looker.frames[0].at_s == pytest.approx(0.4)
    async with looking("file:f.avi", folder=str(tmp_path)) as looker:
        await run(looker, seen(8))  # begins again at its end


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:none.avi", "no such film"),
        ("file:bad.avi", "no film"),
        ("folder:none", "cannot be read"),
        ("folder:empty", "holds no"),
        ("v4l2:/dev/no-video", "there is no"),
        ("rtsp://127.0.0.1:1/s", "cannot be reached"),
        ("http://127.0.0.1:1/s", "cannot be reached"),
    ],
)
async def test_what_is_not_there_is_said(tmp_path: Path, url: str, words: str) -> None:
    (tmp_path / "bad.avi").write_bytes(NOISE)
    (tmp_path / "empty").mkdir()
    assert words in str(await refused(url, folder=str(tmp_path)))


@pytest.fixture
def rtsp() -> None:
    lacking = missing()
    if lacking is not None:
        leave_out_optional(lacking)


@pytest.mark.service
async def test_rtsp_is_read_and_its_reasons_are_told(rtsp: None) -> None:
    camera = Camera(camera="gate", transport="rtsp", fps=20, codec="jpeg")
    async with serving(camera, Path()) as url:
        async with looking(url) as looker:
            await run(looker, seen(3))
            assert looker.frames[-1].pixels.shape == (360, 640, 3)
        assert "no stream of that name" in str(await refused(url + "-not"))


def test_a_picture_that_is_not_there_is_none() -> None:
    slot = room()
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    slot.put(picture)
    assert np.array_equal(slot.take(4, 6), picture)
    assert slot.take(40, 60) is None
    assert slot.take(1 << 20, 1 << 20) is None
    assert slot.take(0, 5) is None
    slot.close()


def test_an_order_shows_no_password() -> None:
    order = Order(camera="c", url="rtsp://h/s", username="me", password=SECRET)
    assert SECRET not in f"{order!r} {order}"
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order).password == SECRET
