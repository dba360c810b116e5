"""Registers by a profile, against words worked out by hand."""

import pytest

from firmware_sim.registers import Encoder
from sitewarden.profiles import Modbus, ModbusPoint, ModbusProfile, PollGroup, load_profiles

CRANE = {
    "load": 2.8004,
    "radius": 25.0,
    "hook_height": -1.5,
    "slew": -12.3,
    "falls": 4.0,
    "wind_speed": 10.84,
    "limiter_cutoff": 1.0,
    "limiter_bypass": 0.0,
    "limiter_fault": 1.0,
}


def _profile(word_order: str = "big", base: int = 0, **points: ModbusPoint) -> ModbusProfile:
    modbus = Modbus(transports=["tcp"], word_order=word_order, base=base)  # type: ignore[arg-type]
    return ModbusProfile(
        profile="test",
        version=1,
        device_kind="other",
        products=[],
        source="made for this test",
        verified="simulator",
        modbus=modbus,
        groups={"main": PollGroup(interval_ms=1000)},
        points=points,
    )


def _point(register: int, kind: str, **more: object) -> ModbusPoint:
    return ModbusPoint(kind="crane.load", unit="t", register=register, type=kind, **more)  # type: ignore[arg-type]


def test_the_reference_crane_shows_the_words_of_its_map() -> None:
    image = Encoder(load_profiles()["reference-tower-crane"]).encode(CRANE)
    assert image.words == (2800, 2500, 0xFFFF - 149, 0xFFFF - 122, 4, 108, 0b101)
    assert image.said["load"] == 2.8
    assert image.said["wind_speed"] == 10.8


def test_the_reference_logger_puts_the_high_word_first() -> None:
    values = {f"h{i}": 0.0 for i in range(1, 7)} | {"h1": 700.0, "h2": -0.01}
    image = Encoder(load_profiles()["reference-pit-displacement"]).encode(values)
    assert image.words[:4] == (1, 4464, 0xFFFF, 0xFFFF)  # 70000 = 1 * 65536 + 4464


@pytest.mark.parametrize(("order", "words"), [("big", (0x4048, 0xF5C3)), ("little", (0xF5C3, 0x4048))])
def test_a_float_takes_two_words_in_the_profiles_order(order: str, words: tuple[int, int]) -> None:
    image = Encoder(_profile(word_order=order, load=_point(0, "float32"))).encode({"load": 3.14})
    assert image.words == words
    assert image.said["load"] == pytest.approx(3.14, abs=1e-6)


def test_a_map_that_counts_from_one_is_served_from_address_zero() -> None:
    assert Encoder(_profile(base=1, load=_point(2, "uint16"))).encode({"load": 9.0}).words == (0, 9)


def test_a_point_may_have_its_own_word_order() -> None:
    profile = _profile(a=_point(0, "uint32"), b=_point(2, "uint32", word_order="little"))
    assert Encoder(profile).encode({"a": 1.0, "b": 1.0}).words == (0, 1, 1, 0)


def test_no_value_is_shown_as_the_makers_sentinel() -> None:
    profile = _profile(load=_point(0, "uint16", sentinels=[65535], scale=0.1))
    image = Encoder(profile).encode({"load": None})
    assert image.words == (65535,)
    assert image.said["load"] is None


def test_no_value_cannot_be_said_where_the_maker_has_no_word_for_it() -> None:
    with pytest.raises(ValueError, match="load"):
        Encoder(_profile(load=_point(0, "uint16"))).encode({"load": None})


def test_a_number_too_large_for_its_register_stays_at_the_end_of_the_scale() -> None:
    image = Encoder(_profile(load=_point(0, "int16", scale=0.1))).encode({"load": 9999.0})
    assert image.words == (0x7FFF,)
    assert image.said["load"] == 3276.7


def test_scale_and_offset_are_undone() -> None:
    image = Encoder(_profile(load=_point(0, "uint16", scale=0.5, offset=-40.0))).encode({"load": -20.0})
    assert image.words == (40,)
    assert image.said["load"] == -20.0
