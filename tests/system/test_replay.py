"""A recorded history through simulator, real gateway and real broker: the same alarms at any speed."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from edge.agent import Agent
from edge.config import Device, Gateway, load_gateway
from edge.derivation import derivations_for
from edge.replay import RecordedClock
from firmware_sim.replay.cast import Played, cast_of
from firmware_sim.replay.place import place_of
from firmware_sim.replay.run import Playback, Playing, Settings, playing
from firmware_sim.replay.site import ReplayingSite
from firmware_sim.replay.source import UNENDING
from firmware_sim.replay.timeline import served
from sitewarden.casepack import open_pack
from sitewarden.history import DevicePast, History, write_history
from sitewarden.messages import Alarm, PointBirth, readings_of
from sitewarden.profiles import load_profiles
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.scan import Track, scan_all
from sitewarden.topics import Mode
from tests.edge.cloud import Cloud, listening
from tests.support.broker import Broker
from tests.support.histories import (
    STEP_MS,
    T0,
    camera_past,
    camera_tracks,
    crane_past,
    crane_tracks,
    history_of,
    track,
)
from tests.support.modbus import Unit, serving
from tests.support.waiting import until

SITE, GATEWAY = "past", "gw-1"
PACKS = Path(__file__).parents[1] / "packs"
SILENT, LIGHT, HEAVY = (None, Quality.TIMEOUT), 1.0, 3.3
EVERY_POINT = ("load", "radius", "hook_height", "slew", "falls", "wind_speed")
EVERY_POINT += ("limiter_cutoff", "limiter_bypass", "limiter_fault")


def a_history() -> History:
    """Two cranes whose instants interleave: one is overloaded and falls silent, the other is bypassed."""
    loads = [LIGHT] * 4 + [HEAVY] * 8 + [LIGHT] * 8
    bad = {
        "load": {17: (None, Quality.SENTINEL)},
        "wind_speed": {2: (None, Quality.OUT_OF_RANGE), 3: (None, Quality.FROZEN)},
        "slew": {6: (None, Quality.EXCEPTION)},
        "hook_height": dict.fromkeys((9, 10), SILENT),
    }
    first = crane_tracks("crane-1", loads, other={**bad})
    holes = [LIGHT] * 3 + [None] * 9 + [LIGHT] * 8
    bypass = {"limiter_bypass": dict.fromkeys(range(13, 16), (1.0, Quality.GOOD))}
    second = crane_tracks("crane-2", holes, 7, bypass)
    return history_of({**first, **second}, crane_past(), crane_past("crane-2", 1, "other"))


SILENCE = """\
pack: silence
source: made for this test
rules:
  - rule: load-silent
    family: silence
    version: 1
    watch: crane.load
    condition: {when: stale, after_s: 2}
    level: 2
    label: {zh: 无数据, en: No data}
    basis: {clause: none, source: test, confidence: synthetic}
"""


class Judged(NamedTuple):
    """By what two alarms are the same, whoever found them."""

    change: str
    rule: str
    point: str
    level: int
    at_ms: int
    raised_at_ms: int

    @classmethod
    def of(cls, alarm: Alarm) -> "Judged":
        return cls(alarm.change, alarm.rule, alarm.point, alarm.level, alarm.at, alarm.raised_at)


def configured(
    folder: Path,
    broker: Broker,
    play: Playing,
    mode: Mode = "replay",
    name: str = GATEWAY,
    **changes: Any,
) -> Path:
    """The gateway of the recording, on the replay's buses."""
    folder.mkdir()
    user = broker.add_user("replay" if mode == "replay" else f"{SITE}/{name}")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(user.password)
    (folder / "silence.yaml").write_text(SILENCE, encoding="utf-8")
    file = folder / "gateway.yaml"
    content: dict[str, Any] = {
        "site": SITE,
        "gateway": name,
        "mode": mode,
        "data_dir": "data",
        "broker": {
            "host": broker.host,
            "port": broker.port,
            "username": user.username,
            "password_file": "secret",
        },
        "outputs": [],
        "rules": ["tower-crane", "weather", "silence.yaml"],
        "buses": [
            {
                "bus": bus,
                "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": port, "timeout_ms": 1000},
                "devices": [
                    _entry(played, **changes) for played in play.cast.devices if played.past.bus == bus
                ],
            }
            for bus, port in play.ports.items()
        ],
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def _entry(played: Played, **changes: Any) -> dict[str, Any]:
    return {
        "device": played.name,
        "profile": played.profile.profile,
        "unit": played.unit,
        "interval_ms": STEP_MS,
        **({"load_chart": "tc5610-like"} if played.profile.device_kind == "crane" else {}),
        **changes,
    }


