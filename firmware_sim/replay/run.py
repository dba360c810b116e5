"""Plays a history: buses open, a control socket beside them, until stopped."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from firmware_sim.control_socket import ControlSocket
from firmware_sim.replay.cast import Cast, cast_of
from firmware_sim.replay.control import Control
from firmware_sim.replay.place import place_of
from firmware_sim.replay.server import Following, ReplayBus
from firmware_sim.replay.source import UNENDING, Source, Speed
from firmware_sim.replay.timeline import Timeline
from firmware_sim.run import write_ports
from sitewarden.errors import ConfigurationError, UnreachableError
from sitewarden.history import Header, read_header, read_history
from sitewarden.profiles import load_profiles
from sitewarden.profiles.model import Modbus

log = logging.getLogger(__name__)

HOST = "127.0.0.1"


class Playing(NamedTuple):
    """A history that is served."""

    source: Source
    cast: Cast
    buses: dict[str, ReplayBus]

    @property
    def ports(self) -> dict[str, int]:
        """By bus."""
        return {name: bus.port for name, bus in self.buses.items()}


class Playback(msgspec.Struct, frozen=True, kw_only=True):
    """What is played, and how."""

    file: Path
    since_ms: int | None = None
    until_ms: int | None = None
    speed: Speed
    is_looping: bool = False
    is_paused: bool = False

    def options(self) -> list[str]:
        """The same on the command line of `sitewarden sim replay`."""
        said = ["--speed", "max" if self.speed == UNENDING else f"{self.speed:g}"]
        for name, at_ms in (("--from", self.since_ms), ("--to", self.until_ms)):
            if at_ms is not None:
                said += [name, datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")]
        return [*said, *["--loop"] * self.is_looping, *["--pause"] * self.is_paused]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A playback, and where it is served."""

    playback: Playback
    header: Header | None = None
    """In place of the file's own."""
    profiles: tuple[Path, ...] = ()
    host: str = HOST
    ports_file: Path | None = None
    control: Path | None = None


def header_for(file: Path, header: Path | None, config: Path | None) -> tuple[Header, tuple[Path, ...]]:
    """Whose history it is, and folders of profiles: as a file of its own, the gateway or itself tells."""
    if header is not None:
        return msgspec.json.decode(header.read_bytes(), type=Header), ()
    if config is None:
        return read_header(file), ()
    place = place_of(file, config, ["any"])
    return place.header, place.profiles


def read_timeline(settings: Settings) -> tuple[Cast, Timeline]:
    """Whatever is needed from the file; raises `ConfigurationError` where there is nothing to play."""
    playback, profiles = settings.playback, load_profiles(*settings.profiles)
    history = read_history(
        playback.file, since_ms=playback.since_ms, until_ms=playback.until_ms, header=settings.header
    )
    cast = cast_of(history.header, profiles, playback.file)
    timeline = Timeline.of(history, cast)
    if not len(timeline):
        mend = "Check `--from` and `--to`, and that the devices' profiles have the points recorded."
        raise ConfigurationError(playback.file, 0, "", "has no reading to play", mend)
    return cast, timeline


async def run(settings: Settings) -> None:
    """Play until cancelled; raises `UnreachableError` where a port cannot be had."""
    async with playing(settings):
        await asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def playing(settings: Settings) -> AsyncIterator[Playing]:
    """The history served, for as long as the block runs."""
    cast, timeline = read_timeline(settings)
    source = _source(settings, timeline, cast)
    following = Following()
    async with AsyncExitStack() as stack:
        buses = {
            name: await _opened(stack, name, ReplayBus(settings.host, i, source, following, _speaks(cast, i)))
            for i, name in enumerate(cast.buses)
        }
        if settings.control is not None:
            control = Control(source, lambda: following.is_followed)
            await stack.enter_async_context(ControlSocket(settings.control, control.answer))
        playing = Playing(source, cast, buses)
        if settings.ports_file is not None:
            write_ports(settings.ports_file, playing.ports)
        log.info("replaying %s: %d instants on %s", settings.playback.file, len(timeline), playing.ports)
        yield playing


def _source(settings: Settings, timeline: Timeline, cast: Cast) -> Source:
    now = asyncio.get_running_loop().time
    playback = settings.playback
    source = Source(timeline, cast, speed=playback.speed, now=now, is_looping=playback.is_looping)
    if playback.is_paused:
        source.pause()
    return source


def _speaks(cast: Cast, bus: int) -> dict[int, Modbus]:
    return {played.unit: played.profile.modbus for played in cast.devices if played.bus == bus}


async def _opened(stack: AsyncExitStack, name: str, server: ReplayBus) -> ReplayBus:
    try:
        await stack.enter_async_context(server)
    except OSError as exc:
        raise UnreachableError(f"bus {name}: cannot listen: {exc.strerror}") from exc
    return server
