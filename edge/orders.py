"""What the cloud asks beside a birth, each request done once."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from sitewarden.messages import Alarm, Command, Shelf

log = logging.getLogger(__name__)

LONGEST_WATCH_MS = 60_000
"""Whoever goes on watching asks again."""
OBEYED = 256
"""Requests of the cloud that are remembered, so that each is done once."""


class Hands(Protocol):
    """What the cloud may have the agent do."""

    def acknowledge(self, episode: str | None, by: str) -> list[Alarm]:
        """Acknowledge an alarm; what that changed."""

    def shelve(self, shelf: Shelf) -> bool:
        """Hold an alarm back, or no longer where its instant is past; whether there is such a rule."""

    def watch(self, device: str, until_ms: int) -> bool:
        """Tell what a camera sees until then; whether there is such a camera."""

    def accept_view(self, device: str, sha256: str, until_ms: int) -> bool:
        """Take what a still of a camera shows for its right view, once; whether there is such a camera."""

    def stands(self, episode: str) -> bool:
        """Whether an alarm has not ended."""

    def tell_soon(self) -> None:
        """Say at once how things stand."""


class Orders:
    """Obeys commands. Each names its alarm, so that none is silenced unseen."""

    def __init__(self, hands: Hands, now_ms: Callable[[], int]) -> None:
        """`hands` do what is asked."""
        self._hands, self._now_ms = hands, now_ms
        self._obeyed: deque[str] = deque(maxlen=OBEYED)
        """Requests of the cloud, the newest last."""

    def obey(self, command: Command) -> None:
        """Do what is asked, or log why not.

        What comes again for want of an answer is done once: since then the alarm may have got worse, or
        somebody on site may have decided otherwise.
        """
        if command.request is not None and command.request in self._obeyed:
            self._hands.tell_soon()
            return
        if command.request is not None:
            self._obeyed.append(command.request)
        if command.command == "shelve":
            self._shelve(command)
        elif command.command == "watch":
            self._watch(command)
        elif command.command == "view":
            self._accept_view(command)
        elif command.episode is None:
            log.warning("command without an episode is not obeyed command=%s", command.command)
        elif not self._hands.acknowledge(command.episode, command.by or "cloud"):
            log.info("nothing to acknowledge episode=%s", command.episode)

    def _watch(self, command: Command) -> None:
        until_ms = min(command.until, self._now_ms() + LONGEST_WATCH_MS)
        if command.device is None or not self._hands.watch(command.device, until_ms):
            log.info("not watched: no such camera=%s", command.device)

    def _accept_view(self, command: Command) -> None:
        """Whoever asked has seen the view of that moment: what comes late is of another one."""
        if command.picture is None:
            log.warning("view not accepted: no picture is named camera=%s by=%s", command.device, command.by)
        elif command.until <= self._now_ms():
            log.warning("view not accepted: asked too long ago camera=%s by=%s", command.device, command.by)
        elif command.device is None or not self._hands.accept_view(
            command.device, command.picture, command.until
        ):
            log.warning("view not accepted: no such camera=%s by=%s", command.device, command.by)
        else:
            log.warning(
                "view to be accepted camera=%s by=%s reason=%s", command.device, command.by, command.reason
            )

    def _shelve(self, command: Command) -> None:
        if command.point is None or command.rule is None or not command.reason or not command.by:
            log.warning("not shelved: it wants a point, a rule, a reason and who asks")
            return
        is_asked = command.until > self._now_ms()
        if is_asked and command.episode is not None and not self._hands.stands(command.episode):
            log.info("not shelved: the alarm has ended episode=%s", command.episode)
            return
        shelf = Shelf(
            point=command.point,
            rule=command.rule,
            until=command.until,
            by=command.by,
            reason=command.reason,
            request=command.request,
        )
        if not self._hands.shelve(shelf):
            log.warning("not shelved: no such rule=%s point=%s", command.rule, command.point)
