"""Hazard records in SQL: at most one open a fingerprint, whoever writes at the same time."""

import datetime as dt
from typing import LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection
from cloud.hazards.chain import Event, Link, link
from cloud.hazards.model import Hazard
from sitewarden.rules import HazardProposal
from sitewarden.rules.model import LONGEST_HANDLING_S
from sitewarden.text import Text

HAZARDS: LiteralString = """
    SELECT id, number, site, device, category, family, level, status, content, potential_accident, clause,
           also, (SELECT due_at FROM hazard_timer AS timer
                   WHERE timer.hazard_id = hazard.id AND timer.kind = 'handling') AS handling_due_at,
           signal, opened_at, detected_at, last_episode_at, worst_level, episodes
      FROM hazard
"""
"""As they are shown."""

READ_BY: LiteralString = """
    SELECT profile, version AS profile_version FROM device_profile
     WHERE site = %(site)s AND mode = 'live' AND device = %(device)s AND since <= %(at)s
     ORDER BY since DESC LIMIT 1
"""
"""By what a device was read at an instant."""


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm proposes."""

    id: UUID
    """Of the record, if none is open yet."""
    site: str
    device: str
    family: str
    fingerprint: bytes
    proposal: HazardProposal
    alarm_level: int
    episode: UUID
    raised_at: dt.datetime
    opened_at: dt.datetime
    content: Text


def handling_s(proposal: HazardProposal) -> int:
    """How long handling may take; a gateway's number out of bounds is cut, for it may not cost its alarm."""
    return min(proposal.handling_clock_s, LONGEST_HANDLING_S)


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """The record that an episode now belongs to."""

    id: UUID
    is_new: bool
    level: str
    worst_level: int


def attach(connection: Connection, proposed: Proposed) -> Attached:
    """Open a record, or add to the open one of the same fingerprint, in which the worst prevails."""
    row = connection.execute(
        """
        INSERT INTO hazard AS known (
                id, site, device, category, family, fingerprint, level, status, content, content_episode,
                potential_accident, clause, also, handling_clock_s, signal, opened_at, detected_at, episodes,
                last_episode_at, worst_level)
            VALUES (
                %(id)s, %(site)s, %(device)s, %(category)s, %(family)s, %(fingerprint)s, %(level)s,
                'candidate', %(content)s, %(episode)s, %(potential_accident)s, %(clause)s,
                %(also)s, %(handling_clock_s)s, 'active',
                %(opened_at)s, %(raised_at)s, 1, %(raised_at)s, %(alarm_level)s)
            ON CONFLICT (fingerprint) WHERE ended_at IS NULL DO UPDATE SET
                level = CASE WHEN 'major_proposed' IN (known.level, excluded.level)
                             THEN 'major_proposed' ELSE 'general' END,
                clause = CASE WHEN excluded.level = 'major_proposed' AND known.level = 'general'
                              THEN coalesce(excluded.clause, known.clause)
                              ELSE coalesce(known.clause, excluded.clause) END,
                also = CASE WHEN known.clause IS NULL OR (excluded.clause IS NOT NULL
                                 AND excluded.level = 'major_proposed' AND known.level = 'general')
                            THEN excluded.also ELSE known.also END,
                potential_accident = CASE WHEN excluded.level = 'major_proposed' AND known.level = 'general'
                                          THEN excluded.potential_accident ELSE known.potential_accident END,
                handling_clock_s = CASE WHEN 0 IN (known.handling_clock_s, excluded.handling_clock_s)
                                        THEN greatest(known.handling_clock_s, excluded.handling_clock_s)
                                        ELSE least(known.handling_clock_s, excluded.handling_clock_s) END,
                content = CASE WHEN excluded.worst_level > known.worst_level
                               THEN excluded.content ELSE known.content END,
                content_episode = CASE WHEN excluded.worst_level > known.worst_level
                                       THEN excluded.content_episode ELSE known.content_episode END,
                episodes = known.episodes + 1,
                detected_at = least(known.detected_at, excluded.detected_at),
                last_episode_at = greatest(known.last_episode_at, excluded.last_episode_at),
                worst_level = greatest(known.worst_level, excluded.worst_level)
            RETURNING id, level, worst_level
        """,
        {
            "id": proposed.id,
            "site": proposed.site,
            "device": proposed.device,
            "category": Jsonb(proposed.proposal.category),
            "family": proposed.family,
            "fingerprint": proposed.fingerprint,
            "level": proposed.proposal.level,
            "content": Jsonb(proposed.content),
            "episode": proposed.episode,
            "potential_accident": Jsonb(proposed.proposal.potential_accident),
            "clause": None if proposed.proposal.clause is None else Jsonb(proposed.proposal.clause),
            "also": Jsonb(proposed.proposal.also),
            "handling_clock_s": handling_s(proposed.proposal),
            "opened_at": proposed.opened_at,
            "raised_at": proposed.raised_at,
            "alarm_level": proposed.alarm_level,
        },
    ).fetchone()
    assert row is not None  # noqa: S101  an upsert without WHERE always returns its row
    hazard_id, level, worst_level = row
    return Attached(id=hazard_id, is_new=hazard_id == proposed.id, level=level, worst_level=worst_level)


