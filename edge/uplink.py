"""The way to the cloud: birth, heartbeat, two lanes side by side, deletion by receipt alone."""

import asyncio
import contextlib
import logging
import math
import random
import shutil
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import aiomqtt
import msgspec

from edge import cancelling, clock, failpoints, refusal
from edge.clock import Clock
from edge.config import Gateway
from edge.lane import Lane
from edge.login import Login, Logins
from edge.outbox import Record
from edge.window import Window
from sitewarden import __version__, messages, topics
from sitewarden.errors import MessageError, SiteWardenError
from sitewarden.messages import (
    Command,
    Configuration,
    ConfigurationNow,
    ConfigurationReport,
    Counters,
    DeviceBirth,
    Health,
    MediaAnswers,
    Receipt,
    Shelf,
    Status,
    ToldState,
    decode,
    encode,
)

log = logging.getLogger(__name__)

RECONNECT_S, RECONNECT_MAX_S = 0.2, 3.0
KEEPALIVE_S = 20
HEARTBEAT_S = 10.0
RESEND_S: Mapping[messages.Lane, float] = {"alarms": 3.0, "readings": 10.0}
"""Without a receipt after so long a record is sent again; an alarm that nobody heard waits least."""
ALARMS_FIRST_S = 10.0
"""So long readings wait for alarms after a connection, if those have no end."""
HOLD_S = 3.0
"""So long a receipt for readings waits for others, so that the disk is asked once for all of them."""
ANSWER_S = 10.0
"""So long an answer of the broker is waited for; of one that refuses a certificate there is none."""
ASK_WHY_S = 30.0
"""So often at most the broker is asked what it has against the certificate."""
LOGIN_LOOK_S = 2.0
"""So often somebody looks whether there is a newer password or certificate."""
ROOM_S = 0.05
"""So often somebody who waits for room looks at it: also a disk that has caught up makes room."""
REPORTS = 16
"""On configurations that wait to be sent; the cloud asks for what is lost."""
FIRST_ERRORS = 20
"""In a configuration, told where all of them are too many for one message."""
KIB = 1024
LEAST_WINDOW, MOST_WINDOW = 8 * KIB, 512 * KIB
"""Bytes of readings under way: at 64 kbit/s the least hold up an alarm for a second."""


class Configuring(Protocol):
    """Who works from the cloud's configurations; waits for nothing."""

    def configure(self, configuration: Configuration) -> None:
        """One has come."""

    def configuration_now(self) -> ConfigurationNow | None:
        """Which is in force; `None` where none of the cloud's ever will be."""

    def configuration_reports(self) -> list[ConfigurationReport]:
        """What the cloud may not have heard, at a new connection; called in a thread, and may read files."""


