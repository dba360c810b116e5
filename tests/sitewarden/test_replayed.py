"""A device that speaks by itself, as a replay asks it: the same points, each where no other is."""

import pytest

from firmware_sim.replay.image import Image
from sitewarden.clockblock import Code
from sitewarden.points import point_kind
from sitewarden.profiles import load_profiles
from sitewarden.profiles.model import SPEAKING, is_bit
from sitewarden.profiles.replayed import as_registers
from sitewarden.quality import Quality

SPOKEN = sorted(name for name, profile in load_profiles().items() if isinstance(profile, SPEAKING))


@pytest.mark.parametrize("name", SPOKEN)
def test_it_keeps_every_point_with_its_meaning(name: str) -> None:
    profile = load_profiles()[name]
    asked = as_registers(profile)
    assert (asked.profile, asked.version, asked.groups) == (name, profile.version, profile.groups)
    assert list(asked.points) == list(profile.points)
    for key, point in profile.points.items():
        made = asked.points[key]
        assert (made.kind, made.group, made.label) == (point.kind, point.group, point.label)
        assert is_bit(asked, made) == is_bit(profile, point)
    registers = [point.register for point in asked.points.values()]
    assert registers == sorted(set(registers))


@pytest.mark.parametrize("name", SPOKEN)
def test_the_registers_say_a_recorded_value_to_the_resolution_of_its_kind_and_a_bad_one_as_bad(
    name: str,
) -> None:
    asked = as_registers(load_profiles()[name])
    image = Image(asked, asked.points)
    for i, (_, point) in enumerate(asked.points.items()):
        low, high = point.range or (0.0, 1.0)
        value = round(low + (high - low) / 2)
        image.show([(i, float(value), Quality.GOOD)])
        assert image.codes[i] == Code.READ
        words = image.words[point.register : point.register + 2]
        if not asked.modbus.is_bit(point):
            number = int.from_bytes(words[0].to_bytes(2) + words[1].to_bytes(2), "big", signed=True)
            assert number * point_kind(point.kind).resolution == pytest.approx(value)
        image.show([(i, float("nan"), Quality.CLOCK)])
        assert image.codes[i] == Code.TOLD + Quality.CLOCK


def test_one_that_is_polled_anyway_is_as_it_was() -> None:
    crane = load_profiles()["reference-tower-crane"]
    assert as_registers(crane) is crane
