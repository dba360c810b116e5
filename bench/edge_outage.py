"""What an outage costs: the link to the broker is cut, and mended; and a whole day without one.

Cut for a while: ten devices of twenty points, polled every second, a rule on each raising and clearing
alarms all the while, behind a TCP proxy that breaks every connection and refuses new ones. Nineteen registers
of each device count how often they were read, so that every answer that a device gave is looked for at the
listener, at exactly one instant; and what the agent says that it wrote (its counters, told again at its next
start) is compared with what came. "Alarms" are those raised while the link was cut: how long after the
mending the last of them arrived, and how much of the readings held back came before it: none, where alarms go
first.

A day: the outbox is filled by the agent's own recorder and lane with 24 h of a simulated crane, 40 readings a
second at the instants of a virtual clock; then the agent starts on it, and the time is taken from its first
word until the listener has had every reading.

A power cut: the agent is killed while it polls, and the time is taken from its next start to the instant of
its first reading of the last device.

There is no baseline: a bare loop keeps nothing.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import counting, day, gateway, peers
from bench.cable import Cable
from bench.candidates import OURS, Candidate
from bench.counting import Tally
from bench.devices import WIND, BusPlan
from bench.listener import HeardAlarm, HeardBatch, Listener, wait_until
from bench.report import Result
from bench.rig import Rig
from firmware_sim.demo.processes import Program

DEVICES = 10
INTERVAL_MS = 1000
CUTS_S, CUTS_QUICK_S = {"15 s": 15.0, "10 min": 600.0}, {"15 s": 15.0}
STORMS_IN_A_CUT = 3
BEFORE_S = 8.0
PATIENCE_S = 60.0
DRAIN_PATIENCE_S = 300.0
PEERS_PATIENCE_S = 45.0
"""ThingsBoard's gateway may take 20 s before it tries again."""
ALARMS_WITHIN_S = 5.0
DRAINED_WITHIN_S = 60.0
KILLS = 3
RESTARTED_WITHIN_S = 3.0
LITTLE = 2
"""Records: an outbox that holds no more has nothing but what is under way."""


class Outage(NamedTuple):
    """What came of one cut."""

    tally: Tally
    """Of the counting registers."""
    served: int
    unaccounted: int
    """Readings that the agent says it wrote, less those that came."""
    alarms: int
    """Raised while the link was cut."""
    alarms_s: float
    """From the mending until the last of these arrived."""
    ahead_percent: float
    """Of the readings held back, those that came before the last of these alarms."""


def run(quick: bool) -> Sequence[Result]:
    """Measure; raises `NotMeasured` where there is no Mosquitto."""
    rows: list[Result] = []
    with Rig() as rig:
        for name, cut_s in (CUTS_QUICK_S if quick else CUTS_S).items():
            lost = {peer.name: _lost_by(rig, peer, cut_s) for peer in peers.installed()} if cut_s < 60 else {}
            rows += _rows(name, cut_s, _ours(rig, cut_s), lost)
        rows += _day(rig)
        rows.append(_restart(rig))
    return rows


def _buses() -> list[BusPlan]:
    return [BusPlan(bus=f"bus-{n}", units={f"station-{n}": 1}) for n in range(DEVICES)]


def _ours(rig: Rig, cut_s: float) -> Outage:
    listener, buses = rig.listener, _buses()
    listener.forget()
    with Cable(rig.broker_port) as cable:
        with rig.devices(buses, wind_every_s=cut_s / STORMS_IN_A_CUT):
            command = OURS.command(rig, buses, INTERVAL_MS, cable.port)
            with rig.running("gateway", command) as program:
                from_ms, to_ms, mended_s = _cut(rig, cable, program, cut_s)
                _wait_drained(listener, mended_s, program)
        # Now nobody answers: what the next start adds are bad readings, later than these.
        ended_ms = time.time_ns() // 1_000_000
        written = _told_at_next_start(rig, command)
    unaccounted = written - came(listener, ended_ms)
    held_back = [b for b in listener.batches if from_ms <= b.from_ms and b.to_ms <= to_ms]
    during = [
        a for a in listener.alarms.values() if a.alarm.change == "raised" and from_ms <= a.alarm.at < to_ms
    ]
    tallied, served = _tally(listener, rig.served())
    return Outage(tallied, served, unaccounted, len(during), *order(during, held_back, mended_s))


