"""Cameras as a gateway finds them: read back with OpenCV over HTTP and RTSP, and spoilt by script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from firmware_sim.camera.feed import Feed
from firmware_sim.camera.mjpeg import MjpegServer
from firmware_sim.camera.model import Camera, CameraFault, fault_at
from firmware_sim.camera.pictures import black, pictures_of
from firmware_sim.camera.rtsp import RtspServer, missing
from firmware_sim.camera.serving import serving
from firmware_sim.ledger import Ledger
from firmware_sim.run import run
from firmware_sim.scenario import read_scenario
from sitewarden.errors import ConfigurationError, SiteWardenError, UnreachableError
from tests.support.left_out import leave_out_optional
from tests.support.waiting import ended, until

HERE = Path()
FAST = 20.0
RED, BLUE = (0, 0, 200), (200, 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, red and blue, and something that is none."""
    place = tmp_path / "pictures"
    place.mkdir()
    for name, colour in (("1.png", RED), ("2.jpg", BLUE)):
        cv2.imwrite(str(place / name), np.full((120, 160, 3), colour, np.uint8))
    (place / "notes.txt").write_text("no picture")
    return place


def seen(url: str, count: int) -> list[np.ndarray]:
    """The first pictures of a stream as OpenCV reads it; fewer where the stream ends."""
    video = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 15_000])
    frames = []
    for _ in range(count):
        there, picture = video.read()
        if not there:
            break
        frames.append(picture)
    video.release()
    return frames


def colour(picture: np.ndarray) -> str:
    blue, _, red = picture.mean(axis=(0, 1))
    return "red" if red > blue + 50 else "blue" if blue > red + 50 else "other"


async def test_a_folder_is_played_over_and_over_in_the_cameras_size(folder: Path) -> None:
    camera = Camera(camera="gate", source=str(folder), fps=FAST, width=320, height=240)
    async with serving(camera, HERE) as url:
        assert url.endswith("/gate.mjpg")
        frames = await asyncio.to_thread(seen, url, 6)
    assert len(frames) == 6
    assert {frame.shape for frame in frames} == {(240, 320, 3)}
    colours = [colour(frame) for frame in frames]
    assert set(colours) == {"red", "blue"}


async def test_a_video_is_played_over_and_over(tmp_path: Path) -> None:
    file = tmp_path / "site.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for shade in (0, 250):
        writer.write(np.full((120, 160, 3), shade, np.uint8))
    writer.release()
    made = pictures_of(Camera(camera="c", source="site.avi", width=160, height=120), tmp_path)
    shades = [cv2.imdecode(np.frombuffer(next(made), np.uint8), 1).mean() > 125 for _ in range(6)]
    assert shades == [False, True] * 3


async def test_a_drawn_camera_shows_a_living_picture_to_several_viewers(folder: Path) -> None:
    async with serving(Camera(camera="c", fps=FAST), HERE) as url:
        views = await asyncio.gather(*(asyncio.to_thread(seen, url, 3) for _ in range(3)))
    for frames in views:
        assert len(frames) == 3
        assert not np.array_equal(frames[0], frames[1])


async def test_more_viewers_than_the_camera_takes_are_refused_and_those_who_watch_go_on() -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(Camera(camera="c", fps=FAST, viewers=2), HERE))
        watching = [await stack.enter_async_context(asking(url, "/c.mjpg")) for _ in range(2)]
        for reader in watching:
            assert b"200 OK" in await reader.readline()
        async with asking(url, "/c.mjpg") as reader:
            assert b"503" in await reader.readline()
        for reader in watching:
            assert await reader.readuntil(b"image/jpeg")


