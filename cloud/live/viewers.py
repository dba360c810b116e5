"""What waits for each viewer: bounded, newest wins, so that a slow one costs nothing and delays nobody."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from cloud.live.frames import frame, values_frame
from cloud.metrics import web as metrics
from cloud.sites.model import Gateway
from cloud.sites.service import device_of, is_among, narrowed

Devices = frozenset[str] | None

MAX_EVENTS = 256
"""Waiting for one viewer; beyond it they are dropped and read from the database when the viewer is ready."""


def clock_s() -> float:
    """That of the event loop."""
    return asyncio.get_running_loop().time()


class LiveEvent(msgspec.Struct, frozen=True):
    """An event as it goes out."""

    id: int
    frame: bytes
    device: str | None
    """That it is of."""


class Seen(msgspec.Struct, frozen=True):
    """Values as they go out to whoever sees just these."""

    values: dict[str, Any]
    frame: bytes


class Change:
    """What of a site's values has changed at once; encoded once for all viewers that see the same of it."""

    def __init__(self, values: dict[str, Any], now_ms: int) -> None:
        """`now_ms`: the instant that ages are judged against."""
        self.now_ms, self._values = now_ms, values
        self._seen: dict[Devices, Seen] = {}

    def seen_by(self, devices: Devices) -> Seen:
        """What is of these devices, or all of it."""
        if devices not in self._seen:
            values = values_of(self._values, devices)
            self._seen[devices] = Seen(values, values_frame(self.now_ms, values))
        return self._seen[devices]


class News:
    """A gateway as it has become; encoded once for all viewers that see the same of it."""

    def __init__(self, gateway: Gateway) -> None:
        """Of all devices."""
        self.gateway = gateway
        self._seen: dict[Devices, bytes] = {}

    def seen_by(self, devices: Devices) -> bytes:
        """As whoever sees these devices may see it."""
        if devices not in self._seen:
            seen = narrowed(self.gateway, devices)
            self._seen[devices] = frame("gateway", seen.model_dump_json().encode())
        return self._seen[devices]


def values_of(values: dict[str, Any], devices: Devices) -> dict[str, Any]:
    """Those of these devices' points."""
    if devices is None:
        return values
    return {point: value for point, value in values.items() if device_of(point) in devices}


class Viewer:
    """One open stream."""

    def __init__(self, site: str, last_id: int, devices: Devices = None) -> None:
        """`last_id` is the newest event that the viewer has; `devices`: those that it may see, or all."""
        self.site, self.last_id, self.devices = site, last_id, devices
        self._seen: Seen | None = None
        """Of one change, and nothing else waits."""
        self._values: dict[str, Any] = {}
        self._values_now_ms = 0
        self._gateways: dict[str, bytes] = {}
        self.events: deque[LiveEvent] = deque()
        self.is_behind = False
        """Whether events were dropped and must be read from the database."""
        self._woken = asyncio.Event()

    def offer_event(self, event: LiveEvent) -> None:
        """Something happened."""
        if self.is_behind or not is_among(event.device, self.devices):
            return
        if len(self.events) >= MAX_EVENTS:
            metrics.note_dropped(len(self.events) + 1)
            self.fall_behind()
        else:
            self.events.append(event)
            self._woken.set()

    def offer_change(self, change: Change) -> None:
        """Points have new values; a value not yet sent is replaced."""
        seen = change.seen_by(self.devices)
        if not seen.values:
            return
        if self._seen is None and not self._values:
            self._seen = seen
        else:
            # What is shared with others stays as it is.
            self._values |= (self._seen.values if self._seen else {}) | seen.values
            self._seen, self._values_now_ms = None, change.now_ms
        self._woken.set()

    def offer_gateway(self, news: News) -> None:
        """A gateway has changed."""
        self._gateways[news.gateway.id] = news.seen_by(self.devices)
        self._woken.set()

    def fall_behind(self) -> None:
        """Whatever happened since its last event is to be read from the database."""
        self.events.clear()
        self.is_behind = True
        self._woken.set()

    def wake(self) -> None:
        """Look up, the stream is to end."""
        self._woken.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether something came within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def take(self) -> bytes:
        """Everything that waits: events in order, values, gateways."""
        events = [event for event in self.events if event.id > self.last_id]
        if events:
            self.last_id = events[-1].id
        parts = [event.frame for event in events]
        if self._seen is not None:
            parts.append(self._seen.frame)
        elif self._values:
            parts.append(values_frame(self._values_now_ms, self._values))
        parts += self._gateways.values()
        self.events.clear()
        self._seen, self._values, self._gateways = None, {}, {}
        return b"".join(parts)
