"""Alarms that somebody holds back: told to the judge, kept over a restart, over after a day at most."""

import logging
from collections.abc import Callable

import msgspec

from edge.judge import Judge
from edge.memory import Memory
from sitewarden.messages import Shelf
from sitewarden.rules.running import LONGEST_SHELF_MS
from sitewarden.text import printable

log = logging.getLogger(__name__)

LATEST_TICK_MS = 600_000
"""A tick lags behind the clock by no more than the slowest device takes to answer."""


class Shelves:
    """The shelves in force, one a rule and point."""

    def __init__(self, memory: Memory, tell_soon: Callable[[], None]) -> None:
        """`tell_soon` lets the cloud know that they have changed."""
        self._memory, self._tell_soon = memory, tell_soon
        self._shelves: dict[tuple[str, str], Shelf] = {}
        """By point and rule."""

    def in_force(self) -> list[Shelf]:
        """All of them."""
        return list(self._shelves.values())

    def resume(self, judge: Judge) -> None:
        """Take up those that an earlier run has left, as far as they still hold."""
        self._shelves |= {(shelf.point, shelf.rule): shelf for shelf in self._memory.shelves()}
        self.follow(judge)

    def follow(self, judge: Judge) -> None:
        """Another judge is at work: hold back the same, as far as there still are such rules.

        Who held back the test of a device on trial has not said that its alarms may be silent in use.
        """
        for key, shelf in list(self._shelves.items()):
            is_of_other_side = shelf.test != judge.is_test(*key)
            if is_of_other_side or not judge.shelve(shelf.point, shelf.rule, shelf.until):
                self._unshelve(judge, key)

    def shelve(self, judge: Judge, shelf: Shelf, now_ms: int) -> bool:
        """Hold a rule's alarm back for a day at most, or no longer (a past instant); whether it is known."""
        kept = msgspec.structs.replace(
            shelf,
            until=min(shelf.until, now_ms + LONGEST_SHELF_MS),
            by=printable(shelf.by),
            reason=printable(shelf.reason),
            test=judge.is_test(shelf.point, shelf.rule),
        )
        if not judge.shelve(shelf.point, shelf.rule, kept.until):
            return False
        if kept.until <= now_ms:
            self._unshelve(judge, (shelf.point, shelf.rule))
            return True
        self._shelves[shelf.point, shelf.rule] = kept
        self._memory.keep_shelf(kept)
        log.warning("shelved rule=%s point=%s by=%s: %s", kept.rule, kept.point, kept.by, kept.reason)
        self._tell_soon()
        return True

    def tick(self, judge: Judge, now_ms: int) -> None:
        """Time has passed: some are over, and one that lasts for longer than any may is of another clock."""
        for key, shelf in list(self._shelves.items()):
            if not 0 < shelf.until - now_ms <= LONGEST_SHELF_MS + LATEST_TICK_MS:
                self._unshelve(judge, key)

    def shift(self, by_ms: int) -> None:
        """The wall clock was set: each lasts as long as it was asked for."""
        for key, shelf in self._shelves.items():
            self._shelves[key] = msgspec.structs.replace(shelf, until=shelf.until + by_ms)
            self._memory.keep_shelf(self._shelves[key])

    def _unshelve(self, judge: Judge, key: tuple[str, str]) -> None:
        shelf = self._shelves.pop(key, None)
        if shelf is not None:
            self._memory.drop_shelf(shelf)
            judge.shelve(shelf.point, shelf.rule, 0)
            log.warning("no longer shelved rule=%s point=%s", shelf.rule, shelf.point)
            self._tell_soon()
