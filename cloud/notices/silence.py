"""Gateways of which nothing is heard: told of once each, and again when they are back.

While one is silent, what it sends later of devices that were silent with it is kept and shown, and calls
nobody: whoever was told of the gateway knows.
"""

import logging
from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant, milliseconds
from cloud.notices import storms
from cloud.notices.bounds import bounds, seconds
from cloud.notices.opening import Said, Telling, link_of, made, tell_by
from cloud.notices.telling import kind_of
from cloud.registry.known import Sites
from cloud.settings import Settings
from cloud.sites.registry import Registry

log = logging.getLogger(__name__)

_BEGIN: LiteralString = """
    INSERT INTO gateway_silence (silence, site, gateway_id, since, noted_at)
        SELECT gen_random_uuid(), gateway.site, gateway.id, gateway.seen_at, %(now)s
          FROM gateway JOIN site_gateway USING (site, gateway)
         WHERE gateway.mode = 'live' AND site_gateway.retired_on IS NULL
               AND gateway.seen_at > %(forgotten)s
               AND gateway.seen_at < CASE gateway.state WHEN 'offline' THEN %(said)s ELSE %(silent)s END
               AND NOT EXISTS (SELECT FROM gateway_silence AS there
                                WHERE there.gateway_id = gateway.id AND there.ended_at IS NULL)
        ON CONFLICT DO NOTHING
        RETURNING silence, site, gateway_id, since, ended_at
"""
_OPEN: LiteralString = """
    SELECT silence, gateway_id, gateway.state <> 'offline' AND gateway.seen_at > %(silent)s
                                AND gateway.seen_at > noted_at AS is_heard,
           site_gateway.retired_on IS NOT NULL AS is_retired
      FROM gateway_silence AS silence JOIN gateway ON gateway.id = silence.gateway_id
           JOIN site_gateway ON site_gateway.site = gateway.site AND site_gateway.gateway = gateway.gateway
     WHERE silence.ended_at IS NULL
"""
_END: LiteralString = """
    UPDATE gateway_silence SET ended_at = greatest(%(at)s, since)
     WHERE silence = %(silence)s AND ended_at IS NULL
    RETURNING silence, site, gateway_id, since, ended_at
"""
_CALLED_OFF: LiteralString = """
    UPDATE told SET due_at = NULL WHERE kind = 'gateway_silent' AND due_at IS NOT NULL AND about LIKE ANY (%s)
"""
"""It is over: nobody further is called."""
_NAMES: LiteralString = """
    SELECT gateway.id, gateway.gateway,
           coalesce(jsonb_object_agg(device.device, device.kind) FILTER (WHERE device.current), '{}')
      FROM gateway LEFT JOIN device ON device.gateway_id = gateway.id
     WHERE gateway.id = ANY(%s) GROUP BY gateway.id, gateway.gateway
"""


class Silences:
    """Looks again and again which gateways are silent."""

    def __init__(self, settings: Settings, registry: Registry, hears: Callable[[], bool]) -> None:
        """`hears`: whether messages of gateways come in at all just now."""
        self._settings, self._registry, self._hears = settings, registry, hears
        self._hearing_since_ms: int | None = None
        self._heard_since_ms: dict[UUID, int] = {}

    def look(self, connection: Connection, now_ms: int) -> None:
        """Note what has begun or ended, each with its notices.

        Who does not hear the broker, or has heard it for a moment only, says of nobody that he is silent.
        """
        if not self._hears():
            self._hearing_since_ms = None
            return
        if self._hearing_since_ms is None or self._hearing_since_ms > now_ms:
            self._hearing_since_ms = now_ms
        bound = bounds().silence
        ended, retired = self._ended(connection, now_ms)
        is_ready = now_ms - self._hearing_since_ms >= bound.listening_s * 1000
        now = instant(now_ms)
        values = {
            "now": now,
            "forgotten": now - seconds(bound.forgotten_s),
            "silent": now - seconds(bound.after_s),
            "said": now - seconds(bound.said_s),
        }
        with connection.transaction():
            cursor = connection.cursor(row_factory=dict_row)
            begun = cursor.execute(_BEGIN, values).fetchall() if is_ready else []
            over = [row for silence, at_ms in ended for row in self._end(connection, silence, at_ms)]
            back = [row for row in over if row["silence"] not in retired]
            self._tell(connection, [*begun, *back], now_ms)
            if over:
                connection.execute(_CALLED_OFF, [[f"%{row['silence']}%" for row in over]])
        for row in (*begun, *over):
            word = "is silent" if row["ended_at"] is None else "is silent no more"
            log.info("gateway %s site=%s gateway_id=%d", word, row["site"], row["gateway_id"])

    def _ended(self, connection: Connection, now_ms: int) -> tuple[list[tuple[UUID, int]], set[UUID]]:
        """Which are over and since when: those heard for long enough, and those of retired ones.

        For one that was retired nobody waits any longer, but it is not back.
        """
        silent = instant(now_ms) - seconds(bounds().silence.after_s)
        rows = connection.cursor(row_factory=dict_row).execute(_OPEN, {"silent": silent}).fetchall()
        heard = [row["silence"] for row in rows if row["is_heard"]]
        before = self._heard_since_ms
        self._heard_since_ms = {silence: before.get(silence, now_ms) for silence in heard}
        retired = {row["silence"] for row in rows if row["is_retired"]}
        for_so_long = bounds().silence.back_s * 1000
        back = [
            (one, at_ms)
            for one, at_ms in self._heard_since_ms.items()
            if one not in retired and now_ms - at_ms >= for_so_long
        ]
        return [*((one, now_ms) for one in retired), *back], retired

    @staticmethod
    def _end(connection: Connection, silence: UUID, at_ms: int) -> list[Row]:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(_END, {"silence": silence, "at": instant(at_ms)}).fetchall()

    def _tell(self, connection: Connection, rows: list[Row], now_ms: int) -> None:
        if not rows or not self._settings.tells:
            return
        sites = self._registry.sites(connection)
        tell_by(connection, lambda: self._notices(connection, sites, rows, now_ms))

    def _notices(self, connection: Connection, sites: Sites, rows: list[Row], now_ms: int) -> list[Row]:
        found = connection.execute(_NAMES, [[row["gateway_id"] for row in rows]]).fetchall()
        names = {of: (name, devices) for of, name, devices in found}
        said = [_said(self._settings, sites, row, *names[row["gateway_id"]]) for row in rows]
        telling = Telling(settings=self._settings, sites=sites, now_ms=now_ms)
        return made(connection, telling, said)


def _said(settings: Settings, sites: Sites, row: Row, gateway: str, devices: dict[str, str]) -> Said:
    site = sites[row["site"]]
    told = storms.Silent(
        site_name=site.name,
        time_zone=site.time_zone,
        gateway=gateway,
        since=row["since"],
        ended_at=row["ended_at"],
        link=link_of(settings, kind_of("gateway_silent").path(site=site.site, id=gateway)),
    )
    silence = row["silence"]
    back = "" if row["ended_at"] is None else f"/{milliseconds(row['ended_at'])}"
    return Said(
        site=site.site,
        kind="gateway_silent",
        about=f"{gateway}/{silence}{back}",
        level=bounds().silence.level,
        behind=devices,
        words=lambda language: storms.silent(told, language),
    )
