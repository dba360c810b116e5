"""A trace of attendance (倒查考勤): read from what is kept, and as a workbook."""

import datetime as dt
from typing import Any, LiteralString

import msgspec

from cloud.accounts.roles import roles
from cloud.database import Connection
from cloud.exports import Column, Mark, Workbook
from cloud.hazards.chain import canonical
from cloud.instants import local, rfc3339
from cloud.returns.attendance import AlarmThen, Attended, PostTrace, trace, window
from cloud.returns.figures import figures
from cloud.returns.store import Cause, NewDossier, rows

_SITE: LiteralString = "SELECT name, time_zone FROM site WHERE site = %s"
_REGISTER: LiteralString = """
    SELECT day, person, name, post, first_in IS NOT NULL AS is_present, first_in, last_out
      FROM attendance WHERE site = %s AND day BETWEEN %s AND %s ORDER BY day
"""
_ALARMS: LiteralString = """
    SELECT id, raised_at, level FROM episode
     WHERE site = %s AND mode = 'live' AND NOT test AND raised_at >= %s AND raised_at < %s ORDER BY raised_at
"""
_STATES = {"present": "到岗 present", "absent": "缺勤 absent", "no_data": "无数据 no data"}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a trace says."""

    site: str
    site_name: dict[str, str]
    time_zone: str
    day: dt.date
    """Of the incident, or when the hazard became overdue."""
    at: str
    first: dt.date
    last: dt.date
    """Days that are counted, both included."""
    systems: list[str]
    """Where the lines come from; none: nobody brings attendance here."""
    posts: list[PostTrace]


def make(connection: Connection, cause: Cause, made_at: dt.datetime) -> NewDossier:
    """Put one together."""
    said = read(connection, cause)
    content = canonical(msgspec.to_builtins(said)).encode()
    return NewDossier(kind="attendance_trace", cause=cause, content=content, facts=content, made_at=made_at)


def read(connection: Connection, cause: Cause) -> Trace:
    """What the register and the alarms of the site say."""
    (site,) = rows(connection, _SITE, [cause.site])
    zone = site["time_zone"]
    day = local(cause.at, zone).date()
    first, last = window(day, figures().trace_months)
    register = [Attended(**row) for row in rows(connection, _REGISTER, [cause.site, first, day])]
    span = [_midnight(first, zone), _midnight(day, zone)]
    alarms = [
        AlarmThen(id=str(row["id"]), day=local(row["raised_at"], zone).date(), level=row["level"])
        for row in rows(connection, _ALARMS, [cause.site, *span])
    ]
    systems = rows(
        connection,
        "SELECT DISTINCT system FROM attendance WHERE site = %s AND day BETWEEN %s AND %s ORDER BY system",
        [cause.site, first, day],
    )
    return Trace(
        site=cause.site,
        site_name=site["name"],
        time_zone=zone,
        day=day,
        at=rfc3339(cause.at),
        first=first,
        last=last,
        systems=[row["system"] for row in systems],
        posts=trace(day, figures().trace_months, register, alarms, figures().key_posts),
    )


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    at_noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
    return local(at_noon, zone).replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0)


_COLUMNS = (
    Column("岗位 post", 28),
    Column("姓名 name", 14),
    Column("到岗天数 present days", 14),
    Column("缺勤天数 absent days", 14),
    Column("无数据天数 days without data", 16),
    Column("最长连续缺勤（天） longest absence", 18),
    Column("起 from", 12),
    Column("止 to", 12),
    Column("缺勤期间报警 alarms while absent", 18),
    Column("当日 on the day", 16),
)


def workbook(content: bytes, mark: Mark) -> bytes:
    """A trace as it was kept, as a workbook."""
    said = msgspec.json.decode(content, type=Trace)
    name = said.site_name["zh"]
    book = Workbook(mark, title=f"{name} 关键岗位考勤倒查 {said.first} – {said.last}")
    book.table("考勤倒查", _COLUMNS, [_line(post) for post in said.posts])
    notes: list[list[Any]] = [
        ["工地 site", said.site_name],
        ["倒查区间 window", f"{said.first} – {said.last}"],
        ["触发日 day", said.day],
        ["数据来源 systems", "、".join(said.systems) or "无考勤数据来源 no source of attendance"],
        ["说明 note", "没有考勤记录的日期计为“无数据”，不计为缺勤。A day without a record is no absence."],
    ]
    book.table("说明", [Column("项 item", 20), Column("内容 what", 80)], notes)
    return book.content()


def _line(post: PostTrace) -> list[Any]:
    role, absence = roles().roles.get(post.post), post.longest_absence
    return [
        post.post if role is None else {"zh": role.name.zh, "en": role.name.en},
        post.name or "—",
        post.present,
        post.absent,
        post.no_data,
        None if absence is None else absence.days,
        None if absence is None else absence.first,
        None if absence is None else absence.last,
        post.alarms_while_absent,
        _STATES[post.on_the_day],
    ]
