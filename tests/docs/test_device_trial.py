"""The page on trials names every check that there is, and no other."""

import re
from pathlib import Path
from typing import get_args

from sitewarden.profiles.findings import CheckName

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "device-trial.md"


def test_the_page_lists_every_check() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert listed == list(get_args(CheckName))
