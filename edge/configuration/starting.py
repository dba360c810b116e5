"""From what a gateway works when it starts: the cloud's newest version that held, or its own file."""

import logging
from pathlib import Path
from typing import NamedTuple

from edge.config import Gateway, data_dir_of, load_gateway, load_own
from edge.configuration.history import History, Version
from sitewarden.errors import ConfigurationError

log = logging.getLogger(__name__)


class Started(NamedTuple):
    """What a gateway works from, and what is still to be noted of how that came."""

    own: Path
    """The gateway's own file."""
    gateway: Gateway
    history: History | None
    """`None` where the gateway's own file alone says everything."""
    version: Version | None
    """`None` where the own file is in force."""
    interrupted: Version | None = None
    """It was on probation when the last run ended."""
    left: Version | None = None
    """Somebody on site has asked to go back from it."""


def history_of(own: Path) -> History | None:
    """The versions of the cloud; `None` where the gateway's own file alone says everything."""
    said = load_own(own)
    if said.configuration.owner != "cloud" or said.mode == "replay":
        return None
    return History(data_dir_of(own, said) / "configuration")


def starting(own: Path, *, with_secrets: bool = True) -> Started:
    """What to work from; writes nothing, for another agent may be at work.

    Raises `ConfigurationError` where the gateway's own file is wrong in what is its own, or nothing that was
    ever in force can be read. A version that cannot be read is passed over: an old one is better than none.
    """
    history = history_of(own)
    if history is None:
        return Started(own, load_gateway(own, with_secrets=with_secrets), None, None)
    interrupted = history.state.on_probation
    held = [version for version in history.state.held if version != interrupted]
    left = held.pop() if held and interrupted is None and history.asked() is not None else None
    for version in reversed(held):
        try:
            gateway = load_gateway(own, history.file_of(version), with_secrets=with_secrets)
        except ConfigurationError as exc:
            log.critical("configuration %d cannot be read, taking an older one: %s", version.number, exc)
        else:
            return Started(own, gateway, history, version, interrupted, left)
    gateway = load_gateway(own, with_secrets=with_secrets)
    return Started(own, gateway, history, None, interrupted, left)


def load_in_force(own: Path) -> Gateway:
    """What a gateway works from, or would if it were started now; secrets stay unread."""
    return starting(own, with_secrets=False).gateway
