"""Tests wait for a condition, never for a while."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 45.0
"""So long whatever is to come may take on a machine that is busy with other tests: how quickly something
happens is measured by benchmarks, and never tested."""


async def until(condition: Callable[[], object], *, within_s: float = PATIENCE_S, what: str = "") -> None:
    """Return as soon as `condition()` is true; fail the test where that does not happen in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        await asyncio.sleep(0.005)


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait for their end; one that does not heed its cancellation fails the test."""
    for task in tasks:
        task.cancel()
    _, pending = await asyncio.wait(tasks, timeout=PATIENCE_S)
    assert not pending, "a cancellation was not heeded"
