"""A scenario that cannot be meant is refused with file, line and mend."""

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_sim.scenario import read_scenario
from sitewarden.errors import ConfigurationError
from tests.firmware_sim.conftest import SCENARIO

Write = Callable[[str], Path]


def test_a_sound_scenario_resolves_profiles_and_charts(scenario_file: Path) -> None:
    site = read_scenario(scenario_file)
    crane = site.cast["crane-1"]
    assert crane.profile.profile == "reference-tower-crane"
    assert crane.chart is not None
    assert crane.chart.chart == "tc5610-like"
    assert site.scenario.step_ms == 50


@pytest.mark.parametrize(
    ("wrong", "right", "says", "mend"),
    [
        ("seed: 7", "sed: 7", "unknown key", "Did you mean `seed`?"),
        ("unit: 2", "unit: 1", "unit 1 is taken", "free one"),
        ("device: pit-1", "device: crane-1", "`crane-1` is given twice", "its own name"),
        ("profile: reference-tower-crane", "profile: crane", "no profile `crane`", "reference-tower-crane"),
        ("jib_m: 56", "jib_m: 60", "longer than the chart", "56 or less"),
        ("jib_m: 56", "jib_m: -1", "a number > 0.0", "a number above 0"),
        ("mast_m: 40", "falls: 3\n          mast_m: 40", "no line for 3 falls", "4, 2"),
        ("h4: {along: 0.7}", "h9: {along: 0.7}", "no point `h9`", "h1, h2"),
        ("h4: {along: 0.7}", "h4: {along: 1.7}", "<= 1.0", "from 0 to 1"),
        ("watch: {displacement", "watch: {wind", "a pit has no wind", "displacement"),
        ("peak_percent: 112", "peak_percent: 80", "> 90.0", "90 to 150"),
        ("bus: north", "transport: serial\n    bus: north", "invalid enum value", ""),
        ("bus: north", "baudrate: 9600\n    bus: north", "no baudrate", "name a transport"),
        ("bus: north", "link: line\n    bus: north", "no terminal", "transport: rtu"),
        ("unit: 1", "silent: 1\n        unit: 1", "expected true or false", ""),
    ],
)
def test_a_mistake_is_named_with_its_line_and_mend(
    write_scenario: Write, *, wrong: str, right: str, says: str, mend: str
) -> None:
    before, found, after = SCENARIO.partition(wrong)
    assert found
    with pytest.raises(ConfigurationError) as caught:
        read_scenario(write_scenario(before + right + after))
    assert says in caught.value.message
    assert mend in caught.value.mend
    assert caught.value.line == before.count("\n") + 1


@pytest.mark.parametrize(
    ("load_chart", "says"),
    [("        load_chart: tc9999\n", "not a shipped load chart"), ("", "needs a load chart")],
)
def test_a_crane_without_a_chart_of_its_own_cannot_work(
    write_scenario: Write, load_chart: str, says: str
) -> None:
    text = SCENARIO.replace("        load_chart: tc5610-like\n", load_chart)
    with pytest.raises(ConfigurationError, match=says):
        read_scenario(write_scenario(text))


def test_physics_that_do_not_fit_the_profile_are_refused(write_scenario: Write) -> None:
    text = SCENARIO.replace("profile: reference-pit-displacement", "profile: reference-tower-crane")
    with pytest.raises(ConfigurationError, match="does not fit a crane"):
        read_scenario(write_scenario(text))


@pytest.mark.parametrize("unit", [0, 248])
def test_a_unit_that_no_serial_line_can_address_is_refused(write_scenario: Write, unit: int) -> None:
    text = SCENARIO.replace("bus: north", "bus: north\n    transport: rtu").replace(
        "unit: 2", f"unit: {unit}"
    )
    with pytest.raises(ConfigurationError, match=f"unit {unit} cannot be asked"):
        read_scenario(write_scenario(text))
