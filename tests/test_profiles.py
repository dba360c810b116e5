"""Every shipped profile against what its device says, typed by hand: one generic test for all."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from edge.drivers import Answer
from edge.drivers.decoding import decoder_of
from edge.drivers.hj212 import Hj212Talk, framed
from edge.drivers.registers import plan, values
from edge.drivers.registry import talk_maker
from sitewarden.profiles import AnyProfile, ModbusProfile, load_profiles
from sitewarden.profiles.model import FrameProfile, Hj212Profile
from sitewarden.quality import Quality

CASES = Path(__file__).parent / "profiles"
PROFILES = load_profiles()
Readings = dict[str, float | str]


def cases_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    file = CASES / f"{name}.yaml"
    if not file.exists():
        return []
    cases = yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]
    return [(name, case) for case in cases]


ALL = [case for name in PROFILES for case in cases_of(name)]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_a_case(name: str) -> None:
    assert cases_of(name), f"write tests/profiles/{name}.yaml"


def test_a_case_has_a_profile() -> None:
    assert {file.stem for file in CASES.glob("*.yaml")} <= PROFILES.keys()


@pytest.mark.parametrize(("name", "case"), ALL, ids=[f"{name}: {case['case']}" for name, case in ALL])
def test_what_a_device_says_means_what_its_manual_says(name: str, case: dict[str, Any]) -> None:
    assert read(PROFILES[name], case) == case["readings"]


def read(profile: AnyProfile, case: dict[str, Any]) -> Readings:
    """Every point's value as the edge decodes it, or the word for why there is none."""
    if isinstance(profile, ModbusProfile):
        return from_registers(profile, case["registers"])
    decode = decoder_of(profile)
    if isinstance(profile, Hj212Profile):
        packet = f"{case['packet']}\r\n".encode() if "packet" in case else framed(case["data"])
        body = one(Hj212Talk().hear(packet))
    elif isinstance(profile, FrameProfile):
        body = one(talk_maker(profile.frames.protocol)().hear(bytes.fromhex(case["frame"])))
    else:
        body = msgspec.json.encode(case["body"])
    return {key: quality.word if value is None else value for key, value, quality in decode(body).values}


def one(heard: Any) -> Any:
    (message,) = heard
    return message.body


def from_registers(profile: ModbusProfile, registers: dict[int, int]) -> Readings:
    decoded: Readings = {}
    for planned in plan(profile.modbus, profile.points.items()):
        first, length = planned.request.first + profile.modbus.base, planned.request.length
        words = [registers.get(address, 0) for address in range(first, first + length)]
        for key, value, quality in values(planned, Answer(words, Quality.GOOD)):
            decoded[key] = quality.word if value is None else value
    return decoded
