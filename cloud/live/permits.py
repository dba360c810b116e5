"""Whether viewers may go on watching: asked again and again, for all of them at once."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import psycopg
from psycopg_pool import PoolTimeout

from cloud.accounts.holding import Devices, Held, devices_permitted, held_of, held_of_each
from cloud.accounts.permissions import Credential, signed_of
from cloud.live.together import Together
from cloud.live.viewers import clock_s
from cloud.serving import Serving

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""So long whoever saves a file goes on at most after he has lost what he saw it by."""
_RETRY_S = 1.0
"""How soon a database that is away is asked again."""
_EARLY, _GATHERED = 0.8, 0.05
"""Of the time that an answer is good for: when the next is asked for at the latest, and how long a question
waits there for those of others."""


class Watched(NamedTuple):
    """Who watches what; `credential`: by which he has shown who he is."""

    credential: Credential | None
    site: str


Permits = Together[Watched, list[Held]]
"""What who watches holds at the site; nothing where he is not signed in any more, or lacks a factor."""


def permits_of(serving: Serving) -> Permits:
    """Those of a web process."""

    async def look(asked: Iterable[Watched]) -> dict[Watched, list[Held]]:
        given = {one: one.credential for one in asked}
        signed = await signed_of(serving, {one for one in given.values() if one is not None})
        accounts = {
            watched: signed[credential].account_id
            for watched, credential in given.items()
            if credential in signed and not signed[credential].lacks_factor
        }
        at = {(account, site) for (_, site), account in accounts.items() if account is not None}
        held = await held_of_each(serving, at)
        found: dict[Watched, list[Held]] = {watched: [] for watched in given}
        for watched, account in accounts.items():
            found[watched] = await held_of(serving, None) if account is None else held[account, watched.site]
        return found

    return Together(look)


def still(
    permits: Permits, watched: Watched, permission: str, sees: Callable[[Devices], bool]
) -> Callable[[], Awaitable[bool]]:
    """Whether whoever has just been let in, and is sent much, may still have it; asked again after `AGAIN_S`.

    `sees`: whether the devices for which it is permitted then are enough. What the database says to the
    question is raised: nobody is sent anything of which it is not known.
    """
    asked_s = clock_s()

    async def look() -> bool:
        nonlocal asked_s
        if clock_s() - asked_s < AGAIN_S:
            return True
        asked_s = clock_s()
        return sees(devices_permitted(await permits.ask(watched), permission))

    return look


class Standing:
    """Of one viewer. It is asked for beside what he sees, and holds that up only where it comes late."""

    def __init__(
        self, permits: Permits, watched: Watched, permission: str, devices: Devices, good_s: float
    ) -> None:
        """He has just been let in; so long (`good_s`) an answer is good for, from when it was asked for."""
        self.site, self.devices = watched.site, devices
        self._permits, self._watched, self._permission = permits, watched, permission
        self._good_s = good_s
        self._asking: asyncio.Future[list[Held]] | None = None
        self._asked_s = clock_s()
        self._until_s, self._again_s = self._asked_s + good_s, self._asked_s + _spread(_EARLY * good_s)

    @property
    def may_see(self) -> bool:
        """Whether it is known that he may; of whom it is not known sees nothing, but is not sent away."""
        return clock_s() < self._until_s

    def due_s(self) -> float:
        """After which time to look again, if nothing has come before."""
        return self._good_s if self._asking is not None else max(0.0, self._again_s - clock_s())

    def look(self, wake: Callable[[], None]) -> bool:
        """Ask where it is time, and `wake` when it is answered; false where he may not watch any more.

        That is whoever would see another part of the site than when he began, too.
        """
        if self._asking is not None and self._asking.done():
            answer, self._asking = self._asking, None
            return self._take(answer)
        if self._asking is None and clock_s() >= self._again_s:
            self._asked_s = clock_s()
            self._asking = self._permits.ask(self._watched, gather_s=_GATHERED * self._good_s)
            self._asking.add_done_callback(lambda _: wake())
        return True

    def _take(self, answer: asyncio.Future[list[Held]]) -> bool:
        try:
            held = answer.result()
        except (psycopg.OperationalError, PoolTimeout) as exc:
            log.warning("viewer waits for the database cause=%s", str(exc).replace("\n", " "))
            self._again_s = clock_s() + _spread(_RETRY_S)
            return True
        self._until_s = self._asked_s + self._good_s
        self._again_s = self._asked_s + _spread(_EARLY * self._good_s)
        return devices_permitted(held, self._permission) == self.devices

    def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.cancel()


def _spread(period_s: float) -> float:
    """Those who have come all at once shall not ask all at once."""
    return period_s * random.uniform(0.5, 1.0)
