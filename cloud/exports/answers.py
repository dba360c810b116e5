"""Exports over HTTP: written before the answer begins, so that none that broke off looks like a whole one."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import IO, Any, LiteralString, ParamSpec, Self
from urllib.parse import quote

from psycopg.rows import dict_row
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cloud.database import Row, connect
from cloud.exports.cells import Column, Mark, Table, Value
from cloud.exports.separated import csv_of
from sitewarden.errors import SiteWardenError

P = ParamSpec("P")
CSV = "text/csv; charset=utf-8"
MOST_ROWS = 200_000
"""Of one export; what is left out is said in its last line."""
_FETCHED, _CHUNK, _PART = 1000, 64 * 1024, 1024 * 1024
_PATIENCE = "120s"
"""Of the database, for one export."""


class NotHisError(SiteWardenError):
    """Whoever saves it must not take that for all."""


class Attachment(StreamingResponse):
    """A file to be saved."""

    media_type = "application/octet-stream"
    written: IO[bytes] | None = None
    """What it is sent from; closed when the answer is over, also where nobody took it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.written is not None:
                self.written.close()

    @classmethod
    def of(
        cls, written: IO[bytes], headers: dict[str, str], may_see: Callable[[], Awaitable[bool]] | None = None
    ) -> Self:
        """The whole of a file, which is closed then.

        `may_see`: asked before each part; who may not any more gets no further one, and no end either.
        """
        length = written.seek(0, 2)
        written.seek(0)
        parts = _parts_of(written) if may_see is None else _parts_for(written, may_see)
        made = cls(parts, headers=headers | {"Content-Length": str(length)})
        made.written = written
        return made


class CsvFile(Attachment):
    """Comma-separated values, as spreadsheet programs open them."""

    media_type = CSV


def attachment(name: str, media_type: str) -> dict[str, str]:
    """Headers of a file to be saved under that name, which may be Chinese, and that runs nowhere."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "_" for sign in name)
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


async def export(dsn: str, query: LiteralString, asked: dict[str, Any], table: Table, mark: Mark) -> CsvFile:
    """The rows of a query as comma-separated values, in memory a thousand at a time.

    The query ends with `LIMIT %(limit)s`. It is asked on behalf of whoever calls, by a connection of its own:
    who saves a file slowly holds up nobody.
    """
    asked = {**asked, "limit": MOST_ROWS + 1}
    written = await in_a_thread(_write, dsn, query, asked, table, mark)
    return CsvFile.of(written, attachment(f"{table.name}-{mark.at:%Y-%m-%d}.csv", CSV))


async def in_a_thread(write: Callable[P, IO[bytes]], *args: P.args, **kwargs: P.kwargs) -> IO[bytes]:
    """What a function writes; whoever goes away meanwhile leaves no file open."""
    writing = asyncio.ensure_future(asyncio.to_thread(write, *args, **kwargs))
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        writing.add_done_callback(_let_go)
        raise


def _let_go(writing: asyncio.Future[IO[bytes]]) -> None:
    if not writing.cancelled() and writing.exception() is None:
        writing.result().close()


def answered(name: str, columns: Sequence[Column], rows: Iterable[Sequence[Value]], mark: Mark) -> CsvFile:
    """The same of rows that are at hand."""
    content = b"".join(csv_of(columns, rows, mark))
    return CsvFile(iter([content]), headers=attachment(f"{name}.csv", CSV))


def _write(dsn: str, query: LiteralString, asked: dict[str, Any], table: Table, mark: Mark) -> IO[bytes]:
    with contextlib.ExitStack() as unsent:
        written: IO[bytes] = unsent.enter_context(tempfile.TemporaryFile())
        with connect(dsn) as connection, connection.transaction():
            connection.execute(f"SET LOCAL statement_timeout = '{_PATIENCE}'")
            cursor = connection.cursor("export", row_factory=dict_row)
            cursor.itersize = _FETCHED
            with cursor:
                cursor.execute(query, asked)
                counted = _Counted(cursor, table.cells)
                for part in csv_of(table.columns, counted, mark):
                    written.write(part)
        # Whole: it is closed when it has been sent.
        unsent.pop_all()
    return written


class _Counted:
    """Rows up to the most that an export has; the last one says that there are more."""

    def __init__(self, rows: Any, cells: Callable[[Row], Sequence[Value]]) -> None:
        self._rows, self._cells = rows, cells

    def __iter__(self) -> Iterator[Sequence[Value]]:
        for number, row in enumerate(self._rows):
            if number == MOST_ROWS:
                yield [f"只列出前 {MOST_ROWS} 行 the first {MOST_ROWS} rows only"]
                return
            yield self._cells(row)


async def _parts_for(written: IO[bytes], may_see: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(written.read, _PART):
        if not await may_see():
            raise NotHisError("who saves a file may not see what is in it any more")
        yield part


def _parts_of(written: IO[bytes]) -> Iterator[bytes]:
    while part := written.read(_CHUNK):
        yield part
