"""The service's unit is understood by systemd itself, and leaves the agent no more than it needs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.left_out import leave_out_optional

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "sitewarden-edge.service"
MOST_EXPOSURE = 20
"""In tenths, as systemd counts; 0 is a service that can do nothing at all."""


@pytest.fixture
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        leave_out_optional("systemd is not installed")
    return found


def test_systemd_has_nothing_to_say_against_the_unit(systemd_analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    program = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    unit.write_text(program)
    asked = subprocess.run([systemd_analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (asked.stdout + asked.stderr).strip() == ""


def test_the_agent_is_left_little_that_it_could_misuse(systemd_analyze: str) -> None:
    command = [systemd_analyze, "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", UNIT]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in asked.stderr:
        leave_out_optional("this systemd cannot judge a unit that is not loaded")
    assert asked.returncode == 0, asked.stdout
