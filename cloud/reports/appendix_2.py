"""The statistics table (附件2 统计表) and the ledger behind it (台账): one row for each major hazard."""

import datetime as dt
import re
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from cloud.database import Connection
from cloud.hazards.described import STATUS_WORDS
from cloud.hazards.filing_words import filing_words
from cloud.hazards.record import ClauseNamed, Record
from cloud.instants import local
from cloud.reports.appendix_1 import footer, title_of
from cloud.reports.layout import ledger, statistics
from cloud.reports.model import Check, Computed, Definition, Scope, register
from cloud.reports.place import place_of
from cloud.reports.placing import NODES_THEN, SITES_THEN
from cloud.reports.population import Life, Major, lives, majors, proposed
from cloud.reports.printing import ledger_sheet, print_ledger, print_statistics, statistics_sheet
from sitewarden.rules.clauses import editions
from sitewarden.text import Text

SECTOR = "房屋市政工程施工"
_DIGITS = "零一二三四五六七八九"
_TEN = 10

_SITES: LiteralString = f"""
    WITH node AS MATERIALIZED ({NODES_THEN})
    SELECT site.site, site.name->>'zh', site.time_zone, firm.name->>'zh',
           (SELECT jsonb_object_agg(above.kind, jsonb_build_array(above.name->>'zh', above.code))
              FROM node AS its JOIN node AS above ON starts_with(its.path, above.path)
             WHERE its.node = site.territory)
      FROM ({SITES_THEN}) AS site LEFT JOIN node AS firm ON firm.node = site.enterprise
     WHERE site.site = ANY (%(sites)s)
"""  # noqa: S608  of our own texts
_REPORTED: LiteralString = """
    SELECT hazard_id, min(sent_at), bool_or(NOT late) FROM hazard_report
     WHERE hazard_id = ANY (%s) AND sent_at < %s AND kind <> 'withdrawal' GROUP BY hazard_id
"""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The site of a hazard."""

    name: str
    time_zone: str
    enterprise: str | None
    prefecture: str
    county: str
    county_code: str


def compute(connection: Connection, scope: Scope) -> Computed:
    """The statistics table."""
    return _table(connection, scope, "appendix_2", statistics().title)


def compute_ledger(connection: Connection, scope: Scope) -> Computed:
    """The ledger."""
    return _table(connection, scope, "ledger", ledger().title)


def _table(connection: Connection, scope: Scope, kind: str, title: str) -> Computed:
    place = place_of(connection, scope)
    found = majors(connection, scope)
    ids = [one.id for one in found]
    wheres = _wheres(connection, sorted({one.site for one in found}), scope)
    told = lives(connection, ids, scope.cut_off)
    reported = _reported(connection, ids, scope) if kind == "ledger" else {}
    found.sort(key=lambda one: (wheres[one.site].county_code, one.detected_at, one.number))
    rows = []
    for no, one in enumerate(found, 1):
        where, life = wheres[one.site], told[one.id]
        row = {"no": no, "hazard": str(one.id), **_official(one, life, where)}
        if kind == "ledger":
            row |= _more(one, life, where, reported.get(one.id), scope.cut_off)
        rows.append(row)
    waiting = proposed(connection, scope)
    fixed = [str(one.id) for one in found if one.fixed(place.rectified_means)]
    count = {"value": len(found), "records": [row["hazard"] for row in rows]}
    return Computed(
        title=title_of(place, kind, title),
        head=place.head(scope),
        values={"rows": count, "fixed": {"value": len(fixed), "records": fixed}},
        rows=rows,
        footer=footer(place, scope, len(waiting), {}),
        checks=[_complete(rows)],
    )


def _complete(rows: list[dict[str, Any]]) -> Check:
    """That every row names by what it was judged; who has no plan yet has no date, which is no mistake."""
    lacking = [str(row["no"]) for row in rows if not row["basis"] or not row["content"]]
    said = "、".join(lacking)
    return Check(
        code="rows-complete",
        ok=not lacking,
        words=Text(
            f"缺少内容或判定依据的序号：{said}" if lacking else "每行都有内容和判定依据",
            f"Without content or basis: {said}" if lacking else "Every row has its content and its basis",
        ),
    )


def _wheres(connection: Connection, sites: list[str], scope: Scope) -> dict[str, Where]:
    found = {}
    asked = {"sites": sites, "cut_off": scope.cut_off}
    for site, name, zone, enterprise, nodes in connection.execute(_SITES, asked):
        above = nodes or {}
        county = above.get("county") or above.get("park") or ["", ""]
        prefecture = above.get("prefecture") or above.get("city") or ["", ""]
        found[site] = Where(
            name=name,
            time_zone=zone,
            enterprise=enterprise,
            prefecture=prefecture[0],
            county=county[0],
            county_code=county[1],
        )
    return found


def _reported(connection: Connection, ids: list[UUID], scope: Scope) -> dict[UUID, tuple[dt.datetime, bool]]:
    rows = connection.execute(_REPORTED, [ids, scope.cut_off]).fetchall()
    return {hazard: (at, in_time) for hazard, at, in_time in rows}


def _official(one: Major, life: Life, where: Where) -> dict[str, Any]:
    """The ten columns."""
    record, plan = life.record, life.record.plan
    unit = f"{where.enterprise}（{where.name}）" if where.enterprise else where.name
    return {
        "prefecture": where.prefecture,
        "county": where.county,
        "sector": SECTOR,
        "unit": unit,
        "content": _content(life.about),
        "basis": _basis(record),
        "due": _due(record, where.time_zone),
        "source": "企业自查" if one.source == "self" else "抽查检查",
        "measures": "" if plan is None else plan.measures,
    }


def _content(about: dict[str, Any]) -> str:
    """As it was found; with the place where the words do not name a device."""
    said = about.get("content", "")
    text = str(said.get("zh", "")) if isinstance(said, dict) else str(said)
    location = str(about.get("location", ""))
    return f"{location}：{text}" if location and location not in text else text


def _basis(record: Record) -> str:
    judged = [judgement.clause for judgement in record.judgements if judgement.clause is not None]
    return basis_of(judged[-1]) if judged else ""


def basis_of(clause: ClauseNamed) -> str:
    """Such as `《…判定标准（2022版）》第八条（四）`."""
    edition = editions().get(clause.edition)
    title = clause.edition if edition is None else edition.title
    if not re.search(r"（\d{4}版）", title):
        title = f"{title}（{clause.edition}版）"
    article, _, item = clause.id.partition("-")
    return f"《{title}》第{_chinese(article)}条" + (f"（{_chinese(item)}）" if item else "")


def _chinese(number: str) -> str:
    """Up to 99; what is no number stays as it is."""
    if not number.isdigit() or not 0 < int(number) < _TEN * _TEN:
        return number
    tens, ones = divmod(int(number), _TEN)
    head = "" if tens == 0 else ("十" if tens == 1 else f"{_DIGITS[tens]}十")
    return head + (_DIGITS[ones] if ones else "")


def _due(record: Record, zone: str) -> str:
    if record.plan is None:
        return ""
    day = local(record.due_at or record.plan.due, zone).date().isoformat()
    return f"立即整改 {day}" if record.plan.type == "immediate" else day


def _more(
    one: Major, life: Life, where: Where, reported: tuple[dt.datetime, bool] | None, cut_off: dt.datetime
) -> dict[str, Any]:
    """What the official table has no column for."""
    record, zone = life.record, where.time_zone

    def at(instant: dt.datetime | None) -> str:
        return "" if instant is None else local(instant, zone).strftime("%Y-%m-%d %H:%M")

    plan, listing = record.plan, record.listings[-1] if record.listings else None
    judged = [judgement for judgement in record.judgements if judgement.level == "major"]
    passed = [review for review in record.reviews if review.is_passed] if record.verified_at else []
    closing = record.closings[-1] if record.closings and record.status == "closed" else None
    return {
        "number": one.number,
        "project": where.name,
        "device": one.device or "",
        "category": one.category,
        "detected": at(one.detected_at),
        "source_detail": _detail(one.source_detail),
        "level": "重大",
        "judged_by": judged[-1].by.name if judged else "",
        "judged_at": at(judged[-1].at) if judged else "",
        "reported_at": at(reported[0]) if reported else "",
        "same_day": ("是" if reported[1] else "否") if reported else "",
        "type": "" if plan is None else ("立即整改" if plan.type == "immediate" else "限期整改"),
        "person": "" if plan is None else plan.person,
        "funds": None if plan is None else plan.funds_wan,
        "emergency_plan": "" if plan is None else plan.emergency_plan,
        "due_original": "" if record.due_original is None else at(record.due_original)[:10],
        "extensions": sum(extension.outcome == "granted" for extension in record.extensions),
        "listed_level": "" if listing is None else _RANKS[listing.authority_level],
        "listed_document": "" if listing is None else listing.document,
        "listed_at": "" if listing is None else at(listing.at),
        "status": STATUS_WORDS[record.status].zh,
        "rectified_at": at(_rectified_at(record)),
        "reviewed_by": "、".join(dict.fromkeys(review.by.name for review in passed)),
        "reviewed_at": at(record.verified_at),
        "closed_by": "" if closing is None else closing.by.name,
        "closed_at": "" if closing is None else at(closing.at),
        "closed_document": "" if closing is None else closing.document,
        "overdue_days": _overdue_days(record, cut_off),
        "repeats": record.repeat_no,
        "told": "；".join(f"{who.by.name} {at(who.at)}" for who in record.acknowledged),
        "escalation": "；".join(f"第{step.step}级 {step.document}" for step in record.steps),
    }


_RECTIFIED = frozenset({"rectified", "reviewed", "closed"})
"""What was sent back or reopened is not rectified, whatever was handed in before."""


def _rectified_at(record: Record) -> dt.datetime | None:
    handed_in = record.submissions if record.status in _RECTIFIED else []
    return handed_in[-1].rectified_at if handed_in else None


_RANKS = {"county": "县级", "city": "市（州）级", "province": "省级", "officer": "县级"}


def _detail(code: str) -> str:
    known = filing_words().details.get(code)
    return known.label.zh if known is not None else {"monitoring": "在线监测（IoT）"}.get(code, code)


def _overdue_days(record: Record, cut_off: dt.datetime) -> int:
    """Days after its date until it passed review, or until the cut-off."""
    if record.due_at is None:
        return 0
    return max(0, ((record.verified_at or cut_off) - record.due_at).days)


register(
    Definition(
        kind="appendix_2",
        label=Text("统计表（附件2）", "Statistics table (appendix 2)"),
        compute=compute,
        render=print_statistics,
        table=statistics_sheet,
        monthly=True,
    )
)
register(
    Definition(
        kind="ledger",
        label=Text("重大事故隐患台账", "Ledger of major hazards"),
        compute=compute_ledger,
        render=print_ledger,
        table=ledger_sheet,
    )
)
