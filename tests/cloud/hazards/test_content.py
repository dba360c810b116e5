"""What a record says in words."""

import datetime as dt

import pytest

from cloud.hazards.content import Facts, content
from sitewarden.text import Text

AT = dt.datetime(2026, 11, 28, 6, 55, 7, tzinfo=dt.UTC)


def facts(*, kind: str, value: float, limit: float, unit: str) -> Facts:
    return Facts(
        device=Text("堆场", "Yard"),
        label=Text("有人未戴安全帽", "No helmet"),
        kind=kind,
        value=value,
        limit=limit,
        unit=unit,
        raised_at=AT,
        cleared_at=AT + dt.timedelta(seconds=31.6),
    )


def test_of_what_is_only_set_or_not_no_figures_without_a_unit_are_told():
    said = content(facts(kind="vision.bare_head", value=1, limit=1, unit="1"))
    assert said == Text(
        "堆场：有人未戴安全帽。2026-11-28 06:55:07 起，持续 31.6 秒。",
        "Yard: No helmet. From 2026-11-28 06:55:07, lasted 31.6 s.",
    )


@pytest.mark.parametrize(
    ("kind", "value", "limit", "unit", "told"),
    [
        ("vision.intruders", 3, 1, "1", "禁入区域人数最不利值 3，限值 1；"),
        ("crane.load", 1, 1, "t", "起重量最不利值 1.00 t，限值 1.00 t；"),
    ],
)
def test_how_many_and_how_much_are_told_beside_their_limit(kind, value, limit, unit, told):
    assert f"。{told}2026-11-28" in content(facts(kind=kind, value=value, limit=limit, unit=unit)).zh
