"""How much anybody may send who need not say who he is. Addresses are counted in memory alone."""

import asyncio
import ipaddress

from fastapi import Request

from cloud.accounts.service import Tries, clock_s
from cloud.problems import ProblemError
from cloud.tips.figures import figures


class Bounds:
    """How often: one address, and all together; in memory, and gone with the process."""

    def __init__(self) -> None:
        """As the figures say."""
        given = figures()
        self._each = Tries(given.burst, given.interval_s)
        self._all = Tries(given.all_burst, given.all_interval_s)
        self._reading = Tries(60, 5.0)
        self._photos = Tries(given.photos_burst, given.photos_interval_s)
        self._uploads, self._most_uploads, self._patience_s = 0, given.uploads, given.upload_s

    def count_report(self, request: Request) -> None:
        """A new report; 429 where it is one too many."""
        self._each.take(address_of(request), clock_s())
        self._all.take("", clock_s())

    def count_use(self, request: Request) -> None:
        """A use of a code: guesses must be few."""
        self._reading.take(address_of(request), clock_s())

    async def picture(self, request: Request) -> bytes:
        """What is being sent; a problem where it takes too long, or too many are sending."""
        self._photos.take("", clock_s())
        if self._uploads >= self._most_uploads:
            detail = "Many are sending pictures just now; try again in a moment."
            raise ProblemError(429, "too-many-attempts", "Too many at once", detail, {"Retry-After": "10"})
        self._uploads += 1
        try:
            async with asyncio.timeout(self._patience_s):
                return await request.body()
        except TimeoutError as exc:
            raise ProblemError(408, "too-slow", "Too slow", "The picture did not arrive in time.") from exc
        finally:
            self._uploads -= 1


def address_of(request: Request) -> str:
    """By which somebody is counted: of IPv6 the network that one subscriber has, with all its addresses."""
    host = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False))
