"""Which columns each table has, and how a row of the database becomes one of them. Pure."""

from collections.abc import Mapping
from typing import Any

from cloud.database import Row
from cloud.exports.cells import Column, both
from cloud.home.model import MachineFacts
from cloud.readings.service import number_of
from sitewarden.points import vocabulary
from sitewarden.quality import Quality

READINGS = tuple(
    map(
        Column,
        (
            "设备 device",
            "设备名称 device name",
            "测点 point",
            "测点名称 point name",
            "数值 value",
            "单位 unit",
            "质量 quality",
            "数据时间 measured at",
            "最近有效值 last good value",
            "最近有效时间 last good at",
            "限值 limits",
        ),
    )
)
ALARMS = tuple(
    map(
        Column,
        (
            "级别 level",
            "设备 device",
            "测点 point",
            "报警内容 alarm",
            "报警时数值 value at raise",
            "最不利值 peak",
            "限值 limit",
            "单位 unit",
            "报警时间 raised at",
            "解除时间 cleared at",
            "确认时间 acknowledged at",
            "确认人 acknowledged by",
            "补传 late",
            "试运行 on trial",
            "规则 rule",
            "规则版本 rule version",
            "依据 basis",
            "隐患编号 hazard no.",
        ),
    )
)
HAZARDS = tuple(
    map(
        Column,
        (
            "隐患编号 number",
            "设备 device",
            "类别 category",
            "内容 content",
            "等级 level",
            "状态 status",
            "信号 signal",
            "可能导致的事故 potential accident",
            "判定依据 clause",
            "最高报警级别 worst alarm level",
            "报警次数 alarms",
            "开立时间 opened at",
            "发现时间 detected at",
            "最近一次报警 latest alarm",
            "关闭时间 closed at",
        ),
    )
)
DEVICES = tuple(
    map(
        Column,
        (
            "设备 device",
            "名称 name",
            "类型 kind",
            "型号描述 profile",
            "网关 gateway",
            "测点数 points",
            "最近有效数据 last good data",
            "制造单位 maker",
            "型号 model",
            "出厂编号 serial no.",
            "产权备案编号 property no.",
            "使用登记编号 registration no.",
            "环节 step of life",
            "在用 in use",
            "已过期 expired",
            "最近到期 next expiry",
            "司机 operators",
        ),
    )
)

Cells = tuple[Any, ...]


def reading(row: Row) -> Cells:
    """A point with its newest reading."""
    kind, number = vocabulary().get(row["kind"]), number_of(row["resolution"])
    quality = "" if row["quality"] is None else Quality(row["quality"]).word
    plain = {"zh": kind.zh, "en": kind.en} if kind else {"zh": row["kind"], "en": row["kind"]}
    return (
        row["device"],
        both(row["device_label"]),
        row["name"],
        both(row["label"] or plain),
        number(row["value"]),
        kind.unit if kind and kind.unit != "1" else "",
        quality,
        row["at"],
        number(row["good_value"]),
        row["good_at"],
        "; ".join(_limit(limit) for limit in row["limits"]),
    )


def alarm(row: Row) -> Cells:
    """An alarm from its raise to its clear."""
    return (
        row["level"],
        row["device"],
        row["point"],
        both(row["label"]),
        row["value"],
        row["peak"],
        row["limit"],
        row["unit"],
        row["raised_at"],
        row["cleared_at"],
        row["acknowledged_at"],
        row["acknowledged_by"],
        row["late"],
        row["test"],
        row["rule"],
        row["rule_version"],
        row["clause"],
        row["hazard"],
    )


def hazard(row: Row) -> Cells:
    """A hazard record."""
    return (
        row["number"],
        row["device"],
        both(row["category"]),
        both(row["content"]),
        row["level"],
        row["status"],
        row["signal"],
        both(row["potential_accident"]),
        row["clause"],
        row["worst_level"],
        row["episodes"],
        row["opened_at"],
        row["detected_at"],
        row["last_episode_at"],
        row["closed_at"],
    )


def device(row: Row, machines: Mapping[str, MachineFacts]) -> Cells:
    """A device, with what the registry says of it."""
    said = machines.get(row["device"])
    return (
        row["device"],
        both(row["name"]),
        row["kind"],
        row["profile"],
        row["gateway"],
        row["points"],
        row["good_at"],
        row["maker"],
        row["model"],
        row["serial_no"],
        row["property_no"],
        *(_registered(said) if said else [""] * 6),
    )


def _registered(said: MachineFacts) -> Cells:
    operators = [f"{one.name} {one.certificate_no} ({one.validity})" for one in said.operators]
    return (
        said.registration_no,
        said.standing,
        said.is_in_use,
        "; ".join(said.expired),
        said.expires_on,
        "; ".join(operators),
    )


def _limit(limit: Mapping[str, Any]) -> str:
    sign = "≥" if limit["direction"] == "high" else "≤"
    return f"{sign}{limit['limit']:g} (L{limit['level']})"
