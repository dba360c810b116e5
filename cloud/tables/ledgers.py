"""Ledgers as tables over HTTP: hazards, the three of incidents, enforcement, notices."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, LiteralString

from fastapi import APIRouter, Query

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.enforcement import store as enforcement
from cloud.exports.answers import CsvFile, export
from cloud.exports.cells import Mark
from cloud.exports.masks import roles_seeing
from cloud.hazards.record import Status as HazardStatus
from cloud.incidents.model import Kind
from cloud.notices import store as notices
from cloud.registry.access import KnownSite
from cloud.serving import Served, Serving
from cloud.tables import ledger_rows

router = APIRouter(tags=["tables"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}
_Day = Annotated[dt.date | None, Query()]
_Short = Annotated[str | None, Query(max_length=63, pattern=r"^[^\x00]+$")]

HAZARDS: LiteralString = """
    WITH seen AS MATERIALIZED (SELECT site, devices FROM sites_of(%(account)s, %(roles)s))
    SELECT number, hazard.site, site.name AS site_name, site.time_zone, device, category, content, level,
           status, source, supervision, clause ->> 'id' AS clause, detected_at, opened_at, due_at, overdue,
           closed_at, repeat_no, record,
           hazard.site IN (SELECT site FROM sites_of(%(account)s, %(roles_persons)s)) AS sees_persons,
           hazard.site IN (SELECT site FROM sites_of(%(account)s, %(roles_funds)s)) AS sees_funds
      FROM hazard JOIN site ON site.site = hazard.site
     WHERE mode = 'live'
       AND (hazard.site IN (SELECT site FROM seen WHERE devices IS NULL)
            OR (hazard.site, hazard.device)
               IN (SELECT site, unnest(devices) FROM seen WHERE devices IS NOT NULL))
       AND CASE %(status)s WHEN 'open' THEN ended_at IS NULL WHEN 'all' THEN true ELSE status = %(status)s END
       AND (%(level)s::text IS NULL OR level = %(level)s)
       AND (%(site)s::text IS NULL OR hazard.site = %(site)s)
       AND (%(category)s::text IS NULL OR category ->> 'zh' = %(category)s)
       AND (%(overdue)s::bool IS NULL OR overdue = %(overdue)s)
       AND (%(listed)s::bool IS NULL OR (supervision = 'listed') = %(listed)s)
     ORDER BY opened_at DESC, hazard.id DESC LIMIT %(limit)s
"""
INCIDENTS: LiteralString = """
    SELECT its.number, its.kind, its.site, site.name AS site_name, site.time_zone, its.mode, its.occurred_at,
           its.status, its.overdue, its.record, hazard.number AS hazard_number,
           its.site IN (SELECT site FROM sites_of(%(account)s, %(roles_persons)s)) AS sees_persons
      FROM incident AS its JOIN site USING (site) LEFT JOIN hazard ON hazard.id = its.hazard_id
     WHERE its.site IN (SELECT site FROM sites_of(%(account)s, %(roles)s) WHERE devices IS NULL)
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(status)s::text IS NULL OR its.status = %(status)s)
       AND (%(site)s::text IS NULL OR its.site = %(site)s)
     ORDER BY its.occurred_at DESC, its.id DESC LIMIT %(limit)s
