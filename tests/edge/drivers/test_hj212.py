"""HJ 212 packets against the public ones."""

from datetime import datetime

import pytest

from edge.drivers.decoding import decoder_of
from edge.drivers.hj212 import Hj212Talk, crc, framed, parsed
from edge.drivers.speaking import NotUnderstoodError
from sitewarden.profiles import load_profiles
from tests.edge.drivers.test_streams import DATA

NOW = datetime(2026, 5, 4, 8, 30)  # noqa: DTZ001  a device's own time has no zone
MN = "010000A8900016F000169DC0"
STANDARD = f"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={MN};Flag=5;CP=&&RtdInterval=30&&1C80\r\n"
ASKED = (
    f"##0193QN=20240601083000000;ST=39;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&DataTime=20240601083000;"
    "a34002-Rtd=165.0,a34002-Flag=N;a34004-Rtd=82.0,a34004-Flag=N;LA-Rtd=68.3,LA-Flag=N&&7940\r\n"
)
WRONG_CHECKSUM = (
    f"##0091QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={MN};Flag=5;CP=&&RtdInterval=30&&EF98\r\n"
)


def test_the_standard_s_own_packet_is_sound() -> None:
    (heard,) = Hj212Talk().hear(STANDARD.encode())
    assert heard.identity == MN
    assert heard.body.head["CN"] == "1062"


def test_a_packet_that_asks_for_it_is_answered_as_the_public_answer_is() -> None:
    (heard,) = Hj212Talk().hear(ASKED.encode())
    assert heard.answer is not None
    assert heard.answer(NOW) == (
        f"##0087QN=20240601083000000;ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&0440\r\n".encode()
    )


def test_a_packet_that_asks_for_none_is_not_answered() -> None:
    (heard,) = Hj212Talk().hear(framed(DATA.format("M1", 60)))
    assert heard.answer is None


@pytest.mark.parametrize("length", ["0091", "0101"])
def test_the_public_sample_with_a_wrong_checksum_is_refused(length: str) -> None:
    talk = Hj212Talk()
    assert list(talk.hear(WRONG_CHECKSUM.replace("##0091", f"##{length}").encode())) == []
    assert list(talk.hear(STANDARD.encode()))
    assert talk.broken > 0


def test_the_public_sample_whose_length_and_checksum_are_wrong_is_refused() -> None:
    data = DATA.format("M1", 60).ljust(431, "&")
    talk = Hj212Talk()
    assert list(talk.hear(f"##0428{data}0b40\r\n".encode())) == []
    assert len(list(talk.hear(STANDARD.encode()))) == 1


def test_the_checksum_is_not_that_of_modbus() -> None:
    assert crc(b"123456789") != 0x4B37


def test_a_wrong_password_is_told_and_nothing_of_the_packet_is_taken() -> None:
    (heard,) = Hj212Talk("secret").hear(ASKED.encode())
    assert heard.refusal == "wrong PW"
    assert heard.body is None
    assert heard.answer is None


def test_minutes_beside_live_data_say_nothing_of_now() -> None:
    decode = decoder_of(load_profiles()["hj212-dust-noise"])
    minutes = DATA.format("M1", 60).replace("CN=2011", "CN=2051").replace("LA-Rtd", "LA-Avg")
    assert decode(parsed(minutes.encode())).values == []


@pytest.mark.parametrize(
    "data",
    [
        DATA.format("M1", 60).replace("ST=39", "ST=32"),
        DATA.format("M1", 60).replace("DataTime=20240601083000", "DataTime=20241301083000"),
    ],
)
def test_what_the_profile_does_not_describe_is_not_understood(data: str) -> None:
    decode = decoder_of(load_profiles()["hj212-dust-noise"])
    with pytest.raises(NotUnderstoodError):
        decode(parsed(data.encode()))


def test_a_packet_without_data_is_no_packet() -> None:
    talk = Hj212Talk()
    assert list(talk.hear(framed("QN=1;ST=39;CN=2011"))) == []
    assert talk.broken == 1