@contextlib.asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[Agent]:
    agent = Agent(gateway, RecordedClock) if gateway.mode == "replay" else Agent(gateway)
    stop = asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        await task
        agent.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    history = tmp_path / "history.parquet"
    write_history(history, a_history())
    return history


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Cloud]:
    with listening(broker, SITE, GATEWAY, "replay") as listener:
        yield listener


def directly(gateway: Gateway, history: History) -> list[Judged]:
    """What the rules say of the same readings, by the array scan alone, over what is served."""
    judged: list[Judged] = []
    history = history._replace(tracks=served(history, cast_of(history.header, load_profiles(), Path())))
    until_ms = max(int(track.times[-1]) for track in history.tracks.values())
    for device in gateway.devices:
        tracks = _with_derived(device, history)
        moved = scan_all(device.rules, tracks, since_ms=T0, until_ms=until_ms)
        levels = {bound.rule.rule: bound.rule.level for bound in device.rules}
        judged += [
            Judged(t.change, rule, point, levels[rule], t.at_ms, t.raised_at_ms)
            for (point, rule), transitions in moved.items()
            for t in transitions
        ]
    return sorted(judged)


def _with_derived(device: Device, history: History) -> dict[str, Track]:
    polls: dict[int, list[Reading]] = {}
    for key in device.profile.points:
        for reading in _readings(f"{device.name}/{key}", history):
            polls.setdefault(reading.at_ms, []).append(reading)
    derivation = derivations_for(device)
    columns: dict[str, list[Reading]] = {}
    for at_ms in sorted(polls):
        for reading in [*polls[at_ms], *derivation.take(polls[at_ms])]:
            columns.setdefault(reading.point, []).append(reading)
    return {
        point: Track.of(
            [r.at_ms for r in found],
            [math.nan if r.value is None else round(r.value, 9) for r in found],
            [r.quality for r in found],
        )
        for point, found in columns.items()
    }


def _readings(point: str, history: History) -> list[Reading]:
    if point not in history.tracks:
        return []
    return [
        Reading(point, at_ms, None if quality else value, Quality(quality))
        for at_ms, value, quality in zip(*(column.tolist() for column in history.tracks[point]), strict=True)
    ]


def at(file: Path, speed: float) -> Settings:
    return Settings(playback=Playback(file=file, speed=speed))


def raw_readings(cloud: Cloud) -> list[Reading]:
    heard = [reading for message in cloud.readings for reading in readings_of(message.series, message.at)]
    return [r for r in heard if r.point.partition("/")[2] in EVERY_POINT]


async def replayed(
    folder: Path, broker: Broker, cloud: Cloud, settings: Settings, within_s: float = 30
) -> tuple[list[Judged], Gateway]:
    async with playing(settings) as play:
        gateway = load_gateway(configured(folder, broker, play))
        async with running(gateway):
            await until(lambda: play.source.standing(is_followed=True).state == "ended", within_s=within_s)
    return sorted(map(Judged.of, cloud.alarms)), gateway


@pytest.mark.parametrize("speed", [1, 60, UNENDING])
async def test_the_same_history_makes_the_same_alarms_at_any_speed_as_the_engine_alone(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path, speed: float
) -> None:
    found, gateway = await replayed(tmp_path / "gw", broker, cloud, at(file, speed))
    expected = directly(gateway, a_history())
    assert {judged.rule for judged in expected} >= {"crane-load-110", "crane-limiter-bypass", "load-silent"}
    assert found == expected


