"""Four cameras over RTSP on one gateway: what looking costs, and how old judged pictures are.

A drawn yard was made a film beforehand, H.264, 1280 × 720 at 25 pictures a second and 2 Mbit/s, which four
addresses send as it lies there: nothing is drawn, decoded or encoded while it is measured, and what sending
costs is told by itself. Beside it, in the same run, the same streams are only decoded, one process a stream:
what no gateway can do without. Two yards: one where half the time somebody passes, and one where three people
never stop walking before each of the four cameras, so that the gate has next to nothing to save.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import yaml

from bench import rig
from bench.report import NotMeasured, Result
from edge.config import Device, load_gateway
from edge.vision.shedding import Shed
from edge.watching import EyesTask
from firmware_sim.camera.filming import film_of
from firmware_sim.camera.model import FILM, Camera
from firmware_sim.camera.serving import serve
from firmware_sim.demo.site import SCENE
from sitewarden.errors import SiteWardenError
from sitewarden.readings import Reading

CAMERAS, FPS, WIDTH, HEIGHT = 4, 25, 1280, 720
LOOKS_PER_S, LEAST_LOOKS_PER_S = 5.0, 4.8
YARD, YARD_S = "yard.h264", 20
WARM_S, SPAN_S, SPAN_QUICK_S = 25.0, 120.0, 30.0
CORES = 2
MOST_PERCENT, MOST_AGE_MS = 60.0, 500.0
ZONE = {"zone": "hook", "outline": [[0.03, 1], [0.94, 1], [0.92, 0.68], [0.06, 0.62]], "kind": "hook"}
_DECODE = (
    "import cv2, sys\n"
    "stream = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])\n"
    "while stream.read()[0]: pass\n"
)


def run(quick: bool) -> Sequence[Result]:
    """Measure; `NotMeasured` where no film can be made."""
    span_s = SPAN_QUICK_S if quick else SPAN_S
    with resources.as_file(resources.files("firmware_sim.demo").joinpath(SCENE)) as busy:
        yards = {"somebody passes": Path(__file__).with_name("vision_passing.yaml"), "all walk": busy}
        return [result for name, yard in yards.items() for result in _measured(name, yard, span_s)]


def _measured(name: str, yard: Path, span_s: float) -> Sequence[Result]:
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as made:
        folder = Path(made)
        _film(yard, folder)
        with _playing(folder) as cameras:
            decoding_s = _decoding(cameras.addresses, span_s)
            looking = asyncio.run(_looking(folder, cameras, span_s))
    return _results(name, looking, decoding_s, span_s)


def _film(yard: Path, folder: Path) -> None:
    """What the cameras play: drawing or encoding it meanwhile would cost more than looking at it."""
    camera = Camera(camera="yard", source=f"scene:{yard}", fps=FPS, width=WIDTH, height=HEIGHT)
    try:
        film_of(camera, Path(), YARD_S, folder / YARD)
    except SiteWardenError as exc:
        raise NotMeasured(str(exc)) from exc


class _Cameras(NamedTuple):
    pid: int
    addresses: list[str]


@contextlib.contextmanager
def _playing(folder: Path) -> Iterator[_Cameras]:
    """The cameras in a process of their own."""
    command = [sys.executable, "-m", "bench.vision_streams", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as cameras:
        try:
            assert cameras.stdout is not None  # noqa: S101  it was asked for
            said = cameras.stdout.readline()
            if not said.startswith("["):
                raise NotMeasured(f"the simulator plays no RTSP: {said.strip() or 'it ended'}")
            yield _Cameras(cameras.pid, json.loads(said))
        finally:
            cameras.kill()


async def _serve(folder: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        cameras = [
            Camera(camera=f"cam-{n}", transport="rtsp", source=f"{FILM}{YARD}", fps=FPS)
            for n in range(CAMERAS)
        ]
        try:
            addresses = await serve(cameras, folder, stack)
        except SiteWardenError as exc:
            print(exc, flush=True)
            return
        print(json.dumps(list(addresses.values())), flush=True)
        await asyncio.Event().wait()


def _decoding(addresses: Iterable[str], span_s: float) -> float:
    """Seconds of CPU for nothing but decoding."""
    children = [subprocess.Popen([sys.executable, "-c", _DECODE, address]) for address in addresses]
    try:
        time.sleep(WARM_S / 2)
        before = sum(rig.cpu_s(child.pid) for child in children)
        time.sleep(span_s)
        return sum(rig.cpu_s(child.pid) for child in children) - before
    finally:
        for child in children:
            child.kill()
            child.wait()


_LEVELS = {shed.word: int(shed) for shed in Shed}


class _Told:
    """What the cameras say of themselves."""

    def __init__(self) -> None:
        self.ages_ms: list[float] = []
        self.looks: list[float] = []
        self.states: list[float | None] = []
        self.shed: list[int] = []
        self.cpu_s = self.sending_s = 0.0

    def take(self, device: Device, readings: Iterable[Reading]) -> None:
        for reading in readings:
            key = reading.point.removeprefix(f"{device.name}/")
            if key == "state":
                self.states.append(reading.value)
            elif reading.value is not None and key in {"age", "fps"}:
                (self.ages_ms if key == "age" else self.looks).append(reading.value)


async def _looking(folder: Path, cameras: _Cameras, span_s: float) -> _Told:
    told = _Told()
    async with _eyes(_gateway_file(folder, cameras.addresses), told) as eyes:
        await asyncio.sleep(WARM_S)
        assert eyes.pid is not None  # noqa: S101  # else they could not have said anything
        spent, sent = _spent(eyes.pid), rig.cpu_s(cameras.pid)
        for heard in (told.ages_ms, told.looks, told.states):
            heard.clear()
        for _ in range(round(span_s)):
            await asyncio.sleep(1.0)
            told.shed.append(_LEVELS[eyes.shed])
            before, spent = spent, _spent(eyes.pid)
            # Whoever was begun anew meanwhile counts from the next second on.
            told.cpu_s += sum(now_s - before[pid] for pid, now_s in spent.items() if pid in before)
        told.sending_s = rig.cpu_s(cameras.pid) - sent
    return told


@contextlib.asynccontextmanager
async def _eyes(file: Path, told: _Told) -> AsyncIterator[EyesTask]:
    gateway = load_gateway(file)
    gateway.data_dir.mkdir(exist_ok=True)
    began_ms = time.time() * 1000 - time.monotonic() * 1000
    eyes = EyesTask(gateway, told.take, lambda at_s: round(began_ms + 1000 * at_s))
    running = asyncio.create_task(eyes.run())
    try:
        yield eyes
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _gateway_file(folder: Path, addresses: Sequence[str]) -> Path:
    file = folder / "gateway.yaml"
    gateway = {
        "site": "bench",
        "gateway": "gw-1",
        "data_dir": "data",
        "broker": {"host": "127.0.0.1"},
        "outputs": [],
        "rules": ["helmets"],
        "cameras": [
            {"camera": f"cam-{n}", "url": url, "looks_per_s": LOOKS_PER_S, "zones": [ZONE]}
            for n, url in enumerate(addresses)
        ],
    }
    file.write_text(yaml.safe_dump(gateway), encoding="utf-8")
    return file


def _spent(eyes: int) -> dict[int, float]:
    """Seconds of CPU of the eyes and of each of their children that lives."""
    spent = {}
    for pid in (eyes, *_children(eyes)):
        with contextlib.suppress(OSError):
            spent[pid] = rig.cpu_s(pid)
    return spent


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in text.split()]


def _results(name: str, told: _Told, decoding_s: float, span_s: float) -> list[Result]:
    def percent(cpu_s: float) -> float:
        return 100 * cpu_s / (CORES * span_s)

    blind = sum(state != 0 for state in told.states)
    return [
        Result(
            name=f"four 720p streams, {name}: of two cores",
            value=percent(told.cpu_s),
            unit="%",
            goal=MOST_PERCENT,
            baseline=percent(decoding_s),
        ),
        Result(
            name="  age of a judged picture, p95 of the worst ten seconds",
            value=max(told.ages_ms, default=float("inf")),
            unit="ms",
            goal=MOST_AGE_MS,
        ),
        Result(
            name="  looks a second, of the camera looked at least",
            value=min(told.looks, default=0.0),
            unit="1/s",
            goal=LEAST_LOOKS_PER_S,
            at_least=True,
        ),
        Result(name="  looks a second and camera", value=statistics.fmean(told.looks or [0.0]), unit="1/s"),
        Result(name="  left out at worst, 0 nothing to 5 overloaded", value=max(told.shed), unit="", goal=0),
        Result(name="  states told that were not `sees`", value=blind, unit="", goal=0),
        Result(
            name="  sending the streams: of two cores, not counted above",
            value=percent(told.sending_s),
            unit="%",
        ),
    ]


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
