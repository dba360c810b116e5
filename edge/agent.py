"""The agent: wires buses, judge, outputs, outbox and uplink, and ends them in order."""

import asyncio
import fcntl
import gc
import logging
import signal
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import msgspec

from edge import failpoints, history, itself, systemd, tone
from edge.birth import birth_of
from edge.bus import BusTask
from edge.clock import Clock
from edge.config import Device, Ear, Gateway
from edge.derivation import derivations_for, newest_ms
from edge.drivers.modbus import open_link
from edge.drivers.rims import listen
from edge.health import SAMPLE_S, HealthWatch
from edge.judge import Episode, Judge, Judgement, RulesMemory
from edge.lane import Lane, open_lane
from edge.listening import EarTask
from edge.outputs import OutputError, Outputs, open_outputs
from edge.page.board import Board, SirenNow, Snapshot
from edge.recorder import Recorder
from edge.replay import Line, RecordedClock, Replay
from edge.uplink import Uplink
from sitewarden.errors import ConfigurationError, SiteWardenError
from sitewarden.messages import Alarm, BusHealth, Command, DeviceHealth, Health, Shelf
from sitewarden.readings import Reading
from sitewarden.rules.running import LONGEST_SHELF_MS

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

YOUNG = 20_000
"""So many new containers make the collector look."""
ROOM = 40
"""Records on their way to the cloud before a replay waits; of many more the newest would go first."""
TICK_S = 1.0
"""So often siren and lamp are looked at again, for time alone changes what they show."""
SANE_MS = 1_735_689_600_000
"""The year 2025: before it no gateway of ours ran, so a clock that says so is not set."""
OBEYED = 256
"""Requests of the cloud that are remembered, so that each is done once."""
LONGEST_BY = 64
"""Characters that are kept of who acknowledged."""

LOOK_S = 1.0
"""So often somebody looks whether a device has been silent for too long."""
LATEST_TICK_MS = 600_000
"""A tick lags behind the clock by no more than the slowest device takes to answer."""
LATE_S = 2.0
"""A reading may come so long after its instant, beside the time that its device may take to answer."""

