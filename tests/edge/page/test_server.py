"""The page's server over real sockets: what it serves, whom it refuses, and that it holds up no loop."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge import boundedserver
from edge.config import Page
from edge.outputs import OutputsBusyError
from edge.page import server as module
from edge.page.board import SirenNow, Snapshot
from edge.page.server import CONNECTIONS, FREE_TRIES, PageServer, PinGuard, serve
from sitewarden.messages import Alarm, Shelf
from tests.edge.test_outputs import alarm
from tests.support.waiting import PATIENCE_S, until

EPISODE, OTHER = "a" * 32, "b" * 32
ALL = {"episodes": [EPISODE]}
OURS = {"X-SiteWarden": "page"}


class Agent:
    """Stands for the agent; remembers what the page had it do."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.is_busy = False

    def snapshot(self) -> Snapshot:
        return Snapshot(
            site="s",
            gateway="g",
            mode="live",
            at_ms=1,
            clock="synced",
            needs_pin=False,
            points=[],
            alarms=[],
            siren=SirenNow(siren="off", lamp="off", is_testing=False, failed=0),
            shelved=[],
            health={},
        )

    def acknowledge(self, episode: str, by: str) -> list[Alarm]:
        self.done.append((episode, by, threading.current_thread() is threading.main_thread()))
        return [alarm(3)] if episode == EPISODE else []

    def shelve(self, shelf: Shelf) -> bool:
        self.done.append(shelf)
        return shelf.rule == "known"

    def test_outputs(self) -> None:
        if self.is_busy:
            raise OutputsBusyError("busy")
        self.done.append("test")


@contextlib.asynccontextmanager
async def serving(pin: str | None = None) -> AsyncIterator[tuple[PageServer, Agent]]:
    agent = Agent()
    server = PageServer(Page(host="127.0.0.1", port=0, pin=pin), agent)
    try:
        yield server, agent
    finally:
        server.close()


def exchange(
    port: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, sent, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


async def ask(server: PageServer, *asked: Any, **how: Any) -> tuple[int, http.client.HTTPMessage, bytes]:
    return await asyncio.to_thread(exchange, server.port, *asked, **how)


async def post(server: PageServer, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    status, _, answer = await ask(server, "POST", path, body={} if body is None else body, headers=headers)
    return status, json.loads(answer)


async def test_it_serves_the_page_and_a_snapshot_and_nothing_from_elsewhere() -> None:
    async with serving() as (server, _):
        for path in ("/", "/page.css", "/page.js", "/words.js", "/icon.svg", "/snapshot.json"):
            status, headers, body = await ask(server, "GET", path)
            assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert b"https://" not in body
        assert json.loads(body)["site"] == "s"
        for path in ("/etc/passwd", "/../server.py", "/server.py", "/acknowledge"):
            assert (await ask(server, "GET", path))[0] == 404


async def test_it_acknowledges_the_alarms_that_are_named_in_the_loop_of_the_agent() -> None:
    async with serving() as (server, agent):
        named = {"episodes": [EPISODE, OTHER]}
        assert await post(server, "/acknowledge", named, **OURS) == (200, {"acknowledged": ["0" * 32]})
        assert await post(server, "/acknowledge", {}, **OURS) == (200, {"acknowledged": []})
        assert agent.done == [(EPISODE, "local", True), (OTHER, "local", True)]


async def test_an_alarm_is_shelved_with_a_reason_and_by_whoever_is_on_site() -> None:
    async with serving() as (server, agent):
        shelf = {
            "point": "crane-1/load",
            "rule": "known",
            "until": 5,
            "by": "somebody",
            "reason": "calibrating",
            "request": "a" * 32,
        }
        assert await post(server, "/shelve", {"shelf": shelf}, **OURS) == (200, {"shelved": True})
        assert [(one.by, one.reason, one.request) for one in agent.done] == [("local", "calibrating", None)]
        assert (await post(server, "/shelve", {"shelf": {**shelf, "reason": " "}}, **OURS))[0] == 400
        assert (await post(server, "/shelve", {"shelf": {**shelf, "rule": "gone"}}, **OURS))[0] == 404


async def test_outputs_are_tested_unless_they_are_busy() -> None:
    async with serving() as (server, agent):
        assert (await post(server, "/test-outputs", **OURS))[0] == 200
        agent.is_busy = True
        assert await post(server, "/test-outputs", **OURS) == (409, {"error": "outputs-busy", "wait_s": 0.0})
        assert agent.done == ["test"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-SiteWarden": "other"}, 403),
        ({**OURS, "Origin": "http://evil.example"}, 403),
        ({**OURS, "Origin": "null"}, 403),
        ({**OURS, "Host": "evil.example:8089"}, 421),
        ({**OURS, "Host": "[bad"}, 421),
        ({**OURS, "Host": "192.168.1.9:8089", "Origin": "http://192.168.1.9:8089"}, 200),
        ({**OURS, "Host": "localhost:8089", "Origin": "http://localhost:8089"}, 200),
    ],
)
async def test_another_sites_page_can_have_nothing_done(headers: dict[str, str], status: int) -> None:
    async with serving() as (server, agent):
        assert (await post(server, "/acknowledge", ALL, **headers))[0] == status
        assert len(agent.done) == (status == 200)


async def test_a_name_that_leads_here_from_elsewhere_reads_nothing_either() -> None:
    async with serving() as (server, _):
        status, _, body = await ask(server, "GET", "/snapshot.json", headers={"Host": "rebound.example"})
        assert (status, json.loads(body)["error"]) == (421, "unknown-host")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"episodes": ["x"]}', 400),
        (b'{"episodes": 1}', 400),
        (json.dumps({"episodes": [EPISODE] * 201}).encode(), 400),
        (b'{"other": 1}', 400),
        (b"{" * 9000, 413),
    ],
)
async def test_a_body_that_is_none_of_ours_is_refused(body: bytes, status: int) -> None:
    async with serving() as (server, agent):
        assert (await post(server, "/acknowledge", body, **OURS))[0] == status
        assert agent.done == []


