"""Who must hear of papers that have ended, of a key post that nobody fills, of a warning that nobody minds.

A crane works while its driver's certificate has ended, or without those who must be there; or a warning of
another platform is open after its time. That changes by itself, with the day or because a crane begins to
work: so it is looked for, once a minute, and each case is told once a day; a warning once for each time by
which it is due.
"""

import datetime as dt
import functools
import logging
from collections.abc import Iterator
from typing import LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles
from cloud.database import Connection, Row, instant
from cloud.instants import local
from cloud.intake.store import DECLARED, MISSED_POSTS
from cloud.jurisdictions.loading import jurisdiction
from cloud.jurisdictions.model import Jurisdiction
from cloud.notices.opening import Said, Telling, tell_site
from cloud.notices.words import Words
from cloud.registry.known import SiteEntry
from sitewarden.text import Text

log = logging.getLogger(__name__)

_LOOK_S = 60
_ALONE, _AMONG_OTHERS, _NOBODY_THERE, _UNHANDLED = 3, 2, 2, 3
"""Levels: no driver of the crane has a certificate in force; some have one; a key post is not there; a
warning is open."""

# A cycle lasts minutes: one that ended within the window did not begin a day before.
_WORKING: LiteralString = """
    SELECT asked.site, cycle.devices
      FROM jsonb_to_recordset(%(asked)s) AS asked (site text, since timestamptz)
           CROSS JOIN LATERAL (
               SELECT array_agg(DISTINCT device) AS devices FROM work_cycle
                WHERE work_cycle.site = asked.site AND mode = %(mode)s
                  AND started_at > asked.since - interval '1 day' AND ended_at > asked.since) AS cycle
     WHERE cycle.devices IS NOT NULL
"""
# Renewed, a certificate is another row: of the same person in the registry, of the same number in what the
# authority's system says, which holds beside what the registry says.
_ENDED: LiteralString = """
    WITH driver AS (
        SELECT operator.*, device.device,
               valid_until >= %(today)s AND coalesce(valid_from <= %(today)s, true) AND NOT EXISTS (
                   SELECT FROM intake_now AS known
                    WHERE known.kind = 'certificates' AND known.site = operator.site
                      AND known.body ->> 'certificate_no' = operator.certificate_no
                      AND (known.body ->> 'status' = 'revoked'
                           OR (known.body ->> 'valid_until')::date < %(today)s AND NOT EXISTS (
                              SELECT FROM intake_now AS anew
                               WHERE anew.kind = 'certificates' AND anew.site = operator.site
                                 AND anew.body ->> 'certificate_no' = operator.certificate_no
                                 AND (anew.body ->> 'valid_until')::date >= %(today)s))) AS holds
          FROM operator CROSS JOIN LATERAL unnest(operator.devices) AS device (device)
         WHERE operator.site = %(site)s AND device.device = ANY (%(devices)s)
           AND operator.trade IN ('crane_operator', 'hoist_operator')
    )
    SELECT driver.device, driver.name, driver.certificate_no, driver.valid_until,
           file.name AS called,
           (SELECT count(DISTINCT other.name) FROM driver AS other
             WHERE other.device = driver.device AND other.holds) AS others
      FROM driver LEFT JOIN device_file AS file ON file.site = driver.site AND file.device = driver.device
     WHERE NOT driver.holds
       AND NOT EXISTS (SELECT FROM driver AS renewed
                        WHERE renewed.device = driver.device AND renewed.name = driver.name
                          AND renewed.trade = driver.trade AND renewed.holds)
     ORDER BY driver.device, driver.certificate_no
"""
_WORKED: LiteralString = """
    SELECT FROM work_cycle
     WHERE site = %(site)s AND mode = %(mode)s AND started_at BETWEEN %(begins)s AND %(since)s LIMIT 1
"""
_UNANSWERED: LiteralString = """
    SELECT its.site, its.system, its.external_id, its.body ->> 'text' AS text,
           coalesce((its.body ->> 'due_at')::timestamptz, its.first_received_at + asked.within) AS due_at
      FROM intake_now AS its
           JOIN jsonb_to_recordset(%(asked)s) AS asked (site text, within interval) USING (site)
     WHERE its.kind = 'external_warnings' AND its.body ->> 'status' = 'open'
           AND coalesce((its.body ->> 'due_at')::timestamptz, its.first_received_at + asked.within) < %(now)s
     ORDER BY its.site, its.system, its.external_id
"""
_ONCE: LiteralString = """
    INSERT INTO duty_told (kind, of, period_end, at) VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING RETURNING 1
"""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is told once a day, or once of its own day."""

    kind: str
    of: str
    level: int
    title: Text
    body: Text = Text("", "")
    day: dt.date | None = None


class CredentialWatch:
    """Of one process."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._looked_ms = 0

    def look(self, connection: Connection, telling: Telling) -> None:
        """Tell of whatever is new; nobody waits for it by the second."""
        # A clock that was set back keeps nothing waiting.
        if 0 <= telling.now_ms - self._looked_ms < _LOOK_S * 1000:
            return
        for site, devices in _working(connection, telling):
            with connection.transaction():
                for case in _cases(connection, telling, site, devices):
                    _tell(connection, telling, site, case)
        for site, case in _unanswered(connection, telling):
            with connection.transaction():
                _tell(connection, telling, site, case)
        self._looked_ms = telling.now_ms


