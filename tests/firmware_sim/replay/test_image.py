"""Whatever quality was recorded, the gateway's own decoder finds it in the registers, or it is told."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers import Answer
from edge.drivers.registers import plan, values
from firmware_sim.replay.image import Image
from sitewarden.clockblock import Code, told
from sitewarden.profiles import load_profiles
from sitewarden.profiles.model import Modbus, ModbusPoint, ModbusProfile
from sitewarden.quality import Quality

CRANE = load_profiles()["reference-tower-crane"]
NAN = math.nan


def read(profile: ModbusProfile, image: Image) -> dict[str, tuple[float | None, Quality]]:
    """All points as the gateway reads them, refused ones one by one."""
    found = {}
    for key, point in profile.points.items():
        (one,) = plan(profile.modbus, [(key, point)])
        first, table = one.request.first, image.tables[one.request.function]
        registers = image.read(table[first : first + one.request.length])
        if registers is None:
            answer = Answer((), Quality.TIMEOUT)
        else:
            answer = Answer(registers, Quality.GOOD if registers else Quality.EXCEPTION)
        found.update({key: (value, quality) for key, value, quality in values(one, answer)})
    return found


def a_profile(**point) -> ModbusProfile:
    return ModbusProfile(
        profile="made-up",
        version=1,
        device_kind="other",
        products=[],
        source="this test",
        verified="simulator",
        modbus=Modbus(transports=["tcp"]),
        groups={"main": CRANE.groups["main"]},
        points={"x": ModbusPoint(kind="crane.load", unit="t", register=3, **point)},
    )


def test_good_values_come_back_as_they_were():
    image = Image(CRANE, CRANE.points)
    said = {"load": 3.141, "radius": 25.5, "hook_height": -3.2, "slew": -45.5, "falls": 4, "wind_speed": 12.3}
    said |= {"limiter_cutoff": 1, "limiter_bypass": 0, "limiter_fault": 1}
    keys = list(CRANE.points)
    image.show([(keys.index(key), value, Quality.GOOD) for key, value in said.items()])
    assert read(CRANE, image) == {key: (value, Quality.GOOD) for key, value in said.items()}
    assert not image.wanted


def test_bits_tables_and_digits_come_back_as_they_were():
    points = {
        "spray": ModbusPoint(kind="dust.spray", unit="1", function=1, register=2),
        "door": ModbusPoint(kind="hoist.door.entry", unit="1", function=2, register=0),
        "top": ModbusPoint(kind="hoist.limit.top", unit="1", register=7, bit=15, byte_order="little"),
        "floor": ModbusPoint(kind="hoist.floor", unit="1", register=7, bits=(0, 6), byte_order="little"),
        "height": ModbusPoint(kind="hoist.height", unit="m", register=8, type="bcd32", scale=0.01),
    }
    profile = msgspec.structs.replace(a_profile(), points=points)
    image = Image(profile, points)
    said = {"spray": 1.0, "door": 1.0, "top": 1.0, "floor": 99.0, "height": 1234.56}
    image.show([(i, said[key], Quality.GOOD) for i, key in enumerate(points)])
    assert read(profile, image) == {key: (value, Quality.GOOD) for key, value in said.items()}
    assert not image.wanted


@pytest.mark.parametrize("type_", ["uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("word_order", ["big", "little"])
def test_every_type_and_word_order_is_that_of_the_profile(type_, word_order):
    profile = a_profile(type=type_, word_order=word_order, scale=0.5)
    image = Image(profile, ["x"])
    image.show([(0, 1234.5, Quality.GOOD)])
    assert read(profile, image) == {"x": (1234.5, Quality.GOOD)}


@pytest.mark.parametrize("type_", ["uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("quality", [Quality.SENTINEL, Quality.OUT_OF_RANGE])
def test_what_a_register_said_it_says_again(type_, quality):
    profile = a_profile(type=type_, scale=0.1, range=(0, 60), sentinels=[1000])
    image = Image(profile, ["x"])
    image.show([(0, NAN, quality)])
    assert image.codes == bytes([Code.READ])
    assert read(profile, image) == {"x": (None, quality)}


def test_not_a_number_is_one_in_a_float_register():
    profile = a_profile(type="float32")
    image = Image(profile, ["x"])
    image.show([(0, NAN, Quality.NOT_A_NUMBER)])
    assert read(profile, image) == {"x": (None, Quality.NOT_A_NUMBER)}


def test_a_refused_point_is_refused_and_its_neighbours_are_not():
    image = Image(CRANE, CRANE.points)
    image.show([(0, NAN, Quality.EXCEPTION), (1, 25.0, Quality.GOOD)])
    assert image.read(range(7)) == []
    assert image.wanted == {0, 1}
    assert image.read(range(1)) == []
    assert image.read(range(1, 2)) == [2500]
    assert not image.wanted


def test_a_silent_unit_is_silent_to_whoever_asks_and_nobody_need_wait_for_it():
    image = Image(CRANE, CRANE.points)
    image.show([(i, NAN, Quality.TIMEOUT) for i in range(9)])
    assert image.codes == bytes([told(Quality.TIMEOUT)] * 9)
    assert image.read(range(7)) is None
    assert not image.wanted


def test_a_point_that_was_silent_alone_does_not_silence_its_neighbours():
    image = Image(CRANE, CRANE.points)
    image.show([(0, 3.0, Quality.GOOD), (1, NAN, Quality.TIMEOUT), (2, 10.0, Quality.GOOD)])
    assert image.read(range(1, 2)) is None
    assert image.read(range(3)) is not None
    assert not image.wanted


@pytest.mark.parametrize("quality", [Quality.FROZEN, Quality.JUMP, Quality.CLOCK, Quality.DISCONNECTED])
def test_what_no_register_can_say_is_told(quality):
    image = Image(CRANE, CRANE.points)
    image.show([(0, NAN, quality)])
    assert image.codes[0] == told(quality)


def test_one_bit_cannot_be_refused_beside_the_others_of_its_register():
    image = Image(CRANE, CRANE.points)
    bits = list(CRANE.points).index("limiter_cutoff")
    image.show([(bits, NAN, Quality.EXCEPTION), (bits + 1, 1.0, Quality.GOOD)])
    assert image.codes[bits] == told(Quality.EXCEPTION)
    assert image.codes[bits + 1] == Code.READ


@given(st.integers(0, 60_000), st.floats(0.001, 10), st.sampled_from(["uint32", "int32"]))
def test_any_multiple_of_the_scale_survives(number, scale, type_):
    profile = a_profile(type=type_, scale=scale)
    image = Image(profile, ["x"])
    value = round(number * scale, 9)
    image.show([(0, value, Quality.GOOD)])
    assert read(profile, image) == {"x": (value, Quality.GOOD)}
