"""One agent at a time on one outbox, for two would give a seq twice."""

import fcntl
import logging
from pathlib import Path
from typing import TextIO

from edge.outputs import OutputError
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)


class AlreadyRunningError(SiteWardenError):
    """Another agent works on this outbox."""


def locked(folder: Path) -> TextIO | None:
    """A lock that ends with the process, for two agents on one outbox would give a seq twice.

    `None` where the folder takes nothing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "agent.lock").open("w")
    except OSError as exc:
        log.critical("the folder of the outbox cannot be used folder=%s: %s", folder, exc.strerror)
        return None
    return _hold(lock, folder)


def held_while_testing(folder: Path) -> TextIO | None:
    """The lock of an agent that has run before; made by us it might belong to another account."""
    try:
        lock = (folder / "agent.lock").open()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise OutputError(f"{folder}: {exc.strerror}; test as the agent's account") from exc
    return _hold(lock, folder)


def _hold(lock: TextIO, folder: Path) -> TextIO:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise AlreadyRunningError(f"{folder}: another agent is using it; stop that one first") from exc
    return lock
