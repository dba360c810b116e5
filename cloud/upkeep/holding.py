"""Alarms of a device that is being mended: kept as they came; what stands afterwards opens its record."""

import logging
from collections.abc import Iterable, Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from cloud.database import Connection, instant, storable
from cloud.hazards.opening import Heard
from cloud.registry.known import Sites
from sitewarden.messages import Alarm

log = logging.getLogger(__name__)

MOST = 100
"""Of one look."""

_MENDED: LiteralString = """
    SELECT asked.place, its.maintenance
      FROM unnest(%s::int[], %s::text[], %s::text[], %s::timestamptz[]) AS asked (place, site, device, at)
           JOIN device_maintenance AS its ON its.site = asked.site AND its.device = asked.device
     WHERE approved_at IS NOT NULL AND greatest(from_at, approved_at) <= asked.at
       AND coalesce(ended_at, until_at) > asked.at
"""
_EVER: LiteralString = """
    SELECT DISTINCT site, device FROM device_maintenance WHERE approved_at IS NOT NULL
"""
_HOLD: LiteralString = """
    INSERT INTO held_alarm (episode, maintenance, alarm) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_DUE: LiteralString = """
    SELECT held.episode, held.alarm, episode.cleared_at IS NULL AS stands
      FROM held_alarm AS held JOIN device_maintenance USING (maintenance)
           JOIN episode ON episode.id = held.episode
     WHERE held.settled_at IS NULL AND coalesce(ended_at, until_at) <= %s
     ORDER BY held.episode LIMIT %s FOR UPDATE OF held SKIP LOCKED
"""


class Mended:
    """Which devices were ever mended: of the others an alarm need not be asked whether it is to be held.

    It holds with a copy of the sites: every change of a maintenance makes another one.
    """

    def __init__(self) -> None:
        """Nothing asked yet."""
        self._sites: Sites | None = None
        self._devices: frozenset[tuple[str, str]] = frozenset()

    def among(self, connection: Connection, sites: Sites, heard: Sequence[Heard]) -> list[int]:
        """Which of these alarms, by place, may be of a device that is being mended."""
        if sites is not self._sites:
            self._devices = frozenset(connection.execute(_EVER).fetchall())
            self._sites = sites
        return [n for n, one in enumerate(heard) if (one.site, one.alarm.device) in self._devices]


def hold_mended(connection: Connection, among: Iterable[int], heard: Sequence[Heard]) -> list[Heard]:
    """Keep the alarms of devices that were being mended when they were raised; returns the others.

    Those touch no record now. An alarm that belongs to one from before goes on.
    """
    asked = [
        (place, one.site, one.alarm.device, instant(_raised_ms(one)))
        for place, one in ((place, heard[place]) for place in among)
        if one.mode == "live" and one.danger is not None and one.is_of_hazards
    ]
    if not asked:
        return list(heard)
    columns = [list(column) for column in zip(*asked, strict=True)]
    mended: dict[int, UUID] = dict(connection.execute(_MENDED, columns))
    for place, maintenance in mended.items():
        alarm = heard[place].alarm
        connection.execute(_HOLD, [UUID(alarm.episode), maintenance, storable(alarm)])
    return [one for place, one in enumerate(heard) if place not in mended]


def _raised_ms(heard: Heard) -> int:
    """By a clock that nobody had set it was raised when it came."""
    alarm = heard.alarm
    return min(alarm.raised_at, heard.now_ms) if alarm.clock == "synced" else heard.now_ms


def take_due(connection: Connection, now_ms: int) -> list[Alarm]:
    """The alarms that still stand after their maintenance; the caller's transaction has them alone."""
    standing: list[Alarm] = []
    for episode, told, stands in connection.execute(_DUE, [instant(now_ms), MOST]).fetchall():
        connection.execute(
            "UPDATE held_alarm SET settled_at = %s WHERE episode = %s", [instant(now_ms), episode]
        )
        if not stands:
            continue
        try:
            standing.append(msgspec.convert(told, Alarm))
        except msgspec.ValidationError:
            # Of a version before this one; the episode stands in the list of alarms.
            log.exception("a held alarm cannot be read any more episode=%s", episode)
    return standing
