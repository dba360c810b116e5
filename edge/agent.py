"""The agent: wires buses, judge, outputs, outbox and uplink, and ends them in order."""

import asyncio
import fcntl
import logging
import signal
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

import msgspec

from edge import history, systemd
from edge.birth import birth_of
from edge.bus import BusTask
from edge.clock import Clock
from edge.config import Device, Gateway
from edge.derivation import Remembered
from edge.drivers.modbus import open_link
from edge.health import SAMPLE_S, HealthWatch
from edge.judge import Episode, Judge
from edge.lane import open_lane
from edge.outputs import Outputs, open_outputs
from edge.recorder import Recorder
from edge.uplink import Uplink
from sitewarden.errors import ConfigurationError, SiteWardenError
from sitewarden.messages import Alarm
from sitewarden.readings import Reading

T = TypeVar("T")
log = logging.getLogger(__name__)

DRAIN_S = 3.0
"""So long the end waits for the cloud's last receipts."""
FLUSH_S = 2.0
"""So long the end waits for the disk."""
REMEMBER_S = SAMPLE_S
"""So often what the derivations and episodes remember is saved, beside every transition."""
TIME_S = 60.0
"""So often the time is saved, for a machine that forgets it without power."""

_EPISODE, _DISPLACEMENTS, _HISTORY, _TIME = "episode/", "displacements/", "history/", "time"


class AlreadyRunningError(SiteWardenError):
    """Another agent works on this outbox."""


