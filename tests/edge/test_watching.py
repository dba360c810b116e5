"""Cameras from pictures to alarms: the agent's side with real eyes, their children and the shipped rules."""

import asyncio
import contextlib
import itertools
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.config import Device, Gateway, load_gateway
from edge.judge import Judge
from edge.vision import wire
from edge.vision.detectors.scripted import HEAD_BGR
from edge.vision.shedding import Shed
from edge.watching import MOST_LINES_PER_S, EyesTask, HookOf, Pace
from firmware_sim.camera.feed import Feed
from firmware_sim.camera.mjpeg import MjpegServer
from firmware_sim.camera.model import Camera, CameraFault, Login
from firmware_sim.camera.serving import serving
from sitewarden.conversations import Conversations
from sitewarden.messages import Alarm, NoPicture, Sight
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.conftest import WriteGateway
from tests.edge.test_bus import CRANE, INTERVAL_MS, on_bus, polling
from tests.support import modbus
from tests.support.waiting import PATIENCE_S, ended, until

HOOK = {"zone": "hook", "outline": [[0, 0.1], [1, 0.1], [1, 1], [0, 1]], "kind": "hook"}
WIDTH, HEIGHT, HEAD = 640, 480, 36


class Site:
    """What the eyes make of cameras, as an agent takes it."""

    def __init__(self, gateway: Gateway, **more: Any) -> None:
        self.gateway = gateway
        self.values: dict[str, Reading] = {}
        self.heard: list[str] = []
        """Pictures and points in the order in which they came."""
        self.said: list[tuple[str, float | None, Quality]] = []
        self.alarms: list[Alarm] = []
        self.sights: list[Sight] = []
        self.judge = Judge(gateway.judged, lambda: "synced", gateway.groups)
        self._began_ms = time.time() * 1000 - time.monotonic() * 1000
        self.eyes = EyesTask(gateway, self.take, self._stamp, album=self, show=self._show, **more)

    def _stamp(self, at_s: float) -> int:
        return round(self._began_ms + 1000 * at_s)

    async def _show(self, sight: Sight) -> None:
        self.sights.append(sight)

    def take(self, device: Device, readings: Iterable[Reading]) -> None:
        readings = list(readings)
        self.values |= {reading.point: reading for reading in readings}
        self.said += [(reading.point, reading.value, reading.quality) for reading in readings]
        self.heard += [reading.point for reading in readings if reading.value == 1]
        self.alarms += self.judge.take_at_once(device, readings).alarms

    def kept(
        self, camera: str, key: str, pictures: Iterable[wire.KeptPicture], why: NoPicture | None
    ) -> None:
        assert why is None
        self.heard += [f"{picture.kind} of {camera}/{key}" for picture in pictures]

    def stored(self, files: Iterable[str]) -> None:
        self.heard += [f"stored {file}" for file in files]

    def value(self, point: str) -> float | None:
        reading = self.values.get(point)
        return reading.value if reading is not None and reading.is_good else None

    def has_said(self, point: str, value: float | None, quality: Quality = Quality.GOOD) -> bool:
        return (point, value, quality) in self.said

    def quality(self, point: str) -> Quality | None:
        reading = self.values.get(point)
        return None if reading is None else reading.quality


@contextlib.asynccontextmanager
async def watching(gateway: Gateway, **more: Any) -> AsyncIterator[Site]:
    site = Site(gateway, **more)
    task = asyncio.create_task(site.eyes.run())
    try:
        yield site
    finally:
        await ended(task)


