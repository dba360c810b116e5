"""The kinds of inspections and what they ask: `questions.yaml`. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Checklist = Literal["site", "enterprise"]
Answer = Literal["yes", "no", "not_looked_at"]


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of inspection."""

    label: Text
    side: Literal["authority", "enterprise"]
    """Who inspects."""
    checklists: list[Checklist]
    detail: str
    """How a hazard that is filed from it came to light."""
    by: list[str]
    """Roles that record it; the administrator does too."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is looked at."""

    text: Text
    list: Checklist
    deficient_when: Literal["yes", "no"]
    """The answer that is a finding."""
    cell: str = ""
    """Printed number of its item in the dispatch table's part on checks; empty: counted nowhere."""


class Questions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    kinds: dict[str, Kind]
    questions: dict[str, Question]

    def of(self, kind: str) -> dict[str, Question]:
        """What that kind of inspection asks."""
        lists = self.kinds[kind].checklists
        return {code: its for code, its in self.questions.items() if its.list in lists}

    def deficient(self, answers: dict[str, str]) -> list[str]:
        """The findings among answers, in the order of the questions."""
        return [code for code, its in self.questions.items() if answers.get(code) == its.deficient_when]


@cache
def questions() -> Questions:
    """What `questions.yaml` says."""
    with resources.as_file(resources.files("cloud.inspections") / "questions.yaml") as file:
        return documents.load(file, Questions)
