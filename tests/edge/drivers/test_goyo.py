"""GOYO frames: who speaks, and what they are answered."""

from datetime import datetime

import pytest

from edge.drivers.goyo import HEADER, GoyoTalk
from edge.drivers.speaking import NEVER, Heard
from tests.edge.drivers.test_streams import crane_frame

NOW = datetime(2026, 5, 4, 8, 30, 15)  # noqa: DTZ001  a device's own time has no zone
NUMBER = b"GY0017\0\0"


def heartbeat(time: str) -> bytes:
    return HEADER + b"\x00\x0e\x00" + NUMBER + bytes.fromhex(time) + b"\0\x7d\x7d"


def one(talk: GoyoTalk, frame: bytes) -> Heard:
    (heard,) = talk.hear(frame)
    return heard


def answer(heard: Heard) -> str:
    assert heard.answer is not None
    return heard.answer(NOW).hex(" ")


def test_a_heartbeat_of_a_right_clock_is_answered() -> None:
    heard = one(GoyoTalk(), heartbeat("260504083014"))
    assert len(heartbeat("260504083014")) == 23
    assert (heard.identity, heard.body) == ("GY0017", None)
    assert answer(heard) == "7e 7e 11 00 01 00 00 00 7d 7d"


@pytest.mark.parametrize("time", ["260504083019", "260504082900", "990000000000", "ffffffffffff"])
def test_a_wrong_clock_is_set_right(time: str) -> None:
    assert answer(one(GoyoTalk(), heartbeat(time))) == "7e 7e 11 00 07 00 01 26 05 04 08 30 15 00 7d 7d"


def test_a_clock_is_left_alone_while_the_gateway_has_none_that_is_set() -> None:
    heard = one(GoyoTalk(), heartbeat("260504082900"))
    assert heard.answer is not None
    assert heard.answer(None).hex(" ") == "7e 7e 11 00 01 00 00 00 7d 7d"


def test_live_data_have_the_device_s_number_and_its_instant() -> None:
    heard = one(GoyoTalk(), crane_frame("GY0017"))
    assert (heard.identity, heard.at, heard.is_past) == ("GY0017", NOW, False)
    assert heard.answer is None
    assert len(heard.body) == 86


def test_an_instant_that_cannot_be_read_is_no_reason_to_lose_the_frame() -> None:
    assert one(GoyoTalk(), crane_frame("GY0017", time="26130408301f")).at is NEVER


def test_kept_data_are_of_the_past_and_answered_so_that_they_come_once() -> None:
    heard = one(GoyoTalk(), crane_frame("GY0017", kind=3))
    assert heard.is_past
    assert answer(heard) == "7e 7e 11 03 00 00 00 7d 7d"


def test_a_driver_s_card_belongs_to_whoever_spoke_before_and_is_answered() -> None:
    talk, card = GoyoTalk(), b"110101199001011234"
    person = HEADER + b"\x02\x1a\x00\x00" + card + bytes.fromhex("260504083015") + b"\0\0\x7d\x7d"
    assert len(person) == 35
    assert list(talk.hear(person)) == [], "nobody has said yet which crane this is"
    list(talk.hear(heartbeat("260504083015")))
    heard = one(talk, person)
    assert heard.identity == "GY0017"
    assert answer(heard) == f"7e 7e 11 02 14 00 00 {card.hex(' ')} 01 00 7d 7d"


def test_types_that_say_nothing_here_are_passed_over() -> None:
    talk = GoyoTalk()
    assert list(talk.hear(HEADER + b"\x04\x02\x00ab\0\x7d\x7d")) == []
    assert talk.broken == 0