"""
# Put together of constants alone.
ENFORCEMENT: LiteralString = (
    """
    SELECT *, site IS NULL  -- of no site: to whoever sees the row
              OR site IN (SELECT site FROM sites_of(%(account)s, %(roles_funds)s)) AS sees_funds
      FROM (
    """  # noqa: S608
    + enforcement.NOW
    + """
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(since)s::date IS NULL OR its.decided_on >= %(since)s)
       AND (%(until)s::date IS NULL OR its.decided_on <= %(until)s)
    ) AS found ORDER BY decided_on DESC, id DESC LIMIT %(limit)s
    """
)


def _asked(signed: Signed, permission: str, **chosen: Any) -> dict[str, Any]:
    return {
        "account": signed.account_id,
        "roles": roles_with(permission),
        "roles_persons": roles_seeing("persons", permission),
        "roles_funds": roles_seeing("funds", permission),
        **chosen,
    }


def _mark(
    serving: Serving, signed: Signed, title: str, chosen: Mapping[str, Any], time_zone: str = "UTC"
) -> Mark:
    said = ", ".join(f"{field}={value}" for field, value in chosen.items() if value is not None)
    parts = ["工地卫士 SiteWarden", title, *([f"筛选 filter {said}"] if said else [])]
    return Mark(name=signed.name, at=serving.now(), time_zone=time_zone, about=" · ".join(parts))


@router.get(
    "/tables/hazards.csv", dependencies=[requires("hazards.view")], response_class=CsvFile, responses=_CSV
)
async def all_hazards_table(
    serving: Served,
    signed: SignedIn,
    *,
    status: Literal["open", "all"] | HazardStatus = "open",
    level: Literal["general", "major_proposed", "major"] | None = None,
    site: _Short = None,
    category: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None,
    overdue: bool | None = None,
    listed: bool | None = None,
) -> CsvFile:
    """Hazard records of every site that you see, the newest first; drills are not among them."""
    chosen = {
        "status": status,
        "level": level,
        "site": site,
        "category": category,
        "overdue": overdue,
        "listed": listed,
    }
    asked = _asked(signed, "hazards.view", **chosen)
    mark = _mark(serving, signed, "隐患台账 hazards", chosen)
    return await export(serving.dsn, HAZARDS, asked, ledger_rows.HAZARDS, mark)


@router.get(
    "/tables/incidents.csv", dependencies=[requires("incidents.view")], response_class=CsvFile, responses=_CSV
)
async def incidents_table(
    serving: Served,
    signed: SignedIn,
    *,
    kind: Annotated[Kind | None, Query(description="One of the three ledgers alone.")] = None,
    status: Literal["open", "closed"] | None = None,
    site: _Short = None,
) -> CsvFile:
    """Dangerous situations, accidents, fatal ones: each ledger by itself, or all of them."""
    chosen = {"kind": kind, "status": status, "site": site}
    asked = _asked(signed, "incidents.view", **chosen)
    mark = _mark(serving, signed, "险情事故台账 incidents", chosen)
    return await export(serving.dsn, INCIDENTS, asked, ledger_rows.incidents(kind), mark)


@router.get(
    "/tables/enforcement.csv",
    dependencies=[requires("enforcement.view")],
    response_class=CsvFile,
    responses=_CSV,
)
async def enforcement_table(
    serving: Served, signed: SignedIn, *, kind: _Short = None, since: _Day = None, until: _Day = None
) -> CsvFile:
    """What authorities have done, as it holds now; what was withdrawn is marked."""
    chosen = {"kind": kind, "since": since, "until": until}
    asked = _asked(signed, "enforcement.view", **chosen)
    mark = _mark(serving, signed, "执法记录 enforcement", chosen)
    return await export(serving.dsn, ENFORCEMENT, asked, ledger_rows.ENFORCEMENT, mark)


@router.get(
    "/sites/{site}/tables/notices.csv",
    dependencies=[requires("notices.view")],
    response_class=CsvFile,
    responses=_CSV,
)
async def notices_table(site: KnownSite, serving: Served, signed: SignedIn) -> CsvFile:
    """What was told of the site, and what became of each, the newest first."""
    asked = {
        "site": site.site,
        "account": signed.account_id,
        "roles": roles_with(notices.EDITED_WITH),
        "at": None,
        "id": None,
    }
    mark = _mark(serving, signed, f"通知 notices · {site.name.zh}", {}, site.time_zone)
    return await export(serving.dsn, notices.NOTICES, asked, ledger_rows.NOTICES, mark)
