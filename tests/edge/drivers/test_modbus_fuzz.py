"""Anything at all on a line: what is taken for an answer is a sound frame of exactly what was asked for.

2000 examples of each; `SITEWARDEN_FUZZ_EXAMPLES=1000000` tries more by hand. Streams are made from a seed,
not drawn byte by byte, so that they cost little.
"""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.drivers import Answer, Request
from edge.drivers.framing import READS, Frame, OutOfStepError, RtuStream, TcpStream
from edge.drivers.modbus import ModbusRtuLink, ModbusTcpLink
from sitewarden.quality import Quality
from tests.support.modbus import BIT_FUNCTIONS, HEADER, NOISE, registers_pdu, rtu_frame, tcp_frame
from tests.support.waiting import ended

CI_EXAMPLES = 2000
EXAMPLES = int(os.environ.get("SITEWARDEN_FUZZ_EXAMPLES", CI_EXAMPLES))
pytestmark = pytest.mark.timeout(400 if EXAMPLES <= CI_EXAMPLES else 0)
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


seeds = st.integers(0, 2**64 - 1)
WORDS = (0, 1, 0x0103, 0x0304, 0xFFFF)


class Piece(NamedTuple):
    """What stands in a stream; a frame's transaction counts from the one asked."""

    unit: int
    request: Request
    words: list[int]
    exception: int
    transaction: int
    harm: str
    at: int
    raw: bytes


class Ask(NamedTuple):
    """One read and what the line says to it."""

    unit: int
    request: Request
    stream: list[Piece]
    cuts: list[int]


def made_ask(draw: random.Random, harms: tuple[str, ...] = ("none", "none", "changed", "cut", "raw")) -> Ask:
    """Half of what the line says is, or was, the right answer."""
    unit, request = made_request(draw)
    stream = []
    for _ in range(draw.randrange(6)):
        of = (unit, request) if draw.random() < 0.5 else made_request(draw)
        stream.append(made_piece(draw, *of, draw.choice(harms)))
    return Ask(unit, request, stream, [draw.randrange(80) for _ in range(draw.randrange(5))])


def made_request(draw: random.Random) -> tuple[int, Request]:
    return draw.randint(1, 3), Request(draw.choice(READS), draw.choice((0, 0x0103)), draw.randint(1, 4))


def made_piece(draw: random.Random, unit: int, request: Request, harm: str) -> Piece:
    return Piece(
        unit=unit,
        request=request,
        words=[draw.choice(WORDS) for _ in range(request.length)],
        exception=draw.choice((0, 0, 0, 2, 11)),
        transaction=draw.choice((0, 0, 0, -1, 1)),
        harm=harm,
        at=draw.randrange(500),
        raw=draw.randbytes(draw.randrange(9)),
    )


def encoded(piece: Piece, transaction: int | None) -> bytes:
    """As it stands on the line, with RTU frames where there is no transaction."""
    pdu = registers_pdu(piece.request.function, piece.words)
    if piece.exception:
        pdu = bytes((piece.request.function | 0x80, piece.exception))
    if transaction is None:
        frame = rtu_frame(piece.unit, pdu)
    else:
        frame = tcp_frame((transaction + piece.transaction) % 65536, piece.unit, pdu)
    return harmed(frame, piece)


def harmed(frame: bytes, piece: Piece) -> bytes:
    at = piece.at % len(frame)
    if piece.harm == "changed":
        return frame[:at] + piece.raw[:1] + frame[at + 1 :]
    if piece.harm == "cut":
        return frame[:at]
    return piece.raw if piece.harm == "raw" else frame


def chunks(data: bytes, places: list[int]) -> Iterator[bytes]:
    """The same bytes, cut there."""
    for begin, end in pairwise([0, *sorted(min(place, len(data)) for place in places), len(data)]):
        yield data[begin:end]


def sound(frame: Frame, *, is_rtu: bool) -> bytes:
    """The bytes that alone may be taken for this frame."""
    pdu = registers_pdu(frame.function, list(frame.registers))
    if frame.exception:
        pdu = bytes((frame.function | 0x80, frame.exception))
    return rtu_frame(frame.unit, pdu) if is_rtu else tcp_frame(frame.transaction, frame.unit, pdu)


def assert_sound(frames: list[Frame], data: bytes, *, is_rtu: bool) -> None:
    """Each frame stands in the stream, in order and apart from the others."""
    at = 0
    for frame in frames:
        if not frame.fault:
            raw = sound(frame, is_rtu=is_rtu)
            found = data.find(raw, at)
            assert found >= 0, (frame, data.hex())
            at = found + len(raw)


@fuzzed
@given(seed=seeds)
def test_a_serial_stream_yields_only_frames_that_stand_in_it(seed: int) -> None:
    draw = random.Random(seed)
    ask = made_ask(draw)
    data = b"".join(encoded(piece, None) for piece in ask.stream)
    parser, frames = RtuStream(), list[Frame]()
    for chunk in chunks(data, ask.cuts):
        frames += parser.feed(chunk)
        if draw.random() < 0.3:
            frames += parser.silence()
    assert_sound(frames, data, is_rtu=True)


