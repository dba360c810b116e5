"""Decoding and planning: what registers mean, and how few reads they take."""

import math
import struct
from itertools import pairwise
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers import Answer, Request
from edge.drivers.registers import halves, plan, values
from sitewarden.profiles.decoding import decoder
from sitewarden.profiles.model import WIDTHS, Modbus, ModbusPoint
from sitewarden.quality import Quality

TCP = Modbus(transports=["tcp"])


def point(**fields: object) -> ModbusPoint:
    return msgspec.convert({"kind": "crane.load", "unit": "t", "register": 0, **fields}, ModbusPoint)


def words(number: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", number)))


@pytest.mark.parametrize(
    ("fields", "registers", "value"),
    [
        ({"type": "uint16"}, [65535], 65535.0),
        ({"type": "int16"}, [32767], 32767.0),
        ({"type": "int16"}, [32768], -32768.0),
        ({"type": "int16"}, [65535], -1.0),
        ({"type": "uint32"}, [1, 2], 65538.0),
        ({"type": "uint32", "word_order": "little"}, [1, 2], 131073.0),
        ({"type": "uint32"}, [65535, 65535], 4294967295.0),
        ({"type": "int32"}, [65535, 65535], -1.0),
        ({"type": "int32"}, [32768, 0], -2147483648.0),
        ({"type": "float32"}, words(-2.5), -2.5),
        ({"type": "float32", "word_order": "little"}, words(-2.5)[::-1], -2.5),
        ({"type": "uint16", "scale": 0.1, "offset": -40}, [255], -14.5),
        ({"type": "uint16", "scale": 0.01}, [57], 0.57),
        ({"bit": 0}, [1], 1.0),
        ({"bit": 0}, [65534], 0.0),
        ({"bit": 15}, [32768], 1.0),
        ({"bits": [4, 7]}, [0xFA5F], 5.0),
        ({"bits": [12, 15], "scale": 0.5}, [0xF000], 7.5),
        ({"bits": [0, 1], "byte_order": "little"}, [0x0300], 3.0),
        ({"type": "bcd16"}, [0x1234], 1234.0),
        ({"type": "bcd16", "scale": 0.1}, [0x0099], 9.9),
        ({"type": "bcd32"}, [0x0123, 0x4567], 1234567.0),
        ({"type": "bcd32", "word_order": "little"}, [0x4567, 0x0123], 1234567.0),
        ({"byte_order": "little"}, [0x3412], 0x1234),
        ({"type": "int16", "byte_order": "little"}, [0xFEFF], -2.0),
        # 12.3 as a float is 41 44 CC CD: the four orders that makers have for it.
        ({"type": "float32"}, [0x4144, 0xCCCD], 12.300000191),
        ({"type": "float32", "word_order": "little"}, [0xCCCD, 0x4144], 12.300000191),
        ({"type": "float32", "byte_order": "little"}, [0x4441, 0xCDCC], 12.300000191),
        (
            {"type": "float32", "word_order": "little", "byte_order": "little"},
            [0xCDCC, 0x4441],
            12.300000191,
        ),
        ({"function": 1}, [1], 1.0),
        ({"function": 2, "byte_order": "little"}, [1], 1.0),
    ],
)
def test_a_number_is_what_type_order_scale_and_bit_say(
    fields: dict[str, object], registers: list[int], value: float
) -> None:
    assert decoder(point(**fields), TCP)(registers) == (value, Quality.GOOD)


@pytest.mark.parametrize(
    ("fields", "registers", "quality"),
    [
        ({"sentinels": [65535]}, [65535], Quality.SENTINEL),
        ({"type": "int16", "sentinels": [65535]}, [65535], Quality.SENTINEL),
        ({"type": "int32", "sentinels": [2147483647]}, [32767, 65535], Quality.SENTINEL),
        ({"bit": 0, "sentinels": [65535]}, [65535], Quality.SENTINEL),
        ({"range": [0, 60], "scale": 0.001}, [60001], Quality.OUT_OF_RANGE),
        ({"type": "int16", "range": [0, 60]}, [65535], Quality.OUT_OF_RANGE),
        ({"type": "float32"}, words(math.nan), Quality.NOT_A_NUMBER),
        ({"type": "float32"}, words(math.inf), Quality.NOT_A_NUMBER),
        ({"type": "bcd16"}, [0x123A], Quality.NOT_A_NUMBER),
        ({"type": "bcd32"}, [0xFFFF, 0xFFFF], Quality.NOT_A_NUMBER),
        ({"type": "bcd16", "sentinels": [0x9999]}, [0x9999], Quality.SENTINEL),
        ({"byte_order": "little", "sentinels": [0x7FFF]}, [0xFF7F], Quality.SENTINEL),
        ({"type": "float32", "sentinels": [0x7FC00000]}, [0x7FC0, 0], Quality.SENTINEL),
    ],
)
def test_a_number_that_cannot_be_meant_is_no_value(
    fields: dict[str, object], registers: list[int], quality: Quality
) -> None:
    assert decoder(point(**fields), TCP)(registers) == (None, quality)


def test_zero_is_a_reading_not_a_gap() -> None:
    assert decoder(point(range=[0, 60]), TCP)([0]) == (0.0, Quality.GOOD)


def test_the_ends_of_a_range_belong_to_it() -> None:
    assert decoder(point(range=[0, 60], scale=0.001), TCP)([60000]) == (60.0, Quality.GOOD)


def test_a_failed_read_makes_bad_exactly_its_own_points() -> None:
    modbus = Modbus(transports=["tcp"], max_gap=0)
    near, far = plan(modbus, [("a", point(register=0)), ("b", point(register=1)), ("c", point(register=9))])
    assert values(near, Answer((), Quality.TIMEOUT)) == [
        ("a", None, Quality.TIMEOUT),
        ("b", None, Quality.TIMEOUT),
    ]
    assert values(far, Answer([7], Quality.GOOD)) == [("c", 7.0, Quality.GOOD)]


def test_a_gap_of_the_allowed_width_is_read_along() -> None:
    modbus = Modbus(transports=["tcp"], max_gap=4)
    points = [("a", point(register=10)), ("b", point(register=15)), ("c", point(register=21))]
    assert [read.request for read in plan(modbus, points)] == [Request(3, 10, 6), Request(3, 21, 1)]


def test_a_manual_that_counts_from_one_is_asked_from_zero() -> None:
    modbus = Modbus(transports=["tcp"], base=1, function=4)
    (read,) = plan(modbus, [("a", point(register=1, type="uint32"))])
    assert read.request == Request(4, 0, 2)


def test_a_refused_read_is_halved_until_one_point_is_left() -> None:
    modbus = Modbus(transports=["tcp"])
    (read,) = plan(modbus, [(str(i), point(register=i)) for i in range(3)])
    left, right = halves(modbus, read)
    assert ([p.key for p in left.points], [p.key for p in right.points]) == (["0"], ["1", "2"])
    assert right.request == Request(3, 1, 2)
    assert halves(modbus, left) == [left]


points = st.dictionaries(
    st.text("abc", min_size=1, max_size=4),
    st.tuples(st.integers(0, 400), st.sampled_from(sorted(WIDTHS))).map(
        lambda drawn: point(register=drawn[0], type=drawn[1])
    ),
    min_size=1,
    max_size=30,
)


@given(points=points, max_gap=st.integers(0, 40), max_registers=st.integers(2, 125))
def test_every_point_is_read_once_and_within_the_limits(
    points: dict[str, ModbusPoint], max_gap: int, max_registers: int
) -> None:
    modbus = Modbus(transports=["tcp"], max_gap=max_gap, max_registers=max_registers)
    reads = plan(modbus, points.items())
    assert sorted(placed.key for read in reads for placed in read.points) == sorted(points)
    for read in reads:
        assert read.request.length <= max_registers
        covered = set()
        for placed in read.points:
            assert read.request.first + placed.offset == placed.point.register
            assert placed.offset + WIDTHS[placed.point.type] <= read.request.length
            covered |= {placed.offset + i for i in range(WIDTHS[placed.point.type])}
        gaps = sorted(covered)
        assert all(after - before - 1 <= max_gap for before, after in pairwise(gaps))


@given(points=points, order=st.sampled_from(("big", "little")), data=st.data())
def test_any_registers_decode_to_a_finite_value_or_a_reason(
    points: dict[str, ModbusPoint], order: Literal["big", "little"], data: st.DataObject
) -> None:
    for read in plan(Modbus(transports=["tcp"], word_order=order), points.items()):
        drawn = data.draw(
            st.lists(st.integers(0, 65535), min_size=read.request.length, max_size=read.request.length)
        )
        for _, value, quality in values(read, Answer(drawn, Quality.GOOD)):
            assert (value is None) == (quality is not Quality.GOOD)
            assert value is None or math.isfinite(value)


def test_no_read_touches_a_hole_and_what_lies_beside_it_is_read_together() -> None:
    modbus = Modbus(transports=["tcp"])
    points = [(str(i), point(register=i)) for i in range(8)]
    reads = plan(modbus, points, holes={(3, 4)})
    assert [read.request for read in reads] == [Request(3, 0, 4), Request(3, 5, 3)]


def test_tables_are_read_apart_and_bits_sixteen_times_as_far() -> None:
    modbus = Modbus(transports=["tcp"], function=4, max_gap=1, max_registers=2)
    points = [
        ("a", point(register=0)),
        ("b", point(register=0, function=3)),
        ("c", point(register=1, function=2)),
        ("d", point(register=18, function=2)),
        ("e", point(register=33, function=2)),
    ]
    reads = plan(modbus, points, holes={(4, 18)})
    assert [read.request for read in reads] == [
        Request(2, 1, 18),
        Request(2, 33, 1),
        Request(3, 0, 1),
        Request(4, 0, 1),
    ]
    assert plan(modbus, points, holes={(2, 1)})[0].request == Request(2, 18, 16)


def test_a_device_that_wants_one_point_a_request_gets_that() -> None:
    modbus = Modbus(transports=["tcp"], one_point_a_request=True)
    points = [("a", point(register=0)), ("b", point(register=1, type="float32"))]
    assert [read.request for read in plan(modbus, points)] == [Request(3, 0, 1), Request(3, 1, 2)]
