"""Inspections and measures of enforcement that another system keeps: their rows and columns. Pure."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cloud.enforcement.kinds import kinds as measures
from cloud.enforcement.model import EnforcementMended, Level, MeasureKind, Yuan
from cloud.inspections.model import (
    InspectionCorrected,
    InspectionKind,
    InspectionLevel,
    Inspector,
    asked_answers,
)
from cloud.inspections.questions import Answer, questions
from cloud.instants import Day, Moment
from cloud.intake.kinds import ID, KINDS, Kind, Numbered, instant
from cloud.registry.model import Line, Note, Said
from cloud.registry.sheets import Column, date, one_of, plain, several, whole
from sitewarden.text import Text

REASON = "来源系统更正 Corrected by the system that keeps it"
"""Why there is a later row: the other system says no more than what holds."""
_AREA = "Code or Chinese name of the authority's own territory here."


class _Record(Numbered):
    """What both ledgers ask of a record of another system."""

    area: Line = Field(default="", description=_AREA + " Empty where the enterprise inspects itself.")
    site: Line = Field(default="", description="Name of the site here, or its project code.")
    enterprise: Line = Field(default="", description="Chinese name or code; empty: the site's.")
    note: Note = ""
    withdrawn: bool = Field(default=False, description="Recorded in error: it counts no more.")


class CheckRow(_Record):
    """An inspection (检查), of an enterprise or at a site."""

    kind: InspectionKind
    level: InspectionLevel | None = Field(default=None, description="Null: as the territory is.")
    started_at: Moment
    ended_at: Moment | None = None
    people: Annotated[list[Said], Field(max_length=30)] = Field(default=[])
    answers: Annotated[dict[str, Answer], AfterValidator(asked_answers)] = Field(
        default={}, description="By the code of each question."
    )

    def corrected(self, place: dict[str, object]) -> InspectionCorrected:
        """As the ledger takes it."""
        return InspectionCorrected.model_validate(
            {
                **place,
                "kind": self.kind,
                "started_at": self.started_at,
                "ended_at": self.ended_at,
                "people": [Inspector(name=name) for name in self.people],
                "answers": self.answers,
                "note": self.note,
                "withdrawn": self.withdrawn,
                "reason": REASON,
            }
        )


class MeasureRow(_Record):
    """A measure that an authority has taken (执法)."""

    kind: MeasureKind
    area: Said = Field(description=_AREA)
    level: Level | None = Field(default=None, description="Null: as the territory is.")
    amount: Yuan | None = None
    both_punished: bool = False
    persons: Annotated[int, Field(ge=0, le=10_000)] = 0
    crime: bool = False
    case_no: Line = ""
    document_no: Line = ""
    decided_on: Day

    def corrected(self, place: dict[str, object]) -> EnforcementMended:
        """As the ledger takes it."""
        said = self.model_dump(exclude={"external_id", "area", "level", "site", "enterprise"})
        return EnforcementMended.model_validate({**said, **place, "reason": REASON})


RecordRow = CheckRow | MeasureRow

_LEVELS = {
    "省级": "province",
    "自治区级": "province",
    "市级": "prefecture",
    "州级": "prefecture",
    "地级": "prefecture",
    "县级": "county",
    "区级": "county",
    "乡镇级": "township",
    "企业": "enterprise",
    "项目": "project",
}
_YES = {"是": "yes", "否": "no", "未查": "not_looked_at"}
_TRUE = {"是": "true", "否": "false"}


_PLACE = [
    Column("area", "实施部门所在地区", plain),
    Column("level", "级别", one_of(_LEVELS)),
    Column("site", "工地", plain),
    Column("enterprise", "企业", plain),
]


def _columns(kinds: Column, *own: Column) -> list[Column]:
    """Of a ledger: whose, what kind, where, its own, and what is said of any record."""
    ends = (Column("note", "说明", plain), Column("withdrawn", "撤销", one_of(_TRUE)))
    return [ID, kinds, *_PLACE, *own, *ends]


def _kinds(title: str, kinds: dict[str, Text]) -> Column:
    return Column("kind", title, one_of({label.zh: name for name, label in kinds.items()}), is_key=True)


RECORDS: dict[str, Kind] = {
    "inspections": Kind(
        label=Text("检查", "Inspections"),
        permission="inspections.record",
        row=CheckRow,
        columns=_columns(
            _kinds("检查类型", {name: its.label for name, its in questions().kinds.items()}),
            Column("started_at", "开始时间", instant, is_key=True),
            Column("ended_at", "结束时间", instant),
            Column("people", "检查人员", several),
            *(
                Column(f"answers.{code}", its.text.zh.partition("（")[0], one_of(_YES))
                for code, its in questions().questions.items()
            ),
        ),
        source="inspections",
    ),
    "enforcement": Kind(
        label=Text("执法", "Enforcement"),
        permission="enforcement.record",
        row=MeasureRow,
        columns=_columns(
            _kinds("措施", {name: its.label for name, its in measures().kinds.items()}),
            Column("amount", "罚款（元）", plain),
            Column("both_punished", "一案双罚", one_of(_TRUE)),
            Column("persons", "人数", whole),
            Column("crime", "涉危险作业罪", one_of(_TRUE)),
            Column("case_no", "案号", plain),
            Column("document_no", "文书编号", plain),
            Column("decided_on", "决定日期", date, is_key=True),
        ),
        source="enforcement",
    ),
}
EVERY: dict[str, Kind] = {**KINDS, **RECORDS}
"""All that may be brought in."""