@fuzzed
@given(data=st.binary(max_size=300), places=st.lists(st.integers(0, 300), max_size=4))
def test_arbitrary_bytes_yield_only_frames_that_stand_in_them(data: bytes, places: list[int]) -> None:
    rtu, tcp = RtuStream(), TcpStream()
    assert_sound([frame for chunk in chunks(data, places) for frame in rtu.feed(chunk)], data, is_rtu=True)
    assert len(rtu._held) <= 255
    with contextlib.suppress(OutOfStepError):
        frames = [frame for chunk in chunks(data, places) for frame in tcp.feed(chunk)]
        assert_sound(frames, data, is_rtu=False)


@fuzzed
@given(seed=seeds)
def test_every_sound_frame_between_noise_is_found(seed: int) -> None:
    ask = made_ask(random.Random(seed), harms=("none",))
    frames = [encoded(piece, None) for piece in ask.stream]
    data = NOISE + b"".join(frame + NOISE for frame in frames)
    parser = RtuStream()
    found = [frame for chunk in chunks(data, ask.cuts) for frame in parser.feed(chunk)]
    assert [sound(frame, is_rtu=True) for frame in found] == frames


@fuzzed
@given(seed=seeds)
def test_a_tcp_stream_yields_only_frames_that_stand_in_it(seed: int) -> None:
    ask = made_ask(random.Random(seed))
    data = b"".join(encoded(piece, 7) for piece in ask.stream)
    parser, frames = TcpStream(), list[Frame]()
    with contextlib.suppress(OutOfStepError):
        for chunk in chunks(data, ask.cuts):
            frames += parser.feed(chunk)
    assert_sound(frames, data, is_rtu=False)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@fuzzed
@given(seed=seeds)
def test_a_link_takes_only_the_answer_to_what_it_asked(seed: int, runner: asyncio.Runner) -> None:
    draw = random.Random(seed)
    script = [made_ask(draw) for _ in range(draw.randint(1, 3))]
    runner.run(played(script, is_rtu=draw.random() < 0.5))


async def played(script: list[Ask], *, is_rtu: bool) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    async def opened() -> socket.socket:
        return ours

    link: ModbusRtuLink | ModbusTcpLink = ModbusTcpLink("", 0)
    if is_rtu:
        link = ModbusRtuLink(opened, "", quiet_s=0.0, byte_s=0.0, gap_s=0.0, settle_s=0.0)
    link._opener = opened
    running = asyncio.create_task(link.run())
    await asyncio.sleep(0)
    try:
        for ask in script:
            await asked(link, theirs, ask, is_rtu=is_rtu)
    finally:
        theirs.close()
        await ended(running)


async def asked(link: ModbusRtuLink | ModbusTcpLink, line: socket.socket, ask: Ask, *, is_rtu: bool) -> None:
    reading = asyncio.create_task(link.read(ask.unit, ask.request, 30.0))
    await asyncio.sleep(0)
    if reading.done():  # the stream before was one that nobody understands
        assert reading.result().quality is Quality.DISCONNECTED
        return
    question = line.recv(300)
    transaction = None if is_rtu else HEADER.unpack_from(question)[0]
    said = b"".join(encoded(piece, transaction) for piece in ask.stream)
    for chunk in chunks(said, ask.cuts):
        with contextlib.suppress(ConnectionError):
            line.send(chunk)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    if not reading.done():
        await ended(reading)
        return
    assert_answers(reading.result(), said, ask, transaction)


def assert_answers(answer: Answer, said: bytes, ask: Ask, transaction: int | None) -> None:
    if answer.quality is Quality.GOOD:
        assert len(answer.registers) == ask.request.length
        assert any(framed(ask, pdu, transaction) in said for pdu in good_pdus(ask.request.function, answer))
        return
    if answer.detail.startswith("exception"):
        pdu = bytes((ask.request.function | 0x80, int(answer.detail.split()[1])))
    else:
        assert answer.registers == ()
        return
    assert framed(ask, pdu, transaction) in said


def good_pdus(function: int, answer: Answer) -> Iterator[bytes]:
    """What may have been said: of bits, those that fill the last byte may be anything."""
    bits = list(answer.registers)
    if function not in BIT_FUNCTIONS:
        yield registers_pdu(function, bits)
        return
    padding = -len(bits) % 8
    for filled in range(1 << padding):
        yield registers_pdu(function, bits + [filled >> place & 1 for place in range(padding)])


def framed(ask: Ask, pdu: bytes, transaction: int | None) -> bytes:
    return rtu_frame(ask.unit, pdu) if transaction is None else tcp_frame(transaction, ask.unit, pdu)
