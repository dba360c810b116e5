"""Who is told, as it was asked for an alarm before, for as long as it holds."""

import datetime as dt
import time
from collections.abc import Callable, Hashable
from typing import LiteralString

from cloud.database import Connection, Row
from cloud.registry.known import Sites

_LONGEST_S = 10.0
_MOST = 2_000
_NEXT: LiteralString = """
    SELECT extract(epoch FROM least(
               (SELECT min(valid_from) FROM assignment WHERE valid_from > statement_timestamp()),
               (SELECT min(valid_until) FROM assignment WHERE valid_until > statement_timestamp()))
               - statement_timestamp())::float8,
           extract(epoch FROM least(
               (SELECT min(starts_at) FROM rota_override WHERE removed_at IS NULL AND starts_at > %(now)s),
               (SELECT min(ends_at) FROM rota_override WHERE removed_at IS NULL AND ends_at > %(now)s))
               - %(now)s)::float8
"""
"""In how many seconds a role begins or ends by itself, and what stands in place of a rota's pattern."""


class Kept:
    """Answers to what is asked for each alarm anew.

    They hold with a copy of the sites, which is asked for with each batch and never behind: every change of
    accounts, roles, rotas, ways, channels and trees makes another one. What begins or ends by the clock ends
    them too.
    """

    def __init__(self) -> None:
        """Nothing asked yet."""
        self._sites: Sites | None = None
        self._since: dt.datetime | None = None
        self._until = 0.0
        self._answers: dict[Hashable, list[Row]] = {}

    def renew(self, connection: Connection, sites: Sites, now: dt.datetime) -> None:
        """Forget them where they no longer hold; before the first is asked for."""
        asked_at = time.monotonic()
        is_back = self._since is not None and now < self._since
        if sites is self._sites and asked_at < self._until and not is_back and len(self._answers) < _MOST:
            return
        row = connection.execute(_NEXT, {"now": now}).fetchone()
        assert row is not None  # noqa: S101  it has no FROM
        self._answers = {}
        self._sites, self._since = sites, now
        self._until = asked_at + min([_LONGEST_S, *(left for left in row if left is not None)])

    def get(self, key: Hashable, ask: Callable[[], list[Row]]) -> list[Row]:
        """The answer that is kept under this key; else it is asked for."""
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = ask()
        return found

    def forget(self) -> None:
        """Ask anew."""
        self._answers = {}
