"""What a few points have measured, in the database and beside it in plain Python, to be compared."""

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import Any

from cloud.database import connect, instant
from cloud.readings.columns import Columns
from cloud.readings.store import Counts, Storing
from cloud.registry.seeding import seed_sites
from cloud.sites.registry import PointEntry
from cloud.storage.keeping import keep
from cloud.storage.settings import StorageSettings
from sitewarden.messages import Series
from sitewarden.quality import Quality
from tests.cloud.site import make_settings

HOUR, DAY = 3_600_000, 86_400_000
NOON = 1_763_640_000_000
"""2025-11-20 12:00 UTC."""
POINTS = (1, 2, 3)
LEVELS = {"reading_minute": 60_000, "reading_hour": HOUR, "reading_day": DAY}
FUNCTIONS = {"reading_minute": "point_minutes", "reading_hour": "point_hours", "reading_day": "point_days"}

Reading = tuple[int | None, Quality]


class History:
    """Readings by point and instant; what the database says of them must be the same."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.storing = Storing()
        self.truth: dict[tuple[int, int], Reading] = {}
        self.connection = connect(dsn)
        seed_sites(self.connection, make_settings(Path()).sites)
        self.connection.execute("INSERT INTO gateway (site, mode, gateway) VALUES ('demo', 'live', 'gw-1')")
        for name in POINTS:
            self.connection.execute(
                "INSERT INTO point"
                " (site, mode, device, name, kind, resolution, gateway_id, position, current)"
                " VALUES ('demo', 'live', 'd', %s, 'crane.load', 0.01, 1, 1, true)",
                [f"d/{name}"],
            )

    def close(self) -> None:
        self.connection.close()

    def store(
        self, readings: dict[tuple[int, int], Reading], *, now_ms: int, resolution: float = 0.01
    ) -> Counts:
        """Store them in one batch, as it were of one gateway."""
        columns = Columns()
        for (point, at_ms), (value, quality) in readings.items():
            x = None if value is None else value * resolution
            series = Series(p="d/x", t=[0], x=[x], q=[quality])
            complaints = columns.add(
                1, {"d/x": PointEntry(id=point, resolution=resolution)}, at_ms, [series], now_ms
            )
            assert list(complaints) == []
        with self.connection.transaction():
            counts = self.storing.store(self.connection, columns, {1}, now_ms)
        for key, reading in readings.items():
            self.truth.setdefault(key, reading)
        return counts[1]

    def keep(self, now_ms: int, **settings: int) -> list[str]:
        """All the work on days and roll-ups that is due then."""
        return list(keep(self.connection, StorageSettings(**settings), now_ms))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), list(values)).fetchall()

    def check(self) -> None:
        """Everything that the database says is what was stored, neither more nor less, at every level."""
        stored = self.rows("SELECT point_id, at, value, quality FROM reading ORDER BY 1, 2")
        assert stored == [(p, instant(at), v, int(q)) for (p, at), (v, q) in sorted(self.truth.items())]
        for level, width_ms in LEVELS.items():
            assert self.rolled(level) == self.expected(width_ms), level

    def check_points(self) -> None:
        """The levels of one point and a span are what the views have of it."""
        for level, function in FUNCTIONS.items():
            width_ms = LEVELS[level]
            instants = [at for _, at in self.truth]
            begin, end = min(instants) // width_ms * width_ms, max(instants) // width_ms * width_ms
            since = begin + (end - begin) // 3 // width_ms * width_ms
            for point in POINTS:
                found = self.rows(
                    "SELECT point_id, at, n, good, low, high, first, last, sum, first_at, last_at"
                    f" FROM {function}(%s, %s, %s) ORDER BY at",
                    point, instant(since), instant(end),
                )  # fmt: skip
                assert found == [
                    row
                    for row in self.expected(width_ms)
                    if row[0] == point and instant(since) <= row[1] < instant(end)
                ], (function, point)

    def rolled(self, level: str) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT point_id, at, n, good, low, high, first, last, sum, first_at, last_at"
            f" FROM {level} ORDER BY point_id, at"
        )

    def expected(self, width_ms: int) -> list[tuple[Any, ...]]:
        buckets: dict[tuple[int, int], list[tuple[int, Reading]]] = defaultdict(list)
        for (point, at_ms), reading in sorted(self.truth.items()):
            buckets[point, at_ms // width_ms * width_ms].append((at_ms, reading))
        return [
            (point, instant(start), len(of), *_good([v for _, (v, q) in of if q == 0 and v is not None]),
             instant(of[0][0]), instant(of[-1][0]))
            for (point, start), of in sorted(buckets.items())
        ]  # fmt: skip


def _good(values: list[int]) -> tuple[Any, ...]:
    if not values:
        return 0, None, None, None, None, None
    return len(values), min(values), max(values), values[0], values[-1], sum(values)


def day_of(at_ms: int) -> dt.date:
    return instant(at_ms).date()
