"""The agent: wires buses, judge, outputs, outbox and uplink, and ends them in order."""

import asyncio
import contextlib
import gc
import logging
import signal
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from edge import failpoints, history, itself, mediafiles, systemd
from edge.birth import birth_of
from edge.bus import BusTask
from edge.clock import Clock
from edge.config import Bus, Device, Ear, Gateway
from edge.configuration.keeper import Keeper
from edge.configuration.probation import Line
from edge.configuration.proof import Proof
from edge.configuration.starting import Started
from edge.folder import Folder
from edge.health import SAMPLE_S, HealthWatch
from edge.importing import Past, import_history, read_past, take_in
from edge.judge import Judge, Judgement
from edge.lines import Lines, Readers, bus_task
from edge.listening import EarTask
from edge.lock import held_while_testing
from edge.media import Media
from edge.memory import Memory
from edge.orders import Orders
from edge.outputs import OutputError, open_outputs
from edge.page.board import Board, SirenNow, Snapshot
from edge.page.faring import faring
from edge.recorder import Recorder
from edge.replay import RecordedClock, Recording, Replay
from edge.shelves import Shelves
from edge.sounding import Sounding
from edge.trial.desk import Desk
from edge.uplink import Uplink
from edge.watching import EyesTask
from sitewarden.messages import (
    Alarm,
    Configuration,
    ConfigurationNow,
    ConfigurationReport,
    Health,
    MediaAnswers,
    Shelf,
    Sight,
)
from sitewarden.readings import Reading
from sitewarden.text import printable
from sitewarden.trials import TrialTold

log = logging.getLogger(__name__)

DRAIN_S = 3.0
"""So long the end waits for the cloud's last receipts."""
FLUSH_S = 2.0
"""So long the end waits for the disk."""
REMEMBER_S = SAMPLE_S
"""So often what the derivations and episodes remember is saved, beside every transition."""

YOUNG = 20_000
"""So many new containers make the collector look."""
ROOM = 40
"""Records on their way to the cloud before a replay waits; of many more the newest would go first."""
TICK_S = 1.0
"""So often siren and lamp are looked at again, for time alone changes what they show."""
LONGEST_BY = 64
"""Characters that are kept of who acknowledged."""

LOOK_S = 1.0
"""So often somebody looks whether a device has been silent for too long."""
ANNOUNCE_S = 2.0
"""So long a new configuration waits for the cloud to hear what it reads; not at all without a connection."""
LATE_S = 2.0
"""A reading may come so long after its instant, beside the time that its device may take to answer."""


