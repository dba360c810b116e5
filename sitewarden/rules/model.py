"""What a rule is: condition, delays, level, the clause it stands on, and the hazard it proposes."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from sitewarden.text import Text

Confidence = Literal["agreed", "one-source", "memory", "unsure", "practice", "synthetic"]
"""How sure a number is: two sources agree, one source, from memory only, sources conflict, ours or the
trade's without a clause, made for tests."""

NotNegative = Annotated[float, msgspec.Meta(ge=0, description="a number of 0 or more")]
Positive = Annotated[float, msgspec.Meta(gt=0, description="a number above 0")]
Seconds = Annotated[
    float, msgspec.Meta(ge=0, le=2_678_400, description="seconds, 0 or more, a month at most")
]
SHORTEST_S, LONGEST_S = 0.1, 31_536_000
Window = Annotated[
    float, msgspec.Meta(ge=SHORTEST_S, le=LONGEST_S, description="seconds, from 0.1 to a year")
]
Several = Annotated[int, msgspec.Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]
Slug = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$", description="a name of a-z, 0-9 and -, no capitals")
]


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
    text: str = ""
    """In Chinese, as the standard has it; left out in a pack, it is that of `sitewarden/rules/clauses`."""


LONGEST_HANDLING_S = 2_592_000
"""30 days: who may take longer than that has no clock."""


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
    also: list[Clause] = []
    """The same danger in other editions, for whoever must still report by them."""
    handling_clock_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How long handling may take under a clause in two parts ('… and not handled in time'); else 0.

    A pack gives `LONGEST_HANDLING_S` at most. The type does not say so: it is that of messages too, and an
    alarm may not be refused for a number that is only too large.
    """


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A limit that is looked up: the site's value, a cell of the pack's table, or the least of several."""

    parameter: str | None = None
    """What the site gives; the design engineer's value always wins over `otherwise`."""
    table: str | None = None
    """A table of the pack, its row chosen by the site's parameters."""
    column: str | None = None
    least_of: "list[Parameter] | None" = None
    of: str | None = None
    """The looked-up number is multiplied by this parameter, such as the depth of the pit."""
    fraction: Positive = 1.0
    """… and by this, whichever way it was found."""
    otherwise: "Parameter | None" = None
    """Where the site gives no such parameter."""

    def __post_init__(self) -> None:
        """Exactly one way of looking it up."""
        ways = [self.parameter is not None, self.table is not None, self.least_of is not None]
        if sum(ways) != 1:
            raise ValueError("give exactly one of `parameter`, `table` and `least_of`")
        if (self.table is None) != (self.column is None):
            raise ValueError("`table` and `column` belong together")
        if self.otherwise is not None and self.parameter is None:
            raise ValueError("`otherwise` belongs to a `parameter`")

    def names(self) -> Iterator[str]:
        """Every parameter that may be asked for by name; those that choose a table's row are the table's."""
        yield from (name for name in (self.parameter, self.of) if name is not None)
        for part in (*(self.least_of or ()), *((self.otherwise,) if self.otherwise else ())):
            yield from part.names()

    def cells(self) -> Iterator[tuple[str, str]]:
        """Table and column of every cell that may be looked up."""
        if self.table is not None and self.column is not None:
            yield self.table, self.column
        for part in (*(self.least_of or ()), *((self.otherwise,) if self.otherwise else ())):
            yield from part.cells()


Limit = float | Parameter


class _Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="when"):
    """When an alarm is due. Numbers are in the unit of the watched kind unless said otherwise."""


class High(_Condition, frozen=True, tag="high"):
    """At or above the limit."""

    limit: Limit
    magnitude: bool = False
    """Judge the number without its sign: a wall may move either way."""


class Low(_Condition, frozen=True, tag="low"):
    """At or below the limit."""

    limit: Limit


class Band(_Condition, frozen=True, tag="band"):
    """At or outside either end of what is allowed."""

    low: Limit
    high: Limit


