"""Telling of duties that were missed and of logs that were not signed: each once, in what records it."""

import datetime as dt
from typing import LiteralString

from cloud.database import Connection, instant
from cloud.duties.log_keeping import Late
from cloud.duties.performing import Duty, performance
from cloud.notices import words
from cloud.notices.opening import Said, Telling, tell_node, tell_site
from sitewarden.text import Text

_LEVEL = 2
"""As channels are set: more than a note, less than an alarm that stops work."""
_BACK_DAYS = 6
"""So many days before yesterday are made up for."""
_ROOTS: LiteralString = "SELECT node, tree FROM tree_node WHERE parent IS NULL ORDER BY node"
_ONCE: LiteralString = """
    INSERT INTO duty_told (kind, of, period_end, at) VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING RETURNING 1
"""


def tell_missed(connection: Connection, telling: Telling, zone: str, yesterday: dt.date) -> list[Duty]:
    """Tell of every duty whose period ended without it, yesterday or while the programs stood still.

    Each is told once, however often this is asked.
    """
    told = []
    since = yesterday - dt.timedelta(days=_BACK_DAYS)
    for node, tree in connection.execute(_ROOTS).fetchall():
        for duty in performance(connection, node, since, yesterday, now_ms=telling.now_ms):
            # What an enterprise owes is seen whole only from the top of its own tree.
            is_whole = duty.level in ("site", "authority") or tree == "enterprise"
            if not is_whole or duty.time_zone != zone:
                continue
            for day in duty.missed_days:
                key = [duty.kind, str(duty.of), day, instant(telling.now_ms)]
                if connection.execute(_ONCE, key).fetchone() is not None:
                    _tell(connection, telling, duty, day)
                    told.append(duty)
    return told


def tell_late(connection: Connection, telling: Telling, late: Late) -> None:
    """Tell that a log was not signed when it had to be."""
    name = telling.sites[late.site].name
    said = Said(
        site=late.site,
        kind="log_missing",
        about=f"{late.day}/{late.site}/{late.name}",
        level=_LEVEL,
        words=lambda language: _words(late_text(late, name), language),
    )
    tell_site(connection, telling, said)


def missed_text(duty: Duty, day: dt.date) -> Text:
    """In one line."""
    return Text(
        f"{duty.who.zh} 未履职：{duty.label.zh}（截至 {day.isoformat()}）",
        f"{duty.who.en} missed a duty: {duty.label.en} (by {day.isoformat()})",
    )


def late_text(late: Late, site_name: Text) -> Text:
    """In one line."""
    zh = f"{site_name.zh} {late.day.isoformat()} 施工安全日志未签署"
    en = f"{site_name.en}: the safety log of {late.day.isoformat()} is not signed"
    if not late.name:
        return Text(zh, en)
    return Text(f"{zh}，{late.name} 已打卡", f"{en}; {late.name} has checked in")


def _tell(connection: Connection, telling: Telling, duty: Duty, day: dt.date) -> None:
    text = missed_text(duty, day)
    said = Said(
        site=duty.of if isinstance(duty.of, str) else None,
        node=duty.of if isinstance(duty.of, int) else None,
        kind="duty_missed",
        about=f"{duty.of}/{duty.kind}/{day}",
        level=_LEVEL,
        words=lambda language: _words(text, language),
    )
    (tell_site if isinstance(duty.of, str) else tell_node)(connection, telling, said)


def _words(text: Text, language: str) -> words.Words:
    line = words.of(text, language)
    return words.Words(title=line, body=line)
