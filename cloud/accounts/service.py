"""Signing in, safely: slow hashes, few at a time, and not too many tries."""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import argon2

from cloud.problems import ProblemError

T = TypeVar("T")
_AT_ONCE = 2
"""Each hash takes 64 MiB and a core for some 50 ms; a flood of sign-ins must not take the machine."""


_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c2l0ZXdhcmRlbi1ub2JvZA$h8MqsyPdOMLZ60B4ohy8KXftOgyhfmBaVDIup6CwUQ0"
"""Verified where the name is unknown, so that the time tells nothing; no known password fits."""


class Passwords:
    """Hashes and verifies, Argon2id with the library's parameters (RFC 9106, low memory)."""

    def __init__(self) -> None:
        """Belongs to one event loop."""
        self._hasher = argon2.PasswordHasher()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """What rests in the database."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether the password belongs to the hash; as slow where there is none."""
        async with self._places:
            fits = await asyncio.to_thread(self._verify, password, hashed or _NOBODY)
        return fits and hashed is not None

    async def slowly(self, work: Callable[[], T]) -> T:
        """Something else that takes as much of the machine, in the same few places."""
        async with self._places:
            return await asyncio.to_thread(work)

    def _verify(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


class Tries:
    """How often somebody may try: `burst` at once, then one every `interval_s`."""

    def __init__(self, burst: int, interval_s: float, remembered: int = 10_000) -> None:
        """`remembered` bounds the memory; the least recent are forgotten first."""
        self._burst, self._interval_s, self._remembered = burst, interval_s, remembered
        self._until: OrderedDict[str, float] = OrderedDict()

    def take(self, who: str, now_s: float) -> None:
        """Use one try up; raises a problem (429) that says when to come back."""
        until = max(self._until.get(who, now_s), now_s) + self._interval_s
        wait_s = until - now_s - self._burst * self._interval_s
        if wait_s > 0:
            raise ProblemError(
                429,
                "too-many-attempts",
                "Too many attempts",
                "Wait a little before the next try.",
                {"Retry-After": str(int(wait_s) + 1)},
            )
        self._until[who] = until
        self._until.move_to_end(who)
        while len(self._until) > self._remembered:
            self._until.popitem(last=False)

    def forgive(self, who: str) -> None:
        """Forget the tries of somebody who got in."""
        self._until.pop(who, None)


def clock_s() -> float:
    """For `Tries`."""
    return time.monotonic()


def is_loopback(client: str | None, host: str | None) -> bool:
    """Whether a request comes from this machine and was meant for it, not for a name pointed at it."""
    name = urlsplit(f"//{host or ''}").hostname
    return _is_loopback_address(client) and (name == "localhost" or _is_loopback_address(name))


def _is_loopback_address(text: str | None) -> bool:
    try:
        return ipaddress.ip_address(text or "").is_loopback
    except ValueError:
        return False
