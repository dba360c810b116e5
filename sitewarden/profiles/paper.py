"""What can be said of a profile without a device: what it lacks. Pure."""

from collections.abc import Iterator, Sequence

from sitewarden.profiles.findings import Check, check
from sitewarden.profiles.model import JsonPoint, Point, Profile, is_bit
from sitewarden.profiles.signals import Choice, missing, signals


def on_paper(profile: Profile) -> Iterator[Check]:
    """What can be said of a profile without a device."""
    yield from _signals(profile)
    yield from _ranges(profile)


def _signals(profile: Profile) -> Iterator[Check]:
    wanted, kinds = signals()[profile.device_kind], {point.kind for point in profile.points.values()}
    lacking, beside = missing(wanted.must, kinds), missing(wanted.should, kinds)
    if lacking:
        names = _choices(lacking)
        yield check(
            "signals",
            "finding",
            f"{profile.device_kind} 类设备缺少必需测点：{names}",
            f"a device of kind {profile.device_kind} must say {names}, and no point does",
        )
    else:
        yield check(
            "signals", "ok", "必需测点齐全", "every signal that its kind of device must have is there"
        )
    if beside:
        names = _choices(beside)
        yield check("signals", "note", f"标准还要求显示：{names}", f"the standard has it show {names} too")


def _choices(choices: Sequence[Choice]) -> str:
    return ", ".join(" / ".join(choice) for choice in choices)


def _is_yes_or_no(profile: Profile, point: Point) -> bool:
    """It can say nothing else, whatever is wrong with orders, scale or unit."""
    return is_bit(profile, point) or (point.unit == "1" and isinstance(point, JsonPoint))


def _ranges(profile: Profile) -> Iterator[Check]:
    without = [key for key, p in profile.points.items() if p.range is None and not _is_yes_or_no(profile, p)]
    if without:
        names = ", ".join(without)
        yield check(
            "units",
            "finding",
            f"{names} 没有 range：字序、比例或单位错了也看不出来",
            f"no `range` at {names}: a wrong order, scale or unit would be believed",
        )
    else:
        yield check(
            "units",
            "ok",
            "单位与词汇表一致，每个测点都有量程",
            "units are those of the vocabulary, and every number has a range that a wrong one leaves",
        )