class Agent:
    """One gateway, from its configuration to its last word."""

    def __init__(self, gateway: Gateway, make_clock: Callable[..., Clock] = Clock) -> None:
        """Opens outbox and outputs and takes up what stood; reads and sends nothing yet.

        Raises `AlreadyRunningError`. A folder that cannot be used is no reason to leave the site unwatched.
        """
        self.boot = uuid.uuid4().hex
        self._gateway = gateway
        self._lock = _locked(gateway.data_dir)
        folder = gateway.data_dir if self._lock else None
        self.alarms = open_lane("alarms", folder, boot=self.boot)
        self.readings = open_lane("readings", folder, boot=self.boot)
        self.clock = make_clock(floor_ms=self._known_ms())
        self._began_ms = self.clock.now_ms()
        self._recorder = Recorder(self.readings, self.clock)
        self._judge = Judge(gateway.devices, lambda: self.clock.state)
        self._outputs: Outputs = open_outputs(gateway.outputs)
        self._uplink = Uplink(
            gateway,
            (self.alarms, self.readings),
            [birth_of(device) for device in gateway.devices],
            boot=self.boot,
            clock=self.clock,
        )
        self._saved: dict[str, bytes] = {}
        self._time_saved_ms = 0
        self._resume()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch the site until `stop` is set, then end in order: polls, disk, cloud."""
        log.info("starting gateway=%s/%s boot=%s", self._gateway.site, self._gateway.name, self.boot)
        async with asyncio.TaskGroup() as group:
            lanes = [
                group.create_task(lane.run(), name=f"lane {lane.name}")
                for lane in (self.alarms, self.readings)
            ]
            uplink = group.create_task(self._uplink.run(), name="uplink")
            polling = self._poll(group)
            systemd.notify("READY=1")
            await stop.wait()
            log.info("stopping")
            systemd.notify("STOPPING=1")
            for task in polling:
                task.cancel()
            await self._flush()
            await self._uplink.drain(DRAIN_S)
            self._uplink.say_farewell()
            await asyncio.wait((uplink,), timeout=FLUSH_S)
            for task in (uplink, *lanes):
                task.cancel()

    def _poll(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start whatever makes readings or gathers them."""
        owners = [
            BusTask(bus, open_link(bus.modbus, settle_s=bus.settle_s), self.take, self.stamp)
            for bus in self._gateway.buses
        ]
        health = HealthWatch(owners, lambda: self.readings.state.written)
        self._uplink.health = lambda: health.health(
            evicted=self.readings.state.dropped, clock_steps=self.clock.steps
        )
        work = {
            "recorder": self._recorder.run(),
            "memory": self._remember(health),
            "watchdog": systemd.feed_watchdog({owner.bus.name: owner.overdue_s for owner in owners}),
            **{f"link {owner.bus.name}": owner.link.run() for owner in owners},
            **{f"bus {owner.bus.name}": owner.run() for owner in owners},
        }
        return [group.create_task(coroutine, name=name) for name, coroutine in work.items()]

    def take(self, device: Device, readings: Sequence[Reading]) -> None:
        """One poll: judge, sound, then keep. Nothing is waited for, and hearing comes before keeping.

        Killed between the two, the next reading raises again, and that is right: nobody had been told.
        """
        judged = self._judge.take(device, readings)
        self._outputs.retry()
        for alarm in judged.alarms:
            self._outputs.drive(alarm, self._judge.worst_level())
        if judged.alarms:
            dated = [msgspec.structs.replace(a, mono=self.clock.mono_ms(a.at)) for a in judged.alarms]
            self.alarms.put(dated, self._episodes_of(dated))
        self._recorder.add(judged.readings)
        for alarm in judged.alarms:
            log.warning("alarm %s", _line(alarm))

    def stamp(self, monotonic_s: float) -> int:
        """The UTC milliseconds of an instant of the boot's own clock; notices when the wall clock was set."""
        self._look_at_clock()
        return self.clock.at_ms(monotonic_s)

    def _look_at_clock(self) -> None:
        moved_ms = self.clock.look()
        if not moved_ms:
            return
        log.warning("the wall clock was set by_s=%+.1f clock=%s", moved_ms / 1000, self.clock.state)
        self._recorder.flush()
        self._judge.shift(moved_ms, self._began_ms)
        self._began_ms += moved_ms
        self._save()

    def close(self) -> None:
        """Let go of files and pins; after `run`."""
        self._outputs.close()
        self.alarms.close()
        self.readings.close()
        if self._lock:
            self._lock.close()

    def _resume(self) -> None:
        """Go on as the last run ended: standing alarms sound again, a day's memory is there."""
        episodes = [
            episode
            for key, body in self.alarms.memory.items()
            if key.startswith(_EPISODE) and (episode := _understood(key, body, Episode)) is not None
        ]
        orphans = self._judge.resume(episodes, self.clock.now_ms())
        for orphan in orphans:
            log.warning("episode ends, its rule is gone rule=%s point=%s", orphan.rule, orphan.point)
        if orphans:
            self.alarms.put(orphans, self._episodes_of(orphans))
        self._outputs.restore(self._judge.worst_level())
        for name, derivation in self._judge.derivations.items():
            key = f"{_DISPLACEMENTS}{name}"
            derivation.remember(_understood(key, self.readings.memory.get(key, b"{}"), Remembered) or {})
        for device in self._gateway.devices:
            self._import_history(device)

    def _import_history(self, device: Device) -> None:
        """Once a file. One that is gone or unreadable is no reason to leave a site unwatched."""
        try:
            self._import_if_new(device)
        except (ConfigurationError, OSError) as exc:
            log.error("history not imported device=%s: %s", device.name, exc)  # noqa: TRY400  a person's file

    def _import_if_new(self, device: Device) -> None:
        """Messages, memory and the file's digest are one transaction."""
        if device.history is None:
            return
        key = f"{_HISTORY}{device.name}/{history.digest(device.history)}"
        if key in self.readings.memory:
            return
        derivation = self._judge.derivations[device.name]
        instants = history.read_history(device, device.history)
        messages = list(history.as_messages(device, derivation, instants))
        self.readings.put(messages, {key: b"imported", **self._displacements()})
        log.info("history imported device=%s instants=%d", device.name, len(instants))

    def _episodes_of(self, alarms: Iterable[Alarm]) -> dict[str, bytes | None]:
        """What must be remembered of the episodes that these transitions belong to."""
        standing = {episode.alarm.episode: episode for episode in self._judge.episodes()}
        return {
            f"{_EPISODE}{alarm.episode}": msgspec.json.encode(standing[alarm.episode])
            if alarm.episode in standing
            else None
            for alarm in alarms
        }

    def _displacements(self) -> Mapping[str, bytes]:
        return {
            f"{_DISPLACEMENTS}{name}": msgspec.json.encode(remembered)
            for name, derivation in self._judge.derivations.items()
            if (remembered := derivation.remembered())
        }

    def _save(self) -> None:
        """Peaks of standing episodes and the memory of displacements, where they changed."""
        episodes = {f"{_EPISODE}{e.alarm.episode}": msgspec.json.encode(e) for e in self._judge.episodes()}
        memories = {**self._displacements(), **self._time()}
        for lane, memory in ((self.alarms, episodes), (self.readings, memories)):
            changed = {key: body for key, body in memory.items() if self._saved.get(key) != body}
            self._saved.update(changed)
            if changed:
                lane.put([], changed)

    def _time(self) -> Mapping[str, bytes]:
        now_ms = self.clock.now_ms()
        if abs(now_ms - self._time_saved_ms) < TIME_S * 1000:
            return {}
        self._time_saved_ms = now_ms
        return {_TIME: msgspec.json.encode(now_ms)}

    def _known_ms(self) -> int:
        """The newest instant that an earlier boot has saved: now is not before it."""
        return _understood(_TIME, self.readings.memory.get(_TIME, b"0"), int) or 0

    async def _remember(self, health: HealthWatch) -> None:
        while True:
            await asyncio.sleep(REMEMBER_S)
            self._look_at_clock()
            self._save()
            health.sample()

    async def _flush(self) -> None:
        self._recorder.flush()
        self._save()
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.alarms.flushed()
                await self.readings.flushed()
        except TimeoutError:
            log.critical("the disk did not take everything in time")


def _understood(key: str, body: bytes, kind: type[T]) -> T | None:
    """What was saved; something that this version cannot read must not keep the site unwatched."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as exc:
        log.critical("what was remembered cannot be read key=%s: %s", key, exc)
        return None


def _locked(folder: Path) -> TextIO | None:
    """A lock that ends with the process, for two agents on one outbox would give a seq twice.

    `None` where the folder takes nothing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "agent.lock").open("w")
    except OSError as exc:
        log.critical("the folder of the outbox cannot be used folder=%s: %s", folder, exc.strerror)
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise AlreadyRunningError(f"{folder}: another agent is using it; stop that one first") from exc
    return lock


def _line(alarm: Alarm) -> str:
    where = f"rule={alarm.rule} point={alarm.point} level={alarm.level}"
    return f"{alarm.change} {where} value={alarm.value:g} limit={alarm.limit:g} episode={alarm.episode}"


async def run(gateway: Gateway) -> None:
    """Run the agent until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    agent = Agent(gateway)
    try:
        await agent.run(stop)
    finally:
        agent.close()
