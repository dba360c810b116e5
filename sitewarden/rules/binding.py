"""From a rule and what a site is to the limit in force: parameters, tables, design values, changes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sitewarden.errors import SiteWardenError
from sitewarden.parameters import NO_POINTS, ByPoint, Parameters, parameters_at, point_key
from sitewarden.rules.model import (
    LONGEST_S,
    SHORTEST_S,
    Arming,
    Band,
    Basis,
    BoundArming,
    BoundRule,
    Condition,
    Consecutive,
    Count,
    Frozen,
    High,
    Jump,
    Limit,
    LimitChange,
    Low,
    Parameter,
    Rate,
    Row,
    Rule,
    Stale,
    Table,
    Vote,
)

DECIMALS = 9
"""0.1 * 3 lies above 0.3, and a value of 0.3 must reach it."""


class ParameterMissingError(SiteWardenError):
    """A rule asks for a parameter that the device does not give."""

    def __init__(self, rule: str, parameter: str, why: str = "", *, key: str = "") -> None:
        """Both by name; `why` where more is to be said, `key` of the point that it is missing for."""
        self.rule, self.parameter, self.key = rule, parameter, key
        super().__init__(f"the rule `{rule}` asks for `{parameter}`, which is missing{why}")


class KindMissingError(SiteWardenError):
    """A rule looks at a kind of point that the device does not have."""

    def __init__(self, rule: str, kind: str) -> None:
        """Both by name."""
        self.rule, self.kind = rule, kind
        super().__init__(f"the rule `{rule}` needs a point of kind `{kind}`, which the device does not have")


class Resolved(NamedTuple):
    """A number in force, and where it comes from."""

    value: float
    basis: Basis
    origin: str


class Beside(NamedTuple):
    """The points of a device."""

    by_kind: Mapping[str, Sequence[str]]
    raw: Sequence[str]
    """Those that are read, not derived."""

    def watched(self, rule: Rule) -> Sequence[str]:
        """The points that the rule looks at; of a rule on a device as a whole all that count for it."""
        if not rule.is_of_device:
            return self.by_kind.get(rule.watch, ())
        beginning = rule.watch.removesuffix("*")
        alike = {p for kind, points in self.by_kind.items() if kind.startswith(beginning) for p in points}
        return [point for point in self.raw if point in alike]


NOTHING_BESIDE = Beside({}, ())


_PER = {1.0: "s", 60.0: "min", 3600.0: "h", 86_400.0: "d"}


def unit_of(bound: BoundRule, unit: str) -> str:
    """Of what the rule compares, where `unit` is that of the watched point."""
    condition = bound.rule.condition
    if isinstance(condition, Rate):
        return f"{unit}/{_PER.get(condition.per_s, f'{condition.per_s:g} s')}"
    return unit if bound.unit is None else bound.unit


def limit_passed(bound: BoundRule, compared: float) -> float:
    """The limit that such a number is beyond: of a band the nearer end."""
    if bound.low is not None and abs(compared - bound.low) < abs(compared - bound.limit):
        return bound.low
    return bound.limit


def applies(rule: Rule, point: str, parameters: Parameters, by_point: ByPoint = NO_POINTS) -> bool:
    """Whether the rule exists on this point of a device with these parameters."""
    asked, parameters = rule.applies_if, _given(rule, point, parameters, by_point).parameters
    if asked is None:
        return True
    if any(name in parameters for name in asked.or_given):
        return True
    if asked.parameter not in parameters:
        return asked.otherwise
    return asked.equals is None or _same(parameters[asked.parameter], asked.equals)


def bind(
    rule: Rule,
    point: str,
    parameters: Parameters,
    *,
    by_point: ByPoint = NO_POINTS,
    tables: Mapping[str, Table] | None = None,
    beside: Beside = NOTHING_BESIDE,
    changes: Iterable[LimitChange] = (),
) -> BoundRule:
    """The rule on a point of a device with these parameters; those that the point has itself win.

    Raises `ParameterMissingError` and `KindMissingError`. Of several changes the highest version holds, and
    of two with the same that of the point.
    """
    resolver = _Resolver(rule, _given(rule, point, parameters, by_point), tables or {})
    condition = rule.condition
    change = latest_change(rule, point, changes)
    resolved = resolver.limit(limit_of(condition)) if change is None else _changed(rule, change)
    high = not isinstance(condition, Low) and not (
        isinstance(condition, Rate) and condition.direction == "falling"
    )
    limit = resolved.value
    low = resolver.limit(condition.low).value if isinstance(condition, Band) else None
    if low is not None and change is not None and change.low is not None:
        low = change.low
    arm = [arming for arming in rule.arm if not arming.optional or beside.by_kind.get(arming.kind)]
    kinds = list(dict.fromkeys(arming.kind for arming in arm))
    inputs = _inputs(rule, point, beside, kinds)
    return BoundRule(
        rule=rule,
        point=point,
        limit=limit,
        high=high,
        on_delay_ms=round(rule.on_delay_s * 1000),
        off_delay_ms=round(rule.off_delay_s * 1000),
        clear_at=limit - rule.dead_band if high else limit + rule.dead_band,
        low=low,
        inputs=inputs,
        is_akin=tuple(is_akin(point, other) for other in inputs),
        arm=tuple(_bound(arming, kinds, resolver) for arming in arm),
        is_plain=not arm and is_limit(condition),
        unit=_unit(condition),
        basis=resolved.basis,
        origin=resolved.origin,
        version=rule.version if change is None else change.version,
    )


def limit_of(condition: Condition) -> Limit:
    """The number by which the condition is told to people; the upper end of a band."""
    if isinstance(condition, High | Low | Rate | Consecutive | Count | Vote):
        return condition.limit
    if isinstance(condition, Band):
        return condition.high
    if hasattr(condition, "after_s"):
        return float(condition.after_s)
    if hasattr(condition, "step"):
        return float(condition.step)
    return float(getattr(condition, "value", 0.0))


def limits_of(rule: Rule) -> list[Limit]:
    """Every number of the rule's condition and arming, as it is written."""
    condition = rule.condition
    ends = [condition.low, condition.high] if isinstance(condition, Band) else [limit_of(condition)]
    return ends + [e for arming in rule.arm for e in (arming.at_least, arming.at_most) if e is not None]


