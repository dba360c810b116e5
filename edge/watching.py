"""The agent's side of cameras: keeps the eyes going, and makes readings of what they say.

The eyes are a process of their own. Whatever becomes of it or its cameras, nobody here waits: its lines are
read between everything else, what it is told is dropped where it does not listen, and once it is silent or
raves it is killed and begun anew. The agent itself needs none of the libraries that look at pictures.
"""

import asyncio
import contextlib
import importlib.util
import logging
import math
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from edge.config import Device
from edge.config.model import Camera, Gateway
from edge.vision import wire
from edge.vision.settings import VisionSettings
from sitewarden import messages
from sitewarden.cameras import TELL_S
from sitewarden.messages import DeviceHealth, NoPicture
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.text import printable

log = logging.getLogger(__name__)

SILENT_S = 30.0
"""The eyes say every other second that they live; loading a detector on a small machine takes longer."""
LEAST_PAUSE_S, MOST_PAUSE_S = 1.0, 60.0
WELL_S = 60.0
"""Eyes that went on for so long are begun anew soon."""
MOST_LINES_PER_S = 500
"""By the eyes' own clock: what has piled up while nobody listened is no raving."""
ASLEEP_S = 1.0
"""After a silence so long a line is waited for once more: it may be we who have slept, and it lies there."""
UNHEARD_BYTES = 1 << 20
"""So much that the eyes have not taken yet, and they are told no more."""
END_S = 2.0
"""So long they may take to put down what is in hand."""
ONLINE_S = 3 * TELL_S
FRESH_S = 5.0
"""What a crane said longer ago is no place of its hook now."""
HOOK_S = 0.2
"""So far apart, at least, are tidings of one hook."""
LIBRARIES = ("numpy", "cv2", "onnxruntime")
"""Of the extra `vision`."""
LONGEST_TEXT = 500

Sink = Callable[[Device, Sequence[Reading]], None]


class Album(Protocol):
    """Who looks after pictures."""

    def kept(
        self, camera: str, key: str, pictures: Iterable[wire.KeptPicture], why: NoPicture | None
    ) -> None:
        """Those of an alarm that this point is about to raise are on the disk, or why not."""

    def stored(self, files: Iterable[str]) -> None:
        """Others are, by their hashes."""


class EyesGoneError(Exception):
    """The eyes have ended, are silent or say what nobody understands."""


