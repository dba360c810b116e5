"""Raw words that make no sense by the profile: what would make sense of them is said, and nothing else."""

import struct
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sitewarden.profiles import load_profiles
from sitewarden.profiles.hints import hints, is_plausible, usual_spans
from sitewarden.profiles.model import Modbus, ModbusPoint

MODBUS = Modbus(transports=["tcp"])
ORDERS = list(product(("big", "little"), repeat=2))


def point(**fields: Any) -> ModbusPoint:
    given = {"kind": "crane.load", "unit": "t", "register": 0, "range": [0, 60], **fields}
    return msgspec.convert(given, ModbusPoint)


def words(number: float, word_order: str, byte_order: str) -> tuple[int, ...]:
    high, low = struct.pack(">f", number)[:2], struct.pack(">f", number)[2:]
    pairs = (high, low) if word_order == "big" else (low, high)
    return tuple(int.from_bytes(pair, byte_order) for pair in pairs)  # type: ignore[arg-type]


def test_a_float_whose_words_are_swapped_is_told_in_the_words_of_the_manual() -> None:
    (hint,) = hints(point(type="float32"), MODBUS, [words(12.3125, "little", "big")])
    assert hint.change == {"word_order": "little"}
    assert hint.value == 12.3125
    assert hint.says.en == (
        "CDAB (word_order: little) would give 12.312 t, inside the valid range 0 … 60; as read 2.3414e-41 t"
    )
    assert "CDAB" in hint.says.zh
    assert "12.312 t" in hint.says.zh


@given(number=st.floats(0.5, 59, width=32), true=st.sampled_from(ORDERS), read=st.sampled_from(ORDERS))
def test_the_true_order_is_among_those_named_and_needs_no_hint_itself(
    number: float, true: tuple[str, str], read: tuple[str, str]
) -> None:
    look = words(number, *true)
    assert hints(point(type="float32", word_order=true[0], byte_order=true[1]), MODBUS, [look]) == []
    wrong = point(type="float32", word_order=read[0], byte_order=read[1])
    assume(not is_plausible(wrong, MODBUS, [look], (0, 60)))
    found = [hint.change for hint in hints(wrong, MODBUS, [look])]
    keys = ("word_order", "byte_order")
    wanted = {key: new for key, old, new in zip(keys, read, true, strict=True) if old != new}
    assert wanted in found


@pytest.mark.parametrize(
    ("fields", "look", "change"),
    [
        ({"type": "int32", "scale": 0.01}, (500, 0), {"word_order": "little"}),
        ({"type": "uint16", "range": [-40, 80], "scale": 0.1}, (0xFFCE,), {"type": "int16"}),
        ({"type": "float32"}, (0, 25), {"type": "uint32"}),
        ({"type": "uint16", "scale": 1.0}, (583,), {"scale": 0.1}),
        ({"type": "uint16", "range": [0, 30]}, (0x1900,), {"byte_order": "little"}),
        ({"type": "uint32"}, (0x4144, 0xCCCD), {"type": "float32"}),
        ({"type": "uint32"}, (0xCCCD, 0x4144), {"type": "float32", "word_order": "little"}),
    ],
)
def test_another_order_type_or_scale_is_found(
    fields: dict[str, Any], look: tuple[int, ...], change: dict[str, Any]
) -> None:
    found = hints(point(**fields), MODBUS, [look])
    assert change in [hint.change for hint in found]
    assert len(found) <= 3


def test_a_number_that_leaps_within_its_range_is_told_by_the_order_in_which_it_does_not() -> None:
    looks = [(0xF200,), (0xF300,), (0xF400,), (0xF500,), (0xF600,), (0x0001,)]  # 242 to 256, low byte first
    (hint,) = hints(point(scale=0.001, range=[0, 66]), MODBUS, looks)
    assert hint.change == {"byte_order": "little"}


def test_what_makes_sense_gets_no_hint() -> None:
    steady = [(2800,), (2805,), (2795,), (2800,), (2810,)]
    assert hints(point(scale=0.001), MODBUS, steady) == []
    assert hints(point(scale=0.001), MODBUS, [(0,)]) == []
    assert hints(point(bit=3), MODBUS, [(0xFFFF,)]) == []
    assert hints(point(range=None), MODBUS, [(65535,)]) == [], "nothing is known of what would be plausible"


def test_where_a_point_has_no_range_that_of_its_kind_elsewhere_stands_for_it() -> None:
    usual = usual_spans(load_profiles())["crane.load"]
    found = hints(point(type="float32", range=None), MODBUS, [words(12.5, "little", "little")], usual)
    assert {"word_order": "little", "byte_order": "little"} in [hint.change for hint in found]
