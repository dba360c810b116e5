"""Bodies survive the wire whole, and nothing unclear is let in."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden import messages
from sitewarden.errors import MessageError
from sitewarden.messages import (
    Block,
    Command,
    Readings,
    Receipt,
    Series,
    Status,
    Steps,
    decode,
    encode,
    encode_packed,
    readings_of,
    series_of,
)
from sitewarden.quality import Quality
from sitewarden.readings import Reading

PACKED = b'{"v":1,"boot":"b","seq":1,"at":1,"series":[],"blocks":[%s]}'
instants = st.integers(1_500_000_000_000, 2_000_000_000_000)
good = st.builds(Reading, st.sampled_from(["c/a", "c/b"]), instants, st.floats(-1e6, 1e6))
bad = st.builds(
    Reading, st.sampled_from(["c/a", "p/x"]), instants, st.none(), st.sampled_from(list(Quality)[1:])
)


def batch(readings: list[Reading], at_ms: int) -> Readings:
    return Readings(boot="b", seq=1, at=at_ms, series=series_of(readings, at_ms))


@given(st.lists(good | bad, max_size=200), instants)
def test_readings_come_back_as_they_were(readings: list[Reading], at_ms: int) -> None:
    received = decode(encode(batch(readings, at_ms)), Readings)
    assert sorted(readings_of(received.series, received.at), key=str) == sorted(readings, key=str)


decimal = st.builds(
    Reading, st.sampled_from(["c/a", "c/b"]), instants, st.integers(-(10**8), 10**8).map(lambda k: k / 100)
)


@given(st.lists(good | bad | decimal, max_size=200), instants)
def test_back_fill_comes_back_as_it_was(readings: list[Reading], at_ms: int) -> None:
    sent = batch(readings, at_ms)
    received = decode(encode_packed(sent), Readings)
    assert sorted(received.series, key=lambda s: s.p) == sorted(sent.series, key=lambda s: s.p)
    assert received.blocks == []


def test_back_fill_costs_half_of_what_plain_columns_cost() -> None:
    rows = [
        Reading(f"crane-1/p{p}", 1000 * i, (300 + p + i // 3 + (i * 7 + p) % 5) / 100)
        for i in range(300)
        for p in range(20)
    ]
    message = batch(rows, 0)
    assert b"blocks" in zlib.decompress(encode_packed(message))
    assert len(encode_packed(message)) < len(encode(message)) / 2


def test_zero_is_a_reading_not_a_gap() -> None:
    received = decode(encode(batch([Reading("c/a", 5, 0.0)], 5)), Readings)
    assert readings_of(received.series, received.at) == [Reading("c/a", 5, 0.0, Quality.GOOD)]


def test_every_body_names_its_version_first() -> None:
    for message in (
        batch([], 1),
        Receipt(boot="b", lane="alarms", seqs=[]),
        Status(state="offline", boot="b", at=1),
    ):
        assert encode(message).startswith(b'{"v":1,')


def test_a_large_body_is_compressed_and_a_small_one_is_not() -> None:
    many = batch([Reading("crane-1/load", 1000 + i, 3.15) for i in range(600)], 1000)
    assert encode(many)[0] == 0x78
    assert decode(encode(many), Readings) == many
    assert encode(batch([Reading("c/a", 1, 1.0)], 1))[:1] == b"{"


def test_thirty_polls_of_twenty_points_cost_at_most_three_bytes_a_value() -> None:
    rows = [
        Reading(f"crane-1/p{p}", 1000 * i, round(3 + p + 0.01 * ((i * 7 + p) % 5), 2))
        for i in range(30)
        for p in range(20)
    ]
    assert len(encode(batch(rows, 0))) / len(rows) < 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "garbage"),
        (b"\xff\xfe", "garbage"),
        (b"[1,2]", "garbage"),
        (b"{" * 50_000, "garbage"),
        (b'{"v":1}', "garbage"),
        (b'{"v":1,"boot":"b","seq":0,"at":1,"series":[]}', "garbage"),
        (b'{"v":1,"boot":"b","seq":1,"at":1,"series":[{"p":"a","t":[1,2],"x":[1]}]}', "garbage"),
        (b'{"v":1,"boot":"b","seq":1,"at":1,"series":[{"p":"a","t":[1],"x":[null]}]}', "garbage"),
        (PACKED % b'{"t":[1,2],"s":[{"p":"a","e":1,"d":[1]}]}', "garbage"),
        (PACKED % b'{"t":[1],"s":[{"p":"a","e":1,"d":[null]}]}', "garbage"),
        (PACKED % b'{"t":[1],"s":[{"p":"a","e":7,"d":[1]}]}', "garbage"),
        (PACKED % (b'{"t":[1],"s":[{"p":"a","e":1,"d":[%s]}]}' % (b"9" * 400)), "garbage"),
        (b'{"v":2,"boot":"b","seq":1,"at":1,"series":[]}', "version"),
        (b"x" * (messages.MAX_BODY_BYTES + 1), "oversized"),
        (zlib.compress(b" " * (messages.MAX_UNPACKED_BYTES + 1)), "oversized"),
        (zlib.compress(b'{"v":1}' * 100)[:-3], "garbage"),
        (b"\x78\x00 not zlib", "garbage"),
    ],
)
def test_what_is_unclear_is_refused_by_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode(body, Readings)
    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    for kind in (Readings, messages.Alarm, Status, Receipt):
        try:
            decode(body, kind)
        except MessageError:
            continue


def test_an_unknown_extra_field_is_let_pass_for_newer_gateways() -> None:
    body = b'{"v":1,"boot":"b","seq":1,"at":1,"series":[],"later":true}'
    assert decode(body, Readings).seq == 1


def test_what_is_too_large_to_send_is_refused_at_the_sender() -> None:
    rows = [Series(p="a/b", t=list(range(200_000)), x=[float(i) for i in range(200_000)])]
    with pytest.raises(MessageError, match="oversized"):
        encode(Readings(boot="b", seq=1, at=0, series=rows))


def test_messages_are_frozen() -> None:
    with pytest.raises(AttributeError):
        batch([], 1).seq = 2  # type: ignore[misc]
    assert msgspec.structs.replace(batch([], 1), seq=2).seq == 2


def receipt(seqs: str) -> bytes:
    return b'{"v":1,"boot":"b","lane":"alarms","seqs":%s}' % seqs.encode()


@pytest.mark.parametrize(
    "seqs", ["[[0,1]]", "[[-1,2]]", "[[1,9223372036854775808]]", f"[{'[1,1],' * 10_000}[1,1]]"]
)
def test_a_receipt_of_absurd_numbers_is_refused(seqs: str) -> None:
    assert decode(receipt("[[1,9223372036854775807]]"), Receipt).seqs == [(1, 2**63 - 1)]
    with pytest.raises(MessageError, match="garbage"):
        decode(receipt(seqs), Receipt)


def test_who_acknowledges_has_a_name_of_bounded_length() -> None:
    command = Command(command="acknowledge", by="x" * 128)
    assert decode(encode(command), Command) == command
    with pytest.raises(MessageError, match="garbage"):
        decode(encode(msgspec.structs.replace(command, by="x" * 129)), Command)


def test_a_body_may_not_swell_into_more_readings_than_a_reader_can_hold() -> None:
    steps = [Steps(p=f"crane-1/p{p}", e=0, d=[0] * 1000) for p in range(60)]
    head = b'{"v":1,"boot":"b","seq":1,"at":0,"series":[],"blocks":[%s]}'
    largest = zlib.compress(head % msgspec.json.encode(Block(t=[0] * 1000, s=steps)))
    assert sum(len(series.t) for series in decode(largest, Readings).series) == 60_000
    swollen = zlib.compress(head % msgspec.json.encode(Block(t=[0] * 1000, s=[*steps, steps[0]])))
    assert len(swollen) < 4000
    with pytest.raises(MessageError, match="60000 readings"):
        decode(swollen, Readings)
    plain = b'{"v":1,"boot":"b","seq":1,"at":0,"series":[{"p":"c/a","t":[%s0],"x":[%s0]}]}'
    with pytest.raises(MessageError, match="60000 readings"):
        decode(zlib.compress(plain % (b"0," * 60_000, b"0," * 60_000)), Readings)
