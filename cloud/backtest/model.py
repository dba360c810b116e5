"""A back-test as the HTTP interface shows it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cloud.complaints import complaint
from cloud.instants import Moment
from cloud.shown import Shown, TextShown

MOST_RULES, LONGEST_RULE = 200, 8000
MOST_ALARMS = 500


def _plain(text: str) -> str:
    if "\0" in text:
        raise complaint("control-characters", "a name has no NUL")
    return text


DeviceName = Annotated[str, Field(max_length=128), AfterValidator(_plain)]
RuleText = Annotated[str, Field(max_length=LONGEST_RULE)]
RuleName = Annotated[str, Field(max_length=128)]


class RuleShown(Shown):
    """A rule in force."""

    rule: str
    pack: str
    family: str
    watch: str = Field(description="A kind of the vocabulary; `*`: the device as a whole.")
    level: int = Field(ge=1, le=4)
    label: TextShown
    text: str = Field(description="YAML, as one would write it in a rule pack.")


class RulesShown(Shown):
    """The rules in force on a site, as far as the cloud knows them."""

    rules: list[RuleShown]
    unknown: list[str] = Field(description="Rules that gateways run without the cloud having their text.")


class Trial(BaseModel):
    """What is to be tried."""

    model_config = ConfigDict(extra="forbid")

    since: Moment = Field(alias="from", description="RFC 3339 with offset; included.")
    until: Moment = Field(alias="to", description="RFC 3339 with offset; excluded.")
    device: DeviceName | None = Field(default=None, description="One device; null: all of the site.")
    rules: Annotated[list[RuleText], Field(max_length=MOST_RULES)] = Field(
        default=[], description="Rules in YAML that replace those in force of their name, or are added."
    )
    removed: Annotated[list[RuleName], Field(max_length=MOST_RULES)] = Field(
        default=[], description="Rules in force that are left out."
    )


class AlarmShown(Shown):
    """An alarm that was, or would have been, raised."""

    point: str
    kind: str
    rule: str
    rule_version: int
    family: str
    level: int = Field(ge=1, le=4)
    label: TextShown
    limit: float | None
    raised_at: int = Field(description="UTC milliseconds.")
    cleared_at: int | None = Field(description="Null while it stands at the end of the range.")
    peak: float | None


class MovedShown(Shown):
    """The same danger under both sets of rules, at other instants."""

    before: AlarmShown
    after: AlarmShown
    raised_later_ms: int = Field(description="Negative: earlier.")


class ComparisonShown(Shown):
    """What became of alarms; the lists hold the first ones, the counts are of all."""

    added_count: int
    removed_count: int
    moved_count: int
    unchanged_count: int
    added: list[AlarmShown]
    removed: list[AlarmShown]
    moved: list[MovedShown]


class LimitShown(Shown):
    """A number that a rule compares a point with."""

    point: str
    rule: str
    level: int
    limit: float
    direction: Literal["high", "low"]


class LeadShown(Shown):
    """How long before the next limit a level warned."""

    point: str
    family: str
    rule: str
    level: int
    of_rule: str
    of_level: int
    of_limit: float
    reached: int = Field(description="Warnings upon which the limit was reached.")
    least_ms: int | None = Field(description="The shortest lead; negative: warned too late.")
    median_ms: float | None
    not_reached: int = Field(description="Warnings without the limit being reached.")
    unwarned: int = Field(description="Alarms of the higher level that nothing had warned of.")


class NotJudgedShown(Shown):
    """A rule that could say nothing of a place."""

    rule: str
    where: str
    reason: Literal["no_point", "no_history", "missing_parameter", "missing_input"]
    what: TextShown
    mend: TextShown


class FalseAlarmsShown(Shown):
    """Of the alarms whose hazards people judged."""

    judged: int
    false: int
    rate: float | None = Field(description="0 to 1; null where nothing is judged.")


class SideShown(Shown):
    """One set of rules."""

    rules: int
    alarms: int
    by_level: dict[str, int]
    limits: list[LimitShown]
    leads: list[LeadShown]
    not_judged: list[NotJudgedShown]
    false_alarms: FalseAlarmsShown


class FieldChangeShown(Shown):
    """One field of a rule."""

    field: str
    before: Any
    after: Any


class RuleChangeShown(Shown):
    """A rule that differs."""

    rule: str
    change: Literal["added", "removed", "changed"]
    fields: list[FieldChangeShown]


class BacktestShown(Shown):
    """What the proposed rules would have done."""

    site: str
    time_zone: str
    since_ms: int
    until_ms: int
    devices: list[str]
    readings: int
    took_ms: int
    rule_changes: list[RuleChangeShown]
    in_force: SideShown
    proposed: SideShown
    changes: ComparisonShown
    recorded: ComparisonShown = Field(
        description="Alarms that happened, beside those that the rules in force give: a check of ourselves."
    )
    notes: list[TextShown]
