"""Whether a danger that was measured is over: what holds of what is asked and what not, by numbers. Pure.

A record is rectified or closed by persons, but a measured danger has to be seen to be over as well: for long
enough, without holes in what was read, and not while its device was being mended.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from sitewarden.text import Text

PAUSE = dt.timedelta(minutes=10)
"""A crane that lifts again within it has been working in between: hooking on, slewing back empty. Our own
figure; the circulars say nothing of how working time is measured."""
TEST_BEFORE = dt.timedelta(minutes=10)
"""Readings of so long before a load test was signed are part of it."""

Code = Literal["signal", "maintenance", "time", "working_time", "coverage", "rate"]
Value = str | int | float | None


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a record of a kind of device."""

    kind: Literal["crane", "pit", "other"]
    seconds: int
    """Of working time, where it is a crane."""
    coverage: float
    """Share of the window that must have been read, 0…1."""


class Span(NamedTuple):
    """From an instant to another."""

    start: dt.datetime
    end: dt.datetime

    @property
    def seconds(self) -> float:
        """How long."""
        return max(0.0, (self.end - self.start).total_seconds())


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How fast something moved at worst within the window; either sign is as bad."""

    point: str
    unit: str
    worst: float | None
    """`None`: not one good reading."""
    control: float | None
    """`None`: nobody has announced one."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the danger before the window is."""

    now: dt.datetime
    signal: str
    since: dt.datetime | None
    """Since when it is so."""
    mended_until: dt.datetime | None = None
    """End of the device's last maintenance; in the future where it is being mended now."""
    lifts: Sequence[Span] = ()
    """Of a crane."""
    load_test_at: dt.datetime | None = None
    """A witnessed load test that held, the last one."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read within the window."""

    covered_s: float
    """Of the point that was read least."""
    worst_point: str = ""
    rates: Sequence[Rate] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is asked, whether it holds, and by what numbers."""

    code: Code
    met: bool
    text: Text
    values: dict[str, Value] = {}


class Clearance(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the danger is over."""

    cleared_since: dt.datetime | None
    """`None` where it is not over, or nobody can tell."""
    needed_s: float
    elapsed_s: float
    """Of what is needed: working time of a crane, else time."""
    working_s: float | None
    coverage: float | None
    rate_ok: bool | None
    """`None` where no rate is asked for."""
    load_test_at: dt.datetime | None
    checks: list[Check]

    @property
    def met(self) -> bool:
        """All of it."""
        return all(check.met for check in self.checks)

    @property
    def why(self) -> list[Code]:
        """What does not hold."""
        return [check.code for check in self.checks if not check.met]


def begun(watch: Watch) -> dt.datetime | None:
    """Since when the danger is seen to be over; not while it was not watched, or its device was mended."""
    if watch.signal != "cleared" or watch.since is None:
        return None
    return watch.since if watch.mended_until is None else max(watch.since, watch.mended_until)


def working(watch: Watch) -> list[Span]:
    """The times at which a crane worked since the danger is over: lifts, and short pauses between them."""
    since = begun(watch)
    found: list[Span] = []
    for lift in sorted(watch.lifts):
        start = lift.start if since is None else max(lift.start, since)
        # A gateway's clock may be ahead: what is still to come is no work that was done.
        end = min(lift.end, watch.now)
        if since is None or start >= end:
            continue
        if found and start - found[-1].end <= PAUSE:
            found[-1] = Span(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Span(start, end))
    return found


def window(need: Need, watch: Watch) -> Span | None:
    """The time whose readings count: the last stretch that holds as much as is needed, if there is any."""
    since = begun(watch)
    if since is None or since >= watch.now:
        return None
    if need.kind != "crane":
        return Span(max(since, watch.now - dt.timedelta(seconds=need.seconds)), watch.now)
    if _tested(watch):
        assert watch.load_test_at is not None  # noqa: S101  as `_tested` says
        return Span(max(since, watch.load_test_at - TEST_BEFORE), watch.now)
    left_s = float(need.seconds)
    for span in reversed(working(watch)):
        left_s -= span.seconds
        if left_s <= 0:
            return Span(span.start, watch.now)
    return Span(since, watch.now)


