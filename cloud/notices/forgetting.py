"""What people were told is deleted when it is old; never what is open, nor what is evidence. In SQL."""

import datetime as dt
import logging
from typing import LiteralString

from cloud.database import EPOCH, Connection, instant
from cloud.mailing.store import KIND as MAILING
from cloud.notices.telling import table

log = logging.getLogger(__name__)

_EVERY_MS = 3_600_000
_MOST = 500
"""So many at once, so that nothing waits for it."""
_OF_A_GRAVE_RECORD: LiteralString = """
    EXISTS (SELECT FROM episode JOIN hazard ON hazard.id = episode.hazard_id
             WHERE episode.id = old.episode
                   AND (hazard.ended_at IS NULL OR hazard.level <> 'general'
                        OR EXISTS (SELECT FROM hazard_event AS its
                                    WHERE its.hazard_id = hazard.id AND its.level <> 'general')))
"""
"""Alarms of a record that is open, or was ever held for major: who was told of them is evidence."""
_TELLS_OF_KEPT: LiteralString = """
    EXISTS (SELECT FROM notice AS its
             WHERE its.digest = CASE WHEN old.kind = 'digest'
                                     THEN split_part(old.about, '/', 2)::uuid END)
"""
"""A digest, by whichever way it went, says what became of those that it tells of: it goes after them."""
_NOTICES: LiteralString = f"""
    WITH old AS (
        SELECT notice, created_at FROM notice AS old
         WHERE created_at BETWEEN %(since)s AND %(until)s AND kind <> ALL (%(kept)s)
               AND state NOT IN ('waiting', 'sending') AND NOT (state = 'counted' AND code = '')
               AND NOT EXISTS (SELECT FROM notice AS later WHERE later.instead_of = old.notice)
               AND NOT EXISTS (SELECT FROM told WHERE told.told = old.told AND told.due_at IS NOT NULL)
               AND NOT {_OF_A_GRAVE_RECORD} AND NOT {_TELLS_OF_KEPT}
         ORDER BY created_at LIMIT %(most)s
    ), gone AS (
        DELETE FROM notice USING old WHERE notice.notice = old.notice
    )
    SELECT count(*), max(created_at) FROM old
"""  # noqa: S608  of constants only
_TOLD: LiteralString = f"""
    WITH old AS (
        SELECT told, created_at FROM told AS old
         WHERE created_at BETWEEN %(since)s AND %(until)s AND kind <> ALL (%(kept)s) AND due_at IS NULL
               AND NOT EXISTS (SELECT FROM notice WHERE notice.told = old.told)
               AND NOT {_OF_A_GRAVE_RECORD}
         ORDER BY created_at LIMIT %(most)s
    ), persons AS (
        DELETE FROM told_person USING old WHERE told_person.told = old.told
    ), gone AS (
        DELETE FROM told USING old WHERE told.told = old.told
    )
    SELECT count(*), max(created_at) FROM old
"""  # noqa: S608  of constants only


class ForgettingNotices:
    """A duty of ingest: begun once an hour, and then a batch with every look until nothing old is left."""

    def __init__(self, keep_days: int) -> None:
        """Nothing is done yet."""
        self._keep = dt.timedelta(days=keep_days)
        self._due_ms = 0
        self._since: dict[LiteralString, dt.datetime] = {}

    def __call__(self, connection: Connection, now_ms: int) -> None:
        """Delete at most one batch of each."""
        if now_ms >= self._due_ms:
            self._due_ms = now_ms + _EVERY_MS
            self._since = {_NOTICES: EPOCH, _TOLD: EPOCH}
        for query, since in list(self._since.items()):
            values = {
                "since": since,
                "until": instant(now_ms) - self._keep,
                "kept": kept_kinds(),
                "most": _MOST,
            }
            n, last = connection.execute(query, values).fetchone() or (0, None)
            if n < _MOST:
                del self._since[query]
            else:
                # What is kept before it is not looked at again.
                self._since[query] = last
            if n:
                log.info("old notices deleted n=%d what=%s", n, "told" if query is _TOLD else "notice")


def kept_kinds() -> list[str]:
    """Kinds that are kept for good."""
    return [name for name, kind in table().tellings.items() if kind.is_evidence] + [MAILING]
