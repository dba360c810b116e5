"""A hazard record as a case pack: the worst of its alarms, what was read around it, the rules in force."""

from pathlib import Path
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles_with
from cloud.backtest.asked import Asked, NoSuchHazardError, TooMuchError
from cloud.backtest.gateway_file import GatewayFacts
from cloud.backtest.service import DatabaseSource, open_history
from cloud.database import Connection, Row, milliseconds
from cloud.registry.known import load_site
from sitewarden import __version__
from sitewarden.backtest.comparison import Comparison, compare
from sitewarden.backtest.trial import episode_of
from sitewarden.casepack import CasePack, Manifest, write_pack
from sitewarden.casepack.running import judged
from sitewarden.history import History
from sitewarden.text import Text

BEFORE_MS, AFTER_MS = 600_000, 300_000
"""Around the alarm: what led to it, and that it is over."""
LONGEST_MS = 6 * 3_600_000
"""After the raise; an alarm of days is in the history."""
MOST_READINGS = 3_000_000


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A pack made of a hazard, and how far the rules agree with what was recorded."""

    pack: CasePack
    number: str
    against_recorded: Comparison
    """Alarms that were recorded, beside those that the pack expects."""


def pack_hazard(
    connection: Connection, hazard: str, gateway: GatewayFacts | None = None, *, whose: int | None = None
) -> Packed:
    """The pack of a record given by id or number, if the account `whose` may have it; `None`: no account.

    Raises `NoSuchHazardError`, `TooMuchError`.

    It expects what the rules give over the readings, and holds what was recorded beside it.
    """
    record = _record(connection, hazard, whose)
    site = load_site(connection, record["site"])
    assert site is not None  # noqa: S101  the record refers to it
    raised_ms = milliseconds(record["raised_at"])
    ended_ms = milliseconds(record["cleared_at"]) if record["cleared_at"] else raised_ms + LONGEST_MS
    asked = Asked(
        site,
        record["device"],
        raised_ms - BEFORE_MS,
        min(ended_ms, raised_ms + LONGEST_MS) + AFTER_MS,
    )
    history = _history(open_history(connection, asked, gateway))
    expected = judged(history).episodes
    manifest = Manifest(title=Text(**record["content"]), hazard=record["number"], software=__version__)
    happened = [episode_of(alarm) for alarm in history.header.alarms]
    return Packed(
        pack=CasePack(manifest, history, expected),
        number=record["number"],
        against_recorded=compare(happened, expected),
    )


def save(packed: Packed, file: Path) -> None:
    """Write it."""
    write_pack(file, *packed.pack)


def _record(connection: Connection, hazard: str, whose: int | None) -> Row:
    cursor = connection.cursor(row_factory=dict_row)
    row = cursor.execute(
        """
        SELECT hazard.number, hazard.site, hazard.device, hazard.content,
               episode.raised_at, episode.cleared_at
          FROM hazard JOIN episode ON episode.id = hazard.content_episode
         WHERE (hazard.number = %(named)s OR hazard.id = %(id)s)
           AND sees_device(%(account)s, hazard.site, hazard.device, %(roles)s)
           AND episode.mode = 'live'
        """,
        {"named": hazard, "id": _uuid(hazard), "account": whose, "roles": roles_with("history.view")},
    ).fetchone()
    if row is None:
        raise NoSuchHazardError(f"there is no hazard record `{hazard}`")
    return row


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _history(source: DatabaseSource) -> History:
    header = source.header
    points = [point.p for device in header.devices for point in device.points]
    if source.count(points, header.since_ms, header.until_ms, MOST_READINGS) > MOST_READINGS:
        raise TooMuchError(f"more than {MOST_READINGS:,} readings around the alarm")
    return History(header, source.tracks(points, header.since_ms, header.until_ms))
