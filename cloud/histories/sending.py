"""A file out of the database, part by part: whoever saves it slowly holds no connection and little memory."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from cloud.callers import calling
from cloud.histories import store
from cloud.serving import Serving
from sitewarden.errors import SiteWardenError

_RANGE = re.compile(r"bytes=(\d{0,30})-(\d{0,30})", re.IGNORECASE | re.ASCII)


class GoneError(SiteWardenError):
    """Removed, or not his to see any more, while it was sent: who saves it must not take that for all."""


class Span(NamedTuple):
    """Bytes of a file, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many."""
        return self.last - self.first + 1


def wanted_span(asked: str | None, size: int) -> Span | None:
    """What a `Range` asks for; `None` where it lies beyond the end.

    What is no range of bytes, ends before it begins, or is several, is answered with all, as RFC 9110 has it.
    """
    found = _RANGE.fullmatch(asked.replace(" ", "")) if asked else None
    if found is None or found.groups() == ("", ""):
        return Span(0, size - 1)
    first, last = found.groups()
    if not first:
        return Span(max(0, size - int(last)), size - 1) if int(last) else None
    if last and int(last) < int(first):
        return Span(0, size - 1)
    span = Span(int(first), min(int(last), size - 1) if last else size - 1)
    return span if span.first <= span.last else None


class Sent(NamedTuple):
    """A file that is sent."""

    export: str
    tries: int
    asking: str
    """On whose behalf the database is asked."""
    may_see: Callable[[], Awaitable[bool]]
    """Whether who asks may still have it: his session, his role and the devices of all that is in it."""


async def sent(serving: Serving, file: Sent, span: Span) -> AsyncIterator[bytes]:
    """Those bytes, each part read as the caller who asks and sees it still; raises `GoneError` where not."""
    at = span.first
    while at <= span.last:
        if not await file.may_see():
            raise GoneError("who saves an export may not see it any more")
        begins = at // store.PART_BYTES * store.PART_BYTES
        with calling(file.asking):
            rows = await serving.rows(store.PART, [file.export, file.tries, begins], binary=True)
        content = rows[0]["content"][at - begins : span.last + 1 - begins] if rows else b""
        if not content:
            raise GoneError("the file of an export is gone")
        yield content
        at += len(content)
