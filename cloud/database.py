"""Connections to PostgreSQL as the programs make them: one role, one clock, JSON by msgspec."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads

from cloud.callers import caller
from cloud.roles import APP_ROLE

Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
Row = dict[str, Any]

_TELL = "SELECT set_config('sitewarden.account', %s, false)"

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SETTINGS = "-c timezone=UTC -c application_name=sitewarden"


_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Of libpq. A server that is gone without a word, its power lost, is given up in half a minute: the system's
own patience is two hours, and alarms would wait for it."""


def as_app(dsn: str) -> str:
    """The connection string with which programs log in: whoever logs in becomes the programs' role."""
    given = conninfo_to_dict(dsn)
    options = f"{given.get('options') or ''} {_SETTINGS} -c role={APP_ROLE}".strip()
    patience = {name: value for name, value in _PATIENCE.items() if name not in given}
    return make_conninfo(dsn, options=options, **patience)


def connect(dsn: str, *, is_steady: bool = False) -> Connection:
    """A connection of whoever calls, outside of any transaction until one is begun.

    `is_steady`: it asks the same few things by key all day; each is planned once, and not for its values.
    """
    connection = psycopg.connect(as_app(dsn), autocommit=True)
    connection.execute(_TELL, [caller()])
    if is_steady:
        connection.execute("SET plan_cache_mode = force_generic_plan")
    return connection


async def tell_caller(connection: AsyncConnection) -> None:
    """Say on whose behalf a connection, which may have been another's before, asks from now on.

    It is a pool's check as well: a connection that is broken cannot be told.
    """
    await connection.execute(_TELL, [caller()])


def instant(ms: int) -> dt.datetime:
    """UTC milliseconds as the database has instants."""
    return EPOCH + dt.timedelta(milliseconds=ms)


def milliseconds(at: dt.datetime) -> int:
    """The inverse of `instant`, exact."""
    return (at - EPOCH) // dt.timedelta(milliseconds=1)


def array(values: Sequence[int | None]) -> str:
    """Integers as a PostgreSQL array literal: for long columns far quicker than adapting each of them."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_NO_NUL = rb"\1" + "\N{REPLACEMENT CHARACTER}".encode()


def storable(told: Any) -> Jsonb:
    """As JSON that the database takes, whatever a device or a gateway has told: it takes no NUL."""
    return Jsonb(msgspec.Raw(_NUL.sub(_NO_NUL, msgspec.json.encode(told))))


def _dumps(value: Any) -> bytes:
    return msgspec.json.encode(value)


# Module-level adaptation is psycopg's own way of saying it once; msgspec structs go into jsonb as they are.
set_json_dumps(_dumps)
set_json_loads(msgspec.json.decode)