def _working(connection: Connection, telling: Telling) -> list[tuple[SiteEntry, list[str]]]:
    """Sites where a crane works, and which."""
    now = instant(telling.now_ms)
    asked = [
        {"site": entry.site, "since": (now - _window(jurisdiction(entry.jurisdiction))).isoformat()}
        for entry in telling.sites.values()
    ]
    values = {"asked": msgspec.json.encode(asked).decode(), "mode": telling.settings.mode}
    rows = connection.cursor(row_factory=dict_row).execute(_WORKING, values).fetchall()
    return [(telling.sites[row["site"]], row["devices"]) for row in rows]


def _unanswered(connection: Connection, telling: Telling) -> list[tuple[SiteEntry, Case]]:
    """Warnings that are open though they should not be any more."""
    asked = [
        {"site": entry.site, "within": f"{jurisdiction(entry.jurisdiction).external_warning_s} s"}
        for entry in telling.sites.values()
    ]
    values = {"asked": msgspec.json.encode(asked).decode(), "now": instant(telling.now_ms)}
    rows = connection.cursor(row_factory=dict_row).execute(_UNANSWERED, values).fetchall()
    return [(telling.sites[row["site"]], warning_case(telling.sites[row["site"]], row)) for row in rows]


def _window(limits: Jurisdiction) -> dt.timedelta:
    return dt.timedelta(seconds=limits.work_going_on_s)


def _cases(connection: Connection, telling: Telling, site: SiteEntry, devices: list[str]) -> Iterator[Case]:
    now, limits = instant(telling.now_ms), jurisdiction(site.jurisdiction)
    today = local(now, site.time_zone)
    cursor = connection.cursor(row_factory=dict_row)
    asked = {"site": site.site, "mode": telling.settings.mode, "now": now, "zone": site.time_zone}
    drivers = cursor.execute(_ENDED, {**asked, "devices": devices, "today": today.date()}).fetchall()
    yield from (certificate_case(site, row) for row in drivers)
    if cursor.execute(DECLARED, asked).fetchone() is None:
        return
    # Whoever comes a little after the first crane has begun is not missing.
    begins = today.replace(hour=0, minute=0, second=0, microsecond=0)
    since = now - dt.timedelta(seconds=limits.key_post_grace_s)
    if cursor.execute(_WORKED, {**asked, "begins": begins, "since": since}).fetchone() is None:
        return
    posts = {"posts": limits.key_posts, "working": now - _window(limits)}
    missed = cursor.execute(MISSED_POSTS, {**asked, **posts}).fetchall()
    yield from (post_case(site, row["post"]) for row in missed if row["is_missing"])


def certificate_case(site: SiteEntry, row: Row) -> Case:
    """In words; pure."""
    day, others = row["valid_until"].isoformat(), row["others"]
    device = Text(**row["called"]) if row["called"] else Text(row["device"], row["device"])
    return Case(
        kind="certificate_ended",
        # That by now nobody else may operate it is told too, whatever was told that day.
        of=f"{row['device']}/{row['certificate_no']}" + ("" if others else "/alone"),
        level=_AMONG_OTHERS if others else _ALONE,
        title=Text(
            f"{site.name.zh}：{device.zh} 正在作业，司机 {row['name']} 的证书不在有效期内",
            f"{site.name.en}: {device.en} works, and the certificate of {row['name']} is not in force",
        ),
        body=Text(
            f"证书 {row['certificate_no']}，有效期至 {day}。"
            + (
                f"该设备另有 {others} 名司机持有有效证书，请核实谁在操作。"
                if others
                else "该设备没有持有效证书的司机。"
            ),
            f"Certificate {row['certificate_no']}, valid until {day}. "
            + (
                f"{others} other drivers of it hold one in force: find out who operates it."
                if others
                else "No driver of it holds one in force."
            ),
        ),
    )


def post_case(site: SiteEntry, post: str) -> Case:
    """In words; pure."""
    name = roles().roles[post].name
    return Case(
        kind="post_missing",
        of=post,
        level=_NOBODY_THERE,
        title=Text(
            f"{site.name.zh}：起重机正在作业，{name.zh}不在岗",
            f"{site.name.en}: a crane works, and no {name.en} is there",
        ),
        body=Text("以接入的考勤为准。", "By the attendance that is taken in."),
    )


def warning_case(site: SiteEntry, row: Row) -> Case:
    """In words; pure."""
    due = local(row["due_at"], site.time_zone)
    return Case(
        kind="external_warning_late",
        # It may be put off by hours, too.
        of=f"{row['system']}/{row['external_id']}/{due:%H:%M}",
        level=_UNHANDLED,
        title=Text(
            f"{site.name.zh}：上级平台预警逾期未处理", f"{site.name.en}: a warning was not dealt with in time"
        ),
        body=Text(
            f"来源：{row['system']}。处理期限：{due:%Y-%m-%d %H:%M}（{site.time_zone}）。\n{row['text']}",
            f"From {row['system']}, due by {due:%Y-%m-%d %H:%M} ({site.time_zone}).\n{row['text']}",
        ),
        day=due.date(),
    )


def _tell(connection: Connection, telling: Telling, site: SiteEntry, case: Case) -> None:
    now = instant(telling.now_ms)
    day = case.day or local(now, site.time_zone).date()
    of = f"{site.site}/{case.of}"
    if connection.execute(_ONCE, [case.kind, of, day, now]).fetchone() is None:
        return
    said = Said(
        site=site.site,
        kind=case.kind,
        about=f"{of}/{day}",
        level=case.level,
        words=functools.partial(_words, case),
    )
    tell_site(connection, telling, said)
    log.info("told of a credential kind=%s of=%s", case.kind, of)


def _words(case: Case, language: str) -> Words:
    if language == "en":
        return Words(title=case.title.en, body=case.body.en)
    return Words(title=case.title.zh, body=case.body.zh)
