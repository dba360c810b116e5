"""The doctor finds out whose file it is, tells in words or JSON, and answers with its exit status."""

import re
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from sitewarden.cli import main
from sitewarden.doctor import command
from sitewarden.doctor.command import Report, exit_status, lines_of, usual_files
from sitewarden.doctor.model import Check, Result
from sitewarden.errors import UsageError

CHECK = Check("disk.free", "how much is free", "An outage leaves a gap.")


def test_the_exit_status_says_the_worst_that_a_program_must_know() -> None:
    sound, unknown = CHECK.ok("much"), CHECK.unknown("not seen")
    found, silent = CHECK.finding("little", "make room"), CHECK.unreachable("nobody", "start it")
    assert exit_status([sound, unknown, CHECK.note("much")]) == 0
    assert exit_status([sound, found]) == 1
    assert exit_status([found, silent]) == 3


def test_what_is_wrong_is_told_with_why_and_mend_and_what_is_well_in_one_line() -> None:
    told = "\n".join(lines_of(CHECK.finding("10 MiB", "make room", subject="/data")))
    assert re.fullmatch(r"FINDING +disk\.free +/data: 10 MiB\n +why: +An out.*\n +mend: make room", told)
    assert len(list(lines_of(CHECK.ok("much")))) == 1


def test_without_a_file_those_in_the_usual_place_are_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the file"):
        usual_files(tmp_path)
    for name in ("cloud.yaml", "gateway.yaml", "other.yaml"):
        (tmp_path / name).touch()
    assert [file.name for file in usual_files(tmp_path)] == ["gateway.yaml", "cloud.yaml"]


def test_a_file_of_nobody_is_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("scenario: s\n")
    assert main(["doctor", str(file)]) == 2
    assert "`database:`, `gateway:`, `listen:`, `sites:`" in capsys.readouterr().err
    assert main(["doctor", str(tmp_path / "none.yaml")]) == 2


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("gateway: gw-1\nbuses: []\n", "edge"),
        ("listen: x\nsites: []\n", "cloud"),
        ("database: {}\n", "cloud"),
    ],
)
def test_whose_file_it_is_its_keys_tell(text: str, program: str, tmp_path: Path) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(text)
    assert command._examiner_of(file)[0] == program


def test_a_program_that_is_not_installed_is_exit_status_2_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = metadata.EntryPoint("sites", "cloud.nothing_there:examine", command.GROUP)
    monkeypatch.setattr(command.metadata, "entry_points", lambda **_: [entry])
    file = tmp_path / "cloud.yaml"
    file.write_text("sites: []\n")
    with pytest.raises(UsageError, match=r"pip install 'sitewarden\[cloud\]'"):
        command._examiner_of(file)


def test_the_json_has_a_stable_form() -> None:
    assert msgspec.json.schema(Report)["$defs"]["Result"]["properties"].keys() == {
        *("check", "subject", "status", "what", "why", "mend"),
    }
    report = Report(
        exit=1,
        examined=[command.Examined(program="edge", file="g.yaml", results=[CHECK.finding("a", "b")])],
    )
    assert msgspec.json.decode(msgspec.json.encode(report)) == {
        "form": 1,
        "exit": 1,
        "examined": [
            {
                "program": "edge",
                "file": "g.yaml",
                "results": [
                    {
                        "check": "disk.free",
                        "subject": "",
                        "status": "finding",
                        "what": "a",
                        "why": CHECK.why,
                        "mend": "b",
                    }
                ],
            }
        ],
    }
    assert isinstance(CHECK.ok("x"), Result)
