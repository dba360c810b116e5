"""A trap of pytest: a folder of tests without `__init__.py` can stand in front of a package of ours."""

from pathlib import Path

TESTS = Path(__file__).parent


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {file.parent for file in TESTS.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
