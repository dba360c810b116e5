"""Every shipped profile of a device that speaks by itself against what it says, typed by hand."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from edge.drivers.decoding import decoder_of
from edge.drivers.hj212 import Hj212Talk, framed
from edge.drivers.registry import talk_maker
from sitewarden.profiles import load_profiles
from sitewarden.profiles.model import SPEAKING, FrameProfile, Hj212Profile, SpeakingProfile

CASES = Path(__file__).parent / "profiles"
PROFILES = {name: p for name, p in load_profiles().items() if isinstance(p, SPEAKING)}


def cases_of(name: str) -> list[dict[str, Any]]:
    file = CASES / f"{name}.yaml"
    cases: list[dict[str, Any]] = (
        yaml.safe_load(file.read_text(encoding="utf-8"))["cases"] if file.exists() else []
    )
    return cases


ALL = [(name, case) for name in PROFILES for case in cases_of(name)]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_a_case(name: str) -> None:
    assert cases_of(name), f"write tests/profiles/{name}.yaml"


@pytest.mark.parametrize(("name", "case"), ALL, ids=[f"{name}: {case['case']}" for name, case in ALL])
def test_what_a_device_says_means_what_its_manual_says(name: str, case: dict[str, Any]) -> None:
    told = decoder_of(PROFILES[name])(body_of(PROFILES[name], case)).values
    assert {key: quality.word if value is None else value for key, value, quality in told} == case["readings"]


def body_of(profile: SpeakingProfile, case: dict[str, Any]) -> Any:
    """Of the message, as whatever listens hands it to the profile's decoder."""
    if isinstance(profile, Hj212Profile):
        packet = f"{case['packet']}\r\n".encode() if "packet" in case else framed(case["data"])
        (heard,) = Hj212Talk().hear(packet)
    elif isinstance(profile, FrameProfile):
        (heard,) = talk_maker(profile.frames.protocol)().hear(bytes.fromhex(case["frame"]))
    else:
        return msgspec.json.encode(case["body"])
    return heard.body
