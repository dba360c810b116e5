"""Simple forms: each does what its name says, and a file's column is played as it stands."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim import forms
from firmware_sim.model import Constant, Csv, Ramp, Sine, Stairs, Walk
from firmware_sim.player import Player
from firmware_sim.scenario import read_scenario
from sitewarden.errors import ConfigurationError

SCENARIO = """\
scenario: plain
seed: 5
buses:
  - bus: b
    devices:
      - device: crane-1
        profile: reference-tower-crane
        unit: 1
        physics:
          kind: simple
          points:
            load: {form: csv, file: loads.csv, column: load, every_s: 2}
            radius: {form: ramp, start: 10, end: 40, over_s: 60}
            limiter_bypass: {form: stairs, values: [0, 1], hold_s: 5}
      - {device: pit-1, profile: reference-pit-displacement, unit: 2}
"""
LOADS = "at,load\n1,1.5\n2,\n3,2.25\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str = SCENARIO, loads: str = LOADS) -> Path:
        (tmp_path / "loads.csv").write_text(loads, encoding="utf-8")
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_each_form_does_what_its_name_says() -> None:
    assert forms.read(Constant(value=3.0), 0.0, 99.0) == 3.0
    sine = Sine(low=1.0, high=3.0, period_s=40.0)
    assert [forms.read(sine, 0.0, t) for t in (0.0, 10.0, 30.0)] == pytest.approx([2.0, 3.0, 1.0])
    ramp = Ramp(start=1.0, end=5.0, over_s=4.0, at_s=2.0, every_s=10.0)
    assert [forms.read(ramp, 0.0, t) for t in (0.0, 2.0, 4.0, 6.0, 11.0, 14.0)] == [1, 1, 3, 5, 5, 3]
    stairs = Stairs(values=[1.0, 7.0], hold_s=3.0)
    assert [forms.read(stairs, 0.0, t) for t in (0.0, 2.9, 3.0, 6.0)] == [1, 1, 7, 1]
    column = Csv(file="", column="", every_s=2.0)
    assert [forms.read(column, 0.0, t, [1.0, None]) for t in (0.0, 2.0, 4.1)] == [1.0, None, 1.0]


@given(st.integers(), st.floats(-50, 50), st.floats(0, 100), st.floats(0.001, 1000))
def test_a_walk_never_leaves_its_borders(seed: int, low: float, width: float, wander: float) -> None:
    walk, rng = Walk(low=low, high=low + width, wander=wander), Random(seed)
    place = forms.start(walk)
    for _ in range(50):
        place = forms.step(walk, place, dt_s=0.05, rng=rng)
        assert low - 1e-9 <= place <= low + width + 1e-9


def test_a_walk_strays_as_far_as_it_may() -> None:
    walk, rng = Walk(low=-1e6, high=1e6, wander=2.0), Random(1)
    places = [forms.start(walk)]
    for _ in range(4000):
        places.append(forms.step(walk, places[-1], dt_s=0.25, rng=rng))
    strayed = [later - earlier for earlier, later in zip(places[::4], places[4::4], strict=False)]
    assert (sum(s * s for s in strayed) / len(strayed)) ** 0.5 == pytest.approx(2.0, rel=0.1)


def test_a_scenario_plays_signals_and_what_is_left_out_does_what_is_usual(
    scenario: Callable[..., Path],
) -> None:
    site = read_scenario(scenario())
    player = Player(site.scenario, site.cast["crane-1"])
    said = [player.image().said]
    for _ in range(6):
        for _ in range(20):
            player.step()
        said.append(player.image().said)
    assert [moment["load"] for moment in said] == [1.5, 1.5, None, None, 2.25, 2.25, 1.5]
    assert [moment["radius"] for moment in said][:3] == [10.0, 10.5, 11.0]
    assert [moment["limiter_bypass"] for moment in said] == [0, 0, 0, 0, 0, 1, 1]
    assert {moment["falls"] for moment in said} == {4.0}
    quiet = Player(site.scenario, site.cast["pit-1"]).image().said
    assert all(value is not None and 99 < value < 105 for value in quiet.values())


@pytest.mark.parametrize(
    ("wrong", "right", "loads", "says"),
    [
        ("column: load", "column: weight", LOADS, "no column `weight`"),
        ("file: loads.csv", "file: no.csv", LOADS, "No such file"),
        ("load: {form: csv", "falls: {form: csv", LOADS, "no way to say 'no value'"),
        ("load: {form", "weight: {form", LOADS, "no point `weight`"),
        ("seed: 5", "seed: 5", "load\nheavy\n", "`heavy` is no number"),
        ("seed: 5", "seed: 5", "load\nnan\n", "no finite number"),
        ("seed: 5", "seed: 5", "load\n", "no rows"),
        ("form: ramp", "form: jump", LOADS, "nvalid value 'jump'"),
        ("seed: 5", "seed: 5\nprofiles: [mine]", LOADS, "not a folder"),
    ],
)
def test_a_signal_that_cannot_be_meant_is_refused(
    scenario: Callable[..., Path], *, wrong: str, right: str, loads: str, says: str
) -> None:
    assert wrong in SCENARIO
    with pytest.raises(ConfigurationError, match=says):
        read_scenario(scenario(SCENARIO.replace(wrong, right), loads))


def test_profiles_of_ones_own_lie_in_a_folder_beside_the_scenario(
    scenario: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "own.yaml").write_text(
        "profile: own\nversion: 1\ndevice_kind: other\nproducts: []\nsource: this test\nverified: simulator\n"
        "driver: modbus\nmodbus: {transports: [tcp]}\ngroups: {main: {interval_ms: 1000}}\n"
        "points: {heat: {kind: weather.temperature, unit: °C, register: 0, scale: 0.1}}\n",
        encoding="utf-8",
    )
    text = SCENARIO.replace("seed: 5", "seed: 5\nprofiles: [mine]").replace(
        "reference-pit-displacement", "own"
    )
    assert read_scenario(scenario(text)).cast["pit-1"].profile.profile == "own"
