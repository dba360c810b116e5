"""Alarms in SQL: each transition once, and episodes put together from them in whatever order they come."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.alarms.model import Episode
from cloud.database import Connection, instant
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Alarm, Series
from sitewarden.quality import Quality

LATE_MS = 60_000
"""An alarm that took longer to come was held up on the way."""

EPISODES: LiteralString = """
    SELECT id, site, device, point, kind, rule, rule_version, family, level, label, value, peak, "limit",
           unit, raised_at, acknowledged_at, acknowledged_by, cleared_at, received_at, mode, clock, basis,
           hazard_id AS hazard, late, test, ended
      FROM episode
"""
"""As they are shown."""


IS_ACKNOWLEDGED: LiteralString = """
    SELECT acknowledged_at IS NOT NULL AND (cleared_at IS NOT NULL
           OR states ->> replace(episode.id::text, '-', '') IS DISTINCT FROM 'unacknowledged') AS so
      FROM episode JOIN gateway ON gateway.id = gateway_id WHERE episode.id = %s
"""
"""Whether everybody knows of it: one that got clearly worse since is unacknowledged at its gateway again."""


class StoredEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """What an upsert tells of the episode."""

    hazard_id: UUID | None
    raised_at: dt.datetime
    cleared_at: dt.datetime | None
    value: float
    peak: float
    is_new: bool
    """Nothing was known of it before this transition."""


def store_transition(connection: Connection, gateway_id: int, alarm: Alarm, received_ms: int) -> bool:
    """Note a transition; false where it had been noted before."""
    row = connection.execute(
        """
        INSERT INTO alarm_transition (gateway_id, boot, seq, episode, change, at, value, received_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING seq
        """,
        [
            gateway_id,
            alarm.boot,
            alarm.seq,
            UUID(alarm.episode),
            alarm.change,
            instant(alarm.at),
            alarm.value,
            instant(received_ms),
        ],
    ).fetchone()
    return row is not None


_PUT_TOGETHER: LiteralString = """
    INSERT INTO episode AS known (
            id, site, mode, gateway_id, device, point, kind, rule, rule_version, family, level, label,
            value, peak, "limit", unit, raised_at, acknowledged_at, acknowledged_by, cleared_at,
            received_at, clock, basis, evidence, late, test, ended)
        VALUES (
            %(id)s, %(site)s, %(mode)s, %(gateway)s, %(device)s, %(point)s, %(kind)s, %(rule)s,
            %(rule_version)s, %(family)s, %(level)s, %(label)s, %(value)s, %(peak)s, %(limit)s, %(unit)s,
            %(raised_at)s, %(acknowledged_at)s, %(acknowledged_by)s, %(cleared_at)s, %(received_at)s,
            %(clock)s, %(basis)s, %(evidence)s, %(late)s, %(test)s, %(ended)s)
        ON CONFLICT (id) DO UPDATE SET
            acknowledged_at = coalesce(known.acknowledged_at, excluded.acknowledged_at),
            acknowledged_by = coalesce(nullif(known.acknowledged_by, ''), excluded.acknowledged_by),
            cleared_at = coalesce(known.cleared_at, excluded.cleared_at),
            value = CASE WHEN %(is_raise)s THEN excluded.value ELSE known.value END,
            peak = CASE WHEN excluded.peak >= excluded."limit" THEN greatest(known.peak, excluded.peak)
                        ELSE least(known.peak, excluded.peak) END,
            evidence = known.evidence || excluded.evidence,
            late = known.late OR excluded.late,
            ended = coalesce(known.ended, excluded.ended)
        RETURNING hazard_id, raised_at, cleared_at, value, peak, xmax = 0
"""


def store_episode(
    connection: Connection, key: GatewayKey, gateway_id: int, alarm: Alarm, received_ms: int
) -> StoredEpisode:
    """Put the transition's knowledge of its episode together with what is known already.

    A clear is final whenever it comes, and so is an acknowledgement; the value is that of the raise; the peak
    is the worse one, on the side of the limit where the danger lies.
    """
    values = _episode_row(key, gateway_id, alarm, received_ms)
    row = connection.execute(_PUT_TOGETHER, values).fetchone()
    assert row is not None  # noqa: S101  an upsert without WHERE always returns its row
    # An updated row names the transaction that locked the one before it, an inserted row none.
    hazard_id, raised_at, cleared_at, value, peak, is_new = row
    return StoredEpisode(
        hazard_id=hazard_id, raised_at=raised_at, cleared_at=cleared_at, value=value, peak=peak, is_new=is_new
    )


def link_hazard(connection: Connection, episode: UUID, hazard_id: UUID) -> None:
    """Say which hazard record the episode belongs to; it never moves to another."""
    connection.execute(
        "UPDATE episode SET hazard_id = %s WHERE id = %s AND hazard_id IS NULL", [hazard_id, episode]
    )


def episodes_by_id(connection: Connection, ids: list[UUID]) -> list[Episode]:
    """Episodes as they are shown."""
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(EPISODES + "WHERE id = ANY(%s) ORDER BY raised_at, id", [ids])
    return [Episode(**row) for row in cursor]


def _episode_row(key: GatewayKey, gateway_id: int, alarm: Alarm, received_ms: int) -> dict[str, Any]:
    """What a transition knows of its episode."""
    return {
        "id": UUID(alarm.episode),
        "site": key.site,
        "mode": key.mode,
        "gateway": gateway_id,
        "device": alarm.device,
        "point": alarm.point,
        "kind": alarm.kind,
        "rule": alarm.rule,
        "rule_version": alarm.rule_version,
        "family": alarm.family,
        "level": alarm.level,
        "label": Jsonb(alarm.label),
        "value": alarm.value if alarm.change == "raised" else alarm.peak,
        "peak": alarm.peak,
        "limit": alarm.limit,
        "unit": alarm.unit,
        "raised_at": instant(alarm.raised_at),
        "acknowledged_at": None if alarm.acknowledged_at is None else instant(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
        "cleared_at": None if alarm.cleared_at is None else instant(alarm.cleared_at),
        "received_at": instant(received_ms),
        "clock": alarm.clock,
        "basis": Jsonb(alarm.basis),
        "evidence": Jsonb({alarm.change: [_evidence(alarm.at, series) for series in alarm.evidence]}),
        # Of the raise alone: a danger that stands for an hour is not late when it ends.
        # What a replay plays was long ago, and nothing held it up.
        "late": key.mode != "replay" and alarm.change == "raised" and received_ms - alarm.at > LATE_MS,
        "test": alarm.test,
        "ended": alarm.ended,
        "is_raise": alarm.change == "raised",
    }


def _evidence(at_ms: int, series: Series) -> dict[str, Any]:
    """A series as it is shown: instants in UTC milliseconds, qualities as words."""
    qualities = [Quality.GOOD] * len(series.t) if series.q is None else series.q
    return {
        "point": series.p,
        "t": [at_ms + t for t in series.t],
        "x": list(series.x),
        "q": [quality.word for quality in qualities],
    }
