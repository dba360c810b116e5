"""However the bytes of a connection are cut, every message comes once, in order, and nothing is swallowed."""

import socket
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.ingest.buffered import BufferedSocket, Heard

MESSAGES = st.builds(
    Heard,
    st.binary(max_size=9),
    st.one_of(st.binary(max_size=9), st.integers(100, 20_000).map(bytes)),
    st.integers(0, 65_535),
    st.booleans(),
)


def packet(message: Heard) -> bytes:
    number = struct.pack("!H", message.mid) if message.mid else b""
    rest = struct.pack("!H", len(message.topic)) + message.topic + number + message.body
    return bytes([0x30 | 2 * bool(message.mid) | message.is_retained]) + length(len(rest)) + rest


def length(size: int) -> bytes:
    size, digit = divmod(size, 128)
    return bytes([digit | (0x80 if size else 0)]) + (length(size) if size else b"")


def heard(read: BufferedSocket) -> list[Heard]:
    return list(iter(read.message, None))


def pair() -> tuple[socket.socket, BufferedSocket]:
    there, here = socket.socketpair()
    here.setblocking(False)
    return there, BufferedSocket(here)


@settings(max_examples=40, deadline=None)
@given(st.lists(MESSAGES, max_size=6), MESSAGES, st.data())
def test_whole_messages_are_taken_and_of_one_in_parts_not_a_byte(messages, last, data):
    whole, begun = b"".join(map(packet, messages)), packet(last)
    cut = data.draw(st.integers(0, len(begun) - 1))
    there, read = pair()
    with there, read._plain:
        there.sendall(whole + begun[:cut])
        assert heard(read) == messages
        there.sendall(begun[cut:])
        rest = b""
        while len(rest) < len(begun):
            rest += read.recv(7)
        assert rest == begun, "paho takes it from its beginning"


def test_what_is_no_message_or_one_of_quality_2_or_broken_is_left_to_paho():
    others = [
        b"\x40\x02\x00\x01",
        b"\x34\x07\x00\x01a\x00\x01xy",
        b"\x30\x02\x00\x09",
        b"\x30\xff\xff\xff\xff\x01",
    ]
    for other in others:
        there, read = pair()
        with there, read._plain:
            there.sendall(other)
            assert heard(read) == []
            assert read.recv(100) == other


def test_an_end_is_found_by_paho():
    there, read = pair()
    there.close()
    with read._plain:
        assert heard(read) == []
        assert read.recv(1) == b""
