"""Pages that follow from data must follow it, and nobody finds a key that its page leaves out."""

import importlib.util
import re
from pathlib import Path

import msgspec
import pytest

from cloud import settings
from edge import settings as gateway_settings
from edge.vision import settings as vision_settings
from sitewarden import cameras
from sitewarden.collision import model as collision
from sitewarden.profiles import model

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
SECTIONS = [
    (page, structure)
    for page, module in (
        ("profile-keys", model),
        ("gateway-settings", gateway_settings),
        ("gateway-settings", vision_settings),
        ("gateway-settings", cameras),
        ("gateway-settings", collision),
        ("cloud-settings", settings),
    )
    for structure in vars(module).values()
    if isinstance(structure, type) and structure.__module__ == module.__name__
    if issubclass(structure, msgspec.Struct) and structure.__struct_config__.forbid_unknown_fields
    if structure.__struct_fields__ and structure is not collision.Crane
    if getattr(structure.__mro__[1], "__struct_fields__", ()) != structure.__struct_fields__
]


@pytest.mark.parametrize(("page", "structure"), SECTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_the_page_lists_exactly_the_keys_that_a_file_may_have(
    page: str, structure: type[msgspec.Struct]
) -> None:
    text = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    title = structure.__name__.removeprefix("_")
    found = re.search(rf"^## {title}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page}.md has no section {title}"
    listed = re.findall(r"^\| `(\w+)` \|", found[1], re.MULTILINE)
    assert listed == own_keys(structure)


def own_keys(structure: type[msgspec.Struct]) -> list[str]:
    """Those that it has over the structure it builds on, whose section lists the others."""
    above = structure.__mro__[1]
    of_above = getattr(above, "__struct_fields__", ())
    return [key for key in structure.__struct_fields__ if key not in of_above]


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
