"""Takes configurations to gateways, again and again until each has said what became of it."""

import logging
from collections.abc import Callable

from cloud.configuration.store import RESEND_MS, due, unheard
from cloud.database import Connection
from cloud.ingest.model import GatewayKey
from cloud.looking import Looking
from sitewarden import bundle, topics
from sitewarden.errors import MessageError
from sitewarden.messages import Configuration, encode

log = logging.getLogger(__name__)

LOOK_S = 1.0
QUESTION = Configuration(hash=bundle.digest({}), files={})
"""What do you work from? A gateway's first word of that may have come while nobody listened."""


class ConfigurationSender(Looking):
    """A thread of ingest."""

    def __init__(
        self, dsn: str, publish: Callable[[str, bytes], None], can_publish: Callable[[], bool]
    ) -> None:
        """`publish` queues a message on a connection to the broker, if there is one now."""
        super().__init__(dsn, name="ingest-configurations", every_s=LOOK_S)
        self._publish, self._can_publish = publish, can_publish
        self._asked_ms: dict[GatewayKey, int] = {}

    def look(self, connection: Connection, now_ms: int) -> None:
        """Send what is due."""
        if not self._can_publish():
            return
        self._ask(unheard(connection, now_ms), now_ms)
        for key, configuration in due(connection, now_ms):
            what = f"version={configuration.version}" if configuration.check is None else "check"
            log.info("configuring gateway=%s/%s %s", key.site, key.gateway, what)
            try:
                body = encode(configuration)
            except MessageError as exc:
                log.error("cannot be sent gateway=%s/%s: %s", key.site, key.gateway, exc)  # noqa: TRY400
                continue
            self._publish(topics.down(key.mode, key.site, key.gateway, "config"), body)

    def _ask(self, unheard_of: list[GatewayKey], now_ms: int) -> None:
        """Ask gateways what they work from, each now and then."""
        asked = {key: at_ms for key, at_ms in self._asked_ms.items() if now_ms - at_ms < RESEND_MS}
        self._asked_ms = {**dict.fromkeys(unheard_of, now_ms), **asked}
        for key in unheard_of:
            if key not in asked:
                self._publish(topics.down(key.mode, key.site, key.gateway, "config"), encode(QUESTION))
