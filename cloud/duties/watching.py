"""What ingest does by the calendar: safety logs of the day before, and whose duty or log is missing.

Cheap when nothing is due: what was done is remembered for the life of the process, and found in the database
by the next one.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Mapping

from cloud.database import Connection, instant
from cloud.duties.log_keeping import Late, draw_up, last_ended, late_at_nine, late_by_check_in
from cloud.instants import local
from cloud.registry.known import SiteEntry

log = logging.getLogger(__name__)

_LOOK_S = 60


class Calendar:
    """Of one process."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self._drawn: dict[str, dt.date] = {}
        self._asked_at_nine: dict[str, dt.date] = {}
        self._looked_ms = 0

    def look(self, connection: Connection, sites: Mapping[str, SiteEntry], now_ms: int) -> list[Late]:
        """Whatever is due at that instant; returns the logs that were not signed when they had to be."""
        zones: dict[str, list[str]] = defaultdict(list)
        for entry in sites.values():
            zones[entry.time_zone].append(entry.site)
        for zone, names in zones.items():
            self._draw(connection, zone, names, now_ms)
        late: list[Late] = []
        if now_ms - self._looked_ms >= _LOOK_S * 1000:
            late += late_by_check_in(connection, now_ms)
            self._looked_ms = now_ms
        for zone in zones:
            late += self._at_nine(connection, zone, now_ms)
        return late

    def _draw(self, connection: Connection, zone: str, names: list[str], now_ms: int) -> None:
        last = last_ended(instant(now_ms), zone)
        if self._drawn.get(zone) == last:
            return
        with connection.transaction():
            made = draw_up(connection, names, zone, now_ms)
        self._drawn[zone] = last
        if made:
            log.info("safety logs drawn up logs=%d zone=%s day=%s", len(made), zone, last)

    def _at_nine(self, connection: Connection, zone: str, now_ms: int) -> list[Late]:
        now = local(instant(now_ms), zone)
        if self._asked_at_nine.get(zone) == now.date() or now.hour < 9:  # noqa: PLR2004  nine o'clock
            return []
        late = late_at_nine(connection, zone, now_ms)
        self._asked_at_nine[zone] = now.date()
        return late
