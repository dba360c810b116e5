"""The command line answers with its documented exit status."""

from pathlib import Path

import pytest

from sitewarden.cli import main

ROOT = Path(__file__).parents[2]


def test_a_sound_profile_is_said_to_be_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "check", str(ROOT / "sitewarden/profiles/reference-tower-crane.yaml")]) == 0
    assert "9 points" in capsys.readouterr().out


def test_a_bad_profile_is_exit_status_2_with_file_line_and_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("profile: x\nversion: one\n", encoding="utf-8")
    assert main(["profiles", "check", str(file)]) == 2
    assert f"{file}:2: version:" in capsys.readouterr().err


def test_the_shipped_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "list"]) == 0
    assert "reference-pit-displacement" in capsys.readouterr().out
