"""What a person types for a line is understood, or refused with the part that is wrong."""

import pytest

from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusTcp
from edge.trial.command import units_of
from edge.trial.target import target_of
from sitewarden.errors import UsageError


def test_every_transport_has_its_way_to_write_it() -> None:
    assert target_of("tcp://192.168.1.50:1502?unit=7") == (ModbusTcp(host="192.168.1.50", port=1502), 7)
    assert target_of("tcp://[::1]") == (ModbusTcp(host="::1"), 1)
    line = ModbusRtu(serial="/dev/ttyUSB0", baudrate=19200, parity="even", stop_bits=2)
    assert target_of("rtu:///dev/ttyUSB0?baudrate=19200&parity=even&stop_bits=2&unit=3") == (line, 3)
    server = ModbusRtuOverTcp(host="server", port=4001, timeout_ms=900)
    assert target_of("rtu+tcp://server:4001?timeout_ms=900") == (server, 1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("192.168.1.50", "names no line"),
        ("http://192.168.1.50", "names no line"),
        ("tcp://", "the host is missing"),
        ("tcp://host:99999", "out of range"),
        ("tcp://host/registers", "`/registers`"),
        ("tcp://host?unit=300", "unit 300"),
        ("tcp://host?unit", "unit"),
        ("tcp://host?baudrate=9600", "baudrate"),
        ("rtu://dev/ttyUSB0", "three slashes"),
        ("rtu:///dev/ttyUSB0?parity=odds", "parity"),
        ("rtu+tcp://host", "port"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_an_example(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"tcp://192\.168\.1\.50:502") as caught:
        target_of(url)
    assert says in str(caught.value)


def test_units_are_spans_and_numbers() -> None:
    assert units_of("1-3,7, 2") == [1, 2, 3, 7]


@pytest.mark.parametrize("text", ["0-3", "1-248", "7-3", "a", "1,,2", ""])
def test_units_that_nobody_has_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1-32"):
        units_of(text)
