"""Workbooks (.xlsx), written row by row: every sheet says who took it, and nothing in them runs."""

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from cloud.exports.cells import Column, Mark, Value, looks_like_formula, plain
from cloud.instants import local

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_TEXT = 32_767
"""Letters of a cell, by the format; of a sheet's foot 255, of which some are its signs."""
_MOST_FOOT = 200
_MOST_NAME = 31
_FORBIDDEN_IN_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


class Workbook:
    """A thin layer over XlsxWriter.

    `is_large`: written to the disk as it grows; rows then come in their order, and no cells are merged over
    several rows. Sheets that are laid out by hand come from `add`, their formats from `book.add_format`.
    """

    def __init__(self, mark: Mark, *, title: str, is_large: bool = True) -> None:
        """`title` stands in the document's properties and at the head of every page."""
        self._mark, self._title = mark, title
        self._written = io.BytesIO()
        options = {
            "constant_memory": is_large,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book: Any = xlsxwriter.Workbook(self._written, options)
        self.book.set_properties(
            {
                "title": title,
                "author": mark.name,
                "comments": mark.line(),
                # The date of a file must be its own: the same report is the same bytes.
                "created": local(mark.at, "UTC").replace(tzinfo=None),
            }
        )
        self._head = self.book.add_format({"bold": True, "text_wrap": True, "valign": "top", "border": 1})
        self._forms = {
            dt.datetime: self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
            dt.date: self.book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        }
        self._text = self.book.add_format({"quote_prefix": True})
        self._quoted_forms: dict[int, Any] = {}

    def add(self, name: str) -> Any:
        """A further sheet, with the mark in its foot."""
        sheet = self.book.add_worksheet(sheet_name(name))
        title = _signs_doubled(self._title[: _MOST_FOOT // 2])
        sheet.set_header(f"&L{title}&R&A")
        sheet.set_footer(f"&L{_signs_doubled(self._mark.line(at_most=_MOST_FOOT))}&R&P / &N")
        sheet.set_paper(9)
        return sheet

    def table(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> int:
        """A sheet with titles that stay in sight and can be filtered by; returns how many rows it has."""
        sheet = self.add(name)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.title, self._head)
        last = 0
        for last, row in enumerate(rows, 1):
            for place, value in enumerate(row):
                self.write(sheet, last, place, value)
        if columns:
            sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
        return last

    def write(self, sheet: Any, row: int, place: int, value: Value, form: Any = None) -> None:
        """A cell: numbers as numbers, instants by the clocks of the mark, all else as a text."""
        told = plain(value)
        if told is None:
            if form is not None:
                sheet.write_blank(row, place, None, form)
        elif isinstance(told, dt.datetime):
            at = local(told, self._mark.time_zone).replace(tzinfo=None)
            sheet.write_datetime(row, place, at, form or self._forms[dt.datetime])
        elif isinstance(told, dt.date):
            sheet.write_datetime(row, place, told, form or self._forms[dt.date])
        elif isinstance(told, str):
            kept = told if len(told) <= _MOST_TEXT else f"{told[: _MOST_TEXT - 1]}…"
            # It is a text in any case; so it is still one after somebody has edited the cell.
            sheet.write_string(row, place, kept, self._quoted(form) if looks_like_formula(kept) else form)
        else:
            sheet.write_number(row, place, float(told) if isinstance(told, Decimal) else told, form)

    def _quoted(self, form: Any) -> Any:
        """The same format for a cell that stays a text; made once."""
        if form is None:
            return self._text
        known = self._quoted_forms.get(id(form))
        if known is None:
            known = self.book.add_format()
            # Not where the library has numbered it: that one has a number of its own.
            looks = {name: value for name, value in vars(form).items() if not name.endswith("_index")}
            vars(known).update(looks, quote_prefix=True)
            self._quoted_forms[id(form)] = known
        return known

    def content(self) -> bytes:
        """The whole file; nothing is added to it afterwards."""
        self.book.close()
        return self._written.getvalue()


def sheet_name(name: str) -> str:
    """As a sheet may be called."""
    return name.translate(_FORBIDDEN_IN_NAME).strip().strip("'")[:_MOST_NAME] or "Sheet"


def _signs_doubled(text: str) -> str:
    """In a head or foot a single `&` begins an instruction."""
    return text.replace("&", "&&")
