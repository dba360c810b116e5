"""The monthly report (月报): nine sections, as `monthly.yaml` has them, with the records behind numbers."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from cloud.database import Connection, Row, milliseconds
from cloud.duties.kinds import kinds
from cloud.duties.performing import Duty, coverage, performance
from cloud.duties.rounds import Share
from cloud.exports import NO_SOURCE, Column, Mark, Workbook
from cloud.hazards.described import STATUS_WORDS
from cloud.reports.campaigns import begin_of
from cloud.reports.model import Computed, Definition, Number, Scope, Sheet, register
from cloud.reports.place import Place, place_of
from cloud.reports.placing import PLACES
from cloud.reports.population import Major, lives, majors
from cloud.reports.sources import has_source
from cloud.returns.attendance import window
from cloud.returns.store import rows
from sitewarden import documents
from sitewarden.text import Text

KIND = "monthly"
_BEGAN = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
# Every record as it was before the cut-off: nothing that happened later is in it.
_HAZARDS: LiteralString = f"""
    WITH place AS MATERIALIZED ({PLACES}),
    its AS (SELECT id, category, source FROM hazard JOIN place USING (site)
             WHERE mode = 'live' AND opened_at >= %(since)s AND opened_at < %(cut_off)s),
    lived AS (
        SELECT hazard_id, max(seq) AS seq, min(at) FILTER (WHERE status <> 'candidate') AS judged_at,
               coalesce(max(seq) FILTER (WHERE verified IS NOT TRUE), 0) AS seq_unverified
          FROM hazard_event WHERE at < %(cut_off)s AND hazard_id IN (SELECT id FROM its) GROUP BY hazard_id)
    SELECT its.id::text AS id, its.category ->> 'zh' AS category, its.source, lived.judged_at,
           (SELECT min(at) FROM hazard_event AS passed
             WHERE passed.hazard_id = its.id AND passed.seq > lived.seq_unverified
               AND passed.at < %(cut_off)s) AS verified_at,
           was.status, was.level, was.overdue, was.verified, was.escalation_step
      FROM lived JOIN its ON its.id = lived.hazard_id
           JOIN hazard_event AS was ON was.hazard_id = lived.hazard_id AND was.seq = lived.seq
     ORDER BY its.id
"""  # noqa: S608  of our own texts
_INCIDENTS: LiteralString = f"""
    WITH place AS MATERIALIZED ({PLACES})
    SELECT its.id::text AS id, its.kind, its.record -> 'details' ->> 'at' AS details_at, timer.due_at
      FROM incident AS its JOIN place USING (site)
           LEFT JOIN incident_timer AS timer ON timer.incident_id = its.id AND timer.kind = 'details'
     WHERE its.mode = 'live' AND its.occurred_at >= %(from)s AND its.occurred_at < %(cut_off)s
     ORDER BY its.occurred_at, its.id
"""  # noqa: S608  of our own texts
_ALARMS: LiteralString = f"""
    WITH place AS MATERIALIZED ({PLACES})
    SELECT level, count(*) AS n, array_agg(id::text ORDER BY raised_at, id) AS ids,
           array_agg(id::text ORDER BY raised_at, id) FILTER (WHERE acknowledged_at < %(cut_off)s) AS known,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - raised_at) / 60)
               FILTER (WHERE acknowledged_at < %(cut_off)s) AS minutes
      FROM episode JOIN place USING (site)
     WHERE mode = 'live' AND NOT test AND raised_at >= %(from)s AND raised_at < %(cut_off)s
     GROUP BY GROUPING SETS ((level), ())