def give_number(connection: Connection, hazard_id: UUID, site: str, day: dt.date) -> str:
    """The next number of the site's day, `{site}-{yyyymmdd}-{seq4}`."""
    row = connection.execute(
        """
        INSERT INTO hazard_number (site, day, last) VALUES (%s, %s, 1)
            ON CONFLICT (site, day) DO UPDATE SET last = hazard_number.last + 1 RETURNING last
        """,
        [site, day],
    ).fetchone()
    assert row is not None  # noqa: S101  an upsert without WHERE always returns its row
    number = f"{site}-{day:%Y%m%d}-{row[0]:04d}"
    connection.execute("UPDATE hazard SET number = %s WHERE id = %s", [number, hazard_id])
    return number


def renew_content(connection: Connection, hazard_id: UUID, episode: UUID, content: Text) -> None:
    """Say anew what the record is about, if it is about this episode."""
    connection.execute(
        "UPDATE hazard SET content = %s WHERE id = %s AND content_episode = %s",
        [Jsonb(content), hazard_id, episode],
    )


class Timer(NamedTuple):
    """A clock that runs on a record."""

    hazard_id: UUID
    due_at: dt.datetime


def start_timer(connection: Connection, hazard_id: UUID, due_at: dt.datetime) -> bool:
    """Start the handling clock of a record, or let one that runs end sooner; false where nothing changes."""
    row = connection.execute(
        """
        INSERT INTO hazard_timer AS known (hazard_id, kind, due_at) VALUES (%s, 'handling', %s)
            ON CONFLICT (hazard_id, kind) DO UPDATE SET due_at = excluded.due_at
             WHERE known.settled_at IS NULL AND excluded.due_at < known.due_at
            RETURNING hazard_id
        """,
        [hazard_id, due_at],
    ).fetchone()
    return row is not None


def claim_timers(connection: Connection, now: dt.datetime, most: int) -> list[Timer]:
    """Handling clocks that have run out, the oldest first, and nobody else's until the transaction ends."""
    rows = connection.execute(
        """
        SELECT hazard_id, due_at FROM hazard_timer
         WHERE kind = 'handling' AND settled_at IS NULL AND due_at <= %s
         ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        [now, most],
    ).fetchall()
    return [Timer(*row) for row in rows]


def settle_timer(connection: Connection, hazard_id: UUID, now: dt.datetime) -> None:
    """The clock is over."""
    connection.execute(
        "UPDATE hazard_timer SET settled_at = %s WHERE hazard_id = %s AND kind = 'handling'", [now, hazard_id]
    )


def suspect_major(connection: Connection, hazard_id: UUID) -> bool:
    """Propose an open general record as major; false where it is closed, or proposed already."""
    row = connection.execute(
        """
        UPDATE hazard SET level = 'major_proposed'
         WHERE id = %s AND level = 'general' AND ended_at IS NULL RETURNING id
        """,
        [hazard_id],
    ).fetchone()
    return row is not None


def append_event(connection: Connection, hazard_id: UUID, event: Event) -> Link:
    """Add to the record's chain what has just been done to its row, which this transaction has locked."""
    row = connection.execute(
        "SELECT seq, hash FROM hazard_event WHERE hazard_id = %s ORDER BY seq DESC LIMIT 1", [hazard_id]
    ).fetchone()
    made = link(str(hazard_id), None if row is None else (row[0], row[1]), event)
    connection.execute(
        """
        WITH come_to AS (
            UPDATE hazard SET version = %(seq)s WHERE id = %(hazard)s
            RETURNING status, level, report, supervision, escalation_step, overdue, verified_at)
        INSERT INTO hazard_event (
                hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report, supervision,
                escalation_step, overdue, verified)
            SELECT %(hazard)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(at)s, %(kind)s, status, level,
                   report, supervision, escalation_step, overdue, verified_at IS NOT NULL
              FROM come_to
        """,
        {
            **msgspec.structs.asdict(made),
            "hazard": hazard_id,
            "at": event.at,
            "kind": event.kind,
        },
    )
    return made


def hazards_by_id(connection: Connection, ids: list[UUID]) -> list[Hazard]:
    """Hazards as they are shown."""
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(HAZARDS + "WHERE id = ANY(%s) ORDER BY opened_at, id", [ids])
    return [Hazard(**row) for row in cursor]
