"""The command line answers with its documented exit status."""

import argparse
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sitewarden.cli import main
from sitewarden.plugins import absent

ROOT = Path(__file__).parents[2]


def test_a_sound_profile_is_said_to_be_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "check", str(ROOT / "sitewarden/profiles/reference-tower-crane.yaml")]) == 0
    assert "9 points" in capsys.readouterr().out


def test_a_bad_profile_is_exit_status_2_with_file_line_and_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("profile: x\nversion: one\ndriver: modbus\n", encoding="utf-8")
    assert main(["profiles", "check", str(file)]) == 2
    assert f"{file}:2: version:" in capsys.readouterr().err


def test_a_profile_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "show", "dual-axis-inclinometer"]) == 0
    shown = capsys.readouterr().out
    assert "holding register 2, int32, high word first" in shown
    assert "-90 to 90" in shown


def test_what_is_not_installed_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    entry = metadata.EntryPoint("scan", "edge.nothing_there:register", "sitewarden.profiles")
    absent(parser.add_subparsers(), entry, ImportError("No module named 'serial'"))
    args = parser.parse_args(["scan", "tcp://somewhere"])
    assert args.run(args) == 2
    assert "pip install 'sitewarden[edge]'" in capsys.readouterr().err


def test_the_shipped_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "list"]) == 0
    assert "reference-pit-displacement" in capsys.readouterr().out


ON_A_GATEWAY = """
import sys
for missing in ("numpy", "pyarrow", "fastapi", "psycopg", "paho.mqtt", "amqtt", "cv2", "aiomqtt"):
    sys.modules[missing] = None
from sitewarden.cli import main
main(["--help"])
"""


def test_the_commands_are_listed_also_where_little_is_installed() -> None:
    asked = subprocess.run([sys.executable, "-c", ON_A_GATEWAY], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "profiles" in asked.stdout
