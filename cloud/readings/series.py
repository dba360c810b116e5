"""A point over time, as a chart draws it: what was asked, whether it is still the same, and the answer."""

import datetime as dt
import hashlib
from typing import Any

import msgspec

from cloud.database import Row, instant, milliseconds
from cloud.readings import queries
from cloud.readings.gathering import gathered, gathered_readings
from cloud.readings.levels import LEVEL_MS, Cut, Kept, cut, midnight_ms, width_of
from cloud.readings.model import Alarmed, Gap, Series
from cloud.readings.service import Row as SeriesRow
from cloud.readings.service import with_gaps
from cloud.serving import Serving
from sitewarden.points import vocabulary

_FEW = dt.timedelta(days=2)
"""Readings of a shorter span are counted exactly, whether each of them can be a row."""
_FRESH_S = 3600
"""For so long a page need not ask again for what is over: later than that it sees what came late."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a point, in at most so many rows."""

    point: Row
    """As `queries.POINT` has it, with its name."""
    start: dt.datetime
    end: dt.datetime
    max_points: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a point, how it is cut, and what tells of a change."""

    point: Row
    from_ms: int
    to_ms: int
    cut: Cut
    kept: Kept
    is_raw: bool
    readings: int
    """In the hours that the span lies in."""
    is_dirty: bool
    gaps: list[Row]
    alarms: list[Row]

    def etag(self) -> str:
        """Another one wherever the answer is another one: readings come, and none is ever changed."""
        told = [self.point, self.from_ms, self.to_ms, self.cut, self.kept.to_ms(self.cut.level), self.is_raw]
        content = msgspec.json.encode([told, self.readings, self.gaps, self.alarms])
        return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'

    def headers(self, now_ms: int, close_after_days: int) -> dict[str, str]:
        """How long a browser may keep the answer.

        A span is over when its level is kept, nothing of it must be counted anew, no alarm stands in it, and
        its days are closed.
        """
        kept_to_ms = self.kept.to_ms(self.cut.level)
        is_over = (
            kept_to_ms is not None
            and self.cut.to_ms <= min(kept_to_ms, midnight_ms(now_ms, close_after_days))
            and not self.is_dirty
            and all(alarm["to_ms"] is not None for alarm in self.alarms)
        )
        caching = f"private, max-age={_FRESH_S}, immutable" if is_over else "private, no-cache"
        return {"ETag": self.etag(), "Cache-Control": caching}


async def ask(serving: Serving, site: str, question: Question) -> Asked:
    """All but the readings themselves."""
    point = question.point
    from_ms, to_ms = milliseconds(question.start), milliseconds(question.end)
    kept = await kept_of(serving)
    chosen = cut(from_ms, to_ms, question.max_points, kept)
    near = await _near(serving, point["id"], from_ms, to_ms, chosen)
    known = {
        "site": site,
        "mode": serving.settings.mode,
        "name": point["name"],
        "gateway": point["gateway_id"],
        "from": question.start,
        "to": question.end,
    }
    return Asked(
        point=point,
        from_ms=from_ms,
        to_ms=to_ms,
        cut=chosen,
        kept=kept,
        is_raw=await _is_raw(serving, question, near["n"], kept),
        readings=near["n"],
        is_dirty=near["dirty"],
        gaps=await serving.rows(queries.GAPS, known),
        alarms=await serving.rows(queries.ALARMS, known),
    )


async def answer(serving: Serving, asked: Asked) -> Series:
    """The answer, with the readings or their buckets."""
    rows = await (_raw(serving, asked) if asked.is_raw else _buckets(serving, asked))
    columns = with_gaps(rows, asked.point["stale_after_ms"], asked.point["resolution"])
    kind = vocabulary().get(asked.point["kind"])
    level = "raw" if asked.is_raw else asked.cut.level
    return Series(
        point=asked.point["name"],
        unit=kind.unit if kind else "",
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        level=level,
        computed_to_ms=asked.kept.to_ms(level),
        bucket_ms=0 if asked.is_raw else asked.cut.width_ms,
        t=columns.t,
        min=columns.low,
        max=columns.high,
        first=columns.first,
        last=columns.last,
        n=columns.n,
        good=columns.good,
        quality=columns.quality,
        gaps=[Gap(**row) for row in asked.gaps],
        alarms=[Alarmed(**row) for row in asked.alarms],
        raw=asked.is_raw,
    )


async def kept_of(serving: Serving) -> Kept:
    """How far each level reaches now."""
    row = await serving.row(queries.STATE) or {}
    return Kept(
        computed_to_ms=row.get("computed_to_ms"),
        days_to_ms=row.get("days_to_ms"),
        raw_from_ms=row.get("raw_from_ms"),
        are_minutes_packed=row.get("are_minutes_packed", False),
        minutes_from_ms=midnight_ms(serving.now_ms(), serving.settings.storage.minute_days),
    )


async def _near(serving: Serving, point_id: int, from_ms: int, to_ms: int, chosen: Cut) -> Row:
    is_long = chosen.level == "day"
    unit = LEVEL_MS["day" if is_long else "hour"]
    span = {"id": point_id, "from": instant(from_ms // unit * unit), "to": instant(-(-to_ms // unit) * unit)}
    query = queries.DAYS_NEAR if is_long else queries.HOURS_NEAR
    return await serving.row(query, span) or {"n": 0, "dirty": False}


async def _is_raw(serving: Serving, question: Question, near: int, kept: Kept) -> bool:
    """Whether there are so few readings that each is a row."""
    if kept.raw_from_ms is not None and milliseconds(question.start) < kept.raw_from_ms:
        return False
    if near <= question.max_points:
        return True
    if question.end - question.start > _FEW:
        return False
    most = question.max_points
    asked = {"id": question.point["id"], "from": question.start, "to": question.end, "limit": most + 1}
    counted = await serving.row(queries.HOW_MANY, asked)
    return counted is not None and counted["n"] <= most


async def _raw(serving: Serving, asked: Asked) -> list[SeriesRow]:
    span = {"id": asked.point["id"], "from": instant(asked.from_ms), "to": instant(asked.to_ms)}
    return [
        SeriesRow(
            t=row["t"], first_ms=row["t"], last_ms=row["t"], low=row["value"], high=row["value"],
            first=row["value"], last=row["value"], good=int(row["quality"] == 0), quality=row["quality"],
        )
        for row in await serving.rows(queries.RAW, span)
    ]  # fmt: skip


async def _buckets(serving: Serving, asked: Asked) -> list[SeriesRow]:
    chosen = asked.cut
    span: dict[str, Any] = {
        "id": asked.point["id"],
        "from": instant(chosen.from_ms),
        "to": instant(chosen.to_ms),
        "width": width_of(chosen),
    }
    if chosen.level == "raw":
        (columns,) = await serving.rows(queries.READINGS, span, binary=True)
        return gathered_readings(columns, chosen)
    if chosen.level == "minute" and asked.kept.are_minutes_packed:
        return gathered(await serving.rows(queries.PACKED_MINUTES, span, binary=True), chosen)
    return [SeriesRow(**row) for row in await serving.rows(queries.BUCKETS[chosen.level], span)]
