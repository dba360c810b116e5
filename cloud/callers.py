"""On whose behalf this process asks the database: every connection carries that, so no route can forget it.

Row-level security shows an account what is in its scope. Whoever it is stands in the session's setting
`sitewarden.account`; empty are the programs themselves, which see everything. A request begins as nobody, who
sees nothing, until it is known who calls.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

PROGRAMS: Final = ""
"""Ingest, clocks, the relay of live events, commands; and the viewer of a demo, who has no account."""
NOBODY: Final = "0"
"""No account has this number."""

_CALLER: ContextVar[str] = ContextVar("caller", default=PROGRAMS)


def caller() -> str:
    """As the setting has it."""
    return _CALLER.get()


def is_called_by(account_id: int | None) -> None:
    """From here to the end of the request; `None` is the demo's viewer."""
    _CALLER.set(PROGRAMS if account_id is None else str(account_id))


@contextlib.contextmanager
def calling(who: str) -> Iterator[None]:
    """For as long as the block runs, and whatever it starts."""
    before = _CALLER.set(who)
    try:
        yield
    finally:
        _CALLER.reset(before)
