"""Of a camera whose view has moved somebody says that it is right as a picture shows it: its gateway is told.

For a minute, while the camera says that it has moved, and only where its gateway is heard: what comes later
is of a view that nobody has looked at. The picture is named by its hash: the gateway takes the view on that
one alone, and only while the camera shows it.
"""

import datetime as dt
from typing import LiteralString

from cloud.database import Connection, instant, milliseconds
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Command

FOR = dt.timedelta(minutes=1)
AGAIN = dt.timedelta(seconds=10)
"""It is told anew where the camera still says that it has moved."""
HEARD = dt.timedelta(seconds=90)
"""A gateway of which nothing was heard for so long is not there."""
MOVED = 6
"""What the point `camera.state` says of a view that has moved."""
MOST = 100

CAMERA: LiteralString = """
    SELECT gateway.state = 'online' AND gateway.seen_at > %(heard_since)s AS is_heard,
           EXISTS (SELECT FROM point JOIN newest ON newest.point_id = point.id
                    WHERE (point.site, point.mode, point.device) = (device.site, device.mode, device.device)
                      AND point.current AND point.kind = 'camera.state'
                      AND round(good_value * resolution) = %(moved)s) AS has_moved
      FROM device JOIN gateway ON gateway.id = device.gateway_id
     WHERE device.site = %(site)s AND device.mode = %(mode)s AND device.device = %(device)s
       AND device.kind = 'camera' AND device.current
"""
STILL: LiteralString = """
    SELECT media AS picture, encode(sha256, 'hex') AS sha256, at, unredacted, kept_at IS NOT NULL AS is_here
      FROM camera_media
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND kind = 'still'
       AND erased_at IS NULL AND (%(only_here)s IS FALSE OR kept_at IS NOT NULL)
     ORDER BY at DESC, kept_at NULLS FIRST LIMIT 1
"""
"""Its newest picture; also one that its gateway has and that is still on its way."""
ACCEPT: LiteralString = """
    INSERT INTO camera_view (site, mode, device, media, sha256, reason, account_id, author, at, until)
        SELECT site, mode, device, media, sha256, %(reason)s, %(account)s, %(author)s, %(now)s, %(until)s
          FROM camera_media
         WHERE media = %(picture)s AND kept_at IS NOT NULL AND erased_at IS NULL FOR KEY SHARE
        RETURNING view AS id, media AS picture, encode(sha256, 'hex') AS sha256, author, at, until, reason
"""
LISTED: LiteralString = """
    SELECT view AS id, media AS picture, encode(sha256, 'hex') AS sha256, author, at, until, reason
      FROM camera_view
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s
       AND (%(at)s::timestamptz IS NULL OR (at, view) < (%(at)s, %(id)s))
     ORDER BY at DESC, view DESC LIMIT %(limit)s
"""
_SEND: LiteralString = """
    UPDATE camera_view AS its SET sent_at = %(now)s
      FROM device JOIN gateway ON gateway.id = device.gateway_id
     WHERE its.view IN (
               SELECT view FROM camera_view
                WHERE until > %(now)s AND (sent_at IS NULL OR sent_at <= %(sent_before)s)
                ORDER BY at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
       AND (device.site, device.mode, device.device) = (its.site, its.mode, its.device)
       AND EXISTS (SELECT FROM point JOIN newest ON newest.point_id = point.id
                    WHERE (point.site, point.mode, point.device) = (its.site, its.mode, its.device)
                      AND point.kind = 'camera.state' AND round(good_value * resolution) = %(moved)s)
    RETURNING gateway.site, gateway.gateway, gateway.mode, its.device, encode(its.sha256, 'hex'), its.until,
              its.author, its.reason
"""


def look(connection: Connection, now_ms: int, *, may_send: bool = True) -> list[tuple[GatewayKey, Command]]:
    """Whom to tell now; several may look at once."""
    if not may_send:
        return []
    now = instant(now_ms)
    asked = {"now": now, "sent_before": now - AGAIN, "most": MOST, "moved": MOVED}
    return [
        (
            GatewayKey(site=site, gateway=gateway, mode=mode),
            Command(
                command="view",
                device=device,
                picture=picture,
                until=milliseconds(until),
                by=author,
                reason=reason[:128],
            ),
        )
        for site, gateway, mode, device, picture, until, author, reason in connection.execute(_SEND, asked)
    ]
