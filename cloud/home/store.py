"""What the home of a site reads in SQL beyond what the other features read."""

from typing import LiteralString

from cloud.alarms.store import EPISODES
from cloud.hazards.store import HAZARDS

MOST = 2000
"""Of alarms and of hazards: a page that shows more helps nobody, and the lists have pages of their own."""

STANDING: LiteralString = (
    EPISODES
    + """
    WHERE site = %(site)s AND mode = %(mode)s AND cleared_at IS NULL
      AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
    ORDER BY raised_at DESC, id DESC LIMIT %(most)s
    """
)

OPEN: LiteralString = (
    HAZARDS
    + """
    WHERE site = %(site)s AND ended_at IS NULL
      AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
    ORDER BY opened_at DESC, id DESC LIMIT %(most)s
    """
)

FILES: LiteralString = """
    SELECT device, kind, property_no,
           (SELECT commissioning FROM device
             WHERE device.site = device_file.site AND device.mode = %(mode)s
               AND device.device = device_file.device AND current) AS commissioning
      FROM device_file WHERE site = %(site)s
"""

STEPS: LiteralString = """
    SELECT device, step, done_on, valid_until, document_no FROM device_step WHERE site = %(site)s
"""

OPERATORS: LiteralString = """
    SELECT name, trade, certificate_no, valid_from, valid_until, devices FROM operator
     WHERE site = %(site)s AND devices <> '{}' ORDER BY name, certificate_no
"""
