"""What leaves as a file: nothing in it runs, numbers are numbers, and it says who took it."""

import csv
import datetime as dt
import io
import itertools
import tracemalloc
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.exports import Column, Mark, Workbook, csv_of, safe
from cloud.exports import answers as exports_answers
from cloud.exports.answers import attachment

AT = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
MARK = Mark(name="安全员 A&B", at=AT, time_zone="Asia/Shanghai", about="隐患 hazards")
HIDDEN = st.text(alphabet=" \t\r\n\"'\u2018\u201c\u00a0\u3000\ufeff\u200b\u200e", max_size=4)
SIGN = st.sampled_from("=+-@＝＋－＠﹦﹢﹣﹫\u2212")


def lines(rows, columns=("甲 a",)) -> list[list[str]]:
    text = b"".join(csv_of([Column(title) for title in columns], rows, MARK)).decode("utf-8")
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:], newline="")))


def opened(rows, columns=("甲 a",)):
    book = Workbook(MARK, title="隐患 hazards")
    book.table("台账", [Column(title) for title in columns], rows)
    return openpyxl.load_workbook(io.BytesIO(book.content()))


@settings(max_examples=80)
@given(st.builds(lambda hidden, sign, rest: hidden + sign + rest, HIDDEN, SIGN, st.text(max_size=8)))
def test_whatever_hides_before_the_sign_it_is_no_formula(text):
    assert safe(text) == f"'{text}"


@settings(max_examples=60)
@given(st.text(max_size=12))
def test_a_text_is_kept_but_for_what_defuses_it(text):
    assert safe(text) in (text, f"'{text}")
    assert safe(safe(text)).lstrip("'") == safe(text).lstrip("'")


@pytest.mark.parametrize("text", ["塔机 crane", "3.2", "(A)=1", "", "'", "  ", "a@b", "1-2"])
def test_a_text_that_no_program_would_run_stays_as_it_is(text):
    assert safe(text) == text


def test_numbers_stay_numbers_nothing_stays_empty_and_instants_are_the_sites():
    row = [-1.5, None, True, Decimal("3.20"), AT, AT.date(), {"zh": "=甲", "en": "a"}, float("nan"), "—"]
    _, cells, mark = lines([row], columns="abcdefghi")
    assert cells == ["-1.5", "", "1", "3.20", "2026-11-20T18:00:00+08:00", "2026-11-20", "'=甲 a", "", "—"]
    assert mark[0].startswith("隐患 hazards · 由 安全员 A&B 于 2026-11-20T18:00:00+08:00 导出 / exported by")


def test_a_name_that_would_run_is_defused_in_titles_and_mark_too():
    mark = Mark(name="x", at=AT, time_zone="UTC", about="=1+1")
    text = b"".join(csv_of([Column("@a")], [], mark)).decode("utf-8-sig")
    assert [line[:2] for line in text.splitlines()] == ["'@", "'="]


def test_a_workbook_has_texts_numbers_and_dates_and_no_formula():
    row = ["=1+1", "http://x.test", "0012", -1.5, AT, None, "x" * 40_000, "\u0001"]
    sheet = opened([row], columns="abcdefgh").active
    cells = next(sheet.iter_rows(min_row=2))
    assert [cell.data_type for cell in cells][:6] == ["s", "s", "s", "n", "d", "n"]
    assert (cells[0].value, cells[2].value, cells[3].value) == ("=1+1", "0012", -1.5)
    # Still a text after somebody has edited the cell.
    assert cells[0].quotePrefix
    assert cells[1].hyperlink is None
    assert cells[4].value.isoformat() == "2026-11-20T18:00:00"
    assert len(cells[6].value) == 32_767


def test_a_cell_with_a_look_of_its_own_stays_a_text_too():
    book = Workbook(MARK, title="t")
    sheet, boxed = book.add("a"), book.book.add_format({"border": 1, "font_name": "宋体", "text_wrap": True})
    for place, said in enumerate(["=1+1", "＝甲", "甲"]):
        book.write(sheet, 0, place, said, boxed)
    (cells,) = openpyxl.load_workbook(io.BytesIO(book.content())).active.iter_rows()
    assert [cell.value for cell in cells] == ["=1+1", "＝甲", "甲"]
    assert [cell.quotePrefix for cell in cells] == [True, True, False]
    looks = {(cell.border.left.style, cell.font.name, cell.alignment.wrap_text) for cell in cells}
    assert looks == {("thin", "宋体", True)}


def test_every_sheet_and_the_properties_say_who_took_it():
    book = Workbook(MARK, title="隐患 & hazards")
    book.table("a/b", [Column("a")], [])
    book.table("又一张", [], [])
    read = openpyxl.load_workbook(io.BytesIO(book.content()))
    assert read.sheetnames == ["a b", "又一张"]
    for sheet in read:
        assert "由 安全员 A&&B 于" in sheet.oddFooter.left.text
        assert sheet.oddHeader.left.text == "隐患 && hazards"
    assert "exported by 安全员 A&B" in read.properties.description


def test_a_long_name_leaves_the_rest_of_the_mark_whole():
    line = MARK._replace(name="甲" * 300).line(at_most=200)
    assert len(line) <= 200
    assert line.endswith("2026-11-20T18:00:00+08:00")


def test_the_same_table_is_the_same_bytes():
    made = [Workbook(MARK, title="t") for _ in "12"]
    for book in made:
        book.table("s", [Column("a")], [[1], ["x"]])
    assert len({book.content() for book in made}) == 1


def test_a_hundred_thousand_rows_take_no_more_memory_than_a_thousand():
    row = ["demo-20261120-0001", "塔式起重机 tower crane", 3.25, None, "已销号 closed"]
    columns = [Column(title) for title in "abcde"]
    tracemalloc.start()
    written = sum(len(part) for part in csv_of(columns, itertools.repeat(row, 100_000), MARK))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 6_000_000
    assert most < 2_000_000


def test_a_file_may_have_a_chinese_name():
    headers = attachment('台账"\r\nx.csv', "text/csv")
    assert headers["Content-Disposition"].startswith('attachment; filename="_____x.csv"; filename*=UTF-8')
    assert "\r" not in headers["Content-Disposition"]


def test_an_export_that_is_cut_says_so(web, site, monkeypatch):
    monkeypatch.setattr(exports_answers, "MOST_ROWS", 1)
    site.born()
    text = web.get("/sites/demo/tables/readings.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 4
    assert "the first 1 rows only" in rows[2][0]


@pytest.mark.parametrize("name", ["&" * 100, "&甲" * 60, "甲" * 300])
def test_the_mark_stands_in_the_foot_whatever_its_name_is_made_of(name):
    book = Workbook(MARK._replace(name=name), title="&" * 200)
    book.table("台账", [Column("甲 a")], [["1"]])
    sheet = openpyxl.load_workbook(io.BytesIO(book.content())).worksheets[0]
    assert "2026-11-20T18:00:00+08:00" in (sheet.oddFooter.left.text or "")
    assert sheet.oddHeader.left.text
