"""Mosquitto's password and rights files, for amqtt: the demo grants the same rights on either broker."""

from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from firmware_sim.demo.rights import Access, may, password_fits, read_passwords, read_rights

SHARED = "$share/"


class Accounts(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped here
    """Lets in who is in the password file."""

    @dataclass
    class Config:
        """The file."""

        file: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._hashes = read_passwords(Path(self.config.file).read_text(encoding="utf-8"))

    async def authenticate(self, *, session: Session) -> bool:
        """Whether the session's user and password fit."""
        hashed = self._hashes.get(session.username or "")
        return hashed is not None and password_fits(session.password or "", hashed)


class Rights(BaseTopicPlugin):  # type: ignore[misc]  # amqtt is untyped here
    """Holds everybody to the rights file: at a publish and at a delivery, as Mosquitto does."""

    @dataclass
    class Config:
        """The file."""

        file: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._rights = read_rights(Path(self.config.file).read_text(encoding="utf-8"))

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Whether the session may; anybody may subscribe, what is not to be read is not delivered.

        A shared subscription is refused, so that its client asks without: amqtt takes it for a topic.
        """
        if action == Action.SUBSCRIBE:
            return not (topic or "").startswith(SHARED)
        user = session.username if session is not None else None
        access: Access = "write" if action == Action.PUBLISH else "read"
        return may(self._rights, user or "", access, topic or "")