def clear(need: Need, watch: Watch, seen: Seen) -> Clearance:
    """What holds of what is asked; `seen` is of the `window`."""
    since, span = begun(watch), window(need, watch)
    worked_s = sum(part.seconds for part in working(watch)) if need.kind == "crane" else None
    elapsed_s = worked_s if worked_s is not None else _elapsed_s(since, watch.now)
    share = None if span is None else min(1.0, seen.covered_s / span.seconds)
    checks = [_signal(watch)]
    if watch.mended_until is not None and watch.mended_until > watch.now:
        checks.append(_being_mended(watch.mended_until))
    checks += [_long_enough(need, watch, elapsed_s), _covered(need, share, seen)]
    rates = [_slow(rate) for rate in seen.rates] if need.kind == "pit" else []
    return Clearance(
        cleared_since=since,
        needed_s=need.seconds,
        elapsed_s=elapsed_s,
        working_s=worked_s,
        coverage=share,
        rate_ok=all(check.met for check in rates) if rates else None,
        load_test_at=watch.load_test_at if _tested(watch) else None,
        checks=[*checks, *rates],
    )


def _elapsed_s(since: dt.datetime | None, now: dt.datetime) -> float:
    return 0.0 if since is None else Span(since, now).seconds


def _tested(watch: Watch) -> bool:
    since = begun(watch)
    return since is not None and watch.load_test_at is not None and since <= watch.load_test_at <= watch.now


_SIGNALS = {
    "cleared": Text("报警信号已消除", "The alarm is over"),
    "active": Text("报警仍在持续", "The alarm still stands"),
    "unknown": Text(
        "设备离线、拔除或读数不可信，无法判断危险是否消除",
        "The device is offline, unplugged or not to be believed: nobody can tell whether the danger is over",
    ),
}


def _signal(watch: Watch) -> Check:
    text = _SIGNALS.get(watch.signal, _SIGNALS["unknown"])
    return Check(code="signal", met=watch.signal == "cleared", text=text, values={"signal": watch.signal})


def _being_mended(until: dt.datetime) -> Check:
    text = Text("设备正在检修，检修期间不计入", "The device is being mended; that time does not count")
    return Check(code="maintenance", met=False, text=text, values={"until": until.isoformat()})


def _long_enough(need: Need, watch: Watch, elapsed_s: float) -> Check:
    values: dict[str, Value] = {"elapsed_s": round(elapsed_s), "needed_s": need.seconds}
    if _tested(watch):
        text = Text("消除后已做见证载荷试验", "A load test was witnessed since it is over")
        return Check(code="working_time", met=True, text=text, values={**values, "load_test": 1})
    met = elapsed_s >= need.seconds
    done, asked = _hours(elapsed_s), _hours(need.seconds)
    if need.kind == "crane":
        text = Text(
            f"消除后起重机已作业 {done} h，需 {asked} h（或见证载荷试验）",
            f"Since then the crane has worked {done} h of {asked} h (or a witnessed load test)",
        )
        return Check(code="working_time", met=met, text=text, values=values)
    text = Text(f"已消除 {done} h，需 {asked} h", f"Over for {done} h of {asked} h")
    return Check(code="time", met=met, text=text, values=values)


def _covered(need: Need, share: float | None, seen: Seen) -> Check:
    found, asked = (share or 0.0) * 100, need.coverage * 100
    text = Text(
        f"期间数据完整率 {_floor(found)} %，需 {asked:g} %",
        f"{_floor(found)} % of the time was read, {asked:g} % is needed",
    )
    values: dict[str, Value] = {"share": share, "needed": need.coverage, "point": seen.worst_point}
    return Check(code="coverage", met=share is not None and share >= need.coverage, text=text, values=values)


def _slow(rate: Rate) -> Check:
    values: dict[str, Value] = {
        "point": rate.point,
        "worst": rate.worst,
        "control": rate.control,
        "unit": rate.unit,
    }
    if rate.control is None:
        text = Text(
            f"{rate.point}：未公布速率控制值，无法判断",
            f"{rate.point}: no control value of its rate is in force",
        )
    elif rate.worst is None:
        text = Text(f"{rate.point}：期间无可信速率读数", f"{rate.point}: not one good reading of its rate")
    else:
        text = Text(
            f"{rate.point}：最大速率 {rate.worst:g} {rate.unit}，控制值 {rate.control:g} {rate.unit}",
            f"{rate.point}: {rate.worst:g} {rate.unit} at worst, control value {rate.control:g} {rate.unit}",
        )
    met = rate.control is not None and rate.worst is not None and rate.worst < rate.control
    return Check(code="rate", met=met, text=text, values=values)


def _hours(seconds: float) -> str:
    """Cut, not rounded: 1.99 h are not 2 h."""
    return f"{int(seconds / 36) / 100:g}"


def _floor(percent: float) -> str:
    return f"{int(percent * 10) / 10:g}"


def worst_of(covered: Iterable[tuple[str, float]]) -> tuple[str, float]:
    """The point that was read least, and for how long."""
    return min(covered, key=lambda one: one[1], default=("", 0.0))