async def test_every_recorded_reading_comes_once_as_what_it_was_and_none_is_made_up(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path
) -> None:
    await replayed(tmp_path / "gw", broker, cloud, at(file, UNENDING))
    expected = {reading for point in a_history().tracks for reading in _readings(point, a_history())}
    heard = Counter(raw_readings(cloud))
    assert set(heard.values()) == {1}
    more = heard.keys() - expected
    # What a hole comes back as: the unit does not answer.
    hole_ms = T0 + 7 + 3 * STEP_MS
    assert more == {Reading(f"crane-2/{key}", hole_ms, None, Quality.TIMEOUT) for key in EVERY_POINT}
    assert expected <= heard.keys()


STATION, GATE = "hj212-dust-noise", "generic-access-gate"


def speaking_past(device: str, profile: str) -> DevicePast:
    points = load_profiles()[profile].points
    return DevicePast(
        device=device,
        profile=profile,
        bus="ears",
        points=[
            PointBirth(p=f"{device}/{key}", kind=p.kind, stale_after_ms=9000) for key, p in points.items()
        ],
    )


def spoken_history() -> History:
    """A crane, a station on a mast in a storm, and a gate that somebody passed twice in a long while."""
    gale = [(20.0, Quality.GOOD)] * 30 + [(3.4, Quality.GOOD)] * 10
    station = {
        "dust-1/wind_speed": track([T0 + 3 + 2000 * i for i in range(40)], gale),
        "dust-1/pm10": track([T0 + 3, T0 + 4003], [(81.0, Quality.GOOD), (None, Quality.SENTINEL)]),
    }
    gate = {"gate-1/passage": track([T0 + 11, T0 + 70_011], [(1.0, Quality.GOOD), (-1.0, Quality.GOOD)])}
    crane = crane_tracks("crane-1", [LIGHT] * 4 + [HEAVY] * 8)
    past = (speaking_past("dust-1", STATION), speaking_past("gate-1", GATE))
    return history_of({**crane, **station, **gate}, crane_past(), *past)


async def test_devices_that_spoke_by_themselves_come_back_as_recorded_in_step_with_the_others(
    tmp_path: Path, broker: Broker, cloud: Cloud
) -> None:
    history, file = spoken_history(), tmp_path / "spoken.parquet"
    write_history(file, history)
    found, gateway = await replayed(tmp_path / "gw", broker, cloud, at(file, UNENDING))
    expected = directly(gateway, history)
    assert found == expected
    assert {judged.rule for judged in expected if judged.point.startswith("dust-1/")}
    heard = {r for message in cloud.readings for r in readings_of(message.series, message.at)}
    recorded = {reading for point in history.tracks for reading in _readings(point, history)}
    assert recorded <= heard
    # That nobody passes a gate is no silence of the gate.
    assert {r for r in heard if r.point == "gate-1/passage"} <= recorded


async def placed(folder: Path, broker: Broker, history: History) -> tuple[Gateway, Cloud]:
    """A replay as its command starts it, with nothing but the history; what its gateway said."""
    file = folder / "history.parquet"
    write_history(file, history)
    place, playback = place_of(file, None, []), Playback(file=file, speed=UNENDING)
    async with playing(Settings(playback=playback, header=place.header)) as play:
        files = ReplayingSite(folder, place, playback).files
        files.write_accounts(observer=False)
        files.write_gateway(broker_port=broker.port, web_port=1, simulated=play.ports)
        secret = folder / f"{files.configuration.gateway_id}.password"
        secret.write_text(broker.add_user("replay").password)
        gateway = load_gateway(files.gateway)
        with listening(broker, gateway.site, gateway.name, "replay") as cloud:
            async with running(gateway):
                await until(lambda: _has_ended(play))
    return gateway, cloud


