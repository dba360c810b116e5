"""Reads that are none of a bus's polls, made between them: when there is time for one, and for how long."""

import asyncio
import math
from collections.abc import Iterable
from typing import NamedTuple

from edge.drivers import Answer, Link, Request, Traffic
from sitewarden.quality import Quality

REST = 4
"""After an errand there is none for so many times as long as it held the bus: they get a fifth."""
LEAST_WAIT_S = 0.03
"""Nobody is asked who would have less time than this to answer."""
CAUTION = 0.5
"""Of the spare time an errand uses so much at most: nor may a gateway that is busy make a poll late."""
_GONE = Answer((), Quality.DISCONNECTED, "nobody reads this bus any more", is_silence=True)


class Job(NamedTuple):
    """What the bus has to do in any case."""

    deadline: float
    took_s: float
    """So long it held the bus the last time."""


def spare_s(jobs: Iterable[Job], now: float) -> float:
    """How long somebody else may hold the bus so that all of these can still be done by their deadlines."""
    latest = math.inf
    for deadline, took_s in sorted(jobs, reverse=True):
        latest = min(latest, deadline) - took_s
    return latest - now


class Errand(NamedTuple):
    """One read."""

    unit: int
    request: Request
    timeout_s: float
    """It waits no longer than this, and than the polls leave."""
    counted: Traffic
    """What it makes the line carry is counted here too."""
    answer: asyncio.Future[Answer]


class Errands:
    """Whoever has errands on a bus, one at a time; the bus says when."""

    def __init__(self, link: Link) -> None:
        """Nobody has any."""
        self._link = link
        self._waiting: Errand | None = None
        self._is_over = False
        self._from = 0.0
        """None is made before."""

    def put(self, unit: int, request: Request, timeout_s: float, counted: Traffic) -> asyncio.Future[Answer]:
        """Have a read made; another that waits is given up for it."""
        self._give_up()
        answer = asyncio.get_running_loop().create_future()
        self._waiting = Errand(unit, request, timeout_s, counted, answer)
        if self._is_over:
            self._give_up()
        return answer

    def end(self) -> None:
        """Nobody reads the bus any more, whoever waits or comes later is told."""
        self._is_over = True
        self._give_up()

    def _give_up(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(_GONE)

    def next_at(self) -> float:
        """When the next may be made, on the loop's clock."""
        is_wanted = self._waiting is not None and not self._waiting.answer.done()
        return self._from if is_wanted else math.inf

    def unit(self) -> int | None:
        """Who would be asked next."""
        return None if self._waiting is None else self._waiting.unit

    def wait_s(self, spare: float) -> float | None:
        """How long the next may wait for its answer, of so much spare time; `None`: it must not begin."""
        if self._waiting is None:
            return None
        _, request, timeout_s, _, _ = self._waiting
        left_s = spare - self._link.wire_s(request) - self._link.quiet_left_s() - self._link.quiet_s
        return None if left_s < min(LEAST_WAIT_S, timeout_s) else min(timeout_s, left_s)

    def held_s(self, wait_s: float) -> float:
        """How long the next may hold the bus in all."""
        assert self._waiting is not None  # noqa: S101  `wait_s` has said that there is one
        return wait_s + self._link.wire_s(self._waiting.request) + 2 * self._link.quiet_s

    async def make(self, wait_s: float) -> float:
        """Make the next; how long it held the bus."""
        errand, self._waiting = self._waiting, None
        assert errand is not None  # noqa: S101  as above
        traffic = self._link.traffic
        late, broken = traffic.late, traffic.broken
        try:
            answer = await self._link.read(errand.unit, errand.request, wait_s)
        except BaseException:
            if not errand.answer.done():
                errand.answer.set_result(_GONE)
            raise
        took_s = answer.answered_at - answer.asked_at + (self._link.quiet_s if answer.is_silence else 0.0)
        self._from = asyncio.get_running_loop().time() + REST * took_s
        errand.counted.requests += 1
        errand.counted.timeouts += answer.quality is Quality.TIMEOUT
        errand.counted.late += traffic.late - late
        errand.counted.broken += traffic.broken - broken
        if answer.quality is Quality.TIMEOUT and wait_s < errand.timeout_s:
            detail = f"no answer within {1000 * wait_s:.0f} ms, which is what the polls of the bus leave"
            answer = answer._replace(detail=detail)
        if not errand.answer.done():
            errand.answer.set_result(answer)
        return took_s
