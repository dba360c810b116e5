"""Safety logs over HTTP: a month, a day, what the officer writes, his signature, and files of it."""

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query, Response
from psycopg.types.json import Jsonb

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.signing import open_key
from cloud.database import Row, connect, instant
from cloud.duties.log_facts import bounds, facts_of
from cloud.duties.log_keeping import draft
from cloud.duties.log_model import (
    AmendmentGiven,
    LogDay,
    LogDays,
    LogEntry,
    LogGiven,
    LogLate,
    LogSigned,
    LogState,
    SafetyLog,
)
from cloud.duties.log_service import LOG, Acting, amend, edit, sign
from cloud.duties.places import SEES, SIGNS
from cloud.duties.routes import check_days
from cloud.exports.answers import Attachment, CsvFile, answered, attachment
from cloud.exports.cells import Column, Mark, Value, both
from cloud.exports.workbook import Workbook
from cloud.instants import local
from cloud.ledger.actor import permissions_at, role_for
from cloud.problems import not_found
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.registry.service import IfMatch, acting, etag
from cloud.serving import Served, Serving

router = APIRouter(prefix="/sites/{site}/logs", tags=["duties"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DAYS: LiteralString = """
    SELECT day, signed_by, signed_at, facts, weather, words,
           (SELECT count(*) FROM safety_log_entry AS its
             WHERE its.site = log.site AND its.day = log.day AND seq > 1) AS amendments,
           (SELECT count(*) FROM safety_log_late AS its
             WHERE its.site = log.site AND its.day = log.day) AS late
      FROM safety_log AS log WHERE site = %(site)s AND day BETWEEN %(since)s AND %(until)s ORDER BY day DESC
"""
_ENTRIES: LiteralString = """
    SELECT seq, record, at, author, encode(hash, 'hex') AS hash FROM safety_log_entry
     WHERE site = %(site)s AND day = %(day)s ORDER BY seq
"""
_LATE: LiteralString = """
    SELECT name, at FROM safety_log_late WHERE site = %(site)s AND day = %(day)s ORDER BY at
"""
_COLUMNS = [
    Column("日期 day", 12),
    Column("天气 weather", 20),
    Column("报警 alarms", 10),
    Column("当日新增隐患 new hazards", 12),
    Column("未销号隐患 open hazards", 12),
    Column("最大风速 m/s highest wind", 12),
    Column("内容 words", 60),
    Column("签署人 signed by", 16),
    Column("签署时间 signed at", 20),
    Column("补充条数 amendments", 10),
    Column("未按时签署 not signed in time", 12),
]
_XLSX_ANSWER: dict[int | str, dict[str, Any]] = {200: {"description": "A workbook.", "content": {XLSX: {}}}}
_CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}
Since = Annotated[dt.date, Query(description="First day.")]
Until = Annotated[dt.date, Query(description="Last day.")]


@router.get("", dependencies=[requires(SEES)])
async def list_logs(site: KnownSite, serving: Served, since: Since, until: Until) -> LogDays:
    """The logs of these days, the newest first."""
    rows = await _rows(serving, site, since, until)
    items = [_day(row) for row in rows]
    return LogDays(
        items=items,
        signed=sum(one.state == "signed" for one in items),
        days=len(items),
        late=sum(one.late > 0 for one in items),
    )


@router.get(".csv", dependencies=[requires(SEES)], response_class=CsvFile, responses=_CSV_ANSWER)
async def logs_as_csv(
    site: KnownSite, serving: Served, signed: SignedIn, since: Since, until: Until
) -> CsvFile:
    """The logs of these days, for a spreadsheet."""
    rows = await _rows(serving, site, since, until)
    return answered(f"safety-log-{site.site}", _COLUMNS, _cells(rows), _mark(serving, site, signed))


@router.get(".xlsx", dependencies=[requires(SEES)], response_class=Attachment, responses=_XLSX_ANSWER)
async def logs_as_workbook(
    site: KnownSite, serving: Served, signed: SignedIn, since: Since, until: Until
) -> Response:
    """The same as a workbook."""
    rows = await _rows(serving, site, since, until)
    book = Workbook(_mark(serving, site, signed), title="施工安全日志 Safety log")
    book.table("安全日志", _COLUMNS, _cells(rows))
    return Response(book.content(), headers=attachment(f"safety-log-{site.site}.xlsx", XLSX))


@router.get("/{day}", dependencies=[requires(SEES)])
async def read_log(
    site: KnownSite, serving: Served, signed: SignedIn, response: Response, *, day: dt.date
) -> SafetyLog:
    """The log of a day; of a day that is not over what is known of it so far."""
    check_days(day, day)
    return await _shown(serving, site, signed, response, day)


@router.put("/{day}", dependencies=[requires(SIGNS)])
async def edit_log(
    site: KnownSite,
    given: LogGiven,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    day: dt.date,
    if_match: IfMatch = None,
) -> SafetyLog:
    """Write weather and words. Today's log is begun by this; its facts come when the day is over."""
    check_days(day, day)
    await _begun(serving, site, day)
    async with acting(serving, signed) as connection:
        doing = Acting(
            connection=connection, site=site.site, day=day, author=signed.name, now_ms=serving.now_ms()
        )
        await edit(doing, given, if_match)
    return await _shown(serving, site, signed, response, day)


@router.post("/{day}/facts", dependencies=[requires(SIGNS)])
async def draw_log_again(
    site: KnownSite, serving: Served, signed: SignedIn, response: Response, *, day: dt.date
) -> SafetyLog:
    """Draw up what the machine knows once more, for what has arrived since; not of a signed log."""
    check_days(day, day)
    await _begun(serving, site, day)
    await asyncio.to_thread(_draw_again, serving, site, day)
    return await _shown(serving, site, signed, response, day)


@router.post("/{day}/signature", dependencies=[requires(SIGNS)], status_code=201)
async def sign_log(
    site: KnownSite,
    given: LogSigned,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    day: dt.date,
    if_match: IfMatch = None,
) -> SafetyLog:
    """Sign the log as it was seen; from then on it is only amended."""
    doing = await _signing(serving, site, signed, day, given.signature.password.get_secret_value())
    today = local(instant(serving.now_ms()), site.time_zone).date()
    _, over = bounds(day, site.time_zone)
    async with acting(serving, signed) as connection:
        await sign(doing(connection), if_match, today, over)
    return await _shown(serving, site, signed, response, day)


@router.post("/{day}/amendments", dependencies=[requires(SIGNS)], status_code=201)
async def amend_log(
    site: KnownSite,
    given: AmendmentGiven,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    day: dt.date,
) -> SafetyLog:
    """Add to a signed log what it does not say; what was signed stays."""
    doing = await _signing(serving, site, signed, day, given.signature.password.get_secret_value())
    async with acting(serving, signed) as connection:
        await amend(doing(connection), given.words)
    return await _shown(serving, site, signed, response, day)


async def _signing(serving: Serving, site: SiteEntry, signed: Signed, day: dt.date, password: str) -> Any:
    """His key is opened before the transaction begins, for that takes a while."""
    check_days(day, day)
    role = await role_for(serving, signed, site.site, SIGNS)
    signer = await open_key(serving, signed, password)
    now_ms = serving.now_ms()
    return lambda connection: Acting(
        connection=connection,
        site=site.site,
        day=day,
        author=signed.name,
        now_ms=now_ms,
        role=role,
        signer=signer,
    )


async def _begun(serving: Serving, site: SiteEntry, day: dt.date) -> None:
    """Today's log is drawn up where it is not there yet; of other days ingest has, or there is none."""
    today = local(serving.now(), site.time_zone).date()
    row = await serving.row(LOG, {"site": site.site, "day": day})
    if row is None and day == today:
        await asyncio.to_thread(_draw, serving, site, day)


def _draw(serving: Serving, site: SiteEntry, day: dt.date) -> None:
    with connect(serving.dsn) as connection, connection.transaction():
        draft(connection, site.site, day, site.time_zone, serving.now())


# Since when it could be signed stays, for by that is seen who came without having done so.
_AGAIN: LiteralString = """
    UPDATE safety_log
       SET facts = %(facts)s, version = version + 1,
           drafted_at = CASE WHEN drafted_at >= %(over)s THEN drafted_at ELSE %(now)s END
     WHERE site = %(site)s AND day = %(day)s AND signed_at IS NULL
"""


def _draw_again(serving: Serving, site: SiteEntry, day: dt.date) -> None:
    now, (_, over) = serving.now(), bounds(day, site.time_zone)
    with connect(serving.dsn) as connection, connection.transaction():
        facts = facts_of(connection, site.site, day, site.time_zone, now)
        asked = {"site": site.site, "day": day, "facts": Jsonb(facts), "now": now, "over": over}
        connection.execute(_AGAIN, asked)


async def _shown(
    serving: Serving, site: SiteEntry, signed: Signed, response: Response, day: dt.date
) -> SafetyLog:
    asked = {"site": site.site, "day": day}
    row = await serving.row(LOG, asked)
    may = SIGNS in await permissions_at(serving, signed, site.site)
    if row is None:
        return await _coming(serving, site, day, may)
    entries = [_entry(one) for one in await serving.rows(_ENTRIES, asked)]
    late = [LogLate(**one) for one in await serving.rows(_LATE, asked)]
    response.headers["ETag"] = etag(row["version"])
    fields = ("day", "facts", "drafted_at", "weather", "words", "version", "editor", "edited_at")
    return SafetyLog(
        **{name: row[name] for name in (*fields, "signed_by", "signed_at")},
        site=site.site,
        state=_state(row),
        entries=entries,
        late=late,
        may_sign=may,
    )


async def _coming(serving: Serving, site: SiteEntry, day: dt.date, may: bool) -> SafetyLog:
    if day != local(serving.now(), site.time_zone).date():
        raise not_found("log")

    def known() -> dict[str, Any]:
        with connect(serving.dsn) as connection, connection.transaction():
            facts = facts_of(connection, site.site, day, site.time_zone, serving.now())
            # As it comes out of the database, where it is kept.
            return dict(json.loads(json.dumps(facts)))

    return SafetyLog(
        site=site.site,
        day=day,
        state="coming",
        facts=await asyncio.to_thread(known),
        drafted_at=None,
        weather="",
        words="",
        version=0,
        editor=None,
        edited_at=None,
        signed_by=None,
        signed_at=None,
        entries=[],
        late=[],
        may_sign=may,
    )


def _state(row: Row) -> LogState:
    return "draft" if row["signed_at"] is None else "signed"


def _entry(row: Row) -> LogEntry:
    record: dict[str, Any] = json.loads(row["record"])
    return LogEntry(
        seq=row["seq"],
        kind=record["kind"],
        words=record["words"],
        at=row["at"],
        author=row["author"],
        hash=row["hash"],
    )


def _day(row: Row) -> LogDay:
    facts = row["facts"]
    return LogDay(
        day=row["day"],
        state=_state(row),
        signed_by=row["signed_by"],
        signed_at=row["signed_at"],
        amendments=row["amendments"],
        late=row["late"],
        alarms=facts.get("alarms", {}).get("count"),
        open_hazards=facts.get("hazards", {}).get("open"),
    )


async def _rows(serving: Serving, site: SiteEntry, since: dt.date, until: dt.date) -> list[Row]:
    check_days(since, until)
    return await serving.rows(_DAYS, {"site": site.site, "since": since, "until": until})


def _cells(rows: list[Row]) -> Iterator[list[Value]]:
    for row in rows:
        facts = row["facts"]
        yield [
            row["day"],
            row["weather"],
            facts["alarms"]["count"],
            facts["hazards"]["new"],
            facts["hazards"]["open"],
            facts["wind"]["value"] if facts["wind"] else None,
            row["words"],
            row["signed_by"],
            row["signed_at"],
            row["amendments"],
            row["late"],
        ]


def _mark(serving: Serving, site: SiteEntry, signed: Signed) -> Mark:
    name = both({"zh": site.name.zh, "en": site.name.en})
    about = f"工地卫士 SiteWarden · 施工安全日志 safety log · {name}"
    return Mark(name=signed.name, at=serving.now(), time_zone=site.time_zone, about=about)
