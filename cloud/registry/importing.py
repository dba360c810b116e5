"""Tables brought in: first what they would do, then exactly that, all of it or nothing.

A trial does the work and takes it back, so what it says is what the same table would do, complaints included.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import psycopg
import pydantic

from cloud.database import Row
from cloud.problems import ProblemError
from cloud.registry import store
from cloud.registry.columns import CHART, Record, Table
from cloud.registry.kinds import CHARTS, Around
from cloud.registry.model import (
    ComplaintShown,
    FieldChange,
    ImportAsked,
    Imported,
    RowShown,
)
from cloud.registry.service import translated
from cloud.registry.sheets import Complaint, Line, Sheet, SheetError, read_sheet
from sitewarden.loadchart import Fault, faults
from sitewarden.text import Text


class _Report(msgspec.Struct):
    """What has been found so far."""

    encoding: str = ""
    added: list[RowShown] = []
    changed: list[RowShown] = []
    removed: list[RowShown] = []
    unchanged: int = 0
    errors: list[Complaint] = []
    seen: list[tuple[str, int]] = []
    """Records and the versions that they had."""

    def digest(self, asked: ImportAsked) -> str:
        """Another one wherever the table, or anything that it touches, is another."""
        parts = [
            hashlib.sha256(asked.content).hexdigest(),
            asked.device,
            asked.source,
            self.seen,
            [row.model_dump(mode="json") for row in (*self.added, *self.changed, *self.removed)],
        ]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def shown(self, asked: ImportAsked, *, is_applied: bool) -> Imported:
        """For people."""
        return Imported(
            is_applied=is_applied,
            encoding=self.encoding,
            added=self.added,
            changed=self.changed,
            removed=self.removed,
            unchanged=self.unchanged,
            errors=[ComplaintShown(**msgspec.to_builtins(error)) for error in _by_line(self.errors)],
            agreed=None if self.errors else self.digest(asked),
        )


def _by_line(errors: Iterable[Complaint]) -> list[Complaint]:
    return sorted(errors, key=lambda error: error.line)


async def bring_records(around: Around, table: Table, asked: ImportAsked) -> Imported:
    """Make and change records as the table says; without `agreed` only say what that would be."""
    report = _Report()
    async with _settled(around, report, asked):
        sheet = _read(asked, table.columns, report)
        if sheet is not None:
            await _bring_lines(around, table, sheet, report)
    return report.shown(asked, is_applied=asked.agreed is not None)


async def bring_chart(around: Around, asked: ImportAsked) -> Imported:
    """Make the table the load chart of a crane, in place of the one it has."""
    report = _Report()
    async with _settled(around, report, asked):
        sheet = _read(asked, CHART, report)
        if sheet is not None:
            await _bring_chart(around, asked, sheet, report)
    return report.shown(asked, is_applied=asked.agreed is not None)


@asynccontextmanager
async def _settled(around: Around, report: _Report, asked: ImportAsked) -> AsyncIterator[None]:
    """What was done is kept only if it is what was agreed to; a trial is taken back."""
    async with around.connection.transaction() as transaction:
        yield
        if asked.agreed is None:
            raise psycopg.Rollback(transaction)
        if report.errors or report.digest(asked) != asked.agreed:
            raise ProblemError(
                409,
                "not-what-was-agreed",
                "It is not what was looked at",
                "The table or the registry has changed since. Look at what it would do now.",
            )


def _read(asked: ImportAsked, columns: list[Any], report: _Report) -> Sheet | None:
    try:
        sheet = read_sheet(asked.content, columns)
    except SheetError as exc:
        report.errors.append(exc.complaint)
        return None
    report.encoding = sheet.encoding
    report.errors += [complaint for line in sheet.lines for complaint in line.complaints]
    return sheet


# Records


class _Place(NamedTuple):
    """Where in a table something is wrong."""

    sheet: Sheet
    table: Table
    line: Line

    def complaint(self, field: str, message: Text, mend: Text) -> Complaint:
        """It, under the title that the table has for the field."""
        title = _title(self.sheet, self.table, field) if field else ""
        return Complaint(line=self.line.line, field=title, message=message, mend=mend)

    def of_validation(self, error: Any) -> Complaint:
        """What a model refuses, with the column that it is of."""
        field = ".".join(str(step) for step in error["loc"] if not isinstance(step, int))
        known = [column.field for column in self.table.columns]
        if field not in known:
            field = next((name for name in known if name.partition(".")[0] == field.partition(".")[0]), field)
        return self.complaint(field, *_in_words(error))


async def _bring_lines(around: Around, table: Table, sheet: Sheet, report: _Report) -> None:
    lines: dict[str, int] = {}
    for line in sheet.lines:
        key, place = line.cells.get(table.key), _Place(sheet, table, line)
        if line.complaints or key is None:
            continue
        if key in lines:
            message = Text(f"“{key}”在第 {lines[key]} 行已有", f"`{key}` stands in line {lines[key]} already")
            report.errors.append(place.complaint(table.key, message, Text("只留一行。", "Keep one of them.")))
            continue
        lines[key] = line.line
        try:
            async with translated(), around.connection.transaction():
                await _bring_line(around, table, sheet, line, report)
        except pydantic.ValidationError as exc:
            report.errors += [place.of_validation(error) for error in exc.errors()]
        except ProblemError as exc:
            field = exc.errors[0].field if exc.errors else ""
            report.errors.append(place.complaint(field, *_of_problem(exc)))


async def _bring_line(around: Around, table: Table, sheet: Sheet, line: Line, report: _Report) -> None:
    kind, key = table.kind, str(line.cells[table.key])
    before = await _found(around, table, key)
    given = kind.new(**table.lay(_as_given(table, before), line.cells))
    values = kind.values(given)
    if before is None:
        row = await store.insert(
            around.connection,
            kind.table,
            {"site": around.site.site, kind.table.key: kind.new_key(given), **values},
        )
        await kind.check(around, row)
        report.added.append(RowShown(line=line.line, key=key, fields=_changes(sheet, table, {}, values)))
        return
    report.seen.append((key, before["version"]))
    changes = _changes(sheet, table, {name: before[name] for name in values}, values)
    if not changes:
        report.unchanged += 1
        return
    row = await store.update(around.connection, kind.table, around.site.site, before[kind.table.key], values)
    await kind.check(around, row)
    report.changed.append(RowShown(line=line.line, key=key, fields=changes))


async def _found(around: Around, table: Table, key: str) -> Row | None:
    """The record that a row is of, locked."""
    kind = table.kind
    if kind.is_named:
        return await store.read(around.connection, kind.table, around.site.site, key, locked=True)
    by_its_key = msgspec.structs.replace(kind.table, key=table.key)
    return await store.read(around.connection, by_its_key, around.site.site, key, locked=True)


def _as_given(table: Table, row: Row | None) -> Record:
    if row is None:
        return {}
    return {name: row[name] for name in table.kind.given.model_fields}


def _changes(
    sheet: Sheet, table: Table, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[FieldChange]:
    """Field by field; what a record has below a field is told apart where the table has columns for it."""
    old, new = _flat(table, before), _flat(table, after)
    return [
        FieldChange(field=name, title=_title(sheet, table, name), before=old.get(name), after=new.get(name))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name) and (before or new.get(name) not in (None, "", [], {}))
    ]


def _flat(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    leading = {column.field.partition(".")[0] for column in table.columns if "." in column.field}
    flat: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(dict(values)).items():
        if name == "parties":
            for party in value:
                flat.setdefault(f"parties.{party['role']}", party["name"])
        elif name in leading and isinstance(value, dict):
            flat.update({f"{name}.{below}": inner for below, inner in value.items()})
        else:
            flat[name] = value
    return flat


def _title(sheet: Sheet, table: Table, field: str) -> str:
    by_field = {column.field: column.zh for column in table.columns}
    return sheet.titles.get(field) or by_field.get(field, field)


_MENDS: Mapping[str, tuple[Text, Text]] = {
    "missing": (Text("没有填写", "is missing"), Text("填上这一格。", "Fill the cell in.")),
    "string_type": (Text("没有填写", "is missing"), Text("填上这一格。", "Fill the cell in.")),
    "string_pattern_mismatch": (
        Text("写法不对", "is not written as a name"),
        Text("用小写字母、数字和 -；测点写成“设备/测点”。", "Use a-z, 0-9 and -; a point is device/point."),
    ),
    "string_too_long": (Text("太长", "is too long"), Text("写短一些。", "Write less.")),
}
"""What models refuse, in words, by pydantic's name for it."""


