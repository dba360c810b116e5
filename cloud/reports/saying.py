"""What is told of a report: that it waits for approval, that it is late, that it was sent."""

from typing import Literal

from cloud.database import Row
from cloud.notices.opening import Said, link_of
from cloud.notices.words import Words
from cloud.reports.model import definitions
from cloud.settings import Settings
from sitewarden.text import Text

Kind = Literal["report_draft", "report_late", "report_sent"]
_WHAT = {
    "report_draft": Text("待审核", "waits for your approval"),
    "report_late": Text("已逾期未报送", "is late: it was due by now"),
    "report_sent": Text("已报送", "was sent"),
}
_LEVELS = {"report_late": 3, "report_draft": 2, "report_sent": 1}


def said(row: Row, kind: Kind, which: str, settings: Settings, more: Text | None = None) -> Said:
    """Of a row with `report`, `kind`, `node`, `site`, `name`, `last_day`; `which`: the same is told once."""
    label, name, what = definitions()[row["kind"]].label, row["name"], _WHAT[kind]
    link, until = link_of(settings, f"reports/{row['report']}"), row["last_day"]

    def words(language: str) -> Words:
        if language == "en":
            title = f"[Report] {name['en']}: {label.en} {what.en}"
            line = f"{label.en} up to {until} {what.en}" + (f": {more.en}." if more else ".")
        else:
            title = f"[报表] {name['zh']}{label.zh}{what.zh}"
            line = f"{label.zh}（统计至 {until}）{what.zh}" + (f"：{more.zh}。" if more else "。")
        return Words(title=title, body="\n".join([line, link] if link else [line]))

    return Said(
        node=row["node"],
        site=row["site"] if row["node"] is None else None,
        kind=kind,
        about=f"{row['report']}/{which}",
        level=_LEVELS[kind],
        words=words,
    )


def sent(row: Row, version: int, settings: Settings, to: str, receipt: str) -> Said:
    """That a version was handed over, or taken by a mail server."""
    zh = f"第 {version} 版，{to}" + (f"，回执 {receipt}" if receipt else "")
    en = f"version {version}, {to}" + (f", receipt {receipt}" if receipt else "")
    return said(row, "report_sent", f"sent-{version}", settings, Text(zh, en))