"""  # noqa: S608  of our own texts
SOURCES = frozenset({"inspections", "enterprise_checks", "incidents", "duties"})
"""Those that somebody declares; what else a number may lack is no source."""
_OUT = frozenset({"candidate", "rejected", "merged"})


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of it."""

    name: Text
    cells: dict[str, Text]


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `monthly.yaml` says."""

    title: str
    sections: list[Section]
    duties: list[str]
    frequent: int
    missing: dict[str, Text]
    """What a number that is unknown lacks."""


@cache
def layout() -> Layout:
    """Its sections, with those of the duties that it names."""
    with resources.as_file(resources.files("cloud.returns") / "monthly.yaml") as file:
        read = documents.load(file, Layout)
    known = kinds().duties
    owed = {f"duty.{kind}": known[kind].label for kind in read.duties if kind in known}
    filled = [
        section if section.cells else msgspec.structs.replace(section, cells=owed)
        for section in read.sections
    ]
    return msgspec.structs.replace(read, sections=filled)


class _Month(msgspec.Struct, frozen=True, kw_only=True):
    """Of what, and of which days."""

    scope: Scope
    place: Place
    begin: dt.datetime
    """Of the month that ends with the cut-off."""

    @property
    def asked(self) -> dict[str, Any]:
        """Parameters of the questions."""
        return {
            "node": self.scope.node,
            "site": self.scope.site,
            "since": self.place.since or _BEGAN,
            "from": self.begin,
            "cut_off": self.scope.cut_off,
        }

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """Its first day, and the last one that is counted."""
        return self.place.day(self.begin), self.place.day(self.scope.cut_off - dt.timedelta(milliseconds=1))


def compute(connection: Connection, scope: Scope) -> Computed:
    """Count every cell."""
    place = place_of(connection, scope)
    first, _ = window(place.day(scope.cut_off), 1)
    month = _Month(scope=scope, place=place, begin=begin_of(first, place.time_zone))
    found = majors(connection, scope)
    hazards = rows(connection, _HAZARDS, month.asked)
    numbers = {
        **_covered(connection, month),
        **_of_hazards(hazards, month),
        "due_next": _due_next(connection, hazards, month),
        **_of_majors(found, place.rectified_means),
        **_of_incidents(connection, month),
        **_of_duties(connection, month),
        **_of_alarms(connection, month),
    }
    return Computed(
        title=layout().title.format(place=place.name.zh),
        head={**place.head(scope), "month_from": month.days[0].isoformat()},
        values=msgspec.to_builtins(numbers),
        rows=[_line(one) for one in found],
        footer=_footer(month, numbers),
    )


def _ids(of: Iterable[Row]) -> Number:
    found = [row["id"] for row in of]
    return Number(value=len(found), records=found)


def _of_hazards(hazards: list[Row], month: _Month) -> dict[str, Number]:
    """Those that somebody judged to be some; what is still a candidate, or was none, is in no number."""
    begin = month.begin
    counted = [row for row in hazards if row["status"] not in _OUT]
    found = [row for row in counted if row["judged_at"] is not None and row["judged_at"] >= begin]
    rejected = [row for row in hazards if row["status"] == "rejected"]
    judged = len(counted) + len(rejected)
    rectified = [row for row in counted if row["verified"]]
    categories = Counter(row["category"] for row in found).most_common(layout().frequent)
    named = [name for name, _ in categories]
    of_first = [row["id"] for row in found if row["category"] in named[:1]]
    return {
        "found": _ids(found),
        "found_general": _ids(row for row in found if row["level"] == "general"),
        "found_major": _ids(row for row in found if row["level"] == "major"),
        "found_self": _ids(row for row in found if row["source"] == "self"),
        "rectified": _ids(row for row in rectified if row["verified_at"] >= begin),
        "all": _ids(counted),
        "all_rectified": _ids(rectified),
        "overdue": _ids(row for row in counted if row["overdue"]),
        "false_share": _number_of(
            f"{100 * len(rejected) / judged:.1f}" if judged else None, [row["id"] for row in rejected]
        ),
        "frequent": Number(
            value="；".join(f"{name} {n}" for name, n in categories) or "无",
            records=[row["id"] for row in found if row["category"] in named],
        ),
        "theme": _number_of(named[0] if named else None, of_first),
    }


def _due_next(connection: Connection, hazards: list[Row], month: _Month) -> Number:
    """What is to be rectified in the month after, by the dates that held at the cut-off."""
    cut_off = month.scope.cut_off
    running = [row for row in hazards if row["status"] not in {*_OUT, "closed"} and not row["verified"]]
    then = lives(connection, [UUID(row["id"]) for row in running], cut_off)
    due = {str(hazard): life.record.due_at for hazard, life in then.items()}
    following = begin_of(_month_after(month.place.day(cut_off)), month.place.time_zone)
    return _ids(row for row in running if (at := due[row["id"]]) is not None and cut_off <= at < following)


def _month_after(day: dt.date) -> dt.date:
    year, month = divmod(day.year * 12 + day.month, 12)
    return dt.date(year, month + 1, min(day.day, 28))


def _of_majors(found: list[Major], rectified_means: str) -> dict[str, Number]:
    def those(is_so: Callable[[Major], bool]) -> Number:
        ids = [str(one.id) for one in found if is_so(one)]
        return Number(value=len(ids), records=ids)

    return {
        "majors": those(lambda _: True),
        "majors_rectified": those(lambda one: one.fixed(rectified_means)),
        "majors_overdue": those(lambda one: one.overdue),
        "listed": those(lambda one: one.listed),
        "listed_rectified": those(lambda one: one.listed and one.fixed(rectified_means)),
        "escalated": those(lambda one: one.escalation_step > 0),
    }


def _of_incidents(connection: Connection, month: _Month) -> dict[str, Number]:
    names = ("near_miss", "non_fatal", "fatal")
    if not _kept(connection, "incidents", month):
        return {name: Number(value=None, missing="incidents") for name in (*names, "details_late")}
    found = rows(connection, _INCIDENTS, month.asked)
    late = [row for row in found if _is_late(row, month.scope.cut_off)]
    by_kind = {name: _ids(row for row in found if row["kind"] == name) for name in names}
    return {**by_kind, "details_late": _ids(late)}


def _is_late(row: Row, cut_off: dt.datetime) -> bool:
    if row["due_at"] is None or row["due_at"] >= cut_off:
        return False
    told = row["details_at"]
    return told is None or dt.datetime.fromisoformat(told) > row["due_at"]


def _kept(connection: Connection, source: str, month: _Month) -> bool:
    """Whether it is kept here; of one site the territory that it lies in answers."""
    node = month.scope.node
    if node is None:
        found = connection.execute(
            "SELECT territory FROM site WHERE site = %s", [month.scope.site]
        ).fetchone()
        node = None if found is None else found[0]
    first, last = month.days
    return has_source(connection, source, node, first, last + dt.timedelta(days=1))


def _covered(connection: Connection, month: _Month) -> dict[str, Number]:
    now_ms, of = milliseconds(month.scope.cut_off), month.scope.site or month.scope.node or ""
    found = coverage(connection, of, None, now_ms=now_ms, day=month.days[1])
    names = ("projects", "projects_looked_at", "enterprises_looked_at", "devices_looked_at", "days_left")
    if found is None:
        return {name: Number(value=None, missing="rounds") for name in names}
    projects = found.projects
    sites = sorted({*projects.seen, *(one.id for one in projects.missing)})
    return {
        "projects": Number(value=projects.all, records=[f"site:{site}" for site in sites]),
        "projects_looked_at": _looked_at(projects, "inspections", "site"),
        "enterprises_looked_at": _looked_at(found.enterprises, "enterprise_checks", "node"),
        "devices_looked_at": _looked_at(found.devices, "inspections", "device"),
        "days_left": Number(value=found.days_left),
    }


def _looked_at(share: Share, source: str, what: str) -> Number:
    if not share.source_declared:
        return Number(value=None, missing=source)
    return Number(value=share.looked_at, records=[f"{what}:{one}" for one in share.seen])


def _of_duties(connection: Connection, month: _Month) -> dict[str, Number]:
    """Periods done of those owed, over all who owe it; unknown where nobody keeps what shows it."""
    of, (first, last) = month.scope.site or month.scope.node or "", month.days
    found = performance(connection, of, first, last, now_ms=milliseconds(month.scope.cut_off))
    return {
        f"duty.{kind}": _performed([duty for duty in found if duty.kind == kind], kinds().duties[kind].source)
        for kind in layout().duties
    }


def _performed(duties: list[Duty], source: str) -> Number:
    if not duties:
        return Number(value=None, missing="owed")
    if not all(duty.source_declared for duty in duties):
        return Number(value=None, missing=source)
    done, required = sum(duty.done for duty in duties), sum(duty.required for duty in duties)
    records = list(dict.fromkeys(record for duty in duties for record in duty.records))
    return Number(value=f"{done}／{required}", records=records)


def _of_alarms(connection: Connection, month: _Month) -> dict[str, Number]:
    found = {row["level"]: row for row in rows(connection, _ALARMS, month.asked)}
    total = found[None]
    by_level = {
        f"alarms_{n}": Number(value=found[n]["n"], records=found[n]["ids"]) if n in found else Number(value=0)
        for n in (2, 3, 4)
    }
    return {
        **by_level,
        "alarms": Number(value=total["n"], records=total["ids"] or []),
        "reaction": _number_of(
            None if total["minutes"] is None else f"{total['minutes']:.1f}", total["known"] or []
        ),
    }


def _number_of(value: str | None, records: list[str]) -> Number:
    """Of what cannot be counted where there is nothing to count from."""
    return Number(value=value, records=records, missing="nothing" if value is None else "")


def _line(one: Major) -> dict[str, Any]:
    return {
        "hazard": str(one.id),
        "number": one.number,
        "site": one.site,
        "category": one.category,
        "status": one.status,
        "overdue": one.overdue,
        "listed": one.listed,
    }


def _footer(month: _Month, numbers: dict[str, Number]) -> list[Text]:
    first, last = month.days
    lines = [
        Text(f"统计区间：{first} 至 {last}，截止 {last} 24:00。", f"Of {first} to {last}, both included."),
        Text(
            "项目、轮次以生成报表时的台账为准；演练、回放、试运行不计入。",
            "Projects and rounds are as the registry had them at its making; drills do not count.",
        ),
    ]
    return lines + [_unknown(lack, numbers) for lack in layout().missing if _lacking(lack, numbers)]


def _lacking(lack: str, numbers: dict[str, Number]) -> list[str]:
    """The cells that are unknown for want of it, in the order of the report."""
    cells = [cell for section in layout().sections for cell in section.cells]
    return [cell for cell in cells if numbers[cell].missing == lack]


def _unknown(lack: str, numbers: dict[str, Number]) -> Text:
    """Which numbers are unknown, and what it is that nobody keeps: it is not 0."""
    words = {cell: text for section in layout().sections for cell, text in section.cells.items()}
    why, cells = layout().missing[lack], _lacking(lack, numbers)
    zh = "、".join(words[cell].zh for cell in cells)
    en = ", ".join(words[cell].en for cell in cells)
    if lack in SOURCES:
        return Text(
            f"“{NO_SOURCE}”：{zh}——{why.zh}未接入本平台，不等于 0。",
            f"“{NO_SOURCE}”: {en} – {why.en} are not kept here; it is not 0.",
        )
    return Text(f"“{NO_SOURCE}”：{zh}——{why.zh}。", f"“{NO_SOURCE}”: {en} – {why.en}.")


def written(computed: Computed, cell: str) -> int | str:
    """What stands in a cell."""
    value = (computed.values.get(cell) or {}).get("value")
    return NO_SOURCE if value is None else value


def numbers_sheet(computed: Computed) -> Sheet:
    """Every number under the head of its section."""
    lines: list[list[Any]] = []
    for section in layout().sections:
        lines.append([_both(section.name), None, None])
        for cell, words in section.cells.items():
            records = (computed.values.get(cell) or {}).get("records", [])
            lines.append([_both(words), written(computed, cell), len(records) or None])
    columns = [Column("项目 item", 60), Column("数值 value", 24), Column("记录数 records", 12)]
    return Sheet(columns, lines)


def render(computed: Computed, mark: Mark) -> bytes:
    """Its sections on one sheet, each major hazard in a line of another."""
    book = Workbook(mark, title=computed.title)
    sheet = numbers_sheet(computed)
    book.table("月报", sheet.columns, sheet.rows)
    columns = [
        Column(title, 20) for title in ("隐患编号 number", "工地 site", "类别 category", "状态 status")
    ]
    marks = [Column("逾期 overdue", 10), Column("曾挂牌 listed", 10)]
    book.table("重大隐患", [*columns, *marks], [_major_shown(row) for row in computed.rows])
    notes = [[f"{line.zh} {line.en}"] for line in computed.footer]
    book.table("说明", [Column("说明 notes", 100)], notes)
    return book.content()


def _major_shown(row: dict[str, Any]) -> list[Any]:
    known = STATUS_WORDS.get(row["status"])
    status = row["status"] if known is None else _both(known)
    return [row["number"], row["site"], row["category"], status, *(_YES_NO[row[key]] for key in _MARKS)]


_MARKS = ("overdue", "listed")
_YES_NO = {True: "是 yes", False: "否 no"}


def _both(words: Text) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


register(
    Definition(
        kind=KIND,
        label=Text("月报", "Monthly report"),
        compute=compute,
        render=render,
        table=numbers_sheet,
        monthly=True,
    )
)
