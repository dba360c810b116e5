"""What waits for each viewer: bounded, newest wins, so that a slow one costs nothing and delays nobody."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from cloud.sites.model import Gateway

MAX_EVENTS = 256
"""Waiting for one viewer; beyond it they are dropped and read from the database when the viewer is ready."""


class LiveEvent(msgspec.Struct, frozen=True):
    """An event as it goes out."""

    id: int
    frame: bytes


class Viewer:
    """One open stream."""

    def __init__(self, site: str, last_id: int) -> None:
        """`last_id` is the newest event that the viewer has."""
        self.site, self.last_id = site, last_id
        self.values: dict[str, Any] = {}
        self.gateways: dict[str, Gateway] = {}
        self.events: deque[LiveEvent] = deque()
        self.is_behind = False
        """Whether events were dropped and must be read from the database."""
        self._woken = asyncio.Event()

    def offer_event(self, event: LiveEvent) -> None:
        """Something happened."""
        if self.is_behind:
            return
        if len(self.events) >= MAX_EVENTS:
            self.events.clear()
            self.is_behind = True
        else:
            self.events.append(event)
        self._woken.set()

    def offer_values(self, values: dict[str, Any]) -> None:
        """Points have new values; a value not yet sent is replaced."""
        self.values.update(values)
        self._woken.set()

    def offer_gateway(self, gateway: Gateway) -> None:
        """A gateway has changed."""
        self.gateways[gateway.id] = gateway
        self._woken.set()

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
