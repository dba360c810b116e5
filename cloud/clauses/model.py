"""Editions of the judgement standard and their items, as the HTTP interface shows them."""

from typing import Literal

from pydantic import Field

from cloud.shown import Shown


class ClauseItem(Shown):
    """One item of an edition."""

    id: str = Field(description="Article and item.", examples=["8-4"])
    text: str
    two_part: bool = Field(
        description="'… and not handled in time' (且未及时处理): the danger alone does not meet it."
    )
    confidence: str = Field(description="How sure the wording is: `agreed`, `one-source` or `memory`.")


class ClauseEdition(Shown):
    """One edition of the standard, the newest first."""

    edition: str
    document: str = Field(description="Its document number.")
    title: str
    in_force_from: str | None = Field(description="Its first day; null where that is not confirmed.")
    standing: Literal["in_force", "unconfirmed", "not_yet", "replaced"] = Field(
        description="Whether it may be judged by on that day; `unconfirmed` may, with that said."
    )
    source: str
    items: list[ClauseItem]


class ClauseEditions(Shown):
    """All of them."""

    on: str = Field(description="The day for which `standing` holds.")
    editions: list[ClauseEdition]