def _cut(rig: Rig, cable: Cable, program: Program, cut_s: float) -> tuple[int, int, float]:
    """From and until when the link was cut, ms, and the latter in monotonic seconds."""
    points = gateway.points([device for bus in _buses() for device in bus.units])
    wait_until(
        lambda: all(point in rig.listener.columns for point in points),
        *(PATIENCE_S, "a reading of every point", program.check),
    )
    time.sleep(BEFORE_S)
    from_ms = time.time_ns() // 1_000_000
    cable.cut()
    time.sleep(cut_s)
    cable.mend()
    return from_ms, time.time_ns() // 1_000_000, time.monotonic()


def _wait_drained(listener: Listener, mended_s: float, program: Program) -> None:
    """Until a heartbeat after the mending says that the outbox holds no more than what is under way."""

    def is_drained() -> bool:
        last = listener.statuses[-1]
        waiting = last.status.outbox.get("readings", LITTLE + 1)
        return last.at_s > mended_s and last.status.state == "heartbeat" and waiting <= LITTLE

    wait_until(is_drained, DRAIN_PATIENCE_S, "the outbox empty", program.check)


def _told_at_next_start(rig: Rig, command: list[str]) -> int:
    """What the agent says that it has written and not given up, before it writes any more."""
    before = len(rig.listener.statuses)
    with rig.running("gateway", command) as program:
        wait_until(
            lambda: len(rig.listener.statuses) > before,
            *(PATIENCE_S, "the agent's birth", program.check),
        )
        counters = rig.listener.statuses[before].status.counters
        time.sleep(BEFORE_S)  # for what its end may have left behind
    return counters.readings_written - counters.readings_dropped


def came(listener: Listener, until_ms: int) -> int:
    """Different readings with instants before `until_ms`, good and bad."""
    columns: list[Sequence[int] | set[int]] = [
        *(column.instants for column in listener.columns.values()),
        *listener.bad.values(),
    ]
    return sum(len({at_ms for at_ms in column if at_ms < until_ms}) for column in columns)


def _tally(listener: Listener, served: Mapping[str, Sequence[int]]) -> tuple[Tally, int]:
    """All counting registers together, and how often they were served."""
    found, total = Tally(), 0
    for device, counts in served.items():
        for register in range(WIND):
            column = listener.columns[f"{device}/r{register}"]
            found = found.plus(counting.tally(column, counts[register], unheard_last=1))
            total += counts[register]
    return found, total


def order(
    alarms: Sequence[HeardAlarm], held_back: Sequence[HeardBatch], mended_s: float
) -> tuple[float, float]:
    """When the last alarm came, and how much of the readings was before it, %."""
    last_s = max((alarm.at_s for alarm in alarms), default=mended_s)
    ahead = sum(batch.readings for batch in held_back if batch.at_s < last_s)
    return last_s - mended_s, counting.percent(ahead, sum(batch.readings for batch in held_back))


def _lost_by(rig: Rig, peer: Candidate, cut_s: float) -> float:
    """What a peer was served and never came, in % of what is served while the link is cut."""
    listener, buses = rig.listener, _buses()
    listener.forget()
    with Cable(rig.broker_port) as cable, rig.devices(buses):
        command = peer.command(rig, buses, INTERVAL_MS, cable.port)
        with rig.running(peer.name, command) as program:
            _cut(rig, cable, program, cut_s)
            time.sleep(PEERS_PATIENCE_S)
    tallied, _ = _tally(listener, rig.served())
    return counting.percent(tallied.lost, _served_in(cut_s))


def _served_in(cut_s: float) -> float:
    """Answers of counting registers in that time."""
    return cut_s * 1000 / INTERVAL_MS * DEVICES * WIND


