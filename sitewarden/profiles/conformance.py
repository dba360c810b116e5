"""Whether a device that was tried does what its profile says: findings, for a command as for a page. Pure."""

import statistics
from collections.abc import Iterator, Sequence

import msgspec

from sitewarden.profiles.decoding import decoder
from sitewarden.profiles.findings import Check, Level, check
from sitewarden.profiles.hints import Hint, Span, hints, is_plausible
from sitewarden.profiles.model import FUNCTIONS, Modbus, ModbusPoint, ModbusProfile
from sitewarden.profiles.paper import on_paper
from sitewarden.profiles.signals import signals
from sitewarden.profiles.trial import Look, OtherWay, Trial
from sitewarden.quality import Quality

_ORDERS = {"word_order", "byte_order"}
_MEANINGS = {
    1: ("不支持该功能码", "it does not know the function"),
    2: ("无此寄存器", "it has no such registers"),
    3: ("数量不允许", "it does not give so many at once"),
    4: ("设备故障", "it has failed"),
    6: ("设备忙", "it is busy"),
    10: ("网关无路径", "a converter has no way to it"),
    11: ("网关后无应答", "a converter gets no answer from it"),
}
"""Of exception codes, by the specification."""
MOST_BACK_S = 10.0
"""After a line was opened anew a device should answer within this; the agent tries on for ever."""
_NUMBERED_TABLES = range(30_001, 50_000)
"""Manuals that call registers 40001 mean the first of the holding registers."""


class PointSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a point said last, raw and decoded side by side."""

    point: str
    kind: str
    register: int
    """As the manual numbers it."""
    function: int
    registers: tuple[int, ...]
    """The raw words; empty where there was no answer."""
    value: float | None
    """In `unit`; `None` where the quality is not good."""
    unit: str
    quality: str
    detail: str = ""
    hints: Sequence[Hint] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a trial came to."""

    profile: str
    version: int
    is_sound: bool
    """No check is a finding."""
    rounds: int
    points: Sequence[PointSeen]
    checks: Sequence[Check]


def report(profile: ModbusProfile, trial: Trial, usual: dict[str, Span]) -> Report:
    """Judge a trial; `usual` has by kind what other profiles have as range, where this one has none."""
    seen = [_seen(profile, key, trial.looks.get(key, ()), usual) for key in profile.points]
    checks = [*_checks(profile, trial, seen)]
    return Report(
        profile=profile.profile,
        version=profile.version,
        is_sound=not any(check.level == "finding" for check in checks),
        rounds=max((len(looks) for looks in trial.looks.values()), default=0),
        points=seen,
        checks=checks,
    )


def judged(point: ModbusPoint, modbus: Modbus, look: Look) -> tuple[float | None, Quality]:
    """The value of a look, as a gateway would have it."""
    if look.quality is not Quality.GOOD:
        return None, look.quality
    return decoder(point, modbus)(look.registers)


def _seen(profile: ModbusProfile, key: str, looks: Sequence[Look], usual: dict[str, Span]) -> PointSeen:
    point, modbus = profile.points[key], profile.modbus
    newest = looks[-1] if looks else Look((), Quality.STALE)
    value, quality = judged(point, modbus, newest)
    answered = [look.registers for look in looks if look.quality is Quality.GOOD]
    sound = [words for words in answered if decoder(point, modbus)(words)[1] is not Quality.SENTINEL]
    return PointSeen(
        point=key,
        kind=point.kind,
        register=point.register,
        function=modbus.function_of(point),
        registers=newest.registers,
        value=value,
        unit=point.unit,
        quality=quality.word,
        detail=newest.detail,
        hints=hints(point, modbus, sound, usual.get(point.kind)),
    )


def _checks(profile: ModbusProfile, trial: Trial, seen: Sequence[PointSeen]) -> Iterator[Check]:
    yield from on_paper(profile)
    yield from _answers(profile, trial, seen)
    yield from _values(profile, trial, seen)
    yield from _rates(profile, trial)
    yield _line(trial)
    yield from _stranger(trial)
    yield from _reconnect(trial)
    yield from _movement(profile, trial)
    if profile.verified == "simulator":
        yield check(
            "verified",
            "note",
            "配置档仅在模拟器上验证过：请与设备显示逐一比对，再改 verified",
            "the profile says `verified: simulator`: compare with the device's own display, then raise it",
        )


