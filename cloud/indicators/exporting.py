"""Indicators as lines of a spreadsheet. Pure."""

from collections.abc import Iterator, Sequence

from cloud.exports import NO_SOURCE, Column, Value
from cloud.indicators.description import descriptions
from cloud.indicators.measured import Measured, Part
from sitewarden.text import Text

_LIGHTS = {
    "green": Text("正常", "good"),
    "amber": Text("注意", "watch"),
    "red": Text("超标", "bad"),
    "unknown": Text("未知", "unknown"),
}
_UNITS = {
    "count": Text("个", "count"),
    "share": Text("比例", "share"),
    "days": Text("天", "days"),
    "minutes": Text("分钟", "minutes"),
    "seconds": Text("秒", "seconds"),
}


def columns(months: Sequence[str]) -> list[Column]:
    """Of a line; then a month each."""
    titles = (
        *("编号 no", "指标 indicator", "分项 part", "值 value", "单位 unit", "分子 count", "分母 of"),
        *("状态 light", "未知的原因 why unknown"),
    )
    return [*(Column(title) for title in titles), *(Column(month, 9) for month in months)]


def lines(found: Sequence[Measured], months: Sequence[str]) -> Iterator[list[Value]]:
    """Each indicator and, below it, the numbers beside it; what is unknown is a dash, and never 0."""
    for one in found:
        told, trend = descriptions().indicators[one.id], dict(one.trend)
        begin = [told.no, _both(told.label)]
        middle = [_number(one.value), _both(_UNITS[told.unit]), one.count, one.of]
        why = [_both(_LIGHTS[one.light]), _missing(one.missing)]
        known = [_number(trend.get(month)) for month in months] if trend else []
        yield [*begin, "", *middle, *why, *known]
        for part in one.parts:
            yield [*begin, _name(part), *_values(part)]


def _values(part: Part) -> list[Value]:
    return [_number(part.value), _both(_UNITS[part.unit]), None, part.of, "", _missing(part.missing)]


def _name(part: Part) -> str:
    label = _both(descriptions().parts[part.name])
    return label if part.about is None else f"{label}: {part.about['zh']}"


def _number(value: float | None) -> Value:
    return NO_SOURCE if value is None else round(value, 4)


def _missing(name: str) -> str:
    return _both(descriptions().missing[name]) if name else ""


def _both(text: Text) -> str:
    return f"{text.zh} {text.en}"
