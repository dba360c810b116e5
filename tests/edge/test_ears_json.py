"""JSON of devices over a real broker and over HTTP: gates, positions, and who may say them."""

import asyncio
import contextlib
import http.client
import json
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from edge import listening as listening_module
from edge.drivers.rims import listen
from edge.listening import EarTask
from sitewarden.errors import ConfigurationError
from tests.edge.speaking import GATE, TAGS, TOKEN, Came, Heard, ear_of, listening, local
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE_S, ended, until

EAST, SITE_TAGS = "sw/1/live/devices/one/up/gate", "sw/1/live/devices/one/up/tags"
OTHER_TOKEN = "fedcba9876543210"
PUSH = {"http_push": {"listen": "127.0.0.1:0", "max_body_bytes": 2048}}


def body(direction: str, number: str, ago_s: float = 0.0) -> bytes:
    at = f"{local(ago_s):%Y-%m-%dT%H:%M:%S}+08:00"
    return json.dumps({"event_id": number, "time": at, "direction": direction, "person_ref": "17"}).encode()


def tags(*zones: str) -> bytes:
    at = f"{local():%Y-%m-%dT%H:%M:%S.%f}+08:00"
    return json.dumps({"time": at, "tags": [{"id": str(i), "zone": z} for i, z in enumerate(zones)]}).encode()


@contextlib.asynccontextmanager
async def pushing(folder: Path, gateway: dict[str, Any]) -> AsyncIterator[Heard]:
    for name, token in (("east", TOKEN), ("tags", OTHER_TOKEN)):
        file = folder / name
        file.write_text(f"{token}\n")
        file.chmod(0o600)
    devices = [{**GATE, "token_file": "east"}, {**TAGS, "token_file": "tags"}]
    async with listening(ear_of(folder, gateway, {**PUSH, "devices": devices})) as heard:
        yield heard


async def post(
    port: int, path: str, data: bytes, token: str | None = TOKEN, headers: dict[str, str] | None = None
) -> int:
    def exchange() -> int:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            allowed = {} if token is None else {"Authorization": f"Bearer {token}"}
            line.request("POST", path, data, {**allowed, **(headers or {})})
            answer = line.getresponse()
            answer.read()
            return answer.status
        finally:
            line.close()

    return await asyncio.to_thread(exchange)


async def test_a_gate_pushes_its_passages(tmp_path: Path, gateway_dict: dict[str, Any]) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:
        assert await post(ear.port, "/push/east", body("in", "e-1")) == 204
        assert await post(ear.port, "/push/east", body("out", "e-2")) == 204
        assert await post(ear.port, "/push/tags", tags("pit", "pit", "yard"), OTHER_TOKEN) == 204
        assert ear.came.values("gate-1/passage") == [1, -1]
        assert ear.came.values("people-1/pit") == [2]
        assert ear.came.values("people-1/inside") == [3]


async def test_an_event_that_is_pushed_twice_counts_once(
    tmp_path: Path, gateway_dict: dict[str, Any]
) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:
        same = body("in", "e-1")
        for _ in range(2):
            assert await post(ear.port, "/push/east", same) == 204
        assert ear.came.values("gate-1/passage") == [1]
        assert ear.traffic.late == 1


async def test_two_people_who_pass_in_the_same_second_are_two(
    tmp_path: Path, gateway_dict: dict[str, Any]
) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:
        at = f"{local():%Y-%m-%dT%H:%M:%S}+08:00"
        for number in ("e-1", "e-2"):
            text = json.dumps({"event_id": number, "time": at, "direction": "in"}).encode()
            assert await post(ear.port, "/push/east", text) == 204
        assert ear.came.values("gate-1/passage") == [1, 1]


async def test_only_the_device_itself_may_speak_for_it_and_its_token_is_never_told(
    tmp_path: Path, gateway_dict: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with pushing(tmp_path, gateway_dict) as ear:
        for path, token in (
            ("/push/east", None),
            ("/push/east", ""),
            ("/push/east", OTHER_TOKEN),
            ("/push/east", TOKEN + "x"),
            ("/push/west", TOKEN),
        ):
            assert await post(ear.port, path, body("in", "e-1"), token) == 401
        assert await post(ear.port, "/push/east", b"x", None, {"Authorization": f"Basic {TOKEN}"}) == 401
        assert ear.came.live == []
        assert ear.traffic.exceptions == 6
        assert "refused bus=ear identity='east': unknown, or a wrong token" in caplog.text
        assert TOKEN not in caplog.text
        assert OTHER_TOKEN not in caplog.text
        assert TOKEN not in str(ear.task.traffic)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/push",
        "/push/",
        "/push/east/",
        "/push/../push/east",
        "/push/%65ast",
        "/push/east?a=1",
    ],
)
async def test_there_is_one_path_a_device_and_no_way_around(
    tmp_path: Path, gateway_dict: dict[str, Any], path: str
) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:
        assert await post(ear.port, path, body("in", "e-1")) == 404
        assert ear.came.live == []


async def test_bodies_are_of_a_decent_size_and_are_json(tmp_path: Path, gateway_dict: dict[str, Any]) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:
        assert await post(ear.port, "/push/east", b"x" * 2049) == 413
        assert await post(ear.port, "/push/east", b"", headers={"Content-Length": "-1"}) == 411
        assert await post(ear.port, "/push/east", b"", headers={"Content-Length": "1_0"}) == 411
        assert await post(ear.port, "/push/east", b"{") == 422
        assert await post(ear.port, "/push/east", b'{"other": 1}') == 422
        assert ear.traffic.broken == 2
        assert ear.came.live == []


