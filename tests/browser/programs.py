"""The running site's processes, found by their command lines: to halt one, kill one, and let it go on."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def process_of(*words: str) -> int:
    """The id of the one process whose command line has all of `words` as arguments."""
    found = [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and set(words) <= set(_arguments(folder))
    ]
    assert len(found) == 1, f"{len(found)} processes with {words}"
    return found[0]


def _arguments(folder: Path) -> list[str]:
    try:
        return folder.joinpath("cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:  # it has ended meanwhile, or is another account's
        return []


@contextmanager
def halted(process: int) -> Iterator[None]:
    """It does nothing and says nothing meanwhile, as a machine that hangs."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
