"""The dispatch table (附件1 调度表): what each of its cells counts, and what must hold between them."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import msgspec

from cloud.database import Connection
from cloud.reports import acts_of_authorities as acts
from cloud.reports.layout import dispatch
from cloud.reports.model import Check, Computed, Definition, Number, Scope, register
from cloud.reports.place import Place, place_of
from cloud.reports.population import LEVELS, ActingLevel, Major, majors, proposed
from cloud.reports.printing import levels_sheet, print_dispatch
from cloud.reports.sources import has_source
from cloud.reports.store import previous
from sitewarden.text import Text

KIND = "appendix_1"
MEANS = {
    "submitted": Text("已提交整改完成", "handed in as rectified"),
    "verified": Text("整改完成且复查合格", "rectified, and a review has passed it"),
    "closed": Text("已销号", "struck off"),
}
SOURCES = {
    "inspections": Text("抽查检查记录", "inspections"),
    "enforcement": Text("执法记录", "enforcement"),
    "guidance": Text("帮扶指导记录", "guidance"),
}
_BEGAN = dt.date(1970, 1, 1)


def compute(connection: Connection, scope: Scope) -> Computed:
    """Count every cell."""
    place = place_of(connection, scope)
    found = majors(connection, scope)
    waiting = proposed(connection, scope)
    numbers = {**of_majors(found, place.rectified_means), **_of_authorities(connection, scope, place)}
    before = previous(connection, KIND, scope)
    return Computed(
        title=title_of(place, KIND, dispatch().title),
        head=place.head(scope),
        values=msgspec.to_builtins({**numbers, "proposed": _number([str(one) for one in waiting])}),
        sources=sorted(set(SOURCES) - {number.missing for number in numbers.values()}),
        footer=footer(place, scope, len(waiting), numbers),
        checks=checks(numbers, len(found), _numbers(before)),
    )


def title_of(place: Place, kind: str, usual: str) -> str:
    """What is printed over it: the campaign's own title, or one made of the place's name."""
    if place.campaign is None:
        return usual.format(place=place.name.zh)
    template = place.campaign.template
    return template.titles.get(kind) or usual.format(place=place.name.zh)


def of_majors(found: list[Major], rectified_means: str) -> dict[str, Number]:
    """The cells of the first part."""

    def fixed(these: list[Major]) -> list[Major]:
        return [one for one in these if one.fixed(rectified_means)]

    own = [one for one in found if one.source == "self"]
    inspected = [one for one in found if one.source != "self"]
    listed = [one for one in found if one.listed]
    return {
        "a1": _number([str(one.id) for one in own]),
        "a2": _number([str(one.id) for one in fixed(own)]),
        "a3": _by_level(inspected, lambda one: one.found_by),
        "a4": _by_level(fixed(inspected), lambda one: one.found_by),
        "a5": _by_level(listed, lambda one: one.listed_level),
        "a6": _by_level(fixed(listed), lambda one: one.listed_level),
    }


def _number(records: list[str]) -> Number:
    return Number(value=len(records), records=records)


def _by_level(found: list[Major], level_of: Callable[[Major], ActingLevel]) -> Number:
    levels = [level_of(one) for one in found]
    return Number(
        value=len(found),
        records=[str(one.id) for one in found],
        split={level: levels.count(level) for level in LEVELS},
    )


def _of_authorities(connection: Connection, scope: Scope, place: Place) -> dict[str, Number]:
    asked = acts.Asked(
        node=scope.node,
        since=_BEGAN if place.since is None else place.day(place.since),
        until=place.day(scope.cut_off),
        known=scope.known,
        cut_off=scope.cut_off,
    )
    checked = acts.of_checks(acts.inspected(connection, asked))
    done = acts.of_measures(acts.enforced(connection, asked))
    kept = {
        source: has_source(connection, source, scope.node, asked.since, asked.until) for source in SOURCES
    }
    return {
        cell: number if kept[_source(cell)] else Number(value=None, missing=_source(cell))
        for cell, number in {**checked, **done}.items()
    }


def _source(cell: str) -> str:
    if cell.startswith("b"):
        return "inspections"
    return "guidance" if cell in ("c1", "c2") else "enforcement"


def footer(place: Place, scope: Scope, waiting: int, numbers: dict[str, Number]) -> list[Text]:
    """What is said outside of the official table."""
    head = place.head(scope)
    means = MEANS[place.rectified_means]
    lines = [
        Text(
            f"统计截止：{head['last_day']} 24:00（{head['time_zone']}）。",
            f"Counted up to the end of {head['last_day']} ({head['time_zone']}).",
        ),
        Text(f"“已完成整改”指{means.zh}。", f"Rectified means {means.en}."),
        Text(
            f"截止时待核实的疑似重大事故隐患 {waiting} 个，未计入表内。",
            f"Suspected and not yet judged at that time: {waiting}; they are in no number.",
        ),
        Text(
            "本平台数据仅含房屋市政工程施工。",
            "This platform knows only building and municipal construction.",
        ),
    ]
    for source in sorted({number.missing for number in numbers.values()} - {""}):
        name = SOURCES[source]
        lines.append(
            Text(f"“—”：{name.zh}未接入本平台，不等于 0。", f"“—”: {name.en} are not kept here; it is not 0.")
        )
    return lines


def item_of(cell: str) -> str:
    """As people find it in the printed table: `总体情况第2项`."""
    name, _, second = cell.partition(".")
    group = next(one for one in dispatch().groups if one.letter == name[0])
    return f"{group.name}第{name[1:]}项" + ("（后一个数）" if second else "")


def _numbers(before: Computed | None) -> dict[str, Number]:
    return {} if before is None else msgspec.convert(before.values, dict[str, Number])


def checks(numbers: dict[str, Number], rows: int, before: dict[str, Number]) -> list[Check]:
    """What must hold before anybody approves; a number that is unknown contradicts nothing."""

    def value(cell: str) -> Decimal | None:
        number = numbers.get(cell)
        return None if number is None or number.value is None else Decimal(number.value)

    def at_most(cell: str, other: str) -> Check:
        mine, most = value(cell), value(other)
        ok = mine is None or most is None or mine <= most
        zh, en = f"{item_of(cell)}不大于{item_of(other)}", f"{cell} is at most {other}"
        return Check(code=f"{cell}<={other}", ok=ok, words=Text(zh, en))

    found = (value("a1") or Decimal(0)) + (value("a3") or Decimal(0))
    listed = value("a5") or Decimal(0)
    made = [
        at_most("a2", "a1"),
        at_most("a4", "a3"),
        at_most("a6", "a5"),
        Check(
            code="a1+a3=rows",
            ok=found == rows,
            words=Text(
                f"{item_of('a1')}与第3项之和等于统计表（附件2）行数",
                "a1 and a3 are the rows of the statistics table",
            ),
        ),
        Check(
            code="a5<=a1+a3",
            ok=listed <= found,
            words=Text(f"{item_of('a5')}不大于第1项与第3项之和", "a5 is at most a1 and a3"),
        ),
        *(at_most(f"b{no}", "b1") for no in range(2, 9)),
        at_most("c8.crimes", "c8"),
    ]
    return [*made, _grown(numbers, before)]


def _grown(numbers: dict[str, Number], before: dict[str, Number]) -> Check:
    fewer = [
        cell
        for cell, number in before.items()
        if number.value is not None
        and cell in numbers
        and (now := numbers[cell].value) is not None
        and Decimal(now) < Decimal(number.value)
    ]
    said = "、".join(item_of(cell) for cell in fewer)
    return Check(
        code="cumulative",
        ok=not fewer,
        words=Text(
            f"累计数比上次报送减少：{said}" if fewer else "累计数不小于上次报送",
            f"Fewer than in the report before: {', '.join(fewer)}"
            if fewer
            else "Nothing is less than in the report before",
        ),
    )


register(
    Definition(
        kind=KIND,
        label=Text("调度表（附件1）", "Dispatch table (appendix 1)"),
        compute=compute,
        render=print_dispatch,
        table=levels_sheet,
        monthly=True,
    )
)
