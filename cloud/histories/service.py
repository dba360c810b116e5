"""Exports taken up, one at a time in a web process, each written by a program of its own beside it."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psycopg

from cloud.callers import PROGRAMS, calling
from cloud.database import connect, instant
from cloud.histories import store
from cloud.histories.store import Job, Order

log = logging.getLogger(__name__)

_LOOK_S = 5.0
"""How often to look for what another process has left, and for files that are too old."""
_STOP_S = 5.0


class Exporter:
    """Works for as long as its web process."""

    def __init__(self, dsn: str, folder: Path, now_ms: Callable[[], int]) -> None:
        """`folder`, for drafts, is made when it is needed first."""
        self._dsn, self._folder, self._now_ms = dsn, folder, now_ms
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was asked for, or is no longer wanted."""
        self._woken.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take up what is asked for, inside `async with`; what is under way at the end is taken up anew."""
        with calling(PROGRAMS):
            work = asyncio.create_task(self._work(), name="exports")
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                job = await asyncio.to_thread(self._look)
                if job is not None:
                    await self._perform(job)
                    continue
            except (psycopg.Error, OSError) as exc:
                log.warning("exports of histories wait: %s", exc)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_S)

    def _look(self) -> Job | None:
        now = instant(self._now_ms())
        with connect(self._dsn) as connection:
            store.forget(connection, now)
            if self._folder.is_dir():
                store.sweep(connection, self._folder)
            return store.take_up(connection, now)

    async def _perform(self, job: Job) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        order = Order(dsn=self._dsn, export=job.id, folder=str(self._folder))
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cloud.histories.program", stdin=asyncio.subprocess.PIPE
        )
        try:
            await program.communicate(msgspec.json.encode(order))
        except asyncio.CancelledError:
            await _ended(program)
            raise
        if program.returncode != 0:
            log.error("the export of a history failed export=%s", job.id)
            await asyncio.to_thread(self._give_up, job)

    def _give_up(self, job: Job) -> None:
        """Where the program has said nothing itself."""
        with connect(self._dsn) as connection:
            store.failed(connection, job, "error", instant(self._now_ms()))


async def _ended(program: asyncio.subprocess.Process) -> None:
    """In good order, and by force where that takes too long."""
    with contextlib.suppress(ProcessLookupError):
        program.terminate()
        try:
            await asyncio.wait_for(program.wait(), _STOP_S)
        except TimeoutError:
            program.kill()
    await program.wait()
