"""Somebody watches a camera: the gateway is asked to tell its boxes for a while, and the newest are kept.

Nobody watches, nothing travels. What was seen is overwritten by what is seen; there is no history of it.
"""

import datetime as dt
from typing import LiteralString

from psycopg.types.json import Jsonb

from cloud.database import Connection, instant, milliseconds
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Command, Sight

WATCH_S = 45
"""So long a gateway goes on after the page has asked last."""
AGAIN_S = 15
"""It is asked anew once the page wants so much more than the gateway was told."""
MOST = 100
"""Commands of one look."""

FORGOTTEN = dt.timedelta(minutes=1)
"""Boxes so old are shown to nobody, and are kept no longer."""

_FORGET: LiteralString = """
    UPDATE camera_sight SET heads = '[]' WHERE heads <> '[]' AND received_at < %s
"""
WATCH: LiteralString = """
    INSERT INTO camera_watch (site, mode, device, until)
        SELECT site, mode, device, %(until)s FROM device
         WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND kind = 'camera' AND current
        ON CONFLICT (site, mode, device) DO UPDATE SET until = greatest(camera_watch.until, excluded.until)
        RETURNING until
"""
"""Of a camera that there is; no row of any other."""

SIGHT: LiteralString = """
    SELECT at, heads FROM camera_sight
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND received_at > %(since)s
"""


def look(connection: Connection, now_ms: int, *, may_send: bool = True) -> list[tuple[GatewayKey, Command]]:
    """Whom to ask now; several may look at once."""
    if not may_send:
        return []
    now = instant(now_ms)
    with connection.transaction():
        connection.execute("DELETE FROM camera_watch WHERE until < %s", [now])
        connection.execute(_FORGET, [now - FORGOTTEN])
        rows = connection.execute(
            """
            UPDATE camera_watch AS watch SET told_until = watch.until
              FROM device JOIN gateway ON gateway.id = device.gateway_id
             WHERE (watch.site, watch.mode, watch.device) IN (
                       SELECT site, mode, device FROM camera_watch
                        WHERE until > %(now)s AND (told_until IS NULL OR told_until + %(again)s <= until)
                        ORDER BY until LIMIT %(most)s FOR UPDATE SKIP LOCKED)
               AND (device.site, device.mode, device.device) = (watch.site, watch.mode, watch.device)
            RETURNING gateway.site, gateway.gateway, gateway.mode, watch.device, watch.until
            """,
            {"now": now, "again": dt.timedelta(seconds=AGAIN_S), "most": MOST},
        ).fetchall()
    return [
        (
            GatewayKey(site=site, gateway=gateway, mode=mode),
            Command(command="watch", device=device, until=milliseconds(until)),
        )
        for site, gateway, mode, device, until in rows
    ]


def note(connection: Connection, key: GatewayKey, sight: Sight, received_ms: int) -> bool:
    """Keep what a camera of that gateway sees, unless newer is there; whether it was kept.

    After a pause whatever comes is newer: a gateway's clock may have been set back.
    """
    heads = Jsonb([{"track": h.track, "box": h.box, "state": h.state, "zones": h.zones} for h in sight.heads])
    row = connection.execute(
        """
        INSERT INTO camera_sight AS seen (site, mode, device, at, received_at, heads)
            SELECT device.site, device.mode, device.device, %(at)s, %(received)s, %(heads)s
              FROM device JOIN gateway ON gateway.id = gateway_id
             WHERE device.site = %(site)s AND device.mode = %(mode)s AND device.device = %(camera)s
               AND device.kind = 'camera' AND gateway.gateway = %(gateway)s
            ON CONFLICT (site, mode, device) DO UPDATE
                SET at = excluded.at, received_at = excluded.received_at, heads = excluded.heads
              WHERE excluded.at >= seen.at OR seen.received_at < excluded.received_at - %(set_back)s
            RETURNING 1
        """,
        {
            "at": instant(sight.at),
            "received": instant(received_ms),
            "heads": heads,
            "set_back": dt.timedelta(seconds=AGAIN_S),
            "site": key.site,
            "mode": key.mode,
            "gateway": key.gateway,
            "camera": sight.camera,
        },
    ).fetchone()
    return row is not None
