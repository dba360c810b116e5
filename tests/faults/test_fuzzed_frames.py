"""Answers under any mixture of faults, cut anywhere: what the gateway accepts is the truth or nothing."""

import struct
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.drivers import Request
from edge.drivers.framing import Frame, OutOfStepError, RtuStream, TcpStream, answers
from firmware_sim.faults import KINDS, AnyFault, Applied, WireFault
from firmware_sim.modbus import on_tcp
from firmware_sim.rtu import on_line
from firmware_sim.wire import Reply, disturbed

UNIT, FUNCTION, TRANSACTION = 7, 3, 17
KEYS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "slow": st.just({"delay_ms": 1}),
    "late": st.just({"delay_ms": 1}),
    "garbage": st.builds(dict, bytes=st.integers(1, 260)),
    "exception": st.builds(dict, code=st.integers(1, 255), function=st.integers(1, 127)),
    "truncated": st.builds(dict, lost_bytes=st.integers(1, 260)),
    "wrong_unit": st.builds(dict, unit=st.integers(0, 255)),
}
WIRE = [kind for kind, structure in KINDS.items() if issubclass(structure, WireFault)]


@st.composite
def faults(draw: st.DrawFn) -> AnyFault:
    kind = draw(st.sampled_from(WIRE))
    keys = draw(KEYS.get(kind, st.just({})))
    fault: AnyFault = msgspec.convert({"fault": kind, "device": "d", **keys}, KINDS[kind])  # type: ignore[assignment]
    return fault


words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=20)
seeds = st.integers(0, 2**32)


def _reply(registers: list[int], ill: list[AnyFault], seed: int) -> Reply | None:
    pdu = struct.pack(f">BB{len(registers)}H", FUNCTION, 2 * len(registers), *registers)
    applied = [Applied(fault, 0.0, f"{seed}/{place}") for place, fault in enumerate(ill)]
    return disturbed(Reply(UNIT, pdu), applied, seed)


def _pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """The stream as it may come."""
    pieces = []
    while data:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def _accepted(frames: list[Frame], registers: list[int]) -> list[Frame]:
    request = Request(FUNCTION, 0, len(registers))
    return [frame for frame in frames if answers(frame, UNIT, request) and not frame.exception]


@settings(max_examples=500)
@given(words, st.lists(faults(), max_size=4), seeds, cuts)
def test_on_a_serial_line_only_the_truth_is_accepted(
    registers: list[int], ill: list[AnyFault], seed: int, sizes: list[int]
) -> None:
    said = _reply(registers, ill, seed)
    if said is None:
        return
    stream = RtuStream()
    frames = [found for piece in _pieces(on_line(said), sizes) for found in stream.feed(piece)]
    assert all(list(found.registers) == registers for found in _accepted(frames, registers))
    if not ill:
        assert len(_accepted(frames, registers)) == 1


@settings(max_examples=500)
@given(words, st.lists(faults(), max_size=4), seeds, cuts)
def test_over_tcp_only_the_truth_is_accepted(
    registers: list[int], ill: list[AnyFault], seed: int, sizes: list[int]
) -> None:
    said = _reply(registers, ill, seed)
    # TCP itself loses no bytes and has no checksum above its own: where a converter loses the end of a frame
    # and goes on at once, the next frame's beginning is taken for it, and nobody can tell.
    if said is None or (said.lost_bytes and said.copies > 1):
        return
    stream, frames = TcpStream(), list[Frame]()
    try:
        for piece in _pieces(on_tcp(said, TRANSACTION), sizes):
            frames += stream.feed(piece)
    except OutOfStepError:
        assert said.noise
    ours = [found for found in frames if found.transaction == TRANSACTION]
    assert all(list(found.registers) == registers for found in _accepted(ours, registers))
