"""What the routes of one web process share: settings, database, clock, live push."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Annotated, Any, Generic, LiteralString, TypeVar

import msgspec
from fastapi import Depends, Request, Response
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from cloud.accounts.rates import Rates
from cloud.accounts.service import Passwords, Tries
from cloud.database import AsyncConnection, Row, as_app, instant, tell_caller
from cloud.histories.service import Exporter
from cloud.live.hub import Hub
from cloud.media.tickets import Reader
from cloud.settings import Settings

_BURST, _INTERVAL_S = 10, 6.0
_CODE_BURST, _CODE_INTERVAL_S = 5, 300.0

T = TypeVar("T")


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Made when the process starts; routes get it as a dependency."""

    settings: Settings
    dsn: str
    """For what needs a connection of its own, outside the pool."""
    pool: AsyncConnectionPool[AsyncConnection]
    hub: Hub
    exporter: Exporter
    now_ms: Callable[[], int]
    passwords: Passwords = msgspec.field(default_factory=Passwords)
    tries: Tries = msgspec.field(default_factory=lambda: Tries(_BURST, _INTERVAL_S))
    """Of passwords, whatever they are given for; who tries is named by what for."""
    code_tries: Tries = msgspec.field(default_factory=lambda: Tries(_CODE_BURST, _CODE_INTERVAL_S))
    """Of codes of a second factor: a million of them, so that guesses must be few."""
    rates: Rates = msgspec.field(default_factory=Rates)
    tickets: Reader = msgspec.field(default_factory=Reader)
    """Reads the tokens by which gateways bring pictures."""
    remembered: dict["Own[Any]", Any] = msgspec.field(default_factory=dict)

    def now(self) -> dt.datetime:
        """The clock as the database has instants."""
        return instant(self.now_ms())

    async def rows(self, query: LiteralString, parameters: Any = None, *, binary: bool = False) -> list[Row]:
        """All rows of a query, by column name; `binary` where bytes are among them, which are hex else."""
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query, parameters, binary=binary)
            return await cursor.fetchall()

    async def row(self, query: LiteralString, parameters: Any = None) -> Row | None:
        """The first row of a query."""
        found = await self.rows(query, parameters)
        return found[0] if found else None


class Own(Generic[T]):
    """What routes remember, such as who tried how often; each application has its own."""

    def __init__(self, make: Callable[[], T]) -> None:
        """`make` makes it when it is first asked for."""
        self._make = make

    def of(self, serving: Serving) -> T:
        """The one of this application."""
        if self not in serving.remembered:
            serving.remembered[self] = self._make()
        own: T = serving.remembered[self]
        return own


def make_pool(dsn: str) -> AsyncConnectionPool[AsyncConnection]:
    """Connections as the programs' role; opened by the process's lifetime."""
    return AsyncConnectionPool(
        as_app(dsn),
        min_size=1,
        max_size=10,
        timeout=5.0,
        open=False,
        kwargs={"autocommit": True},
        # A tenth of a millisecond each time: it tells who calls, and a restart of the database fails nothing.
        check=tell_caller,
        name="web",
    )


def wall_clock_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def serving_of(request: Request) -> Serving:
    """What this process serves with."""
    serving: Serving = request.app.state.serving
    return serving


Served = Annotated[Serving, Depends(serving_of)]


def written(answer: Any) -> Response:
    """An answer as JSON that is not checked once more on its way: slow where it has thousands of values."""
    return Response(msgspec.json.encode(answer, enc_hook=_as_json), media_type="application/json")


def _as_json(part: Any) -> msgspec.Raw:
    if isinstance(part, BaseModel):
        return msgspec.Raw(part.model_dump_json().encode())
    raise NotImplementedError(f"{type(part).__name__} is no part of an answer")