def is_limit(condition: Condition) -> bool:
    """Whether a number alone says, against one limit, that the danger is not there."""
    return isinstance(condition, Low) or (isinstance(condition, High) and not condition.magnitude)


def _unit(condition: Condition) -> str | None:
    """Of what is compared; `None` where that is the value itself."""
    if isinstance(condition, Count):
        return "1"
    is_value = isinstance(condition, High | Low | Band | Consecutive | Vote) or hasattr(condition, "step")
    if is_value or isinstance(condition, Rate):
        return None
    return "1" if hasattr(condition, "bit") else "s"


def _inputs(rule: Rule, point: str, beside: Beside, kinds: Iterable[str]) -> tuple[str, ...]:
    if isinstance(rule.condition, Stale):
        return tuple(other for other in beside.watched(rule) if other != point) if rule.is_of_device else ()
    found = []
    for kind in kinds:
        if not beside.by_kind.get(kind):
            raise KindMissingError(rule.rule, kind)
        found.append(_akin(point, beside.by_kind[kind]))
    if isinstance(rule.condition, Vote):
        found += [other for other in beside.by_kind.get(rule.watch, ()) if other != point]
    return tuple(found)


def _akin(point: str, others: Sequence[str]) -> str:
    """The one derived from the same sensor; else the first."""
    return next((other for other in others if is_akin(point, other)), others[0])


def is_akin(point: str, other: str) -> bool:
    """Whether both are made of one sensor's readings, as `p1/h3.rate` and `p1/h3.cumulative` are."""
    return point.partition(".")[0] == other.partition(".")[0]


_OF_ITSELF = "camera."
"""Kinds of what a camera says of itself, and so of all that it sees."""


def suppressors_of(bound: BoundRule, bounds: Iterable[BoundRule]) -> list[BoundRule]:
    """The rules of its device that hold it back while they stand.

    Of a rule on several points only the one on the same sensor: another sensor's alarm says nothing about
    this one. A rule on the device as a whole speaks for every sensor, as does one on what a camera says of
    itself; and where each rule has but one point, as a crane's load and moment have, there is no other sensor
    to hide.
    """
    device = bound.point.partition("/")[0]
    beside = [b for b in bounds if b.point.partition("/")[0] == device]
    points = Counter(b.rule.rule for b in beside)
    return [
        other
        for other in beside
        if other.rule.rule in bound.rule.suppressed_by
        and (
            other.rule.is_of_device
            or other.rule.watch.startswith(_OF_ITSELF)
            or is_akin(bound.point, other.point)
            or points[other.rule.rule] == points[bound.rule.rule] == 1
        )
    ]