def _answers(profile: ModbusProfile, trial: Trial, seen: Sequence[PointSeen]) -> Iterator[Check]:
    mute = [one for one in seen if not any(_answered(trial.looks.get(one.point, ())))]
    reasons: dict[tuple[str, str], list[PointSeen]] = {}
    for one in mute:
        reasons.setdefault(_reason(trial.looks.get(one.point, ())), []).append(one)
    for (zh, en), points in reasons.items():
        names = ", ".join(one.point for one in points)
        yield check("answers", "finding", f"{zh}：{names}", f"{en}: {names}")
        yield from _numbering(points)
    if not mute:
        yield check("answers", "ok", "每个测点都有应答", "every point is answered")
    yield from (_other_way(profile, way) for way in trial.other_ways if any(_would(profile, way)))


def _reason(looks: Sequence[Look]) -> tuple[str, str]:
    """Why there is no value, in both languages."""
    code = max((look.exception for look in looks), default=0)
    if code in _MEANINGS:
        zh, en = _MEANINGS[code]
        return f"设备拒绝（异常码 {code}，{zh}）", f"refused with exception {code}, {en}"
    if code:
        return f"设备拒绝（异常码 {code}）", f"refused with exception {code}"
    return "无应答", "no answer"


def _answered(looks: Sequence[Look]) -> Iterator[bool]:
    return (look.quality is Quality.GOOD for look in looks)


def _numbering(refused: Sequence[PointSeen]) -> Iterator[Check]:
    """Whether somebody wrote 40001 for the first holding register."""
    numbered = [one.register for one in refused if one.register in _NUMBERED_TABLES]
    if numbered:
        first = numbered[0]
        means = f"function: {4 if first < 40_000 else 3}, base: 1, register: {first % 10_000}"  # noqa: PLR2004
        yield check(
            "answers",
            "note",
            f"手册中的 {first} 常指表中第 {first % 10_000} 个寄存器：写 {means}",
            f"by {first} manuals often mean number {first % 10_000} of a table: write {means}",
        )


def _would(profile: ModbusProfile, way: OtherWay) -> Iterator[str]:
    """The points that would be plausible by another way of asking."""
    modbus = msgspec.structs.replace(profile.modbus, **{way.key: way.value})
    for key, look in way.looks.items():
        point = profile.points[key]
        if judged(point, modbus, look)[1] is Quality.GOOD and any(look.registers):
            yield key


def _other_way(profile: ModbusProfile, way: OtherWay) -> Check:
    would = list(_would(profile, way))
    what = f"{way.key}: {way.value}"
    if way.key == "function":
        what += f" ({FUNCTIONS[way.value]}s)"
    names, many = ", ".join(would), len(way.looks)
    return check(
        "answers",
        "note",
        f"若写 {what}，{many} 个有问题的测点中 {len(would)} 个有合理值：{names}",
        f"with {what}, {len(would)} of {many} points in doubt would be plausible: {names}",
    )


def _values(profile: ModbusProfile, trial: Trial, seen: Sequence[PointSeen]) -> Iterator[Check]:
    bad: dict[str, list[str]] = {}
    for one in seen:
        point = profile.points[one.point]
        for look in trial.looks.get(one.point, ()):
            if look.quality is Quality.GOOD:
                quality = _quality(point, profile.modbus, look)
                if quality is not Quality.GOOD and one.point not in bad.get(quality.word, []):
                    bad.setdefault(quality.word, []).append(one.point)
    if absent := bad.pop(Quality.SENTINEL.word, None):
        names = ", ".join(absent)
        yield check(
            "values",
            "note",
            f"设备表示无值（未接传感器？）：{names}",
            f"the device says 'no value' (no sensor?): {names}",
        )
    for word, points in bad.items():
        names = ", ".join(points)
        yield check("values", "finding", f"{word}：{names}", f"{word}: {names}")
    hinted = [
        one.point for one in seen if one.hints and not any(one.point in points for points in bad.values())
    ]
    if hinted:
        names = ", ".join(hinted)
        yield check(
            "values",
            "finding",
            f"在量程内，但传感器不会这样：{names}",
            f"inside the range, yet no sensor speaks like that: {names}",
        )
    yield from _one_mend_for_all(seen)
    if not bad and not hinted:
        yield check("values", "ok", "数值均在量程内", "every value lies within its range")


