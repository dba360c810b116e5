"""Every fault of a line against the real driver: its own quality, no misplaced value, neighbours whole."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from edge.config import Device
from firmware_sim.faults import KINDS, Disconnect, WireFault
from sitewarden.quality import Quality
from tests.faults.played import QUIET_MS, SICK, TIMEOUT_MS, WELL, Transport, played
from tests.support.waiting import until

every_transport = pytest.mark.parametrize("transport", get_args(Transport))
GOOD, TIMEOUT, EXCEPTION, GONE = Quality.GOOD, Quality.TIMEOUT, Quality.EXCEPTION, Quality.DISCONNECTED
LATE_MS = TIMEOUT_MS + QUIET_MS // 2
"""After the gateway has given up, before a serial line's quiet time is over."""


class Case(NamedTuple):
    kind: str
    keys: dict[str, Any]
    made: Quality


CASES = [
    Case("silence", {}, TIMEOUT),
    Case("slow", {"delay_ms": LATE_MS}, TIMEOUT),
    Case("slow", {"delay_ms": 20, "jitter_ms": 20}, GOOD),
    Case("late", {"delay_ms": LATE_MS}, TIMEOUT),
    Case("crc", {}, TIMEOUT),
    Case("garbage", {}, TIMEOUT),
    Case("exception", {"code": 4}, EXCEPTION),
    Case("wrong_unit", {}, TIMEOUT),
    Case("truncated", {}, TIMEOUT),
    Case("duplicate", {}, GOOD),
    Case("reorder", {}, TIMEOUT),
]
STRANGER = 9
"""A unit that nobody asks."""
BREAKS_TCP = {"garbage", "truncated"}
"""In a TCP stream nobody knows any more where the next answer begins, so the connection is made anew."""


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
async def test_an_ill_answer_is_told_by_its_quality_and_costs_the_neighbour_nothing(
    transport: Transport, crane: Device, tmp_path: Path
) -> None:
    # All at once, each on a bus of its own: they spend their time waiting.
    tried = [_tried(transport, case, crane, _folder(tmp_path, case)) for case in CASES]
    assert [said for complaints in await asyncio.gather(*tried) for said in complaints] == []


def _folder(beside: Path, case: Case) -> Path:
    folder = beside / f"{case.kind}-{case.made.word}"
    folder.mkdir()
    return folder


async def _tried(transport: Transport, case: Case, like: Device, folder: Path) -> list[str]:
    """What is wrong with how the gateway takes a fault."""
    broken = {GONE} if transport == "tcp" and case.kind in BREAKS_TCP else set()
    async with played(transport, folder, like) as line:
        begun = await line.both_are_sound()
        since = line.ill(case.kind, **case.keys)
        if case.made is GOOD:
            await line.both_are_sound(4)
        await until(lambda: case.made in line.qualities(SICK, since=since), what=f"{case}")
        told = len(line.polls)
        await until(lambda: line.sound(WELL, told) >= 4, what=f"sound polls beside {case}")
        line.board.switch_off(SICK, case.kind)
        await line.both_are_sound()
    found = {
        "the sick one": line.qualities(SICK, since=since) - {GOOD, case.made} - broken,
        "the well one": line.qualities(WELL, since=begun) - {GOOD} - broken,
        "misplaced": line.misplaced(),
    }
    return [f"{case}: {what}: {wrong}" for what, wrong in found.items() if wrong]


@every_transport
async def test_an_exception_to_another_function_is_no_answer(
    transport: Transport, crane: Device, tmp_path: Path
) -> None:
    async with played(transport, tmp_path, crane) as line:
        begun = await line.both_are_sound()
        since = line.ill("exception", code=2, function=4)
        # Over Modbus TCP it has the number of the question, so that nothing else is waited for.
        made = EXCEPTION if transport == "tcp" else TIMEOUT
        await until(lambda: made in line.qualities(SICK, since=since))
        await until(lambda: line.sound(WELL, since) >= 2)
        assert line.qualities(WELL, since=begun) == {GOOD}
        assert line.misplaced() == []


@every_transport
async def test_a_line_that_is_gone_says_so_of_every_device_and_comes_back(
    transport: Transport, crane: Device, tmp_path: Path
) -> None:
    async with played(transport, tmp_path, crane) as line:
        await line.both_are_sound()
        since = line.ill("disconnect", target="line", for_s=0.5)
        for device in (SICK, WELL):
            await until(lambda device=device: GONE in line.qualities(device, since=since))  # type: ignore[misc]
        await line.both_are_sound()
        assert line.misplaced() == []


@every_transport
async def test_answers_that_are_sometimes_ill_never_become_anothers(
    transport: Transport, crane: Device, tmp_path: Path
) -> None:
    async with played(transport, tmp_path, crane) as line:
        begun = await line.both_are_sound()
        for kind, keys, _ in CASES:
            if not (kind in BREAKS_TCP and transport == "tcp"):
                # On a serial line nobody can tell a neighbour's answer from a late one under its number.
                other = {"unit": STRANGER} if kind == "wrong_unit" else {}
                line.ill(kind, **keys, **other, probability=0.1)
        since = len(line.polls)
        await until(lambda: len(line.of(WELL, since)) >= 20)
        await until(lambda: len(line.qualities(SICK, since=since)) > 1)
        if transport != "rtu-over-tcp":
            # Behind a serial server a question may meet the second copy of the answer before, and be lost.
            assert line.qualities(WELL, since=begun) == {GOOD}
        assert line.misplaced() == []


def test_every_fault_on_the_wire_is_tried() -> None:
    kinds = {kind for kind, structure in KINDS.items() if issubclass(structure, WireFault | Disconnect)}
    assert {kind for kind, _, _ in CASES} | {"disconnect"} == kinds