@asynccontextmanager
async def asking(url: str, path: str, more: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """An HTTP request of one's own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
    writer.write(more or f"GET {path} HTTP/1.1\r\nHost: camera\r\n\r\n".encode())
    yield reader
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/", maxsplit=1)[0])


async def left(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the connection ends, however it ends."""
    said = b""
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            said += chunk
    return said


async def test_one_picture_can_be_asked_for_and_other_paths_are_not_there() -> None:
    async with serving(Camera(camera="c"), HERE) as url:
        async with asking(url, "/c.jpg") as reader:
            head, _, body = (await left(reader)).partition(b"\r\n\r\n")
        assert b"Content-Type: image/jpeg" in head
        assert cv2.imdecode(np.frombuffer(body, np.uint8), 1).shape == (360, 640, 3)
        async with asking(url, "/d.mjpg") as reader:
            assert b"404" in await left(reader)


@pytest.mark.parametrize("nonsense", [b"\x00\xff\r\n\r\n", b"POST /c.mjpg HTTP/1.1\r\n\r\n", b"x" * 20_000])
async def test_what_is_no_request_ends_only_its_own_connection(nonsense: bytes) -> None:
    async with serving(Camera(camera="c", fps=FAST), HERE) as url:
        async with asking(url, "/", nonsense) as reader:
            assert await left(reader) == b""
        assert len(await asyncio.to_thread(seen, url, 1)) == 1


async def test_a_frozen_camera_shows_the_same_picture_again_and_again() -> None:
    async with serving(Camera(camera="c", fps=FAST, faults=[CameraFault(fault="freeze")]), HERE) as url:
        frames = await asyncio.to_thread(seen, url, 4)
    assert len(frames) == 4
    assert all(np.array_equal(frames[0], frame) for frame in frames)


async def test_a_covered_camera_shows_black() -> None:
    async with serving(Camera(camera="c", fps=FAST, faults=[CameraFault(fault="black")]), HERE) as url:
        frames = await asyncio.to_thread(seen, url, 3)
    assert len(frames) == 3
    assert frames[-1].max() < 5


async def test_a_camera_that_is_cut_throws_its_viewers_out_and_lets_nobody_in_until_it_is_back() -> None:
    feed, cut = Feed(Camera(camera="c"), HERE), CameraFault(fault="cut")
    await feed.show()
    async with MjpegServer(feed) as server:
        async with asking(server.address, "/c.mjpg") as watching:
            assert await watching.readuntil(b"image/jpeg")
            await feed.show(cut)
            assert b"200 OK" not in await left(watching)
        async with asking(server.address, "/c.jpg") as reader:
            assert await left(reader) == b""
        await feed.show()
        async with asking(server.address, "/c.jpg") as reader:
            assert b"200 OK" in await left(reader)


async def test_a_camera_that_ends_throws_its_viewers_out_without_a_complaint() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with AsyncExitStack() as clients:
        async with serving(Camera(camera="c", fps=FAST), HERE) as url:
            watching = await clients.enter_async_context(asking(url, "/c.mjpg"))
            assert await watching.readuntil(b"image/jpeg")
        await left(watching)
    assert complaints == []


def test_faults_come_when_the_scenario_says_so() -> None:
    slow, cut = CameraFault(fault="slow", at_s=10, for_s=5, every_s=60), CameraFault(fault="cut", at_s=100)
    camera = Camera(camera="c", faults=[slow, cut])
    at = {t: fault_at(camera, t) for t in (0, 10, 14.9, 15, 70, 76, 100, 130, 200)}
    assert [t for t, fault in at.items() if fault is slow] == [10, 14.9, 70, 130]
    assert [t for t, fault in at.items() if fault is cut] == [100, 200]


async def test_a_slow_camera_waits_between_its_pictures() -> None:
    feed = Feed(Camera(camera="c", fps=FAST), HERE)
    assert feed.pause_s(None) == 1 / FAST
    assert feed.pause_s(CameraFault(fault="slow", slow_s=3)) == 3
    assert feed.pause_s(CameraFault(fault="freeze")) == 1 / FAST


async def test_a_source_without_a_picture_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no jpeg")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    for source, says in ((".", "no picture that can be read"), ("broken.mp4", "no video")):
        with pytest.raises(SiteWardenError, match=says):
            await serving(Camera(camera="c", source=source), tmp_path).__aenter__()


async def test_a_port_that_is_taken_is_named() -> None:
    async with serving(Camera(camera="c"), HERE) as url:
        taken = serving(Camera(camera="d", port=port_of(url)), HERE)
        with pytest.raises(UnreachableError, match=f"camera d: cannot listen on 127.0.0.1:{port_of(url)}"):
            await taken.__aenter__()


def test_black_is_black_in_the_cameras_size() -> None:
    picture = cv2.imdecode(np.frombuffer(black(Camera(camera="c", width=64, height=80)), np.uint8), 1)
    assert picture.shape == (80, 64, 3)
    assert picture.max() == 0


SCENARIO = """\
scenario: watched
seed: 1
buses:
  - {bus: b, devices: [{device: level, profile: simple-water-level, unit: 2}]}
cameras:
  - {camera: gate, source: pictures}
"""


async def test_a_scenario_lists_its_cameras_beside_its_buses(
    write_scenario: Callable[[str], Path], folder: Path
) -> None:
    file = write_scenario(SCENARIO)
    ports = file.with_name("ports.json")
    task = asyncio.create_task(run(read_scenario(file), Ledger(None), ports))
    try:
        await until(ports.exists)
        told = json.loads(ports.read_text())
        assert isinstance(told["b"], int)
        assert len(await asyncio.to_thread(seen, told["gate"], 2)) == 2
    finally:
        await ended(task)


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("camera: gate", "camera: b", "the name of a bus"),
        ("source: pictures", "source: nowhere", "there is no `.*nowhere`"),
        ("source: pictures", "source: .", "holds no .jpg"),
        ("source: pictures", "fps: 0", "above 0|> 0.0"),
        ("source: pictures", "width: 65", "multiple"),
        ("source: pictures", "faults: [{fault: rain}]", "nvalid enum value"),
    ],
)
def test_a_camera_that_cannot_be_meant_is_refused(
    write_scenario: Callable[[str], Path], folder: Path, *, wrong: str, right: str, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_scenario(write_scenario(SCENARIO.replace(wrong, right)))


@pytest.fixture
def rtsp() -> None:
    lacking = missing()
    if lacking is not None:
        leave_out_optional(lacking)


@pytest.mark.service
@pytest.mark.parametrize("codec", ["h264", "jpeg"])
async def test_rtsp_is_read_back_by_several_viewers(rtsp: None, folder: Path, codec: str) -> None:
    camera = Camera(camera="gate", transport="rtsp", source=str(folder), fps=FAST, codec=codec)  # type: ignore[arg-type]
    async with serving(camera, HERE) as url:
        assert url.startswith("rtsp://127.0.0.1:")
        views = await asyncio.gather(*(asyncio.to_thread(seen, url, 8) for _ in range(2)))
    for frames in views:
        assert len(frames) == 8
        assert frames[0].shape == (360, 640, 3)
        assert {colour(frame) for frame in frames} == {"red", "blue"}


@pytest.mark.service
async def test_an_rtsp_camera_that_is_cut_comes_back_on_the_same_port(rtsp: None) -> None:
    feed = Feed(Camera(camera="c", transport="rtsp", fps=FAST), HERE)
    await feed.show()
    async with RtspServer(feed) as server:
        url = server.address
        assert len(await watched(feed, url)) == 3
        await feed.show(CameraFault(fault="cut"))
        await until(lambda: not server.is_listening)
        assert await asyncio.to_thread(seen, url, 1) == []
        await feed.show()
        await until(lambda: server.is_listening)
        assert server.address == url
        assert len(await watched(feed, url)) == 3


async def watched(feed: Feed, url: str) -> list[np.ndarray]:
    """Three pictures of a feed that runs meanwhile."""
    running = asyncio.create_task(feed.run())
    frames = await asyncio.to_thread(seen, url, 3)
    await ended(running)
    return frames
