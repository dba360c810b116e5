"""Key-set pagination: a cursor is the sort key of the last row shown, opaque to whoever carries it."""

import base64
import datetime as dt
from typing import Annotated, Any, TypeVar, overload
from uuid import UUID

import msgspec
from fastapi import Query

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
