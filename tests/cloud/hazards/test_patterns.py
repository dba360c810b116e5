"""What records have in common is found by what holds in their territory, and shown with the records."""

import datetime as dt
import uuid

import pytest

from cloud.hazards.patterns import patterns
from tests.cloud.hazards.test_opening import close_all
from tests.cloud.site import now_ms, raised

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def row(site: str, *, days: float = 1, **changes) -> dict:
    """A record of a clause, at a project of an enterprise in a county."""
    fields = {
        "id": uuid.uuid4(),
        "number": f"{site}-1",
        "site": site,
        "opened_at": NOW - dt.timedelta(days=days),
        "status": "confirmed",
        "category": {"zh": "起重机械", "en": "Lifting machinery"},
        "danger": uuid.uuid4().hex,
        "repeat_no": 0,
        "reason_code": None,
        "clause": {"edition": "2024", "id": "8-5", "text": "…"},
        "maker": "M",
        "model": "X1",
        "county": 1,
        "county_name": {"zh": "县", "en": "County"},
        "enterprise": 2,
        "enterprise_name": {"zh": "公司", "en": "Company"},
        "jurisdiction": None,
    }
    return {**fields, **changes}


def found(*rows: dict) -> list[tuple[str, int]]:
    return [(one.kind, one.times) for one in patterns(rows, NOW)]


def test_a_clause_at_three_projects_of_an_enterprise_is_common():
    assert found(row("a"), row("b")) == []
    assert found(row("a"), row("b"), row("b")) == []
    assert found(row("a"), row("b"), row("c")) == [("enterprise_clause", 3)]
    assert found(row("a"), row("b"), row("c", days=31)) == []
    assert found(row("a"), row("b"), row("c", status="rejected")) == []
    assert found(row("a"), row("b"), row("c", clause=None)) == []


def test_a_clause_at_five_projects_of_a_county_is_common_whoever_builds():
    rows = [row(site, enterprise=place) for place, site in enumerate("abcde")]
    assert found(*rows) == [("county_clause", 5)]
    assert found(*rows[:4]) == []


def test_a_danger_that_came_back_is_listed_with_all_its_records():
    assert found(row("a", danger="d"), row("a", danger="d", repeat_no=1)) == [("repeat", 2)]


@pytest.mark.parametrize(("times", "is_found"), [(2, False), (3, True)])
def test_a_model_whose_alarms_are_judged_sensor_faults_is_named(times, is_found):
    faults = [row("a", status="rejected", reason_code="sensor_fault") for _ in range(times)]
    assert found(*faults) == ([("sensor_fault", times)] if is_found else [])


def test_the_pages_get_what_came_back(site, web):
    site.born().deliver(raised())
    assert web.get("/hazards/patterns").json() == {"items": []}
    close_all(site, now_ms())
    site.deliver(raised(), now=now_ms() + 1000)
    (shown,) = web.get("/hazards/patterns").json()["items"]
    assert (shown["kind"], shown["times"], len(shown["records"])) == ("repeat", 2, 2)