@pytest.mark.parametrize("cranes", [True, False], ids=["beside a crane", "alone"])
async def test_what_a_camera_said_comes_back_and_is_judged_though_nobody_looks(
    tmp_path: Path, broker: Broker, cranes: bool
) -> None:
    crane = crane_tracks("crane-1", [LIGHT] * 20 + [HEAVY] * 20 + [LIGHT] * 20) if cranes else {}
    pasts = [crane_past()] if cranes else []
    rules = ["tower-crane", "helmets"]
    history = history_of({**crane, **camera_tracks()}, *pasts, camera_past(), rules=rules)
    gateway, cloud = await placed(tmp_path, broker, history)
    assert not gateway.cameras
    expected = directly(gateway, history)
    assert sorted(map(Judged.of, cloud.alarms)) == expected
    rules_heard = {judged.rule for judged in expected if judged.point.startswith("yard/")}
    assert rules_heard == {
        "helmet-missing-hook",
        "person-in-forbidden-zone",
        "camera-degraded",
        "camera-silent",
    }
    seen = [alarm for alarm in cloud.alarms if alarm.kind.startswith("vision.") and alarm.change == "raised"]
    assert seen
    assert {(alarm.no_picture, len(alarm.pictures)) for alarm in seen} == {("replay", 0)}
    assert cloud.offers == []
    recorded = {reading for point in history.tracks for reading in _readings(point, history)}
    heard = {r for message in cloud.readings for r in readings_of(message.series, message.at)}
    assert recorded <= heard
    # Beside what was recorded, the silence of the hole; no number is made up.
    more = {r for r in heard - recorded if r.point.startswith("yard/")}
    assert {r.quality for r in more} == {Quality.TIMEOUT}


async def test_all_of_it_goes_out_as_replay_and_into_an_outbox_of_its_own(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path
) -> None:
    with listening(broker, SITE, GATEWAY) as everything:
        topics = []
        everything._paho.on_message = lambda _c, _d, message: topics.append(message.topic)
        await replayed(tmp_path / "gw", broker, cloud, at(file, UNENDING))
    assert topics
    assert all(topic.startswith("sw/1/replay/") for topic in topics)
    assert (tmp_path / "gw" / "data" / "replay" / "readings.db").exists()


