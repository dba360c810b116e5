"""The readings around an alarm, as they are frozen: every one, with what is missing said. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from cloud.instants import rfc3339
from sitewarden.quality import Quality

DEFAULT_PATIENCE_MS = 10_000
"""Where a gateway says nothing of how soon a point is stale."""


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """A point's readings within the window, in their order."""

    point: str
    kind: str
    unit: str
    patience_ms: int
    t: Sequence[int]
    """UTC milliseconds."""
    x: Sequence[float | None]
    q: Sequence[int]


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """Readings that the gateway took and had to give up."""

    from_ms: int
    to_ms: int
    count: int
    reason: str
    points: list[str]
    """Empty: of all its points."""


def missing(track: Track, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """The stretches of the window in which nothing good is known of the point."""
    patience = track.patience_ms or DEFAULT_PATIENCE_MS
    good = [t for t, q in zip(track.t, track.q, strict=True) if q == Quality.GOOD]
    # A reading holds for as long as its point's patience; at the start the one before may still have held.
    edges = [start_ms, *good, end_ms]
    return [
        (before if before == start_ms else before + patience, after)
        for before, after in pairwise(edges)
        if after - before > patience
    ]


def document(
    tracks: Iterable[Track],
    given_up: list[GivenUp],
    *,
    start: dt.datetime,
    end: dt.datetime,
    now: dt.datetime,
) -> bytes:
    """The frozen window as canonical JSON."""
    start_ms, end_ms = (int(at.timestamp() * 1000) for at in (start, end))
    told: dict[str, Any] = {
        "format": "sitewarden-series/1",
        "from": rfc3339(start),
        "to": rfc3339(end),
        "frozen_at": rfc3339(now),
        "points": [
            {
                "point": track.point,
                "kind": track.kind,
                "unit": track.unit,
                "t": track.t,
                "x": track.x,
                "q": [Quality(q).word for q in track.q],
                "missing": missing(track, start_ms, end_ms),
            }
            for track in tracks
        ],
        "given_up": given_up,
    }
    return msgspec.json.encode(told, order="deterministic")
