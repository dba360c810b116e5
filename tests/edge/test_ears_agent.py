"""The whole agent with ears: from a device's frame to the siren, and what a person may have written wrong."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from edge.agent import Agent
from edge.command import describe
from edge.config import load_gateway
from edge.explain import explain, find
from edge.listening import Speaker
from sitewarden.errors import ConfigurationError
from sitewarden.messages import readings_of
from sitewarden.quality import Quality
from tests.edge.cloud import listening
from tests.edge.conftest import PACK, WriteGateway
from tests.edge.drivers.test_streams import crane_frame
from tests.edge.speaking import CRANE, GATE, STATION, local
from tests.support.broker import Broker, free_port
from tests.support.waiting import PATIENCE_S, until

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
SITE, GATEWAY = "ears", "gw-1"


def frame(load_t: float, *, kind: int = 1, ago_s: float = 0.0) -> bytes:
    """A crane with so much on its hook at 25 m, with four falls, now or so long ago."""
    data = bytearray(crane_frame("GY0017", kind, f"{local(ago_s):%y%m%d%H%M%S}"))
    data[48:50] = (2500).to_bytes(2, "little")
    data[52:54] = round(100 * load_t).to_bytes(2, "little")
    data[64] = 4
    return bytes(data)


@contextlib.asynccontextmanager
async def agent(file: Path) -> AsyncIterator[Callable[[], list[dict[str, Any]]]]:
    outputs = file.parent / "outputs.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(
        SITEWARDEN, "edge", "run", file, stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        yield (
            lambda: (
                [json.loads(line) for line in outputs.read_text().splitlines()] if outputs.exists() else []
            )
        )
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as a device does: again and again until somebody is there."""
    async with asyncio.timeout(45):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)


@pytest.mark.service
async def test_a_frame_of_an_overloaded_crane_sounds_the_siren_and_reaches_the_cloud(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path, broker: Broker
) -> None:
    port, user = free_port(), broker.add_user(f"{SITE}/{GATEWAY}")
    (tmp_path / "at-once.yaml").write_text(PACK, encoding="utf-8")
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(user.password)
    gateway_dict.update(
        site=SITE,
        gateway=GATEWAY,
        rules=["at-once.yaml"],
        broker={
            "host": broker.host,
            "port": broker.port,
            "username": user.username,
            "password_file": "secret",
        },
        buses=[
            {
                "bus": "cranes",
                "frames": {"protocol": "goyo", "listen": f"127.0.0.1:{port}"},
                "devices": [CRANE],
            }
        ],
    )
    with listening(broker, SITE, GATEWAY) as cloud:
        async with agent(write_gateway(gateway_dict)) as outputs:
            _, writer = await dial(port)
            writer.write(frame(1.0, ago_s=2) + frame(3.0, ago_s=1))
            await until(outputs)
            assert (outputs()[0]["change"], outputs()[0]["siren"]) == ("raised", "continuous")
            # What the recorder had kept is recorded, and nobody is alarmed by it.
            writer.write(frame(5.0, kind=3, ago_s=7200) + frame(1.0))
            await until(lambda: len(cloud.alarms) == 2)
            assert [alarm.change for alarm in sorted(cloud.alarms, key=lambda a: a.seq)] == [
                "raised",
                "cleared",
            ]
            await until(lambda: any(message.hist for message in cloud.readings))
            writer.close()
        kept = [message for message in cloud.readings if message.hist]
        assert [r.value for m in kept for r in readings_of(m.series, m.at) if r.point == "crane-9/load"] == [
            5.0
        ]
        live = [r for m in cloud.readings if not m.hist for r in readings_of(m.series, m.at)]
        loads = [r.value for r in live if r.point == "crane-9/load" and r.quality is Quality.GOOD]
        assert loads == [1.0, 3.0, 1.0]
        ratios = [r.value for r in live if r.point == "crane-9/load_ratio" and r.quality is Quality.GOOD]
        assert max(ratios) == pytest.approx(102.1, abs=0.2)  # type: ignore[type-var]
        (birth,) = {s.devices[0].setup.identity for s in cloud.states("online") if s.devices}
        assert birth == "GY0017"


