"""Devices that speak by themselves, over real sockets: who says what, when it was said, who is silent."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge import listening as module
from edge.config import Ear
from edge.drivers import tcpserver
from edge.listening import Believed, Speaker
from sitewarden.quality import Quality
from tests.edge.drivers.test_streams import crane_frame
from tests.edge.speaking import CRANE, STATION, ear_of, listening, local, packet
from tests.support.waiting import PATIENCE_S, until

MakeEar = Callable[..., Ear]
S, NOW_MS = 1000, 1_800_000_000_000
HJ212 = {"hj212": {"listen": "127.0.0.1:0"}}
GOYO = {"frames": {"protocol": "goyo", "listen": "127.0.0.1:0"}}


@pytest.fixture
def make_ear(tmp_path: Path, gateway_dict: dict[str, Any]) -> MakeEar:
    def make(way: dict[str, Any], *devices: dict[str, Any]) -> Ear:
        rules = {"rules": ["dust-noise"]}
        return ear_of(tmp_path, {**gateway_dict, **rules}, {**way, "devices": list(devices)})

    return make


@pytest.fixture
def station(make_ear: MakeEar) -> Speaker:
    return Speaker(make_ear(HJ212, STATION).devices[0], 0.0)


def dated(
    speaker: Speaker, said_ms: int | None, body: int = 0, *, at_s: float = 0.0, past: bool = False
) -> Any:
    return speaker.dated(said_ms, body, NOW_MS + round(at_s * S), at_s, is_past=past)


async def test_a_station_is_heard_acknowledged_and_dated_by_its_own_clock(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        at = local(ago_s=3).replace(microsecond=0)
        writer.write(packet(68.3, at, pm10=165))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert b"CN=9014" in answer
        assert b"MN=M1" in answer
        assert ear.came.of("dust-1/noise") == [(68.3, "good")]
        assert ear.came.of("dust-1/pm10") == [(165, "good")]
        (reading,) = [r for r in ear.came.live if r.point == "dust-1/noise"]
        assert reading.at_ms == ear.task.units[0].said_ms(at)


async def test_a_stranger_is_refused_told_once_and_never_answered(
    make_ear: MakeEar, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        for noise in (60, 61, 62):
            writer.write(packet(noise, mn="NOBODY"))
        writer.write(packet(63))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert b"MN=M1" in answer
        assert ear.came.values("dust-1/noise") == [63]
        assert ear.traffic.exceptions == 3
        assert caplog.text.count("refused bus=ear identity='NOBODY'") == 1


async def test_noise_is_counted_and_whoever_says_nothing_else_is_cut_off(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        with contextlib.suppress(OSError):
            for _ in range(3 * tcpserver.MOST_BROKEN):
                writer.write(b"##0004ABCD0000\r\n" * 8)
                await writer.drain()
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        assert ear.traffic.broken >= tcpserver.MOST_BROKEN

        # Whoever does that is not let in again at once; others are.
        async with ear.connected() as (again, _):
            with contextlib.suppress(OSError):
                assert await asyncio.wait_for(again.read(), PATIENCE_S) == b""
        other, answered = await asyncio.open_connection("127.0.0.1", ear.port, local_addr=("127.0.0.2", 0))
        answered.write(packet(60))
        assert await asyncio.wait_for(other.readuntil(b"\r\n"), PATIENCE_S)
        answered.close()


async def test_no_more_connections_than_allowed_and_strangers_give_their_place_back(
    make_ear: MakeEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = make_ear({"hj212": {"listen": "127.0.0.1:0", "connections": 2}}, STATION)
    monkeypatch.setattr(tcpserver.TcpServer.__init__, "__kwdefaults__", {"stranger_s": 0.3})
    async with listening(ear) as heard, contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(heard.connected()) for _ in range(2)]
        third, _ = await stack.enter_async_context(heard.connected())
        with contextlib.suppress(OSError):
            assert await asyncio.wait_for(third.read(), PATIENCE_S) == b"", "one too many"
        assert heard.traffic.exceptions == 1
        for reader, _ in idle:
            with contextlib.suppress(OSError):
                assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b"", "it has said nothing"
        reader, writer = await stack.enter_async_context(heard.connected())
        writer.write(packet(60))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)


async def test_who_takes_all_places_keeps_no_device_out(make_ear: MakeEar) -> None:
    ear = make_ear({"hj212": {"listen": "127.0.0.1:0", "connections": 2}}, STATION)
    async with listening(ear) as heard, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(heard.connected("127.0.0.2"))
        reader, writer = await stack.enter_async_context(heard.connected())
        writer.write(packet(60))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        late, _ = await stack.enter_async_context(heard.connected("127.0.0.2"))
        with contextlib.suppress(OSError):
            assert await asyncio.wait_for(late.read(), PATIENCE_S) == b"", (
                "a device that speaks keeps its place"
            )
        writer.write(packet(61, local(ago_s=-1)))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)


async def test_a_device_that_lost_its_network_comes_again_though_all_places_are_taken(
    make_ear: MakeEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcpserver, "GIVES_WAY_S", 0.0)
    ear = make_ear({"hj212": {"listen": "127.0.0.1:0", "connections": 1}}, STATION)
    async with listening(ear) as heard, heard.connected() as (before, half_open):
        half_open.write(packet(60))
        assert await asyncio.wait_for(before.readuntil(b"\r\n"), PATIENCE_S)
        async with heard.connected() as (reader, writer):
            writer.write(packet(61, local(ago_s=-1)))
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert heard.came.values("dust-1/noise") == [60, 61]


async def test_the_same_packet_again_is_acknowledged_and_counted_once(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        same = packet(60, local(ago_s=1))
        writer.write(same + same)
        for _ in range(2):
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert ear.came.values("dust-1/noise") == [60]
        assert ear.traffic.late == 1


async def test_a_wrong_clock_makes_bad_readings_and_not_wrong_ones(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        for at in (local(ago_s=-3600), local(ago_s=86_400)):
            writer.write(packet(60, at))
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert ear.came.of("dust-1/noise") == [(None, "clock")] * 2
        assert ear.traffic.late == 2
        assert ear.came.past == []


async def test_what_a_station_had_kept_is_of_the_past_and_not_of_now(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        for noise, ago_s in ((60, 0), (90, 7200), (91, 7140)):
            writer.write(packet(noise, local(ago_s=ago_s)))
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert ear.came.values("dust-1/noise") == [60]
        assert [r.value for r in ear.came.past if r.point == "dust-1/noise"] == [90, 91]


async def test_while_the_gateway_s_own_clock_is_not_set_it_dates_what_comes(make_ear: MakeEar) -> None:
    async with (
        listening(make_ear(HJ212, STATION), clock="unsynced", stamp=lambda _: 5000) as ear,
        ear.connected() as (reader, writer),
    ):
        writer.write(packet(60))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert [(r.at_ms, r.value) for r in ear.came.live if r.point == "dust-1/noise"] == [(5000, 60)]


async def test_a_silent_device_has_bad_readings_and_good_ones_when_it_speaks_again(
    make_ear: MakeEar, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    caplog.set_level("INFO")
    ear = make_ear(HJ212, STATION)
    async with listening(ear) as heard:
        speaker = heard.task.units[0]
        speaker._stale_s, speaker._quiet_s = dict.fromkeys(speaker._stale_s, 0.3), 0.1
        await until(lambda: heard.came.of("dust-1/noise"))
        assert heard.came.of("dust-1/noise")[0] == (None, "disconnected")
        assert heard.traffic.timeouts == 1
        async with heard.connected() as (reader, writer):
            writer.write(packet(60))
            assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
            assert heard.came.of("dust-1/noise")[-1] == (60, "good")
            await until(lambda: heard.came.of("dust-1/noise")[-1] == (None, "timeout"))
    assert "device is silent bus=ear device=dust-1" in caplog.text
    # Of what no packet says the silence has gone on.
    assert {quality for _, quality in heard.came.of("dust-1/wind_speed")} <= {"timeout", "disconnected"}


async def test_a_mistake_at_one_silent_device_hides_no_other_s_silence(
    make_ear: MakeEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    other = {**STATION, "device": "dust-2", "identity": "M2"}
    async with listening(make_ear(HJ212, STATION, other)) as heard:
        first, second = heard.task.units
        for speaker in (first, second):
            speaker._stale_s, speaker._quiet_s = dict.fromkeys(speaker._stale_s, 0.1), 0.0
        first.silence = lambda *_: 1 / 0  # type: ignore[assignment, method-assign, return-value]
        await until(lambda: heard.came.of("dust-2/noise"))
        assert heard.came.of("dust-2/noise")[0] == (None, "disconnected")


async def test_a_crane_speaks_in_frames_and_has_its_clock_set(make_ear: MakeEar) -> None:
    async with listening(make_ear(GOYO, CRANE)) as ear, ear.connected() as (reader, writer):
        writer.write(crane_frame("GY0017", time=f"{local():%y%m%d%H%M%S}"))
        await until(lambda: ear.came.live)
        assert ear.came.of("crane-9/load") == [(0.0, "good")]
        assert ear.came.of("crane-9/falls") == [(None, "out_of_range")]
        writer.write(bytes.fromhex("7e7e11000e00") + b"GY0017\0\0" + bytes.fromhex("990101000000007d7d"))
        answer = await asyncio.wait_for(reader.readexactly(16), PATIENCE_S)
        assert answer[6:7] == b"\x01"
        assert abs((local() - local().strptime(answer[7:13].hex(), "%y%m%d%H%M%S")).total_seconds()) < 5


async def test_a_gateway_whose_clock_is_not_set_sets_nobody_else_s(make_ear: MakeEar) -> None:
    async with listening(make_ear(GOYO, CRANE), clock="unsynced") as ear, ear.connected() as (reader, writer):
        writer.write(bytes.fromhex("7e7e11000e00") + b"GY0017\0\0" + bytes.fromhex("990101000000007d7d"))
        assert await asyncio.wait_for(reader.readexactly(10), PATIENCE_S) == bytes.fromhex(
            "7e7e1100010000007d7d"
        )


async def test_what_a_crane_had_kept_is_not_lost_while_the_gateway_s_clock_is_behind(
    make_ear: MakeEar,
) -> None:
    async with (
        listening(make_ear(GOYO, CRANE), clock="unsynced", stamp=lambda _: 5000) as ear,
        ear.connected() as (reader, writer),
    ):
        at = local(ago_s=600).replace(microsecond=0)
        writer.write(crane_frame("GY0017", kind=3, time=f"{at:%y%m%d%H%M%S}"))
        assert await asyncio.wait_for(reader.readexactly(9), PATIENCE_S)
        assert {r.at_ms for r in ear.came.past} == {ear.task.units[0].said_ms(at)}
        assert ear.came.live == []


async def test_another_state_within_the_same_second_is_not_lost(make_ear: MakeEar) -> None:
    async with listening(make_ear(GOYO, CRANE)) as ear, ear.connected() as (_, writer):
        first = bytearray(crane_frame("GY0017", time=f"{local():%y%m%d%H%M%S}"))
        alarmed = bytearray(first)
        alarmed[79] = 0b10
        writer.write(bytes(first + alarmed))
        await until(lambda: len(ear.came.values("crane-9/alarm_load")) == 2)
        assert ear.came.values("crane-9/alarm_load") == [0, 1]
        instants = [r.at_ms for r in ear.came.live if r.point == "crane-9/alarm_load"]
        assert 0 < instants[1] - instants[0] < S


async def test_a_mistake_of_ours_ends_no_connection(
    make_ear: MakeEar, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear, ear.connected() as (reader, writer):
        speaker = ear.task.units[0]
        speaker.decode, decode = lambda _: 1 / 0, speaker.decode  # type: ignore[assignment, return-value]
        writer.write(packet(60))
        await until(lambda: "message not taken" in caplog.text)
        speaker.decode = decode
        writer.write(packet(61))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE_S)
        assert ear.came.values("dust-1/noise") == [61]


async def test_the_watchdog_sees_whether_the_ear_works_and_not_whether_devices_do(make_ear: MakeEar) -> None:
    async with listening(make_ear(HJ212, STATION)) as ear:
        assert ear.task.overdue_s() <= 0


def test_an_instant_that_is_believed_is_the_device_s_own(station: Speaker) -> None:
    assert dated(station, NOW_MS - 5 * S) == (NOW_MS - 5 * S, Believed.NOW)
    assert dated(station, NOW_MS + 29 * S, 1) == (NOW_MS + 29 * S, Believed.NOW)


@pytest.mark.parametrize("off_s", [31, 3600, -121, -86_400 * 365])
def test_an_instant_beyond_belief_is_never_put_right(station: Speaker, off_s: int) -> None:
    told = dated(station, NOW_MS + off_s * S)
    assert told == (NOW_MS - 120 * S, Believed.NEVER), "nothing that is still to come lies before it"
    assert dated(station, NOW_MS - 5 * S, 1) == (NOW_MS - 5 * S, Believed.NOW)


def test_a_clock_that_was_set_back_is_believed_again_after_some_messages(station: Speaker) -> None:
    assert dated(station, NOW_MS + 20 * S).believed is Believed.NOW
    # Two seconds apart, a minute behind: the first ones could as well be late ones.
    told = [dated(station, NOW_MS - 60 * S + 2000 * i, i, at_s=2.0 * i) for i in range(1, 6)]
    assert [one.believed.name for one in told] == ["PAST", "PAST", "PAST", "NOW", "NOW"]
    assert told[3].at_ms > NOW_MS + 20 * S, "instants of one point only go forwards"


def test_what_was_kept_for_a_moment_is_never_taken_for_a_clock_that_was_set_back(station: Speaker) -> None:
    assert dated(station, NOW_MS).believed is Believed.NOW
    kept = [dated(station, NOW_MS - 60 * S + 5000 * i, i, at_s=0.05 * i) for i in range(1, 10)]
    assert {one.believed for one in kept} == {Believed.PAST}
    assert kept[-1].at_ms == NOW_MS - 15 * S, "nothing is dated anew"
    assert dated(station, NOW_MS + 5 * S, at_s=5) == (NOW_MS + 5 * S, Believed.NOW)


def test_a_clock_that_was_set_back_is_believed_where_two_messages_share_a_second(station: Speaker) -> None:
    assert dated(station, NOW_MS + 20 * S).believed is Believed.NOW
    told = [dated(station, NOW_MS - 60 * S + i // 2 * S, i, at_s=i / 2) for i in range(12)]
    assert [one.believed for one in told][-4:] == [Believed.NOW] * 4


def test_what_was_kept_comes_faster_than_it_was_made_and_a_wrong_clock_keeps_pace(station: Speaker) -> None:
    assert dated(station, NOW_MS).believed is Believed.NOW
    kept = [dated(station, NOW_MS - 7200 * S + 60_000 * i, i, at_s=0.1 * i) for i in range(1, 40)]
    assert {one.believed for one in kept} == {Believed.PAST}
    assert dated(station, NOW_MS + 5 * S, at_s=5).believed is Believed.NOW
    wrong = [dated(station, NOW_MS - 3600 * S + 1000 * i, i, at_s=6.0 + i) for i in range(6)]
    assert [one.believed.name for one in wrong] == ["PAST", "PAST", "NEVER", "NEVER", "NEVER", "NEVER"]


def test_what_the_device_itself_calls_past_is_past(station: Speaker) -> None:
    assert dated(station, NOW_MS - 3600 * S, past=True) == (NOW_MS - 3600 * S, Believed.PAST)
    assert dated(station, NOW_MS - 86_400 * 90 * S, 1, past=True).believed is Believed.NEVER
    assert dated(station, None, 2, past=True).believed is Believed.NEVER


def test_a_silence_that_is_told_pushes_no_later_message_from_its_instant(station: Speaker) -> None:
    assert dated(station, NOW_MS - 2 * S) == (NOW_MS - 2 * S, Believed.NOW)
    assert station.silence(600.0, NOW_MS + 600 * S, Quality.TIMEOUT)
    assert dated(station, NOW_MS + 500 * S, 1, at_s=600) == (NOW_MS + 500 * S, Believed.NOW)


def test_messages_without_an_instant_are_of_when_they_come(station: Speaker) -> None:
    assert dated(station, None) == (NOW_MS, Believed.NOW)
    assert dated(station, None) == (NOW_MS + 1, Believed.NOW)


def test_a_number_of_a_message_counts_once(station: Speaker) -> None:
    assert [station.is_repeated(n) for n in ("e-1", "e-2", "e-1", None, None)] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_device_that_counts_anew_after_it_was_switched_off_is_heard(station: Speaker) -> None:
    morning, noon = local(ago_s=3600), local()
    said = [("1", morning), ("2", morning), ("1", noon), ("1", noon)]
    assert [station.is_repeated(number, at) for number, at in said] == [False, False, False, True]


def test_a_clock_shows_the_device_s_own_time(station: Speaker) -> None:
    at = station.local(NOW_MS)
    assert at.tzinfo is None
    assert station.said_ms(at) == NOW_MS


def test_a_person_may_say_that_a_station_speaks_more_seldom(make_ear: MakeEar) -> None:
    (seldom,) = make_ear(HJ212, {**STATION, "interval_ms": 600_000}).devices
    assert min(Speaker(seldom, 0.0)._stale_s.values()) == 1800
