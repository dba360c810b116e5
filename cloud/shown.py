"""What every answer of the HTTP interface is made of."""

import datetime as dt
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cloud.instants import rfc3339

Item = TypeVar("Item")


class Shown(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True)


class Worded(Protocol):
    """Whatever says the same in Chinese and English."""

    @property
    def zh(self) -> str:
        """In Chinese."""

    @property
    def en(self) -> str:
        """In English."""


class TextShown(Shown):
    """The same words in Chinese and English."""

    zh: str
    en: str

    @classmethod
    def of(cls, words: Worded) -> Self:
        """Those words."""
        return cls(zh=words.zh, en=words.en)


class Page(Shown, Generic[Item]):
    """Part of a list."""

    items: list[Item]
    next: str | None = Field(description="Give it as `after` for the part that follows; null at the end.")


def _instant(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, dt.datetime) else value


def _text_of_uuid(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


Instant = Annotated[
    str,
    BeforeValidator(_instant),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-20T10:00:00.000Z"]),
]
"""UTC with milliseconds."""


def from_json(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """A row that the database has put together as JSON, with instants in these fields."""
    return {
        name: dt.datetime.fromisoformat(value) if name in names and value is not None else value
        for name, value in row.items()
    }


Identity = Annotated[str, BeforeValidator(_text_of_uuid)]
"""A UUID in its usual text form."""