@pytest.fixture
def gateway_of(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> Callable[..., Gateway]:
    def make(*cameras: dict[str, Any]) -> Gateway:
        gateway_dict.update(
            rules=["tower-crane", "pit-displacement", "weather", "helmets"],
            cameras=[{"zones": [HOOK], **camera} for camera in cameras],
            vision={"provider": "scripted"},
        )
        return load_gateway(write_gateway(gateway_dict))

    return make


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody without a helmet walks to and fro."""
    folder = tmp_path_factory.mktemp("walk")
    coarse = np.random.default_rng(1).integers(80, 130, (HEIGHT // 20, WIDTH // 20, 3)).astype(np.uint8)
    ground = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    for number in range(60):
        picture = ground.copy()
        x = 100 + 6 * (number if number < 30 else 60 - number)
        cv2.rectangle(picture, (x - 20, 80 + HEAD), (x + HEAD + 20, 300), (60, 40, 30), -1)
        cv2.rectangle(picture, (x, 80), (x + HEAD, 80 + HEAD), HEAD_BGR, -1)
        cv2.imwrite(str(folder / f"{number:02}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return folder


async def test_a_bare_head_before_a_camera_becomes_an_alarm_whose_picture_is_there_first(
    gateway_of: Callable[..., Gateway], walk: Path
) -> None:
    gateway = gateway_of({"camera": "gate", "url": f"folder:{walk}", "looks_per_s": 10})
    async with watching(gateway) as site:
        assert not site.eyes.watch("crane-1", 60)
        assert site.eyes.watch("gate", 60)
        await until(lambda: site.alarms)
        assert (site.alarms[0].rule, site.alarms[0].point) == ("helmet-missing-hook", "gate/hook.bare_1")
        assert site.heard.index("snapshot of gate/hook.bare_1") < site.heard.index("gate/hook.bare_1")
        assert site.value("gate/state") == 0
        assert site.value("gate/hook.people") == 1
        await until(lambda: site.sights and site.sights[-1].heads)
        assert site.sights[-1].heads[0].zones == ["hook"]
        assert all(health.online for health in site.eyes.health())
        # The eyes die: nobody sees, and that is said; then they see again.
        os.kill(site.eyes.pid or 0, signal.SIGKILL)
        await until(lambda: site.quality("gate/hook.people") is Quality.DISCONNECTED)
        assert site.quality("gate/state") is Quality.DISCONNECTED
        await until(lambda: site.value("gate/hook.people") is not None)
        # A camera that is told off is watched no more, and the eyes rest.
        site.eyes.change(gateway_of())
        await until(lambda: site.eyes.pid is None)


@contextlib.asynccontextmanager
async def saying(said: bytes) -> AsyncIterator[str]:
    """A port that says the same to everybody, and holds the line."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await asyncio.get_running_loop().create_future()

    conversations = Conversations(answer)
    await conversations.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", 0))
    try:
        yield f"http://127.0.0.1:{conversations.port}/s"
    finally:
        await conversations.end()


@contextlib.asynccontextmanager
async def fed(feed: Feed) -> AsyncIterator[str]:
    """A camera whose faults the test decides."""
    await feed.show()
    async with MjpegServer(feed) as server:
        running = asyncio.create_task(feed.run())
        yield server.address
        await ended(running)


async def test_whatever_is_wrong_with_a_camera_its_points_say_so_and_the_others_go_on(
    gateway_of: Callable[..., Gateway], walk: Path, tmp_path: Path
) -> None:
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    for number in range(45):
        (frozen / f"{number:02}.png").symlink_to(walk / "00.png")
    shown = {
        "large": Camera(camera="large", width=3840, height=2160, fps=2),
        "slow": Camera(camera="slow", fps=1),
        "tall": Camera(camera="tall", width=360, height=640),
        "black": Camera(camera="black", faults=[CameraFault(fault="black")]),
    }
    async with contextlib.AsyncExitStack() as stack:
        urls = {
            name: await stack.enter_async_context(serving(camera, Path())) for name, camera in shown.items()
        }
        cut = Feed(Camera(camera="cut"), Path())
        urls["cut"] = await stack.enter_async_context(fed(cut))
        urls["stalled"] = await stack.enter_async_context(saying(b""))
        urls["rubbish"] = await stack.enter_async_context(saying(bytes(range(256)) * 300))
        cameras: list[dict[str, Any]] = [{"camera": name, "url": url} for name, url in urls.items()]
        # Shown as fast as can be, half a minute of the same picture is soon over.
        old = {"camera": "frozen", "url": f"folder:{frozen}", "pace": "fast", "looks_per_s": 1}
        site = await stack.enter_async_context(watching(gateway_of(*cameras, old)))
        nowhere, seen = (None, Quality.DISCONNECTED), (0.0, Quality.GOOD)
        for name in ("large", "slow", "tall"):
            await until(lambda name=name: site.has_said(f"{name}/state", 0))
        await until(lambda: site.has_said("black/state", 1))
        # Nobody can say that nobody is there.
        await until(lambda: site.quality("black/hook.people") is Quality.BAD_INPUT)
        await until(lambda: site.has_said("frozen/state", 5))
        await until(lambda: site.quality("stalled/state") is Quality.TIMEOUT)
        await until(lambda: site.quality("rubbish/hook.people") is Quality.TIMEOUT)
        await until(lambda: site.has_said("cut/state", *seen))
        cut.camera = Camera(camera="cut", faults=[CameraFault(fault="cut")])
        await until(lambda: site.has_said("cut/state", *nowhere))
        cut.camera = Camera(camera="cut")
        gone = site.said.index(("cut/state", *nowhere))
        await until(lambda: ("cut/state", *seen) in site.said[gone:])
        online = {health.device: health.online for health in site.eyes.health()}
        assert online["slow"]
        assert not online["stalled"]


async def test_eyes_that_cannot_begin_or_rave_are_told_and_kept_away_from_everybody_else(
    gateway_of: Callable[..., Gateway], walk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raving = tmp_path / "python"
    raving.write_text("#!/bin/sh\nwhile :; do echo nonsense; done\n")
    raving.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(raving))
    async with watching(gateway_of({"camera": "gate", "url": f"folder:{walk}"})) as site:
        await until(lambda: site.quality("gate/state") is Quality.DISCONNECTED)
        assert site.quality("gate/hook.bare_1") is Quality.DISCONNECTED


def eyes_that(folder: Path, says: str) -> str:
    """A program in place of the eyes; it names instants as they do."""
    program = folder / "eyes"
    program.write_text(
        f"#!{sys.executable}\nimport time\nnow = time.monotonic()\n"
        'def alive(at_s):\n    print(\'{"says":"alive","at_s":%r}\' % at_s, flush=True)\n'
        f"{says}\nwhile True:\n    alive(time.monotonic())\n    time.sleep(1)\n"
    )
    program.chmod(0o755)
    return str(program)


STATE = '{"says":"points","camera":"gate","at_s":%r,"values":{"state":7}}'


async def test_lines_that_piled_up_while_nobody_listened_are_heard_and_end_nothing(
    gateway_of: Callable[..., Gateway], walk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backlog = (
        f"for n in range(6000): alive(now - 60 + n / 100)\nprint('{STATE}' % time.monotonic(), flush=True)"
    )
    monkeypatch.setattr(sys, "executable", eyes_that(tmp_path, backlog))
    async with watching(gateway_of({"camera": "gate", "url": f"folder:{walk}"})) as site:
        await until(lambda: site.value("gate/state") == 7)
        assert site.quality("gate/state") is Quality.GOOD
        assert not any(quality is Quality.DISCONNECTED for _, _, quality in site.said)


async def test_eyes_that_say_too_much_of_one_moment_rave(
    gateway_of: Callable[..., Gateway], walk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raving = f"for n in range({3 * MOST_LINES_PER_S}): alive(now)"
    monkeypatch.setattr(sys, "executable", eyes_that(tmp_path, raving))
    async with watching(gateway_of({"camera": "gate", "url": f"folder:{walk}"})) as site:
        await until(lambda: site.quality("gate/state") is Quality.DISCONNECTED)


def test_no_clock_of_the_eyes_makes_more_than_their_life_allows() -> None:
    pace = Pace(10)
    assert all(pace.keeps(1000.0, 1000.0) for _ in range(10))
    assert not pace.keeps(1e12, 1000.0), "a clock that runs ahead counts as now"
    assert not pace.keeps(0.0, 1000.0)
    assert not pace.keeps(None, 1000.0)
    assert pace.keeps(1000.5, 1001.0)


def test_eyes_whose_pictures_come_ever_later_do_not_rave() -> None:
    pace = Pace(10)
    assert all(pace.keeps(1000.0, 1000.0 + i / 9) for i in range(90))


async def test_without_the_libraries_cameras_see_nothing_and_that_is_said(
    gateway_of: Callable[..., Gateway],
    walk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("edge.watching.LIBRARIES", ("numpy", "no_such_library"))
    async with watching(gateway_of({"camera": "gate", "url": f"folder:{walk}"})) as site:
        await until(lambda: site.quality("gate/state") is Quality.DISCONNECTED)
    assert "no_such_library not installed: cameras need the extra `vision`" in caplog.text


WALKER = Path(__file__).parents[1] / "support" / "walker.h264"
SECRET = "hush hush@/:%"


async def test_a_camera_that_refuses_the_login_says_so_and_nobody_hears_the_password(
    gateway_of: Callable[..., Gateway], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    login = Login(username="viewer of hush", password=SECRET)
    camera = Camera(camera="c", transport="rtsp", source=f"film:{WALKER}", fps=10, login=login)
    for name, password in (("right", SECRET), ("wrong", "hush 2")):
        (tmp_path / name).write_text(password)
        (tmp_path / name).chmod(0o600)
    caplog.set_level("DEBUG")
    async with serving(camera, tmp_path) as url:
        known = {"url": url, "username": login.username}
        cameras = [{"camera": name, **known, "password_file": name} for name in ("right", "wrong")]
        async with watching(gateway_of(*cameras)) as site:
            await until(lambda: site.has_said("right/state", 0))
            refused = ("wrong/state", None, Quality.EXCEPTION)
            await until(lambda: refused in site.said)
            # Its reason is in the log, at once: what is logged comes before what is told.
            assert "camera=wrong: refused: the camera does not accept name and password" in caplog.text
    assert "hush" not in f"{caplog.text} {site.said}"


async def test_a_machine_that_cannot_keep_up_leaves_out_what_was_decided_and_takes_it_up_again(
    gateway_of: Callable[..., Gateway],
    walk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow, begin = tmp_path / "slow", tmp_path / "python"
    slow.touch()
    # It is begun as `python -m edge.vision.eyes PARENT`.
    begin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.edge.vision.slow_eyes "{slow}" "$3"\n')
    begin.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(begin))
    caplog.set_level("INFO")

    def told() -> list[str]:
        mark = "eyes: left out to keep up: "
        return [text.removeprefix(mark) for text in caplog.messages if text.startswith(mark)]

    async with watching(gateway_of({"camera": "gate", "url": f"folder:{walk}"})) as site:
        await until(lambda: site.has_said("gate/state", 7), within_s=2 * PATIENCE_S)
        words = [shed.word for shed in Shed]
        down = [f"{after} (before: {before})" for before, after in itertools.pairwise(words)]
        assert told()[: len(down)] == down
        assert site.eyes.shed == "overloaded"
        levels = [value for point, value, _ in site.said if point == "gate/shed"]
        # A step may pass between two looks; none is told out of order.
        assert levels == sorted(levels)
        assert levels[-1] == Shed.OVERLOADED
        slow.unlink()
        await until(lambda: site.value("gate/state") == 0)
        await until(lambda: told()[-1].startswith("nothing"), within_s=3 * PATIENCE_S)
        await until(lambda: site.eyes.shed == "nothing" and site.value("gate/shed") == 0)


POLLS = 12


async def jitter_s(unit: modbus.Unit) -> float:
    """How far a poll lies off its time beside the one before it, in the middle of many."""
    first = len(unit.asked_at)
    await until(lambda: len(unit.asked_at) > first + POLLS)
    asked = unit.asked_at[first:]
    pauses = [later - before for before, later in itertools.pairwise(asked)]
    return statistics.median(abs(pause - INTERVAL_MS / 1000) for pause in pauses)


async def test_polls_of_a_bus_come_as_evenly_beside_a_camera_that_stalls_and_eyes_that_hang(
    gateway_of: Callable[..., Gateway], crane: Device
) -> None:
    unit = modbus.Unit(CRANE)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(modbus.serving({1: unit}))
        await stack.enter_async_context(polling(server, on_bus(crane, "a", 1)))
        await until(lambda: unit.asked > 3)
        alone_s = await jitter_s(unit)
        stalled = await stack.enter_async_context(saying(b""))
        gateway = gateway_of({"camera": "gate", "url": stalled})
        site = await stack.enter_async_context(watching(gateway, silent_s=6.0))
        await until(lambda: site.eyes.pid)
        beside_s = await jitter_s(unit)
        first = site.eyes.pid
        os.kill(first or 0, signal.SIGSTOP)
        for _ in range(200):
            site.eyes.change(gateway)  # nor does it matter that nobody hears what is said
        hanging_s = await jitter_s(unit)
        # Eyes that hang are ended, and others begun.
        await until(lambda: site.quality("gate/state") is Quality.DISCONNECTED)
        await until(lambda: site.eyes.pid not in {None, first})
    # Of the figures themselves a busy machine says little; that they are of one kind it does.
    assert max(beside_s, hanging_s) <= 3 * alone_s + 0.05


def test_where_a_hook_hangs_is_told_once_all_of_it_is_known_and_fresh(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    layout = {"kind": "crane", "x_m": 100, "y_m": 50, "jib_m": 60, "counter_jib_m": 15, "mast_m": 40}
    gateway_dict["buses"][0]["devices"][0] = {**gateway_dict["buses"][0]["devices"][0], "layout": layout}
    crane = next(iter(load_gateway(write_gateway(gateway_dict)).devices))
    hook = HookOf(crane)
    said = {"slew": 90.0, "radius": 20.0, "hook_height": 12.0, "load": 3.0}
    readings = [Reading(f"crane-1/{key}", 0, value) for key, value in said.items()]
    assert hook.take(readings[:3], 10.0) is None
    told = hook.take(readings[3:], 11.0)
    assert told is not None
    assert (told.x_m, told.y_m) == (pytest.approx(120), pytest.approx(50))  # east of it
    assert (told.height_m, told.load_t, told.at_s) == (12.0, 3.0, 10.0)
    assert hook.take(readings, 11.1) is None  # not so soon again
    assert hook.take(readings[3:], 30.0) is None  # slew and radius are old
    bad = [Reading("crane-1/slew", 0, None, Quality.TIMEOUT)]
    assert hook.take([*bad, *readings[1:]], 31.0) is None
