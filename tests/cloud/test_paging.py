"""A list ends where no more rows came than were to be shown; else its cursor names the last that is shown."""

import datetime as dt
import uuid

import pytest

from cloud.paging import Cursor, DeviceCursor, KeyCursor, by, by_day, by_key, cursor_text, part, read_cursor
from cloud.problems import ProblemError

AT = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
ROWS = [{"at": AT - dt.timedelta(minutes=n), "id": uuid.UUID(int=n)} for n in range(3)]


@pytest.mark.parametrize("limit", [3, 4])
def test_a_list_ends_where_no_more_rows_came_than_are_shown(limit: int) -> None:
    assert part(ROWS, limit, by("at")) == (ROWS, None)
    assert part([], limit, by("at")) == ([], None)


def test_what_follows_begins_after_the_last_row_that_is_shown() -> None:
    shown, following = part(ROWS, 2, by("at"))
    assert shown == ROWS[:2]
    assert read_cursor(following or "") == Cursor(at=ROWS[1]["at"], id=ROWS[1]["id"])


def test_a_row_stands_by_what_its_list_is_ordered_by() -> None:
    row = {"day": dt.date(2026, 11, 20), "id": uuid.UUID(int=7), "path": "a.b"}
    assert by_day("day")(row) == Cursor(at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC), id=uuid.UUID(int=7))
    assert by_key("path")(row) == KeyCursor(key="a.b")
    device = DeviceCursor(at=AT, device="crane-1")
    assert read_cursor(cursor_text(device), DeviceCursor) == device


def test_what_is_no_cursor_of_that_list_is_refused() -> None:
    for text in ("", "x", cursor_text(KeyCursor(key="a.b"))):
        with pytest.raises(ProblemError):
            read_cursor(text)