def _in_words(error: Any) -> tuple[Text, Text]:
    message, mend = _MENDS.get(
        error["type"], (Text("不符合要求", str(error["msg"])), Text("改正这一格。", "Mend the cell."))
    )
    said = error["input"]
    if said is None:
        message, mend = _MENDS["missing"]
    if isinstance(said, str | int | float):
        message = Text(f"“{said}”：{message.zh}", f"`{said}`: {message.en}")
    return message, mend


def _of_problem(problem: ProblemError) -> tuple[Text, Text]:
    """What the registry refuses, in words."""
    words = {
        "unknown-reference": ("档案中没有这一项", "先建立它，或改正这一格。"),
        "already-there": ("已经有了", "改正编号。"),
        "out-of-order": ("与生命周期记录矛盾", "先改正设备的生命周期。"),
    }
    zh = words.get(problem.slug, (problem.detail, "改正这一行。"))
    return Text(zh[0], problem.detail), Text(zh[1], "Mend the line, or make first what it refers to.")


# Load charts


async def _bring_chart(around: Around, asked: ImportAsked, sheet: Sheet, report: _Report) -> None:
    if asked.device is None or not asked.source:
        raise ProblemError(
            422,
            "invalid",
            "Of which crane?",
            "A chart names its device and its source.",
            field="device",
            code="chart-of-nothing",
        )
    device = await store.read(around.connection, CHARTS.table, around.site.site, asked.device, locked=True)
    falls, lines = _falls(sheet.lines)
    report.errors += _chart_complaints(falls, lines)
    if report.errors or not falls:
        return
    before = device or {"falls": {}, "source": ""}
    _compare_charts(_points(before["falls"]), _points(falls), lines, report)
    values = {"source": asked.source, "falls": falls}
    report.seen.append((asked.device, device["version"] if device else 0))
    if device is None:
        row = await store.insert(
            around.connection, CHARTS.table, {"site": around.site.site, "device": asked.device, **values}
        )
    elif report.added or report.changed or report.removed or before["source"] != asked.source:
        row = await store.update(around.connection, CHARTS.table, around.site.site, asked.device, values)
    else:
        return
    await CHARTS.check(around, row)