class Rate(_Condition, frozen=True, kw_only=True, tag="rate"):
    """The slope of the least-squares line over a window is at or beyond the limit.

    The window keeps at most 64 readings, evenly spaced, so that its memory does not grow with polling. It
    says nothing before `at_least` of them span half of it.
    """

    limit: Limit
    """In the unit of the kind per `per_s`."""
    per_s: Window
    window_s: Window
    at_least: Annotated[int, msgspec.Meta(ge=2, le=64, description="2 to 64 readings")] = 3
    direction: Literal["rising", "falling", "either"] = "rising"


class Consecutive(_Condition, frozen=True, kw_only=True, tag="consecutive"):
    """So many readings in a row at or above a fraction of the limit (连续 n 次超过其 70 %)."""

    limit: Limit
    fraction: Positive
    times: Several
    every_s: Seconds = 0.0
    """A round of monitoring: readings sooner after the last counted one are not counted. 0: each reading."""
    magnitude: bool = False


class Stale(_Condition, frozen=True, kw_only=True, tag="stale"):
    """No good reading for longer than this; with `watch: "*"` none of any point of the device."""

    after_s: Window


QualityWord = Literal[
    "stale",
    "timeout",
    "exception",
    "disconnected",
    "out_of_range",
    "sentinel",
    "not_a_number",
    "clock",
    "bad_input",
    "frozen",
    "jump",
]


class Bad(_Condition, frozen=True, kw_only=True, tag="quality"):
    """The reading is of one of these qualities: it comes, and cannot be believed."""

    any_of: Annotated[list[QualityWord], msgspec.Meta(min_length=1)]


class Frozen(_Condition, frozen=True, kw_only=True, tag="frozen"):
    """The value has not left `tolerance` for so long; armed by motion it is 'frozen while moving'."""

    after_s: Window
    tolerance: NotNegative = 0.0


class Jump(_Condition, frozen=True, kw_only=True, tag="jump"):
    """A step larger than the measured thing can make, between two readings at most so far apart."""

    step: Positive
    within_s: Window


class Bit(_Condition, frozen=True, kw_only=True, tag="bit"):
    """A bit of a status word has this value."""

    bit: Annotated[int, msgspec.Meta(ge=0, le=31, description="a bit number from 0 (lowest) to 31")]
    value: Literal[0, 1] = 1


class Count(_Condition, frozen=True, kw_only=True, tag="count"):
    """The value went beyond the limit at least so many times within the window."""

    limit: Limit
    times: Several
    window_s: Window


class Vote(_Condition, frozen=True, kw_only=True, tag="vote"):
    """The value is at or above the limit, and with it so many points of its kind on the device (m of n)."""

    limit: Limit
    at_least: Annotated[int, msgspec.Meta(ge=2, le=100, description="2 to 100 points")]


Condition = High | Low | Band | Rate | Consecutive | Stale | Bad | Frozen | Jump | Bit | Count | Vote