class EyesTask:
    """The eyes of one gateway, as long as it has cameras."""

    def __init__(
        self,
        gateway: Gateway,
        sink: Sink,
        stamp: Callable[[float], int],
        *,
        album: Album | None = None,
        show: Callable[[messages.Sight], Awaitable[None]] | None = None,
        silent_s: float = SILENT_S,
    ) -> None:
        """`sink` takes readings, `stamp` dates an instant of the monotonic clock, `show` tells a sight.

        Without an `album` no picture is kept.
        """
        self._sink, self._stamp, self._album, self._show_sight = sink, stamp, album, show
        self._silent_s = silent_s
        self._cameras: Mapping[str, Camera] = {}
        self._points: Mapping[str, frozenset[str]] = {}
        self._vision = VisionSettings()
        self._data_dir = gateway.data_dir
        self._changed = asyncio.Event()
        self._child: Process | None = None
        self._hooks: dict[str, HookOf] = {}
        self._seen_s: dict[str, float] = {}
        """When each camera last gave a good value."""
        self._until_s: dict[str, float] = {}
        """Until when somebody watches a camera."""
        self._sights: dict[str, messages.Sight] = {}
        self._has_sight = asyncio.Event()
        self.busy, self.shed = 0.0, "nothing"
        self._take_over(gateway)

    @property
    def pid(self) -> int | None:
        """Of the eyes, while they live."""
        return None if self._child is None else self._child.pid

    def _take_over(self, gateway: Gateway) -> None:
        self._cameras = {camera.name: camera for camera in gateway.cameras}
        self._points = {
            name: frozenset(birth.p for birth in camera.points) for name, camera in self._cameras.items()
        }
        self._vision, self._data_dir = gateway.vision, gateway.data_dir
        cranes = {camera.entry.hook.crane for camera in gateway.cameras if camera.entry.hook is not None}
        devices = [device for device in gateway.devices if device.name in cranes]
        self._hooks = {device.name: HookOf(device) for device in devices if device.layout}

    def change(self, gateway: Gateway) -> None:
        """Watch by another configuration; who is watched as before goes on."""
        self._take_over(gateway)
        self._changed.set()
        self._tell(self._order())

    async def run(self) -> None:
        """Keep the eyes going until cancelled."""
        showing = asyncio.create_task(self._show(), name="sights")
        try:
            await self._keep_going()
        finally:
            showing.cancel()

    async def _keep_going(self) -> None:
        pause_s = LEAST_PAUSE_S
        while True:
            self._changed.clear()
            if not self._cameras:
                await self._changed.wait()
                continue
            began_s = time.monotonic()
            try:
                await self._live()
            except (EyesGoneError, OSError) as exc:
                if self._cameras:
                    log.error("the eyes are gone, cameras see nothing: %s", exc)  # noqa: TRY400
            except Exception:
                log.exception("the eyes could not be heard")
            pause_s = LEAST_PAUSE_S if time.monotonic() - began_s > WELL_S else pause_s
            await self._rest(pause_s)
            pause_s = min(2 * pause_s, MOST_PAUSE_S)

    async def _rest(self, pause_s: float) -> None:
        """Wait until the eyes may be begun anew, and say meanwhile that nobody sees."""
        end_s = time.monotonic() + pause_s
        while (left_s := end_s - time.monotonic()) > 0 and self._cameras:
            self._say_blind()
            await asyncio.sleep(min(left_s, TELL_S))

    def _say_blind(self) -> None:
        at_ms = self._stamp(time.monotonic())
        for camera in self._cameras.values():
            births = camera.points
            self._take(camera, [Reading(birth.p, at_ms, None, Quality.DISCONNECTED) for birth in births])

    async def _live(self) -> None:
        """One life of the eyes; raises `EyesGoneError` at its end."""
        lacking = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
        if lacking:
            raise EyesGoneError(f"{', '.join(lacking)} not installed: cameras need the extra `vision`")
        self._child = child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge.vision.eyes", str(os.getpid())),
            stdin=PIPE,
            stdout=PIPE,
            limit=wire.LONGEST_LINE,
        )
        try:
            self._tell(self._order())
            await self._hear(child)
        finally:
            await self._end(child)
            self._child = None

    def _order(self) -> wire.Cameras:
        return wire.Cameras(
            cameras=[
                wire.Watched(entry=one.entry, password=one.password, address=one.address)
                for one in self._cameras.values()
            ],
            vision=self._vision,
            data_dir=None if self._album is None else str(self._data_dir),
        )

    async def _hear(self, child: Process) -> None:
        assert child.stdout is not None  # noqa: S101  piped
        pace = Pace()
        while self._cameras:
            line = await self._line(child.stdout)
            if not line:
                raise EyesGoneError(f"ended with {await child.wait()}")
            try:
                said = wire.up(line)
            except msgspec.MsgspecError:
                raise EyesGoneError("a line that nobody understands") from None
            if not pace.keeps(None if isinstance(said, wire.Told) else said.at_s, time.monotonic()):
                raise EyesGoneError(f"more than {MOST_LINES_PER_S} lines a second")
            self._understand(said)
            await asyncio.sleep(0)  # whoever has something to do goes first
        self._tell(wire.Stop())

    async def _line(self, told: asyncio.StreamReader) -> bytes:
        for patience_s in (self._silent_s, ASLEEP_S):
            try:
                async with asyncio.timeout(patience_s):
                    return await told.readline()
            except TimeoutError:
                continue
            except ValueError:
                raise EyesGoneError("a line without an end") from None
        raise EyesGoneError(f"silent for {self._silent_s:g} s")

    def _understand(self, said: wire.Up) -> None:
        match said:
            case wire.Points():
                self._take_points(said)
            case wire.Kept() if self._album is not None:
                self._album.kept(said.camera, said.key, said.pictures, said.why)
            case wire.Clip() | wire.Still() if self._album is not None:
                self._album.stored([said.picture.sha256])
            case wire.Sight():
                self._see(said)
            case wire.Told():
                level = logging.getLevelNamesMapping()[said.level.upper()]
                about = "eyes" if said.camera is None else f"camera={said.camera}"
                log.log(level, "%s: %s", about, printable(said.text)[:LONGEST_TEXT])
            case wire.Alive():
                self.busy, self.shed = said.busy, said.shed

    def _take_points(self, said: wire.Points) -> None:
        camera = self._cameras.get(said.camera)
        if camera is None:
            return
        now_s = time.monotonic()
        at_ms = self._stamp(min(max(said.at_s, now_s - self._silent_s), now_s))
        known = self._points[said.camera]
        named = {f"{said.camera}/{key}": value for key, value in said.values.items()}
        readings = [
            Reading(point, at_ms, value, said.quality) for point, value in named.items() if point in known
        ]
        if said.quality is Quality.GOOD:
            self._seen_s[said.camera] = now_s
        self._take(camera, readings)

    def _take(self, camera: Camera, readings: Sequence[Reading]) -> None:
        try:
            self._sink(camera, readings)
        except Exception:
            # One camera's mistake blinds no other.
            log.exception("what a camera said could not be judged camera=%s", camera.name)

    def see(self, device: Device, readings: Sequence[Reading]) -> None:
        """What a device has said: where a camera looks at its hook, the eyes hear where that is."""
        hook = self._hooks.get(device.name)
        if hook is not None and (told := hook.take(readings, time.monotonic())) is not None:
            self._tell(told)

    def watch(self, camera: str, for_s: float) -> bool:
        """Tell what a camera sees for so long; whether there is such a camera."""
        if camera not in self._cameras:
            return False
        self._until_s[camera] = time.monotonic() + for_s
        return True

    def accept_view(self, camera: str, sha256: str, until_ms: int) -> bool:
        """Have what a still of a camera shows taken for the right view; whether there is such a camera."""
        if camera not in self._cameras:
            return False
        self._tell(wire.View(camera=camera, sha256=sha256, until_ms=until_ms))
        return True

    def _see(self, sight: wire.Sight) -> None:
        if self._until_s.get(sight.camera, -math.inf) < time.monotonic() or sight.camera not in self._cameras:
            return
        heads = [
            messages.SeenHead(track=track, box=box, state=state, zones=zones)
            for box, state, track, zones in zip(
                sight.boxes, sight.states, sight.tracks, sight.zones, strict=True
            )
        ]
        at_ms = self._stamp(min(sight.at_s, time.monotonic()))
        self._sights[sight.camera] = messages.Sight(
            camera=sight.camera, at=at_ms, heads=heads[: wire.MOST_HEADS]
        )
        self._has_sight.set()

    async def _show(self) -> None:
        """Tell sights, the newest of each camera: who does not take them in time misses some."""
        while True:
            await self._has_sight.wait()
            self._has_sight.clear()
            while self._sights and self._show_sight is not None:
                _, sight = self._sights.popitem()
                try:
                    await self._show_sight(sight)
                except Exception:
                    log.exception("a sight could not be told")

    def health(self) -> list[DeviceHealth]:
        """How the cameras fare."""
        now_s = time.monotonic()
        return [self._health_of(name, now_s) for name in self._cameras]

    def _health_of(self, name: str, now_s: float) -> DeviceHealth:
        seen_s = self._seen_s.get(name)
        if seen_s is None:
            return DeviceHealth(device=name, online=False)
        age_s = now_s - seen_s
        return DeviceHealth(device=name, online=age_s <= ONLINE_S, age_ms=round(1000 * age_s))

    def _tell(self, said: wire.Down) -> None:
        """What the eyes do not take in time they are not told; a hook has another place soon."""
        child = self._child
        if child is None or child.stdin is None or child.stdin.is_closing():
            return
        if child.stdin.transport.get_write_buffer_size() > UNHEARD_BYTES:
            return
        child.stdin.write(wire.line(said))

    async def _end(self, child: Process) -> None:
        """Ask it to end, and kill it where it does not."""
        self._tell(wire.Stop())
        try:
            await _drained(child)
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            # Its children end with it. Nobody is told of an end whose pipe has not been read to its own.
            await _drained(child)
            await child.wait()