def _rows(name: str, cut_s: float, outage: Outage, lost: Mapping[str, float]) -> list[Result]:
    share = f"lost, of as many as {name} hold"
    return [
        Result(name=f"served, {name} without a link", value=outage.served, unit=""),
        Result(
            name=share,
            value=counting.percent(outage.tally.lost, _served_in(cut_s)),
            unit="%",
            goal=0,
            peers=peers.figures(share, lost),
        ),
        Result(name=f"doubled, {name}", value=outage.tally.doubled, unit="", goal=0),
        Result(name=f"sent twice and counted once, {name}", value=outage.tally.repeated, unit=""),
        Result(name=f"written less heard, {name}", value=abs(outage.unaccounted), unit="", goal=0),
        Result(name=f"alarms raised meanwhile, {name}", value=outage.alarms, unit="", goal=1, at_least=True),
        Result(
            name=f"last of them after the link, {name}",
            value=outage.alarms_s,
            unit="s",
            goal=ALARMS_WITHIN_S,
        ),
        Result(
            name=f"readings held back that came before, {name}",
            value=outage.ahead_percent,
            unit="%",
            goal=0,
        ),
    ]


def _day(rig: Rig) -> list[Result]:
    listener, buses = rig.listener, _buses()
    listener.forget()
    with rig.devices(buses):
        command = OURS.command(rig, buses, day.HOUR_MS, rig.broker_port)
        filled = day.fill_in_a_process(Path(command[-1]).parent / "data")
        with rig.running("gateway", command) as program:
            wait_until(lambda: listener.statuses, PATIENCE_S, "the agent's birth", program.check)
            began_s = listener.statuses[0].at_s
            ended_s = _wait_for_the_day(listener, program)
    tallied = Tally()
    for key in day.POINTS:
        tallied = tallied.plus(counting.compare(listener.columns[day.point(key)], filled))
    expected = len(filled) * len(day.POINTS)
    return [
        Result(name="served, a day without a link", value=expected, unit=""),
        Result(name="lost or still to come, a day", value=tallied.lost, unit="", goal=0),
        Result(name="doubled, a day", value=tallied.doubled, unit="", goal=0),
        Result(name="sent twice and counted once, a day", value=tallied.repeated, unit=""),
        Result(name="a day drained", value=ended_s - began_s, unit="s", goal=DRAINED_WITHIN_S),
    ]


def _restart(rig: Rig) -> Result:
    """The worst of some."""
    buses, took = _buses(), []
    with rig.devices(buses):
        command = OURS.command(rig, buses, INTERVAL_MS, rig.broker_port)
        for _ in range(KILLS + 1):
            rig.listener.forget()
            began_ms = time.time_ns() // 1_000_000
            with rig.running("gateway", command) as program:
                took.append((_all_polled_ms(rig.listener, program, began_ms) - began_ms) / 1000)
                program.kill()
    # The first has nothing to take up.
    return Result(name="first poll after a kill", value=max(took[1:]), unit="s", goal=RESTARTED_WITHIN_S)


def _all_polled_ms(listener: Listener, program: Program, began_ms: int) -> int:
    """The instant at which the last of the devices was read for the first time since."""
    names = [f"{device}/r0" for bus in _buses() for device in bus.units]

    def first(name: str) -> int | None:
        column = listener.columns.get(name)
        instants = column.instants if column else ()
        return min((at_ms for at_ms in instants if at_ms >= began_ms), default=None)

    wait_until(
        lambda: all(first(name) is not None for name in names),
        *(PATIENCE_S, "a reading of every device", program.check),
    )
    return max(at_ms for name in names if (at_ms := first(name)) is not None)


def _wait_for_the_day(listener: Listener, program: Program) -> float:
    """Until as much has come as was written and it is quiet; when the last came, monotonic seconds."""
    ends = time.monotonic() + DRAIN_PATIENCE_S
    while time.monotonic() < ends:
        program.check()
        last = listener.batches[-1].at_s if listener.batches else time.monotonic()
        held = sum(len(listener.columns[day.point(key)].instants) for key in day.POINTS)
        if held >= day.READINGS and time.monotonic() - last > PATIENCE_S / 20:
            break
        time.sleep(0.5)
    of_the_day = [batch.at_s for batch in listener.batches if batch.readings]
    return max(of_the_day, default=time.monotonic())
