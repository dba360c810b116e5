"""The returns of each month, made by themselves: a draft on the last day, the final one once it is over.

The clocks are those of the authority that leads the campaign. Whatever was cut off by a kill is made with the
next look: what there is already is looked up, and nothing is remembered.
"""

import datetime as dt
import logging
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant
from cloud.instants import local
from cloud.notices.opening import Telling, tell_node
from cloud.reports import saying, store
from cloud.reports.campaigns import Campaign, begin_of, campaign_of, zone_of
from cloud.reports.model import Definition, Scope, definitions
from cloud.reports.place import limits_at

log = logging.getLogger(__name__)

DRAFT_AT, STRICT_AT, FINAL_AFTER = dt.time(8), dt.time(23, 50), dt.timedelta(minutes=5)
_DAY = dt.timedelta(days=1)
_LATE_DAYS = 7
"""For so long after its cut-off what was never made is still made by itself."""

_CAMPAIGNS: LiteralString = "SELECT campaign FROM campaign ORDER BY campaign"
_NODES: LiteralString = """
    SELECT its.node FROM tree_node AS its JOIN tree_node AS top ON starts_with(its.path, top.path)
     WHERE top.node = %s AND its.kind NOT IN ('town', 'township', 'grid') ORDER BY its.path
"""
_THERE: LiteralString = """
    SELECT its.kind, its.node, count(*) AS versions,
           bool_or(NOT version.preliminary) AS is_final, max(version.made_at) AS made_at,
           bool_or(its.approved IS NOT NULL) AS is_approved
      FROM report AS its JOIN report_version AS version USING (report)
     WHERE its.campaign = ANY (%(campaigns)s) AND its.cut_off = %(cut_off)s AND its.since IS NULL
     GROUP BY its.kind, its.node
"""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A return of a month that is being made."""

    cut_off: dt.datetime
    stage_at: dt.datetime
    """When what there is now should have been made: at eight, ten to twelve, or five past."""


def turn(now: dt.datetime, day_of_month: int, time_zone: str, *, strict: bool = False) -> Turn | None:
    """Which return is to be made at that instant; `None` on other days. Pure.

    `day_of_month`: on which it is due; everything before that day is counted.
    """
    today = local(now, time_zone).date()
    for day in (today, today + _DAY, *(today - n * _DAY for n in range(1, _LATE_DAYS))):
        if day.day != day_of_month:
            continue
        cut_off = begin_of(day, time_zone)
        if now >= cut_off + FINAL_AFTER:
            return Turn(cut_off=cut_off, stage_at=cut_off + FINAL_AFTER)
        if now >= cut_off:
            # A draft that was missed is none any more, and for the final one it is too early.
            return None
        before = begin_of(day - _DAY, time_zone)
        stages = [DRAFT_AT, STRICT_AT] if strict else [DRAFT_AT]
        begun = [before + dt.timedelta(hours=at.hour, minutes=at.minute) for at in stages]
        past = [at for at in begun if at <= now]
        return Turn(cut_off=cut_off, stage_at=past[-1]) if past else None
    return None


def due_of(connection: Connection, node: int, cut_off: dt.datetime) -> dt.datetime | None:
    """Until when a monthly return with that cut-off is in time; `None` where there is no such return."""
    zone = zone_of(connection, node)
    day = local(cut_off, zone).date()
    if day.day != limits_at(connection, node).monthly_report_day:
        return None
    return begin_of(day + _DAY, zone)


def make_due(connection: Connection, now_ms: int) -> list[store.Kept]:
    """Make what is due at that instant, each in a transaction of its own."""
    now, made = instant(now_ms), []
    for (name,) in connection.execute(_CAMPAIGNS).fetchall():
        try:
            campaign = campaign_of(connection, name)
            if campaign is not None and (campaign.until is None or now < campaign.until + _LATE_DAYS * _DAY):
                made += _of_campaign(connection, campaign, now)
        except psycopg.OperationalError:
            raise
        except Exception:
            # A campaign that cannot be read keeps no other from being reported for.
            log.exception("no reports of a campaign campaign=%s", name)
    return made


_WAITING: LiteralString = """
    SELECT its.report, its.kind, its.node, its.site, node.name, its.cut_off, its.due_at, its.approved,
           its.reminded, last.body::jsonb #>> '{computed,head,last_day}' AS last_day
      FROM report AS its JOIN tree_node AS node USING (node)
           JOIN report_version AS last ON last.report = its.report AND last.version = its.versions
     WHERE its.sent IS NULL AND its.due_at IS NOT NULL AND its.reminded < 3 AND NOT last.preliminary
       AND its.cut_off < %(now)s
     ORDER BY its.cut_off, its.report FOR NO KEY UPDATE OF its SKIP LOCKED
