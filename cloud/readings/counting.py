"""What became of the readings that came, counted by gateway and day."""

import msgspec
import numpy as np

from cloud.database import Connection, array, instant
from cloud.readings.columns import Batch

LATE_MS = 60_000
"""A reading stored longer than this after its instant was held up on the way, and counts as late."""
OUTCOMES = ("accepted", "late", "duplicate", "future", "ancient")

Stored = list[tuple[int, int, int]]
"""Of each gateway how many readings were new, and how many of these late."""


class Counts(msgspec.Struct, kw_only=True):
    """What became of the readings of a gateway; those that are late are among the accepted."""

    accepted: int = 0
    late: int = 0
    duplicate: int = 0
    future: int = 0
    ancient: int = 0


def count_all(counts: dict[int, Counts], batch: Batch, now_ms: int) -> None:
    """Every reading of the batch was new."""
    is_late = batch.at_ms < now_ms - LATE_MS
    for gateway_id in np.unique(batch.gateways).tolist():
        is_of = batch.gateways == gateway_id
        counts[gateway_id].accepted += int(is_of.sum())
        counts[gateway_id].late += int((is_of & is_late).sum())


def count_stored(counts: dict[int, Counts], stored: Stored) -> None:
    """Count what the database has found to be new."""
    for gateway_id, accepted, late in stored:
        # A point may have moved to another gateway since the batch was gathered.
        found = counts.setdefault(gateway_id, Counts())
        found.accepted += accepted
        found.late += late


def count_duplicates(counts: dict[int, Counts], believed: Batch) -> None:
    """Whatever came and was not new was there already."""
    for gateway_id, n in zip(*np.unique(believed.gateways, return_counts=True), strict=True):
        found = counts[int(gateway_id)]
        found.duplicate = max(0, int(n) - found.accepted)


def note(connection: Connection, counts: dict[int, Counts], now_ms: int) -> None:
    """Write down what became of them, in the order of gateways: two workers never wait for each other."""
    ids = sorted(counts)
    connection.execute(
        """
        WITH told AS (
            SELECT * FROM unnest(%(ids)s::int[], %(accepted)s::bigint[], %(late)s::bigint[],
                                 %(duplicate)s::bigint[], %(future)s::bigint[], %(ancient)s::bigint[])
                       AS told (id, accepted, late, duplicate, future, ancient)
        ), counted AS (
            INSERT INTO reading_count AS c (gateway_id, day, accepted, late, duplicate, future, ancient)
                SELECT id, (%(now)s AT TIME ZONE 'UTC')::date, accepted, late, duplicate, future, ancient
                  FROM told WHERE accepted + duplicate + future + ancient > 0
                ON CONFLICT (gateway_id, day) DO UPDATE
                   SET accepted = c.accepted + excluded.accepted, late = c.late + excluded.late,
                       duplicate = c.duplicate + excluded.duplicate, future = c.future + excluded.future,
                       ancient = c.ancient + excluded.ancient)
        UPDATE gateway SET seen_at = greatest(seen_at, %(now)s),
               readings_committed = readings_committed + told.accepted,
               readings_late = readings_late + told.late
          FROM told WHERE gateway.id = told.id
        """,
        {
            "ids": array(ids),
            **{name: array([getattr(counts[i], name) for i in ids]) for name in OUTCOMES},
            "now": instant(now_ms),
        },
    )
