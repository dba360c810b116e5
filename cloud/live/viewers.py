"""What waits for each viewer: bounded, newest wins, so that a slow one costs nothing and delays nobody."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from cloud.sites.model import Gateway
from cloud.sites.service import device_of, is_among, narrowed

Devices = frozenset[str] | None

MAX_EVENTS = 256
"""Waiting for one viewer; beyond it they are dropped and read from the database when the viewer is ready."""


class LiveEvent(msgspec.Struct, frozen=True):
    """An event as it goes out."""

    id: int
    frame: bytes
    device: str | None
    """That it is of."""


class Viewer:
    """One open stream."""

    def __init__(self, site: str, last_id: int, devices: Devices = None) -> None:
        """`last_id` is the newest event that the viewer has; `devices`: those that it may see, or all."""
        self.site, self.last_id, self.devices = site, last_id, devices
        self.values: dict[str, Any] = {}
        self.gateways: dict[str, Gateway] = {}
        self.events: deque[LiveEvent] = deque()
        self.is_behind = False
        """Whether events were dropped and must be read from the database."""
        self._woken = asyncio.Event()

    def offer_event(self, event: LiveEvent) -> None:
        """Something happened."""
        if self.is_behind or not is_among(event.device, self.devices):
            return
        if len(self.events) >= MAX_EVENTS:
            self.events.clear()
            self.is_behind = True
        else:
            self.events.append(event)
        self._woken.set()

    def offer_values(self, values: dict[str, Any]) -> None:
        """Points have new values; a value not yet sent is replaced."""
        if seen := self.seen_values(values):
            self.values.update(seen)
            self._woken.set()

    def offer_gateway(self, gateway: Gateway) -> None:
        """A gateway has changed."""
        self.gateways[gateway.id] = narrowed(gateway, self.devices)
        self._woken.set()

    def seen_values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Those of points that the viewer may see."""
        if self.devices is None:
            return values
        return {point: value for point, value in values.items() if device_of(point) in self.devices}

    def wake(self) -> None:
        """Look up, the stream is to end."""
        self._woken.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether something came within the time."""
        try:
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def take(self) -> tuple[list[LiveEvent], dict[str, Any], list[Gateway]]:
        """Everything that waits: events in order, values, gateways."""
        events = [event for event in self.events if event.id > self.last_id]
        values, gateways = self.values, list(self.gateways.values())
        self.events.clear()
        self.values, self.gateways = {}, {}
        return events, values, gateways
