"""Clients that only listen and note when things arrive: one on the broker, one on the live stream."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.demo.rights import OBSERVER
from sitewarden import topics
from sitewarden.errors import MessageError, SiteWardenError
from sitewarden.messages import Alarm, Receipt, decode

_DONE = (http.client.OK, http.client.CREATED)


def now_ms() -> int:
    """Wall clock, UTC ms."""
    return time.time_ns() // 1_000_000


class BrokerListener:
    """Sees every message.

    `receipts` holds, by episode, when the cloud's receipt for the raise of a hazardous alarm arrived.
    """

    def __init__(self, host: str, port: int, password: str) -> None:
        """Logs in as the observer."""
        self.receipts: dict[str, int] = {}
        self.alarms: dict[tuple[str, int], Alarm] = {}
        """By boot and seq, as sent."""
        self.failures: list[str] = []
        """Messages that could not be understood."""
        self._address = host, port
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="observer")
        self._client.username_pw_set(OBSERVER, password)
        self._client.on_connect = lambda client, *_: client.subscribe("sw/1/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _, __, message: self.hear(
            message.topic, bytes(message.payload), now_ms()
        )

    def start(self) -> None:
        """Connect and listen; raises `SiteWardenError` where that is not allowed."""
        self._client.connect(*self._address)
        self._client.loop_start()
        if not self._subscribed.wait(10.0):
            raise SiteWardenError("the broker did not let the observer listen")

    def stop(self) -> None:
        """Disconnect; may be called twice."""
        self._client.disconnect()
        self._client.loop_stop()

    def hear(self, topic: str, body: bytes, at_ms: int) -> None:
        """Take a message that arrived at `at_ms`."""
        try:
            channel = topics.parse(topic).channel
            if channel == "alarms":
                alarm = decode(body, Alarm)
                self.alarms[alarm.boot, alarm.seq] = alarm
            elif channel == "receipts":
                self._note_receipt(decode(body, Receipt), at_ms)
        except MessageError as exc:
            self.failures.append(f"{topic}: {exc}")

    def _note_receipt(self, receipt: Receipt, at_ms: int) -> None:
        if receipt.lane != "alarms":
            return
        for first, last in receipt.seqs:
            for seq in range(first, last + 1):
                alarm = self.alarms.get((receipt.boot, seq))
                if alarm is not None and alarm.change == "raised" and alarm.hazard is not None:
                    self.receipts.setdefault(alarm.episode, at_ms)


class PageListener:
    """Follows a site's live stream as a page does; `with` connects and ends it.

    `raised` holds, by episode, when the event of its first appearance arrived.
    """

    def __init__(self, client: "ApiClient", site: str) -> None:
        """`client` is signed in."""
        self.raised: dict[str, int] = {}
        self.events: dict[str, int] = {}
        """How many came, by kind."""
        self.failure: str | None = None
        self.status = 0
        self._client, self._path = client, f"/api/v1/sites/{site}/live"
        self._connection: http.client.HTTPConnection | None = None
        self._ended = threading.Event()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="sse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait(10.0)
        if self.status != http.client.OK:
            raise SiteWardenError(f"the live stream did not open: {self.failure or 'no answer'}")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(5.0)

    def join(self, timeout_s: float) -> None:
        """Wait until the stream has ended."""
        self._thread.join(timeout_s)

    def _follow(self) -> None:
        try:
            self._connection, answer = self._client.open(self._path, timeout_s=30.0)
            self.status = answer.status
            if self.status != http.client.OK:
                self.failure = f"status {self.status}"
                return
            self._opened.set()
            for kind, data in events(line.decode("utf-8") for line in answer):
                self.take(kind, data, now_ms())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            if not self._ended.is_set():
                self.failure = repr(exc)
        finally:
            self._opened.set()

    def take(self, kind: str, data: str, at_ms: int) -> None:
        """Take an event that arrived at `at_ms`."""
        self.events[kind] = self.events.get(kind, 0) + 1
        if kind == "alarm":
            self.raised.setdefault(plain(json.loads(data)["id"]), at_ms)


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(kind, data) of a text/event-stream."""
    kind = "message"
    data: list[str] = []
    for line in lines:
        match line.rstrip("\r\n").partition(":"):
            case ("", "", ""):
                if data:
                    yield kind, "\n".join(data)
                kind, data = "message", []
            case ("event", _, value):
                kind = value.removeprefix(" ")
            case ("data", _, value):
                data.append(value.removeprefix(" "))


def plain(episode: str) -> str:
    """An episode's id without the dashes that some put into it."""
    return episode.replace("-", "")


class ApiClient:
    """The cloud's HTTP interface, as a viewer of the demo or as whoever signs in."""

    def __init__(self, host: str, port: int) -> None:
        """Not signed in yet."""
        self._address = host, port
        self._cookie = ""

    def sign_in_to_demo(self) -> None:
        """Sign in as a viewer on this machine may in a demo."""
        self.sign_in("/session/demo")

    def sign_in(self, path: str, body: Any = None) -> None:
        """Keep the session that a POST opens; raises `SiteWardenError` where it opens none."""
        connection, answer = self.open(f"/api/v1{path}", method="POST", body=body)
        with_cookie = answer.getheader("Set-Cookie") or ""
        answer.read()
        connection.close()
        if answer.status >= http.client.BAD_REQUEST or not with_cookie:
            raise SiteWardenError(f"the demo does not let us in: {path}: status {answer.status}")
        self._cookie = with_cookie.partition(";")[0]

    def get(self, path: str) -> Any:
        """The JSON at `path` under /api/v1; raises `SiteWardenError` where there is none."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """The JSON that answers; raises `SiteWardenError` at a refusal. `version` is of what is changed."""
        connection, answer = self.open(f"/api/v1{path}", method=method, body=body, version=version)
        text = answer.read()
        connection.close()
        if answer.status not in _DONE:
            raise SiteWardenError(f"{path}: status {answer.status}: {text[:200].decode(errors='replace')}")
        return json.loads(text)

    def items(self, path: str) -> Iterator[Any]:
        """Every item of a list, page by page."""
        after = ""
        while True:
            page = self.get(f"{path}{after}")
            yield from page["items"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    def open(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Any = None,
        version: int | None = None,
        timeout_s: float = 20.0,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send a request; the caller closes the connection."""
        connection = http.client.HTTPConnection(*self._address, timeout=timeout_s)
        headers = {"Accept": "text/event-stream" if path.endswith("/live") else "application/json"}
        if self._cookie:
            headers["Cookie"] = self._cookie
        if method != "GET":
            headers["Origin"] = f"http://{self._address[0]}:{self._address[1]}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection, connection.getresponse()
