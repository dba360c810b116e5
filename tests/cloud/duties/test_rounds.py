"""Rounds of full coverage: their days by each circular, and three grains of what has been looked at."""

import datetime as dt

from cloud.duties.due import Span
from cloud.duties.kinds import kinds
from cloud.duties.rounds import Found, covered, round_at, rounds_in
from cloud.jurisdictions.loading import jurisdiction


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def dates(name: str, year: int) -> list[tuple[str, str]]:
    rounds = rounds_in(jurisdiction(name), year)
    return [(one.span.since.isoformat(), one.span.until.isoformat()) for one in rounds]


def test_each_circular_has_its_own_rounds():
    assert dates("changzhi", 2023) == [("2023-04-05", "2023-06-30"), ("2023-07-01", "2023-09-30")]
    assert dates("changzhi", 2024) == []
    half_years = [("2026-01-01", "2026-06-30"), ("2026-07-01", "2026-12-31")]
    assert dates("jinjiang", 2026) == dates("hainan", 2026) == half_years


def test_between_rounds_and_after_the_last_it_is_the_last_that_was():
    one = round_at(jurisdiction("changzhi"), day("2026-11-27"))
    assert one is not None
    assert (one.no, one.span.until) == (2, day("2023-09-30"))
    assert round_at(jurisdiction("changzhi"), day("2023-01-05")) is None
    found = round_at(jurisdiction("jinjiang"), day("2026-07-01"))
    assert found is not None
    assert found.no == 2


def check(on: str, site="a", devices=(), kind="authority_check", enterprise=None):
    return {"day": day(on), "site": site, "devices": list(devices), "kind": kind, "enterprise": enterprise}


def words(zh: str) -> dict:
    return {"zh": zh, "en": zh}


def machine(site: str, device: str, serial: str) -> dict:
    return {
        "site": site,
        "device": device,
        "name": words(device),
        "serial_no": serial,
        "property_no": "P-" + serial,
    }


def looked_at(*inspections, sources=("inspections", "enterprise_checks"), today="2026-08-01"):
    one = round_at(jurisdiction("jinjiang"), day(today))
    assert one is not None
    assert one.span == Span(since=day("2026-07-01"), until=day("2026-12-31"))
    found = Found(
        enterprises=[{"node": 7, "name": words("甲公司")}],
        sites=[{"site": "a", "name": words("甲")}, {"site": "b", "name": words("乙")}],
        devices=[machine("a", "crane-1", "S1"), machine("a", "crane-2", ""), machine("b", "crane-1", "S3")],
        inspections=list(inspections),
        sources=frozenset(sources),
    )
    return covered(one, found, kinds().rounds, day(today))


def test_a_project_that_is_inspected_twice_counts_once():
    found = looked_at(check("2026-07-02"), check("2026-07-20", devices=["crane-1"]))
    assert (found.projects.looked_at, found.projects.all) == (1, 2)
    assert [one.id for one in found.projects.missing] == ["b"]
    assert found.days_left == 152


def test_a_crane_that_nobody_named_is_listed_by_its_number():
    found = looked_at(check("2026-07-20", devices=["crane-1"]))
    missing = [(one.site, one.serial_no) for one in found.devices.missing]
    assert missing == [("a", "P-"), ("b", "S3")]


def test_what_was_before_the_round_or_over_the_network_or_by_itself_is_no_coverage():
    found = looked_at(
        check("2026-06-30"), check("2026-07-01", kind="remote_patrol"), check("2026-07-01", kind="self_check")
    )
    assert found.projects.looked_at == 0
    assert (
        looked_at(check("2026-07-01", None, kind="enterprise_check", enterprise=7)).enterprises.looked_at == 1
    )


def test_without_a_source_it_says_so():
    found = looked_at(sources=())
    assert not (found.projects.source_declared)
    assert not (found.enterprises.source_declared)