def _one_mend_for_all(seen: Sequence[PointSeen]) -> Iterator[Check]:
    """Where an order of words or bytes would mend several points, it is the device's and stands once."""
    orders: dict[tuple[tuple[str, str | float], ...], list[str]] = {}
    for one in seen:
        for hint in one.hints:
            if hint.change.keys() <= _ORDERS:
                orders.setdefault(tuple(sorted(hint.change.items())), []).append(one.point)
    change, points = max(orders.items(), key=lambda item: len(item[1]), default=((), []))
    if len(points) > 1:
        keys, names = ", ".join(f"{key}: {value}" for key, value in change), ", ".join(points)
        yield check(
            "values",
            "note",
            f"在 modbus: 下写 {keys}，{names} 均合理",
            f"{keys} under `modbus:` would make sense of {names}",
        )


def _quality(point: ModbusPoint, modbus: Modbus, look: Look) -> Quality:
    quality = judged(point, modbus, look)[1]
    if quality is Quality.GOOD and not is_plausible(point, modbus, [look.registers], None):
        return Quality.NOT_A_NUMBER
    return quality


def _rates(profile: ModbusProfile, trial: Trial) -> Iterator[Check]:
    wanted = signals()[profile.device_kind].least_every_ms
    for group, times in trial.times.items():
        interval_ms = profile.groups[group].interval_ms
        took_ms = sorted(1000 * one.took_s for one in times)
        usually, worst = statistics.median(took_ms), took_ms[-1]
        says = f"{usually:.0f} ms, worst {worst:.0f} ms, in {times[-1].requests} requests"
        zh = f"读一次 {usually:.0f} ms（最慢 {worst:.0f} ms），{times[-1].requests} 个请求"
        level: Level = "finding" if usually > interval_ms else "note" if worst > interval_ms else "ok"
        yield check(
            "rate", level, f"{group}：{zh}，间隔 {interval_ms} ms", f"{group}: {says}, every {interval_ms} ms"
        )
        if interval_ms > wanted:
            yield check(
                "rate",
                "finding",
                f"{group}：{profile.device_kind} 类设备至少每 {wanted} ms 读一次",
                f"{group}: a device of kind {profile.device_kind} should be read every {wanted} ms at least",
            )


def _line(trial: Trial) -> Check:
    seen = trial.counts
    is_clean = not (seen.timeouts or seen.late or seen.broken)
    return check(
        "line",
        "ok" if is_clean else "finding",
        f"{seen.requests} 个请求，{seen.timeouts} 个无应答，{seen.late} 个迟到，{seen.broken} 个坏帧",
        f"{seen.requests} requests, {seen.timeouts} unanswered, {seen.late} late, {seen.broken} broken",
    )


def _stranger(trial: Trial) -> Iterator[Check]:
    at = trial.stranger_address
    if trial.stranger == "refused":
        yield check(
            "fault",
            "ok",
            f"不存在的寄存器 {at} 被拒绝",
            f"a register that it should not have ({at}) is refused",
        )
    elif trial.stranger == "answered":
        yield check(
            "fault",
            "note",
            f"不存在的寄存器 {at} 也有应答：寄存器号写错时设备不会提示",
            f"a register that it should not have ({at}) is answered: a wrong number will not be refused",
        )
    elif trial.stranger == "silent":
        yield check(
            "fault",
            "note",
            f"读不存在的寄存器 {at} 时无应答：写错一个号就要等待超时",
            f"a register that it should not have ({at}) gets no answer: a wrong number costs a whole timeout",
        )
    if not trial.is_well_after:
        yield check(
            "fault",
            "finding",
            "被问到不存在的寄存器后不再应答",
            "asked for what it lacks, it does not answer any more",
        )


def _reconnect(trial: Trial) -> Iterator[Check]:
    if not trial.was_reconnected:
        return
    if trial.back_after_s is None:
        yield check(
            "reconnect",
            "finding",
            f"断开重连后 {MOST_BACK_S:g} s 内无应答",
            f"no answer within {MOST_BACK_S:g} s after the line was opened anew",
        )
    else:
        back = f"{trial.back_after_s:.1f} s"
        yield check(
            "reconnect", "ok", f"重连后 {back} 恢复应答", f"answers {back} after the line was opened anew"
        )


def _movement(profile: ModbusProfile, trial: Trial) -> Iterator[Check]:
    modbus = profile.modbus
    looked = {key: looks for key, looks in trial.looks.items() if len(looks) > 1 and all(_answered(looks))}
    still = [
        key
        for key, looks in looked.items()
        if not modbus.is_bit(profile.points[key]) and len({look.registers for look in looks}) == 1
    ]
    numbers = [key for key in looked if not modbus.is_bit(profile.points[key])]
    if still and len(still) == len(numbers):
        yield check(
            "movement",
            "note",
            "试读期间没有数值变化：确认设备在测量",
            "no number changed while it was tried: make sure that it is measuring",
        )
