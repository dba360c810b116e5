"""No data from any gateway: told once, and again when data come in, be it by a process started meanwhile.

To those who run the platform and those who answer for the sites of these gateways. It says what the silence
of single gateways cannot: that it is the broker, or the way to it, and that no alarm of any site is told from
here meanwhile.
"""

import logging
from typing import LiteralString, NamedTuple

from cloud.database import Connection, instant, milliseconds
from cloud.notices import storms
from cloud.notices.bounds import bounds
from cloud.notices.opening import Said, Telling, link_of, made, tell_by
from cloud.notices.telling import kind_of

log = logging.getLogger(__name__)

KIND = "nothing_heard"
_MOST_LEVEL = 4
_NEWEST: LiteralString = """
    SELECT max(seen_at), count(*), array_agg(DISTINCT site ORDER BY site)
      FROM gateway JOIN site_gateway USING (site, gateway)
     WHERE mode = 'live' AND retired_on IS NULL AND seen_at > %s
"""
_LAST: LiteralString = """
    SELECT about FROM told WHERE site IS NULL AND kind = %s ORDER BY created_at DESC, told DESC LIMIT 1
"""
_BACK = "/back"


class _Outage(NamedTuple):
    since_ms: int
    """When anything was last heard: the same for each of several ingests, so that it is told of once."""
    sites: tuple[str, ...]
    """Whose gateways are missed."""
    is_broker: bool = False


class Nothing:
    """Looks again and again whether anything comes in at all."""

    def __init__(self) -> None:
        """Nothing is looked at yet."""
        self._looking_since_ms: int | None = None
        self._outage: _Outage | None = None
        self._heard_since_ms: int | None = None

    def look(self, connection: Connection, telling: Telling, *, hears: bool) -> None:
        """Note that it has begun or ended; `hears`: whether this process hears the broker."""
        now_ms, bound = telling.now_ms, bounds().silence
        forgotten = instant(now_ms - bound.forgotten_s * 1000)
        newest, gateways, sites = connection.execute(_NEWEST, [forgotten]).fetchone() or (None, 0, None)
        if newest is None:
            return
        if self._looking_since_ms is None:
            self._looking_since_ms, self._outage = now_ms, _left_over(connection, tuple(sites))
        newest_ms = milliseconds(newest)
        if now_ms - newest_ms <= bound.after_s * 1000:
            self._note_heard(connection, telling)
            return
        self._heard_since_ms = None
        is_ready = now_ms - self._looking_since_ms >= bound.listening_s * 1000
        # Of a single gateway its own notice says everything.
        is_told = self._outage is not None or not is_ready or (hears and gateways == 1)
        if not is_told:
            self._outage = _Outage(newest_ms, tuple(sites), not hears)
            log.error("nothing is heard from any gateway gateways=%d hears_broker=%s", gateways, hears)
            self._tell(connection, telling, self._outage, ended_ms=None)

    def _note_heard(self, connection: Connection, telling: Telling) -> None:
        if self._outage is None:
            return
        if self._heard_since_ms is None:
            self._heard_since_ms = telling.now_ms
        if telling.now_ms - self._heard_since_ms >= bounds().silence.back_s * 1000:
            log.info("data come in again silent_s=%d", (self._heard_since_ms - self._outage.since_ms) // 1000)
            self._tell(connection, telling, self._outage, ended_ms=self._heard_since_ms)
            self._outage = self._heard_since_ms = None

    @staticmethod
    def _tell(connection: Connection, telling: Telling, outage: _Outage, *, ended_ms: int | None) -> None:
        if not telling.settings.tells:
            return
        told = storms.Nothing(
            since=instant(outage.since_ms),
            ended_at=None if ended_ms is None else instant(ended_ms),
            is_broker=outage.is_broker,
            link=link_of(telling.settings, kind_of(KIND).path()),
        )
        said = Said(
            kind=KIND,
            about=f"{outage.since_ms}{'' if ended_ms is None else _BACK}",
            of_sites=outage.sites,
            level=_MOST_LEVEL if ended_ms is None else bounds().silence.level,
            words=lambda language: storms.nothing(told, language),
        )
        tell_by(connection, lambda: made(connection, telling, [said]))


def _left_over(connection: Connection, sites: tuple[str, ...]) -> _Outage | None:
    """What another process has told of, or this one before it was started anew, and not that it is over."""
    row = connection.execute(_LAST, [KIND]).fetchone()
    since = "" if row is None else str(row[0]).removeprefix(f"{KIND}/")
    return _Outage(int(since), sites) if since.isdigit() else None
