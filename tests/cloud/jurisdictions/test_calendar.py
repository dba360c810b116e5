"""What is due when: by the circulars' own days."""

import datetime as dt

from cloud.jurisdictions.calendar import days_of, due_between
from cloud.jurisdictions.loading import jurisdiction


def due(name: str, since: str, until: str) -> list[tuple[str, str]]:
    found = due_between(jurisdiction(name), dt.date.fromisoformat(since), dt.date.fromisoformat(until))
    return [(one.on.isoformat(), one.what.zh) for one in found]


def test_the_monthly_return_is_due_on_the_day_that_the_territory_says():
    assert due("lvliang", "2025-01-01", "2025-02-28") == [("2025-01-01", "月报"), ("2025-02-01", "月报")]
    assert due("changji", "2025-01-01", "2025-02-28") == [("2025-01-28", "月报"), ("2025-02-28", "月报")]


def test_a_return_tells_up_to_its_day():
    (monthly,) = due_between(jurisdiction(), dt.date(2025, 3, 1), dt.date(2025, 3, 31))
    assert monthly.cut_off == dt.date(2025, 3, 1)


def test_some_are_due_once_and_some_every_year():
    assert ("2024-02-29", "实施方案") in due("lvliang", "2024-01-01", "2026-12-31")
    yearly = [on for on, what in due("lvliang", "2024-01-01", "2026-12-31") if what == "年度总结"]
    assert yearly == ["2024-11-30", "2025-11-30", "2026-11-30"]
    assert days_of("02-29", 2025, 2025) == [dt.date(2025, 2, 28)]


def test_the_page_shows_each_figure_with_its_source(web):
    shown = web.get("/sites/demo/jurisdiction").json()
    assert shown["name"] == "default"
    judged = next(figure for figure in shown["figures"] if figure["name"] == "judge_major_s")
    assert (judged["value"], judged["confidence"], judged["own"]) == (1800, "practice", False)
    assert len([due for due in shown["calendar"] if due["what"]["zh"] == "月报"]) in {12, 13}