def _bound(arming: Arming, kinds: Sequence[str], resolver: "_Resolver") -> BoundArming:
    return BoundArming(
        index=kinds.index(arming.kind),
        at_least=None if arming.at_least is None else resolver.limit(arming.at_least).value,
        at_most=None if arming.at_most is None else resolver.limit(arming.at_most).value,
        max_age_ms=round(arming.max_age_s * 1000),
        magnitude=arming.magnitude,
    )


def latest_change(rule: Rule, point: str, changes: Iterable[LimitChange]) -> LimitChange | None:
    """The change that holds for the rule on this point; `None` where nobody changed it."""
    device, key = point.partition("/")[0], point_key(point)
    mine = [
        c for c in changes if c.rule == rule.rule and c.device in (None, device) and c.point in (None, key)
    ]
    return max(mine, key=lambda change: (change.version, change.point is not None), default=None)


def change_unmeant(rule: Rule, change: LimitChange) -> tuple[str, str, str] | None:
    """Field, fault and mend of a change that the rule cannot mean: it would always alarm, or never."""
    condition = rule.condition
    if change.low is not None and not isinstance(condition, Band):
        return "low", f"`{rule.rule}` has one limit and no lower end", "Remove the line."
    if isinstance(condition, Stale | Frozen) and not SHORTEST_S <= change.limit <= LONGEST_S:
        return "limit", f"{change.limit:g} s cannot be meant", "Write seconds, from 0.1 to a year."
    if _is_distance(condition) and change.limit <= 0:
        return "limit", f"{change.limit:g} is passed by every value", "Write a number above 0."
    if isinstance(condition, Band):
        low = condition.low if change.low is None else change.low
        if not isinstance(low, Parameter) and low >= change.limit:
            message = f"the band from {low:g} to {change.limit:g} lets nothing through"
            return "limit" if change.low is None else "low", message, "Write `low:`, and below `limit:`."
    return None


def limit_unmeant(bound: BoundRule) -> str | None:
    """Why the limit in force cannot be meant: every value would be beyond it."""
    if _is_distance(bound.rule.condition) and bound.limit <= 0:
        return f"`{bound.rule.rule}` has the limit {bound.limit:g} ({bound.origin}), which every value passes"
    if bound.low is not None and bound.low >= bound.limit:
        band = f"{bound.low:g} to {bound.limit:g}"
        return f"`{bound.rule.rule}` has a band from {band}, which lets nothing through"
    return None


def _is_distance(condition: Condition) -> bool:
    """Whether what is compared is never below nothing: a number without its sign, or a step."""
    is_unsigned = isinstance(condition, High | Consecutive) and condition.magnitude
    is_slope = isinstance(condition, Rate) and condition.direction == "either"
    return is_unsigned or is_slope or isinstance(condition, Jump)


def _changed(rule: Rule, change: LimitChange) -> Resolved:
    basis = Basis(clause=rule.basis.clause, source=f"changed by {change.author}", confidence="agreed")
    when = f" on {change.on}" if change.on else ""
    limit = change.limit
    if isinstance(rule.condition, Stale | Frozen):
        # No gateway takes such a time, but histories and packs of strangers are judged too.
        limit = min(limit, LONGEST_S)
    return Resolved(limit, basis, f"changed by {change.author}{when}: {change.reason}")


class _Given(NamedTuple):
    """What a site gives for a rule on a point."""

    parameters: Parameters
    """The point's own, and for every other name its device's."""
    key: str
    own: Collection[str]
    """Names of the point's own."""

    def told(self, name: str) -> str:
        """A parameter by its name, and whose it is where it is not the whole device's."""
        return f"{name} for {self.key}" if name in self.own else name


def _given(rule: Rule, point: str, parameters: Parameters, by_point: ByPoint) -> _Given:
    """A rule on the device as a whole knows of no point's own."""
    key = point_key(point)
    if rule.is_of_device or key not in by_point:
        return _Given(parameters, key, ())
    return _Given(parameters_at(point, parameters, by_point), key, by_point[key])


