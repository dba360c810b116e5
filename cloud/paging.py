"""Key-set pagination: a cursor is the sort key of the last row shown, opaque to whoever carries it."""

import base64
import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, overload
from uuid import UUID

import msgspec
from fastapi import Query

from cloud.database import Row
from cloud.problems import ProblemError

MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items.")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the part before.")]


OfDevice = Annotated[
    str | None, Query(max_length=128, pattern=r"^[^\x00]+$", description="Of this device alone.")
]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a part of a list, newest first, ended."""

    at: dt.datetime
    id: UUID


class DeviceCursor(msgspec.Struct, frozen=True, array_like=True):
    """The same of what is known by its device and instant."""

    at: dt.datetime
    device: str


class KeyCursor(msgspec.Struct, frozen=True, array_like=True):
    """The same of a list in the order of its keys."""

    key: str


C = TypeVar("C")
R = TypeVar("R")


def cursor_text(cursor: Cursor | DeviceCursor | KeyCursor) -> str:
    """The cursor as it travels."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


@overload
def read_cursor(text: str) -> Cursor: ...


@overload
def read_cursor(text: str, kind: type[C]) -> C: ...


def read_cursor(text: str, kind: type[Any] = Cursor) -> Any:
    """The inverse of `cursor_text`; raises a problem where it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        cursor = msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError) as exc:
        raise ProblemError(
            422, "bad-cursor", "Not a cursor", "`after` must be a `next` that this interface gave."
        ) from exc
    if not isinstance(cursor, KeyCursor) and cursor.at.tzinfo is None:
        raise ProblemError(422, "bad-cursor", "Not a cursor", "`after` lacks its zone.")
    return cursor


def number_after(after: str | None) -> int | None:
    """Of a list that is ordered by a number, the one that a part begins after; `None` at the start."""
    key = read_cursor(after, KeyCursor).key if after else None
    if key is not None and not key.isdecimal():
        raise ProblemError(422, "bad-cursor", "Not a cursor", "`after` must be a `next` of this list.")
    return None if key is None else int(key)


def asked_part(after: str | None, limit: int) -> dict[str, Any]:
    """What a query for a part of a list, newest first, is given.

    `at` and `id` of the place that it begins after, `None` at the start; as `limit` one row more than is
    shown, which tells whether another part follows.
    """
    cursor = read_cursor(after) if after else None
    return {"at": cursor and cursor.at, "id": cursor and cursor.id, "limit": limit + 1}


def asked_part_by_day(after: str | None, limit: int) -> dict[str, Any]:
    """The same where the list is ordered by a date."""
    asked = asked_part(after, limit)
    return {**asked, "at": asked["at"] and asked["at"].date()}


def part(
    rows: list[R], limit: int, place: Callable[[R], Cursor | DeviceCursor | KeyCursor]
) -> tuple[list[R], str | None]:
    """Of `limit` + 1 rows that were asked for, those that are shown, and their `next`: none at the end.

    `place` says where in the list a row stands.
    """
    shown = rows[:limit]
    return shown, cursor_text(place(shown[-1])) if len(rows) > limit else None


def by(at: str, key: str = "id") -> Callable[[Row], Cursor]:
    """Where a row stands in a list that is ordered by these two of its columns, newest first."""
    return lambda row: Cursor(at=row[at], id=row[key])


def by_day(day: str) -> Callable[[Row], Cursor]:
    """The same where the first of them is a date."""
    return lambda row: Cursor(at=dt.datetime.combine(row[day], dt.time(), dt.UTC), id=row["id"])


def by_key(key: str = "id") -> Callable[[Row], KeyCursor]:
    """The same of a list in the order of one column."""
    return lambda row: KeyCursor(key=str(row[key]))
