"""The way to the cloud over a real Mosquitto: deleted by receipt alone, resent without, alarms first."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from functools import partial

import msgspec
import pytest

from edge import outbox as outbox_module
from edge import shrinking
from edge import uplink as uplink_module
from edge.birth import birth_of
from edge.config import Gateway
from edge.lane import Lane
from edge.outbox import LaneFile
from edge.recorder import batch_of
from edge.uplink import RESEND_S, Uplink
from sitewarden.messages import (
    Alarm,
    Command,
    MediaAnswer,
    MediaAnswers,
    MediaOffer,
    Status,
    readings_of,
)
from sitewarden.readings import Reading
from tests.edge.cloud import Cloud, listening
from tests.edge.slow_line import slow_line
from tests.edge.test_outputs import alarm
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_S, until

SITE, GATEWAY = "uplink", "gw-1"
NUMBERS = itertools.count(1)


@pytest.fixture
def here(gateway: Gateway, broker: Broker) -> Gateway:
    """The configuration, on the session's broker; each test's own gateway, for what is retained is heard."""
    return at_broker(gateway, broker, f"gw-{next(NUMBERS)}")


def at_broker(gateway: Gateway, broker: Broker, name: str = GATEWAY) -> Gateway:
    user = broker.add_user(f"{SITE}/{name}")
    address = msgspec.structs.replace(
        gateway.broker, host=broker.host, port=broker.port, username=user.username, password=user.password
    )
    gateway.data_dir.mkdir(exist_ok=True)
    return msgspec.structs.replace(gateway, site=SITE, name=name, broker=address)


@pytest.fixture
def cloud(here: Gateway, broker: Broker) -> Iterator[Cloud]:
    with listening(broker, SITE, here.name) as cloud:
        yield cloud


class Edge:
    """Two lanes and the uplink over them."""

    def __init__(self, gateway: Gateway, boot: str, resend_s: float) -> None:
        self.alarms = Lane("alarms", gateway.data_dir, boot=boot)
        self.readings = Lane("readings", gateway.data_dir, boot=boot)
        self.commands: list[Command] = []
        self.answers: list[MediaAnswers] = []
        births = [birth_of(device) for device in gateway.devices]
        self.uplink = Uplink(
            gateway,
            (self.alarms, self.readings),
            births,
            boot=boot,
            resend_s=dict.fromkeys(RESEND_S, resend_s),
            heartbeat_s=0.2,
            obey=self.commands.append,
            take_media=self.answers.append,
        )

    def read(self, messages: int, *, start: int = 0, readings: int = 3) -> None:
        self.readings.put(
            [
                batch_of([Reading("crane-1/load", (start + n) * 1000 + i, i * 0.01) for i in range(readings)])
                for n in range(messages)
            ]
        )

    def raise_alarm(self) -> None:
        self.alarms.put([alarm(3)])


@contextlib.asynccontextmanager
async def running(gateway: Gateway, *, boot: str = "boot-1", resend_s: float = 30.0) -> AsyncIterator[Edge]:
    edge = Edge(gateway, boot, resend_s)
    writers = [asyncio.create_task(lane.run()) for lane in (edge.alarms, edge.readings)]
    uplink = asyncio.create_task(edge.uplink.run())
    try:
        yield edge
    finally:
        edge.uplink.say_farewell()
        await asyncio.wait((uplink,), timeout=PATIENCE_S)
        for task in (uplink, *writers):
            task.cancel()
        await asyncio.gather(uplink, *writers, return_exceptions=True)
        edge.alarms.close()
        edge.readings.close()


async def test_a_record_is_deleted_on_its_receipt_and_not_before(here: Gateway, cloud: Cloud) -> None:
    cloud.receipts = lambda _: False
    async with running(here) as edge:
        edge.read(3)
        edge.raise_alarm()
        await until(lambda: len(cloud.readings) == 3 and len(cloud.alarms) == 1)
        assert (edge.readings.state.depth, edge.alarms.state.depth) == (3, 1)
        cloud.receipt(cloud.readings[1])
        await until(lambda: edge.readings.state.depth == 2)
        cloud.receipt(cloud.alarms[0])
        await until(lambda: edge.alarms.state.depth == 0)
        assert [r.seq for r in await edge.readings.fetch(1, 99, 99)] == [1, 3]
        for record in cloud.readings:
            cloud.receipt(record)
        await until(lambda: edge.readings.state.depth == 0)


async def test_a_receipt_for_another_boot_deletes_nothing_and_stops_no_resend(
    here: Gateway, cloud: Cloud
) -> None:
    cloud.receipts = lambda _: False
    async with running(here, resend_s=0.3) as edge:
        edge.read(1)
        await until(lambda: cloud.readings)
        cloud.receipt(msgspec.structs.replace(cloud.readings[0], boot="another"))
        await until(lambda: len(cloud.readings) >= 3)
        assert edge.readings.state.depth == 1


async def test_pictures_are_offered_once_alarms_are_with_the_cloud_and_the_answer_is_heard(
    here: Gateway, cloud: Cloud
) -> None:
    cloud.receipts = lambda _: False
    async with running(here) as edge:
        edge.raise_alarm()
        await until(lambda: len(cloud.alarms) == 1)
        assert not edge.uplink.is_calm
        cloud.receipt(cloud.alarms[0])
        await until(lambda: edge.uplink.is_calm)
        await edge.uplink.tell("media", MediaOffer(boot="boot-1", media=[]))
        await until(lambda: cloud.offers)
        answers = MediaAnswers(media=[MediaAnswer(sha256="a" * 64, state="kept")])
        cloud.publish_raw("media", b"{}")
        cloud.publish("media", answers)
        await until(lambda: edge.answers == [answers])


async def test_without_a_receipt_a_record_is_sent_again_as_it_was(here: Gateway, cloud: Cloud) -> None:
    cloud.receipts = lambda _: False
    async with running(here, resend_s=0.3) as edge:
        edge.raise_alarm()
        await until(lambda: len(cloud.alarms) >= 2)
        assert len({msgspec.json.encode(a) for a in cloud.alarms}) == 1
        cloud.receipts = lambda _: True
        await until(lambda: edge.alarms.state.depth == 0)


async def test_the_birth_names_devices_points_and_limits_and_is_retained(
    here: Gateway, cloud: Cloud, broker: Broker
) -> None:
    async with running(here):
        await until(lambda: cloud.states("online"))
        (birth,) = cloud.states("online")
        assert birth.devices is not None
        assert [device.device for device in birth.devices] == ["crane-1", "pit-1"]
        points = {p.p: p.kind for device in birth.devices for p in device.points}
        assert points["crane-1/load_ratio"] == "crane.load_ratio"
        assert points["pit-1/h3.rate"] == "pit.displacement.horizontal.rate"
        limits = {(bound.p, bound.level, bound.direction): bound.limit for bound in birth.devices[1].limits}
        assert limits["pit-1/h1.cumulative", 4, "high"] == 20.0
        assert limits["pit-1/h1.cumulative", 4, "low"] == -20.0
        with listening(broker, SITE, here.name) as later:
            await until(lambda: [s.state for s in later.retained] == ["online"])


async def test_an_orderly_end_says_offline_and_that_is_retained(
    here: Gateway, cloud: Cloud, broker: Broker
) -> None:
    async with running(here):
        await until(lambda: cloud.states("online"))
    await until(lambda: cloud.states("offline"))
    assert cloud.states("offline")[0].boot == "boot-1"
    with listening(broker, SITE, here.name) as later:
        await until(lambda: [s.state for s in later.retained] == ["offline"])


async def test_a_heartbeat_tells_depth_clock_and_counters_and_is_not_retained(
    here: Gateway, cloud: Cloud, broker: Broker
) -> None:
    cloud.receipts = lambda record: isinstance(record, Alarm)
    async with running(here) as edge:
        edge.read(2)
        edge.raise_alarm()
        await until(lambda: [s for s in cloud.states("heartbeat") if s.counters.alarms_written])
        beat = next(s for s in cloud.states("heartbeat") if s.counters.alarms_written)
        assert (beat.outbox["readings"], beat.counters.readings_written) == (2, 6)
        assert beat.oldest_at is not None
        assert beat.disk_free_bytes
        assert beat.clock in {"synced", "unsynced"}
        with listening(broker, SITE, here.name) as later:
            await until(lambda: later.retained)
            assert {s.state for s in later.retained} == {"online"}


async def test_asked_for_its_birth_it_tells_it_again_and_resends_at_once(here: Gateway, cloud: Cloud) -> None:
    cloud.receipts = lambda _: False
    async with running(here) as edge:
        edge.read(1)
        await until(lambda: cloud.readings)
        cloud.ask_for_birth()
        await until(lambda: len(cloud.states("online")) == 2 and len(cloud.readings) == 2)


async def test_a_command_that_is_not_about_the_connection_is_handed_on_and_resends_nothing(
    here: Gateway, cloud: Cloud
) -> None:
    cloud.receipts = lambda _: False
    async with running(here) as edge:
        edge.read(1)
        await until(lambda: cloud.readings)
        cloud.acknowledge("a" * 32, "zhang")
        await until(lambda: edge.commands)
        assert edge.commands == [Command(command="acknowledge", episode="a" * 32, by="zhang")]
        assert (len(cloud.states("online")), len(cloud.readings)) == (1, 1)


async def test_what_is_not_understood_is_logged_and_changes_nothing(
    here: Gateway, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(here) as edge:
        await until(lambda: cloud.states("online"))
        cloud.publish_raw("receipts", b"\x00\xff")
        cloud.publish_raw("command", b'{"v":2,"command":"rebirth"}')
        await until(lambda: caplog.text.count("not understood") == 2)
        edge.raise_alarm()
        await until(lambda: edge.alarms.state.depth == 0 and edge.alarms.state.written == 1)


async def test_after_the_broker_was_killed_everything_arrives(gateway: Gateway, fresh_broker: Broker) -> None:
    here = at_broker(gateway, fresh_broker)
    async with running(here) as edge:
        with listening(fresh_broker, SITE, GATEWAY) as before:
            before.receipts = lambda _: False
            edge.read(20)
            await until(lambda: len(before.readings) == 20)
        # All of it was acknowledged by the broker, none of it by the cloud.
        fresh_broker.kill()
        edge.read(20, start=20)
        edge.raise_alarm()
        await edge.alarms.flushed()
        fresh_broker.start()
        with listening(fresh_broker, SITE, GATEWAY) as after:
            await until(lambda: edge.readings.state.depth + edge.alarms.state.depth == 0)
            assert {m.seq for m in after.readings} == set(range(1, 41))
            assert len(after.alarms) == 1


async def test_alarms_overtake_a_big_backlog_of_readings(here: Gateway, cloud: Cloud) -> None:
    edge = Edge(here, "boot-0", 30.0)
    edge.read(2000, readings=200)
    writer = asyncio.create_task(edge.readings.run())
    await edge.readings.flushed()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    edge.alarms.close()
    edge.readings.close()
    async with running(here, boot="boot-1") as edge:
        await until(lambda: len(cloud.readings) >= 100)
        edge.raise_alarm()
        edge.read(1, start=9000)
        await until(lambda: cloud.alarms)
        await until(lambda: any(m.boot == "boot-1" for m in cloud.readings))
        assert edge.readings.state.depth > 500, "the backlog was gone before the alarm: no proof"


def backlog_of_an_outage(gateway: Gateway, polls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour and more of a crane, merged at rest, of which no two polls are alike."""
    monkeypatch.setattr(shrinking, "MERGE_AFTER_MS", -1)
    dice = random.Random(1)
    file = LaneFile(gateway.data_dir / "readings.db", boot="boot-0", synchronous="NORMAL", max_bytes=2**29)
    for n in range(polls):
        file.append(
            [batch_of([Reading(f"crane-1/p{p}", n * 500, dice.randrange(10**5) / 100) for p in range(20)])],
            {},
        )
        while file.compact():
            pass
    file.close()
    # What another boot has left is merged whole.
    file = LaneFile(
        gateway.data_dir / "readings.db", boot="boot-between", synchronous="NORMAL", max_bytes=2**29
    )
    while file.compact():
        pass
    file.close()


