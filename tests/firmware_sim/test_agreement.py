"""The simulator's encoder and the gateway's decoder, written apart, over whatever a profile may say."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers import Answer, Request
from edge.drivers.framing import RtuStream, answers, rtu_request
from edge.drivers.registers import plan, values
from firmware_sim.modbus import Bank, answer
from firmware_sim.registers import Encoder
from firmware_sim.rtu import framed
from sitewarden.profiles.model import ModbusPoint, ModbusProfile, PollGroup
from sitewarden.quality import Quality

ORDERS = st.sampled_from([None, "big", "little"])
SENTINELS = {"uint16": 0xFFFF, "int16": 0x7FFF, "bcd16": 0x9999, "uint32": 9999, "int32": 0, "bcd32": 0}


@st.composite
def a_point(draw: st.DrawFn, register: int) -> ModbusPoint:
    function = draw(st.sampled_from([None, 1, 2, 3, 4]))
    fields: dict[str, Any] = {"kind": "crane.load", "unit": "t", "register": register, "function": function}
    if function in (1, 2):
        return msgspec.convert(fields, ModbusPoint)
    fields |= {"word_order": draw(ORDERS), "byte_order": draw(ORDERS)}
    what = draw(st.sampled_from(["bit", "bits", "number"]))
    if what == "bit":
        fields["bit"] = draw(st.integers(0, 15))
    elif what == "bits":
        lowest = draw(st.integers(0, 14))
        fields["bits"] = (lowest, draw(st.integers(lowest + 1, 15)))
    else:
        fields["type"] = draw(
            st.sampled_from(["uint16", "int16", "bcd16", "uint32", "int32", "bcd32", "float32"])
        )
        if fields["type"] in SENTINELS and draw(st.booleans()):
            fields["sentinels"] = [SENTINELS[fields["type"]]]
    if what != "bit":
        fields["scale"] = draw(st.sampled_from([1, 0.1, 0.01, -0.5]))
        fields["offset"] = draw(st.sampled_from([0, -40]))
    return msgspec.convert(fields, ModbusPoint)


@st.composite
def a_profile(draw: st.DrawFn) -> ModbusProfile:
    base = draw(st.sampled_from([0, 1]))
    places = st.integers(0, 60).map(lambda n: 2 * n + base)
    registers = draw(st.lists(places, min_size=1, max_size=8, unique=True))
    modbus: dict[str, Any] = {"transports": ["tcp"], "base": base, "function": draw(st.sampled_from([3, 4]))}
    modbus |= {"word_order": draw(ORDERS) or "big", "byte_order": draw(ORDERS) or "big"}
    return msgspec.convert(
        {
            "profile": "any",
            "version": 1,
            "device_kind": "other",
            "products": [],
            "source": "this test",
            "verified": "simulator",
            "driver": "modbus",
            "modbus": modbus,
            "groups": {"main": PollGroup(interval_ms=1000)},
            "points": {f"p{n}": draw(a_point(n)) for n in registers},
        },
        ModbusProfile,
    )


def asked(bank: Bank, request: Request) -> Answer:
    """What comes back over a serial line, framed by the simulator and parsed by the gateway."""
    question = rtu_request(1, request)
    (frame,) = RtuStream().feed(framed(1, answer(bank, question[1:-2])))
    assert answers(frame, 1, request), (frame, request)
    assert not frame.exception, frame
    return Answer(frame.registers[: request.length], Quality.GOOD)


@given(profile=a_profile(), data=st.data())
def test_whatever_a_profile_says_both_mean_the_same(profile: ModbusProfile, data: st.DataObject) -> None:
    numbers = st.one_of(st.floats(-500, 500), st.just(math.nan))
    shown: dict[str, float | None] = {}
    for key, point in profile.points.items():
        may_be_none = bool(point.sentinels)
        may_be_nan = point.type == "float32" and point.bits is None and point.function not in (1, 2)
        drawn = data.draw(numbers if may_be_nan and point.bit is None else st.floats(-500, 500))
        shown[key] = None if may_be_none and data.draw(st.booleans()) else drawn
    image = Encoder(profile).encode(shown)
    bank = Bank.of(profile)
    bank.words = image.words
    read = {
        key: value
        for planned in plan(profile.modbus, profile.points.items())
        for key, value, _ in values(planned, asked(bank, planned.request))
    }
    for key, said in image.said.items():
        assert read[key] == (said if said is None else pytest.approx(said, rel=1e-6, abs=1e-8)), key
