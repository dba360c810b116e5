"""A small scenario that every test of the simulator can start from."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCENARIO = """\
scenario: small
seed: 7
buses:
  - bus: north
    devices:
      - device: crane-1
        profile: reference-tower-crane
        unit: 1
        load_chart: tc5610-like
        physics:
          kind: crane
          jib_m: 56
          mast_m: 40
          start: {radius_m: 30, hook_height_m: 10}
          overloads: [{at_s: 6, peak_percent: 112, limiter: fails}]
        watch: {load_ratio: [90, 100, 110], wind: [10.8]}
      - device: pit-1
        profile: reference-pit-displacement
        unit: 2
        physics:
          kind: pit
          points:
            h1: {along: 0.1}
            h2: {along: 0.3}
            h3: {along: 0.5}
            h4: {along: 0.7}
          stages:
            - {days_before: 12, mm: 5}
            - {days_before: 7, mm: 5}
          live: [{at_s: 8, mm: 11, over_s: 12}]
        watch: {displacement: [14, 20]}
"""

STEPS = """\
scenario: bench
seed: 3
buses:
  - bus: b
    devices:
      - device: crane-9
        profile: reference-tower-crane
        unit: 9
        load_chart: tc5610-like
        physics:
          kind: steps
          point: load
          below: 1.0
          beyond: 2.7
          below_s: [0.5, 1.0]
          beyond_s: [0.5, 1.0]
          steady: {radius: 30, falls: 4}
        watch: {load_ratio: [100]}
"""


@pytest.fixture
def write_scenario(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a scenario's text to a file."""

    def write(text: str = SCENARIO) -> Path:
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def scenario_file(write_scenario: Callable[[str], Path]) -> Path:
    return write_scenario(SCENARIO)
