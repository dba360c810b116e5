"""Who may do what: every act, every role, every level, against the table that people have agreed on."""

from pathlib import Path

import pytest
import yaml

from tests.cloud.hazards.who import reckoned

AGREED = yaml.safe_load((Path(__file__).parent / "who_may.yaml").read_text(encoding="utf-8"))
FOUND = reckoned()


def test_the_table_speaks_of_every_act():
    assert list(FOUND) == list(AGREED)


@pytest.mark.parametrize("act", AGREED)
def test_each_role_may_what_the_table_says_and_nothing_else(act):
    agreed = {level: (roles or "").split() for level, roles in AGREED[act].items()}
    assert {level: roles.split() for level, roles in FOUND[act].items()} == agreed
