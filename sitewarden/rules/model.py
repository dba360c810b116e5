"""What a rule is: the limit, the delays, the level, the clause it stands on, and the hazard it proposes."""

from typing import Annotated, Literal

import msgspec

from sitewarden.text import Text

Confidence = Literal["agreed", "one-source", "memory", "synthetic"]
"""How sure a number is: two sources agree, one source, from memory only, made for tests."""


class Basis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a number comes from."""

    clause: str
    """Standard and clause, such as `GB/T 5031 报警装置`."""
    source: str
    """`standard`, `design` (the design engineer's control value) or the document the number was read in."""
    confidence: Confidence


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clause of the standard for judging major hazards (重大事故隐患判定标准); a person judges."""

    edition: str
    """`2024` (建质规〔2024〕5号) or `2022` (建质规〔2022〕2号)."""
    id: str
    """Article and item, such as `8-4`."""
    text: str
    """In Chinese, as the standard has it; short form where the source has only that."""


class HazardProposal(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """As what an alarm opens a hazard record; alarm level and 重大 are different things."""

    category: Text
    """Such as 起重机械."""
    level: Literal["general", "major_proposed"]
    potential_accident: Text
    """Such as 起重伤害."""
    clause: Clause | None = None
    handling_clock_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How long handling may take under a clause in two parts ('… and not handled in time'); else 0."""


class High(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="when", tag="high"):
    """At or above the limit."""

    limit: "float | Parameter"


class Low(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="when", tag="low"):
    """At or below the limit."""

    limit: "float | Parameter"


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit that the site gives: a control value of the design, or a fraction of it."""

    parameter: str
    fraction: Annotated[float, msgspec.Meta(gt=0)] = 1.0


Seconds = Annotated[float, msgspec.Meta(ge=0, description="a number of seconds, 0 or more")]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit on one kind of point."""

    rule: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$", description="a name of a-z, 0-9 and -")]
    family: str
    """Rules of one family are steps of one danger: they share a hazard record."""
    version: Annotated[int, msgspec.Meta(ge=1)]
    watch: str
    """A kind of the vocabulary; the rule holds for every point of that kind."""
    condition: High | Low
    dead_band: Annotated[
        float, msgspec.Meta(ge=0, description="0 or more, in the unit of the watched kind")
    ] = 0.0
    """How far back inside the limit the value must be before the alarm may clear."""
    on_delay_s: Seconds = 0.0
    """How long the value must stay beyond the limit before the alarm is raised."""
    off_delay_s: Seconds = 0.0
    """How long it must stay back before the alarm clears."""
    level: Annotated[int, msgspec.Meta(ge=1, le=4, description="1 提示, 2 预警, 3 报警 or 4 危急")]
    label: Text
    basis: Basis
    hazard: HazardProposal | None = None


class BoundRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on one point with its limit resolved: what the engine steps."""

    rule: Rule
    point: str
    limit: float
    """In the unit of the point's kind."""
    high: bool
    on_delay_ms: int
    off_delay_ms: int
    clear_at: float
    """The value that must be left behind for the alarm to clear: the limit less (plus) the dead-band."""


def bind(rule: Rule, point: str, parameters: dict[str, float]) -> BoundRule:
    """The rule on a point of a device with these parameters; `KeyError` names a missing one."""
    asked = rule.condition.limit
    # Rounded, for 0.1 * 3 lies above 0.3, and a value of 0.3 must reach it.
    limit = round(parameters[asked.parameter] * asked.fraction, 9) if isinstance(asked, Parameter) else asked
    high = isinstance(rule.condition, High)
    return BoundRule(
        rule=rule,
        point=point,
        limit=limit,
        high=high,
        on_delay_ms=round(rule.on_delay_s * 1000),
        off_delay_ms=round(rule.off_delay_s * 1000),
        clear_at=limit - rule.dead_band if high else limit + rule.dead_band,
    )
