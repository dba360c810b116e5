"""What a profile may not say is refused with its line, its field and the mend."""

from pathlib import Path

import pytest

from sitewarden.errors import ConfigurationError
from sitewarden.profiles import read_profile

PROFILE = """\
profile: oven
version: 1
device_kind: other
products: []
source: made for this test
verified: simulator
driver: modbus
modbus: {transports: [tcp], function: 3}
groups: {main: {interval_ms: 1000}}
points:
  heat: {kind: weather.temperature, unit: °C, register: 3, scale: 0.1}
"""


def refused(folder: Path, before: str, after: str) -> ConfigurationError:
    assert before in PROFILE
    file = folder / "oven.yaml"
    file.write_text(PROFILE.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_profile(file)
    return caught.value


@pytest.mark.parametrize("function", [5, 6, 15, 16, 22, 23])
def test_a_function_that_writes_is_refused_for_what_it_is(function: int, tmp_path: Path) -> None:
    whole = refused(tmp_path, "function: 3", f"function: {function}")
    assert (whole.line, whole.field) == (8, "modbus.function")
    assert f"function {function}: SiteWarden only reads" in str(whole)
    one = refused(tmp_path, "register: 3", f"register: 3, function: {function}")
    assert (one.line, one.field) == (11, "points.heat.function")
    assert "4 for input registers" in one.mend


@pytest.mark.parametrize("key", ["write", "write_function", "writes"])
def test_a_key_that_asks_for_writing_is_told_why_there_is_none(key: str, tmp_path: Path) -> None:
    error = refused(tmp_path, "register: 3", f"register: 3, {key}: 6")
    assert (error.line, error.field) == (11, f"points.heat.{key}")
    assert "never writes to a device" in error.message


@pytest.mark.parametrize(
    ("keys", "field", "says"),
    [
        ("type: int32, bits: [0, 3]", "bits", "not defined"),
        ("type: bcd32, bit: 3", "bit", "not defined"),
        ("bit: 3, bits: [0, 3]", "bits", "beside `bit`"),
        ("bits: [3, 3]", "bits", "ends before it begins"),
        ("function: 1, bit: 0", "bit", "one bit and no more"),
        ("function: 2, type: int16", "type", "one bit and no more"),
        ("type: bcd8", "type", "bcd8"),
        ("byte_order: middle", "byte_order", "middle"),
    ],
)
def test_parts_of_registers_that_cannot_be_meant_are_refused(
    keys: str, field: str, says: str, tmp_path: Path
) -> None:
    error = refused(tmp_path, "register: 3", f"register: 3, {keys}")
    assert (error.line, error.field) == (11, f"points.heat.{field}")
    assert says in str(error)


def test_coils_inputs_and_parts_of_registers_can_be_meant(tmp_path: Path) -> None:
    file = tmp_path / "oven.yaml"
    more = (
        '  door: {kind: hoist.door.entry, unit: "1", function: 2, register: 0}\n'
        '  falls: {kind: crane.falls, unit: "1", register: 4, bits: [4, 7]}\n'
        '  floor: {kind: hoist.floor, unit: "1", register: 5, type: bcd16, byte_order: little}\n'
    )
    file.write_text(PROFILE + more, encoding="utf-8")
    assert list(read_profile(file).points) == ["heat", "door", "falls", "floor"]
