"""A device tried over the gateway's own driver: read, asked for what it lacks, cut off, found again.

At a prompt the line is the trial's alone; over the cloud it is a bus that goes on being polled beside it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from edge.config import address_of, transport_of
from edge.drivers import Answer, Link, Request, Traffic
from edge.drivers.registers import PlannedRead, halves, plan
from edge.trial.line import OPEN_S, Asked, asked, closed_again, opened
from edge.trial.target import Target
from sitewarden.errors import UnreachableError, UsageError
from sitewarden.profiles import ModbusPoint, ModbusProfile
from sitewarden.profiles.conformance import MOST_BACK_S, judged
from sitewarden.profiles.model import BIT_FUNCTIONS, WIDTHS
from sitewarden.profiles.trial import Counts, GroupTime, Look, OtherWay, Stranger, Trial
from sitewarden.quality import Quality

FIRST_TRIES = 3
"""One silence may be a lost packet."""
STRANGE_ADDRESS = 65_535
MOST_SPACING_S = 2.0
"""Between two rounds, of a profile whose own interval is longer: nobody waits an hour at a prompt."""
MOST_OTHER_WAYS = 20
"""Points that are asked for in another way."""
_OTHER_FUNCTION = {1: 2, 2: 1, 3: 4, 4: 3}

MOST_ROUNDS = 200
"""More would tell no more, and are kept until the end."""

Tell = Callable[[str], None]
"""Says how far it is."""


class Place(NamedTuple):
    """Who is tried."""

    unit: int
    timeout_s: float
    where: str
    """For people."""


class Reach(NamedTuple):
    """How far a trial goes."""

    seconds: float = 0.0
    """It reads for so long, at least one round."""
    is_asked_strange: bool = True
    """Whether it is asked for a register that it should not have."""


async def tried(profile: ModbusProfile, target: Target, seconds: float, tell: Tell) -> Trial:
    """Try a device for about `seconds`, at least one round; raises `UnreachableError`, `UsageError`."""
    transport = transport_of(target.modbus)
    if transport not in profile.modbus.transports:
        offered = ", ".join(profile.modbus.transports)
        raise UsageError(f"`{profile.profile}` does not speak Modbus over {transport}, only over {offered}")
    settle_s = profile.modbus.pause_after_connect_ms / 1000
    place = Place(
        target.unit,
        longest_s(profile, target.modbus.timeout_ms),
        f"{address_of(target.modbus)} unit {target.unit}",
    )
    async with opened(target.modbus, settle_s=settle_s) as link:
        trying = Trying(profile, place, link, tell)
        try:
            trial = await trying.read(Reach(seconds), OPEN_S + settle_s)
        except ClosedError:
            raise closed_again(target.modbus) from None
        return msgspec.structs.replace(trial, back_after_s=await trying.back(link), was_reconnected=True)


def longest_s(profile: ModbusProfile, timeout_ms: float) -> float:
    """How long a device may take to answer, on a line with such a timeout."""
    return max(timeout_ms, profile.modbus.answer_ms or 0) / 1000


class ClosedError(UnreachableError):
    """The line is not open."""


class Trying:
    """One trial under way."""

    def __init__(self, profile: ModbusProfile, place: Place, line: Asked, tell: Tell) -> None:
        """Nothing is asked yet."""
        self._profile, self._place, self._line, self._tell = profile, place, line, tell
        modbus = profile.modbus
        self._reads = {group: plan(modbus, self._points(group)) for group in profile.groups}
        self._looks: dict[str, list[Look]] = {key: [] for key in profile.points}
        self._times: dict[str, list[GroupTime]] = {group: [] for group, reads in self._reads.items() if reads}

    def _points(self, group: str) -> Iterator[tuple[str, ModbusPoint]]:
        return ((key, point) for key, point in self._profile.points.items() if point.group == group)

    async def read(self, reach: Reach, open_s: float) -> Trial:
        """Everything but a cut of the line; raises `UnreachableError` where nobody answers."""
        await self._meet(open_s)
        await self._read_for(reach.seconds)
        counts = _counts(self._line.traffic)
        others = [way async for way in self._other_ways()]
        stranger, is_well_after = await self._stranger() if reach.is_asked_strange else (None, True)
        return Trial(
            looks=self._looks,
            times=self._times,
            counts=counts,
            stranger=stranger,
            stranger_address=STRANGE_ADDRESS + self._profile.modbus.base,
            is_well_after=is_well_after,
            was_reconnected=False,
            other_ways=others,
        )

    async def _meet(self, open_s: float) -> None:
        """Raise `UnreachableError` where there is nobody to try."""
        first, where = self._first(), self._place.where
        self._tell(f"asking {where}")
        # Who measures for minutes before he answers is waited for once.
        for _ in range(1 if self._profile.modbus.answer_ms else FIRST_TRIES):
            answer = await self._ask(first.request, open_s)
            if answer.quality is Quality.DISCONNECTED:
                raise ClosedError(f"the line to {where} is not open")
            if answer.is_replay:
                raise UnreachableError(f"{where} plays a recorded history; no device is there")
            if not answer.is_silence:
                return
        raise UnreachableError(
            f"{where} does not answer ({answer.detail}); `sitewarden profiles scan` says which units do"
        )

    def _first(self) -> PlannedRead:
        return next(reads[0] for reads in self._reads.values() if reads)

    async def _ask(self, request: Request, patience_s: float = 0.0) -> Answer:
        answer = await asked(self._line, self._place.unit, request, self._place.timeout_s, patience_s)
        await asyncio.sleep(self._profile.modbus.pause_ms / 1000)
        return answer

    async def _read_for(self, seconds: float) -> None:
        """Rounds through all groups at the pace of the fastest."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        fastest_s = min(self._profile.groups[group].interval_ms for group in self._times) / 1000
        spacing_s, rounds = max(min(fastest_s, MOST_SPACING_S), seconds / MOST_ROUNDS), 0
        while rounds == 0 or loop.time() + spacing_s <= end:
            next_at = loop.time() + spacing_s
            for group in self._times:
                await self._round(group)
            rounds += 1
            self._tell(f"round {rounds}, {max(0.0, end - loop.time()):.0f} s left")
            if next_at <= end:
                await asyncio.sleep(max(0.0, next_at - loop.time()))

    async def _round(self, group: str) -> None:
        left, done, requests, took_s = list(self._reads[group]), [], 0, 0.0
        while left:
            read = left.pop(0)
            answer = await self._ask(read.request)
            requests += 1
            # Beside polls it also waits for its turn, which is not the device's fault.
            took_s += answer.answered_at - answer.asked_at + self._profile.modbus.pause_ms / 1000
            if answer.is_refusal and len(read.points) > 1:
                left[:0] = halves(self._profile.modbus, read)
                continue
            done.append(read)
            for key, look in _looks(read, answer):
                self._looks[key].append(look)
        # What was found by halving stays: the next round tells what the reading itself takes.
        self._reads[group] = done
        self._times[group].append(GroupTime(requests, took_s))

    async def _other_ways(self) -> AsyncIterator[OtherWay]:
        """The points that never made sense, counted from the other number and from the other table."""
        doubtful = [key for key, looks in self._looks.items() if not self._makes_sense(key, looks)]
        if not doubtful:
            return
        self._tell("trying other ways")
        modbus = self._profile.modbus
        for key, value in (("base", 1 - modbus.base), ("function", _OTHER_FUNCTION[modbus.function])):
            other = msgspec.structs.replace(modbus, **{key: value})
            looks: dict[str, Look] = {}
            for name in doubtful[:MOST_OTHER_WAYS]:
                point = self._profile.points[name]
                if point.register < other.base or (key == "function" and point.function is not None):
                    continue
                (read,) = plan(other, [(name, point)])
                looks.update(_looks(read, await self._ask(read.request)))
            yield OtherWay(key, value, looks)

    def _makes_sense(self, key: str, looks: Iterable[Look]) -> bool:
        point, modbus = self._profile.points[key], self._profile.modbus
        return any(judged(point, modbus, look)[1] in (Quality.GOOD, Quality.SENTINEL) for look in looks)

    async def _stranger(self) -> tuple[Stranger | None, bool]:
        """What it does about a register that is nobody's, and whether it is well after that."""
        modbus = self._profile.modbus
        last = max(p.register - modbus.base + WIDTHS[p.type] - 1 for p in self._profile.points.values())
        if last >= STRANGE_ADDRESS:
            return None, True
        self._tell("asking for a register that it should not have")
        answer = await self._ask(Request(modbus.function, STRANGE_ADDRESS, 1))
        outcome: Stranger = "silent"
        if answer.quality is Quality.GOOD:
            outcome = "answered"
        elif answer.quality is Quality.EXCEPTION and not answer.is_silence:
            outcome = "refused"
        for _ in range(FIRST_TRIES):
            if not (await self._ask(self._first().request)).is_silence:
                return outcome, True
        return outcome, False

    async def back(self, link: Link) -> float | None:
        """How long the first answer takes after the line was opened anew; `None` where none comes."""
        self._tell("opening the line anew")
        loop = asyncio.get_running_loop()
        link.reopen()
        began = loop.time()
        while (left_s := began + MOST_BACK_S - loop.time()) > 0:
            answer = await self._ask(self._first().request, left_s)
            if answer.quality in (Quality.GOOD, Quality.EXCEPTION) and not answer.is_silence:
                return loop.time() - began
        return None


def _counts(traffic: Traffic) -> Counts:
    """What the line carried until now, before the device is asked for what may well go unanswered."""
    return Counts(
        requests=traffic.requests, timeouts=traffic.timeouts, late=traffic.late, broken=traffic.broken
    )


def _looks(read: PlannedRead, answer: Answer) -> Iterator[tuple[str, Look]]:
    """What each point of a read said: its own words of the answer."""
    for placed in read.points:
        width = 1 if read.request.function in BIT_FUNCTIONS else WIDTHS[placed.point.type]
        words = tuple(answer.registers[placed.offset : placed.offset + width])
        yield placed.key, Look(words, answer.quality, answer.detail, answer.exception)
