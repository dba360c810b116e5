"""What ingest does by the calendar: safety logs of the day before, and whose duty or log is missing.

Cheap when nothing is due: what was done is remembered for the life of the process, and found in the database
by the next one.
"""

import datetime as dt
import logging
from collections import defaultdict

from cloud.database import Connection, instant
from cloud.duties.log_keeping import draw_up, last_ended, late_at_nine, late_by_check_in
from cloud.duties.telling import tell_late, tell_missed
from cloud.instants import local
from cloud.notices.opening import Telling

log = logging.getLogger(__name__)

_LOOK_S = 60
_TOLD_AT = dt.time(9)
"""In the morning after a period has ended."""


class Calendar:
    """Of one process."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self._drawn: dict[str, dt.date] = {}
        self._told: dict[str, dt.date] = {}
        self._looked_ms = 0

    def look(self, connection: Connection, telling: Telling) -> None:
        """Whatever is due at that instant."""
        zones: dict[str, list[str]] = defaultdict(list)
        for entry in telling.sites.values():
            zones[entry.time_zone].append(entry.site)
        for zone, names in zones.items():
            self._draw_up(connection, zone, names, telling.now_ms)
        self._look_who_came(connection, telling)
        for zone in zones:
            self._tell(connection, zone, telling)

    def _draw_up(self, connection: Connection, zone: str, names: list[str], now_ms: int) -> None:
        last = last_ended(instant(now_ms), zone)
        if self._drawn.get(zone) == last:
            return
        with connection.transaction():
            made = draw_up(connection, names, zone, now_ms)
        self._drawn[zone] = last
        if made:
            log.info("safety logs drawn up logs=%d zone=%s day=%s", len(made), zone, last)

    def _look_who_came(self, connection: Connection, telling: Telling) -> None:
        # A clock that was set back keeps nothing waiting.
        if 0 <= telling.now_ms - self._looked_ms < _LOOK_S * 1000:
            return
        with connection.transaction():
            for late in late_by_check_in(connection, telling.now_ms):
                tell_late(connection, telling, late)
        self._looked_ms = telling.now_ms

    def _tell(self, connection: Connection, zone: str, telling: Telling) -> None:
        now = local(instant(telling.now_ms), zone)
        if now.time() < _TOLD_AT or self._told.get(zone) == now.date():
            return
        with connection.transaction():
            for late in late_at_nine(connection, zone, telling.now_ms):
                tell_late(connection, telling, late)
            missed = tell_missed(connection, telling, zone, now.date() - dt.timedelta(days=1))
        self._told[zone] = now.date()
        if missed:
            log.info("duties were missed duties=%d zone=%s", len(missed), zone)