class Pace:
    """Tells eyes that rave from lines that have piled up while nobody listened.

    Lines are counted against the seconds that pass here, or by the instants that they name, whichever are
    more: those jump where we have slept, and stand still while pictures come ever later. Instants only go on,
    and never beyond now: so over a life no more is heard than twice what its seconds allow, whatever the eyes
    say of the time.
    """

    def __init__(self, most_per_s: int = MOST_LINES_PER_S) -> None:
        """So many lines a second, and so many at once."""
        self._most, self._left = most_per_s, float(most_per_s)
        self._clock_s: float | None = None
        self._heard_s: float | None = None

    def keeps(self, said_s: float | None, now_s: float) -> bool:
        """Whether one more line is no raving; `said_s`: the instant that it names, if it does."""
        gone_s = 0.0 if self._heard_s is None else now_s - self._heard_s
        self._heard_s = now_s
        if said_s is not None and math.isfinite(said_s):
            at_s = min(said_s, now_s)
            if self._clock_s is not None:
                gone_s = max(gone_s, at_s - self._clock_s)
            self._clock_s = at_s if self._clock_s is None else max(self._clock_s, at_s)
        self._left = min(float(self._most), self._left + self._most * gone_s) - 1
        return self._left >= 0


async def _drained(child: Process) -> None:
    """Read what is still said until it ends, for so long as that may take."""
    assert child.stdout is not None  # noqa: S101  piped
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            while await child.stdout.read(1 << 16):
                pass


