"""Which columns the ledgers have, and how a row of the database becomes one of them. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from cloud.database import Row
from cloud.enforcement.kinds import kinds
from cloud.exports.cells import Column, Table, Value, written_instant
from cloud.exports.masks import HIDDEN

_LEVELS = {"general": "一般 general", "major_proposed": "疑似重大 suspected major", "major": "重大 major"}
_SOURCES = {
    "self": "企业自查 self-check",
    "inspection": "部门检查 inspection",
    "public_report": "举报 public report",
}
_SUPERVISION = {
    "none": "",
    "proposed": "拟挂牌 proposed",
    "listed": "已挂牌 listed",
    "delisted": "已摘牌 delisted",
}
_KINDS = {"near_miss": "险情 near miss", "non_fatal": "非亡人事故 non-fatal", "fatal": "亡人事故 fatal"}
_STATES = {"open": "未结案 open", "closed": "已结案 closed"}
_ACTING = {"province": "省 province", "prefecture": "市（州） prefecture", "county": "县 county"}


def _columns(*titles: str) -> Sequence[Column]:
    return tuple(map(Column, titles))


def _hazard(row: Row) -> list[Value]:
    plan = (row["record"] or {}).get("plan") or {}
    return [
        row["number"],
        row["site"],
        row["site_name"],
        row["device"],
        row["category"],
        row["content"],
        _LEVELS[row["level"]],
        row["status"],
        _SOURCES[row["source"]],
        _SUPERVISION[row["supervision"]],
        row["clause"],
        _at(row, "detected_at"),
        _at(row, "opened_at"),
        _at(row, "due_at"),
        row["overdue"],
        _at(row, "closed_at"),
        row["repeat_no"],
        _shown(plan.get("person"), may_see=row["sees_persons"]),
        plan.get("measures"),
        _shown(plan.get("funds_wan"), may_see=row["sees_funds"]),
    ]


HAZARDS = Table(
    "hazards",
    _columns(
        "隐患编号 number",
        "工地编号 site",
        "工地 site name",
        "设备 device",
        "类别 category",
        "内容 content",
        "等级 level",
        "状态 status",
        "来源 source",
        "挂牌 supervision",
        "判定依据 clause",
        "发现时间 detected at",
        "开立时间 opened at",
        "整改期限 due at",
        "逾期 overdue",
        "关闭时间 closed at",
        "反复次数 repeats",
        "整改责任人 responsible",
        "整改措施 measures",
        "资金（万元） funds 10k yuan",
    ),
    _hazard,
)


def _incident(row: Row) -> list[Value]:
    record = row["record"]
    details = record.get("details") or {}
    first = min((one["at"] for one in record.get("reports", [])), default=None)
    return [
        row["number"],
        _KINDS[row["kind"]],
        row["site"],
        row["site_name"],
        row["mode"],
        record["what"],
        record["place"],
        record["device"],
        _at(row, "occurred_at"),
        record["killed"],
        record["injured"],
        record["missing"],
        first,
        details.get("at"),
        details.get("receipt"),
        details.get("loss_wan"),
        _STATES[row["status"]],
        row["overdue"],
        len(record.get("learnt", {})),
        row["hazard_number"],
        _shown(record["filed_by"], may_see=row["sees_persons"]),
    ]


INCIDENTS = _columns(
    "编号 number",
    "台账 ledger",
    "工地编号 site",
    "工地 site name",
    "模式 mode",
    "情况 what",
    "部位 place",
    "设备 device",
    "发生时间 occurred at",
    "死亡 killed",
    "受伤 injured",
    "失联 missing",
    "首报时间 first report at",
    "详细信息报送时间 details at",
    "回执 receipt",
    "直接经济损失（万元） loss 10k yuan",
    "状态 status",
    "逾期 late",
    "四不放过完成数 lessons done",
    "关联隐患 hazard",
    "上报人 filed by",
)


def incidents(kind: str | None) -> Table:
    """One of the three ledgers, or all of them."""
    return Table(f"incidents-{kind}" if kind else "incidents", INCIDENTS, _incident)


def _enforcement(row: Row) -> list[Value]:
    kind = kinds().kinds.get(row["kind"])
    amount: Decimal | None = row["amount"]
    return [
        row["decided_on"],
        row["kind"] if kind is None else {"zh": kind.label.zh, "en": kind.label.en},
        _ACTING[row["acting_level"]],
        row["territory_name"],
        row["enterprise_name"],
        row["site_name"],
        row["hazard_number"],
        _shown(amount, may_see=row["sees_funds"]),
        row["both_punished"],
        row["persons"],
        row["crime"],
        row["case_no"],
        row["document_no"],
        row["note"],
        row["withdrawn"],
        row["reason"],
    ]


ENFORCEMENT = Table(
    "enforcement",
    _columns(
        "决定日期 decided on",
        "措施 measure",
        "层级 level",
        "机关 authority",
        "企业 enterprise",
        "工地 site name",
        "关联隐患 hazard",
        "金额（元） yuan",
        "一案双罚 both punished",
        "人数 persons",
        "危险作业罪 crime",
        "案号 case no.",
        "文号 document no.",
        "备注 note",
        "已撤销 withdrawn",
        "更正理由 reason",
    ),
    _enforcement,
)


def _notice(row: Row) -> list[Value]:
    return [
        row["created_at"],
        row["channel_name"],
        row["kind"],
        row["level"],
        row["title"],
        row["body"],
        row["state"],
        row["code"],
        row["answer"],
        row["tries"],
        row["tried_at"],
    ]


NOTICES = Table(
    "notices",
    _columns(
        "时间 at",
        "渠道 channel",
        "类型 kind",
        "级别 level",
        "标题 title",
        "内容 text",
        "结果 state",
        "代码 code",
        "对方回答 answer",
        "次数 tries",
        "最近一次 tried at",
    ),
    _notice,
)


def _at(row: Row, name: str) -> str | None:
    """By the clocks of the row's own site, for several may be in one table."""
    return None if row[name] is None else written_instant(row[name], row["time_zone"])


def _shown(value: Any, *, may_see: bool) -> Any:
    return value if may_see or value is None else HIDDEN
