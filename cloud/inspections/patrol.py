"""A remote patrol (线上巡查): who looked at a site over the network, since when, and what stood there."""

import datetime as dt
from typing import Any

from cloud.database import AsyncConnection, instant, row_of, rows_of
from cloud.inspections import store
from cloud.inspections.levels import LEVELS
from cloud.inspections.model import InspectionGiven, Inspector, PatrolGiven
from cloud.inspections.service import Acting
from cloud.instants import rfc3339
from cloud.problems import ProblemError
from cloud.readings.service import number_of
from cloud.tables.store import READINGS
from sitewarden.points import vocabulary
from sitewarden.quality import Quality

KIND = "remote_patrol"
_MOST = 1000
"""Of values: more than a site has."""
_LONGEST = dt.timedelta(days=1)
"""Whoever says that he has looked for longer says it of days on which nothing was kept."""


async def patrolled(acting: Acting, scope: dict[str, Any], site: str, given: PatrolGiven) -> InspectionGiven:
    """The patrol as an inspection of the officer's own authority."""
    connection = acting.connection
    now = instant(acting.now_ms)
    if given.since < now - _LONGEST:
        detail = "since: a patrol begins at most a day before it is recorded."
        raise ProblemError(422, "invalid", "Too long ago", detail, field="body.since", code="patrol-too-long")
    above = await row_of(connection, store.ABOVE, {**scope, "site": site})
    if above is None:
        above = await row_of(connection, store.TERRITORY_OF, [site])
    if above is None or above["node"] is None:
        detail = "The site lies in no territory, so that nobody knows for which authority you look."
        raise ProblemError(409, "no-territory", "For which authority?", detail)
    return InspectionGiven(
        kind=KIND,
        acting_level=LEVELS.get(above["kind"], "county"),
        territory=above["node"],
        site=site,
        devices=given.devices,
        started_at=given.since,
        ended_at=max(now, given.since),
        people=[Inspector(name=acting.author)],
        note=given.note,
    )


async def seen_now(
    connection: AsyncConnection, site: str, mode: str, given: PatrolGiven, now_ms: int
) -> dict[str, Any]:
    """The newest values and the standing alarms of what he looked at, as the database has them."""
    asked = {"site": site, "mode": mode, "device": None, "devices": given.devices or None, "limit": _MOST}
    values = [_value(row) for row in await rows_of(connection, READINGS, asked)]
    alarms = [
        {**row, "raised_at": rfc3339(row["raised_at"])}
        for row in await rows_of(connection, store.ALARMS, asked)
    ]
    return {
        "since": rfc3339(given.since),
        "at": rfc3339(instant(now_ms)),
        "values": values,
        "alarms": alarms,
    }


def _value(row: dict[str, Any]) -> dict[str, Any]:
    kind = vocabulary().get(row["kind"])
    return {
        "device": row["device"],
        "point": row["name"],
        "label": row["label"] or ({"zh": kind.zh, "en": kind.en} if kind else None),
        "value": number_of(row["resolution"])(row["value"]),
        "unit": kind.unit if kind and kind.unit != "1" else "",
        "quality": None if row["quality"] is None else Quality(row["quality"]).word,
        "at": None if row["at"] is None else rfc3339(row["at"]),
    }
