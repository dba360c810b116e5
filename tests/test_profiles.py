"""Every profile of a polled device against registers and frames typed from its manual: one generic test."""

import asyncio
import struct
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from edge.drivers import Answer, Link, Request
from edge.drivers.framing import RtuStream, answers, crc16, rtu_request
from edge.drivers.modbus import open_link
from edge.drivers.registers import PlannedRead, plan, values
from edge.settings import ModbusRtu, ModbusTcp
from sitewarden.profiles import ModbusProfile, load_profiles
from sitewarden.quality import Quality
from tests.support.modbus import Unit, serving, serving_line
from tests.support.waiting import ended

CASES = Path(__file__).parent / "profiles"
PROFILES = {name: p for name, p in load_profiles().items() if isinstance(p, ModbusProfile)}


class Case(NamedTuple):
    profile: str
    name: str
    registers: dict[int, int]
    readings: dict[str, float | str]


class Published(NamedTuple):
    """What a maker printed: a question, its answer or both, with their checksums."""

    profile: str
    name: str
    ask: bytes | None
    answer: bytes | None
    first: int
    """Of the answer, where the question was not printed."""
    readings: dict[str, float | str]


def frames_of(name: str) -> list[Published]:
    file = CASES / f"{name}.yaml"
    frames = yaml.safe_load(file.read_text(encoding="utf-8")).get("frames", []) if file.exists() else []
    return [
        Published(
            name,
            frame["frame"],
            bytes.fromhex(frame["ask"]) if "ask" in frame else None,
            bytes.fromhex(frame["answer"]) if "answer" in frame else None,
            frame.get("first", 0),
            frame.get("readings", {}),
        )
        for frame in frames
    ]


def cases_of(name: str) -> list[Case]:
    file = CASES / f"{name}.yaml"
    if not file.exists():
        return []
    cases = yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]
    return [Case(name, case["case"], case["registers"], case["readings"]) for case in cases]


FRAMES = [frame for name in PROFILES for frame in frames_of(name)]
ALL = [case for name in PROFILES for case in cases_of(name)]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_a_case(name: str) -> None:
    assert cases_of(name), f"write tests/profiles/{name}.yaml"


def test_a_case_has_a_profile() -> None:
    assert {file.stem for file in CASES.glob("*.yaml")} == load_profiles().keys()


@pytest.mark.parametrize("case", ALL, ids=[f"{case.profile}: {case.name}" for case in ALL])
def test_registers_mean_what_the_map_says(case: Case) -> None:
    assert read(PROFILES[case.profile], case.registers) == case.readings


@pytest.mark.parametrize("frame", FRAMES, ids=[f"{frame.profile}: {frame.name}" for frame in FRAMES])
def test_published_frames_are_asked_and_understood(frame: Published) -> None:
    profile = PROFILES[frame.profile]
    assert frame.ask or frame.answer
    first = frame.first
    if frame.ask:
        unit, function, first, count = struct.unpack(">BBHH", frame.ask[:6])
        assert rtu_request(unit, Request(function, first, count)) == frame.ask
        planned = [read.request for read in plan(profile.modbus, profile.points.items())]
        assert any(request.function == function and request.first == first for request in planned)
    if frame.answer:
        assert crc16(frame.answer) == 0
        (got,) = RtuStream().feed(frame.answer)
        assert answers(got, got.unit, Request(got.function, first, len(got.registers)))
        registers = {first + profile.modbus.base + i: word for i, word in enumerate(got.registers)}
        decoded = read(profile, registers)
        assert {key: decoded[key] for key in frame.readings} == frame.readings


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
@pytest.mark.parametrize("name", PROFILES)
async def test_cases_hold_over_real_frames(name: str, transport: str, tmp_path: Path) -> None:
    """The registers of a case, served by a server that knows no profile, over TCP and a serial line."""
    profile = PROFILES[name]
    reads = plan(profile.modbus, profile.points.items())
    for case in cases_of(name):
        shown = {address - profile.modbus.base: word for address, word in case.registers.items()}
        spans = (range(r.request.first, r.request.first + r.request.length) for r in reads)
        served = {address: 0 for span in spans for address in span} | shown
        if transport == "tcp":
            async with serving({1: Unit(served)}) as server:
                decoded = await polled(ModbusTcp(host="127.0.0.1", port=server.port), reads)
        else:
            async with serving_line({1: Unit(served)}, tmp_path / "line"):
                line = ModbusRtu(serial=str(tmp_path / "line"), baudrate=460_800, timeout_ms=2000)
                decoded = await polled(line, reads)
        assert decoded == case.readings


async def polled(settings: ModbusTcp | ModbusRtu, reads: list[PlannedRead]) -> dict[str, float | str]:
    link = open_link(settings)
    task = asyncio.create_task(link.run())
    try:
        decoded: dict[str, float | str] = {}
        for planned in reads:
            for key, value, quality in values(planned, await answered(link, planned.request)):
                decoded[key] = quality.word if value is None else value
        return decoded
    finally:
        await ended(task)


async def answered(link: Link, request: Request) -> Answer:
    answer = Answer((), Quality.DISCONNECTED)
    async with asyncio.timeout(45):
        while answer.quality is Quality.DISCONNECTED:
            answer = await link.read(1, request, 2.0)
            await asyncio.sleep(0)
    return answer


def read(profile: ModbusProfile, registers: dict[int, int]) -> dict[str, float | str]:
    """Every point's value as the edge decodes it, or the word for why there is none."""
    decoded = {}
    for planned in plan(profile.modbus, profile.points.items()):
        first, length = planned.request.first + profile.modbus.base, planned.request.length
        words = [registers.get(address, 0) for address in range(first, first + length)]
        for key, value, quality in values(planned, Answer(words, Quality.GOOD)):
            decoded[key] = quality.word if value is None else value
    return decoded
