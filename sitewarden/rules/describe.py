"""A rule in words: as it is written in a pack, or as it is in force on a point."""

from collections.abc import Iterator

from sitewarden.parameters import ByPoint, Parameters
from sitewarden.points import point_kind
from sitewarden.rules.binding import limit_of
from sitewarden.rules.model import (
    Applies,
    Arming,
    Bad,
    Band,
    Bit,
    BoundRule,
    Consecutive,
    Count,
    Frozen,
    HazardProposal,
    High,
    Jump,
    Limit,
    Low,
    Parameter,
    Rate,
    Rule,
    Stale,
    Vote,
)
from sitewarden.text import Text

LEVELS = {1: "提示", 2: "预警", 3: "报警", 4: "危急"}
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"))


def in_force(bound: BoundRule) -> str:
    """When the rule raises on its point, such as `>= 110 %`."""
    low = None if bound.low is None else f"{bound.low:g}"
    return _condition(bound.rule, f"{bound.limit:g}", low)


def as_written(rule: Rule) -> str:
    """When the rule raises, with parameters and tables by their names."""
    condition = rule.condition
    low = limit_as_written(condition.low) if isinstance(condition, Band) else None
    return _condition(rule, limit_as_written(limit_of(condition)), low)


def limit_as_written(limit: Limit) -> str:
    """A number, or how it is looked up."""
    if not isinstance(limit, Parameter):
        return f"{limit:g}"
    if limit.least_of is not None:
        said = f"the least of ({'; '.join(limit_as_written(part) for part in limit.least_of)})"
    elif limit.table is not None:
        said = f"table {limit.table}.{limit.column}"
    else:
        said = f"`{limit.parameter}`"
    if limit.otherwise is not None:
        said = f"({said}, else {limit_as_written(limit.otherwise)})"
    if limit.of is not None:
        said = f"{said} of `{limit.of}`"
    return said if limit.fraction == 1.0 else f"{limit.fraction:g} × {said}"


def unit_of(rule: Rule) -> str:
    """Of the watched kind, with the space before it; empty where there is none."""
    if rule.is_of_device:
        return ""
    unit = point_kind(rule.watch).unit
    return "" if unit == "1" else f" {unit}"


def word(value: float | str) -> str:
    """A parameter's value as people write it: 1, not 1.0."""
    return value if isinstance(value, str) else f"{value:g}"


def given(parameters: Parameters) -> str:
    """Such as `pit_class 1, f2_kn 1800`."""
    return ", ".join(f"{name} {word(value)}" for name, value in parameters.items())


def all_given(parameters: Parameters, by_point: ByPoint) -> Iterator[str]:
    """What a site gives for a device, and then for single points of it."""
    if parameters:
        yield f"given: {given(parameters)}"
    yield from (f"given for {key}: {given(own)}" for key, own in by_point.items())


def where_it_applies(asked: Applies) -> str:
    """Such as ``only where `slab_complete` is 0 or not given``."""
    said = [f"`{asked.parameter}` is {'given' if asked.equals is None else word(asked.equals)}"]
    said += [f"`{name}` is given" for name in asked.or_given]
    return f"only where {' or '.join(said)}{' or not given' if asked.otherwise else ''}"


def duration(seconds: float) -> str:
    """In the largest unit that leaves no rest, such as `2 h`."""
    for length, name in _STEPS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {name}"
    return f"{seconds:g} s"


def _condition(rule: Rule, limit: str, low: str | None) -> str:  # noqa: C901, PLR0911  a line a condition
    condition, unit = rule.condition, unit_of(rule)
    either = ", either way" if getattr(condition, "magnitude", False) else ""
    match condition:
        case High():
            return f">= {limit}{unit}{either}"
        case Low():
            return f"<= {limit}{unit}"
        case Band():
            return f"<= {low}{unit} or >= {limit}{unit}"
        case Rate():
            return _rate(condition, limit, unit)
        case Consecutive(fraction=part, times=times, every_s=every_s):
            rounds = f", counted every {duration(every_s)} at most" if every_s else ""
            return f"{times} readings in a row >= {100 * part:g} % of {limit}{unit}{either}{rounds}"
        case Stale():
            whose = f" of any point of kind {rule.watch}" if rule.is_of_device else ""
            return f"no good reading{whose} for more than {_length(limit)}"
        case Bad():
            return f"quality is {' or '.join(condition.any_of)}"
        case Frozen(tolerance=tolerance):
            within = f" within {tolerance:g}{unit}" if tolerance else ""
            return f"unchanged{within} for {_length(limit)}"
        case Jump(within_s=within_s):
            return f"a step of more than {limit}{unit} within {duration(within_s)}"
        case Bit(bit=bit, value=value):
            return f"bit {bit} is {value}"
        case Count(times=times, window_s=window_s):
            return f">= {limit}{unit} reached {times} times within {duration(window_s)}"
        case Vote(at_least=at_least):
            return f">= {limit}{unit} at {at_least} points of its kind"