Falls = dict[int, list[tuple[float, float]]]


def _falls(read: Iterable[Line]) -> tuple[Falls, dict[tuple[int, int], int]]:
    """The chart, and the line in which each of its points stands."""
    falls: Falls = {}
    lines: dict[tuple[int, int], int] = {}
    for line in read:
        if line.complaints:
            continue
        of = falls.setdefault(line.cells["falls"], [])
        lines[line.cells["falls"], len(of)] = line.line
        of.append((line.cells["radius_m"], line.cells["load_t"]))
    return falls, lines


def _chart_complaints(falls: Falls, lines: Mapping[tuple[int, int], int]) -> list[Complaint]:
    titles = {column.field: column.zh for column in CHART}
    found = [_of_fault(fault, lines) for fault in faults(falls)]
    found += [
        Complaint(
            line=lines[number, 0],
            field=titles["falls"],
            message=Text(f"倍率不能是 {number}", f"there are no {number} falls"),
            mend=Text("写 1 到 16。", "Write 1 to 16."),
        )
        for number in falls
        if not 1 <= number <= 16  # noqa: PLR2004  as the model has it
    ]
    return found


def _of_fault(fault: Fault, lines: Mapping[tuple[int, int], int]) -> Complaint:
    wrong, mend = "幅度或起重量不对", "幅度大于 0 并逐行增大。"
    if fault.is_of_load:
        wrong, mend = "起重量随幅度增大而增大", "起重量不会随幅度增大。"
    return Complaint(
        line=lines[fault.falls, fault.place or 0],
        field=CHART[2 if fault.is_of_load else 1].zh,
        message=Text(wrong, fault.message),
        mend=Text(mend, fault.mend),
    )


def _points(falls: Mapping[Any, Iterable[Any]]) -> dict[tuple[int, float], float]:
    return {(int(number), radius): load for number, line in falls.items() for radius, load in line}


def _compare_charts(
    before: Mapping[tuple[int, float], float],
    after: Mapping[tuple[int, float], float],
    lines: Mapping[tuple[int, int], int],
    report: _Report,
) -> None:
    places: dict[int, int] = {}
    for point in dict.fromkeys([*after, *before]):
        number, radius_m = point
        line = 0
        if point in after:
            line = lines[number, places.get(number, 0)]
            places[number] = places.get(number, 0) + 1
        change = FieldChange(
            field="load_t", title=CHART[2].zh, before=before.get(point), after=after.get(point)
        )
        row = RowShown(line=line, key=f"{number} × {radius_m:g} m", fields=[change])
        if change.before == change.after:
            report.unchanged += 1
        elif point not in before:
            report.added.append(row)
        else:
            (report.changed if point in after else report.removed).append(row)
