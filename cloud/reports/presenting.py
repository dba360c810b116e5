"""A version of a report as a page shows it: as printed, every number with the records behind it. Pure."""

import datetime as dt
from typing import Any

import msgspec

from cloud.database import Row
from cloud.reports.layout import Table, dispatch, ledger, statistics
from cloud.reports.model import Computed
from cloud.reports.printing import number_of, written
from cloud.reports.shown import (
    DispatchCell,
    DispatchGroup,
    ReportCheckShown,
    ReportVersion,
    TableColumn,
)
from cloud.reports.store import read_body
from cloud.returns import monthly
from cloud.shown import TextShown

_TABLES = {"appendix_2": statistics, "ledger": ledger}


def version_shown(kind: str, row: Row, before: Row | None) -> ReportVersion:
    """A row of `report_version`, with the one before it where there is one."""
    computed = read_body(row["body"])
    table = _TABLES[kind]() if kind in _TABLES else None
    is_dispatch = kind == "appendix_1"
    date = dispatch().date if is_dispatch else (table.date if table else "")
    groups = _groups(computed) if is_dispatch else _sections(computed) if kind == monthly.KIND else []
    return ReportVersion(
        version=row["version"],
        preliminary=row["preliminary"],
        known_at=row["known_at"],
        made_at=row["made_at"],
        author=row["author"],
        words=row["words"],
        sha256=row["sha256"].hex(),
        title=computed.title,
        head=computed.head,
        unit=dispatch().unit if is_dispatch else (table.unit if table else ""),
        date=day_of(date, computed) if date else _span(computed),
        groups=groups,
        notes=dispatch().notes if is_dispatch else [],
        columns=_columns(table),
        rows=computed.rows,
        values={} if groups else computed.values,
        footer=[TextShown.of(line) for line in computed.footer],
        foot=table.foot if table else [],
        checks=[
            ReportCheckShown(code=one.code, ok=one.ok, words=TextShown.of(one.words))
            for one in computed.checks
        ],
        changed=changed(computed, read_body(before["body"])) if before is not None else [],
    )


def day_of(form: str, computed: Computed) -> str:
    """The last day that is counted, as it is printed."""
    day = dt.date.fromisoformat(computed.head["last_day"]) if form else None
    return "" if day is None else form.format(year=day.year, month=day.month, day=day.day)


def _span(computed: Computed) -> str:
    """Of a report of one month its days."""
    first = computed.head.get("month_from")
    return f"{first} – {computed.head['last_day']}" if first else ""


def _groups(computed: Computed) -> list[DispatchGroup]:
    return [
        DispatchGroup(
            name=TextShown(zh=group.name, en=group.name),
            cells=[
                DispatchCell(
                    cell=cell,
                    no=no,
                    text=TextShown(zh=item.text, en=item.text),
                    written=str(written(computed, cell, item)),
                    behind=len(number_of(computed, cell).records),
                )
                for cell, no, item in group.cells
            ],
        )
        for group in dispatch().groups
    ]


def _sections(computed: Computed) -> list[DispatchGroup]:
    """Of the monthly report."""
    records = computed.records
    return [
        DispatchGroup(
            name=TextShown.of(section.name),
            cells=[
                DispatchCell(
                    cell=cell,
                    no=no,
                    text=TextShown.of(words),
                    written=str(monthly.written(computed, cell)),
                    behind=len(records.get(cell, [])),
                )
                for no, (cell, words) in enumerate(section.cells.items(), 1)
            ],
        )
        for section in monthly.layout().sections
    ]


def _columns(table: Table | None) -> list[TableColumn]:
    return [] if table is None else [TableColumn(key=one.key, text=one.text) for one in table.columns]


def changed(computed: Computed, before: Computed) -> list[str]:
    """Cells whose value is another, and rows that are new, gone or different (by the record they are of)."""
    cells = [
        cell
        for cell in sorted({*computed.values, *before.values})
        if _value(computed.values.get(cell)) != _value(before.values.get(cell))
    ]
    now, then = _rows(computed), _rows(before)
    return cells + [one for one in sorted({*now, *then}) if now.get(one) != then.get(one)]


def _value(cell: Any) -> Any:
    return (cell.get("value"), cell.get("split")) if isinstance(cell, dict) else msgspec.to_builtins(cell)


def _rows(computed: Computed) -> dict[str, Any]:
    return {
        str(row["hazard"]): {key: value for key, value in row.items() if key != "no"}
        for row in computed.rows
        if "hazard" in row
    }
