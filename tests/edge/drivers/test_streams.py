"""Frames in a stream that comes in pieces, with noise between them."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.drivers.goyo import HEADER, GoyoTalk
from edge.drivers.hj212 import Hj212Talk, framed
from edge.drivers.speaking import Heard, Talk
from edge.drivers.streams import MOST_BEGUN, Stream

DATA = "QN=20240601083000000;ST=39;CN=2011;PW=1;MN={};Flag=4;CP=&&DataTime=20240601083000;LA-Rtd={}&&"
MNS = st.from_regex("[A-Z0-9]{1,24}", fullmatch=True)
PACKETS = st.builds(lambda mn, value: framed(DATA.format(mn, value)), MNS, st.integers(0, 9999))


def crane_frame(number: str, kind: int = 1, time: str = "260504083015") -> bytes:
    data = number.encode().ljust(8, b"\0") + b"0" * 18 + bytes.fromhex(time) + bytes(45)
    return HEADER + bytes([kind]) + len(data).to_bytes(2, "little") + data + b"\0\x7d\x7d"


FRAMES = st.from_regex("[A-Z0-9]{1,6}", fullmatch=True).map(crane_frame)


def hear(talk: Talk, data: bytes, pieces: list[int] | None = None) -> list[Heard]:
    """What is heard of it, in pieces of these sizes, over and over."""
    heard: list[Heard] = []
    sizes = pieces or [len(data) or 1]
    turn = 0
    while data:
        size = sizes[turn % len(sizes)]
        heard += talk.hear(data[:size])
        data, turn = data[size:], turn + 1
    return heard


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A frame that lost its end, got a wrong byte, says a wrong length, or is no frame at all."""
    frame = draw(whole)
    way = draw(st.sampled_from(("cut", "byte", "length", "noise", "header")))
    if way == "cut":
        return frame[: draw(st.integers(1, len(frame) - 1))]
    if way == "byte":
        place = draw(st.integers(0, len(frame) - 1))
        return frame[:place] + bytes([frame[place] ^ draw(st.integers(1, 255))]) + frame[place + 1 :]
    if way == "length":
        return frame[:2] + draw(st.binary(min_size=4, max_size=4)) + frame[6:]
    return draw(st.binary(max_size=300)) if way == "noise" else frame[:3] * draw(st.integers(1, 50))


@settings(max_examples=150, deadline=None)
@given(st.lists(PACKETS, min_size=1, max_size=6), st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_packets_are_the_same_however_the_stream_is_cut(packets: list[bytes], pieces: list[int]) -> None:
    talk = Hj212Talk()
    found = [heard.identity for heard in hear(talk, b"".join(packets), pieces)]
    assert found == [heard.identity for packet in packets for heard in Hj212Talk().hear(packet)]
    assert len(found) == len(packets)
    assert talk.broken == 0


@settings(max_examples=300, deadline=None)
@given(st.lists(broken(PACKETS), max_size=5), PACKETS, st.lists(st.integers(1, 99), min_size=1, max_size=5))
def test_whatever_came_before_the_next_good_packet_is_understood(
    noise: list[bytes], packet: bytes, pieces: list[int]
) -> None:
    (expected,) = Hj212Talk().hear(packet)
    heard = hear(Hj212Talk(), b"".join(noise) + packet, pieces)
    assert heard
    assert heard[-1].body == expected.body


@settings(max_examples=300, deadline=None)
@given(st.lists(broken(FRAMES), max_size=5), FRAMES, st.lists(st.integers(1, 99), min_size=1, max_size=5))
def test_whatever_came_before_the_next_good_frame_is_understood(
    noise: list[bytes], frame: bytes, pieces: list[int]
) -> None:
    (expected,) = GoyoTalk().hear(frame)
    heard = hear(GoyoTalk(), b"".join(noise) + frame, pieces)
    # A frame has no checksum: noise that has its head, its length and its tail where they belong is one.
    assert expected.body in [one.body for one in heard] or any(expected.body[:9] in n for n in noise)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.lists(st.integers(1, 500), min_size=1, max_size=5))
def test_noise_raises_nothing(noise: bytes, pieces: list[int]) -> None:
    for talk in (Hj212Talk(), GoyoTalk()):
        hear(talk, noise, pieces)


def test_ten_megabytes_without_an_end_are_not_kept() -> None:
    for talk, piece in ((Hj212Talk(), b"##4000QN=1"), (GoyoTalk(), HEADER + b"\x01\xff\x03")):
        tracemalloc.start()
        chunk = piece + bytes(4096 - len(piece))
        for _ in range(10 * 1024 * 1024 // 4096):
            assert list(talk.hear(chunk)) == []
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100_000
        assert talk.broken > 1000
    assert list(Hj212Talk().hear(framed(DATA.format("M1", 1))))


def test_a_frame_that_was_not_sound_is_looked_at_once_however_the_rest_comes() -> None:
    looked: list[bytes] = []

    def is_sound(frame: bytes) -> bool:
        looked.append(frame)
        return False

    stream = Stream(b"#", lambda buffer, start: 4 if len(buffer) > start else None, is_sound, 64)
    for byte in b"#########" * 20:
        assert list(stream.feed(bytes([byte]))) == []
    assert len(looked) == 9 * 20 - 3
    assert stream.broken == len(looked)


def test_what_begins_again_and_again_and_never_ends_is_not_kept() -> None:
    stream = Stream(b"#", lambda *_: 1000, lambda _: True, 1000)
    for _ in range(50):
        list(stream.feed(b"#x" * 10))
        assert len(stream._buffer) <= 2 * MOST_BEGUN


def test_a_stranger_who_sends_byte_by_byte_has_no_byte_looked_at_again_and_again() -> None:
    looks = 0

    def size_of(buffer: bytearray, start: int) -> int:
        nonlocal looks
        looks += 1
        return 4000 if buffer[start + 2 : start + 3] == b"!" else 0

    stream = Stream(b"##", size_of, lambda _: False, 4096)
    assert list(stream.feed(b"##!" + b"#" * 3000)) == []
    for _ in range(500):
        assert list(stream.feed(b"#")) == []
    assert looks < 3000 + 3 * 500, "once a header, and once a piece whatever waits for its rest"
