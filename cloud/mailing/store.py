"""Mailings in SQL."""

from typing import LiteralString
from uuid import UUID, uuid4

import msgspec

from cloud.database import Connection, Row, instant
from cloud.notices import queue
from sitewarden.text import Text

KIND = "mailing"
"""Of its notices."""
_LEVEL = 1

SHOWN: LiteralString = """
    SELECT mailing.mailing AS id, mailing.version, mailing.name, mailing.recipients, mailing.made_at,
           mailing.author, encode(mailing.sha256, 'hex') AS sha256,
           encode(mailing.file_sha256, 'hex') AS file_sha256, channel.name AS channel_name,
           notice.state, notice.code, notice.answer, notice.tries, notice.tried_at
      FROM mailing JOIN notice USING (notice) JOIN channel USING (channel)
     WHERE mailing.report = %(report)s OR mailing.dossier = %(dossier)s
     ORDER BY mailing.made_at DESC, mailing.mailing LIMIT 200
"""
CHANNELS: LiteralString = """
    SELECT channel AS id, name, language, target ->> 'sender' AS sender, target -> 'recipients' AS recipients
      FROM channel
     WHERE kind = 'mail' AND is_on AND removed_at IS NULL AND account_id IS NULL
           AND (site IS NULL OR site = %(site)s)
     ORDER BY site NULLS FIRST, name, channel
"""
"""By mail, of all sites, and of the site that it is of."""
_KEEP: LiteralString = """
    INSERT INTO mailing (mailing, notice, report, version, format, dossier, sha256, name, recipients, made_at,
                         author, account_id, role)
        VALUES (%(mailing)s, %(notice)s, %(report)s, %(version)s, %(format)s, %(dossier)s, %(sha256)s,
                %(name)s, %(recipients)s, %(now)s, %(author)s, %(account)s, %(role)s)
"""
APPROVED: LiteralString = "SELECT approved FROM report WHERE report = %s FOR NO KEY UPDATE"


class What(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is kept and can be sent: a version of a report, or a dossier."""

    report: UUID | None = None
    version: int | None = None
    format: str | None = None
    dossier: UUID | None = None
    site: str | None
    sha256: bytes
    name: str
    """Of the file."""
    called: Text
    time_zone: str


class New(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, how, and who wants it."""

    what: What
    title: str
    body: str
    channel: UUID
    recipients: list[str]
    author: str
    account: int | None
    role: str


def keep(connection: Connection, new: New, now_ms: int) -> UUID:
    """It waits to be sent once the caller's transaction is committed."""
    mailing, notice, now = uuid4(), uuid4(), instant(now_ms)
    row: Row = {
        "notice": notice,
        "channel": new.channel,
        "site": new.what.site,
        "kind": KIND,
        "about": f"{KIND}/{mailing}",
        "level": _LEVEL,
        "title": new.title,
        "body": new.body,
        "created_at": now,
    }
    queue.put(connection, [row])
    values: Row = {
        **{
            name: getattr(new.what, name)
            for name in ("report", "version", "format", "dossier", "sha256", "name")
        },
        **{name: getattr(new, name) for name in ("recipients", "author", "account", "role")},
        "mailing": mailing,
        "notice": notice,
        "now": now,
    }
    connection.execute(_KEEP, values)
    return mailing