async def test_on_a_line_of_64_kbit_s_an_alarm_overtakes_the_back_fill(
    here: Gateway, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog_of_an_outage(here, 6000, monkeypatch)
    async with slow_line(here.broker.port, bytes_a_second=8000) as port:
        there = msgspec.structs.replace(here, broker=msgspec.structs.replace(here.broker, port=port))
        async with running(there) as edge:
            await until(lambda: len(cloud.readings) >= 2)
            for n in range(1, 4):
                edge.raise_alarm()
                await until(partial(has_alarms, cloud, n))
            assert all(m.hist for m in cloud.readings)
            assert edge.readings.state.depth >= 4, "the backlog was gone before the alarm: no proof"


def has_alarms(cloud: Cloud, count: int) -> bool:
    return len(cloud.alarms) >= count


async def test_back_fill_is_columnar_small_and_whole(
    here: Gateway, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog_of_an_outage(here, 900, monkeypatch)
    async with running(here) as edge:
        await until(lambda: edge.readings.state.depth == 0)
        assert len(cloud.readings) == 3
        assert {(m.boot, m.hist) for m in cloud.readings} == {("boot-0", True)}
        heard = [r for m in cloud.readings for r in readings_of(m.series, m.at)]
        assert len(set(heard)) == len(heard) == 900 * 20


async def test_readings_held_back_for_long_say_that_they_are_back_fill(
    here: Gateway, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "BACKFILL_AFTER_MS", -1)
    edge = Edge(here, "boot-0", 30.0)
    edge.read(1)
    writer = asyncio.create_task(edge.readings.run())
    await edge.readings.flushed()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    edge.alarms.close()
    edge.readings.close()
    async with running(here, boot="boot-1") as edge:
        await until(lambda: cloud.readings)
        edge.read(1, start=5)
        await until(lambda: len(cloud.readings) == 2)
        assert [m.hist for m in cloud.readings] == [True, False]
        await until(lambda: edge.readings.state.depth == 0)


async def test_a_drain_waits_for_the_last_receipt_and_no_longer(here: Gateway, cloud: Cloud) -> None:
    async with running(here) as edge:
        await until(lambda: edge.uplink.is_calm)
        edge.read(50)
        await edge.readings.flushed()
        await asyncio.wait_for(edge.uplink.drain(PATIENCE_S), timeout=PATIENCE_S / 2)
        assert edge.readings.state.depth == 0


async def test_a_receipt_of_absurd_numbers_deletes_nothing_and_ends_no_session(
    here: Gateway, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.receipts = lambda _: False
    async with running(here) as edge:
        edge.read(1)
        edge.raise_alarm()
        await until(lambda: cloud.readings and cloud.alarms)
        for lane in (b"alarms", b"readings"):
            for seqs in (b"[[-5,5]]", b"[[1,99999999999999999999]]", b"[[9,1]]", b"[[3,1],[4,2]]"):
                body = b'{"v":1,"boot":"boot-1","lane":"%s","seqs":%s}' % (lane, seqs)
                cloud.publish_raw("receipts", body)
        await until(lambda: caplog.text.count("not understood") == 4)
        cloud.receipt(cloud.alarms[0])
        await until(lambda: edge.alarms.state.depth == 0)
        assert edge.readings.state.depth == 1
        assert len(cloud.states("online")) == 1


async def written(edge: Edge) -> None:
    """Write what was put in, and let go of the lanes as a kill would: nothing more is done."""
    writers = [asyncio.create_task(lane.run()) for lane in (edge.alarms, edge.readings)]
    await asyncio.gather(edge.alarms.flushed(), edge.readings.flushed())
    for task in writers:
        task.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    edge.alarms.close()
    edge.readings.close()


async def test_alarms_that_an_outage_held_back_go_before_all_readings(here: Gateway, cloud: Cloud) -> None:
    before = Edge(here, "boot-0", 30.0)
    before.read(50)
    for _ in range(40):
        before.raise_alarm()
    await written(before)
    async with running(here, boot="boot-1") as edge:
        edge.read(5, start=100)
        await until(lambda: len(cloud.readings) == 55)
        records = [message for message in cloud.heard if not isinstance(message, Status)]
        assert all(isinstance(message, Alarm) for message in records[:40])


async def test_a_connection_that_breaks_while_receipts_are_held_loses_nothing(
    gateway: Gateway, fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_module, "HOLD_S", 60.0)
    here = at_broker(gateway, fresh_broker)
    async with running(here) as edge:
        with listening(fresh_broker, SITE, GATEWAY) as cloud:
            await until(lambda: edge.readings.sends_at_once)
            edge.read(5)
            await until(lambda: len(edge.uplink._held) == 5)
            assert edge.readings.state.depth == 5
        fresh_broker.kill()
        edge.read(5, start=5)
        fresh_broker.start()
        with listening(fresh_broker, SITE, GATEWAY) as cloud:
            await until(lambda: {m.seq for m in cloud.readings} >= set(range(6, 11)))
            await edge.uplink.drain(10.0)
            assert edge.readings.state.depth == 0


async def test_an_agent_that_is_killed_while_receipts_are_held_sends_the_same_again(
    here: Gateway, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_module, "HOLD_S", 60.0)
    async with running(here) as edge:
        await until(lambda: edge.readings.sends_at_once)
        edge.read(5)
        await until(lambda: len(edge.uplink._held) == 5)
    first = {(m.boot, m.seq): m for m in cloud.readings}
    async with running(here, boot="boot-2") as edge:
        await until(lambda: edge.readings.state.depth == 0)
    assert len(cloud.readings) == 10
    assert {(m.boot, m.seq): m for m in cloud.readings[5:]} == first


async def test_an_order_that_fails_does_not_end_the_connection(
    here: Gateway, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(here) as edge:
        await until(lambda: cloud.states("online"))
        edge.uplink._obey_other = lambda _: 1 / 0  # type: ignore[assignment, return-value]
        cloud.acknowledge("0" * 32, "a")
        await until(lambda: "not obeyed command=acknowledge" in caplog.text)
        edge.raise_alarm()
        await until(lambda: cloud.alarms)
        assert len(cloud.states("online")) == 1
