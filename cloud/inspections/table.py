"""The list of inspections as a table. Pure."""

from collections.abc import Sequence

from cloud.database import Row
from cloud.exports.cells import Column, Table, Value, both
from cloud.inspections.questions import questions

_COLUMNS = tuple(
    Column(title)
    for title in (
        "编号 no.",
        "日期 day",
        "类型 kind",
        "检查机关 authority",
        "工地 site",
        "企业 enterprise",
        "设备 devices",
        "人员 people",
        "检查发现 findings",
        "上报隐患 hazards filed",
        "记录 note",
        "已签名 signed",
        "已撤销 withdrawn",
        "记录人 recorded by",
        "来源系统 from system",
    )
)


def _cells(row: Row) -> Sequence[Value]:
    known = questions()
    kind, territory, site = known.kinds[row["kind"]].label, row["territory_name"], row["site_name"]
    found = [known.questions[code].text.zh for code in known.deficient(row["answers"])]
    return (
        str(row["id"]),
        row["day"],
        f"{kind.zh} {kind.en}",
        None if territory is None else both(territory),
        None if site is None else both(site),
        row["enterprise_name"],
        "、".join(row["devices"]),
        "、".join(one["name"] for one in row["people"]),
        "；".join(found),
        row["hazards"],
        row["note"],
        row["signed"],
        row["withdrawn"],
        row["author"],
        row["system"],
    )


TABLE = Table(name="inspections", columns=_COLUMNS, cells=_cells)
