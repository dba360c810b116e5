"""The thread that sends what waits: some channels at once, each one notice after the other."""

import logging
import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from uuid import UUID, uuid4

from cloud.database import Connection, Row, instant, milliseconds
from cloud.looking import Looking
from cloud.mailing import enclosing
from cloud.mailing.store import KIND as MAILING
from cloud.metrics import ingest as metrics
from cloud.notices import folding, queue, words
from cloud.notices.model import Outcome
from cloud.notices.opening import Telling
from cloud.notices.queue import Claimed
from cloud.notices.sending import send
from cloud.notices.standing_in import pass_on_waiting
from cloud.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 0.25
_AT_ONCE = 8
_KEPT = 2
"""So many of them are for the gravest alone: no other server that hangs may hold those up."""
_BY_ONE_SERVER = 3
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
        self._sender = secrets.randbelow(2**31 - 1) + 1
        self._held_by: Connection | None = None

    def look(self, connection: Connection, now_ms: int) -> None:
        """Note what came of what was sent, then send what may go now."""
        if self._held_by is not connection:
            queue.hold_sender(connection, self._sender)
            self._held_by = connection
        self._settle(connection, now_ms)
        now = instant(now_ms)
        for channel in queue.uncounted(connection, now):
            with connection.transaction():
                self._close_count(connection, channel, now_ms)
        for held in folding.due(connection, now):
            with connection.transaction():
                folding.fold(connection, self._settings, held, now)
        pass_on_waiting(connection, now)
        for busy in sorted(queue.busy_channels(connection, now), key=self._turn):
            if self._has_room(busy):
                self._begin(connection, busy, now_ms)

    def _turn(self, busy: queue.Busy) -> tuple[bool, int]:
        """The gravest, then whose turn was longest ago: those that never answer must not have every turn."""
        return not busy.is_grave, self._begun_ms.get(busy.channel, 0)

    def _has_room(self, busy: queue.Busy) -> bool:
        most = _AT_ONCE if busy.is_grave else _AT_ONCE - _KEPT
        by_it = sum(claimed.server == busy.server for claimed, _ in self._going.values())
        return len(self._going) < most and by_it < _BY_ONE_SERVER and busy.channel not in self._going

    def _begin(self, connection: Connection, busy: queue.Busy, now_ms: int) -> None:
        with connection.transaction():
            claimed = queue.claim(connection, busy, instant(now_ms), self._sender)
            if claimed is not None and claimed.notice.kind == MAILING:
                claimed = claimed._replace(notice=enclosing.enclose(connection, claimed.notice))
        if claimed is not None:
            sending = self._pool.submit(send, claimed.route, claimed.notice, self._settings.notices.networks)
            self._going[busy.channel] = claimed, sending
            self._begun_ms[busy.channel] = now_ms

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
                        telling = Telling(settings=self._settings, sites={}, now_ms=now_ms)
                        enclosing.note(connection, claimed.notice, outcome, telling)
                del self._going[channel]
                waited_s = (now_ms - milliseconds(claimed.notice.created_at)) / 1000
                metrics.note_notice(claimed.route.kind, outcome.state, waited_s)
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
