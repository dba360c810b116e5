"""What a hazard record says in words (隐患内容), from the alarm that it stands on. Pure."""

import datetime as dt
import math

import msgspec

from sitewarden.points import UnknownKindError, point_kind
from sitewarden.text import Text


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the words are made from."""

    device: Text
    label: Text
    """Of the rule: what is beyond what."""
    kind: str
    value: float
    """The worst of the episode."""
    limit: float
    unit: str
    raised_at: dt.datetime
    """On the site's clocks."""
    cleared_at: dt.datetime | None


def content(facts: Facts) -> Text:
    """The content in both languages: device, danger, value, limit, time and duration."""
    worst = _worst(facts)
    at = facts.raised_at.strftime("%Y-%m-%d %H:%M:%S")
    if facts.cleared_at is None:
        lasts = Text("仍在持续", "still going on")
    else:
        seconds = max(0.0, (facts.cleared_at - facts.raised_at).total_seconds())
        lasts = Text(f"持续 {_duration(seconds, _ZH)}", f"lasted {_duration(seconds, _EN)}")
    return Text(
        f"{facts.device.zh}：{facts.label.zh}。{worst.zh}{at} 起，{lasts.zh}。",
        f"{facts.device.en}: {facts.label.en}. {worst.en}{at}, {lasts.en}.",
    )


def _worst(facts: Facts) -> Text:
    """Value and limit; of what is only set or not the danger's name has said all that there is."""
    if facts.unit == "1" and facts.value == facts.limit == 1:
        return Text("", "From ")
    quantity = _quantity(facts.kind)
    value, limit = (_number(number, facts.kind, facts.unit) for number in (facts.value, facts.limit))
    return Text(
        f"{quantity.zh}最不利值 {value}，限值 {limit}；",
        f"{quantity.en} at worst {value}, limit {limit}; from ",
    )


_ZH = ("小时", "分", "秒")
_EN = ("h", "min", "s")
_HOUR_S, _MINUTE_S = 3600, 60


def _duration(seconds: float, units: tuple[str, str, str]) -> str:
    """Such as `1 h 5 min`, `2 min 3 s` or `4.2 s`: two parts are enough to judge by."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} {units[2]}"
    hours, rest = divmod(round(seconds), _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    if hours:
        return f"{hours} {units[0]} {minutes} {units[1]}"
    return f"{minutes} {units[1]} {left} {units[2]}"


def _quantity(kind: str) -> Text:
    try:
        return point_kind(kind).label
    except UnknownKindError:
        # A newer gateway's kind: its name is better than no record.
        return Text(kind, kind)


def _number(number: float, kind: str, unit: str) -> str:
    try:
        resolution = point_kind(kind).resolution
    except UnknownKindError:
        resolution = 0.01
    decimals = max(0, -math.floor(math.log10(resolution)))
    return f"{number:.{decimals}f}" if unit == "1" else f"{number:.{decimals}f} {unit}"
