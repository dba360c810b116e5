"""Outsiders write gateways from docs/reference/topics.md, so it must name everything that travels."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from sitewarden import messages, topics, trials
from sitewarden.profiles.conformance import PointSeen, Report
from sitewarden.profiles.findings import Check
from sitewarden.profiles.hints import Hint
from sitewarden.quality import Quality
from sitewarden.rules.model import Clause

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "topics.md").read_text(encoding="utf-8")
FIRST_CELL = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
MESSAGES = [
    structure
    for name, structure in vars(messages).items()
    if isinstance(structure, type) and issubclass(structure, msgspec.Struct) and not name.startswith("_")
]

TRIALS = [trials.TrialAsked, trials.TrialTold, trials.FrameSeen, trials.ValueSeen]
TRIALS += [Report, PointSeen, Hint, Check]


def section(title: str) -> str:
    """The page's text under a heading, up to the next heading."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("structure", [*MESSAGES, *TRIALS, Clause], ids=lambda structure: structure.__name__)
def test_the_page_lists_exactly_the_fields_of_every_message(structure: type[msgspec.Struct]) -> None:
    assert FIRST_CELL.findall(section(structure.__name__)) == list(structure.__struct_fields__)


def test_the_page_lists_exactly_the_channels_and_their_directions() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (up|down) \|", section("Topics"), re.MULTILINE)
    channels = [(channel, "up") for channel in get_args(topics.UpChannel)]
    channels += [(channel, "down") for channel in get_args(topics.DownChannel)]
    assert sorted(listed) == sorted(channels)


def test_the_page_names_every_mode() -> None:
    assert all(f"`{mode}`" in section("Topics") for mode in get_args(topics.Mode))


def test_the_page_lists_every_quality_with_its_number() -> None:
    listed = re.findall(r"^\| (\d+) \| `(\w+)` \|", section("Quality"), re.MULTILINE)
    assert [(int(number), word) for number, word in listed] == [
        (quality, quality.word) for quality in Quality
    ]


def test_the_page_gives_the_true_bounds_of_a_body() -> None:
    bodies = section("Bodies")
    assert f"{messages.MAX_BODY_BYTES // 1024} KiB" in bodies
    assert f"{messages.MAX_UNPACKED_BYTES // 2**20} MiB" in bodies
    assert f"{messages.COMPRESS_ABOVE_BYTES} bytes" in bodies