class Uplink:
    """Speaks for one gateway, over one connection after the other."""

    def __init__(
        self,
        gateway: Gateway,
        lanes: tuple[Lane, Lane],
        devices: list[DeviceBirth],
        *,
        boot: str,
        clock: Clock | None = None,
        resend_s: Mapping[messages.Lane, float] = RESEND_S,
        heartbeat_s: float = HEARTBEAT_S,
        obey: Callable[[Command], None] | None = None,
        health: Callable[[], Health | None] = lambda: None,
        shelved: Callable[[], list[Shelf]] = list,
        states: Callable[[], dict[str, ToldState]] = dict,
        take_trial: Callable[[bytes], None] | None = None,
        configuring: Configuring | None = None,
        take_media: Callable[[MediaAnswers], None] | None = None,
    ) -> None:
        """`lanes` are alarms and readings; `devices` is what the birth declares.

        `obey` is told of a command that is not about the connection; it must not wait. `health` is what the
        heartbeat says of the gateway itself, `shelved` and `states` what of its alarms. `configuring` is told
        of configurations, and says what became of them. `take_trial` is given the body of a request for a
        trial, and must not wait; nor must `take_media`, which is told what becomes of pictures.
        """
        self._configuring = configuring
        self._reports: deque[ConfigurationReport] = deque(maxlen=REPORTS)
        self._has_reports = asyncio.Event()
        self._obey_other, self._take_trial, self._take_media = obey, take_trial, take_media
        self._gateway, self._devices, self._boot = gateway, devices, boot
        self._heartbeat_s = heartbeat_s
        self._alarms, self._readings = lanes
        self._windows = {
            "alarms": Window(records=64, size=512 * KIB, resend_s=resend_s["alarms"]),
            "readings": Window(
                records=64, size=LEAST_WINDOW, most=MOST_WINDOW, resend_s=resend_s["readings"]
            ),
        }
        self._clock = clock or Clock()
        self._health, self._shelved, self._states = health, shelved, states
        self._has_news = asyncio.Event()
        self._held: set[int] = set()
        """Readings' records that the cloud has, and that are still to be deleted."""
        self._holds = asyncio.Event()
        self._alarms_are_out = asyncio.Event()
        """Of this connection: what had waited of the alarms is sent, so that readings may be."""
        self._is_connected = self._is_draining = False
        self._connection: aiomqtt.Client | None = None
        self._logins = Logins(gateway.broker)
        self._successor: _Successor | None = None
        """A connection that is taking the place of the one that holds."""
        self.refusal: refusal.Refusal | None = None
        """Why the broker does not let the gateway in, as long as it does not."""
        self._asks_again_s = 0.0
        self.serial: str | None = None
        """Of the certificate by which it is logged in now."""
        self._farewell = asyncio.Event()
        self._receipted = asyncio.Event()

    async def run(self) -> None:
        """Connect, send, and connect again until told to end; a mistake of ours must not silence the site."""
        delay_s, is_news, monotonic = RECONNECT_S, True, asyncio.get_running_loop().time
        while not self._farewell.is_set():
            began = math.inf
            try:
                async with self._connected() as client:
                    log.info("connected broker=%s:%d", self._gateway.broker.host, self._gateway.broker.port)
                    began, is_news = monotonic(), True
                    await self._session(client)
            except* aiomqtt.MqttError as group:
                if is_news and self._successor is None:
                    log.warning("no broker, trying on: %s", group.exceptions[0])
                    is_news = False
            except* Exception:
                log.exception("the connection ended by a mistake")
            if not self._farewell.is_set() and self._successor is None:
                # Only after a connection that held is there reason to hurry; else it would be a storm.
                delay_s = RECONNECT_S if monotonic() - began > RECONNECT_MAX_S else delay_s
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
                delay_s = min(2 * delay_s, RECONNECT_MAX_S)
        if self._successor is not None:
            self._successor.connecting.cancel()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiomqtt.Client]:
        """The connection that has taken the last one's place, else a new one."""
        successor, self._successor = self._successor, None
        try:
            login = self._logins.choose() if successor is None else successor.login
        except SiteWardenError as exc:
            raise aiomqtt.MqttError(str(exc)) from exc
        client = self._client(login) if successor is None else successor.client
        try:
            await (client.__aenter__() if successor is None else successor.connecting)
        except aiomqtt.MqttError as exc:
            self._logins.refused()
            await self._note_refusal(login, exc)
            raise
        self._logins.accepted(login, asyncio.get_running_loop().time())
        self.refusal, self.serial = None, login.serial
        try:
            yield client
        finally:
            self.serial = None
            await client.__aexit__(None, None, None)

    async def _note_refusal(self, login: Login, exc: Exception) -> None:
        """Whether the broker does not want us, and why; said once, and shown until it lets us in."""
        word, monotonic_s = refusal.of_login(exc), asyncio.get_running_loop().time()
        if word is None and login.file is not None:
            if monotonic_s < self._asks_again_s:
                return
            self._asks_again_s = monotonic_s + ASK_WHY_S
            now_s = clock.now_ms() / 1000
            word = await asyncio.to_thread(refusal.of_certificate, self._gateway.broker, login, now_s)
        if word is not None and word != self.refusal:
            log.error("shut out: %s", refusal.told(word, login))
        self.refusal = word

    async def _watch_login(self) -> None:
        """Where there is a newer password or certificate, come by it; this connection holds until that is in.

        Both have one name, so that the broker ends this one when it accepts the other, and not before.
        """
        monotonic = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOGIN_LOOK_S)
            cancelling.heed()
            login = self._logins.newer(monotonic())
            if login is None:
                continue
            client = self._client(login)
            connecting = asyncio.ensure_future(client.__aenter__())
            self._successor = _Successor(client, login, connecting)
            try:
                # Not ended with this connection, which ends just when the other one comes about.
                await asyncio.shield(connecting)
            except aiomqtt.MqttError as exc:
                log.warning("a newer login does not work yet, going on with the last: %s", exc)
                self._logins.not_yet(monotonic())
                self._successor = None
            else:
                log.info("logged in anew, by a newer password or certificate")
                raise aiomqtt.MqttError("another connection has taken its place")

    async def drain(self, within_s: float) -> None:
        """Wait until the cloud has everything, at most so long, and not at all without a connection."""
        self._is_draining = True
        await self._release()
        self._receipted.clear()
        if self._is_connected and self._depth():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while self._depth():
                        await self._receipted.wait()
                        self._receipted.clear()

    async def settle(self) -> None:
        """Wait until the cloud has everything, however long that takes, and go on afterwards."""
        while self._depth():
            await self.drain(ROOM_S)
            await asyncio.sleep(ROOM_S)
        self._is_draining = False

    def declare(self, devices: list[DeviceBirth]) -> None:
        """From the next birth on the gateway has these devices."""
        self._devices = devices

    def report(self, report: ConfigurationReport) -> None:
        """Tell the cloud what became of a configuration; a new connection begins with that anyhow."""
        if self._is_connected:
            self._reports.append(report)
            self._has_reports.set()

    async def announce(self) -> None:
        """Declare the devices anew; nothing without a connection, for the next one begins with that."""
        if self._connection is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._publish_birth(self._connection)

    def tell_soon(self) -> None:
        """Let the next heartbeat come at once: somebody waits to see that what they asked is done."""
        self._has_news.set()

    async def tell(self, channel: topics.UpChannel, message: msgspec.Struct, *, qos: int = 1) -> None:
        """Say what needs no receipt; without a connection it is lost, and whoever asked asks again."""
        if self._connection is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._connection.publish(self._topic(channel), encode(message), qos=qos)

    @property
    def is_calm(self) -> bool:
        """Whether all alarms are with the cloud and nothing is left of an outage: what can wait may go."""
        waits = self._alarms.state.depth or self._alarms.unwritten or self._windows["readings"].has_backlog
        return self._is_connected and not waits

    async def room(self, most: int) -> None:
        """Wait until at most so many records are on their way, written or not."""
        while self._outstanding() > most:
            self._receipted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROOM_S):
                    await self._receipted.wait()

    def _outstanding(self) -> int:
        unwritten = self._alarms.unwritten + self._readings.unwritten
        return self._depth() - len(self._held) + unwritten

    def say_farewell(self) -> None:
        """Declare the gateway offline in good order; `run` then returns."""
        self._farewell.set()

    def _client(self, login: Login) -> aiomqtt.Client:
        broker = self._gateway.broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=login.username,
            password=login.password,
            # One name always: a stale connection is taken over, so its last will comes before our birth.
            identifier=f"sitewarden-{self._gateway.site}-{self._gateway.name}",
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            will=aiomqtt.Will(self._topic("status"), self._offline(), qos=1, retain=True),
            keepalive=KEEPALIVE_S,
            tls_context=login.tls,
            timeout=ANSWER_S,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            # The windows bound what is under way; the library's own queue would set alarms behind readings.
            max_inflight_messages=1000,
        )

    async def _session(self, client: aiomqtt.Client) -> None:
        """One connection, until it breaks or the farewell is said."""
        client.pending_calls_threshold = 1000
        serving = asyncio.create_task(self._serve(client), name="uplink session")
        farewell = asyncio.create_task(self._farewell.wait(), name="uplink farewell")
        try:
            await asyncio.wait((serving, farewell), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            else:
                await client.publish(self._topic("status"), self._offline(), qos=1, retain=True)
        finally:
            self._is_connected, self._connection = False, None
            serving.cancel()
            farewell.cancel()
            await asyncio.wait((serving, farewell))

    async def _serve(self, client: aiomqtt.Client) -> None:
        await self._release()
        self._alarms_are_out.clear()
        heard: tuple[topics.DownChannel, ...] = ("receipts", "command", "config", "trial", "media")
        await client.subscribe([(self._heard(channel), 1) for channel in heard])
        await self._publish_birth(client)
        cancelling.heed()
        self._is_connected, self._connection = True, client
        self._reports.clear()
        async with asyncio.TaskGroup() as group:
            for lane in (self._alarms, self._readings):
                sender = _Sender(client, group, lane, self._windows[lane.name], self._topic(lane.name))
                group.create_task(self._send(sender), name=f"uplink {lane.name}")
            group.create_task(self._receive(client), name="uplink receive")
            group.create_task(self._beat(client), name="uplink heartbeat")
            group.create_task(self._let_go(), name="uplink receipts")
            group.create_task(self._watch_login(), name="uplink login")
            group.create_task(self._tell_configurations(client), name="uplink configurations")

    async def _send(self, sender: "_Sender") -> None:
        """Keep a lane's window filled; what alarms an outage held back goes before all readings."""
        sender.begin()
        if sender.lane is self._readings:
            await self._after_alarms()
        try:
            while True:
                await sender.send_what_fits()
                if sender.lane is self._alarms and not sender.window.has_backlog:
                    self._alarms_are_out.set()
                await sender.wait()
        finally:
            sender.lane.sends_at_once = False

    async def _after_alarms(self) -> None:
        """Readings wait until the alarms that an outage held back are on their way, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ALARMS_FIRST_S):
                await self._alarms_are_out.wait()

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                if message.topic.matches(self._heard("receipts")):
                    await self._take_receipt(decode(message.payload, Receipt))
                elif message.topic.matches(self._heard("trial")):
                    self._try_device(message.payload)
                elif message.topic.matches(self._heard("config")):
                    self._configure(decode(message.payload, Configuration))
                elif message.topic.matches(self._heard("media")):
                    self._hear_of_media(decode(message.payload, MediaAnswers))
                else:
                    await self._obey(client, decode(message.payload, Command))
            except MessageError as exc:
                log.warning("not understood topic=%s: %s", message.topic, exc)
            cancelling.heed()

    async def _tell_configurations(self, client: aiomqtt.Client) -> None:
        """What became of configurations: first what may have got lost with an earlier connection.

        Gathered in a thread, for the gateway's own file may have to be read, and the polls go on.
        """
        lost = await asyncio.to_thread(self._unheard_reports)
        self._reports = deque([*lost, *self._reports], maxlen=REPORTS)
        while True:
            self._has_reports.clear()
            while self._reports:
                body = _body(self._reports.popleft())
                await client.publish(self._topic("config"), body, qos=1)
            await self._has_reports.wait()

    def _unheard_reports(self) -> list[ConfigurationReport]:
        try:
            return [] if self._configuring is None else self._configuring.configuration_reports()
        except Exception:
            # Alarms go over this connection: a file that cannot be read must not end it.
            log.exception("the cloud does not hear what the configuration is")
            return []

    def _configure(self, configuration: Configuration) -> None:
        if self._configuring is not None:
            self._configuring.configure(configuration)

    async def _take_receipt(self, receipt: Receipt) -> None:
        lane = self._alarms if receipt.lane == "alarms" else self._readings
        if receipt.lane == "alarms":
            failpoints.reach("receipt-heard")
        window, now = self._windows[lane.name], asyncio.get_running_loop().time()
        ranges = [(first, last) for first, last in receipt.seqs if first <= last]
        known = window.within(ranges) if receipt.boot == self._boot else None
        if known and lane is self._readings and lane.sends_at_once and not self._is_draining:
            window.receipted(known, now)
            self._held.update(known)
            self._holds.set()
        else:
            window.receipted(await lane.delete(receipt.boot, ranges), now)
        lane.changed.set()
        self._receipted.set()

    async def _let_go(self) -> None:
        """Delete what was held, now and then. Died before, it is sent again and counted once."""
        while True:
            await self._holds.wait()
            await asyncio.sleep(HOLD_S)
            await self._release()

    async def _release(self) -> None:
        held, self._held = self._held, set()
        self._holds.clear()
        if held:
            await self._readings.delete(self._boot, [(seq, seq) for seq in sorted(held)])
            self._receipted.set()

    def _depth(self) -> int:
        return self._alarms.state.depth + self._readings.state.depth

    async def _obey(self, client: aiomqtt.Client, command: Command) -> None:
        log.info("command=%s", command.command)
        if command.command != "rebirth":
            if self._obey_other is not None:
                try:
                    self._obey_other(command)
                except Exception:
                    # Alarms go over this connection: an order that fails must not end it.
                    log.exception("not obeyed command=%s", command.command)
            return
        await self._publish_birth(client)
        now = asyncio.get_running_loop().time()
        for lane in (self._alarms, self._readings):
            self._windows[lane.name].resend_all(now)
            lane.changed.set()

    def _hear_of_media(self, answers: MediaAnswers) -> None:
        if self._take_media is not None:
            try:
                self._take_media(answers)
            except Exception:
                # Alarms go over this connection: a picture must not end it.
                log.exception("what the cloud says of pictures could not be taken")

    def _try_device(self, body: bytes) -> None:
        if self._take_trial is not None:
            try:
                self._take_trial(body)
            except MessageError:
                raise
            except Exception:
                # Alarms go over this connection: a trial that fails must not end it.
                log.exception("a request for a trial could not be taken")

    async def _beat(self, client: aiomqtt.Client) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await self._has_news.wait()
            self._has_news.clear()
            await client.publish(self._topic("status"), encode(await self._status("heartbeat")), qos=1)
            cancelling.heed()

    async def _publish_birth(self, client: aiomqtt.Client) -> None:
        birth = msgspec.structs.replace(await self._status("online"), devices=self._devices)
        await client.publish(self._topic("status"), encode(birth), qos=1, retain=True)

    async def _status(self, state: Literal["online", "heartbeat"]) -> Status:
        alarms, readings = self._alarms.state, self._readings.state
        oldest = [await lane.oldest_at_ms() for lane in (self._alarms, self._readings)]
        return Status(
            state=state,
            boot=self._boot,
            at=clock.now_ms(),
            software=__version__,
            outbox={"alarms": alarms.depth, "readings": max(0, readings.depth - len(self._held))},
            oldest_at=min((at for at in oldest if at is not None), default=None),
            disk_free_bytes=_free_bytes(self._gateway.data_dir),
            clock=self._clock.state,
            health=self._health(),
            shelved=self._shelved(),
            states=self._states(),
            configuration=None if self._configuring is None else self._configuring.configuration_now(),
            counters=Counters(
                readings_written=readings.written,
                alarms_written=alarms.written,
                readings_dropped=readings.dropped,
                alarms_dropped=alarms.dropped,
            ),
        )

    def _offline(self) -> bytes:
        return encode(Status(state="offline", boot=self._boot, at=clock.now_ms(), software=__version__))

    def _topic(self, channel: topics.UpChannel) -> str:
        return topics.up(self._gateway.mode, self._gateway.site, self._gateway.name, channel)

    def _heard(self, channel: topics.DownChannel) -> str:
        return topics.down(self._gateway.mode, self._gateway.site, self._gateway.name, channel)


class _Successor(NamedTuple):
    """A connection that is about to take another's place."""

    client: aiomqtt.Client
    login: Login
    connecting: "asyncio.Future[aiomqtt.Client]"


class _Sender:
    """Sends the records of one lane over one connection."""

    def __init__(
        self, client: aiomqtt.Client, group: asyncio.TaskGroup, lane: Lane, window: Window, topic: str
    ) -> None:
        """Publishes to `topic`, each record in a task of `group`."""
        self.lane, self.window = lane, window
        self._client, self._group, self._topic = client, group, topic
        self._monotonic = asyncio.get_running_loop().time

    def begin(self) -> None:
        """Nothing is under way, and whatever waits is backlog."""
        self.window.begin(self.lane.state.next_seq)

    async def send_what_fits(self) -> None:
        """What is overdue, then what is new, then backlog, until there is nothing more or no room."""
        self.lane.changed.clear()
        if self.lane.has_returned():
            self.window.look_again()
        for seq in self.window.overdue(self._monotonic()):
            records = await self.lane.take(seq, seq, 1, size=1)
            self.window.gone((seq,))
            for record in records:
                self._send(record)
        while await self._send_next():
            pass

    async def wait(self) -> None:
        """Wait for something new, or until something is overdue."""
        self.lane.sends_at_once = not self.window.is_full
        await _changed(self.lane, self.window.next_resend_at())

    async def _send_next(self) -> bool:
        """Send what fits of the next span; false where there is nothing to send or no room."""
        span = self.window.choose(self.lane.state.next_seq)
        if span is None:
            return False
        size = self.window.free_bytes
        records = await self.lane.take(span.first, span.last, span.limit, size=size, backlog=span.is_backlog)
        for record in records:
            self._send(record)
        self.window.advance(span, records[-1].seq if records else span.last)
        return True

    def _send(self, record: Record) -> None:
        self._reach("alarm-sending")
        self.window.sent(record.seq, len(record.body), self._monotonic())
        name = f"uplink {self.lane.name} {record.seq}"
        self._group.create_task(self._publish(record.seq, record.body), name=name)

    async def _publish(self, seq: int, body: bytes) -> None:
        await self._client.publish(self._topic, body, qos=1)
        self._reach("alarm-accepted")
        self.window.accepted(seq, self._monotonic())

    def _reach(self, place: str) -> None:
        if self.lane.name == "alarms":
            failpoints.reach(place)


def _body(report: ConfigurationReport) -> bytes:
    """A report; of one too large goes what fits: alarms go over this connection, and it must not end."""
    shorter = msgspec.structs.replace(report, files=None)
    shortest = msgspec.structs.replace(shorter, errors=report.errors[:FIRST_ERRORS], load=[])
    for one in (report, shorter):
        with contextlib.suppress(MessageError):
            return encode(one)
    return encode(shortest)


def _free_bytes(folder: Path) -> int | None:
    """Of the disk that holds the outbox; a disk that does not even say that must not end the connection."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


async def _changed(lane: Lane, until: float | None) -> None:
    """Wait for something new in the lane, at most until that instant of the loop's clock."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await lane.changed.wait()
