"""The page of faults lists every fault with its keys, and no others."""

import re
from pathlib import Path

import pytest

from firmware_sim.faults import KINDS, Fault

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|[^|]+\|[^|]+\|$", PAGE, re.MULTILINE))


def test_the_page_lists_every_fault() -> None:
    assert list(ROWS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_lists_exactly_the_keys_of_its_own_that_a_fault_has(kind: str) -> None:
    own = set(KINDS[kind].__struct_fields__) - {*Fault.__struct_fields__, "device", "bus"}
    assert set(re.findall(r"`(\w+)`", ROWS[kind])) == own


def test_the_page_lists_exactly_the_keys_that_every_fault_has() -> None:
    section = PAGE.partition("## Every fault")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(Fault.__struct_fields__)
