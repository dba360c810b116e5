"""Every shipped profile against registers typed from its map by hand: one generic test for all."""

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from edge.drivers import Answer
from edge.drivers.registers import plan, values
from sitewarden.profiles import Profile, load_profiles
from sitewarden.quality import Quality

CASES = Path(__file__).parent / "profiles"
PROFILES = load_profiles()


class Case(NamedTuple):
    profile: str
    name: str
    registers: dict[int, int]
    readings: dict[str, float | str]


def cases_of(name: str) -> list[Case]:
    file = CASES / f"{name}.yaml"
    if not file.exists():
        return []
    cases = yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]
    return [Case(name, case["case"], case["registers"], case["readings"]) for case in cases]


ALL = [case for name in PROFILES for case in cases_of(name)]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_a_case(name: str) -> None:
    assert cases_of(name), f"write tests/profiles/{name}.yaml"


def test_a_case_has_a_profile() -> None:
    assert {file.stem for file in CASES.glob("*.yaml")} <= PROFILES.keys()


@pytest.mark.parametrize("case", ALL, ids=[f"{case.profile}: {case.name}" for case in ALL])
def test_registers_mean_what_the_map_says(case: Case) -> None:
    assert read(PROFILES[case.profile], case.registers) == case.readings


def read(profile: Profile, registers: dict[int, int]) -> dict[str, float | str]:
    """Every point's value as the edge decodes it, or the word for why there is none."""
    decoded = {}
    for planned in plan(profile.modbus, profile.points.items()):
        first, length = planned.request.first + profile.modbus.base, planned.request.length
        words = [registers.get(address, 0) for address in range(first, first + length)]
        for key, value, quality in values(planned, Answer(words, Quality.GOOD)):
            decoded[key] = quality.word if value is None else value
    return decoded
