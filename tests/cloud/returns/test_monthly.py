"""The monthly report: as of its cut-off, with the records behind each number; unknown is not zero."""

import io

import openpyxl
import pytest

from cloud.exports import Mark
from cloud.reports.model import definitions
from cloud.returns.monthly import layout
from tests.cloud.reports.past import Past, golden, on

JULY = on("07-01", "00:00")


@pytest.fixture
def past(site) -> Past:
    return Past(site.connection)


def counted(past, cut_off):
    return definitions()["monthly"].compute(past.connection, past.scope(cut_off))


def values(computed, *cells) -> list:
    return [computed.values[cell]["value"] for cell in cells]


def test_a_month_is_counted_as_of_its_cut_off_whatever_happens_later(past):
    made = golden(past)
    june = counted(past, JULY)
    assert values(june, "found", "found_general", "found_major", "found_self") == [7, 1, 6, 4]
    assert values(june, "rectified", "all", "all_rectified") == [2, 7, 2]
    assert values(june, "majors", "majors_rectified", "listed", "listed_rectified") == [6, 2, 2, 1]
    assert set(june.values["listed"]["records"]) == {str(made["h4"].id), str(made["h5"].id)}
    assert values(june, "theme") == ["起重机械"]
    assert set(june.values["theme"]["records"]) == set(june.values["found"]["records"])
    assert june.head["month_from"] == "2023-06-01"
    assert set(june.values) == {cell for section in layout().sections for cell in section.cells}
    made["h2"].fixed(on("07-10"))
    assert counted(past, JULY) == june
    assert values(counted(past, on("08-01", "00:00")), "found", "rectified", "all_rectified") == [1, 2, 4]


def test_a_month_without_anything_is_zeros_and_what_nobody_keeps_is_unknown(past):
    empty = counted(past, JULY)
    assert values(empty, "found", "all", "overdue", "majors", "listed", "alarms") == [0] * 6
    assert values(empty, "near_miss", "fatal", "duty.principal_check", "reaction") == [None] * 4
    lacking = {cell: number["missing"] for cell, number in empty.values.items() if number["value"] is None}
    assert lacking["near_miss"] == "incidents"
    assert lacking["projects_looked_at"] == lacking["devices_looked_at"] == "inspections"
    assert lacking["enterprises_looked_at"] == "enterprise_checks"
    assert (lacking["reaction"], lacking["false_share"], lacking["theme"]) == ("nothing",) * 3
    said = " ".join(line.zh for line in empty.footer)
    for words in ("其中本轮已排查（个）、本轮已排查设备（台）——检查记录未接入", "对企业的抽查记录未接入"):
        assert words in said
    book = openpyxl.load_workbook(
        io.BytesIO(definitions()["monthly"].render(empty, Mark("甲", on("07-01"), "Asia/Shanghai")))
    )
    assert book.sheetnames == ["月报", "重大隐患", "说明"]
    cells = {row[0].value: row[1].value for row in book["月报"].iter_rows(min_row=2)}
    assert len([name for name in cells if name[:2] in {f"{n}、" for n in "一二三四五六七八九"}]) == 9
    assert cells["本月亡人事故（起） Fatal accidents of this month"] == "—"
    assert cells["本月认定隐患（个） Hazards of this month"] == 0


def test_where_incidents_are_kept_none_is_zero(past):
    past.connection.execute(
        "INSERT INTO data_source (source, node, since, declared_at, author, account_id)"
        " VALUES ('incidents', %s, '2023-01-01', now(), 'test', %s)",
        [past.prefecture, past.people["city_authority"]],
    )
    kept = counted(past, JULY)
    assert values(kept, "near_miss", "non_fatal", "fatal", "details_late") == [0] * 4


def test_what_was_reopened_counts_as_rectified_in_the_month_in_which_it_was_put_right(past):
    h8 = golden(past)["h8"]
    assert str(h8.id) not in counted(past, JULY).values["rectified"]["records"]
    h8.plan(on("07-02")).fixed(on("07-10"))
    july = counted(past, on("08-01", "00:00"))
    assert str(h8.id) in july.values["rectified"]["records"]
