"""Every scenario of the how-to can be played as it stands there."""

import re
from pathlib import Path

import pytest

from firmware_sim.player import Player
from firmware_sim.scenario import read_scenario
from firmware_sim.usual import usual_forms, usual_kinds
from sitewarden.points import vocabulary
from sitewarden.profiles import load_profiles

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "simulate-devices.md"
SPEAKING = PAGE.with_name("connect-speaking-devices.md")
FENCED = re.compile(r"^```yaml\n(scenario: (\S+)\n.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = FENCED.findall(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("text", [text for text, _ in EXAMPLES], ids=[name for _, name in EXAMPLES])
def test_a_scenario_of_the_page_can_be_played(text: str, tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    site = read_scenario(file)
    assert site.cast or site.scenario.cameras
    for cast in site.cast.values():
        player = Player(site.scenario, cast)
        for _ in range(100):
            player.step()
        player.show()
        assert player.bank.words


def test_the_scenario_of_speaking_devices_can_be_played(tmp_path: Path) -> None:
    ((text, _),) = FENCED.findall(SPEAKING.read_text("utf-8"))
    file = tmp_path / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    site = read_scenario(file)
    assert set(site.cast) == {"dust-1", "crane-1"}


def test_the_page_has_examples_of_everything() -> None:
    assert len(EXAMPLES) >= 6


def test_what_is_usual_is_said_of_kinds_that_there_are() -> None:
    assert usual_kinds().keys() <= vocabulary().keys()
    assert all(usual_forms(profile) for profile in load_profiles().values())
