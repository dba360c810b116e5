"""Takes to gateways what people have asked, of alarms or a trial, again and again until it is answered."""

import logging
from collections.abc import Callable

from cloud.alarms.requests import look
from cloud.cameras import views, watching
from cloud.database import Connection
from cloud.live.store import wake_viewers
from cloud.looking import Looking
from cloud.trials import service as trials
from sitewarden import topics
from sitewarden.messages import encode

log = logging.getLogger(__name__)

LOOK_S = 0.5


class Sender(Looking):
    """A thread of ingest."""

    def __init__(
        self, dsn: str, publish: Callable[[str, bytes], None], can_publish: Callable[[], bool]
    ) -> None:
        """`publish` queues a message on a connection to the broker, if there is one now."""
        super().__init__(dsn, name="ingest-requests", every_s=LOOK_S)
        self._publish, self._can_publish = publish, can_publish

    def look(self, connection: Connection, now_ms: int) -> None:
        """Send what is due, and wake whoever looks on where something has been settled."""
        may_send = self._can_publish()
        due, has_news = look(connection, now_ms, may_send=may_send)
        for key, command in due:
            log.info(
                "asking gateway=%s/%s command=%s by=%s", key.site, key.gateway, command.command, command.by
            )
            self._publish(topics.down(key.mode, key.site, key.gateway, "command"), encode(command))
        if has_news:
            wake_viewers(connection)
        for key, asked in trials.look(connection, now_ms, may_send=may_send):
            log.info("asking gateway=%s/%s trial=%s bus=%s", key.site, key.gateway, asked.request, asked.bus)
            self._publish(topics.down(key.mode, key.site, key.gateway, "trial"), encode(asked))
        for key, command in views.look(connection, now_ms, may_send=may_send):
            log.info("accepting a view gateway=%s/%s camera=%s", key.site, key.gateway, command.device)
            self._publish(topics.down(key.mode, key.site, key.gateway, "command"), encode(command))
        for key, command in watching.look(connection, now_ms, may_send=may_send):
            self._publish(topics.down(key.mode, key.site, key.gateway, "command"), encode(command))