class Agent:
    """One gateway, from its configuration to its last word."""

    def __init__(
        self,
        gateway: Gateway,
        make_clock: Callable[..., Clock] = Clock,
        *,
        started: Started | None = None,
    ) -> None:
        """Opens outbox and outputs and takes up what stood; reads and sends nothing yet.

        `started` is how it came to this configuration, where the cloud may bring another. Raises
        `AlreadyRunningError`. A folder that cannot be used is no reason to leave the site unwatched.
        """
        self.boot = uuid.uuid4().hex
        self._gateway = gateway
        self._devices = {device.name: device for device in gateway.judged}
        self._proof = Proof(gateway)
        self._folder = Folder(gateway.data_dir, boot=self.boot)
        self.alarms, self.readings = self._folder.lanes
        self._memory = Memory(self.alarms, self.readings)
        self.clock = make_clock(floor_ms=self._memory.known_ms())
        self._recorder = Recorder(self.readings, self.clock)
        self._judge = self._new_judge()
        self._sounding = Sounding(
            open_outputs(gateway.outputs), lambda: self._judge, lambda: self._gateway.siren.max_on_s
        )
        self._board = Board(gateway.judged)
        self._lines = self._new_lines()
        self._watch = self._new_watch()
        self._waiting = asyncio.Event()
        """Set while a forecast is still to be made, as one may be that an earlier run has left."""
        self._waiting.set()
        self._judging, self._ticking = systemd.Pulse(), systemd.Pulse()
        """Rules on readings, and on time that passes: a mistake at one device stops neither."""
        self._shelves = Shelves(self._memory, self.tell_soon)
        self._desk = Desk(self._buses, self._tell_trial, self.clock.now_ms, self._ears, self.stamp)
        self._uplink = self._new_uplink()
        self.media = self._new_media()
        self._eyes = self._new_eyes()
        self._keeper = self._new_keeper(started)
        self._clock_told_ms = 0
        self._resume()

    @property
    def _is_replay(self) -> bool:
        """Whether time is the recording's: whoever plays it tells the time, and it waits for everything."""
        return isinstance(self.clock, RecordedClock)

    def _new_lines(self) -> Readers:
        if isinstance(self.clock, RecordedClock):
            return Recording(
                partial(
                    Replay,
                    clock=self.clock,
                    pass_time=self.tick,
                    sink=self.take,
                    room=self._room,
                    begin_anew=self._begin_anew,
                )
            )
        return Lines(self._bus, self._ear)

    def _new_watch(self) -> HealthWatch:
        return HealthWatch(self._lines.owners, lambda: self.readings.state.written)

    def _new_uplink(self) -> Uplink:
        return Uplink(
            self._gateway,
            self._folder.lanes,
            [birth_of(device) for device in self._gateway.judged],
            boot=self.boot,
            clock=self.clock,
            obey=Orders(self, self.clock.now_ms).obey,
            health=self._told_health,
            shelved=self._shelves.in_force,
            states=lambda: self._judge.told_states(),  # noqa: PLW0108  a replay gets another judge
            take_trial=self._desk.take,
            configuring=self,
            take_media=self._hear_of_media,
        )

    def _new_media(self) -> Media:
        return Media(
            self._gateway,
            self._folder.path and self._folder.path / mediafiles.FOLDER,
            self.clock,
            boot=self.boot,
            line=lambda: self._uplink,
        )

    def _new_eyes(self) -> EyesTask:
        return EyesTask(
            self._gateway,
            self.take,
            self.stamp,
            album=self.media if self._folder.path else None,
            show=self._show_sight,
        )

    def _new_keeper(self, started: Started | None) -> Keeper | None:
        """Nobody keeps a configuration that came from no history."""
        if started is None or started.history is None:
            return None
        return Keeper(started, self, boot=self.boot, now_ms=self.clock.now_ms)

    def _new_judge(self, gateway: Gateway | None = None, before: Judge | None = None) -> Judge:
        """One that remembers nothing, but for what it takes over from the one before it."""
        gateway = gateway or self._gateway
        return Judge(gateway.judged, lambda: self.clock.state, gateway.groups, before)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch the site until `stop` is set, then end in order: polls, disk, cloud."""
        log.info("starting gateway=%s/%s boot=%s", self._gateway.site, self._gateway.name, self.boot)
        async with asyncio.TaskGroup() as group:
            lanes = self._folder.begin(group)
            uplink = group.create_task(self._uplink.run(), name="uplink")
            polling = await self._poll(group)
            systemd.notify("READY=1")
            await stop.wait()
            log.info("stopping")
            systemd.notify("STOPPING=1")
            for task in (*polling, *self._lines.tasks, *self._desk.tasks, *self._sounding.tasks):
                task.cancel()
            await self._flush()
            await self._uplink.drain(DRAIN_S)
            self._uplink.say_farewell()
            await asyncio.wait((uplink,), timeout=FLUSH_S)
            for task in (uplink, *lanes):
                task.cancel()

    async def _poll(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start whatever makes readings or gathers them; what ends with the buses is not among the tasks."""
        await self._lines.begin(group, self._gateway)
        self._watch = self._new_watch()  # the start is no load of the site's
        work = {
            "recorder": self._recorder.run(),
            "forecasts": self._forecast(),
            "memory": self._remember(),
            "tone": self._sounding.run(self._pressed, TICK_S),
            "silence": self._look_for_silence(),
            "page": self._serve_page(),
            "certificate": self._renew_certificate(),
            "pictures": self.media.run(),
            "watchdog": systemd.feed_watchdog(self._watched),
            **({} if self._keeper is None else {"configurations": self._keeper.run()}),
            # Recorded time knows no camera: what one said then is in the recording.
            **({} if self._is_replay else {"eyes": self._eyes.run()}),
        }
        return [group.create_task(coroutine, name=name) for name, coroutine in work.items()]

    def _watched(self) -> Mapping[str, systemd.Work]:
        """All that must go on, or nobody is watched; not the uplink, without which rules and siren do."""
        return {
            **self._lines.work(),
            "rules": systemd.Work(self._judging.late_s),
            "silence": systemd.Work(self._ticking.late_s),
            **self._folder.work(),
        }

    def _bus(self, bus: Bus) -> BusTask:
        return bus_task(bus, self.take, self.stamp)

    def _ear(self, ear: Ear) -> EarTask:
        return EarTask(ear, self.take, self.stamp, past=self.take_past, clock_state=lambda: self.clock.state)

    def _buses(self) -> Mapping[str, BusTask]:
        """Whatever is polled now; nothing in a replay."""
        return {owner.name: owner for owner in self._lines.owners if isinstance(owner, BusTask)}

    def _ears(self) -> Mapping[str, EarTask]:
        return {owner.name: owner for owner in self._lines.owners if isinstance(owner, EarTask)}

    async def _tell_trial(self, told: TrialTold) -> None:
        await self._uplink.tell("trial", told)

    async def change(self, gateway: Gateway) -> None:
        """Work from another configuration: what is equal in both goes on as if nothing had happened.

        The cloud hears first what will be read, so that no reading comes without its point being known. The
        change itself lies between two readings.
        """
        pasts = await asyncio.to_thread(self._pasts, gateway)
        self._uplink.declare([birth_of(device) for device in gateway.judged])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCE_S):
                await self._uplink.announce()
        judge = self._new_judge(gateway, self._judge)
        ended = judge.go_on_from(self._judge, self.clock.now_ms())
        self._gateway, self._judge = gateway, judge
        self._devices = {device.name: device for device in gateway.judged}
        self._proof.change(gateway)
        self._board.change(gateway.judged)
        self.media.change(gateway)
        self._shelves.follow(judge)
        self._tell(ended)
        for past in pasts:
            take_in(past, judge, self._memory, self.clock)
        self._sounding.change()
        self._save()
        self._waiting.set()
        self._eyes.change(gateway)
        await self._lines.change(gateway)
        self._watch.change(self._lines.owners)

    def _pasts(self, gateway: Gateway) -> list[Past]:
        """Histories that were not taken in yet, read; in a thread, for that takes long."""
        found = (read_past(device, self._memory) for device in gateway.devices)
        return [past for past in found if past is not None]

    def lines(self, before: Gateway, after: Gateway) -> list[Line]:
        """The buses and ears of `after`, as a probation looks at them."""
        return self._proof.lines(before, after, self._lines.since_s)

    def good_s(self) -> Mapping[str, float]:
        """When each bus and ear last gave a good reading."""
        return self._proof.good_s

    def report(self, report: ConfigurationReport) -> None:
        """Have the cloud told what became of a configuration."""
        self._uplink.report(report)

    def configure(self, configuration: Configuration) -> None:
        """The cloud has another configuration, or asks what is thought of one."""
        if self._keeper is None:
            log.warning(
                "a configuration of the cloud is left aside: the gateway's own file says what it does"
            )
        else:
            self._keeper.take(configuration)

    def configuration_now(self) -> ConfigurationNow | None:
        """Which configuration is in force; `None` where the gateway's own file alone says so."""
        return None if self._keeper is None else self._keeper.now

    def configuration_reports(self) -> list[ConfigurationReport]:
        """What the cloud may not have heard of configurations."""
        return [] if self._keeper is None else self._keeper.reports()

    async def _room(self) -> None:
        """Wait while the cloud is behind."""
        await self._uplink.room(ROOM)

    async def _begin_anew(self) -> None:
        """Recorded time jumps: what stands ends where it was, and nothing of it is remembered."""
        ended, self._judge = self._judge.episodes(), self._new_judge()
        self._tell(Judge([], lambda: self.clock.state).resume(ended, self.clock.now_ms()))
        self._shelves.resume(self._judge)
        self._recorder.flush()
        self._save()
        await self._folder.flushed()
        await self._uplink.settle()
        await self._uplink.announce()

    def take(self, device: Device, readings: Sequence[Reading]) -> None:
        """One poll: judge, sound, then keep. Nothing is waited for, and hearing comes before keeping.

        Killed between the two, the next reading raises again, and that is right: nobody had been told.
        """
        failpoints.reach("reading-taken")
        known = self._devices.get(device.name)
        if known is None:
            return  # it has left the configuration while it was being read
        device = known
        self._judging.begin()
        if device.danger is not None:
            # Nobody is endangered because a device that nobody relies on yet says so.
            alarms = (episode.alarm for episode in self._judge.episodes())
            standing = (alarm for alarm in alarms if device.is_on_trial or not alarm.test)
            readings = [*readings, *device.danger.readings(device.name, readings, standing)]
        self._keep(self._judge.take_at_once(device, readings))
        self._judging.done()
        self._eyes.see(device, readings)
        if any(reading.is_good for reading in readings):
            self._proof.good(device.name)
        if self._is_replay:
            while self._work():
                pass
        elif self._judge.is_waiting:
            self._waiting.set()

    def _keep(self, judged: Judgement) -> None:
        if judged.alarms:
            self._tell(judged.alarms)
        else:
            self._sounding.follow()
        self._recorder.add(judged.readings, judged.cycles)
        if judged.cycles:
            self._save()
        if self._gateway.page is not None:
            self._board.take(judged.readings)
        for again in judged.again:
            if (bus := self._lines.asked.get(again.device)) is not None:
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
        gateway, outputs = self._gateway, self._sounding.outputs
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
                siren=outputs.signal.siren,
                lamp=outputs.signal.lamp,
                is_testing=outputs.is_testing,
                failed=outputs.failed,
            ),
            shelved=self._shelves.in_force(),
            refusal=self._uplink.refusal,
            health=faring(self._told_health(), self._folder.lanes, outputs, self.clock.now_ms()),
        )

    def test_outputs(self) -> None:
        """Show each signal for two seconds, unless an alarm stands or comes; raises `OutputsBusyError`."""
        self._sounding.test()

    def acknowledge(self, episode: str | None, by: str) -> list[Alarm]:
        """Take note that somebody knows of an alarm, or of all that stand (`None`); what that changed."""
        alarms = self._judge.acknowledge(episode, self.clock.now_ms(), printable(by)[:LONGEST_BY])
        self._tell(alarms)
        self._uplink.tell_soon()
        return alarms

    def tick(self, now_ms: int) -> None:
        """Time has passed up to an instant from which every reading has come."""
        self._ticking.begin()
        self._shelves.tick(self._judge, now_ms)
        self._tell(self._judge.tick(now_ms))
        self._ticking.done()

    def shelve(self, shelf: Shelf) -> bool:
        """Hold a rule's alarm back for a day at most, or no longer (a past instant); whether it is known."""
        now_ms = self.clock.now_ms()
        if not self._shelves.shelve(self._judge, shelf, now_ms):
            return False
        if shelf.until > now_ms:
            self._sounding.follow()
        return True

    def watch(self, device: str, until_ms: int) -> bool:
        """Tell what a camera sees until then; whether there is such a camera."""
        return self._eyes.watch(device, (until_ms - self.clock.now_ms()) / 1000)

    def accept_view(self, device: str, sha256: str, until_ms: int) -> bool:
        """Take what a still of a camera shows for its right view; whether there is such a camera."""
        return self._eyes.accept_view(device, sha256, until_ms)

    async def _show_sight(self, sight: Sight) -> None:
        await self._uplink.tell("sights", sight, qos=0)

    def stands(self, episode: str) -> bool:
        """Whether an alarm has not ended."""
        return self._judge.stands(episode)

    def tell_soon(self) -> None:
        """Let the cloud see at once that what somebody asked is done."""
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
        self._folder.shift(moved_ms)
        self._judge.shift(moved_ms, began_ms)
        self._shelves.shift(moved_ms)
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
        self._sounding.outputs.close()
        self._folder.close()

    def _tell(self, alarms: Sequence[Alarm]) -> None:
        """Transitions: heard first, then kept, then logged."""
        if not alarms:
            return
        failpoints.reach("alarm-judged")
        alarms = [self._pictured(alarm) for alarm in alarms]
        self._sounding.tell(alarms)
        failpoints.reach("alarm-sounded")
        dated = [msgspec.structs.replace(a, mono=self.clock.mono_ms(a.at)) for a in alarms]
        self._memory.tell(dated, self._judge)
        failpoints.reach("alarm-queued")
        for alarm in alarms:
            log.warning("alarm %s", _line(alarm))

    def _pictured(self, alarm: Alarm) -> Alarm:
        try:
            return self.media.pictured(alarm)
        except Exception:
            # No picture is worth an alarm.
            log.exception("an alarm goes out without its picture point=%s", alarm.point)
            return alarm

    def _hear_of_media(self, answers: MediaAnswers) -> None:
        self.media.answered(answers)

    def _pressed(self) -> None:
        """The button at the siren: whoever presses it hears every alarm that it silences."""
        self.acknowledge(None, "local")

    def _told_health(self) -> Health:
        health = self._watch.health(
            evicted=self.readings.state.dropped,
            clock_steps=self.clock.steps,
            outbox_bytes=self._folder.used_bytes(),
        )
        return msgspec.structs.replace(health, devices=[*health.devices, *self._eyes.health()])

    async def _renew_certificate(self) -> None:
        if self._gateway.broker.certificate_file is None:
            return
        from edge.enrolment.renewing import Renewal  # noqa: PLC0415  takes memory; most gateways have a password

        await Renewal(self._gateway.broker, lambda: self._uplink.serial).run()

    async def _serve_page(self) -> None:
        if self._gateway.page is None:
            return
        from edge.page.server import serve  # noqa: PLC0415  a web server takes memory; most gateways have none

        await serve(self._gateway.page, self)

    async def _look_for_silence(self) -> None:
        """In a replay whoever plays it tells the time."""
        if self._is_replay:
            return
        while True:
            await asyncio.sleep(LOOK_S)
            longest_s = max((bus.longest_answer_s for bus in self._gateway.buses), default=0.0)
            late_ms = round(1000 * (LATE_S + longest_s))
            try:
                self.tick(self.clock.now_ms() - late_ms)
            except Exception:
                log.exception("nobody looked for silent devices")

    def _resume(self) -> None:
        """Go on as the last run ended: standing alarms sound again, a day's memory is there."""
        episodes = self._memory.episodes()
        orphans = self._judge.resume(episodes, self.clock.now_ms(), self._memory.rules())
        self._shelves.resume(self._judge)
        for orphan in orphans:
            log.warning("episode ends, its rule is gone rule=%s point=%s", orphan.rule, orphan.point)
        if orphans:
            self._memory.tell(orphans, self._judge)
        if episodes:
            failpoints.reach("alarms-resumed")
        self._sounding.restore()
        self._memory.recall(self._judge)
        for device in self._gateway.devices:
            import_history(device, self._judge, self._memory, self.clock)

    def _save(self) -> None:
        """Peaks of standing episodes and the memory of derivations, where they changed."""
        self._memory.save(self._judge, self._recorder, self.clock.now_ms())

    async def _remember(self) -> None:
        while True:
            await asyncio.sleep(REMEMBER_S)
            try:
                self._look_at_clock()
                self._save()
            except Exception:
                log.exception("not everything is remembered over a restart")
            self._watch.sample()
            await self._folder.measure()

    async def _flush(self) -> None:
        while self._work():
            pass
        self._recorder.flush()
        self._save()
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._folder.flushed()
        except TimeoutError:
            log.critical("the disk did not take everything in time")


def _line(alarm: Alarm) -> str:
    where = f"rule={alarm.rule} point={alarm.point} level={alarm.level}{' test' if alarm.test else ''}"
    return f"{alarm.change} {where} value={alarm.value:g} limit={alarm.limit:g} episode={alarm.episode}"


async def test_outputs(gateway: Gateway) -> None:
    """Show each signal for two seconds while no agent runs.

    Raises `AlreadyRunningError` where one does, `OutputError` where an output could not be driven.
    """
    lock = held_while_testing(gateway.data_dir)
    outputs = open_outputs(gateway.outputs)
    try:
        if failed := await outputs.test():
            raise OutputError(f"{failed} of {len(gateway.outputs)} outputs could not be driven, see above")
    finally:
        outputs.close()
        if lock is not None:
            lock.close()


def _settle_memory() -> None:
    """What was made up to now stays: the collector need not look at it again and again.

    Else looking costs as much as judging does, for readings make many small objects and no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


async def run(started: Started) -> None:
    """Run the agent until SIGTERM or SIGINT."""
    gateway = started.gateway
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    agent = Agent(gateway, RecordedClock if gateway.mode == "replay" else Clock, started=started)
    _settle_memory()
    try:
        await agent.run(stop)
    finally:
        agent.close()