class _Resolver:
    """Looks numbers up for one rule on one point."""

    def __init__(self, rule: Rule, given: _Given, tables: Mapping[str, Table]) -> None:
        self._rule, self._given_for, self._tables = rule, given, tables
        self._parameters, self._told = given.parameters, given.told

    def _missing(self, parameter: str, why: str = "") -> ParameterMissingError:
        return ParameterMissingError(self._rule.rule, parameter, why, key=self._given_for.key)

    def limit(self, asked: Limit) -> Resolved:
        """As `number`; a table that gives none is a parameter that is missing."""
        try:
            return self.number(asked)
        except _UnsureError as exc:
            raise self._missing("a design value", f": {exc}") from exc

    def number(self, asked: Limit) -> Resolved:
        if not isinstance(asked, Parameter):
            return Resolved(asked, self._rule.basis, "the rule's own")
        found = self._found(asked)
        value = found.value * asked.fraction
        origin = found.origin
        if asked.of is not None:
            value *= self._given(asked.of)
            origin = f"{origin} of {self._told(asked.of)}"
        if asked.fraction != 1.0:
            origin = f"{asked.fraction:g} times {origin}"
        return Resolved(round(value, DECIMALS), found.basis, origin)

    def _found(self, asked: Parameter) -> Resolved:
        if asked.least_of is not None:
            return self._least(asked.least_of)
        if asked.parameter is None:
            return self._cell(asked)
        if asked.parameter in self._parameters:
            design = Basis(clause=self._rule.basis.clause, source="design", confidence="agreed")
            return Resolved(self._given(asked.parameter), design, f"the site's {self._told(asked.parameter)}")
        if asked.otherwise is None:
            raise self._missing(asked.parameter)
        try:
            return self.number(asked.otherwise)
        except _UnsureError as exc:
            raise self._missing(asked.parameter, f": {exc}") from exc

    def _least(self, parts: Iterable[Parameter]) -> Resolved:
        found, unprinted = [], None
        for part in parts:
            try:
                found.append(self.number(part))
            except _NotPrintedError as exc:
                unprinted = exc
        if not found and unprinted is not None:
            raise unprinted
        return min(found, key=lambda one: one.value)

    def _given(self, name: str) -> float:
        value = self._parameters.get(name)
        if value is None:
            raise self._missing(name)
        if isinstance(value, str):
            raise self._missing(name, f": `{value}` is no number")
        return float(value)

    def _cell(self, asked: Parameter) -> Resolved:
        name, column = asked.table or "", asked.column or ""
        table = self._tables[name]
        row = self._row(name, table)
        if row.confidence == "unsure":
            raise _UnsureError(f"{table.clause} is not known for sure here ({row.note})")
        cells = row.cells.get(column)
        if not cells:
            raise _NotPrintedError(f"{table.clause} prints no {column} here")
        basis = Basis(clause=table.clause, source=table.source, confidence=row.confidence)
        printed = "–".join(f"{number:g}" for number in cells)
        return Resolved(min(cells), basis, f"{name} {column} {printed} ({table.clause})")

    def _row(self, name: str, table: Table) -> Row:
        for row in table.rows:
            if all(self._chosen(name, key, values) for key, values in row.when.items()):
                return row
        asked = ", ".join(dict.fromkeys(key for row in table.rows for key in row.when))
        raise _UnsureError(f"{table.clause} has no row for these {asked}")

    def _chosen(self, table: str, key: str, values: Iterable[float | str]) -> bool:
        if key not in self._parameters:
            raise self._missing(key, f" and chooses the row of {table}")
        return any(_same(self._parameters[key], value) for value in values)


class _UnsureError(SiteWardenError):
    """The table gives no number that may be used."""


class _NotPrintedError(_UnsureError):
    """It limits other columns of this row, not this one: the least of several goes without it."""


def _same(one: float | str, other: float | str) -> bool:
    """`1`, `1.0` and "1" choose the same row."""
    return _word(one) == _word(other)


def _word(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def asked_of(rule: Rule, tables: Mapping[str, Table]) -> Iterator[str]:
    """Every parameter that the rule may ask a site for."""
    for end in limits_of(rule):
        if isinstance(end, Parameter):
            yield from end.names()
            for name, _ in end.cells():
                yield from (key for row in tables[name].rows for key in row.when)
    if rule.applies_if is not None:
        yield from rule.applies_if.names()