async def test_whoever_sends_without_end_is_not_read_without_end(
    tmp_path: Path, gateway_dict: dict[str, Any]
) -> None:
    async with pushing(tmp_path, gateway_dict) as ear:

        def flood() -> int:
            sent = 0
            with socket.create_connection(("127.0.0.1", ear.port), timeout=PATIENCE_S) as line:
                line.sendall(b"POST /push/east HTTP/1.1\r\n")
                with contextlib.suppress(OSError):
                    while sent < 10_000_000:
                        sent += line.send(b"X-Filler: " + b"x" * 1000 + b"\r\n")
            return sent

        assert await asyncio.to_thread(flood) < 10_000_000
        assert await post(ear.port, "/push/east", body("in", "e-1")) == 204


async def test_a_push_without_a_token_file_is_refused_when_the_file_is_read(
    tmp_path: Path, gateway_dict: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="could say what they like"):
        ear_of(tmp_path, gateway_dict, {**PUSH, "devices": [GATE]})
    short = tmp_path / "short"
    short.write_text("secret\n")
    short.chmod(0o600)
    with pytest.raises(ConfigurationError, match="6 characters"):
        ear_of(tmp_path, gateway_dict, {**PUSH, "devices": [{**GATE, "token_file": "short"}]})


@contextlib.asynccontextmanager
async def subscribed(folder: Path, gateway: dict[str, Any], broker: Broker) -> AsyncIterator[Heard]:
    secret = folder / "broker-password"
    secret.write_text(broker.cloud.password)
    secret.chmod(0o600)
    way = {
        "host": broker.host,
        "port": broker.port,
        "username": broker.cloud.username,
        "password_file": secret.name,
        "max_body_bytes": 2048,
    }
    devices = [{**GATE, "identity": EAST}, {**TAGS, "identity": SITE_TAGS}]
    async with listening(ear_of(folder, gateway, {"mqtt_json": way, "devices": devices})) as heard:
        yield heard


@contextlib.asynccontextmanager
async def publisher(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    user = broker.add_user("devices/one")
    async with aiomqtt.Client(
        broker.host, broker.port, username=user.username, password=user.password
    ) as client:
        yield client


async def test_devices_publish_on_a_broker_of_the_site(
    tmp_path: Path, gateway_dict: dict[str, Any], broker: Broker
) -> None:
    async with publisher(broker) as device, subscribed(tmp_path, gateway_dict, broker) as ear:
        await until(lambda: ear.task._present)
        await device.publish(EAST, body("in", "e-1"), qos=1)
        await device.publish(SITE_TAGS, tags("shaft"), qos=1)
        await until(lambda: ear.came.values("people-1/shaft"))
        assert ear.came.values("gate-1/passage") == [1]
        assert ear.came.values("people-1/shaft") == [1]


async def test_bodies_that_are_too_large_or_no_json_are_counted_and_the_next_one_is_heard(
    tmp_path: Path, gateway_dict: dict[str, Any], broker: Broker
) -> None:
    async with publisher(broker) as device, subscribed(tmp_path, gateway_dict, broker) as ear:
        await until(lambda: ear.task._present)
        for text in (b"x" * 3000, b"\x00\xff", b"", body("in", "e-1")):
            await device.publish(EAST, text, qos=1)
        await until(lambda: ear.came.values("gate-1/passage"))
        assert ear.traffic.exceptions == 1
        assert ear.traffic.broken == 2


async def test_what_a_broker_had_kept_is_judged_by_its_own_instant(
    tmp_path: Path, gateway_dict: dict[str, Any], broker: Broker
) -> None:
    async with publisher(broker) as device:
        await device.publish(EAST, body("in", "e-0", ago_s=86_400), qos=1, retain=True)
        async with subscribed(tmp_path, gateway_dict, broker) as ear:
            await until(lambda: ear.came.live)
            assert ear.came.of("gate-1/passage") == [(None, "clock")]
        await device.publish(EAST, b"", qos=1, retain=True)


async def test_a_certificate_that_is_none_ends_nobody_and_is_told(
    tmp_path: Path, gateway_dict: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate\n")
    way = {"host": "127.0.0.1", "port": 1, "ca_file": "ca.pem"}
    ear = ear_of(tmp_path, gateway_dict, {"mqtt_json": way, "devices": [{**GATE, "identity": EAST}]})
    came = Came()
    hearing = EarTask(ear, came.take, lambda _: 0, past=came.take_past, clock_state=lambda: "synced")
    task = asyncio.create_task(listen(ear, hearing))
    await until(lambda: "nobody listens bus=ear" in caplog.text)
    assert not task.done()
    await ended(task)


async def test_without_its_broker_the_ear_tries_on_and_its_devices_are_disconnected(
    tmp_path: Path, gateway_dict: dict[str, Any], fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_module, "LOOK_S", 0.02)
    fresh_broker.add_user("devices/one")
    async with subscribed(tmp_path, gateway_dict, fresh_broker) as ear:
        await until(lambda: ear.task._present)
        fresh_broker.stop()
        for speaker in ear.task.units:
            speaker._stale_s = dict.fromkeys(speaker._stale_s, 0.1)
        await until(lambda: (None, "disconnected") in ear.came.of("people-1/pit"))
        fresh_broker.start()
        await until(lambda: ear.task._present)
        async with publisher(fresh_broker) as device:
            await device.publish(SITE_TAGS, tags("pit"), qos=1)
            await until(lambda: (1, "good") in ear.came.of("people-1/pit"))