"""
_REMINDED: LiteralString = """
    UPDATE report SET reminded = %(reminded)s, late = late OR %(late)s WHERE report = %(report)s
"""
_TOLD_LATE = 3


def remind(connection: Connection, telling: Telling, now_ms: int) -> None:
    """Tell whoever approves: when the final one is made, at eight, and once it is late, which is kept too."""
    now = instant(now_ms)
    with connection.transaction():
        for row in connection.cursor(row_factory=dict_row).execute(_WAITING, {"now": now}).fetchall():
            turn_of = _reminder(row, now)
            if turn_of <= row["reminded"]:
                continue
            late = turn_of == _TOLD_LATE
            connection.execute(_REMINDED, {"reminded": turn_of, "late": late, "report": row["report"]})
            if late or row["approved"] is None:
                kind: saying.Kind = "report_late" if late else "report_draft"
                tell_node(connection, telling, saying.said(row, kind, str(turn_of), telling.settings))


def _reminder(row: Row, now: dt.datetime) -> int:
    if now >= row["due_at"]:
        return _TOLD_LATE
    return 2 if now >= row["cut_off"] + dt.timedelta(hours=DRAFT_AT.hour) else 1


def _of_campaign(connection: Connection, campaign: Campaign, now: dt.datetime) -> list[store.Kept]:
    zone = zone_of(connection, campaign.node)
    strict = campaign.template.strict
    made = []
    for day in _days(connection, campaign):
        its = turn(now, day, zone, strict=strict)
        if its is None or its.cut_off <= campaign.since:
            continue
        made += _of_turn(connection, campaign, its, day, now)
    return made


def _days(connection: Connection, campaign: Campaign) -> list[int]:
    """On which days of a month somebody of the campaign reports."""
    return sorted({limits_at(connection, node).monthly_report_day for node in _nodes(connection, campaign)})


def _nodes(connection: Connection, campaign: Campaign) -> list[int]:
    return [node for (node,) in connection.execute(_NODES, [campaign.node]).fetchall()]


def _of_turn(
    connection: Connection, campaign: Campaign, its: Turn, day: int, now: dt.datetime
) -> list[store.Kept]:
    there = _there(connection, campaign, its.cut_off)
    made = []
    for node in _nodes(connection, campaign):
        if limits_at(connection, node).monthly_report_day != day:
            continue
        lacking = [
            one for one in definitions().values() if one.monthly and _lacks(there.get((one.kind, node)), its)
        ]
        tried = [_tried(connection, one, (campaign, node), its, now) for one in lacking]
        made += [kept for kept in tried if kept is not None]
    return made


def _there(connection: Connection, campaign: Campaign, cut_off: dt.datetime) -> dict[tuple[str, int], Row]:
    asked = {"campaigns": [campaign.campaign, ""], "cut_off": cut_off}
    rows = connection.cursor(row_factory=dict_row).execute(_THERE, asked).fetchall()
    return {(row["kind"], row["node"]): row for row in rows}


def _lacks(row: Row | None, its: Turn) -> bool:
    if row is None:
        return True
    if its.stage_at > its.cut_off:
        return not row["is_final"]
    return not row["is_approved"] and bool(row["made_at"] < its.stage_at)


def _tried(
    connection: Connection,
    definition: Definition,
    of: tuple[Campaign, int],
    its: Turn,
    now: dt.datetime,
) -> store.Kept | None:
    try:
        return _make(connection, definition, of, its, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        # One that cannot be counted keeps no other from being made; it is tried again with the next look.
        log.exception("a report could not be made kind=%s node=%d", definition.kind, of[1])
        return None


_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_AFTER_FORECAST = "预报审核后，按截止时刻重新统计。 Counted at the cut-off, after the forecast was approved."


def _make(
    connection: Connection,
    definition: Definition,
    of: tuple[Campaign, int],
    its: Turn,
    now: dt.datetime,
) -> store.Kept | None:
    """A version, unless another process has made it while this one was on its way."""
    campaign, node = of
    scope = Scope(
        node=node, campaign=campaign.campaign if definition.of_campaign else "", cut_off=its.cut_off
    )
    due_at = its.cut_off if campaign.template.strict else due_of(connection, node, its.cut_off)
    with connection.transaction():
        connection.execute(_LOCK, [f"report {definition.kind} {node} {campaign.campaign} {its.cut_off}"])
        there = _there(connection, campaign, its.cut_off).get((definition.kind, node))
        if not _lacks(there, its):
            return None
        words = _AFTER_FORECAST if there is not None and there["is_approved"] else ""
        kept = store.make(
            connection, definition, scope, author=store.Author(), now=now, due_at=due_at, words=words
        )
    log.info("a report was made kind=%s node=%d version=%d", definition.kind, node, kept.version)
    return kept