async def test_a_live_gateway_gets_no_recorded_value_and_says_why(
    tmp_path: Path, broker: Broker, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(broker, SITE, "gw-live") as live:
        async with playing(at(file, UNENDING)) as play:
            gateway = load_gateway(configured(tmp_path / "gw", broker, play, "live", "gw-live"))
            async with running(gateway):
                await until(lambda: len(raw_readings(live)) > 50)
            assert play.source.standing(is_followed=False).step == 0
    assert {r.quality for r in raw_readings(live)} <= {Quality.EXCEPTION, Quality.DISCONNECTED}
    assert "a recorded history, no devices" in caplog.text


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_jump_back_ends_what_stands_and_the_same_alarms_come_again(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path, is_announced: bool
) -> None:
    async with playing(at(file, UNENDING)) as play:
        gateway = load_gateway(configured(tmp_path / "gw", broker, play))
        play.source.go_steps(20)
        async with running(gateway):
            await until(lambda: play.source.standing(is_followed=True).step == 19)
            so_far_ms = play.source.standing(is_followed=True).at_ms
            expected = [judged for judged in directly(gateway, a_history()) if judged.at_ms <= so_far_ms]
            await until(lambda: len(cloud.alarms) == len(expected))
            standing = {a.episode for a in cloud.alarms}
            if not is_announced:
                play.source._passed -= 1  # the jump that follows is told as the pass before it
            play.source.seek(T0)
            play.source.resume()
            await until(lambda: play.source.standing(is_followed=True).state == "ended")
    changes = Counter((a.episode, a.change) for a in cloud.alarms)
    assert all(changes[episode, "cleared"] == 1 for episode in standing)
    second = [Judged.of(a) for a in cloud.alarms if a.episode not in standing]
    assert sorted(second) == directly(gateway, a_history())


async def test_two_gateways_cannot_take_each_others_instants(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path
) -> None:
    async with playing(at(file, UNENDING)) as play:
        first = load_gateway(configured(tmp_path / "gw", broker, play))
        second = load_gateway(configured(tmp_path / "other", broker, play, name="gw-2"))
        async with running(first), running(second):
            await until(lambda: _has_ended(play))
    assert sorted(map(Judged.of, cloud.alarms)) == directly(first, a_history())


def _cut(play: Playing) -> None:
    """Break every connection, as a network does."""
    for bus in play.buses.values():
        for connection in list(bus._connections):
            assert connection.transport is not None
            connection.transport.abort()


def _has_ended(play: Playing) -> bool:
    return play.source.standing(is_followed=True).state == "ended"


async def test_more_devices_than_one_read_of_the_clock_block_can_name(
    tmp_path: Path, broker: Broker, cloud: Cloud
) -> None:
    cranes = [f"crane-{n}" for n in range(1, 31)]
    tracks = {point: found for name in cranes for point, found in crane_tracks(name, [1.0] * 5).items()}
    file = tmp_path / "many.parquet"
    pasts = [crane_past(name, unit) for unit, name in enumerate(cranes, 1)]
    write_history(file, history_of(tracks, *pasts))
    await replayed(tmp_path / "gw", broker, cloud, at(file, UNENDING))
    heard = Counter(reading.point.partition("/")[0] for reading in raw_readings(cloud))
    assert heard == dict.fromkeys(cranes, 5 * len(EVERY_POINT))


async def test_a_gateway_with_another_idea_of_a_device_reads_nothing_and_says_so(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with playing(at(file, UNENDING)) as play:
        gateway = load_gateway(configured(tmp_path / "gw", broker, play, unused=["slew"]))
        async with running(gateway):
            await until(lambda: "the replay has another device" in caplog.text)
    assert cloud.readings == []


async def test_a_replay_that_was_gone_for_a_while_goes_on_where_it_was(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path
) -> None:
    async with playing(at(file, UNENDING)) as play:
        play.source.go_steps(10)
        gateway = load_gateway(configured(tmp_path / "gw", broker, play))
        async with running(gateway):
            await until(lambda: play.source.standing(is_followed=True).step == 9)
            _cut(play)
            play.source.resume()
            await until(lambda: _has_ended(play))
    assert sorted(map(Judged.of, cloud.alarms)) == directly(gateway, a_history())


async def test_what_is_no_replay_is_not_read_in_mode_replay(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    real = Unit(dict.fromkeys(range(7), 1))
    async with serving({1: real}) as device, playing(at(file, UNENDING)) as play:
        written = configured(tmp_path / "gw", broker, play)
        changed = yaml.safe_load(written.read_text())
        changed["buses"][1]["modbus"]["port"] = device.port
        written.write_text(yaml.safe_dump(changed))
        async with running(load_gateway(written)):
            await until(lambda: "no answer from the replay" in caplog.text)
            assert play.source.standing(is_followed=False).step == 0
    assert real.asked == 0
    assert cloud.readings == []


async def test_what_an_earlier_replay_remembered_has_no_say(
    tmp_path: Path, broker: Broker, cloud: Cloud, file: Path
) -> None:
    async with playing(at(file, UNENDING)) as play:
        play.source.go_steps(20)
        gateway = load_gateway(configured(tmp_path / "gw", broker, play))
        async with running(gateway):
            await until(lambda: play.source.standing(is_followed=True).step == 19)
            await until(lambda: any(a.change == "raised" for a in cloud.alarms))
    before = {a.episode for a in cloud.alarms}
    async with playing(at(file, UNENDING)) as play:
        again = _on_ports(gateway, play)
        async with running(again):
            await until(lambda: _has_ended(play))
    ended = {a.episode for a in cloud.alarms if a.change == "cleared"}
    assert before <= ended
    assert sorted(Judged.of(a) for a in cloud.alarms if a.episode not in before) == directly(
        gateway, a_history()
    )


def _on_ports(gateway: Gateway, play: Playing) -> Gateway:
    """The same gateway, for a replay that listens elsewhere."""
    buses = [
        msgspec.structs.replace(bus, modbus=msgspec.structs.replace(bus.modbus, port=play.ports[bus.name]))
        for bus in gateway.buses
    ]
    return msgspec.structs.replace(gateway, buses=tuple(buses))


@pytest.mark.parametrize("pack", sorted(PACKS.glob("*.swpack")), ids=lambda pack: pack.stem)
async def test_a_case_pack_gives_its_alarms_also_through_registers_and_a_real_gateway(
    tmp_path: Path, broker: Broker, pack: Path
) -> None:
    opened = open_pack(pack)
    _, cloud = await placed(tmp_path, broker, opened.history)
    found: dict[str, tuple[Any, ...]] = {}
    for alarm in sorted(cloud.alarms, key=lambda alarm: alarm.at):
        found[alarm.episode] = (alarm.point, alarm.rule, alarm.level, alarm.raised_at, alarm.cleared_at)
    expected = [(e.point, e.rule, e.level, e.raised_at, e.cleared_at) for e in opened.expected]
    assert sorted(found.values(), key=str) == sorted(expected, key=str)
