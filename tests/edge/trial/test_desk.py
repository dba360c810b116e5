"""Trials that the cloud asks of a gateway: beside polls that miss nothing, once each, and only reading."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import Device
from edge.lately import KEPT, LONGEST_BYTES, STRANGERS, Lately
from edge.trial.desk import REMEMBERED, Desk
from edge.trial.hearing import raw_of
from sitewarden import profiles
from sitewarden.messages import encode, readings_of
from sitewarden.trials import LONGEST_RAW, TrialAsked, TrialTold
from tests.edge.cloud import Cloud, listening
from tests.edge.conftest import GATEWAY_NAME, SITE_NAME, Configure
from tests.edge.speaking import STATION, packet
from tests.edge.speaking import listening as hearing
from tests.edge.test_agent import agent
from tests.edge.test_bus import CRANE, INTERVAL_MS, on_bus, polling
from tests.edge.test_listening import HJ212, MakeEar, make_ear  # noqa: F401  # a fixture
from tests.edge.trial.test_trying import Recording, says
from tests.support.broker import Broker
from tests.support.modbus import Unit, serving
from tests.support.waiting import until

NOW_MS = 1_795_000_000_000
TRIED = 5
WORDS = {0: 0x449D, 1: 0x5000}  # 1258.5 with the first word first
PROFILE: dict[str, Any] = {
    "profile": "fx20",
    "version": 1,
    "device_kind": "weather",
    "products": [{"brand": "Example", "model": "FX-20"}],
    "source": "FX-20 manual, page 14.",
    "verified": "simulator",
    "driver": "modbus",
    "modbus": {"transports": ["tcp"]},
    "groups": {"main": {"interval_ms": 200}},
    "points": {
        "pressure": {
            "kind": "weather.pressure",
            "unit": "hPa",
            "register": 0,
            "type": "float32",
            "range": [600, 1300],
        }
    },
}


DUST = Path(str(profiles._BUILT_IN), "hj212-dust-noise.yaml").read_text(encoding="utf-8")
SPEAKING = Path(str(profiles._BUILT_IN), "generic-positioning.yaml").read_text(encoding="utf-8")


def text(**changes: Any) -> str:
    return yaml.safe_dump({**PROFILE, **changes})


def asked(**changes: Any) -> TrialAsked:
    given = {"request": uuid.uuid4().hex, "expires": NOW_MS + 60_000, "bus": "bus-1", "unit": TRIED}
    return TrialAsked(**{**given, "profile": text(), **changes})


class Site:
    """A desk at a bus with real lines, and what it has told."""

    def __init__(self, desk: Desk, told: list[TrialTold]) -> None:
        self.desk, self.told = desk, told

    async def answer(self, request: TrialAsked) -> TrialTold:
        """What is told last of a request that is made now."""
        self.desk.take(encode(request))
        while self.desk.tasks:
            await asyncio.gather(*self.desk.tasks)
        return [one for one in self.told if one.request == request.request][-1]


@contextlib.asynccontextmanager
async def site(
    crane: Device, tried: Unit, polled: Unit | None = None
) -> AsyncIterator[tuple[Site, Any, Any]]:
    told: list[TrialTold] = []

    async def tell(one: TrialTold) -> None:
        told.append(one)

    units = {1: polled or Unit(CRANE), TRIED: tried}
    async with (
        Recording(units).started() as server,
        polling(server, on_bus(crane, "a", 1)) as (bus, taken),
    ):
        await until(lambda: taken.good("a") >= 2)
        yield Site(Desk(lambda: {"bus-1": bus}, tell, lambda: NOW_MS), told), bus, server


async def test_a_conformance_run_beside_polls_of_100_ms_misses_none_of_them(crane: Device) -> None:
    polled = Unit(CRANE)
    async with site(crane, Unit(WORDS), polled) as (here, bus, server):
        missed, first = bus.missed, len(polled.asked_at)
        told = await here.answer(asked(kind="conformance", seconds=2))
        during = polled.asked_at[first:]
        assert told.state == "done", told.why
        # A few may be the fault of a machine that is busy; on a clock of its own it is none, see the errands.
        assert bus.missed - missed <= 3
        # Counted at the device: on every place of the grid it was asked, or the bus says that it was not.
        places = round((during[-1] - during[0]) * 1000 / INTERVAL_MS)
        assert places - 3 <= len(during) <= places + 2
        assert server.connections == 1, "the line was opened anew"
    (point,) = told.report.points
    assert (point.registers, point.value, point.quality) == ((0x449D, 0x5000), 1258.5, "good")
    assert "is refused" in says(told.report, "fault", "ok")
    assert not [check for check in told.report.checks if check.name == "reconnect"]
    assert [one.state for one in here.told] == ["running", "done"]
    assert {pdu[0] for pdu in server.asked} <= {1, 2, 3, 4}, "something was written"


async def test_a_test_read_shows_swapped_words_beside_the_value_and_hints_at_the_order(crane: Device) -> None:
    swapped = {0: WORDS[1], 1: WORDS[0]}
    async with site(crane, Unit(swapped)) as (here, _, _):
        told = await here.answer(asked())
    (point,) = told.report.points
    assert (point.registers, point.value) == ((0x5000, 0x449D), None)
    assert point.hints[0].change == {"word_order": "little"}
    assert not told.report.is_sound
    assert told.report.rounds == 1


async def test_a_unit_that_is_relied_on_is_not_asked_for_what_it_should_not_have(crane: Device) -> None:
    async with site(crane, Unit(WORDS)) as (here, bus, server):
        before = len(server.asked)
        told = await here.answer(asked(kind="conformance", unit=1, profile=text()))
        assert told.state == "done"
        assert not [pdu for pdu in server.asked[before:] if pdu[1:3] == b"\xff\xff"]
        assert not any(unit.breaker.is_doubtful for unit in bus.units)


async def test_that_nobody_is_there_is_told_and_believed_of_nobody_else(crane: Device) -> None:
    async with site(crane, Unit(is_silent=True)) as (here, bus, _):
        told = await here.answer(asked())
        assert (told.state, told.report) == ("failed", None)
        assert not any(unit.breaker.is_doubtful for unit in bus.units)
        assert told.why
        assert "bus bus-1 unit 5 does not answer" in told.why.en


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"expires": NOW_MS - 5000}, "the request expired 5 s ago by the gateway's clock"),
        ({"bus": "mast"}, "the gateway has no bus `mast`; it has: bus-1"),
        ({"unit": None, "identity": "x"}, "the bus is polled: name the unit"),
        ({"profile": text(unknown=1)}, "profile.yaml:"),
        ({"profile": text(modbus={"transports": ["rtu"]})}, "does not speak Modbus over tcp, only over rtu"),
        ({"profile": text(modbus={"transports": ["tcp"], "function": 6})}, "it never writes to a device"),
    ],
)
async def test_what_cannot_be_tried_is_refused_with_its_reason(
    crane: Device, changes: dict[str, Any], why: str
) -> None:
    async with site(crane, Unit(WORDS)) as (here, _, server):
        told = await here.answer(asked(**changes))
        assert told.state == "refused"
        assert told.why
        assert why in told.why.en
    assert not [pdu for pdu in server.asked if pdu[0] not in (3, 4)]


async def test_a_profile_of_a_device_that_speaks_by_itself_has_nothing_to_be_asked(crane: Device) -> None:
    async with site(crane, Unit(WORDS)) as (here, _, _):
        told = await here.answer(asked(profile=SPEAKING))
        assert told.state == "refused"
        assert told.why
        assert "speaks by itself" in told.why.en


async def test_what_a_station_said_lately_stands_beside_what_a_profile_makes_of_it(
    make_ear: MakeEar,  # noqa: F811
) -> None:
    told: list[TrialTold] = []

    async def tell(one: TrialTold) -> None:
        told.append(one)

    async with hearing(make_ear(HJ212, STATION)) as ear, ear.connected() as (_, writer):
        for noise in (60, 61, 62, 68.3):
            writer.write(packet(noise, mn="NEW"))
        writer.write(packet(50))
        await until(lambda: ear.came.values("dust-1/noise") == [50])
        desk = Desk(dict, tell, lambda: NOW_MS, lambda: {"ear": ear.task}, lambda at_s: round(1000 * at_s))
        here = Site(desk, told)
        request = asked(bus="ear", unit=None, identity="NEW", profile=DUST)
        done = await here.answer(request)
        noises = [one for frame in done.heard for one in frame.values if one.point == "noise"]
        assert [one.value for one in noises] == [61, 62, 68.3]
        assert '"PW":"***"' in done.heard[-1].raw
        assert '"LA":{"Rtd":"68.3"' in done.heard[-1].raw
        for changes, state, why in (
            ({"identity": "nobody"}, "failed", "nothing was heard of `nobody`; heard lately: M1, NEW"),
            ({"identity": "", "unit": 1}, "refused", "name the identity"),
            ({"identity": "NEW", "profile": SPEAKING}, "refused", "does not speak as this bus does"),
            ({"identity": "NEW", "profile": text()}, "refused", "does not speak as this bus does"),
        ):
            given = asked(**{"bus": "ear", "unit": None, "profile": DUST, **changes})
            answer = await here.answer(given)
            assert (answer.state, why in (answer.why.en if answer.why else "")) == (state, True), answer
        assert ear.came.values("dust-1/noise") == [50], "a stranger's message became a reading"


def test_who_speaks_much_drives_nobody_out_and_fills_no_memory() -> None:
    lately = Lately(["known"])
    lately.note("known", b"mine", 1.0)
    for i in range(10 * STRANGERS):
        lately.note(f"stranger-{i}", b"x", 2.0)
        lately.note("chatty", b"y", 3.0)
    lately.note("chatty", bytes(LONGEST_BYTES + 1), 4.0)
    lately.note("z" * 1000, b"z", 4.0)
    assert [said.body for said in lately.of("known")] == [b"mine"]
    assert [said.body for said in lately.of("chatty")] == [b"y"] * KEPT
    assert len(lately.identities()) == STRANGERS + 1
    assert lately.of("stranger-0") == []


def test_a_message_is_shown_as_text_where_it_is_some_and_as_bytes_where_it_is_none() -> None:
    assert raw_of(b'{"load": 1}') == '{"load": 1}'
    assert raw_of(bytes((0x7E, 0x00, 0xFF))) == "7E 00 FF"
    assert len(raw_of(b"x" * 4000)) == LONGEST_RAW


async def test_one_trial_at_a_time_and_each_request_is_made_once(crane: Device) -> None:
    async with site(crane, tried := Unit(WORDS)) as (here, _, _):
        first = asked(kind="conformance", seconds=1)
        here.desk.take(encode(first))
        await until(lambda: tried.asked > 0)
        here.desk.take(encode(second := asked()))
        here.desk.take(encode(first))
        await until(lambda: len(here.told) >= 3)
        assert [(one.request, one.state) for one in here.told[:3]] == [
            (first.request, "running"),
            (second.request, "refused"),
            (first.request, "running"),
        ]
        done = await here.answer(first)
        assert done.state == "done"
        times = tried.asked
        assert await here.answer(first) == done
        assert tried.asked == times, "it was made twice"


async def test_what_is_remembered_of_requests_is_bounded(crane: Device) -> None:
    async with site(crane, Unit(WORDS)) as (here, _, _):
        for _ in range(3 * REMEMBERED):
            await here.answer(asked(bus="none"))
        assert len(here.desk._told) == REMEMBERED


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Cloud]:
    with listening(broker, SITE_NAME, GATEWAY_NAME) as cloud:
        yield cloud


async def test_over_the_broker_the_agent_tries_a_device_and_alarms_as_ever(
    configured: Configure, broker: Broker, cloud: Cloud
) -> None:
    load = [1000]
    crane: Callable[[], dict[int, int]] = lambda: {0: load[0], 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0}  # noqa: E731
    pit = Unit({n: 10000 if n % 2 else 0 for n in range(12)})
    async with serving({1: Unit(crane), 2: pit, TRIED: Unit(WORDS)}) as server:
        async with agent(configured(server, broker)) as run:
            await until(lambda: cloud.states("online") and cloud.readings)
            soon = cloud.states("online")[0].at + 60_000
            request = asked(kind="conformance", seconds=2, expires=soon)
            cloud.publish("trial", request)
            await until(lambda: [one.state for one in cloud.trials] == ["running"])
            load[0] = 3000
            await until(lambda: cloud.alarms)
            assert run.lines()[0]["siren"] == "continuous"
            await until(lambda: len(cloud.trials) == 2)
            told = cloud.trials[-1]
            assert (told.request, told.state) == (request.request, "done")
            assert told.report
            assert told.report.points[0].value == 1258.5
            cloud.publish("trial", request)
            await until(lambda: len(cloud.trials) == 3)
            assert cloud.trials[-1] == told
            cloud.publish_raw("trial", b"{}")
            cloud.publish("trial", asked(bus="none", expires=soon))
            await until(lambda: len(cloud.trials) == 4)
            assert cloud.trials[-1].state == "refused"
        points = {r.point for m in cloud.readings for r in readings_of(m.series, m.at)}
        assert not [point for point in points if "pressure" in point], "a trial made readings"
