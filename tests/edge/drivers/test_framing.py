"""Frames to bytes and back: what the specification's own examples say, and what noise must not become."""

import struct

import pytest

from edge.drivers import Request
from edge.drivers.framing import (
    Frame,
    OutOfStepError,
    RtuStream,
    TcpStream,
    answers,
    crc16,
    rtu_request,
    tcp_answer_head,
    tcp_registers,
    tcp_request,
)
from tests.support.modbus import NOISE, registers_pdu, rtu_frame, tcp_frame

ANSWER = rtu_frame(1, registers_pdu(3, [40, 50]))
FRAME = Frame(1, 3, (40, 50))


def test_a_checksum_is_the_one_of_the_specification() -> None:
    assert crc16(bytes.fromhex("01 03 00 64 00 14")) == 0x1A04
    assert rtu_request(1, Request(3, 100, 20)) == bytes.fromhex("01 03 00 64 00 14 04 1a")
    assert rtu_request(129, Request(3, 0, 10)) == bytes.fromhex("81 03 00 00 00 0a da 0d")


def test_a_request_over_tcp_has_its_transaction_in_front() -> None:
    assert tcp_request(0xABCD, 7, Request(4, 100, 20)) == bytes.fromhex("abcd 0000 0006 07 04 0064 0014")


def test_a_good_answer_over_tcp_is_its_head_and_its_registers() -> None:
    answer = tcp_frame(9, 7, registers_pdu(4, [1, 2]))
    head = tcp_answer_head(9, 7, Request(4, 100, 2))
    assert answer.startswith(head)
    assert len(answer) == len(head) + 4
    assert tcp_registers(answer, Request(4, 100, 2)) == (1, 2)


BITS = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]
"""Coils 20 to 38 of the specification's example, which sends them as CD 6B 05."""


@pytest.mark.parametrize("function", [1, 2])
def test_bits_come_as_the_example_of_the_specification_has_them(function: int) -> None:
    request = Request(function, 19, 19)
    (frame,) = RtuStream().feed(rtu_frame(17, bytes((function, 3)) + bytes.fromhex("cd 6b 05")))
    assert frame.registers[:19] == BITS
    assert answers(frame, 17, request)
    assert not answers(frame, 17, Request(function, 19, 25))
    answer = tcp_frame(9, 17, bytes((function, 3)) + bytes.fromhex("cd 6b 05"))
    assert answer.startswith(tcp_answer_head(9, 17, request))
    assert tcp_registers(answer, request) == BITS


@pytest.mark.parametrize("function", [0, 5, 6, 15, 16, 22, 23, 43])
def test_no_frame_that_does_more_than_read_can_be_made(function: int) -> None:
    with pytest.raises(ValueError, match="only read"):
        rtu_request(1, Request(function, 0, 1))
    with pytest.raises(ValueError, match="only read"):
        tcp_request(1, 1, Request(function, 0, 1))


@pytest.mark.parametrize("cut", range(1, len(ANSWER)))
def test_a_frame_cut_anywhere_is_whole_only_at_its_end(cut: int) -> None:
    stream = RtuStream()
    assert stream.feed(ANSWER[:cut]) == []
    assert stream.feed(ANSWER[cut:]) == [FRAME]
    assert (stream.is_holding, stream.broken) == (False, 0)


def test_a_frame_after_noise_is_found_and_the_noise_is_counted_once() -> None:
    stream = RtuStream()
    assert stream.feed(NOISE + ANSWER + NOISE[:3]) == [FRAME]
    assert stream.feed(NOISE[3:] + ANSWER) == [FRAME]
    assert stream.broken == 2


def test_a_frame_that_lacks_its_end_holds_up_the_next_no_longer_than_a_pause() -> None:
    stream = RtuStream()
    cut = rtu_frame(2, registers_pdu(3, [1] * 20))[:-3]
    assert stream.feed(cut + ANSWER[:-2]) == []
    assert stream.silence() == []
    assert stream.feed(ANSWER[-2:]) == [FRAME]
    assert stream.feed(cut[:3] + ANSWER) == []
    assert stream.silence() == [FRAME]
    assert stream.broken == 2


def test_data_that_look_like_a_frame_are_no_frame() -> None:
    inner = rtu_frame(1, registers_pdu(3, [7]))
    assert len(inner) == 7
    outer = rtu_frame(2, registers_pdu(3, [*struct.unpack(">4H", inner + b"\0"), 0]))
    stream = RtuStream()
    assert stream.feed(outer[:12]) == []
    assert [(frame.unit, len(frame.registers)) for frame in stream.feed(outer[12:])] == [(2, 5)]


@pytest.mark.parametrize("bit", range(8 * len(ANSWER)))
def test_a_frame_with_any_bit_wrong_is_no_frame(bit: int) -> None:
    wrong = bytearray(ANSWER)
    wrong[bit // 8] ^= 1 << bit % 8
    stream = RtuStream()
    assert [*stream.feed(bytes(wrong)), *stream.silence()] == []
    stream.drop()
    assert stream.broken >= 1


def test_what_is_held_is_forgotten_when_asked_to() -> None:
    stream = RtuStream()
    stream.feed(ANSWER[:5])
    stream.drop()
    assert stream.feed(ANSWER) == [FRAME]


def test_an_exception_is_a_frame_of_the_function_that_was_asked() -> None:
    assert RtuStream().feed(rtu_frame(1, bytes((0x83, 2)))) == [Frame(1, 3, exception=2)]
    assert TcpStream().feed(tcp_frame(5, 1, bytes((0x84, 11)))) == [Frame(1, 4, exception=11, transaction=5)]


@pytest.mark.parametrize(
    ("frame", "is_answer"),
    [
        (Frame(1, 3, (1, 2)), True),
        (Frame(1, 3, exception=4), True),
        (Frame(2, 3, (1, 2)), False),
        (Frame(2, 3, exception=4), False),
        (Frame(1, 4, (1, 2)), False),
        (Frame(1, 4, exception=4), False),
        (Frame(1, 3, (1,)), False),
        (Frame(1, 3, (1, 2, 3)), False),
        (Frame(1, 3, (1, 2), fault="odd"), False),
    ],
)
def test_only_unit_function_and_count_together_are_an_answer(frame: Frame, is_answer: bool) -> None:
    assert answers(frame, 1, Request(3, 100, 2)) is is_answer


def test_frames_over_tcp_may_come_in_pieces_or_together() -> None:
    one, two = tcp_frame(1, 1, registers_pdu(3, [5])), tcp_frame(2, 1, registers_pdu(3, [6]))
    stream = TcpStream()
    assert stream.feed(one[:3]) == []
    assert stream.is_holding
    frames = stream.feed(one[3:] + two)
    assert [(frame.transaction, frame.registers) for frame in frames] == [(1, (5,)), (2, (6,))]
    assert not stream.is_holding


@pytest.mark.parametrize(
    "pdu", [b"\x03\x04\x00\x01", b"\x03\x03\x00\x01\x02", b"\x83\x00", b"\x83\x01\x01", b"\x2b\x0e"]
)
def test_a_whole_frame_with_a_wrong_inside_says_what_is_wrong(pdu: bytes) -> None:
    (frame,) = TcpStream().feed(tcp_frame(1, 1, pdu))
    assert frame.fault
    assert frame.registers == ()


@pytest.mark.parametrize("header", ["0001 0001 0005 01", "0001 0000 0002 01", "0001 0000 00ff 01"])
def test_a_stream_that_is_not_modbus_is_out_of_step(header: str) -> None:
    with pytest.raises(OutOfStepError):
        TcpStream().feed(bytes.fromhex(header))