def one(way: dict[str, Any], *devices: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda gateway: gateway.update(rules=[], buses=[{"bus": "ear", **way, "devices": list(devices)}])


LISTEN = {"listen": "127.0.0.1:9212"}
WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str, str, str]] = {
    "no way to speak": (one({}, STATION), "buses.0", "one way", "Write one of `modbus:`"),
    "two ways to speak": (
        one({"hj212": LISTEN, "http_push": LISTEN}, STATION),
        "buses.0",
        "one way",
        "Write one of",
    ),
    "no address": (one({"hj212": {"listen": "9212"}}, STATION), "buses.0.hj212.listen", "", "host:port"),
    "nobody is named": (
        one({"hj212": LISTEN}, {"device": "dust-1", "profile": "hj212-dust-noise"}),
        "buses.0.devices.0.identity",
        "is missing",
        "names itself",
    ),
    "a unit of nobody": (
        one({"hj212": LISTEN}, {**STATION, "unit": 1}),
        "buses.0.devices.0.unit",
        "nobody asks",
        "Remove",
    ),
    "the same name twice": (
        one({"hj212": LISTEN}, STATION, {**STATION, "device": "dust-2"}),
        "buses.0.devices.1.identity",
        "already a device",
        "One identity is one device",
    ),
    "a profile of another protocol": (
        one({"hj212": LISTEN}, {**GATE, "identity": "M1"}),
        "buses.0.devices.0.profile",
        "speaks JSON",
        "a bus of JSON",
    ),
    "a protocol that nobody speaks": (
        one({"frames": {**LISTEN, "protocol": "klingon"}}, CRANE),
        "buses.0.frames.protocol",
        "nobody speaks `klingon`; there are goyo",
        "install",
    ),
    "a topic of many": (
        one({"mqtt_json": {"host": "broker"}}, {**GATE, "identity": "gates/+"}),
        "buses.0.devices.0.identity",
        "no topic of one device",
        "without + and #",
    ),
    "a part of a path that leads elsewhere": (
        one({"http_push": LISTEN}, {**GATE, "identity": "../etc", "token_file": "t"}),
        "buses.0.devices.0.identity",
        "no part of a path",
        "A-Z",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_with_field_and_mend(
    name: str, gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    change, field, message, mend = WRONG[name]
    change(gateway_dict)
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(gateway_dict))
    assert refused.value.field == field
    assert message in refused.value.message
    assert mend in refused.value.mend


def test_two_buses_on_one_port_are_refused(gateway_dict: dict[str, Any], write_gateway: WriteGateway) -> None:
    second = {**STATION, "device": "dust-2", "identity": "M2"}
    gateway_dict.update(
        rules=[],
        buses=[
            {"bus": "one", "hj212": LISTEN, "devices": [STATION]},
            {"bus": "two", "hj212": LISTEN, "devices": [second]},
        ],
    )
    with pytest.raises(ConfigurationError, match="already another bus"):
        load_gateway(write_gateway(gateway_dict))


def test_a_polled_device_and_a_speaking_one_stand_side_by_side_and_are_explained(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["rules"].append("dust-noise")
    gateway_dict["buses"].append({"bus": "ear", "hj212": LISTEN, "devices": [STATION]})
    file = write_gateway(gateway_dict)
    gateway = load_gateway(file)
    assert [device.name for device in gateway.devices] == ["crane-1", "pit-1", "dust-1"]
    said = "\n".join(describe(gateway))
    assert "bus ear: HJ 212 on 127.0.0.1:9212" in said
    assert "device dust-1: hj212-dust-noise, identity M1, speaks by itself" in said
    told = "\n".join(explain(find(gateway, "dust-1/pm10", file)))
    assert "a34002-Rtd" in told
    assert "identity M1 of bus ear" in told
    assert "the device's own" in told


def test_a_replay_has_no_ears(gateway_dict: dict[str, Any], write_gateway: WriteGateway) -> None:
    one({"hj212": LISTEN}, STATION)(gateway_dict)
    gateway_dict["mode"] = "replay"
    with pytest.raises(ConfigurationError, match="a replay is served over Modbus TCP"):
        load_gateway(write_gateway(gateway_dict))


async def test_a_recorder_that_falls_silent_is_one_alarm_which_ends_when_it_speaks_again(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict.update(
        rules=["tower-crane"],
        buses=[
            {
                "bus": "cranes",
                "frames": {"protocol": "goyo", "listen": "127.0.0.1:0"},
                "devices": [{**CRANE, "interval_ms": 1000}],
            }
        ],
    )
    agent = Agent(load_gateway(write_gateway(gateway_dict)))
    try:
        (device,) = agent._gateway.ears[0].devices
        speaker, start_ms, stood = Speaker(device, 0.0), agent.clock.now_ms(), []
        for second in range(240):
            now_ms = start_ms + 1000 * second
            if not 60 <= second < 160:
                # The recorder's clock is three seconds behind, and its messages take one.
                told = speaker.decode(frame(1.0))
                dated = speaker.dated(now_ms - 4000, second, now_ms, float(second), is_past=False)
                speaker.heard([key for key, _, _ in told.values], float(second))
                agent.take(device, speaker.readings(told.values, dated, float(second)))
            agent.take(device, speaker.silence(float(second), now_ms, Quality.TIMEOUT))
            agent.tick(now_ms - 2500)
            stood.append({e.alarm.rule for e in agent._judge.episodes()})
        silent = [second for second, rules in enumerate(stood) if "crane-silent" in rules]
        assert silent == list(range(silent[0], silent[-1] + 1)), "raised once and cleared once"
        assert 60 + 25 <= silent[0] <= 60 + 40
        assert 160 <= silent[-1] <= 170
        assert set.union(*stood) == {"crane-silent"}
        assert stood[-1] == set()
    finally:
        agent.close()
