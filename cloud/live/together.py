"""Questions that several ask at about the same time, put to the database as one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Gathers what is asked; every answer is of a look that began after it was asked for.

    The looks are the programs' own and no asker's: who may see what of an answer, the asker judges.
    """

    def __init__(self, look: Callable[[Iterable[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`look` answers every question that it is given; what it raises, all who asked get."""
        self._look = look
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._looking: asyncio.Task[None] | None = None

    def ask(self, question: K, *, gather_s: float = 0.0) -> asyncio.Future[V]:
        """The answer, once it is there; `gather_s`: so long it may wait for others who ask."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(future)
        if self._looking is None:
            # In no request's context: one asker's rights are not the others'.
            self._looking = asyncio.create_task(self._answer_all(gather_s), context=Context())
        return future

    async def _answer_all(self, gather_s: float) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(gather_s)
                asked, self._waiting = self._waiting, {}
                try:
                    await self._answer(asked)
                except asyncio.CancelledError:
                    self._waiting = {}
                    for future in _open(asked):
                        future.cancel()
                    raise
        finally:
            self._looking = None

    async def _answer(self, asked: dict[K, list[asyncio.Future[V]]]) -> None:
        try:
            answers = await self._look(asked)
        except Exception as exc:  # noqa: BLE001  it is theirs who asked
            for future in _open(asked):
                future.set_exception(exc)
        else:
            for question, futures in asked.items():
                for future in futures:
                    if not future.done():
                        future.set_result(answers[question])


def _open(asked: Mapping[K, list[asyncio.Future[V]]]) -> list[asyncio.Future[V]]:
    """Those of askers who have not gone meanwhile."""
    return [future for futures in asked.values() for future in futures if not future.done()]