def _rate(condition: Rate, limit: str, unit: str) -> str:
    sign = "<=" if condition.direction == "falling" else ">="
    either = ", either way" if condition.direction == "either" else ""
    per = f"a change of {sign} {limit}{unit} per {duration(condition.per_s)}{either}"
    return f"{per}, over {duration(condition.window_s)}"


def _length(limit: str) -> str:
    return duration(float(limit))


def arming(bound: BoundRule) -> Iterator[str]:
    """What must hold on other points, one condition each."""
    for one in bound.arm:
        point = bound.inputs[one.index]
        ends = _ends(
            None if one.at_least is None else f"{one.at_least:g}",
            None if one.at_most is None else f"{one.at_most:g}",
            magnitude=one.magnitude,
        )
        yield f"only while {point} {ends} (a reading at most {duration(one.max_age_ms / 1000)} old)"


def arming_as_written(one: Arming) -> str:
    """Such as `crane.moving >= 1`."""
    ends = _ends(
        None if one.at_least is None else limit_as_written(one.at_least),
        None if one.at_most is None else limit_as_written(one.at_most),
        magnitude=one.magnitude,
    )
    return f"{one.kind} {ends}{' where there is such a point' if one.optional else ''}"


def _ends(at_least: str | None, at_most: str | None, *, magnitude: bool) -> str:
    ends = [f">= {at_least}"] * (at_least is not None) + [f"<= {at_most}"] * (at_most is not None)
    if not ends:
        return "can be read"
    return " and ".join(ends) + (", either way" if magnitude else "")


def delays(bound: BoundRule) -> str:
    """When the alarm is raised and when it clears."""
    rule = bound.rule
    off = duration(bound.off_delay_ms / 1000)
    if isinstance(rule.condition, Stale):
        said = f"cleared after {off} of good readings"
    else:
        back = f" at {_back(bound)}" if rule.dead_band else ""
        said = f"raised after {duration(bound.on_delay_ms / 1000)} beyond; cleared after {off}{back}"
        said += f" (dead-band {rule.dead_band:g})" if rule.dead_band else ""
    return f"{said}, once it has been acknowledged" if rule.latching else said


def _back(bound: BoundRule) -> str:
    unit, band = unit_of(bound.rule), bound.rule.dead_band
    if bound.low is not None:
        return f"between {bound.low + band:g} and {bound.clear_at:g}{unit}"
    return f"{'<' if bound.high else '>'} {bound.clear_at:g}{unit}"


def lines(bound: BoundRule) -> Iterator[str]:
    """Everything about a rule in force, the headline first."""
    rule = bound.rule
    yield f"{rule.rule}: {in_force(bound)}, level {rule.level} {LEVELS[rule.level]}, {both(rule.label)}"
    yield from arming(bound)
    yield delays(bound)
    if rule.suppressed_by:
        yield f"not raised while {' or '.join(rule.suppressed_by)} stands"
    yield f"limit: {bound.origin}, version {bound.version}"
    basis = bound.basis
    yield f"basis: {basis.clause}; source: {basis.source}; confidence: {basis.confidence}"
    yield hazard(rule.hazard)


def hazard(proposal: HazardProposal | None) -> str:
    """As what it opens a hazard record."""
    if proposal is None:
        return "opens no hazard record"
    named = "".join(
        f", clause {clause.id} of {clause.edition}"
        for clause in (*((proposal.clause,) if proposal.clause else ()), *proposal.also)
    )
    clock = proposal.handling_clock_s
    waits = f", suspected major after {duration(clock)} without handling" if clock else ""
    accident = both(proposal.potential_accident)
    return f"opens a hazard: {both(proposal.category)}, {proposal.level}, {accident}{named}{waits}"


def both(text: Text) -> str:
    """In both languages, once where they are the same."""
    return text.zh if text.zh == text.en else f"{text.zh} {text.en}"
