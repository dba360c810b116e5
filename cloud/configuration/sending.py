"""Takes configurations to gateways, again and again until each has said what became of it."""

import logging
from collections.abc import Callable

from cloud.configuration.store import due
from cloud.database import Connection
from cloud.looking import Looking
from sitewarden import topics
from sitewarden.errors import MessageError
from sitewarden.messages import encode

log = logging.getLogger(__name__)

LOOK_S = 1.0


class ConfigurationSender(Looking):
    """A thread of ingest."""

    def __init__(
        self, dsn: str, publish: Callable[[str, bytes], None], can_publish: Callable[[], bool]
    ) -> None:
        """`publish` queues a message on a connection to the broker, if there is one now."""
        super().__init__(dsn, name="ingest-configurations", every_s=LOOK_S)
        self._publish, self._can_publish = publish, can_publish

    def look(self, connection: Connection, now_ms: int) -> None:
        """Send what is due."""
        if not self._can_publish():
            return
        for key, configuration in due(connection, now_ms):
            what = f"version={configuration.version}" if configuration.check is None else "check"
            log.info("configuring gateway=%s/%s %s", key.site, key.gateway, what)
            try:
                body = encode(configuration)
            except MessageError as exc:
                log.error("cannot be sent gateway=%s/%s: %s", key.site, key.gateway, exc)  # noqa: TRY400
                continue
            self._publish(topics.down(key.mode, key.site, key.gateway, "config"), body)
