"""Alarms in SQL: each transition once, and episodes put together from them in whatever order they come."""

import datetime as dt
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.alarms.model import Episode
from cloud.database import Connection, Row, instant
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Alarm, Series
from sitewarden.quality import Quality

LATE_MS = 60_000
"""An alarm that took longer to come was held up on the way."""

_SHOWN: LiteralString = """
    id, site, device, point, kind, rule, rule_version, family, level, label, value, peak, "limit",
    unit, raised_at, acknowledged_at, acknowledged_by, cleared_at, received_at, mode, clock, basis,
    hazard_id AS hazard, late, test, ended
"""
EPISODES: LiteralString = "SELECT " + _SHOWN + " FROM episode "  # noqa: S608  of constants only
"""As they are shown."""


IS_ACKNOWLEDGED: LiteralString = """
    SELECT acknowledged_at IS NOT NULL AND (cleared_at IS NOT NULL
           OR states ->> replace(episode.id::text, '-', '') IS DISTINCT FROM 'unacknowledged') AS so
      FROM episode JOIN gateway ON gateway.id = gateway_id WHERE episode.id = %s
"""
"""Whether everybody knows of it: one that got clearly worse since is unacknowledged at its gateway again."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that a gateway tells of."""

    key: GatewayKey
    gateway_id: int
    alarm: Alarm
    received_ms: int


class StoredEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the episode once the alarm is stored."""

    hazard_id: UUID | None
    raised_at: dt.datetime
    cleared_at: dt.datetime | None
    value: float
    peak: float
    is_new: bool
    """Nothing was known of it before this transition."""
    row: Row = {}
    """As it is shown; empty where nobody shows it."""

    def shown(self, hazard_id: UUID | None) -> Episode:
        """As it is shown, once it is known to which record it belongs."""
        return Episode(**{**self.row, "hazard": hazard_id})


_PUT_TOGETHER: LiteralString = f"""
    WITH told AS (
        SELECT * FROM jsonb_to_recordset(%s) AS told (
                gateway_id int, boot text, seq bigint, change text, at timestamptz, now_value float8, id uuid,
                site text, mode text, device text, point text, kind text, rule text, rule_version bigint,
                family text, level smallint, label jsonb, value float8, peak float8, "limit" float8,
                unit text, raised_at timestamptz, acknowledged_at timestamptz, acknowledged_by text,
                cleared_at timestamptz, received_at timestamptz, clock text, basis jsonb, evidence jsonb,
                late boolean, test boolean, ended text, pictures jsonb, no_picture text)
    ), noted AS (
        INSERT INTO alarm_transition (gateway_id, boot, seq, episode, change, at, value, received_at)
            SELECT gateway_id, boot, seq, id, change, at, now_value, received_at FROM told
            ON CONFLICT DO NOTHING RETURNING gateway_id, boot, seq
    )
    INSERT INTO episode AS known (
            id, site, mode, gateway_id, device, point, kind, rule, rule_version, family, level, label,
            value, peak, "limit", unit, raised_at, acknowledged_at, acknowledged_by, cleared_at,
            received_at, clock, basis, evidence, late, test, ended, pictures, no_picture)
        SELECT id, site, mode, gateway_id, device, point, kind, rule, rule_version, family, level, label,
               value, peak, "limit", unit, raised_at, acknowledged_at, acknowledged_by, cleared_at,
               received_at, clock, basis, evidence, late, test, ended, pictures, no_picture
          FROM told JOIN noted USING (gateway_id, boot, seq)
         -- In the order in which others lock episodes.
         ORDER BY id
        ON CONFLICT (id) DO UPDATE SET
            acknowledged_at = coalesce(known.acknowledged_at, excluded.acknowledged_at),
            acknowledged_by = coalesce(nullif(known.acknowledged_by, ''), excluded.acknowledged_by),
            cleared_at = coalesce(known.cleared_at, excluded.cleared_at),
            value = CASE WHEN excluded.evidence ? 'raised' THEN excluded.value ELSE known.value END,
            peak = CASE WHEN excluded.peak >= excluded."limit" THEN greatest(known.peak, excluded.peak)
                        ELSE least(known.peak, excluded.peak) END,
            evidence = known.evidence || excluded.evidence,
            late = known.late OR excluded.late,
            ended = coalesce(known.ended, excluded.ended),
            pictures = CASE WHEN known.pictures = '[]' THEN excluded.pictures ELSE known.pictures END,
            no_picture = coalesce(known.no_picture, excluded.no_picture)
        RETURNING xmax = 0 AS is_new, {_SHOWN}
"""  # noqa: S608  of constants only


def store_alarms(connection: Connection, alarms: list[Arrived]) -> "Storing":
    """Note transitions and put their knowledge of episodes together with what is known already.

    Each of another episode. A clear is final whenever it comes, and so is an acknowledgement; the value is
    that of the raise; the peak is the worse one, on the side of the limit where the danger lies.
    """
    cursor = connection.cursor(row_factory=dict_row)
    return Storing(cursor.execute(_PUT_TOGETHER, [Jsonb([_row(told) for told in alarms])]))


class Storing(NamedTuple):
    """Alarms on their way into the database."""

    cursor: psycopg.Cursor[Row]

    def stored(self) -> dict[str, StoredEpisode]:
        """By episode what is known now; of none whose transition had been noted before."""
        # An updated row names the transaction that locked the one before it, an inserted row none.
        return {
            row["id"].hex: StoredEpisode(
                is_new=row.pop("is_new"),
                hazard_id=row["hazard"],
                raised_at=row["raised_at"],
                cleared_at=row["cleared_at"],
                value=row["value"],
                peak=row["peak"],
                row=row,
            )
            for row in self.cursor
        }


def episodes_by_id(connection: Connection, ids: list[UUID]) -> list[Episode]:
    """Episodes as they are shown."""
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(EPISODES + "WHERE id = ANY(%s) ORDER BY raised_at, id", [ids])
    return [Episode(**row) for row in cursor]


def _row(told: Arrived) -> dict[str, Any]:
    """A transition, and what it knows of its episode."""
    alarm, key = told.alarm, told.key
    return {
        "gateway_id": told.gateway_id,
        "boot": alarm.boot,
        "seq": alarm.seq,
        "change": alarm.change,
        "at": instant(alarm.at),
        "now_value": alarm.value,
        "id": UUID(alarm.episode),
        "site": key.site,
        "mode": key.mode,
        "device": alarm.device,
        "point": alarm.point,
        "kind": alarm.kind,
        "rule": alarm.rule,
        "rule_version": alarm.rule_version,
        "family": alarm.family,
        "level": alarm.level,
        "label": alarm.label,
        "value": alarm.value if alarm.change == "raised" else alarm.peak,
        "peak": alarm.peak,
        "limit": alarm.limit,
        "unit": alarm.unit,
        "raised_at": instant(alarm.raised_at),
        "acknowledged_at": None if alarm.acknowledged_at is None else instant(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
        "cleared_at": None if alarm.cleared_at is None else instant(alarm.cleared_at),
        "received_at": instant(told.received_ms),
        "clock": alarm.clock,
        "basis": alarm.basis,
        "evidence": {alarm.change: [_evidence(alarm.at, series) for series in alarm.evidence]},
        # Of the raise alone: a danger that stands for an hour is not late when it ends.
        # What a replay plays was long ago, and nothing held it up.
        "late": key.mode != "replay" and alarm.change == "raised" and told.received_ms - alarm.at > LATE_MS,
        "test": alarm.test,
        "ended": alarm.ended,
        "pictures": alarm.pictures,
        "no_picture": alarm.no_picture,
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
