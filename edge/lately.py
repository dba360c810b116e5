"""What devices that speak by themselves have said lately, also such as nobody knows yet: for a trial."""

from collections import OrderedDict, deque
from typing import Any, NamedTuple

KEPT = 3
"""Messages of one identity."""
STRANGERS = 16
"""Identities that no device has."""
LONGEST_BYTES = 4096
"""Of a body; a longer one is not kept."""
LONGEST_IDENTITY = 128


class Said(NamedTuple):
    """One message."""

    at_s: float
    """On the loop's clock."""
    body: Any
    """As the protocol hands it to the profile's decoder."""


class Lately:
    """The newest messages by identity, in memory that does not grow with how many speak."""

    def __init__(self, known: list[str]) -> None:
        """`known`: the identities that devices have; no stranger drives them out."""
        self._known: dict[str, deque[Said]] = {identity: deque(maxlen=KEPT) for identity in known}
        self._strangers: OrderedDict[str, deque[Said]] = OrderedDict()

    def note(self, identity: str, body: Any, now_s: float) -> None:
        """Somebody has said something."""
        if isinstance(body, bytes) and len(body) > LONGEST_BYTES:
            return
        kept = self._known.get(identity)
        if kept is None:
            if not identity or len(identity) > LONGEST_IDENTITY:
                return
            kept = self._strangers.setdefault(identity, deque(maxlen=KEPT))
            self._strangers.move_to_end(identity)
            if len(self._strangers) > STRANGERS:
                self._strangers.popitem(last=False)
        kept.append(Said(now_s, body))

    def of(self, identity: str) -> list[Said]:
        """What it said, the newest last."""
        return list(self._known.get(identity) or self._strangers.get(identity) or ())

    def identities(self) -> list[str]:
        """Who has said anything."""
        return [*(name for name, said in self._known.items() if said), *self._strangers]