_EPISODE, _HISTORY, _TIME, _RULES, _SHELF = "episode/", "history/", "time", "rules", "shelf/"
_GROUP = "group/"
"""What groups of cranes remember."""
_DERIVED = "displacements/"
"""What derivations remember; the word is from when displacements were all, and files in the field have it."""


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
        self._recorder = Recorder(self.readings, self.clock)
        self._judge = self._new_judge()
        self._outputs: Outputs = open_outputs(gateway.outputs)
        self._board = Board(gateway.judged)
        self._watch: HealthWatch | None = None
        self._asked: Mapping[str, BusTask] = {}
        """By device whoever can ask it again; in a replay nobody, for the history has what was asked."""
        self._waiting = asyncio.Event()
        """Set while a forecast is still to be made, as one may be that an earlier run has left."""
        self._waiting.set()
        self._judging, self._ticking = systemd.Pulse(), systemd.Pulse()
        """Rules on readings, and on time that passes: a mistake at one device stops neither."""
        self._alarmed = asyncio.Event()
        """Set by every transition; while no alarm stands nothing ticks."""
        self._test: asyncio.Task[int] | None = None
        self._uplink = Uplink(
            gateway,
            (self.alarms, self.readings),
            [birth_of(device) for device in gateway.judged],
            boot=self.boot,
            clock=self.clock,
            obey=self._obey,
            health=self._told_health,
            shelved=lambda: list(self._shelves.values()),
            states=lambda: self._judge.told_states(),  # noqa: PLW0108  a replay gets another judge
        )
        self._shelves: dict[str, Shelf] = {}
        self._obeyed: deque[str] = deque(maxlen=OBEYED)
        """Requests of the cloud, the newest last."""
        self._saved: dict[str, bytes] = {}
        self._time_saved_ms = 0
        self._clock_told_ms = 0
        self._resume()

    def _new_judge(self) -> Judge:
        """One that remembers nothing."""
        return Judge(self._gateway.judged, lambda: self.clock.state, self._gateway.groups)

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
            for task in (*polling, *([self._test] if self._test else [])):
                task.cancel()
            await self._flush()
            await self._uplink.drain(DRAIN_S)
            self._uplink.say_farewell()
            await asyncio.wait((uplink,), timeout=FLUSH_S)
            for task in (uplink, *lanes):
                task.cancel()

    def _poll(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start whatever makes readings or gathers them."""
        owners, reading = self._readers()
        ears = [self._ear(ear) for ear in self._gateway.ears]
        self._watch = HealthWatch([*owners, *ears], lambda: self.readings.state.written)
        work = {
            "recorder": self._recorder.run(),
            "forecasts": self._forecast(),
            "memory": self._remember(self._watch),
            "tone": self._tick(),
            "silence": self._look_for_silence(),
            "page": self._serve_page(),
            "watchdog": systemd.feed_watchdog(self._watched(reading, ears)),
            **{f"link {owner.bus.name}": owner.link.run() for owner in owners},
            **{f"bus {name}": task.run() for name, task in reading.items()},
            **{f"ear {ear.name}": ear.run() for ear in ears},
            **{f"rim {ear.name}": listen(ear.ear, ear) for ear in ears},
        }
        return [group.create_task(coroutine, name=name) for name, coroutine in work.items()]

    def _watched(
        self, reading: Mapping[str, BusTask | Replay], ears: Sequence[EarTask]
    ) -> Mapping[str, systemd.Work]:
        """All that must go on, or nobody is watched; not the uplink, without which rules and siren do."""
        return {
            **{f"bus {name}": systemd.Work(task.overdue_s) for name, task in reading.items()},
            **{f"bus {ear.name}": systemd.Work(ear.overdue_s) for ear in ears},
            "rules": systemd.Work(self._judging.late_s),
            "silence": systemd.Work(self._ticking.late_s),
            **{
                f"outbox {lane.name}": systemd.Work(lane.silent_s, systemd.DISK_STUCK_S)
                for lane in (self.alarms, self.readings)
            },
        }

    def _readers(self) -> tuple[Sequence[BusTask | Line], Mapping[str, BusTask | Replay]]:
        """Every bus, and what reads it: a task each, or in a replay one for all, which keeps them in step."""
        links = [(bus, open_link(bus.modbus, settle_s=bus.settle_s)) for bus in self._gateway.buses]
        if not isinstance(self.clock, RecordedClock):
            tasks = [BusTask(bus, link, self.take, self.stamp) for bus, link in links]
            self._asked = {device.name: task for task in tasks for device in task.bus.devices}
            return tasks, {task.bus.name: task for task in tasks}
        lines = [Line(bus, link) for bus, link in links]
        replay = Replay(
            lines,
            self.clock,
            pass_time=self.tick,
            sink=self.take,
            room=self._room,
            begin_anew=self._begin_anew,
        )
        return lines, {"replay": replay}

    def _ear(self, ear: Ear) -> EarTask:
        return EarTask(ear, self.take, self.stamp, past=self.take_past, clock_state=lambda: self.clock.state)

    async def _room(self) -> None:
        """Wait while the cloud is behind."""
        await self._uplink.room(ROOM)

    async def _begin_anew(self) -> None:
        """Recorded time jumps: what stands ends where it was, and nothing of it is remembered."""
        ended, self._judge = self._judge.episodes(), self._new_judge()
        self._tell(Judge([], lambda: self.clock.state).resume(ended, self.clock.now_ms()))
        self._resume_shelves()
        self._recorder.flush()
        self._save()
        for lane in (self.alarms, self.readings):
            await lane.flushed()
        await self._uplink.settle()
        await self._uplink.announce()

    def take(self, device: Device, readings: Sequence[Reading]) -> None:
        """One poll: judge, sound, then keep. Nothing is waited for, and hearing comes before keeping.

        Killed between the two, the next reading raises again, and that is right: nobody had been told.
        """
        failpoints.reach("reading-taken")
        self._judging.begin()
        if device.danger is not None:
            standing = (episode.alarm for episode in self._judge.episodes())
            readings = [*readings, *device.danger.readings(device.name, readings, standing)]
        self._keep(self._judge.take_at_once(device, readings))
        self._judging.done()
        if self._gateway.mode == "replay":
            # Recorded time waits for everything.
            while self._work():
                pass
        elif self._judge.is_waiting:
            self._waiting.set()

    def _keep(self, judged: Judgement) -> None:
        if judged.alarms:
            self._tell(judged.alarms)
        else:
            self._follow()
        self._recorder.add(judged.readings, judged.cycles)
        if judged.cycles:
            self._save()
        if self._gateway.page is not None:
            self._board.take(judged.readings)
        for again in judged.again:
            if (bus := self._asked.get(again.device)) is not None:
                bus.look_again(again.device, again.group, self.clock.mono_ms(again.at_ms) / 1000)

    def take_past(self, device: Device, readings: Sequence[Reading]) -> None:
        """What a device had kept: recorded as back-fill, for no rule may judge it now."""
        if readings:
            self.readings.put([history.as_past(device, readings)])

    async def _forecast(self) -> None:
        """What takes long is judged between the polls, a little at a time: no alarm of another device waits.

        What is to be judged is saved first, so that a kill meanwhile loses none of it.
        """
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            if self._judge.is_waiting:
                self._save()
            for _ in iter(self._work, False):
                await asyncio.sleep(0)  # whoever has something to do goes first

    def _work(self) -> bool:
        """Make one of the forecasts that wait; whether there was one. A failure keeps no other waiting."""
        try:
            judged = self._judge.work()
        except Exception:
            log.exception("a forecast could not be made")
            return True
        if judged is None:
            return False
        self._keep(judged)
        return True

    def snapshot(self) -> Snapshot:
        """Everything that the gateway's own page shows, at this moment."""
        gateway, signal = self._gateway, self._outputs.signal
        return Snapshot(
            site=gateway.site,
            gateway=gateway.name,
            mode=gateway.mode,
            at_ms=self.clock.now_ms(),
            clock=self.clock.state,
            needs_pin=gateway.page is not None and gateway.page.pin is not None,
            points=self._board.points(),
            alarms=self._board.alarms(self._judge.episodes()),
            siren=SirenNow(
                siren=signal.siren,
                lamp=signal.lamp,
                is_testing=self._outputs.is_testing,
                failed=self._outputs.failed,
            ),
            shelved=list(self._shelves.values()),
            health=self._health(),
        )

    def test_outputs(self) -> None:
        """Show each signal for two seconds, unless an alarm stands or comes; raises `OutputsBusyError`."""
        self._outputs.check_testable()
        self._test = asyncio.create_task(self._outputs.test(), name="output test")

    def acknowledge(self, episode: str | None, by: str) -> list[Alarm]:
        """Take note that somebody knows of an alarm, or of all that stand (`None`); what that changed."""
        alarms = self._judge.acknowledge(episode, self.clock.now_ms(), _printable(by)[:LONGEST_BY])
        self._tell(alarms)
        self._uplink.tell_soon()
        return alarms

    def tick(self, now_ms: int) -> None:
        """Time has passed up to an instant from which every reading has come."""
        self._ticking.begin()
        for key, shelf in list(self._shelves.items()):
            if not 0 < shelf.until - now_ms <= LONGEST_SHELF_MS + LATEST_TICK_MS:
                self._unshelve(key)
        self._tell(self._judge.tick(now_ms))
        self._ticking.done()

    def shelve(self, shelf: Shelf) -> bool:
        """Hold a rule's alarm back for a day at most, or no longer (a past instant); whether it is known."""
        now_ms = self.clock.now_ms()
        kept = msgspec.structs.replace(
            shelf,
            until=min(shelf.until, now_ms + LONGEST_SHELF_MS),
            by=_printable(shelf.by),
            reason=_printable(shelf.reason),
        )
        if not self._judge.shelve(shelf.point, shelf.rule, kept.until):
            return False
        key = f"{_SHELF}{shelf.point} {shelf.rule}"
        if kept.until <= now_ms:
            self._unshelve(key)
            return True
        self._shelves[key] = kept
        self.alarms.put([], {key: msgspec.json.encode(kept)})
        log.warning("shelved rule=%s point=%s by=%s: %s", kept.rule, kept.point, kept.by, kept.reason)
        self._follow()
        self._uplink.tell_soon()
        return True

    def _unshelve(self, key: str) -> None:
        shelf = self._shelves.pop(key, None)
        if shelf is not None:
            self.alarms.put([], {key: None})
            self._judge.shelve(shelf.point, shelf.rule, 0)
            log.warning("no longer shelved rule=%s point=%s", shelf.rule, shelf.point)
            self._uplink.tell_soon()

    def stamp(self, monotonic_s: float) -> int:
        """The UTC milliseconds of an instant of the boot's own clock; notices when the wall clock was set."""
        self._look_at_clock()
        return self.clock.at_ms(monotonic_s)

    def _look_at_clock(self) -> None:
        began_ms, moved_ms = self.clock.began_ms, self.clock.look()
        if not moved_ms:
            self._tell_of_clock()
            return
        log.warning("the wall clock was set by_s=%+.1f clock=%s", moved_ms / 1000, self.clock.state)
        self._recorder.flush()
        for lane in (self.alarms, self.readings):
            lane.shift(moved_ms)
        self._judge.shift(moved_ms, began_ms)
        for key, shelf in self._shelves.items():
            self._shelves[key] = msgspec.structs.replace(shelf, until=shelf.until + moved_ms)
            self.alarms.put([], {key: msgspec.json.encode(self._shelves[key])})
        self._save()
        self._tell_of_clock(moved_ms)

    def _tell_of_clock(self, moved_ms: int = 0) -> None:
        """A reading like any other: rules say whether a step is an alarm, and when that is over."""
        device, now_ms = self._gateway.itself, self.clock.now_ms()
        is_due = moved_ms or abs(now_ms - self._clock_told_ms) >= itself.TELL_MS
        if device is not None and is_due:
            self._clock_told_ms = now_ms
            is_first = self.clock.was_first
            self.take(device, itself.clock_readings(device.name, now_ms, moved_ms, is_first=is_first))

    def close(self) -> None:
        """Let go of files and pins; after `run`."""
        self._outputs.close()
        self.alarms.close()
        self.readings.close()
        if self._lock:
            self._lock.close()

    def _tell(self, alarms: Sequence[Alarm]) -> None:
        """Transitions: heard first, then kept, then logged."""
        if not alarms:
            return
        failpoints.reach("alarm-judged")
        self._alarmed.set()
        for alarm in alarms:
            self._outputs.drive(alarm, self._signal())
        failpoints.reach("alarm-sounded")
        dated = [msgspec.structs.replace(a, mono=self.clock.mono_ms(a.at)) for a in alarms]
        self.alarms.put(dated, self._episodes_of(dated))
        failpoints.reach("alarm-queued")
        for alarm in alarms:
            log.warning("alarm %s", _line(alarm))

    def _follow(self) -> None:
        """Where the value is changes the tone of an acknowledged alarm, and no transition says so."""
        if self._outputs.signal == tone.SILENT:
            self._outputs.retry()
        else:
            self._outputs.follow(self._signal())

    def _signal(self) -> tone.Signal:
        return tone.signal_of(self._judge.standing(), self._gateway.siren.max_on_s)

    def _obey(self, command: Command) -> None:
        """What the cloud asks beside a birth. It names the alarm, so that none is silenced unseen.

        What comes again for want of an answer is done once: since then the alarm may have got worse, or
        somebody on site may have decided otherwise.
        """
        if command.request is not None and command.request in self._obeyed:
            self._uplink.tell_soon()
            return
        if command.request is not None:
            self._obeyed.append(command.request)
        if command.command == "shelve":
            self._obey_shelve(command)
        elif command.episode is None:
            log.warning("command without an episode is not obeyed command=%s", command.command)
        elif not self.acknowledge(command.episode, command.by or "cloud"):
            log.info("nothing to acknowledge episode=%s", command.episode)

    def _obey_shelve(self, command: Command) -> None:
        if command.point is None or command.rule is None or not command.reason or not command.by:
            log.warning("not shelved: it wants a point, a rule, a reason and who asks")
            return
        is_asked = command.until > self.clock.now_ms()
        if is_asked and command.episode is not None and not self._judge.stands(command.episode):
            log.info("not shelved: the alarm has ended episode=%s", command.episode)
            return
        shelf = Shelf(
            point=command.point,
            rule=command.rule,
            until=command.until,
            by=command.by,
            reason=command.reason,
            request=command.request,
        )
        if not self.shelve(shelf):
            log.warning("not shelved: no such rule=%s point=%s", command.rule, command.point)

    def _pressed(self) -> None:
        """The button at the siren: whoever presses it hears every alarm that it silences."""
        self.acknowledge(None, "local")

    def _health(self) -> Mapping[str, Any]:
        """How the gateway itself is, in nested mappings of numbers and words."""
        told = self._told_health()
        return {
            "buses": {bus.bus: _plain(bus, "bus") for bus in told.buses},
            "devices": {device.device: _plain(device, "device") for device in told.devices},
            "outbox": {lane.name: self._lane_health(lane) for lane in (self.alarms, self.readings)},
            "outputs": {"failed": self._outputs.failed, "lines_dropped": self._outputs.dropped},
            "agent": {
                "cpu_s_per_1000": told.cpu_s_per_1000,
                "rss_bytes": told.rss_bytes,
                "evicted": told.evicted,
                "clock_steps": told.clock_steps,
            },
        }

    def _lane_health(self, lane: Lane) -> Mapping[str, Any]:
        state = lane.state
        age_ms = self.clock.now_ms() - state.since_ms if state.depth else 0
        return {
            "depth": state.depth,
            "oldest_age_s": max(0, round(age_ms / 1000)),
            "used_bytes": lane.used_bytes,
            "written": state.written,
            "dropped": state.dropped,
            "thinned": state.thinned,
            "evictions": state.evictions,
        }

    def _told_health(self) -> Health:
        if self._watch is None:
            return Health()
        return self._watch.health(
            evicted=self.readings.state.dropped,
            clock_steps=self.clock.steps,
            outbox_bytes={lane.name: lane.used_bytes for lane in (self.alarms, self.readings)},
        )

    async def _serve_page(self) -> None:
        if self._gateway.page is None:
            return
        from edge.page.server import serve  # noqa: PLC0415  a web server takes memory; most gateways have none

        await serve(self._gateway.page, self)

    async def _tick(self) -> None:
        """A tone ends by time, or because the value is back: no transition says so."""
        loop = asyncio.get_running_loop()

        def press() -> None:
            loop.call_soon_threadsafe(self._pressed)

        self._outputs.listen(press)
        while True:
            if not self._judge.standing():
                self._alarmed.clear()
                await self._alarmed.wait()
            before = loop.time()
            await asyncio.sleep(TICK_S)
            now = loop.time()
            try:
                self._judge.sounded(now - before, self._gateway.siren.max_on_s)
                self._follow()
            except Exception:
                log.exception("siren and lamp could not follow the alarms")

    async def _look_for_silence(self) -> None:
        """In a replay the recorded time passes, and whoever plays it tells the time."""
        if self._gateway.mode == "replay":
            return
        late_ms = round(
            1000 * (LATE_S + max((bus.longest_answer_s for bus in self._gateway.buses), default=0.0))
        )
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.tick(self.clock.now_ms() - late_ms)
            except Exception:
                log.exception("nobody looked for silent devices")

    def _resume(self) -> None:
        """Go on as the last run ended: standing alarms sound again, a day's memory is there."""
        episodes = [
            episode
            for key, body in self.alarms.memory.items()
            if key.startswith(_EPISODE) and (episode := _understood(key, body, Episode)) is not None
        ]
        memory = _understood(_RULES, self.alarms.memory.get(_RULES, b"{}"), RulesMemory)
        orphans = self._judge.resume(episodes, self.clock.now_ms(), memory)
        self._resume_shelves()
        for orphan in orphans:
            log.warning("episode ends, its rule is gone rule=%s point=%s", orphan.rule, orphan.point)
        if orphans:
            self.alarms.put(orphans, self._episodes_of(orphans))
        if episodes:
            failpoints.reach("alarms-resumed")
        self._outputs.restore(self._signal())
        for name, derivations in self._judge.derivations.items():
            key = f"{_DERIVED}{name}"
            saved = _understood(key, self.readings.memory.get(key, b"{}"), dict[str, Any]) or {}
            for unread in derivations.remember(saved):
                log.critical("what was remembered cannot be read key=%s derivation=%s", key, unread)
        self._resume_groups()
        for device in self._gateway.devices:
            self._import_history(device)

    def _resume_groups(self) -> None:
        for key, body in self.readings.memory.items():
            if key.startswith(_GROUP):
                try:
                    self._judge.grouping.remember(key.removeprefix(_GROUP), body)
                except msgspec.DecodeError as exc:
                    log.critical("what was remembered cannot be read key=%s: %s", key, exc)

    def _resume_shelves(self) -> None:
        for key, body in self.alarms.memory.items():
            shelf = _understood(key, body, Shelf) if key.startswith(_SHELF) else None
            if shelf is not None and self._judge.shelve(shelf.point, shelf.rule, shelf.until):
                self._shelves[key] = shelf

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
        instants = history.read_history(device, device.history)
        past = derivations_for(device)
        messages = list(history.as_messages(device, past, instants))
        # What the logger remembers lies before what was seen live, and must not push it out.
        self._judge.derivations[device.name].remember(past.remembered())
        if self.clock.now_ms() < SANE_MS:
            self.clock.not_before(max((r.at_ms for readings in instants for r in readings), default=0))
        self.readings.put(messages, {key: b"imported", **self._derived()})
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

    def _derived(self) -> Mapping[str, bytes]:
        return {
            f"{_DERIVED}{name}": msgspec.json.encode(remembered)
            for name, derivations in self._judge.derivations.items()
            if (remembered := derivations.remembered())
        }

    def _save(self) -> None:
        """Peaks of standing episodes and the memory of derivations, where they changed."""
        episodes = {f"{_EPISODE}{e.alarm.episode}": msgspec.json.encode(e) for e in self._judge.episodes()}
        groups = {f"{_GROUP}{name}": body for name, body in self._judge.grouping.remembered().items()}
        episodes[_RULES] = msgspec.json.encode(self._judge.memory())
        if changed := self._changed(episodes):
            self.alarms.put([], changed)
        self._recorder.flush(self._changed({**self._derived(), **groups, **self._time()}))

    def _changed(self, memory: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """What is not as it was saved last; taken to be saved now."""
        changed = {key: body for key, body in memory.items() if self._saved.get(key) != body}
        self._saved.update(changed)
        return changed

    def _time(self) -> Mapping[str, bytes]:
        now_ms = self.clock.now_ms()
        if abs(now_ms - self._time_saved_ms) < TIME_S * 1000:
            return {}
        self._time_saved_ms = now_ms
        return {_TIME: msgspec.json.encode(now_ms)}

    def _known_ms(self) -> int:
        """The newest instant that an earlier boot has saved of anything: now is not before it."""
        known = [_understood(_TIME, self.readings.memory.get(_TIME, b"0"), int) or 0]
        for key, body in self.readings.memory.items():
            if key.startswith(_DERIVED):
                known.append(newest_ms(_understood(key, body, dict[str, Any]) or {}))
        for key, body in self.alarms.memory.items():
            if key.startswith(_EPISODE) and (episode := _understood(key, body, Episode)) is not None:
                known.append(max(episode.alarm.at, episode.state.since_ms))
        return max(known)

    async def _remember(self, watch: HealthWatch) -> None:
        while True:
            await asyncio.sleep(REMEMBER_S)
            self._look_at_clock()
            self._save()
            watch.sample()
            for lane in (self.alarms, self.readings):
                await lane.measure()

    async def _flush(self) -> None:
        while self._work():
            pass
        self._recorder.flush()
        self._save()
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.alarms.flushed()
                await self.readings.flushed()
        except TimeoutError:
            log.critical("the disk did not take everything in time")


def _printable(text: str) -> str:
    """What comes from outside goes into records and heartbeats, none of which may be refused for it."""
    return "".join(filter(str.isprintable, " ".join(text.split())))


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
    return _hold(lock, folder)


def _hold(lock: TextIO, folder: Path) -> TextIO:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise AlreadyRunningError(f"{folder}: another agent is using it; stop that one first") from exc
    return lock


def _plain(health: BusHealth | DeviceHealth, name: str) -> Mapping[str, Any]:
    """Its numbers, less the name that they stand under."""
    return {key: value for key, value in msgspec.structs.asdict(health).items() if key != name}


def _line(alarm: Alarm) -> str:
    where = f"rule={alarm.rule} point={alarm.point} level={alarm.level}"
    return f"{alarm.change} {where} value={alarm.value:g} limit={alarm.limit:g} episode={alarm.episode}"


async def test_outputs(gateway: Gateway) -> None:
    """Show each signal for two seconds while no agent runs.

    Raises `AlreadyRunningError` where one does, `OutputError` where an output could not be driven.
    """
    lock = _held_while_testing(gateway.data_dir)
    outputs = open_outputs(gateway.outputs)
    try:
        if failed := await outputs.test():
            raise OutputError(f"{failed} of {len(gateway.outputs)} outputs could not be driven, see above")
    finally:
        outputs.close()
        if lock is not None:
            lock.close()


def _held_while_testing(folder: Path) -> TextIO | None:
    """The lock of an agent that has run before; made by us it might belong to another account."""
    try:
        lock = (folder / "agent.lock").open()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise OutputError(f"{folder}: {exc.strerror}; test as the agent's account") from exc
    return _hold(lock, folder)


def _settle_memory() -> None:
    """What was made up to now stays: the collector need not look at it again and again.

    Else looking costs as much as judging does, for readings make many small objects and no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


async def run(gateway: Gateway) -> None:
    """Run the agent until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    agent = Agent(gateway, RecordedClock if gateway.mode == "replay" else Clock)
    _settle_memory()
    try:
        await agent.run(stop)
    finally:
        agent.close()
