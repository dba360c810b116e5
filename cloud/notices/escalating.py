"""Who comes next where nobody has acknowledged: clocks that are rows, and run out whichever program looks."""

import datetime as dt
import logging
from typing import LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.notices import people, queue, words

log = logging.getLogger(__name__)

_MOST = 100
_LATER = dt.timedelta(minutes=10)
_DUE: LiteralString = """
    SELECT told.*,
           told.kind = 'major' AND NOT EXISTS (
               SELECT FROM hazard WHERE hazard.id::text = split_part(told.about, '/', 2)
                                    AND hazard.level = 'major_proposed') AS is_over
      FROM told
     WHERE told.due_at <= %(now)s ORDER BY told.due_at, told.told LIMIT %(most)s
       FOR UPDATE OF told SKIP LOCKED
"""
_OVER: LiteralString = "UPDATE told SET due_at = NULL WHERE told = %(told)s"
_NOBODY: LiteralString = "UPDATE told SET ended = 'nobody', due_at = NULL WHERE told = %(told)s"

_PUT_OFF: LiteralString = "UPDATE told SET due_at = %(until)s WHERE told = %(told)s"


def escalate_due(connection: Connection, pages: str | None, now: dt.datetime) -> list[UUID]:
    """Tell the next of each chain whose time is over, in one transaction; returns what they were told of.

    A suspicion that has been judged needs nobody more. That the siren of an alarm was silenced by whoever
    stood there, or by a role whose word does not count, says nothing of whether those know who must act.
    """
    with connection.transaction():
        cursor = connection.cursor(row_factory=dict_row)
        due = cursor.execute(_DUE, {"now": now, "most": _MOST}).fetchall()
        told = _escalated(connection, due, pages, now)
        if told is None:
            # One of them cannot be told: it must not silence the others.
            told = [thing for row in due for thing in _alone(connection, row, pages, now)]
        return told


def _alone(connection: Connection, row: Row, pages: str | None, now: dt.datetime) -> list[UUID]:
    told = _escalated(connection, [row], pages, now)
    if told is None:
        connection.execute(_PUT_OFF, {"told": row["told"], "until": now + _LATER})
    return told or []


def _escalated(
    connection: Connection, due: list[Row], pages: str | None, now: dt.datetime
) -> list[UUID] | None:
    """What the next were told of; nothing is done, and said in the log, where one of them cannot be told."""
    try:
        with connection.transaction():
            return _escalate(connection, due, pages, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        # The last resort: whatever nobody thought of in one of them.
        log.exception("nobody further is told of=%s", [row["told"] for row in due])
        return None


def _escalate(connection: Connection, due: list[Row], pages: str | None, now: dt.datetime) -> list[UUID]:
    further = []
    for row in due:
        if row["is_over"]:
            connection.execute(_OVER, row)
        elif (thing := _next(row)).rule.stage(thing.step):
            further.append(thing)
        else:
            connection.execute(_NOBODY, row)
    queue.put(connection, people.tell(connection, further, pages, now))
    return [thing.told for thing in further]


def _next(row: Row) -> people.Thing:
    return people.Thing(
        told=row["told"],
        kind=row["kind"],
        about=row["about"],
        site=row["site"],
        node=row["node"],
        device=row["device"],
        episode=row["episode"],
        level=row["level"],
        words=msgspec.convert(row["words"], dict[str, words.Words]),
        page=row["page"],
        created_at=row["created_at"],
        step=row["step"] + 1,
    )
