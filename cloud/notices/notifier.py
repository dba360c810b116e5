"""The thread that sends what waits: some channels at once, each one notice after the other."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from uuid import UUID, uuid4

from cloud.database import Connection, Row, instant
from cloud.looking import Looking
from cloud.mailing import enclosing
from cloud.mailing.store import KIND as MAILING
from cloud.notices import folding, queue, words
from cloud.notices.model import Outcome
from cloud.notices.queue import Claimed
from cloud.notices.sending import send
from cloud.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 0.25
_AT_ONCE = 4
_FINISH_S = 5.0
_SITE_ZONE = "SELECT time_zone FROM site WHERE site = %s"


class Notifier(Looking):
    """A thread of ingest. The database is asked by this thread alone; sending waits in threads of its own."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        """Nothing is read yet."""
        super().__init__(dsn, name="ingest-notices", every_s=LOOK_S)
        self._settings = settings
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notice")
        self._going: dict[UUID, tuple[Claimed, Future[Outcome]]] = {}
        self._begun_ms: dict[UUID, int] = {}

    def look(self, connection: Connection, now_ms: int) -> None:
        """Note what came of what was sent, then send what may go now."""
        self._settle(connection, now_ms)
        now = instant(now_ms)
        for channel in queue.uncounted(connection, now):
            with connection.transaction():
                self._close_count(connection, channel, now_ms)
        for held in folding.due(connection, now):
            with connection.transaction():
                folding.fold(connection, self._settings, held, now)
        queue.pass_on_waiting(connection, now)
        # Whose turn was longest ago: those that never answer must not have every turn.
        channels = queue.busy_channels(connection, now)
        for channel_id in sorted(channels, key=lambda channel: self._begun_ms.get(channel, 0)):
            if len(self._going) >= _AT_ONCE:
                return
            if channel_id not in self._going:
                with connection.transaction():
                    claimed = queue.claim(connection, channel_id, now)
                    if claimed is not None and claimed.notice.kind == MAILING:
                        claimed = claimed._replace(notice=enclosing.enclose(connection, claimed.notice))
                if claimed is not None:
                    sending = self._pool.submit(
                        send, claimed.route, claimed.notice, self._settings.notices.networks
                    )
                    self._going[channel_id] = claimed, sending
                    self._begun_ms[channel_id] = now_ms

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._going

    def leave(self, connection: Connection) -> None:
        """Nothing more is begun; what is on its way may end, and if it does not, it is unknown later."""
        wait([sending for _, sending in self._going.values()], _FINISH_S)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._settle(connection, time.time_ns() // 1_000_000)

    def _settle(self, connection: Connection, now_ms: int) -> None:
        for channel, (claimed, sending) in list(self._going.items()):
            if sending.done():
                outcome = sending.result()
                with connection.transaction():
                    queue.settle(connection, claimed, outcome, now_ms)
                    if claimed.notice.kind == MAILING:
                        enclosing.note(connection, claimed.notice, outcome, now_ms)
                del self._going[channel]
                log.info(
                    "notice %s channel=%s kind=%s code=%s took_ms=%d",
                    outcome.state,
                    channel,
                    claimed.route.kind,
                    outcome.code,
                    outcome.took_ms,
                )

    def _close_count(self, connection: Connection, channel: Row, now_ms: int) -> None:
        """One notice for all that were too many, unless another program has made it meanwhile."""
        notice = uuid4()
        if not queue.close_count(connection, channel["channel"], notice):
            return
        found = connection.execute(_SITE_ZONE, [channel["site"]]).fetchone()
        pages = self._settings.notices.pages
        said = words.flood(
            {int(level): count for level, count in channel["levels"].items()},
            channel["since"],
            found[0] if found else "UTC",
            channel["language"],
            pages,
        )
        row = {
            "notice": notice,
            "channel": channel["channel"],
            "site": channel["site"],
            "kind": "flood",
            "about": f"flood/{notice}",
            "level": channel["worst"],
            "title": said.title,
            "body": said.body,
            "created_at": instant(now_ms),
        }
        queue.put(connection, [row])
