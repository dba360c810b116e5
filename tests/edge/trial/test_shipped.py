"""Every shipped profile: its simulated device is found sound, and a wrong order of words is not."""

from collections.abc import Sequence

import msgspec
import pytest

from edge.settings import ModbusTcp
from edge.trial.target import Target
from edge.trial.trying import tried
from firmware_sim.layout import Layout
from firmware_sim.modbus import ModbusServer
from firmware_sim.player import Player
from firmware_sim.registers import Image
from firmware_sim.single import single_device
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.conformance import report
from sitewarden.profiles.hints import hints, usual_spans
from sitewarden.profiles.model import WIDTHS

PROFILES = {name: profile for name, profile in load_profiles().items() if hasattr(profile, "modbus")}
USUAL = usual_spans(PROFILES)
OF_TWO_WORDS = [
    name for name, profile in PROFILES.items() if any(WIDTHS[p.type] > 1 for p in profile.points.values())
]


def player_of(profile: Profile) -> Player:
    site = single_device(profile, seed=5)
    return Player(site.scenario, site.cast[profile.profile])


def images(profile: Profile, count: int = 6) -> Sequence[Image]:
    """What a device shows, with some time between."""
    player, shown = player_of(profile), []
    for _ in range(count):
        for _ in range(40):
            player.step()
        shown.append(player.image())
    return shown


@pytest.mark.parametrize("name", PROFILES)
async def test_a_simulated_device_is_found_sound(name: str) -> None:
    profile = PROFILES[name]
    player = player_of(profile)
    async with ModbusServer("127.0.0.1", 0, {1: player.bank}) as server:
        settings = ModbusTcp(host="127.0.0.1", port=server.port)
        trial = await tried(profile, Target(settings, 1), 0.0, lambda _: None)
    found = report(profile, trial, USUAL)
    assert found.is_sound, [check for check in found.checks if check.level == "finding"]


@pytest.mark.parametrize("name", PROFILES)
def test_a_device_that_fits_is_given_no_hint(name: str) -> None:
    profile = PROFILES[name]
    places, shown = Layout(profile).places, images(profile)
    for key, point in profile.points.items():
        words = sorted(places[key].words)
        looks = [tuple(image.words[word] for word in words) for image in shown]
        assert hints(point, profile.modbus, looks, USUAL.get(point.kind)) == [], key


@pytest.mark.parametrize("name", OF_TWO_WORDS)
def test_words_read_in_the_wrong_order_are_seen_by_their_values(name: str) -> None:
    profile = PROFILES[name]
    places, shown = Layout(profile).places, images(profile)
    for key, point in profile.points.items():
        if WIDTHS[point.type] < 2:
            continue
        words = sorted(places[key].words)
        looks = [tuple(image.words[word] for word in words) for image in shown]
        wrong = msgspec.structs.replace(point, word_order="little")
        if any(high != low for high, low in looks):
            found = hints(wrong, profile.modbus, looks, USUAL.get(point.kind))
            assert {"word_order": "big"} in [hint.change for hint in found], (key, looks)
