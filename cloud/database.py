"""Connections to PostgreSQL as the programs make them: one role, one clock, JSON by msgspec."""

import contextlib
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
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
_PATIENCE_WITH_US = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_connection_check_interval": 10_000,
}
"""The same of the server with us, which holds the locks of a program whose machine is gone: others take them
for a sign that something is being done, and would leave it undone for as long. The last one is for a query
that runs meanwhile, which else looks at nothing until it ends: then it takes 40 s in all (measured). Over a
socket of its own machine all but that one mean nothing, for there whoever dies is known at once."""


def patient(dsn: str) -> str:
    """The connection string by which either side gives the other up in half a minute; what it says holds."""
    given = conninfo_to_dict(dsn)
    options = str(given.get("options") or "")
    asked = [f"-c {name}={value}" for name, value in _PATIENCE_WITH_US.items() if name not in options]
    patience = {name: value for name, value in _PATIENCE.items() if name not in given}
    return make_conninfo(dsn, options=" ".join([options, *asked]).strip(), **patience)


def as_app(dsn: str) -> str:
    """The connection string with which programs log in: whoever logs in becomes the programs' role."""
    known = patient(dsn)
    options = conninfo_to_dict(known)["options"]
    return make_conninfo(known, options=f"{options} {_SETTINGS} -c role={APP_ROLE}")


def connect(dsn: str, *, is_steady: bool = False) -> Connection:
    """A connection of whoever calls, outside of any transaction until one is begun.

    `is_steady`: it asks the same few things by key all day; each is planned once, and not for its values.
    Such a plan is often made while the tables are nearly empty, when to read them whole looks cheapest: it
    may not.
    """
    connection = psycopg.connect(as_app(dsn), autocommit=True)
    connection.execute(_TELL, [caller()])
    if is_steady:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute("SET enable_seqscan = off")
    return connection


@contextlib.contextmanager
def at_once(connection: Connection) -> Iterator[None]:
    """A transaction whose statements go out together, as far as nobody waits for the answer of one.

    Only fetching waits. An error may come out of a later statement than that which it is of, at the latest at
    the end; nothing is kept then.
    """
    with connection.pipeline() as pipeline:
        connection.execute("BEGIN")
        try:
            yield
            _commit(connection, pipeline)
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                # Past what the server has left out since the error.
                with contextlib.suppress(psycopg.Error):
                    pipeline.sync()
                connection.execute("ROLLBACK")
                pipeline.sync()
            raise


def _commit(connection: Connection, pipeline: psycopg.Pipeline) -> None:
    done = connection.execute("COMMIT")
    pipeline.sync()
    if done.statusmessage != "COMMIT":
        # Somebody has hidden an error: the server has kept nothing, and calls that no error.
        raise psycopg.errors.InFailedSqlTransaction("nothing was kept")


def wait(connection: Connection) -> None:
    """Until all is done that was sent `at_once`; raises what has gone wrong with it."""
    if _is_at_once(connection):
        connection.execute("SELECT 1").fetchone()


def _is_at_once(connection: Connection) -> bool:
    return connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF


@contextlib.contextmanager
def kept_or_not(connection: Connection) -> Iterator[None]:
    """What is done here is kept or taken back as a whole, and the transaction around it goes on.

    `wait` before it, outside of whatever takes errors for those of this part.
    """
    if not _is_at_once(connection):
        with connection.transaction():
            yield
        return
    connection.execute("SAVEPOINT part")
    try:
        yield
        wait(connection)
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            # To enter it once more is to come past what the server has left out since the error.
            with contextlib.suppress(psycopg.Error), connection.pipeline():
                pass
            connection.execute("ROLLBACK TO part")
        raise
    connection.execute("RELEASE part")


async def tell_caller(connection: AsyncConnection) -> None:
    """Say on whose behalf a connection, which may have been another's before, asks from now on.

    It is a pool's check as well: a connection that is broken cannot be told.
    """
    await connection.execute(_TELL, [caller()])


async def row_of(connection: AsyncConnection, query: LiteralString, parameters: Any = None) -> Row | None:
    """The first row that a query finds, by the names of its columns."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query, parameters)
    return await cursor.fetchone()


async def rows_of(connection: AsyncConnection, query: LiteralString, parameters: Any = None) -> list[Row]:
    """All of them."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query, parameters)
    return await cursor.fetchall()


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
