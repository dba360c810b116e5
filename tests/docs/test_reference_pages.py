"""Pages that follow from data must follow it, and nobody finds a key that its page leaves out."""

import importlib.util
import re
from pathlib import Path

import msgspec
import pytest

from sitewarden.profiles import model

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
KEYS = (REFERENCE / "profile-keys.md").read_text(encoding="utf-8")
SECTIONS = [
    structure
    for structure in vars(model).values()
    if isinstance(structure, type) and structure.__module__ == model.__name__
]


@pytest.mark.parametrize("structure", SECTIONS, ids=lambda structure: structure.__name__)
def test_the_page_lists_exactly_the_keys_of_a_profile(structure: type[msgspec.Struct]) -> None:
    found = re.search(rf"^## {structure.__name__}\n(.*?)(?=^#|\Z)", KEYS, re.MULTILINE | re.DOTALL)
    assert found
    listed = re.findall(r"^\| `(\w+)` \|", found[1], re.MULTILINE)
    assert listed == list(structure.__struct_fields__)


def test_the_pages_made_from_data_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec
    assert spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    stale = [
        page
        for page, content in reference.pages().items()
        if (REFERENCE / page).read_text(encoding="utf-8") != content
    ]
    assert stale == [], "run: .venv/bin/python scripts/reference.py"