class HookOf:
    """Where a crane's hook is, by the newest that it has said."""

    def __init__(self, crane: Device) -> None:
        self._crane = crane.name
        self._x_m, self._y_m = float(crane.layout["x_m"]), float(crane.layout["y_m"])
        self._kinds = {birth.p: birth.kind for birth in crane.points if birth.kind in _OF_HOOK}
        self._newest: dict[str, tuple[float, float]] = {}
        self._told_s = -math.inf

    def take(self, readings: Sequence[Reading], now_s: float) -> wire.Hook | None:
        """Note what was said; where the hook is, where that is known and due."""
        for reading in readings:
            kind = self._kinds.get(reading.point)
            if kind is not None and reading.is_good and reading.value is not None:
                self._newest[kind] = (now_s, reading.value)
        fresh = {kind: value for kind, (at_s, value) in self._newest.items() if now_s - at_s <= FRESH_S}
        if len(fresh) < len(_OF_HOOK) or now_s - self._told_s < HOOK_S:
            return None
        self._told_s = now_s
        slew, radius_m = math.radians(fresh["crane.slew"]), fresh["crane.radius"]
        return wire.Hook(
            crane=self._crane,
            at_s=min(at_s for at_s, _ in self._newest.values()),
            x_m=self._x_m + radius_m * math.sin(slew),
            y_m=self._y_m + radius_m * math.cos(slew),
            height_m=fresh["crane.hook_height"],
            load_t=fresh["crane.load"],
        )


_OF_HOOK = ("crane.slew", "crane.radius", "crane.hook_height", "crane.load")