async def test_a_pin_is_asked_for_and_guessing_becomes_slow() -> None:
    async with serving(pin="246810") as (server, agent):
        for path in ("/acknowledge", "/test-outputs"):
            assert await post(server, path, **OURS) == (403, {"error": "wrong-pin", "wait_s": 0.0})
        assert (await post(server, "/acknowledge", {"pin": "246810", **ALL}, **OURS))[0] == 200
        wrong = [await post(server, "/acknowledge", {"pin": "密码"}, **OURS) for _ in range(FREE_TRIES + 1)]
        assert [status for status, _ in wrong] == [403] * FREE_TRIES + [429]
        # Not even the right one is looked at before the wait is over.
        status, said = await post(server, "/acknowledge", {"pin": "246810", **ALL}, **OURS)
        assert (status, said["error"]) == (429, "wait")
        assert len(agent.done) == 1
        assert (await ask(server, "GET", "/snapshot.json"))[0] == 200


def test_each_wrong_pin_waits_longer_up_to_a_minute_and_the_right_one_ends_it() -> None:
    now = 0.0
    guard = PinGuard("246810", lambda: now)
    waits = []
    for _ in range(FREE_TRIES + 6):
        refusal = guard.refusal("x")
        assert refusal is not None
        assert refusal[0] == 403
        waits.append(refusal[1])
        now += refusal[1]
    assert waits == [0, 0, 0, 0, 5, 10, 20, 40, 60, 60, 60]
    assert guard.refusal("246810") is None
    assert guard.refusal("x") == (403, 0)


async def test_a_loop_that_has_no_time_makes_the_page_wait_and_not_the_other_way_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boundedserver, "LOOP_S", 0.05)
    async with serving() as (server, agent):
        asked: list[tuple[int, Any, bytes]] = []
        visitor = threading.Thread(
            target=lambda: asked.append(exchange(server.port, "POST", "/acknowledge", ALL, OURS))
        )
        visitor.start()
        # The loop is held up here, as by a poll that computes for long.
        visitor.join(45)
        assert asked[0][0] == 503
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert agent.done == [], "it was told that nothing was done"


async def test_visitors_that_say_nothing_neither_multiply_nor_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as (server, _):
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CONNECTIONS)]
        await until(lambda: len(server._since) == CONNECTIONS)
        # One more is turned away while the others are young …
        with pytest.raises((http.client.HTTPException, OSError)):
            await ask(server, "GET", "/")
        assert len(server._since) == CONNECTIONS
        # … and takes the place of the oldest afterwards.
        monkeypatch.setattr(boundedserver, "LONGEST_S", 0.0)
        assert (await ask(server, "GET", "/"))[0] == 200
        for line in idle:
            line.close()
        await until(lambda: not server._since)


async def test_who_takes_all_places_keeps_nobody_else_out() -> None:
    async with serving() as (server, _):
        there, here = ("127.0.0.1", server.port), ("127.0.0.2", 0)
        idle = [socket.create_connection(there, source_address=here) for _ in range(CONNECTIONS)]
        await until(lambda: len(server._since) == CONNECTIONS)
        assert (await ask(server, "GET", "/"))[0] == 200
        for line in idle:
            line.close()


async def test_a_request_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as (server, _):

        def pour() -> bytes:
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as line:
                line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
                with contextlib.suppress(OSError):
                    for _ in range(1000):
                        line.sendall(b"X-Much: " + b"x" * 1000 + b"\r\n")
                with contextlib.suppress(OSError):
                    return line.recv(100)
                return b""

        await asyncio.to_thread(pour)
        await until(lambda: not server._since)
        assert (await ask(server, "GET", "/"))[0] == 200


async def test_a_port_that_is_taken_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    caplog.set_level("INFO")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        task = asyncio.create_task(serve(Page(host="127.0.0.1", port=port, pin=None), Agent()))
        await until(lambda: "page cannot be served" in caplog.text)
    await until(lambda: "page served" in caplog.text)
    status, _, _ = await asyncio.to_thread(exchange, port, "GET", "/")
    assert status == 200
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(exchange, port, "GET", "/")
