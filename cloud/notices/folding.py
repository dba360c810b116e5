"""Alarms of one device that wait for each other, told in one notice. In SQL."""

import datetime as dt
from typing import LiteralString, NamedTuple
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.notices import queue, storms, words
from cloud.notices.bounds import bounds, seconds
from cloud.notices.links import OF_DIGEST, Link, token
from cloud.notices.opening import link_of
from cloud.settings import Settings
from sitewarden.text import Text

_SEEN: LiteralString = """
    SELECT count(*) FILTER (WHERE state = 'waiting' AND held_until IS NOT NULL),
           count(*) FILTER (WHERE kind = 'alarm' AND created_at > %(since)s),
           max(created_at) FILTER (WHERE kind = 'digest' AND created_at BETWEEN %(since)s AND %(now)s)
      FROM notice WHERE channel = %(channel)s AND site = %(site)s AND device = %(device)s
           AND created_at > %(since)s - interval '1 day'
"""
_WAIT_ON: LiteralString = """
    UPDATE notice SET held_until = %(until)s
     WHERE channel = %(channel)s AND site = %(site)s AND device = %(device)s
           AND state = 'waiting' AND held_until IS NOT NULL
"""
_FOLD: LiteralString = """
    WITH folded AS (
        UPDATE notice SET state = 'counted', code = 'digest', answer = %(digest)s::text, digest = %(digest)s
         WHERE channel = %(channel)s AND site = %(site)s AND device = %(device)s
               AND state = 'waiting' AND held_until IS NOT NULL
        RETURNING episode, family, level, created_at
    )
    SELECT folded.family, folded.level, count(DISTINCT episode.id) AS n, min(episode.raised_at) AS since,
           max(episode.raised_at) AS until,
           (array_agg(episode.label ORDER BY episode.raised_at DESC))[1] AS label
      FROM folded JOIN episode ON episode.id = folded.episode
     GROUP BY folded.family, folded.level ORDER BY folded.level DESC, n DESC, folded.family
"""
_AROUND: LiteralString = """
    SELECT channel.language, channel.account_id, site.time_zone, site.name AS site_name,
           (SELECT key FROM told_key) AS key,
           coalesce(its.label, jsonb_build_object('zh', %(device)s::text, 'en', %(device)s::text)) AS label
      FROM channel JOIN site ON site.site = %(site)s
           LEFT JOIN device AS its ON its.site = %(site)s AND its.device = %(device)s AND its.mode = 'live'
     WHERE channel.channel = %(channel)s
"""


class Held(NamedTuple):
    """Whose alarms wait for each other: those of one device to one channel."""

    channel: UUID
    site: str
    device: str


def due(connection: Connection, now: dt.datetime) -> list[Held]:
    """Those of which one has waited long enough, or longer than any does: the clock was put back."""
    rows = connection.execute(
        """
        SELECT DISTINCT channel, site, device FROM notice
         WHERE state = 'waiting' AND held_until IS NOT NULL AND held_until NOT BETWEEN %s AND %s
        """,
        [now, now + seconds(2 * bounds().folding.window_s)],
    ).fetchall()
    return [Held(*row) for row in rows]


def fold(connection: Connection, settings: Settings, held: Held, now: dt.datetime) -> None:
    """One notice for all that wait, or none yet: call it in a transaction."""
    folding = bounds().folding
    values = {**held._asdict(), "now": now, "since": now - seconds(folding.window_s)}
    row = connection.execute(_SEEN, values).fetchone()
    waiting, recent, told_at = row if row is not None else (0, 0, None)
    if told_at is not None and recent > folding.singly:
        until = told_at + seconds(folding.window_s)
        connection.execute(_WAIT_ON, {**values, "until": until})
    elif waiting == 1:
        connection.execute(_WAIT_ON, {**values, "until": None})
    else:
        _tell(connection, settings, held, now)


def _tell(connection: Connection, settings: Settings, held: Held, now: dt.datetime) -> None:
    digest = uuid4()
    cursor = connection.cursor(row_factory=dict_row)
    counts = cursor.execute(_FOLD, {**held._asdict(), "digest": digest}).fetchall()
    if not counts:
        # Another program has made the notice meanwhile.
        return
    around = cursor.execute(_AROUND, held._asdict()).fetchone()
    if around is None:
        raise AssertionError(held)
    language, account = around["language"], around["account_id"]
    page = link_of(settings, f"sites/{held.site}/alarms?digest={digest}")
    said = storms.digest(_storm(counts, around, page), language)
    if account is not None and around["key"] is not None and settings.notices.pages is not None:
        signed = token(bytes(around["key"]), Link(digest, account, OF_DIGEST))
        link = f"{settings.notices.pages}/told#{signed}"
        said = words.to_person(said, language, is_again=False, stands_in=False, link=link)
    row: Row = {
        "notice": digest,
        "channel": held.channel,
        "account_id": account,
        "site": held.site,
        "kind": "digest",
        "about": f"digest/{digest}",
        "level": max(one["level"] for one in counts),
        "title": said.title,
        "body": said.body,
        "created_at": now,
    }
    queue.put(connection, [row])
    connection.execute("UPDATE notice SET device = %s WHERE notice = %s", [held.device, digest])


def _storm(counts: list[Row], around: Row, link: str | None) -> storms.Storm:
    return storms.Storm(
        site_name=Text(**around["site_name"]),
        time_zone=around["time_zone"],
        device=Text(**around["label"]),
        kinds=[storms.Kind(label=Text(**one["label"]), level=one["level"], n=one["n"]) for one in counts],
        since=min(one["since"] for one in counts),
        until=max(one["until"] for one in counts),
        link=link,
    )
