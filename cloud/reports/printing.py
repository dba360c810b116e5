"""Reports as workbooks, as they are printed; the mark stands in the foot of the page and the properties."""

import datetime as dt
from typing import Any

import msgspec

from cloud.exports import NO_SOURCE, Column, Mark, Workbook
from cloud.reports.layout import Item, Table, dispatch, ledger, statistics
from cloud.reports.model import Computed, Number, Sheet
from sitewarden.text import Text

_LEVELS = ("prefecture", "county")
_WORDS = {"province": "省", "prefecture": "市", "county": "县"}
_BOXED = {"border": 1, "text_wrap": True, "valign": "vcenter", "font_name": "宋体", "font_size": 10.5}
_LAST = 6


def print_dispatch(computed: Computed, mark: Mark) -> bytes:
    """The dispatch table as it is printed, and on a second sheet every number by level."""
    book = Workbook(mark, title=computed.title, is_large=False)
    _dispatch_sheet(book, computed)
    _levels_sheet(book, computed)
    return book.content()


def _dispatch_sheet(book: Workbook, computed: Computed) -> None:
    sheet = book.add("调度表")
    sheet.set_landscape()
    sheet.fit_to_pages(1, 1)
    for place, width in enumerate((14, 6, 34, 20, 6, 34, 20)):
        sheet.set_column(place, place, width)
    boxed, centred, plain, title, group = _formats(book)
    sheet.merge_range(0, 0, 0, _LAST, computed.title, title)
    sheet.set_row(0, 44)
    sheet.merge_range(1, 0, 1, 2, dispatch().unit, plain)
    sheet.merge_range(1, 3, 1, _LAST, _day(dispatch().date, computed), plain)
    row = 2
    for part in dispatch().groups:
        pairs = [part.cells[i : i + 2] for i in range(0, len(part.cells), 2)]
        sheet.merge_range(row, 0, row + len(pairs) - 1, 0, part.name, group)
        for pair in pairs:
            sheet.set_row(row, 44)
            for place, (cell, no, item) in zip((1, 4), pair, strict=False):
                sheet.write_number(row, place, no, centred)
                sheet.write_string(row, place + 1, item.text, boxed)
                _write_value(sheet, row, place + 2, written(computed, cell, item), centred)
            row += 1
    for note in dispatch().notes:
        sheet.merge_range(row, 0, row, _LAST, note, plain)
        sheet.set_row(row, 15 * (1 + len(note) // 66))
        row += 1
    _footer(sheet, row + 1, _LAST, computed.footer, plain)


def _write_value(sheet: Any, row: int, place: int, value: int | str, form: Any) -> None:
    if isinstance(value, int):
        sheet.write_number(row, place, value, form)
    else:
        sheet.write_string(row, place, value, form)


def _formats(book: Workbook) -> tuple[Any, Any, Any, Any, Any]:
    make = book.book.add_format
    return (
        make(_BOXED),
        make({**_BOXED, "align": "center"}),
        make({"font_name": "宋体", "font_size": 10.5, "text_wrap": True, "valign": "vcenter"}),
        make(
            {
                "font_name": "宋体",
                "bold": True,
                "font_size": 16,
                "align": "center",
                "valign": "vcenter",
                "text_wrap": True,
            }
        ),
        make({**_BOXED, "bold": True, "align": "center"}),
    )


def written(computed: Computed, cell: str, item: Item) -> int | str:
    """What stands in a cell: a number, or a number with its split as text."""
    first = number_of(computed, cell)
    second = number_of(computed, f"{cell}.{item.second}") if item.second else None
    if first.value is None:
        return NO_SOURCE
    if not item.split:
        return _with(item, first.value, second.value if second else None)
    parts = [
        f"{word(computed, level)} {_part(item, first, second, level)}"
        for level in ("province", *_LEVELS)
        # What a province does itself is rare; where it did nothing the official split has two parts.
        if level != "province" or first.split.get(level)
    ]
    total = _with(item, first.value, second.value if second else None)
    return f"{total}（{'／'.join(parts)}）"


def _part(item: Item, first: Number, second: Number | None, level: str) -> int | str:
    return _with(item, first.split.get(level, 0), second.split.get(level, 0) if second else None)


def _with(item: Item, first: int | str, second: int | str | None) -> int | str:
    return first if second is None else item.form.format(first, second)


def word(computed: Computed, level: str) -> str:
    """What an authority's level is called there."""
    template = (computed.head.get("campaign") or {}).get("template", {})
    return str({**_WORDS, **template.get("levels", {})}[level])


def number_of(computed: Computed, cell: str) -> Number:
    """A cell's number."""
    return msgspec.convert(computed.values[cell], Number)


def _levels_sheet(book: Workbook, computed: Computed) -> None:
    sheet = levels_sheet(computed)
    book.table("市县分级", sheet.columns, sheet.rows)


def levels_sheet(computed: Computed) -> Sheet:
    """Every number of the dispatch table by level: as numbers, for whoever goes on counting."""
    columns = [
        Column("单元格 cell", 10),
        Column("项目 item", 60),
        Column("合计 total", 12),
        *(Column(f"{word(computed, level)} {level}", 12) for level in _LEVELS),
        Column("记录数 records", 12),
    ]
    rows = []
    for cell, item in dispatch().items.items():
        for name in (cell, f"{cell}.{item.second}") if item.second else (cell,):
            number = number_of(computed, name)
            unknown = number.value is None
            split = [NO_SOURCE if unknown else _plain(number.split.get(level)) for level in _LEVELS]
            total = NO_SOURCE if number.value is None else _plain(number.value)
            rows.append([name, item.text, total, *split, len(number.records)])
    return Sheet(columns, rows)


def _plain(value: int | str | None) -> int | float | None:
    return float(value) if isinstance(value, str) else value


def print_statistics(computed: Computed, mark: Mark) -> bytes:
    """The statistics table as it is printed: ten columns, and blank rows up to ten."""
    table = statistics()
    book = Workbook(mark, title=computed.title)
    sheet = _open_table(book, table, computed)
    boxed, centred, _, _, _ = _formats(book)
    row = 3
    for values in computed.rows:
        for place, column in enumerate(table.columns):
            book.write(sheet, row, place, values[column.key], centred if column.key == "no" else boxed)
        row += 1
    while row < 3 + table.least_rows:
        for place in range(len(table.columns)):
            sheet.write_blank(row, place, None, boxed)
        row += 1
    half = len(table.columns) // 2
    for place, text in zip((0, half), table.foot, strict=True):
        sheet.write_string(row, place, text, book.book.add_format({"font_name": "宋体", "font_size": 10.5}))
    _footer_lines(sheet, row + 2, computed.footer, book)
    return book.content()


def _open_table(book: Workbook, table: Table, computed: Computed) -> Any:
    sheet = book.add("统计表")
    _, _, _, title, group = _formats(book)
    last = len(table.columns) - 1
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, column.width)
    sheet.set_row(0, 40)
    sheet.merge_range(0, 0, 0, last, computed.title, title)
    left = book.book.add_format({"font_name": "宋体", "font_size": 10.5})
    sheet.write_string(1, 0, table.unit, left)
    sheet.write_string(1, last // 2 + 1, _day(table.date, computed), left)
    sheet.set_row(2, 32)
    for place, column in enumerate(table.columns):
        sheet.write_string(2, place, column.text, group)
    return sheet


def _footer_lines(sheet: Any, row: int, lines: list[Text], book: Workbook) -> None:
    """Rows that are written as they come: nothing is merged where the file is written as it grows."""
    form = book.book.add_format({"font_name": "宋体", "font_size": 9, "font_color": "#555555"})
    for line in lines:
        sheet.write_string(row, 0, f"{line.zh} {line.en}", form)
        row += 1


def _footer(sheet: Any, row: int, last: int, lines: list[Text], form: Any) -> None:
    for line in lines:
        sheet.merge_range(row, 0, row, last, f"{line.zh} {line.en}", form)
        row += 1


def print_ledger(computed: Computed, mark: Mark) -> bytes:
    """The ledger: a table that can be filtered by every column."""
    book = Workbook(mark, title=computed.title)
    sheet = ledger_sheet(computed)
    book.table("台账", sheet.columns, sheet.rows)
    book.table("说明", [Column("说明 notes", 100)], [[f"{line.zh} {line.en}"] for line in computed.footer])
    return book.content()


def ledger_sheet(computed: Computed) -> Sheet:
    """The ledger, for whatever format."""
    return _sheet(ledger(), computed)


def statistics_sheet(computed: Computed) -> Sheet:
    """The statistics table, for whatever format: its ten columns, without blank rows."""
    return _sheet(statistics(), computed)


def _sheet(table: Table, computed: Computed) -> Sheet:
    keys = [column.key for column in table.columns]
    columns = [Column(column.text, column.width) for column in table.columns]
    return Sheet(columns, [[row[key] for key in keys] for row in computed.rows])


def _day(text: str, computed: Computed) -> str:
    """The day that is printed over the table: the last that is counted."""
    day = dt.date.fromisoformat(computed.head["last_day"])
    return text.format(year=day.year, month=day.month, day=day.day)
