"""The two official tables of a known month: every number, every row, and never another one later."""

import datetime as dt

import pytest

from cloud.reports.model import definitions
from cloud.reports.population import majors
from cloud.reports.sources import has_source
from cloud.reports.store import body_of
from tests.cloud.reports.past import Past, golden, on
from tests.cloud.web.serving import changing

JULY, AUGUST = on("07-01", "00:00"), on("08-01", "00:00")


@pytest.fixture
def past(site) -> Past:
    return Past(site.connection)


def computed(past, kind: str, cut_off: dt.datetime):
    return definitions()[kind].compute(past.connection, past.scope(cut_off))


def shown(report, *cells: str) -> list:
    """Each number, with what of it is the prefecture's and the county's where it is split."""
    found = []
    for cell in cells:
        number = report.values[cell]
        split = number.get("split")
        found.append((number["value"], split["prefecture"], split["county"]) if split else number["value"])
    return found


A = ("a1", "a2", "a3", "a4", "a5", "a6")


def test_june_is_counted_as_it_was(past):
    golden(past)
    june = computed(past, "appendix_1", JULY)
    assert shown(june, *A) == [3, 1, (3, 1, 2), (1, 0, 1), (2, 1, 1), (1, 0, 1)]
    assert june.values["proposed"]["value"] == 1
    assert all(check.ok for check in june.checks)
    rows = computed(past, "appendix_2", JULY)
    assert [row["content"][4:6] for row in rows.rows] == ["h8", "h1", "h4", "h5", "h2", "h7"]
    assert (rows.values["rows"]["value"], rows.values["fixed"]["value"]) == (6, 2)


def test_a_month_later_the_cumulative_numbers_have_grown_and_june_is_what_it_was(past):
    golden(past)
    june = definitions()["appendix_1"]
    before = body_of(june, past.scope(JULY), computed(past, "appendix_1", JULY), "")
    july = computed(past, "appendix_1", AUGUST)
    assert shown(july, "a1", "a2", "a3", "a4", "a6") == [4, 1, (3, 1, 2), (2, 1, 1), (2, 1, 1)]
    assert computed(past, "appendix_2", AUGUST).values["rows"]["value"] == 7
    assert body_of(june, past.scope(JULY), computed(past, "appendix_1", JULY), "") == before


def test_every_number_names_the_records_behind_it(past):
    ids = golden(past)
    june = computed(past, "appendix_1", JULY)
    behind = {cell: june.values[cell]["records"] for cell in A}
    assert set(behind["a1"]) == {str(ids[name].id) for name in ("h1", "h2", "h8")}
    assert behind["a6"] == [str(ids["h4"].id)]
    assert all(len(behind[cell]) == june.values[cell]["value"] for cell in A)


def test_what_nobody_keeps_is_unknown_and_what_is_kept_may_be_nothing(past):
    unknown = computed(past, "appendix_1", JULY)
    assert shown(unknown, *A) == [0, 0, (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    assert (unknown.values["b1"]["value"], unknown.values["b1"]["missing"]) == (None, "inspections")
    assert unknown.values["c3.amount"]["value"] is None
    declare(past, "inspections", past.province, "2023-05-01")
    declare(past, "enforcement", past.county, "2023-05-25")
    known = computed(past, "appendix_1", JULY)
    assert shown(known, "b1", "b8") == [(0, 0, 0), (0, 0, 0)]
    assert known.values["c3"]["value"] is None, "the other county keeps none"
    declare(past, "enforcement", past.other, "2023-05-01", "2023-06-10")
    assert computed(past, "appendix_1", JULY).values["c3"]["value"] is None, "not to the end"
    declare(past, "enforcement", past.other, "2023-06-11")
    known = computed(past, "appendix_1", JULY)
    assert shown(known, "c3", "c3.amount") == [(0, 0, 0), ("0.00", "0.00", "0.00")]
    assert known.sources == ["enforcement", "inspections"]


def declare(past, source: str, node: int, since: str, until: str | None = None) -> None:
    past.connection.execute(
        "INSERT INTO data_source (source, node, since, until, declared_at, author, account_id)"
        " VALUES (%s, %s, %s, %s, now(), 'test', %s)",
        [source, node, since, until, past.people["county_authority"]],
    )


def test_a_territory_without_sites_has_what_is_declared_for_it_alone(past):
    with changing(past.connection):
        empty = past._node("county", "丙县", "652303", past.prefecture)
    asked = (past.connection, "enforcement", empty, dt.date(2023, 6, 1), dt.date(2023, 7, 1))
    assert not has_source(*asked)
    declare(past, "enforcement", empty, "2023-06-01")
    assert has_source(*asked)


def test_a_county_reports_its_own(past):
    golden(past)
    scope = past.scope(JULY)
    found = majors(past.connection, type(scope)(node=past.other, campaign=scope.campaign, cut_off=JULY))
    assert [one.number for one in found] == ["h2", "h7"]


def test_a_site_that_was_handed_over_counts_where_it_stood_at_the_cut_off(past):
    golden(past)
    scope, later = type(past.scope(JULY)), dt.datetime.now(dt.UTC) + dt.timedelta(days=1)

    def of(node: int, cut_off: dt.datetime) -> list[str]:
        asked = scope(node=node, campaign="changji-2023", cut_off=cut_off)
        return [one.number for one in majors(past.connection, asked)]

    before = of(past.county, JULY), of(past.other, JULY)
    table = computed(past, "appendix_2", JULY)
    with changing(past.connection):
        past.connection.execute("UPDATE site SET territory = %s WHERE site = 'east'", [past.other])
    assert (of(past.county, JULY), of(past.other, JULY)) == before
    assert computed(past, "appendix_2", JULY) == table
    assert of(past.county, later) == []
    assert len(of(past.other, later)) == 7
    monthly = definitions()["monthly"].compute
    assert (
        monthly(past.connection, scope(node=past.county, campaign="changji-2023", cut_off=JULY)).values[
            "all"
        ]["value"]
        == len(before[0]) + 1
    )


def test_a_county_that_was_handed_over_counts_where_it_hung_at_the_cut_off(past):
    golden(past)
    before = computed(past, "appendix_1", JULY)
    with changing(past.connection):
        past.connection.execute(
            "UPDATE tree_node SET parent = %(top)s, path = '/' || %(top)s || '/' || node || '/'"
            " WHERE node = %(node)s",
            {"top": past.province, "node": past.other},
        )
    assert computed(past, "appendix_1", JULY) == before, "it is handed over today"
    later = past.scope(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    assert {one.site for one in majors(past.connection, later)} == {"east"}