class Arming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold on another point of the device for the rule to count; a crane that moves, say.

    With neither end it is that the point can be read: what is made of a dead sensor is not told beside it.
    The newest reading before the judged one decides. Is it bad or too old, nobody can say, and the rule
    neither raises nor clears. Of several points of the kind it is the one derived from the same sensor as
    the watched one, else the first.
    """

    kind: str
    at_least: Limit | None = None
    at_most: Limit | None = None
    magnitude: bool = False
    """Compare the number without its sign."""
    optional: bool = False
    """A device without such a point is judged without this condition, rather than not at all."""
    max_age_s: Window = 60.0


class Applies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rule exists only where a parameter of the site says so, such as `slab_complete: 1`."""

    parameter: str
    equals: float | str | None = None
    """Left out: whatever the parameter is, as long as the site gives it."""
    or_given: list[str] = []
    """Other parameters, any of which does as well: a design value instead of what it is made of."""
    otherwise: bool = False
    """Whether it exists where none of them is given."""

    def names(self) -> Iterator[str]:
        """Every parameter that may decide."""
        yield from (self.parameter, *self.or_given)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit on one kind of point."""

    rule: Slug
    family: str
    """Rules of one family are steps of one danger: they share a hazard record."""
    version: Annotated[int, msgspec.Meta(ge=1)]
    watch: str
    """A kind of the vocabulary; the rule holds for every point of that kind.

    `*` is the device as a whole, and `crane.*` so too, if it reads any point whose kind begins like that.
    """
    condition: Condition
    arm: list[Arming] = []
    applies_if: Applies | None = None
    dead_band: Annotated[
        float, msgspec.Meta(ge=0, description="0 or more, in the unit of the watched kind")
    ] = 0.0
    """How far back inside the limit the value must be before the alarm may clear."""
    on_delay_s: Seconds = 0.0
    """How long the value must stay beyond the limit before the alarm is raised."""
    off_delay_s: Seconds = 0.0
    """How long it must stay back before the alarm clears."""
    latching: bool = False
    """It clears only after somebody has acknowledged it as well."""
    suppressed_by: list[Slug] = []
    """While one of these rules of the device stands raised, this one is not raised."""
    level: Annotated[int, msgspec.Meta(ge=1, le=4, description="1 提示, 2 预警, 3 报警 or 4 危急")]
    label: Text
    basis: Basis
    hazard: HazardProposal | None = None

    def __post_init__(self) -> None:
        """What cannot be meant together."""
        if isinstance(self.condition, Stale) and (self.arm or self.suppressed_by or self.on_delay_s):
            raise ValueError(
                "a silence is timed by `after_s`: remove `arm`, `suppressed_by` and `on_delay_s`"
            )
        if self.is_of_device and not isinstance(self.condition, Stale):
            raise ValueError("only `stale` watches a device as a whole")

    @property
    def is_of_device(self) -> bool:
        """Whether it watches a device, not a point."""
        return self.watch.endswith("*")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row of a table: for whom it holds, and its numbers as the standard prints them."""

    when: dict[str, list[float | str]] = {}
    """By parameter: the values that choose this row."""
    cells: dict[str, list[float]]
    """By column: one number, or the two ends of a range of which the lower is taken."""
    confidence: Confidence
    """`unsure`: the number is printed but never used; the design engineer's value is asked for."""
    note: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Default limits of a standard, chosen by what the site is."""

    clause: str
    source: str
    units: dict[str, str]
    """By column, as printed."""
    rows: list[Row]


class LimitChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A limit that somebody on site has changed, and stands for."""

    rule: Slug
    device: str | None = None
    """Left out: every device that has the rule."""
    point: str | None = None
    """The key of a point of that device, such as `strut_3`; left out: every point that the rule watches."""
    limit: float
    low: float | None = None
    """The lower end, of a band."""
    author: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    on: str
    """The date, such as 2026-11-20."""
    version: Annotated[int, msgspec.Meta(ge=2, description="a whole number from 2, above the rule's own")]


class BoundArming(msgspec.Struct, frozen=True, kw_only=True):
    """An arming condition with its limits resolved; its point is `BoundRule.inputs[index]`."""

    index: int
    at_least: float | None
    at_most: float | None
    max_age_ms: int
    magnitude: bool = False


class BoundRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on one point with its limits resolved: what the engine steps."""

    rule: Rule
    point: str
    limit: float
    """In the unit that `unit` says; the upper end of a band."""
    high: bool
    """Whether larger is worse."""
    on_delay_ms: int
    off_delay_ms: int
    clear_at: float
    """The value that must be left behind for the alarm to clear: the limit less (plus) the dead-band."""
    low: float | None = None
    """The lower end of a band."""
    inputs: tuple[str, ...] = ()
    """Other points of the device that it looks at."""
    is_akin: tuple[bool, ...] = ()
    """Of each input: whether it is made of the same sensor's readings, and so of the judged instant."""
    arm: tuple[BoundArming, ...] = ()
    is_plain: bool = True
    """A limit on a value and nothing else: the engine's short way."""
    unit: str | None = None
    """Of what is compared, where that is not the value itself."""
    basis: Basis
    """Of the number in force, which may be the design engineer's and not the rule's own."""
    origin: str = ""
    """How the number was found, for people."""
    version: int
    """The rule's, or that of the change which set the limit."""

    @property
    def is_timed(self) -> bool:
        """Whether time alone can raise it."""
        return isinstance(self.rule.condition, Stale)

    @property
    def listens_to(self) -> tuple[str, ...]:
        """The points whose readings move it."""
        return (self.point, *self.inputs) if self.rule.is_of_device else (self.point,)
